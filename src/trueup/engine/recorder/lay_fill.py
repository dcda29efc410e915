"""What one told fill is as evidence, and what its fold does to the order, the fills and the trade that are recorded.

The fold itself is the core's (`fold_fills`). A message that is behind the books says nothing of their average; a trade
that more left than entered is the break that a run would find.
"""

from decimal import Decimal

from msgspec.structs import replace

from trueup.core.orders.fold_fills import Evidence, Fold
from trueup.core.trades.move_trade import base_fee, is_overrun, move_trade
from trueup.core.trades.tell_overrun import overrun_break
from trueup.engine.recorder.late_trade import action_of, level, settled_by
from trueup.model.ids import digest, known_id
from trueup.model.money import ZERO, amount, exceeds, text
from trueup.model.notional import whole_qty
from trueup.model.plan import Break
from trueup.model.snapshot import Fill, LocalOrder, Trade
from trueup.model.vocabulary import (
    Status,
)
from trueup.ports.books import LocalRecord


def lay_fold(
    record: LocalRecord, order: LocalOrder, fold: Fold, profile_id: str, quote: str | None
) -> LocalRecord:
    """The order, its fills and its trade after the fold. `quote`: the quote currency of the trade's symbol."""
    filled = replace(
        order,
        filled_qty=text(fold.filled_qty),
        filled_avg_price=None if fold.filled_avg_price is None else text(fold.filled_avg_price),
        status=_status_after(order, fold),
    )
    changed = [*fold.shrunk, *(one.row for one in fold.amendments), *(one.row for one in fold.bookings)]
    fills = {fill.fill_id: fill for fill in [*record.fills, *changed]}
    laid = replace(record, order=filled, fills=list(fills.values()))
    if record.trade is None:
        return laid
    moved = _moved(level(record.trade, [order, *record.siblings]), filled, fold, quote)
    trade = settled_with(laid, moved) if fold.growth_qty else moved
    return replace(laid, trade=trade, breaks=overruns_of(moved, profile_id))


def _moved(trade: Trade, order: LocalOrder, fold: Fold, quote: str | None) -> Trade:
    return move_trade(
        trade,
        action_of(order, trade),
        growth_qty=fold.growth_qty,
        growth_cost=fold.growth_cost,
        recost=fold.recost,
        fee_base_qty=base_fee(fold.fee_fills, trade, quote),
    )


def overruns_of(trade: Trade, profile_id: str) -> list[Break]:
    """The break that a run would find of it."""
    if not is_overrun(trade, ZERO):
        return []
    return [overrun_break(digest(profile_id, "trade", known_id(trade.trade_id)), trade)]


def named_by_order(fill: Fill, order: LocalOrder) -> Fill:
    """A bot's fill belongs to the order that it was told for."""
    return replace(
        fill,
        venue_order_id=fill.venue_order_id or order.venue_order_id,
        client_order_id=fill.client_order_id or order.client_order_id,
        symbol=fill.symbol or order.symbol,
        side=fill.side or order.side,
        inferred=False,
    )


def evidence_of(
    order: LocalOrder, told: Fill, cumulative: Decimal | None, average: Decimal | None
) -> Evidence:
    """What one message says. One that is behind the books says nothing of their average."""
    booked_qty = amount(order.filled_qty)
    is_behind = cumulative is None or exceeds(booked_qty, cumulative)
    return Evidence(
        fills=[told],
        cumulative_qty=None if cumulative is None else max(cumulative, booked_qty),
        average_price=None if is_behind or average is None or average <= 0 else average,
    )


def _status_after(order: LocalOrder, fold: Fold) -> Status:
    whole = whole_qty(order)
    if whole is not None and not exceeds(whole, fold.filled_qty):
        return Status.FILLED
    return Status.PARTIALLY_FILLED if order.status is Status.PENDING_NEW else order.status


def settled_with(record: LocalRecord, trade: Trade, *, entry_ended: bool = False) -> Trade:
    """Close or reopen the trade whose orders moved."""
    orders = [*([] if record.order is None else [record.order]), *record.siblings]
    return settled_by(trade, orders, entry_ended=entry_ended)
