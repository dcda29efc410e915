"""The pages about the command line say what the command line does."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from tests.patience import PATIENCE_S
from trueup.surfaces.cli.main import COMMANDS, commands

ROOT = Path(__file__).parents[3]
REFERENCE = (ROOT / "docs/reference/command-line.md").read_text()
COMMON = {"--config", "--json", "--no-color", "--help"}


def options() -> Iterator[tuple[str, str]]:
    """Every command with every option that it does not share with all others."""
    context = click.Context(commands)
    for name in commands.list_commands(context):
        command = commands.get_command(context, name)
        assert command is not None
        leaves = command.commands.values() if isinstance(command, click.Group) else [command]
        for leaf in leaves:
            for parameter in leaf.params:
                if isinstance(parameter, click.Option) and not parameter.hidden:
                    for flag in (*parameter.opts, *parameter.secondary_opts):
                        if flag not in COMMON:
                            yield name, flag


@pytest.mark.parametrize(("command", "flag"), sorted(set(options())))
def test_every_option_is_in_the_reference(command: str, flag: str) -> None:
    assert f"`{flag}" in REFERENCE or f" {flag}" in REFERENCE, f"{command} {flag}"


def test_the_reference_names_no_option_that_is_none() -> None:
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", REFERENCE))
    assert named - COMMON == {flag for _, flag in options() if flag.startswith("--")}


def test_every_command_is_in_the_reference() -> None:
    for section in COMMANDS.values():
        for name in section:
            assert re.search(rf"(^### .*\b{name}\b|`{name}\b)", REFERENCE, re.MULTILINE), name


def written_commands() -> Iterator[tuple[str, str]]:
    """Every `trueup …` that stands as an example in a page, without what the shell takes of it."""
    for page in (
        ROOT / "README.md",
        *sorted((ROOT / "docs").rglob("*.md")),
        *(ROOT / "examples").rglob("*.md"),
    ):
        fenced = False
        for line in page.read_text().splitlines():
            fenced ^= line.startswith("```")
            match = re.match(r"trueup (?P<rest>.*)" if fenced else r" {4}trueup (?P<rest>.*)", line)
            if match:
                yield page.name, re.split(r"\s+[>|#]", match["rest"])[0].strip()


@pytest.mark.parametrize(("page", "line"), sorted(set(written_commands())))
def test_every_command_in_a_page_is_one(page: str, line: str) -> None:
    arguments, context = shlex.split(line), click.Context(commands)
    command: click.Command = commands
    while isinstance(command, click.Group):
        arguments = command.make_parser(context).parse_args(arguments)[
            1
        ]  # the group's own options, such as --live
        name = arguments.pop(0)
        found = command.get_command(context, name)
        assert found is not None, f"{page}: no command {name}"
        context, command = click.Context(found, parent=context), found
    command.make_parser(context).parse_args(arguments)  # refuses an option that there is not


def test_the_tutorial_gives_what_it_says(tmp_path: Path) -> None:
    section = (ROOT / "docs/tutorial.md").read_text().partition("## 2.")[2].partition("## 3.")[0]
    script = "\n".join(line[4:] for line in section.splitlines() if line.startswith("    "))
    shim = tmp_path / "bin/trueup"
    shim.parent.mkdir()
    shim.write_text(f'#!/bin/sh\nexec {sys.executable} -m trueup "$@"\n')
    shim.chmod(0o755)
    environ = {"PATH": f"{shim.parent}:/usr/bin:/bin", "COLUMNS": "120"}
    done = subprocess.run(
        ["sh", "-c", script],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 2, done.stderr
    for expected in ("fill_drift", "status_drift", "7 @ 999.5 (inferred)"):
        assert expected in done.stdout
    assert "filled_avg_price" in done.stderr
