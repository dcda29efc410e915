"""What the demo says: faults in words, the drift with what it would have cost, the comparison to the last decimal."""

from collections import Counter
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import TYPE_CHECKING

from msgspec import Struct

from trueup.engine.run.account import ProfileReport
from trueup.model.ids import known_client_id, known_id
from trueup.model.money import ZERO, add, amount, multiply, subtract, text
from trueup.model.plan import Break
from trueup.model.snapshot import LocalOrder, Snapshot, VenueOrder
from trueup.model.vocabulary import Action, BreakKind, Severity
from trueup.surfaces.cli.demo_world import Totals
from trueup.surfaces.cli.terminal import styled, table

if TYPE_CHECKING:
    from rich.console import RenderableType

FAULT_TEXTS = {
    "frame_lost": "the venue's message about an order never reaches the bot",
    "call_unanswered": "the venue takes an order, but its answer is lost",
    "crash_after_send": "a bot dies after sending an order, before noting the answer",
    "crash_before_send": "a bot dies after noting an order, before sending it",
    "effect_delayed": "the venue takes its time to cancel: fills may come after",
    "person_cancel": "a person cancels a bot's order by hand",
    "exit_lost": "a bot's exit is filled, and it dies before noting that it sent it",
    "position_closed": "a person closes a bot's position on the website",
    "person_order": "a person places an order of their own",
}
_WORST_KINDS = (
    BreakKind.MISSING_LOCALLY,
    BreakKind.UNCOVERED_ORDER,
    BreakKind.FILL_DRIFT,
    BreakKind.RESURRECTED,
    BreakKind.REOPENED,
    BreakKind.MISSING_AT_VENUE,
    BreakKind.STATUS_DRIFT,
    BreakKind.TERMS_DRIFT,
)


class Drift(Struct, frozen=True):
    """One order that the books have wrong, and what is at stake: the quantity they have wrong × the market's price."""

    order: str
    symbol: str | None
    booked: str
    venue: str
    consequence: str
    at_stake_usd: Decimal


def drift_of(reports: Iterable[ProfileReport], price: Callable[[str], Decimal]) -> list[Drift]:
    """By order, the most expensive first. What belongs to others, or is only information, is left out."""
    found: list[Drift] = []
    for report in reports:
        if report.plan is None or report.snapshot is None:
            continue
        by_order: dict[str, list[Break]] = {}
        for one in report.plan.breaks:
            if one.severity is not Severity.INFO and (one.client_order_id or one.venue_order_id):
                by_order.setdefault(one.client_order_id or one.venue_order_id or "", []).append(one)
        found += [_drift(name, breaks, report.snapshot, price) for name, breaks in by_order.items()]
    return sorted(found, key=lambda drift: (-drift.at_stake_usd, drift.order))


def _drift(name: str, breaks: list[Break], snapshot: Snapshot, price: Callable[[str], Decimal]) -> Drift:
    local, venue = _local_order(snapshot, breaks[0]), _venue_order(snapshot, breaks[0])
    kind = min((one.kind for one in breaks), key=lambda one: (one not in _WORST_KINDS, _rank(one)))
    symbol = breaks[0].symbol
    value = multiply(_wrong_qty(local, venue), price(symbol)) if symbol else ZERO
    return Drift(
        name, symbol, _state(local), _state(venue), _consequence(kind, local), value.quantize(Decimal("0.01"))
    )


def _rank(kind: BreakKind) -> int:
    return _WORST_KINDS.index(kind) if kind in _WORST_KINDS else len(_WORST_KINDS)


def _consequence(kind: BreakKind, local: LocalOrder | None) -> str:
    match kind:
        case BreakKind.MISSING_LOCALLY | BreakKind.UNCOVERED_ORDER:
            return "has an order it does not know"
        case BreakKind.FILL_DRIFT if local is not None and local.action is Action.EXIT:
            return "sells what is gone"
        case BreakKind.FILL_DRIFT:
            return "holds what it does not manage"
        case BreakKind.MISSING_AT_VENUE:
            return "waits for what never arrived"
        case BreakKind.RESURRECTED | BreakKind.REOPENED:
            return "takes it for over"
        case BreakKind.STATUS_DRIFT:
            return "waits for what has ended"
        case BreakKind.MISSING_EXIT:
            return "counts on what was sold"
        case BreakKind.TERMS_DRIFT:
            return "counts on other terms"
        case _:
            return kind.replace("_", " ")


