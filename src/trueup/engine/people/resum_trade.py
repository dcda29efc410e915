"""A trade after a person changed its orders: it moves by exactly what they moved, also downward. Pure.

What it said beyond its orders before (quantity of an older version's) it says still. Where it said nothing beyond
them its average is that of its entries; fees in the base currency move with the fills.
"""

from collections.abc import Sequence
from decimal import Decimal, localcontext

from msgspec import Struct
from msgspec.structs import replace

from trueup.core.trades.move_trade import base_fee
from trueup.engine.recorder.late_trade import action_of, settled_by
from trueup.model.money import CONTEXT, ZERO, amount, divide, text
from trueup.model.snapshot import Fill, LocalOrder, Trade
from trueup.model.vocabulary import CUT_SHORT, LIVE, Action


class TradeOrders(Struct, frozen=True, kw_only=True):
    """All orders of a trade at one moment, with those fills of theirs that the correction changes or moves."""

    orders: Sequence[LocalOrder]
    fills: Sequence[Fill] = ()


def resum_trade(trade: Trade, was: TradeOrders, now: TradeOrders, quote: str | None = None) -> Trade:
    """The trade with its quantities, average, fees and status. `quote`: where its symbol does not say it."""
    with localcontext(CONTEXT):
        before, after = _sums(trade, was.orders), _sums(trade, now.orders)
        entry_qty = amount(trade.entry_qty) - before.entry + after.entry
        exit_qty = amount(trade.exit_qty) - before.exit + after.exit
        fees = (
            amount(trade.fee_base_qty)
            - base_fee(list(was.fills), trade, quote)
            + base_fee(list(now.fills), trade, quote)
        )
        moved = replace(
            trade,
            entry_qty=text(entry_qty),
            exit_qty=text(exit_qty),
            entry_avg_price=_average(trade, before, after, entry_qty),
            fee_base_qty=text(max(fees, ZERO)),
        )
    if _same(moved, trade) and not _entry_ended(trade, was.orders, now.orders):
        return moved
    return settled_by(moved, now.orders, entry_ended=_entry_ended(trade, was.orders, now.orders))


class _Sums(Struct):
    """`cost` null: an entry does not say at what price it was filled."""

    entry: Decimal = ZERO
    exit: Decimal = ZERO
    cost: Decimal | None = ZERO


def _sums(trade: Trade, orders: Sequence[LocalOrder]) -> _Sums:
    sums = _Sums()
    for order in orders:
        qty = amount(order.filled_qty)
        if qty == 0:
            continue
        if action_of(order, trade) is Action.EXIT:
            sums.exit += qty
            continue
        sums.entry += qty
        price = order.filled_avg_price
        sums.cost = None if sums.cost is None or price is None else sums.cost + qty * amount(price)
    return sums


def _average(trade: Trade, before: _Sums, after: _Sums, entry_qty: Decimal) -> str | None:
    if entry_qty == amount(trade.entry_qty) and before.cost == after.cost:
        return trade.entry_avg_price
    if entry_qty <= 0 or after.cost is None:
        return None
    if after.entry == entry_qty:
        return text(divide(after.cost, after.entry))
    if trade.entry_avg_price is None or before.cost is None:
        return None
    beyond = amount(trade.entry_qty) * amount(trade.entry_avg_price) - before.cost
    return text(divide(beyond + after.cost, entry_qty))


def _same(left: Trade, right: Trade) -> bool:
    return (left.entry_qty, left.exit_qty, left.fee_base_qty) == (
        right.entry_qty,
        right.exit_qty,
        right.fee_base_qty,
    )


def _entry_ended(trade: Trade, was: Sequence[LocalOrder], now: Sequence[LocalOrder]) -> bool:
    """Whether an entry that was live ended without another in its place."""
    live = {_name(one) for one in was if one.status in LIVE}
    return any(
        one.status in CUT_SHORT and _name(one) in live and action_of(one, trade) is Action.ENTRY
        for one in now
    )


def _name(order: LocalOrder) -> tuple[str | None, str | None, str | None]:
    return (order.venue_order_id, order.client_order_id, order.trade_id)
