"""`trueup correct`: a person puts right what evidence cannot. Shown as a plan first; then exactly that, or nothing."""

from collections.abc import Callable
from typing import Any

import click

from trueup.model.errors import InputError
from trueup.surfaces.cli.configured import check_profile, open_books
from trueup.surfaces.cli.invocation import Invocation, common
from trueup.surfaces.cli.people import signed, signed_books
from trueup.surfaces.cli.terminal import confirm, say

ENDS = ("canceled", "expired", "rejected", "filled", "replaced")


@click.group()
def command() -> None:
    """Put right what evidence cannot: an order's end or trade, a fill, a trade, the baseline. Shown first."""


def _approved(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.option("--yes", is_flag=True, help="Do not ask.")(function)


@command.command(short_help="Set an order's end, trade or action.")
@click.argument("order")
@click.option("--end", type=click.Choice(ENDS), help="It ended so, with the fills that are booked.")
@click.option("--trade", metavar="TRADE", help="It belongs to this trade, with all that it filled.")
@click.option("--no-trade", is_flag=True, help="It belongs to no trade.")
@click.option("--action", type=click.Choice(("entry", "exit")), help="What it does to its trade.")
@_approved
@signed
@common
def order(
    invocation: Invocation,
    order: str,
    end: str | None,
    trade: str | None,
    no_trade: bool,
    action: str | None,
    yes: bool,
    **signature: Any,
) -> None:
    """Set the end, the trade or the action of ORDER (by either id)."""
    from trueup.engine.people.correct import move_order, set_action, set_end
    from trueup.model.vocabulary import Action, Status

    _one_of(end=end, trade=trade, no_trade=no_trade or None, action=action)

    def plan(books: Any, by: Any) -> Any:
        if end is not None:
            return set_end(books, order, Status(end), by)
        if action is not None:
            return set_action(books, order, Action(action), by)
        return move_order(books, order, trade, by)

    correct(invocation, signature, plan, yes=yes)


@command.command(short_help="Book or strike a fill of an order.")
@click.argument("order")
@click.option("--book", metavar="QTY@PRICE", help="An execution that the books lack.")
@click.option("--id", "fill_id", metavar="ID", help="With --book: the venue's own id of it.")
@click.option("--at", metavar="TIME", help="With --book: when it was executed (RFC 3339); else now.")
@click.option("--fee", metavar="AMOUNT", help="With --book.")
@click.option("--fee-currency", metavar="CURRENCY", help="With --fee.")
@click.option("--strike", metavar="FILL", help="An execution that never was, by its id.")
@_approved
@signed
@common
def fill(
    invocation: Invocation,
    order: str,
    book: str | None,
    fill_id: str | None,
    at: str | None,
    fee: str | None,
    fee_currency: str | None,
    strike: str | None,
    yes: bool,
    **signature: Any,
) -> None:
    """Book or strike a fill of ORDER (by either id)."""
    from trueup.engine.people.correct import book_fill, strike_fill
    from trueup.model.snapshot import Fill

    _one_of(book=book, strike=strike)

    def plan(books: Any, by: Any) -> Any:
        if strike is not None:
            return strike_fill(books, order, strike, by)
        qty, price = read_fill(book or "")
        booked = Fill(
            fill_id=fill_id or "", qty=qty, price=price, fee=fee, fee_currency=fee_currency, filled_at=at
        )
        return book_fill(books, order, booked, by)

    correct(invocation, signature, plan, yes=yes)


@command.command(short_help="Close a trade, or split its overrun off.")
@click.argument("trade")
@click.option("--close", is_flag=True, help="Its status only: what it holds is not held.")
@click.option("--split", metavar="NEW", help="What left it beyond its entry becomes the trade NEW.")
@_approved
@signed
@common
def trade(
    invocation: Invocation, trade: str, close: bool, split: str | None, yes: bool, **signature: Any
) -> None:
    """Close TRADE, or split what left it beyond its entry into a trade of its own."""
    from trueup.engine.people.correct import close_trade, split_trade

    _one_of(close=close or None, split=split)

    def plan(books: Any, by: Any) -> Any:
        return close_trade(books, trade, by) if split is None else split_trade(books, trade, split, by)

    correct(invocation, signature, plan, yes=yes)


@command.command(short_help="Say what the owner holds besides the bots.")
@click.argument("symbol")
@click.argument("qty")
@_approved
@signed
@common
def baseline(invocation: Invocation, symbol: str, qty: str, yes: bool, **signature: Any) -> None:
    """The owner holds QTY (signed) of SYMBOL besides the bots, in the place of the configuration's.

    A negative quantity goes behind `--`.
    """
    from trueup.engine.people.correct import set_baseline

    correct(invocation, signature, lambda books, by: set_baseline(books, symbol, qty, by), yes=yes)


@command.command("list")
@click.option("--profile", metavar="ID", help="Only this profile.")
@common
def list_command(invocation: Invocation, profile: str | None) -> None:
    """Show what people corrected and undid."""
    from trueup.engine.people.undone_decisions import standing_undos
    from trueup.service.views.texts import brief_time
    from trueup.surfaces.cli.terminal import table

    with open_books(invocation) as books:
        check_profile(books, profile)
        records = books.journal.list_corrections(profile)
    if invocation.json:
        for one in records:
            invocation.data(one)
    elif not records:
        invocation.line("nobody has corrected anything", "green")
    else:
        undone = standing_undos(records)
        rows = [
            (
                one.correction.correction_id,
                one.correction.profile_id,
                one.correction.kind.replace("_", " "),
                one.correction.about,
                one.correction.author,
                one.correction.reason,
                brief_time(one.corrected_at),
                f"undone by {undone[one.correction.correction_id]}"
                if one.correction.correction_id in undone
                else "",
            )
            for one in records
        ]
        columns = ("correction", "profile", "what", "about", "who", "why", "time", "state")
        invocation.show(table("Corrections, times in UTC", columns, rows))


def correct(
    invocation: Invocation, signature: dict[str, Any], plan: Callable[..., Any], *, yes: bool
) -> None:
    """Shows the correction, asks, and writes it. With `--json` and without `--yes` it is only shown."""
    from trueup.engine.people.correct import Signature, apply_correction
    from trueup.surfaces.cli.render_correction import render_correction

    why, profile = signature["why"], signature["profile"]
    with signed_books(invocation, signature["author"], why, profile) as (books, who, notify):
        made = plan(books, Signature(author=who, reason=why, notify=notify, profile_id=profile))
        if invocation.json and not yes:
            invocation.data({"applied": False, "correction": made})
            return
        if not invocation.json:
            invocation.show(render_correction(made))
        if not yes and not confirm("Write this?", flag="--yes"):
            say("nothing was written")
            return
        apply_correction(books, made)
    if invocation.json:
        invocation.data({"applied": True, "correction": made})
    else:
        say(f"written by {made.author}; to take it back: trueup undo {made.correction_id} --why …")


def read_fill(text: str) -> tuple[str, str | None]:
    """`3@1000`, or `3` where the price is not known. Raises InputError."""
    qty, at, price = text.partition("@")
    if not qty.strip() or (at and not price.strip()):
        raise InputError(f"expected a quantity and a price such as 3@1000, got {text!r}", "--book")
    return qty.strip(), price.strip() or None


def _one_of(**given: object) -> None:
    """Raises InputError unless exactly one of the options is given."""
    said = [name for name, value in given.items() if value is not None]
    names = [f"--{name.replace('_', '-')}" for name in given]
    if len(said) != 1:
        listed = f"{', '.join(names[:-1])} or {names[-1]}"
        raise InputError(f"say what to correct, one thing at a time: {listed}", names[0])
