"""A trade that is recorded after orders named it: it takes in what they have filled already.

So it is after a restored backup, or where the bot's own message of the trade was lost.
"""

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from trueup.core.orders.derive_action import reduces
from trueup.core.trades.move_trade import base_fee, move_trade, settle_status
from trueup.core.trades.sum_orders import level_with, sum_orders
from trueup.model.ids import known_id
from trueup.model.money import ZERO, amount, text
from trueup.model.snapshot import Fill, LocalOrder, Trade
from trueup.model.vocabulary import CUT_SHORT, LIVE, Action


def action_of(order: LocalOrder, trade: Trade) -> Action:
    return order.action or (Action.EXIT if reduces(order.side, trade) else Action.ENTRY)


def settled_by(trade: Trade, orders: Iterable[LocalOrder], *, entry_ended: bool = False) -> Trade:
    """Close or reopen the trade whose orders these are. `entry_ended`: one of its entries just did, filled or not."""
    return settle_status(
        trade, tolerance=ZERO, has_live_entry=has_live_entry(trade, orders), entry_ended=entry_ended
    )


def has_live_entry(trade: Trade, orders: Iterable[LocalOrder]) -> bool:
    return any(one.status in LIVE and action_of(one, trade) is Action.ENTRY for one in orders)


def has_unfilled_entry(trade: Trade, orders: Iterable[LocalOrder]) -> bool:
    """Whether an entry of it was cut short."""
    return any(one.status in CUT_SHORT and action_of(one, trade) is Action.ENTRY for one in orders)


def level(trade: Trade, orders: Iterable[LocalOrder]) -> Trade:
    """The trade with no less than its orders have filled: one that an older version left behind is set right."""
    acting = [replace(one, action=action_of(one, trade)) for one in orders]
    sums = sum_orders(acting).get(known_id(trade.trade_id) or "")
    return trade if sums is None else level_with(trade, sums)


def take_in(trade: Trade, orders: Sequence[LocalOrder], fills: list[Fill], quote: str | None) -> Trade:
    """The trade after all of its orders. `fills`: those of the orders."""
    filled = [order for order in orders if amount(order.filled_qty) > 0]
    if not filled:
        return trade
    taken = replace(trade, fee_base_qty=text(max(base_fee(fills, trade, quote), ZERO)))
    for order in filled:
        qty, average = amount(order.filled_qty), order.filled_avg_price
        cost = None if average is None else qty * amount(average)
        taken = move_trade(taken, action_of(order, trade), growth_qty=qty, growth_cost=cost)
    return settled_by(taken, orders)
