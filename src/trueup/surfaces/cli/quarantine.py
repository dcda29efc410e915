"""`trueup quarantine`: which trades the bot must leave alone; a person adds one or gives it back, with a reason."""

from typing import TYPE_CHECKING

import click

from trueup.surfaces.cli.configured import check_profile, open_books
from trueup.surfaces.cli.invocation import Invocation, common
from trueup.surfaces.cli.people import signed, signed_books
from trueup.surfaces.cli.terminal import say

if TYPE_CHECKING:
    from trueup.model.snapshot import Trade


@click.group()
def command() -> None:
    """Show, add or release trades that the bot must leave alone."""


@command.command("list")
@click.option("--profile", metavar="ID", help="Only this profile.")
@common
def list_command(invocation: Invocation, profile: str | None) -> None:
    """Show what is quarantined, and by whom."""
    from trueup.surfaces.cli.terminal import table

    with open_books(invocation) as books:
        check_profile(books, profile)
        owners = [
            one.profile_id for one in books.journal.list_profiles() if profile in (None, one.profile_id)
        ]
        found = [(owner, trade) for owner in owners for trade in books.books.quarantined_trades(owner)]
    if invocation.json:
        for owner, trade in found:
            invocation.data({"profile_id": owner, "trade": trade})
    elif not found:
        invocation.line("no trade is quarantined", "green")
    else:
        rows = [(owner, one.trade_id, one.symbol, one.side, one.quarantined_by or "") for owner, one in found]
        invocation.show(table("Quarantined trades", ("profile", "trade", "symbol", "side", "by"), rows))
        invocation.line("next: trueup explain TRADE, trueup quarantine release TRADE --why …", "dim")


@command.command()
@click.argument("trade")
@signed
@common
def add(invocation: Invocation, trade: str, why: str, author: str | None, profile: str | None) -> None:
    """Keep the bot away from TRADE until a person releases it."""
    from trueup.engine.people.quarantine import find_one_trade, quarantine_trade

    with signed_books(invocation, author, why, profile) as (books, who, notify):
        owner, found = find_one_trade(books, trade, profile)
        held = quarantine_trade(books, owner, found.trade_id, author=who, reason=why, notify=notify)
    _answer(invocation, owner, held, who)


@command.command()
@click.argument("trade")
@signed
@common
def release(invocation: Invocation, trade: str, why: str, author: str | None, profile: str | None) -> None:
    """Give TRADE back to the bot."""
    from trueup.engine.people.quarantine import find_one_trade, release_trade

    with signed_books(invocation, author, why, profile) as (books, who, notify):
        owner, found = find_one_trade(books, trade, profile)
        freed = release_trade(books, owner, found.trade_id, author=who, reason=why, notify=notify)
    _answer(invocation, owner, freed, who)


def _answer(invocation: Invocation, owner: str, trade: "Trade", who: str) -> None:
    if invocation.json:
        invocation.data({"profile_id": owner, "trade": trade, "author": who})
    else:
        say(
            f"trade {trade.trade_id} of {owner} is {trade.status} now, by {who}; next: trueup explain {trade.trade_id}"
        )
