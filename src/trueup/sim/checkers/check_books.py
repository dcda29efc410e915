"""Checks of the books against the market's truth that hold at any time, whatever fails: I1, I2, I3, I4, I8, I12, I15.

Decides what books may never say. Must not know how trueup comes to say it.
"""

from collections import Counter
from collections.abc import Container
from fractions import Fraction

from trueup.model.snapshot import Fill, Local, LocalOrder, Trade
from trueup.model.vocabulary import TradeStatus
from trueup.sim.checkers.facts import (
    ENDED,
    ProfileBooks,
    Violation,
    by_client_id,
    exact,
    key_of,
    keys_of,
    name_of,
    plain_id,
    row_key,
    sum_qty,
    truth_of,
    units,
)
from trueup.sim.market.market import Market
from trueup.sim.market.orders import STREAM_ID, MarketOrder


def check_books(market: Market, books: ProfileBooks) -> list[Violation]:
    """I1, I3, I4, I15: what the books may never say, whatever fails."""
    found = _check_fills_once(books) + _check_trades(market, books)
    for order in books.local.orders:
        truth = truth_of(market, books, order)
        found += _check_order_sums(books, order)
        if truth is not None:
            found += _check_order_truth(books, order, truth, market)
        elif order.venue_order_id is not None:
            found.append(Violation("I12", name_of(order), "is bound to a venue order that does not exist"))
    return sorted(found)


def _check_fills_once(books: ProfileBooks) -> list[Violation]:
    fills = Counter(
        (key_of(fill.symbol, fill.venue_order_id or f"client {fill.client_order_id}"), fill.fill_id)
        for fill in books.local.fills
    )
    orders = Counter(
        key_of(one.symbol, one.venue_order_id) for one in books.local.orders if one.venue_order_id is not None
    )
    found = [Violation("I1", str(key), "fill is booked more than once") for key, n in fills.items() if n > 1]
    return found + [
        Violation("I1", str(key), "venue order is booked in two rows") for key, n in orders.items() if n > 1
    ]


def _check_order_sums(books: ProfileBooks, order: LocalOrder) -> list[Violation]:
    filled, named = exact(order.filled_qty), sum_qty(books.rows.fills_of(order))
    if named > filled:
        return [
            Violation("I3", name_of(order), f"its fills add up to {named}, more than its filled {filled}")
        ]
    whole = exact(order.qty or "0")  # of zero, as of none, nobody knows how much it may fill
    if whole and not order.by_notional and filled > whole:
        return [Violation("I3", name_of(order), f"filled {filled} is more than its quantity {order.qty}")]
    return []


def _check_order_truth(
    books: ProfileBooks, order: LocalOrder, truth: MarketOrder, market: Market
) -> list[Violation]:
    name = name_of(order)
    if truth.placed_by != books.profile_id:
        return [
            Violation(
                "I15", name, f"was placed by {truth.placed_by}, but is in the books of {books.profile_id}"
            )
        ]
    found: list[Violation] = []
    booked = exact(order.filled_qty)
    if booked > units(truth, truth.filled + truth.busted):
        found.append(Violation("I1", name, f"booked {booked}, the venue filled {truth.filled} steps only"))
    real = {fill.fill_id: fill for fill in market.truth_fills(books.account_id, truth)}
    found += [
        Violation("I1", name, f"fill {fill.fill_id} never happened")
        for fill in books.rows.fills_of(order)
        if not fill.inferred and not truth.busted
        if fill.fill_id.removeprefix(STREAM_ID) not in real and _names(fill, truth)
    ]
    if order.status.value in ENDED and order.status is not truth.status:
        found.append(Violation("I4", name, f"marked {order.status.value}, but it is {truth.status.value}"))
    return found


def _names(fill: Fill, truth: MarketOrder) -> bool:
    return fill.venue_order_id is None or plain_id(fill.venue_order_id) == truth.venue_order_id


def _check_trades(market: Market, books: ProfileBooks) -> list[Violation]:
    """A trade is the sum of its orders, also beyond its entry; then it is open, with less than nothing.

    Within a step nothing is left of it: a record that cuts quantities off may say that little less than there is.
    """
    found: list[Violation] = []
    for trade in books.local.trades:
        entered, exited = _booked_of_trade(books, trade)
        for what, mine, theirs in (
            ("entry", trade.entry_qty, entered),
            ("exit", trade.exit_qty, exited),
        ):
            if exact(mine) != theirs:
                found.append(Violation("I3", trade.trade_id, f"{what} {mine}, its orders filled {theirs}"))
        instrument = market.instruments.get(trade.symbol)
        step = Fraction(0) if instrument is None else exact(instrument.qty_text(1))
        by_person = trade.trade_id in books.closed_by_people
        if trade.status is TradeStatus.CLOSED and exited - entered > step and not by_person:
            found.append(
                Violation("I3", trade.trade_id, f"is closed, {exited} left it and {entered} entered")
            )
    return found


def _booked_of_trade(books: ProfileBooks, trade: Trade) -> tuple[Fraction, Fraction]:
    """What the trade's orders filled: (entered, exited)."""
    sums = {"entry": Fraction(0), "exit": Fraction(0)}
    for order in books.rows.of_trade(trade):
        if order.action is not None:
            sums[order.action.value] += exact(order.filled_qty)
    return sums["entry"], sums["exit"]


def _renamed(after: Local, order: LocalOrder, by_people: Container[str | None]) -> LocalOrder | None:
    """The successor that a row without a venue order id was re-bound to when its order was replaced.

    A person may have said since that it is another trade's, or another action.
    """
    rebound = [
        one for one in after.orders if one.previous_venue_order_ids and one.submitted_at == order.submitted_at
    ]
    same = [one for one in rebound if (one.trade_id, one.action) == (order.trade_id, order.action)]
    theirs = [one for one in rebound if one.client_order_id in by_people or one.venue_order_id in by_people]
    return next(iter([*same, *theirs]), None)


def check_progress(
    before: Local, after: Local, by_people: Container[str | None] = frozenset()
) -> list[Violation]:
    """I8: rows are never lost, a changed row has a higher version, booked quantity never falls.

    `by_people`: ids of orders that people corrected or took back: what became of those is theirs.
    """
    found: list[Violation] = []
    rows = {row_key(order): order for order in after.orders}
    rebound = {key: order for order in after.orders for key in keys_of(order)}
    for order in before.orders:
        kept = rows.get(row_key(order)) or by_client_id(after, order) or rebound.get(row_key(order)[0])
        kept = kept or _renamed(after, order, by_people)
        if order.client_order_id in by_people or order.venue_order_id in by_people:
            continue
        if kept is None:
            found.append(Violation("I8", name_of(order), "its row is gone"))
        elif kept != order and kept.version <= order.version:
            found.append(Violation("I8", name_of(order), f"changed, but its version stayed {kept.version}"))
        elif exact(kept.filled_qty) < exact(order.filled_qty):
            found.append(
                Violation("I2", name_of(order), f"booked {order.filled_qty}, and later {kept.filled_qty}")
            )
    return sorted(found)
