"""Liveness: after the faults, the books equal the market's truth and a run has nothing left to do.

Decides what "equal" means: quantities, prices of fills and costs exactly, averages as far as both sides round them.
"""

from collections.abc import Collection
from fractions import Fraction

from msgspec import Struct

from trueup.model.plan import Plan
from trueup.model.reasons import Reason
from trueup.model.snapshot import LocalOrder
from trueup.model.vocabulary import BreakKind, DeferralReason, Status
from trueup.sim.checkers.facts import (
    ENDED,
    TRANSFER,
    OrderKey,
    ProfileBooks,
    Violation,
    exact,
    figures,
    is_beyond_telling,
    key_of,
    name_of,
    number,
    plain_id,
    plain_status,
    token,
    truth_of,
    units,
)
from trueup.sim.market.instruments import FEE_PARTS
from trueup.sim.market.market import Market
from trueup.sim.market.orders import MarketOrder

AVERAGE_TOLERANCE = Fraction(
    1, 1_000_000
)  # relative: venues and books round averages, never quantities or costs
MASS_MIN = 4  # design.md: "more than half of four or more live orders vanish at once"
Number = str | Fraction | None
LEFT_TO_PEOPLE = frozenset(
    {
        BreakKind.FOREIGN_ORDER,
        BreakKind.TRADE_OVERRUN,
        BreakKind.POSITION_MISMATCH,
        BreakKind.MISSING_EXIT,
        BreakKind.SUB_TAG_MISSING,
    }
)


class Left(Struct, frozen=True, kw_only=True):
    """What is left to people and stays as it is: orders by their ids, and the instruments that these keep in motion."""

    client_ids: frozenset[str] = frozenset()
    keys: frozenset[OrderKey] = frozenset()
    symbols: frozenset[str] = frozenset()  # tokens

    def has(self, client_id: str | None, key: OrderKey) -> bool:
        return plain_id(client_id or "") in self.client_ids or key in self.keys

    def has_any(self, client_id: str | None, venue_order_id: str | None) -> bool:
        """Of something that names no instrument."""
        ids = {plain_id(client_id or ""), plain_id(venue_order_id or "")}
        return bool(ids & (self.client_ids | {one for _, one in self.keys}))


_TOLD_OF_SHARED_IDS = (BreakKind.IDENTITY_CONFLICT, BreakKind.UNCOVERED_ORDER)


def check_converged(
    market: Market,
    books: ProfileBooks,
    plan: Plan,
    *,
    read: Collection[str | None] | None = None,
    coverage: bool = False,
    neighbours_wait: Collection[str] = (),
) -> list[Violation]:
    """Liveness: nothing repairable is left, and the books equal the truth for every owned order, fill and trade.

    `read`: the ids of the orders that the run read; null: of all.
    `coverage`: also orders that filled and ended before any run saw them, which only the coverage stage finds.
    `neighbours_wait`: instruments in which another profile of the account told a mass absence (`told_in_mass`).
    """
    found = check_idle(market, books, plan, neighbours_wait=neighbours_wait)
    mass = {plain_id(one.client_order_id or "") for one in told_in_mass(market, books, plan)}
    waiting = _told_of_shared_ids(market, books, plan)
    for order in books.local.orders:
        truth = truth_of(market, books, order)
        if plain_id(order.client_order_id or "") in mass:
            continue
        if truth is not None and key_of(truth.symbol, truth.venue_order_id) in waiting:
            continue
        if truth is None or not truth.is_revised:
            is_read = read is None or order.client_order_id in read or order.venue_order_id in read
            found += _compare_order(market, books, order, truth, is_read=is_read)
    for truth in market.truth_orders(books.account_id):
        if truth.placed_by != books.profile_id:
            continue
        if key_of(truth.symbol, truth.venue_order_id) in books.rows.previous:
            continue
        known = books.rows.row_of(truth) is not None
        mappable = not _is_of_unmapped(books, truth)
        if key_of(truth.symbol, truth.venue_order_id) in waiting:
            continue
        wanted = truth.is_live or (coverage and truth.filled > 0 and not truth.is_of_revised and mappable)
        if wanted and not known:
            found.append(Violation("live", truth.venue_order_id, "is owned and not in the books"))
    return sorted(found + _compare_trades(market, books))


