"""A mirror's trade is the sum of its orders, whatever the bot's own table says of its quantities. Pure."""

from collections.abc import Sequence
from decimal import Decimal

from msgspec.structs import replace

from trueup.core.orders.derive_action import reduces
from trueup.core.trades.move_trade import base_fee, settle_status
from trueup.model.money import ZERO, amount, divide, text
from trueup.model.snapshot import Fill, LocalOrder, Trade
from trueup.model.times import to_ns
from trueup.model.vocabulary import CUT_SHORT, LIVE, Action, PositionSide, Side, TradeStatus


def sum_trade(
    trade_id: str,
    before: Trade | None,
    said: Trade | None,
    orders: Sequence[LocalOrder],
    *,
    booked: Sequence[Fill] = (),
    taken_back: Sequence[Fill] = (),
) -> Trade | None:
    """`before`: as the mirror has it; `said`: what the bot's own books say of it, without its quantities.

    `booked`, `taken_back`: fills of its orders that the mirror gains and loses now, for their fees.
    Null where there is neither, nor an order that tells its symbol. A quarantine is trueup's, and stays.
    """
    trade = _named(trade_id, before, said, orders)
    if trade is None:
        return None
    entries = [one for one in orders if _action(one, trade) is Action.ENTRY]
    exits = [one for one in orders if _action(one, trade) is Action.EXIT]
    summed = replace(
        trade,
        entry_qty=text(_filled(entries)),
        exit_qty=text(_filled(exits)),
        entry_avg_price=_average(entries) or (None if said is None else said.entry_avg_price),
        fee_base_qty=_fees(before, said, _base_fees(booked, trade) - _base_fees(taken_back, trade)),
        opened_at=trade.opened_at or min((o.submitted_at for o in orders if o.submitted_at), default=None),
    )
    return replace(summed, status=_status(summed, said, entries))


def _named(
    trade_id: str, before: Trade | None, said: Trade | None, orders: Sequence[LocalOrder]
) -> Trade | None:
    if before is not None:
        return before if said is None else replace(before, symbol=said.symbol, side=said.side)
    if said is not None:
        return replace(said, status=TradeStatus.OPEN, quarantined_by=None, version=1)
    known = [one for one in orders if one.symbol is not None]
    entries = [one for one in known if one.action is not Action.EXIT] or known
    if not entries:
        return None
    first = min(entries, key=lambda one: 0 if one.submitted_at is None else to_ns(one.submitted_at))
    buys = (first.side is Side.BUY) == (first.action is not Action.EXIT)
    return Trade(
        trade_id=trade_id,
        symbol=first.symbol or "",
        side=PositionSide.LONG if buys else PositionSide.SHORT,
        status=TradeStatus.OPEN,
    )


def _action(order: LocalOrder, trade: Trade) -> Action:
    return order.action or (Action.EXIT if reduces(order.side, trade) else Action.ENTRY)


def _filled(orders: Sequence[LocalOrder]) -> Decimal:
    return sum((amount(one.filled_qty) for one in orders), ZERO)


def _average(entries: Sequence[LocalOrder]) -> str | None:
    """Null where one of them does not say at what price it was filled."""
    filled = [one for one in entries if amount(one.filled_qty) > 0]
    if not filled or any(one.filled_avg_price is None for one in filled):
        return None
    cost = sum((amount(one.filled_qty) * amount(one.filled_avg_price) for one in filled), ZERO)
    return text(divide(cost, _filled(filled)))


def _fees(before: Trade | None, said: Trade | None, moved: Decimal) -> str:
    if said is not None and amount(said.fee_base_qty) != 0:
        return said.fee_base_qty
    known = ZERO if before is None else amount(before.fee_base_qty)
    return text(max(known + moved, ZERO))


def _base_fees(fills: Sequence[Fill], trade: Trade) -> Decimal:
    """The instrument's quote is not known here: it is what the symbol has behind the currency of the fee."""
    return sum((base_fee([one], trade, _behind(one.fee_currency, trade.symbol)) for one in fills), ZERO)


def _behind(currency: str | None, symbol: str) -> str | None:
    base, whole = (currency or "").strip().upper(), symbol.strip().upper()
    return whole.removeprefix(base) if base and whole.startswith(base) else None


def _status(trade: Trade, said: Trade | None, entries: Sequence[LocalOrder]) -> TradeStatus:
    if trade.status is TradeStatus.QUARANTINED:
        return trade.status
    if said is not None and said.status is not TradeStatus.QUARANTINED:
        return said.status
    return settle_status(
        trade,
        tolerance=ZERO,
        has_live_entry=any(one.status in LIVE for one in entries),
        entry_ended=any(one.status in CUT_SHORT for one in entries),
    ).status
