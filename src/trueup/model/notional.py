"""Whether an order's "quantity" is one: exchanges and libraries write the money it was to cost there, or a zero."""

from decimal import Decimal

from trueup.model.money import amount_or_none, is_zero, multiply, subtract
from trueup.model.snapshot import LocalOrder, VenueOrder

# How far what was spent may be from the amount it was to be: rounding, and a fee.
COST_OFF_MAX = Decimal("0.05")


def ordered_qty(row: LocalOrder | VenueOrder) -> str | None:
    """The quantity that was ordered; a zero is none: Binance's `origQty` of an order by an amount of money."""
    return None if row.qty is None or is_zero(row.qty) else row.qty


def whole_qty(order: LocalOrder) -> Decimal | None:
    """What fills cannot exceed, and what makes it filled; null where the bot knows no quantity, or only an estimate."""
    return None if order.by_notional else amount_or_none(ordered_qty(order))


def costs_about(qty: str, filled_qty: str, cost: str | None, avg_price: str | None) -> bool:
    """Whether what filled cost about what was "ordered". `cost`: null, it is reckoned from the average."""
    spent = Decimal(cost) if cost is not None else multiply(Decimal(filled_qty), Decimal(avg_price or 0))
    return abs(subtract(spent, Decimal(qty))) <= multiply(Decimal(qty), COST_OFF_MAX)


def is_cost(qty: str | None, filled_qty: str | None, cost: str | None, avg_price: str | None) -> bool:
    """Whether more filled than was ordered, and what that cost is about what was "ordered"."""
    if qty is None or filled_qty is None or Decimal(filled_qty) <= Decimal(qty):
        return False
    return costs_about(qty, filled_qty, cost, avg_price)
