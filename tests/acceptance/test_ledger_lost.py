"""A ledger whose file vanishes or is replaced while `trueup run` works, that is empty, or that was brought further."""

import json
import os
import subprocess
import sys
from pathlib import Path

import apsw
import pytest

from tests.acceptance.test_cli_configured import Desk
from tests.patience import PATIENCE_S
from trueup.ledgers.sqlite import open_sqlite
from trueup.model.errors import RestartNeeded
from trueup.model.snapshot import Profile


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def running(desk: Desk) -> subprocess.Popen[str]:
    """`trueup run` after its first run of every account."""
    config = desk.folder / "trueup.toml"
    process = subprocess.Popen(
        [sys.executable, "-m", "trueup", "run", "--interval", "0.05", "--config", str(config)],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "reconciliation_run_completed" in line:
            return process
    raise AssertionError("it ended before its first run")


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Its exit code, and what it said last."""
    with process:
        _, said = process.communicate(timeout=PATIENCE_S)
    return process.returncode, said.strip().splitlines()[-1]


@pytest.mark.parametrize("replaced", [False, True])
def test_a_file_that_vanishes_ends_the_service(desk: Desk, replaced: bool) -> None:
    process = running(desk)
    ledger = desk.folder / "trueup.sqlite"
    if replaced:
        other = open_sqlite(desk.folder / "other.sqlite")
        other.close()
        os.replace(desk.folder / "other.sqlite", ledger)
    else:
        ledger.unlink()
    code, said = ended(process)
    assert code == 1
    assert "removed or replaced" in said


def test_a_newer_schema_ends_the_service(desk: Desk) -> None:
    process = running(desk)
    connection = apsw.Connection(str(desk.folder / "trueup.sqlite"))
    connection.set_busy_timeout(round(1000 * PATIENCE_S))
    connection.execute(
        "INSERT INTO trueup_migrations (number, name, checksum) VALUES (99, '0099_later', 'x')"
    )
    connection.close()
    code, said = ended(process)
    assert code == 1
    assert "start the newer trueup" in said


def test_a_bot_that_records_into_a_removed_file_is_told(tmp_path: Path) -> None:
    ledger = open_sqlite(tmp_path / "ledger.db")
    (tmp_path / "ledger.db").unlink()
    with pytest.raises(RestartNeeded, match="nothing more is written"):
        ledger.journal.ensure_profiles([Profile(profile_id="p", account_id="a")])
    ledger.close()


def test_a_ledger_made_anew_is_told(desk: Desk) -> None:
    events = [json.loads(line)["event"] for line in _run_once(desk)]
    assert "reconciliation_ledger_created" not in events
    (desk.folder / "trueup.sqlite").unlink()
    events = [json.loads(line)["event"] for line in _run_once(desk)]
    assert events[0] == "reconciliation_ledger_created"


def _run_once(desk: Desk) -> list[str]:
    command = [sys.executable, "-m", "trueup", "run", "--once", "--config", str(desk.folder / "trueup.toml")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    return [line for line in done.stderr.splitlines() if line.startswith("{")]


@pytest.mark.parametrize("command", ["status", "breaks", "verify", "export orders", "quarantine list"])
def test_commands_that_look_refuse_an_empty_file(desk: Desk, command: str) -> None:
    ledger = desk.folder / "trueup.sqlite"
    for left in desk.folder.glob("trueup.sqlite*"):
        left.unlink()
    ledger.touch()
    result = desk.call(*command.split(), code=10)
    assert "holds no books" in result.stderr
    assert ledger.stat().st_size == 0
