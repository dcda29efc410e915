"""What the orders of a trade have booked, and where the trade lags behind them; pure.

A snapshot need not hold all orders of a trade, so its orders are a floor: a trade that says less than they do was not
moved with them (books of an older version, a bot that died between two writes), and is set right. One that says more
says it of orders that are not listed.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from trueup.model.ids import known_id
from trueup.model.money import ZERO, amount, divide, exceeds, is_zero, sum_text, text
from trueup.model.snapshot import LocalOrder, Trade
from trueup.model.vocabulary import Action


class OrderSums(Struct):
    """What one trade's orders filled: units, and quote currency (`entry_cost` null: an average is missing)."""

    entry_qty: Decimal = ZERO
    exit_qty: Decimal = ZERO
    entry_cost: Decimal | None = ZERO
    is_unclear: bool = False  # an order that has filled says not whether it entered or left


def sum_orders(orders: Iterable[LocalOrder]) -> dict[str, OrderSums]:
    """By comparable trade id: what the orders that name it have filled."""
    return {key: sum_of(own) for key, own in filled_by_trade(orders).items()}


def filled_by_trade(orders: Iterable[LocalOrder]) -> dict[str, list[LocalOrder]]:
    """By comparable trade id: the orders that name it and have filled."""
    found: dict[str, list[LocalOrder]] = {}
    for order in orders:
        if order.trade_id is not None and not is_zero(order.filled_qty):
            found.setdefault(known_id(order.trade_id) or "", []).append(order)
    return found


def is_plainly_level(trade: Trade, orders: Sequence[LocalOrder]) -> bool:
    """Whether one order is all that filled, and the trade says it letter by letter, or the order not whether it entered
    or left. Most are, and cost no arithmetic."""
    if len(orders) > 1:
        return False
    (order,) = orders
    said = trade.exit_qty if order.action is Action.EXIT else trade.entry_qty
    return order.action is None or order.filled_qty == said


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
