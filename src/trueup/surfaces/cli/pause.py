"""`trueup pause` and `trueup resume`: a paused profile is neither observed nor changed until a person resumes it."""

import click

from trueup.surfaces.cli.configured import open_books
from trueup.surfaces.cli.invocation import Invocation, common
from trueup.surfaces.cli.terminal import say


@click.command("pause")
@click.argument("profile")
@click.option("--why", required=True, metavar="TEXT", help="Kept, and shown by `trueup status`.")
@common
def pause_command(invocation: Invocation, profile: str, why: str) -> None:
    """Keep trueup's hands off PROFILE until it is resumed."""
    with open_books(invocation) as books:
        books.journal.pause_profile(profile, why)
    _answer(invocation, profile, paused=True)


@click.command("resume")
@click.argument("profile")
@click.option("--why", metavar="TEXT", hidden=True)
@common
def resume_command(invocation: Invocation, profile: str, why: str | None) -> None:
    """Let trueup work on PROFILE again."""
    with open_books(invocation) as books:
        books.journal.resume_profile(profile)
    _answer(invocation, profile, paused=False)


def _answer(invocation: Invocation, profile: str, *, paused: bool) -> None:
    if invocation.json:
        invocation.data({"profile_id": profile, "paused": paused})
    else:
        say(f"{profile} is {'paused; next: trueup resume ' + profile if paused else 'resumed'}")
