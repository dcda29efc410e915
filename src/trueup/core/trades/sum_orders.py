"""What the orders of a trade have booked, and where the trade lags behind them; pure.

A snapshot need not hold all orders of a trade, so its orders are a floor: a trade that says less than they do was not
moved with them (books of an older version, a bot that died between two writes), and is set right. One that says more
says it of orders that are not listed.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from trueup.model.ids import comparable_ids
from trueup.model.money import ZERO, amount, divide, exceeds, is_zero, sum_text, text
from trueup.model.snapshot import LocalOrder, Trade
from trueup.model.vocabulary import Action

# Until Python 3.12, reading a member through its enum class costs as much as a small function call: read here once.
_EXIT = Action.EXIT


class OrderSums(Struct):
    """What one trade's orders filled: units, and quote currency (`entry_cost` null: an average is missing)."""

    entry_qty: Decimal = ZERO
    exit_qty: Decimal = ZERO
    entry_cost: Decimal | None = ZERO
    is_unclear: bool = False  # an order that has filled says not whether it entered or left


def sum_orders(orders: Sequence[LocalOrder]) -> dict[str, OrderSums]:
    """By comparable trade id: what the orders that name it have filled."""
    return {key: sum_of(own) for key, own in filled_by_trade(orders).items()}


def filled_by_trade(orders: Sequence[LocalOrder]) -> dict[str, list[LocalOrder]]:
    """By comparable trade id: the orders that name it and have filled."""
    found: dict[str, list[LocalOrder]] = {}
    keys = comparable_ids([order.trade_id for order in orders])
    for key, order in zip(keys, orders, strict=True):
        if order.trade_id is not None and order.filled_qty != "0" and not is_zero(order.filled_qty):
            found.setdefault(key or "", []).append(order)
    return found


def not_plainly_level(trades: dict[str, Trade], orders: list[LocalOrder]) -> dict[str, list[LocalOrder]]:
    """The same of the trades whose sums have to be made. Most need no arithmetic: one order is all that names them, and
    they say it letter by letter."""
    keys = comparable_ids([order.trade_id for order in orders])
    all_apart = len(set(keys)) == len(keys)
    shared = set() if all_apart else {key for key, times in Counter(keys).items() if times > 1}
    rest = [
        order
        for key, order in zip(keys, orders, strict=True)
        if (trade := trades.get(key or "")) is not None
        and (
            key in shared
            or order.filled_qty != (trade.exit_qty if order.action is _EXIT else trade.entry_qty)
        )
    ]
    return filled_by_trade(rest)


def sum_of(orders: Iterable[LocalOrder]) -> OrderSums:
    """What orders of one trade filled."""
    own = OrderSums()
    for order in orders:
        qty = amount(order.filled_qty)
        if order.action is Action.EXIT:
            own.exit_qty += qty
        elif order.action is Action.ENTRY:
            own.entry_qty += qty
            known = None if order.filled_avg_price is None else qty * amount(order.filled_avg_price)
            own.entry_cost = None if own.entry_cost is None or known is None else own.entry_cost + known
        elif qty > 0:
            own.is_unclear = True
    return own


def level_with(trade: Trade, sums: OrderSums) -> Trade:
    """The trade with no less than its orders have filled; the same value where it does not lag."""
    if sums.is_unclear:
        return trade
    entry_qty, exit_qty = amount(trade.entry_qty), amount(trade.exit_qty)
    if exceeds(sums.exit_qty, exit_qty):
        trade = replace(trade, exit_qty=sum_text(sums.exit_qty))
    if exceeds(sums.entry_qty, entry_qty):
        average = None if sums.entry_cost is None else text(divide(sums.entry_cost, sums.entry_qty))
        trade = replace(trade, entry_qty=sum_text(sums.entry_qty), entry_avg_price=average)
    return trade