def check_idle(
    market: Market, books: ProfileBooks, plan: Plan, *, neighbours_wait: Collection[str] = ()
) -> list[Violation]:
    """Liveness: nothing repairable is left. Questions stay open only about what is left to people."""
    left = _left_to_people(market, books, plan)
    in_motion = left.symbols | set(neighbours_wait)
    found = [Violation("live", one.kind.value, f"still corrects: {one.reason}") for one in plan.corrections]
    found += [
        Violation("live", str(one.id), f"still asks: {one.reason}")
        for one in plan.queries
        if not left.has(one.id, key_of(one.symbol, one.id))
        and not (one.symbol is None and left.has_any(None, one.id))
    ]
    for one in plan.deferred:
        if one.reason is DeferralReason.NOT_SETTLED:
            is_left = token(one.symbol) in in_motion
        else:
            is_left = left.has_any(one.client_order_id, one.venue_order_id)
        if not is_left:
            subject = one.client_order_id or one.venue_order_id or one.symbol
            found.append(Violation("live", str(subject), f"still defers: {one.reason}"))
    unmapped = {
        key_of(truth.symbol, truth.venue_order_id)
        for truth in market.truth_orders(books.account_id)
        if _is_of_unmapped(books, truth)
    }
    waiting = _told_of_shared_ids(market, books, plan)
    waiting_ids = {
        one.client_order_id
        for one in market.truth_orders(books.account_id)
        if key_of(one.symbol, one.venue_order_id) in waiting
    }
    for told in plan.breaks:
        key = key_of(told.symbol, told.venue_order_id)
        if told.kind in _TOLD_OF_SHARED_IDS and told.client_order_id in waiting_ids:
            continue
        is_unmapped = told.reason == Reason.UNMAPPED_TRADE and key in unmapped
        if told.kind not in LEFT_TO_PEOPLE and not is_unmapped and not left.has(told.client_order_id, key):
            subject = told.client_order_id or told.trade_id or told.venue_order_id
            found.append(Violation("live", str(subject), f"still broken: {told.kind} {told.reason}"))
    return found


def _left_to_people(market: Market, books: ProfileBooks, plan: Plan) -> Left:
    """Orders whose fills the venue took back, and those of a mass absence that is told."""
    revised = [one for one in market.truth_orders(books.account_id) if one.is_revised or one.is_of_revised]
    mass = told_in_mass(market, books, plan)
    client_ids = [one.client_order_id for one in revised] + [one.client_order_id for one in mass]
    symbols = [one.symbol for one in revised] + [one.symbol for one in mass]
    return Left(
        client_ids=frozenset(plain_id(one) for one in client_ids if one is not None),
        keys=frozenset(key_of(one.symbol, one.venue_order_id) for one in revised),
        symbols=frozenset(map(token, symbols)),
    )


def _told_of_shared_ids(market: Market, books: ProfileBooks, plan: Plan) -> set[OrderKey]:
    """Orders that only a shared client order id names, as long as a break tells it: a person's."""
    told = {one.client_order_id for one in plan.breaks if one.kind in _TOLD_OF_SHARED_IDS}
    return {
        key_of(one.symbol, one.venue_order_id)
        for one in market.truth_orders(books.account_id)
        if one.client_order_id in told and is_beyond_telling(market, books, one)
    }


def told_in_mass(market: Market, books: ProfileBooks, plan: Plan) -> list[LocalOrder]:
    """Unacknowledged orders that the venue never had, as many as are a mass: a person's, as long as that is told."""
    lost = [
        order
        for order in books.local.orders
        if order.client_order_id is not None
        and order.venue_order_id is None
        and order.status.value not in ENDED
        and truth_of(market, books, order) is None
    ]
    told = any(one.dedupe_key.endswith(":mass_absence") for one in plan.alerts)
    return lost if told and len(lost) >= MASS_MIN else []


def _is_of_unmapped(books: ProfileBooks, truth: MarketOrder) -> bool:
    """A person maps it: an order, or its leg, of a trade that a person closed; a leg of one booked without a trade."""
    first = truth.parent or truth
    if any(f"-{trade_id}-" in (first.client_order_id or "") for trade_id in books.closed_by_people):
        return True
    if truth.parent is None:
        return False
    parent = books.rows.row_of(truth.parent)
    return parent is not None and parent.trade_id is None


