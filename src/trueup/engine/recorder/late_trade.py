"""A trade that is recorded after orders named it: it takes in what they have filled already.

So it is after a restored backup, or where the bot's own message of the trade was lost. Entries come first, so that
an exit finds what it exits; what an exit fills beyond that stays on its order, as ever.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from msgspec.structs import replace

from trueup.core.orders.derive_action import reduces
from trueup.core.trades.move_trade import base_fee, move_trade, settle_status
from trueup.model.money import ZERO, amount, text
from trueup.model.snapshot import Fill, LocalOrder, Trade
from trueup.model.vocabulary import LIVE, Action


def action_of(order: LocalOrder, trade: Trade) -> Action:
    return order.action or (Action.EXIT if reduces(order.side, trade) else Action.ENTRY)


def settled_by(trade: Trade, orders: Iterable[LocalOrder]) -> Trade:
    """Close or reopen the trade whose orders these are."""
    has_live_entry = any(one.status in LIVE and action_of(one, trade) is Action.ENTRY for one in orders)
    return settle_status(trade, tolerance=ZERO, has_live_entry=has_live_entry)


def take_in(
    trade: Trade, orders: Sequence[LocalOrder], fills: list[Fill], quote: str | None
) -> tuple[Trade, list[tuple[LocalOrder, Decimal]]]:
    """The trade after all of its orders, and what exits filled beyond it. `fills`: those of the orders."""
    filled = [order for order in orders if amount(order.filled_qty) > 0]
    if not filled:
        return trade, []
    taken = replace(trade, fee_base_qty=text(max(base_fee(fills, trade, quote), ZERO)))
    overrun: list[tuple[LocalOrder, Decimal]] = []
    for order in sorted(filled, key=lambda one: action_of(one, trade) is Action.EXIT):
        qty, average = amount(order.filled_qty), order.filled_avg_price
        cost = None if average is None else qty * amount(average)
        taken, beyond = move_trade(taken, action_of(order, trade), growth_qty=qty, growth_cost=cost)
        if beyond > 0:
            overrun.append((order, beyond))
    return settled_by(taken, orders), overrun
