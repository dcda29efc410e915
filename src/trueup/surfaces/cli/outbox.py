"""`trueup outbox`: what the bot has not taken yet, and another try for what it, or its tables, refused."""

import click

from trueup.surfaces.cli.configured import check_profile, open_books, say_unwritten
from trueup.surfaces.cli.invocation import Invocation, common
from trueup.surfaces.cli.terminal import counted, say


@click.group()
def command() -> None:
    """Show what the bot has not been told yet, and tell it again."""


@command.command("list", short_help="Show notifications that wait or are parked.")
@click.option("--profile", metavar="ID", help="Only this profile.")
@common
def list_command(invocation: Invocation, profile: str | None) -> None:
    """Show notifications that wait or are parked, with the executor's last error."""
    from trueup.service.views.texts import brief_time
    from trueup.surfaces.cli.terminal import table

    with open_books(invocation) as books:
        check_profile(books, profile)
        open_ = [row for row in books.export("outbox", profile) if row["delivered_at"] is None]
        waits = say_unwritten(books)
    if invocation.json:
        for row in open_:
            invocation.data(row)
    elif not open_:
        if not waits:
            invocation.line("the bots have taken everything", "green")
    else:
        rows = [
            (
                row["profile_id"],
                row["notification"]["kind"],
                row["notification"]["trade_id"] or row["notification"]["client_order_id"],
                brief_time(row["committed_at"]),
                row["attempts"],
                "parked" if row["parked_at"] else "waits",
                row["error"],
            )
            for row in open_
        ]
        columns = ("profile", "kind", "about", "time", ">attempts", "state", "error")
        invocation.show(table("Not yet taken, times in UTC", columns, rows))


@command.command()
@click.option("--profile", metavar="ID", help="Only this profile.")
@common
def retry(invocation: Invocation, profile: str | None) -> None:
    """Make parked notifications due again, and corrections that the bot's own rows refused; the next run tells and
    writes them."""
    with open_books(invocation) as books:
        check_profile(books, profile)
        count = books.journal.unpark_notifications(profile)
        refused = books.journal.retry_write_backs(profile)
    if invocation.json:
        invocation.data({"due_again": count, "write_backs_due_again": refused})
        return
    say(f"{counted(count, 'notification')} {'is' if count == 1 else 'are'} due again")
    if refused:
        say(
            f"{counted(refused, 'correction')} of the bot's own rows {'is' if refused == 1 else 'are'} due again"
        )
