"""Whether an order was placed by an amount of money: then a quantity is nobody's but the bot's estimate until it ended.

Either side may say so. A venue that knows no quantity of a market order says so, too; and one whose quantity is what
the order cost: exchanges return the amount that was to be spent where others return a quantity.
"""

from decimal import Decimal

from trueup.model.money import amount, exceeds, is_same
from trueup.model.snapshot import LocalOrder, VenueOrder
from trueup.model.vocabulary import Status

_MARKET = "market"
_UNSPENT_MAX = Decimal(
    "0.01"
)  # share of the money that may stay unspent or be overspent: lots, fees, slippage


def is_by_notional(order: LocalOrder, record: VenueOrder | None) -> bool:
    if order.by_notional:
        return True
    if record is None:
        return False
    if record.by_notional:
        return True
    is_market = _MARKET in (record.order_type or order.order_type or "").lower()
    return is_market and (record.qty is None or is_money(record))


def base_qty(record: VenueOrder) -> str | None:
    """The quantity that was ordered, in units; null where the venue's figure is money."""
    is_market = _MARKET in (record.order_type or "").lower()
    return None if record.qty is None or (is_market and is_money(record)) else record.qty


def is_money(record: VenueOrder) -> bool:
    """Whether the quantity of this market order can only be what was to be spent."""
    if record.qty is None or record.filled_qty is None or record.filled_avg_price is None:
        return False
    qty, filled_qty = amount(record.qty), amount(record.filled_qty)
    cost = filled_qty * amount(record.filled_avg_price)
    if is_same(qty, filled_qty) or exceeds(cost, qty * (1 + _UNSPENT_MAX)):
        return False
    is_spent = cost >= qty * (1 - _UNSPENT_MAX)
    return is_spent if record.status is Status.FILLED else exceeds(filled_qty, qty)