def _wrong_qty(local: LocalOrder | None, venue: VenueOrder | None) -> Decimal:
    """The fills that the books do not have; without any, the part of the order that it waits for."""
    booked = amount(local.filled_qty) if local is not None else ZERO
    traded = amount(venue.filled_qty) if venue is not None else ZERO
    missing = abs(subtract(traded, booked))
    order = local or venue
    return missing if missing or order is None else subtract(amount(order.qty), booked)


def _local_order(snapshot: Snapshot, found: Break) -> LocalOrder | None:
    for order in snapshot.local.orders:
        if _same(order, found):
            return order
    return None


def _venue_order(snapshot: Snapshot, found: Break) -> VenueOrder | None:
    """The venue's order; where it was replaced by one that the books do not know, the one in its place."""
    venue = snapshot.venue
    answered = [answer.order for answer in venue.answers if answer.order is not None]
    rows = (*venue.history.orders, *venue.open_orders.rows, *answered)
    orders = {known_id(order.venue_order_id): order for order in rows}
    recorded = {known_id(order.venue_order_id) for order in snapshot.local.orders}
    order = next((order for order in orders.values() if _same(order, found)), None)
    for _ in orders:  # a chain is at most as long as there are orders
        unfilled = order is not None and amount(order.filled_qty) == ZERO  # a filled one keeps its own row
        successor = orders.get(known_id(order.replaced_by)) if order is not None and unfilled else None
        if successor is None or known_id(successor.venue_order_id) in recorded:
            break
        order = successor
    return order


def _same(order: LocalOrder | VenueOrder, found: Break) -> bool:
    client_id, venue_id = known_client_id(order.client_order_id), known_id(order.venue_order_id)
    by_client = client_id is not None and client_id == known_client_id(found.client_order_id)
    return by_client or (venue_id is not None and venue_id == known_id(found.venue_order_id))


def _state(order: LocalOrder | VenueOrder | None) -> str:
    if order is None:
        return "nothing"
    return f"{order.filled_qty or '0'}, {order.status or 'unknown'}"


# -- tables -----------------------------------------------------------------------------------------------------------


def drift_table(drifts: list[Drift]) -> "RenderableType":
    from rich.console import Group

    rows = [
        (
            one.order,
            one.symbol,
            one.booked,
            one.venue,
            one.consequence,
            styled(_money(one.at_stake_usd), "red"),
        )
        for one in drifts
    ]
    columns = ("order", "symbol", "the books say", "the venue says", "if left, it", ">USD")
    total = ZERO
    for one in drifts:
        total = add(total, one.at_stake_usd)
    summary = styled(f"{len(drifts)} orders, {_money(total)} USD at stake", "bold red")
    return Group(table(None, columns, rows), summary)


def repair_table(reports: Iterable[ProfileReport]) -> "RenderableType":
    counts = Counter(
        correction.kind.value
        for report in reports
        if report.plan is not None and report.applied is not None
        for correction in report.plan.corrections
    )
    texts = {
        "book_fill": "fills booked that the bot had not heard of",
        "supersede_fill": "inferred fills replaced by the venue's own",
        "set_status": "orders given the status that the venue has",
        "bind_ids": "orders bound to the venue's id",
        "amend_order": "orders given the terms that the venue has",
        "insert_order": "orders found at the venue and taken into the books",
        "insert_exit": "exits found at the venue and taken into the books",
        "quarantine_trade": "trades that the venue does not hold any more: bots, hands off",
    }
    rows = [(kind, count, texts.get(kind, "")) for kind, count in counts.most_common()]
    return table(None, ("correction", ">number", "what it did"), rows)


def totals_table(totals: list[Totals]) -> "RenderableType":
    rows = [
        (
            one.profile_id,
            one.symbol,
            one.side,
            text(one.booked[0]),
            text(one.traded[0]),
            text(one.booked[1]),
            text(one.traded[1]),
            styled("equal", "green") if one.booked == one.traded else styled("DIFFERENT", "bold red"),
        )
        for one in totals
    ]
    columns = ("bot", "symbol", "side", ">books", ">venue", ">books, USD", ">venue, USD", "")
    return table(None, columns, rows, rows_max=None)


def _money(value: Decimal) -> str:
    return f"{value:,.2f}"
