"""`trueup decide`: what a person knows and the evidence does not show. The next run sees it as evidence."""

import re
from typing import TYPE_CHECKING, Any, assert_never

import click

from trueup.model.errors import InputError
from trueup.model.vocabulary import DecisionKind
from trueup.surfaces.cli.configured import check_profile, open_books
from trueup.surfaces.cli.invocation import Invocation, common
from trueup.surfaces.cli.people import signed, signed_books
from trueup.surfaces.cli.terminal import say

if TYPE_CHECKING:
    from trueup.model.snapshot import Decision
    from trueup.ports.records import DecisionRecord

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


@click.group()
def command() -> None:
    """Decide what evidence cannot: whose an order is, which trade it belongs to, which break to ignore."""


@command.command("map")
@click.argument("order")
@click.argument("trade")
@signed
@common
def map_command(invocation: Invocation, order: str, trade: str, **signature: Any) -> None:
    """ORDER (by either id) belongs to TRADE."""
    from trueup.engine.people.decide import map_order

    _decide(invocation, signature, map_order, order, trade)


@command.command(short_help="BREAK is no more than information for a while.")
@click.argument("break_", metavar="BREAK")
@click.option("--until", required=True, metavar="DATE", help="Such as 2027-01-31, or an RFC 3339 time.")
@signed
@common
def ignore(invocation: Invocation, break_: str, until: str, **signature: Any) -> None:
    """BREAK (its id, or the beginning) is no more than information until then."""
    from trueup.engine.people.decide import ignore_break

    _decide(invocation, signature, ignore_break, break_, read_date(until))


@command.command(short_help="NAME looks after BREAK.")
@click.argument("break_", metavar="BREAK")
@click.argument("name")
@signed
@common
def assign(invocation: Invocation, break_: str, name: str, **signature: Any) -> None:
    """NAME looks after BREAK (its id, or the beginning): `trueup breaks --owner NAME` lists theirs."""
    from trueup.engine.people.decide import assign_break

    _decide(invocation, signature, assign_break, break_, name)


@command.command(short_help="The venue's ORDER is this profile's.")
@click.argument("order")
@signed
@common
def adopt(invocation: Invocation, order: str, **signature: Any) -> None:
    """The venue's ORDER is this profile's, although its ids do not say so."""
    from trueup.engine.people.decide import adopt_order

    _decide(invocation, signature, adopt_order, order)


@command.command()
@click.argument("order")
@signed
@common
def disown(invocation: Invocation, order: str, **signature: Any) -> None:
    """The venue's ORDER is not this profile's, although its ids say so."""
    from trueup.engine.people.decide import disown_order

    _decide(invocation, signature, disown_order, order)


@command.command(short_help="An undone repair may be made again.")
@click.argument("reference", metavar="ORDER|TRADE|DECISION")
@signed
@common
def again(invocation: Invocation, reference: str, why: str, author: str | None, profile: str | None) -> None:
    """The repair of ORDER or TRADE that was undone may be made again by the next run."""
    from trueup.engine.people.decide import allow_again

    with signed_books(invocation, author, why, profile) as (books, who, _):
        freed = allow_again(books, reference, author=who, reason=why, profile_id=profile)
    if invocation.json:
        invocation.data({"decision_ids": freed, "revoked_by": who})
    else:
        say(f"the next run may repair {reference} again, by {who}")


@command.command("list")
@click.option("--profile", metavar="ID", help="Only this profile.")
@click.option("--all", "show_all", is_flag=True, help="Also revoked ones, and those whose time is over.")
@common
def list_command(invocation: Invocation, profile: str | None, show_all: bool) -> None:
    """Show the decisions that stand."""
    from trueup.model.times import to_ns
    from trueup.service.views.texts import brief_time
    from trueup.surfaces.cli.terminal import table

    with open_books(invocation) as books:
        check_profile(books, profile)
        now_ns = to_ns(books.now())
        records = books.journal.list_decisions(profile)

    def stands(one: "DecisionRecord") -> bool:
        until = one.decision.until
        return one.revoked_at is None and (until is None or to_ns(until) > now_ns)

    shown = [one for one in records if show_all or stands(one)]
    if invocation.json:
        for one in shown:
            invocation.data(one)
    elif not shown:
        invocation.line("no decision is on record" if show_all else "no decision stands", "green")
    else:
        rows = [
            (
                one.decision.decision_id,
                one.profile_id,
                _said(one.decision),
                one.decision.author,
                one.decision.reason,
                brief_time(one.decision.decided_at),
                "stands" if stands(one) else f"revoked by {one.revoked_by}" if one.revoked_by else "over",
            )
            for one in shown
        ]
        columns = ("decision", "profile", "what", "who", "why", "time", "state")
        invocation.show(table("Decisions, times in UTC", columns, rows))


@command.command()
@click.argument("decision")
@signed
@common
def revoke(invocation: Invocation, decision: str, why: str, author: str | None, profile: str | None) -> None:
    """Take DECISION (its id) back; it stays on record."""
    with signed_books(invocation, author, why, profile) as (books, who, _):
        books.journal.revoke_decision(decision, who, why)
    if invocation.json:
        invocation.data({"decision_id": decision, "revoked_by": who})
    else:
        say(f"decision {decision} is revoked by {who}; the next run judges without it")


def read_date(text: str) -> str:
    """A date (its beginning, UTC) or a time, as RFC 3339. Raises InputError."""
    from trueup.model.times import to_ns

    time = f"{text}T00:00:00Z" if _DATE.fullmatch(text) else text
    try:
        to_ns(time)
    except ValueError as fault:
        raise InputError(f"expected a date such as 2027-01-31, got {text!r}", "--until") from fault
    return time


def _decide(invocation: Invocation, signature: dict[str, Any], decide: Any, *about: str) -> None:
    why, profile = signature["why"], signature["profile"]
    with signed_books(invocation, signature["author"], why, profile) as (books, who, _):
        made = decide(books, *about, author=who, reason=why, profile_id=profile)
    if invocation.json:
        invocation.data(made)
    else:
        say(f"decision {made.decision_id} by {made.author}: {_said(made)}; the next run sees it")


def _said(decision: "Decision") -> str:
    order = decision.client_order_id or decision.venue_order_id
    match decision.kind:
        case DecisionKind.MAP_TRADE:
            return f"order {order} belongs to trade {decision.trade_id}"
        case DecisionKind.IGNORE_BREAK:
            return f"break {decision.break_id} is ignored until {(decision.until or '')[:10]}"
        case DecisionKind.ADOPT_ORDER:
            return f"order {order} is this profile's"
        case DecisionKind.DISOWN_ORDER:
            return f"order {order} is not this profile's"
        case DecisionKind.HOLD_REPAIR:
            return f"the undone repair of {order or decision.trade_id} is not made again"
        case DecisionKind.SET_BASELINE:
            return f"the owner holds {decision.qty} {decision.symbol} besides the bots"
        case DecisionKind.ASSIGN_BREAK:
            return f"break {decision.break_id} is {decision.owner}'s to look after"
        case _:
            assert_never(decision.kind)
