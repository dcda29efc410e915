"""Whether an order was placed by an amount of money: then a quantity is nobody's but the bot's estimate until it ended.

Either side may say so. A venue that knows no quantity of a market order says so, too; and one whose quantity is what
the order cost: exchanges return the amount that was to be spent where others return a quantity.
"""

from decimal import Decimal

from trueup.model.money import amount, divide, exceeds
from trueup.model.notional import COST_OFF_MAX, ordered_qty
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
    if _MARKET not in (record.order_type or order.order_type or "").lower():
        return False
    estimate = ordered_qty(order)
    is_beside = estimate is not None and is_money_beside(record, estimate)
    return ordered_qty(record) is None or is_money(record) or is_beside


def base_qty(record: VenueOrder) -> str | None:
    """The quantity that was ordered, in units; null where the venue's figure is money."""
    is_market = _MARKET in (record.order_type or "").lower()
    return None if record.qty is None or (is_market and is_money(record)) else record.qty


def is_money_beside(record: VenueOrder, estimate: str) -> bool:
    """Whether a market order's quantity at the venue is what was to be spent, beside the one that the bot recorded.

    It is where it is about what that one costs. Where nothing filled, no price tells, and a figure that is far from the
    bot's is not believed: no venue lets a market order be amended.
    """
    qty, estimated_qty, average = amount(record.qty), amount(estimate), amount(record.filled_avg_price)
    if qty == 0 or estimated_qty == 0:
        return False
    off = _off_by(qty, estimated_qty)
    if off <= 1 + COST_OFF_MAX:
        return False
    if average <= 0:
        return off > _ESTIMATE_OFF_MAX
    return _off_by(qty, estimated_qty * average) <= min(off, _ESTIMATE_OFF_MAX)


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
