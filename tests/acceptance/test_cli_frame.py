"""What holds for every command: help without weight, errors in a line, exit codes."""

import ast
import contextlib
import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.patience import PATIENCE_S
from trueup.surfaces.cli.main import COMMANDS, commands

HEAVY = (
    *("apsw", "sqlite3", "psycopg", "aiohttp", "http.client", "urllib.request", "ssl", "socket"),
    *(
        "starlette",
        "uvicorn",
        "jinja2",
        "ccxt",
        "rich",
        "msgspec",
        "asyncio",
        "prometheus_client",
        "hypothesis",
    ),
)
NAMES = [name for section in COMMANDS.values() for name in section]


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from trueup.surfaces.cli.main import commands\n"
        "try: commands(['--help'])\n"
        "except SystemExit: pass\n"
        f"print(sorted(set({HEAVY}) & set(sys.modules)), file=sys.stderr)\n"
        "print(sorted(name for name in sys.modules if name.startswith('trueup.')), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=PATIENCE_S
    )
    heavy, ours = done.stderr.splitlines()
    assert heavy == "[]"
    assert ast.literal_eval(ours) == [
        "trueup.model",
        "trueup.model.errors",
        "trueup.model.harmless",
        "trueup.surfaces",
        "trueup.surfaces.cli",
        "trueup.surfaces.cli.main",
        "trueup.surfaces.cli.terminal",
    ]
    for name in NAMES:
        assert f"  {name}" in done.stdout


@pytest.mark.parametrize("name", NAMES)
def test_every_command_has_help(name: str) -> None:
    result = CliRunner().invoke(commands, [name, "--help"])
    assert result.exit_code == 0
    assert result.stdout.startswith(f"Usage: trueup {name}") or "Usage: commands" in result.stdout


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (["pln"], "No such command 'pln': did you mean plan?"),
        (["xyz"], "No such command 'xyz'"),
        (["plan", "--snapshott", "x"], "No such option"),
        (["snapshot", "--local", "x"], "Missing option '--venue'"),
        (["explain"], "Missing argument"),
        (["export", "nothing"], "Invalid value for 'TABLE': 'nothing' is not one of 'orders'"),
        (["run", "--interval", "0"], "Invalid value for '--interval'"),
        (["sim", "serve", "--port", "99999"], "Invalid value for '--port'"),
    ],
)
def test_usage_errors_exit_64_with_one_line(args: list[str], expected: str) -> None:
    result = CliRunner().invoke(commands, args)
    assert result.exit_code == 64
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert expected in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_without_a_configuration_the_next_step_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for args in (["plan"], ["status"], ["run", "--once"]):
        result = CliRunner().invoke(commands, args)
        assert result.exit_code == 10, args
        assert "trueup init" in result.stderr
        assert len(result.stderr.splitlines()) == 1


def test_a_closed_standard_output_is_no_traceback() -> None:
    code = (
        "import sys; sys.stdout = None; sys.argv = ['trueup', 'version']\n"
        "from trueup.surfaces.cli.main import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=PATIENCE_S
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_group_of_commands_alone_shows_its_commands_line_by_line() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "trueup", "outbox"], capture_output=True, text=True, check=False, timeout=300
    )
    assert (done.returncode, done.stdout) == (64, "")
    assert re.search(r"^  retry  ", done.stderr, re.MULTILINE)


def hear_interrupts() -> None:
    """In the child: whoever starts the tests in the background has it inherit that interrupts are ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_an_interrupt_at_a_question_ends_its_line(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    asking = subprocess.Popen(
        [sys.executable, "-m", "trueup", "init"],
        cwd=tmp_path,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        preexec_fn=hear_interrupts,
    )
    os.close(theirs)
    shown = b""
    while b"[alpaca]: " not in shown:
        shown += os.read(ours, 4096)
    while asking.poll() is None:  # one that comes just before the line is read is seen with the next only
        asking.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):  # and one that comes while it ends would kill it
            asking.wait(timeout=10)
    assert asking.returncode == 130
    assert os.read(ours, 4096).endswith(b"\r\n")
    os.close(ours)
