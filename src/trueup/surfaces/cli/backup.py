"""`trueup backup`: a checked copy of the ledger, taken while everything goes on."""

import sys
from pathlib import Path

import click

from trueup.model.errors import ConfigError
from trueup.surfaces.cli.configured import load
from trueup.surfaces.cli.exit_codes import IN_SYNC
from trueup.surfaces.cli.invocation import Invocation, common
from trueup.surfaces.cli.terminal import console


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@common
def command(invocation: Invocation, file: Path) -> int:
    """Copy the ledger to FILE, a new file, while bots and runs go on; checked before it is kept."""
    from trueup.service.open_ledger import database_file

    found = database_file(load(invocation))
    if found is None:
        raise ConfigError("the ledger stands in a server: back it up with its own tools, such as pg_dump")
    source = Path(found)
    if not source.exists():
        raise ConfigError(f"there is no ledger at {source} yet: the first `trueup run --once` makes it")
    size = _back_up_shown(source, file)
    if invocation.json:
        invocation.data({"source": str(source), "file": str(file), "bytes": size, "checked": True})
    else:
        invocation.line(f"{file}: {size:,} bytes, whole; to restore it, see docs/how-to/operate.md", "green")
    return IN_SYNC


def _back_up_shown(source: Path, file: Path) -> int:
    from trueup.ledgers.sqlite.backup import back_up

    if not sys.stderr.isatty():
        return back_up(source, file)
    from rich.progress import Progress

    with Progress(console=console(stderr=True), transient=True) as bar:
        task = bar.add_task("copying", total=None)
        return back_up(
            source, file, lambda left, total: bar.update(task, total=total, completed=total - left)
        )
