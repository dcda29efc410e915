"""freqtrade's rows as our orders and trades, by what its own code takes them for (2026.9).

An order has no client id; its action follows from `ft_order_side` and the trade's side, a stoploss is an exit. What
`ft_is_open` says counts before the status: an order that freqtrade no longer follows is not live for it. Quantities are
stored in the base currency: of contracts they are divided by the contract's size, as the venue counts them. Prices and
quantities are floats: the shortest decimal, snapped to the trade's own precision.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from trueup.books.tables.values import cell_amount, cell_text, cell_time, short_text
from trueup.exports.read_texts import read_status, word
from trueup.model.money import ZERO, add, amount, divide, multiply, text
from trueup.model.snapshot import LocalOrder, Trade
from trueup.model.vocabulary import LIVE, Action, PositionSide, Side, Status, TradeStatus

Cells = Mapping[str, Any]
UTC = "UTC"  # freqtrade stores UTC, without a zone
STOPLOSS = "stoploss"
UPDATED = "order_update_date"
DECIMAL_PLACES, TICK_SIZE = 2, 4  # ccxt's precision modes, as freqtrade stores them

ORDER_COLUMNS = (
    "id", "ft_trade_id", "ft_order_side", "ft_pair", "ft_is_open", "ft_amount", "ft_price", "order_id", "status",
    "order_type", "side", "price", "average", "amount", "filled", "stop_price", "order_date", "ft_fee_base",
    "order_update_date",
)  # fmt: skip
TRADE_COLUMNS = (
    "id", "exchange", "pair", "is_open", "is_short", "open_date", "trading_mode", "amount_precision", "price_precision",
    "precision_mode", "precision_mode_price", "contract_size", "record_version",
)  # fmt: skip


class Unclear(ValueError):
    """A row that says nothing certain."""


def trade_id_of(trade: Cells) -> str:
    """freqtrade uses a deleted trade's number again; with its pair it is hardly ever another's."""
    return f"{trade['id']}-{short_text(trade['pair'])}"


def trade_number(trade_id: str) -> int | None:
    """freqtrade's own number of a trade, from our id of it."""
    number = trade_id.partition("-")[0]
    return int(number) if number.isdigit() else None


def read_order(order: Cells, trade: Cells) -> LocalOrder:
    """Raises Unclear."""
    try:
        return _read_order(order, trade)
    except ValueError as fault:
        raise Unclear(str(fault)) from fault


def _read_order(order: Cells, trade: Cells) -> LocalOrder:
    entry_side, exit_side = (Side.SELL, Side.BUY) if trade["is_short"] else (Side.BUY, Side.SELL)
    role = short_text(order["ft_order_side"])
    qty = quantity(order["amount"], trade) or quantity(order["ft_amount"], trade)
    filled = quantity(order["filled"], trade) or "0"
    order_type = None if (said := cell_text(order["order_type"])) is None else word(said)
    return LocalOrder(
        venue_order_id=cell_text(order["order_id"]),
        trade_id=trade_id_of(trade),
        symbol=short_text(order["ft_pair"]),
        side=exit_side if role == STOPLOSS else Side(short_text(order["side"] or role).lower()),
        action=Action.ENTRY if role == entry_side.value else Action.EXIT,
        order_type=order_type,
        qty=qty,
        limit_price=_limit(order, trade, order_type, role),
        stop_price=price(order["stop_price"], trade),
        status=_status(order, qty, filled),
        filled_qty=filled,
        filled_avg_price=price(order["average"], None),
        submitted_at=cell_time(order["order_date"], UTC),
    )


def _status(order: Cells, qty: str | None, filled: str) -> Status:
    said, is_open = cell_text(order["status"]), bool(order["ft_is_open"])
    if said is None:
        if is_open:
            return Status.PARTIALLY_FILLED if amount(filled) else Status.PENDING_NEW
        raise Unclear("it is not open, and its status says nothing")
    try:
        status = read_status(said, qty, filled)
    except KeyError:
        status = None
    if status is None:
        raise Unclear(f"status {said!r} says nothing certain")
    if status in LIVE and not is_open:  # freqtrade no longer follows it
        return Status.FILLED if qty is not None and amount(filled) >= amount(qty) else Status.CANCELED
    return status


def _limit(order: Cells, trade: Cells, order_type: str | None, role: str) -> str | None:
    """None for market orders, and for stops that become one."""
    if order_type is not None and "limit" not in order_type:
        return None
    if order_type is None and role == STOPLOSS:
        return None
    return price(order["price"], trade) or price(order["ft_price"], trade)


def quantity(cell: Any, trade: Cells) -> str | None:
    """As the venue counts: of contracts their number."""
    size = cell_amount(trade["contract_size"])
    if size in (None, "0", "1"):
        return cell_amount(cell, step_of(trade["amount_precision"], trade["precision_mode"]))
    said = cell_amount(cell)
    return None if said is None else cell_amount(float(divide(amount(said), amount(size))))


def price(cell: Any, trade: Cells | None) -> str | None:
    """A price of zero is none. `trade` null: an average, which is no multiple of the tick."""
    tick = None
    if trade is not None:
        mode = trade["precision_mode_price"]
        tick = step_of(trade["price_precision"], trade["precision_mode"] if mode is None else mode)
    said = cell_amount(cell, tick, signed=True)
    return None if said is None or not amount(said) else said


def step_of(precision: Any, mode: Any) -> str | None:
    """The step that freqtrade's precision means; null where it is not one."""
    if precision is None:
        return None
    if mode == TICK_SIZE:
        return cell_amount(precision)
    if mode == DECIMAL_PLACES and float(precision).is_integer():
        return cell_amount(f"1e-{int(precision)}")
    return None


def read_trade(trade: Cells, orders: Sequence[LocalOrder], fee_base: str) -> Trade:
    """The sums of its orders' fills, those of open orders included; never `trades.amount`, which leaves them out."""
    entry, exit_, cost = ZERO, ZERO, ZERO
    for one in orders:
        filled = amount(one.filled_qty)
        if one.action is Action.ENTRY:
            entry = add(entry, filled)
            cost = add(cost, multiply(filled, amount(one.filled_avg_price or one.limit_price)))
        else:
            exit_ = add(exit_, filled)
    return Trade(
        trade_id=trade_id_of(trade),
        symbol=short_text(trade["pair"]),
        side=PositionSide.SHORT if trade["is_short"] else PositionSide.LONG,
        status=TradeStatus.OPEN if trade["is_open"] else TradeStatus.CLOSED,
        entry_qty=text(entry),
        exit_qty=text(exit_),
        entry_avg_price=text(divide(cost, entry)) if entry and cost else None,
        fee_base_qty=fee_base,
        opened_at=cell_time(trade["open_date"], UTC),
    )


def base_fee(orders: Sequence[Cells], trade: Cells) -> str:
    """What the venue took of the base currency: Σ `ft_fee_base`."""
    total = ZERO
    for one in orders:
        total = add(total, amount(quantity(one["ft_fee_base"], trade)))
    return text(total)
