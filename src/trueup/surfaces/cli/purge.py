"""`trueup purge`: old runs and their snapshots go. The books and the order log are never touched."""

import re

import click

from trueup.model.errors import InputError
from trueup.surfaces.cli.configured import open_books
from trueup.surfaces.cli.exit_codes import FAILURE, IN_SYNC
from trueup.surfaces.cli.invocation import Invocation, common
from trueup.surfaces.cli.terminal import confirm, counted, say

# what one row of each table is called
_WORDS = {"outbox": "notification", "alert_deliveries": "message"}
_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


@click.command()
@click.option("--older-than", default="30d", show_default=True, metavar="AGE", help="Such as 12h, 30d, 8w.")
@click.option("--keep-last", type=click.IntRange(min=0), default=100, show_default=True, metavar="N",
              help="Runs of every profile that stay however old they are.")  # fmt: skip
@click.option("--yes", is_flag=True, help="Do not ask.")
@common
def command(invocation: Invocation, older_than: str, keep_last: int, yes: bool) -> int:
    """Delete old runs with their snapshots, delivered notifications, told alerts and resolved breaks."""
    age_s = read_age(older_than)
    with open_books(invocation) as books:
        if not yes and not confirm(f"Delete what is older than {older_than}, for good?", flag="--yes"):
            say("nothing was deleted")
            return FAILURE
        counts = books.journal.purge(age_s, keep_last)
    if invocation.json:
        invocation.data(counts)
    else:
        invocation.line(
            "deleted "
            + ", ".join(
                counted(count, _WORDS.get(name, name.removesuffix("s"))) for name, count in counts.items()
            )
        )
    return IN_SYNC


def read_age(text: str) -> int:
    """`30d` in seconds."""
    match = re.fullmatch(r"(\d{1,6})([smhdw])", text)
    if match is None:
        raise InputError(f"expected an age such as 12h, 30d or 8w, got {text!r}", "--older-than")
    return int(match[1]) * _UNITS_S[match[2]]
