"""Whether an order was placed by an amount of money: then a quantity is nobody's but the bot's estimate until it ended.

Either side may say so. A venue that knows no quantity of a market order says so, too; and one whose quantity is what
the order cost: exchanges return the amount that was to be spent where others return a quantity.
"""

from decimal import Decimal

from trueup.model.money import amount, divide, exceeds
from trueup.model.snapshot import LocalOrder, VenueOrder
from trueup.model.vocabulary import Status

_MARKET = "market"
_UNSPENT_MAX = Decimal(
    "0.01"
)  # share of the money that may stay unspent or be overspent: lots, fees, slippage
_ESTIMATE_OFF_MAX = Decimal(
    2
)  # factor: no price moves so far between a bot's estimate and a market order's end


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


def is_near_estimate(record: VenueOrder, estimate: str) -> bool:
    """Whether the quantity of an order by notional that ended can be one, beside the bot's estimate of it.

    What was to be spent is nearer to what the estimate costs; where nothing filled, no price tells, and a figure that
    is far from the estimate is not believed.
    """
    qty, estimated_qty, average = amount(record.qty), amount(estimate), amount(record.filled_avg_price)
    if qty == 0 or estimated_qty == 0:
        return qty > 0
    off = _off_by(qty, estimated_qty)
    return off <= (_ESTIMATE_OFF_MAX if average <= 0 else _off_by(qty, estimated_qty * average))


def _off_by(one: Decimal, other: Decimal) -> Decimal:
    """The factor between two amounts, 1 or more."""
    return divide(max(one, other), min(one, other))


def is_money(record: VenueOrder) -> bool:
    """Whether the quantity of this market order can only be what was to be spent."""
    if record.qty is None or record.filled_qty is None or record.filled_avg_price is None:
        return False
    qty, filled_qty = amount(record.qty), amount(record.filled_qty)
    cost = filled_qty * amount(record.filled_avg_price)
    if abs(qty - filled_qty) <= qty * _UNSPENT_MAX or exceeds(cost, qty * (1 + _UNSPENT_MAX)):
        return False  # at a price of about 1 it may as well be a quantity
    is_spent = cost >= qty * (1 - _UNSPENT_MAX)
    return is_spent if record.status is Status.FILLED else exceeds(filled_qty, qty)