def _compare_order(
    market: Market, books: ProfileBooks, order: LocalOrder, truth: MarketOrder | None, *, is_read: bool
) -> list[Violation]:
    """`is_read`: runs still read its row; the terms of an order that ended long ago are nobody's business."""
    name = name_of(order)
    if order.order_type == TRANSFER:
        return []
    if truth is None:
        lost = order.status.value not in ENDED or exact(order.filled_qty) != 0
        return (
            [Violation("live", name, f"never reached the venue, but is {order.status.value}")] if lost else []
        )
    view = truth.view()
    pairs = {
        "status": (plain_status(order.status), plain_status(truth.status)),
        "venue order id": (plain_id(order.venue_order_id or ""), truth.venue_order_id),
        "filled quantity": (number(order.filled_qty), number(view.filled_qty)),
    }
    if is_read:
        pairs["quantity"] = _quantities(order, truth)
        pairs["limit price"] = (number(order.limit_price), number(view.limit_price))
        pairs["stop price"] = (number(order.stop_price), number(view.stop_price))
    found = [
        Violation("live", name, f"{what} is {mine}, the venue's is {theirs}")
        for what, (mine, theirs) in pairs.items()
        if mine != theirs
    ]
    return found + _compare_fills(market, books, order, truth) + _compare_average(order, truth)


def _quantities(order: LocalOrder, truth: MarketOrder) -> tuple[Number, Number]:
    """Of the books and the venue; an estimate of the bot's counts where the order filled: it is then what filled."""
    if not truth.request.by_notional:
        return number(order.qty), number(truth.view().qty)
    if order.qty is None or truth.status is not Status.FILLED:
        return None, None
    return number(order.qty), number(truth.view().filled_qty)


def _compare_fills(
    market: Market, books: ProfileBooks, order: LocalOrder, truth: MarketOrder
) -> list[Violation]:
    """Every fill record of the venue is booked, exactly, and nothing is inferred any more."""
    mine = {fill.fill_id: figures(fill) for fill in books.rows.fills_of(order)}
    theirs = {fill.fill_id: figures(fill.view()) for fill in market.truth_fills(books.account_id, truth)}
    if mine == theirs or _is_corrected(books, order):
        return []
    odd = sorted(set(mine.items()) ^ set(theirs.items()))
    return [Violation("live", name_of(order), f"fills differ: {', '.join(fill_id for fill_id, _ in odd)}")]


def _is_corrected(books: ProfileBooks, order: LocalOrder) -> bool:
    """What a person struck, or took back, may be named by no record that is read again: the quantity is checked."""
    return bool({order.client_order_id, order.venue_order_id} & books.by_people)


def _compare_average(order: LocalOrder, truth: MarketOrder) -> list[Violation]:
    if truth.filled == 0:
        return []
    price = Fraction(truth.cost, truth.filled) / 10**truth.instrument.price_decimals
    booked = exact(order.filled_avg_price or "0")
    if abs(booked - price) <= price * AVERAGE_TOLERANCE:
        return []
    return [
        Violation("live", name_of(order), f"average price is {float(booked)}, the venue's is {float(price)}")
    ]


def _compare_trades(market: Market, books: ProfileBooks) -> list[Violation]:
    found: list[Violation] = []
    revised = {
        order.trade_id
        for order in books.local.orders
        if (truth := truth_of(market, books, order)) is not None and truth.is_revised
    }
    for trade in books.local.trades:
        if trade.trade_id in revised:
            continue
        entered = exited = fees = Fraction(0)
        for order in books.rows.of_trade(trade):
            truth = truth_of(market, books, order)
            if order.action is None or (truth is None and order.order_type != TRANSFER):
                continue
            filled = exact(order.filled_qty) if truth is None else units(truth, truth.filled)
            if order.action.value == "entry":
                entered += filled
            else:
                exited += filled
            if truth is None:
                continue
            for fill in market.truth_fills(books.account_id, truth):
                fees += units(truth, fill.base_fee_parts) / FEE_PARTS
        pairs = [
            ("entry", trade.entry_qty, entered),
            ("exit", trade.exit_qty, exited),
            ("fee", trade.fee_base_qty, fees if trade.side == "long" else 0),
        ]
        found += [
            Violation("live", trade.trade_id, f"{what} is {mine}, the venue's is {theirs}")
            for what, mine, theirs in pairs
            if exact(mine) != theirs
        ]
    return found
