"""`trueup undo`: takes back what a run or a person wrote, where nothing builds on it. Shown first."""

from typing import Any

import click

from trueup.surfaces.cli.correct import correct
from trueup.surfaces.cli.invocation import Invocation, common
from trueup.surfaces.cli.people import signed


@click.command()
@click.argument("reference", metavar="RUN|CORRECTION")
@click.option("--yes", is_flag=True, help="Do not ask.")
@signed
@common
def command(invocation: Invocation, reference: str, yes: bool, **signature: Any) -> None:
    """Take back what RUN, one of its corrections, or a person's CORRECTION wrote.

    A repair that is undone is not made again until the evidence changes, or `trueup decide again` says so.
    """
    from trueup.engine.people.undo import undo

    correct(invocation, signature, lambda books, by: undo(books, reference, by), yes=yes)
