"""Whether an order's "quantity" is really the money it was to cost: some exchanges and libraries write it so."""

from decimal import Decimal

from trueup.model.money import multiply, subtract

# How far what was spent may be from the amount it was to be: rounding, and a fee.
COST_OFF_MAX = Decimal("0.05")


def costs_about(qty: str, filled_qty: str, cost: str | None, avg_price: str | None) -> bool:
    """Whether what filled cost about what was "ordered". `cost`: null, it is reckoned from the average."""
    spent = Decimal(cost) if cost is not None else multiply(Decimal(filled_qty), Decimal(avg_price or 0))
    return abs(subtract(spent, Decimal(qty))) <= multiply(Decimal(qty), COST_OFF_MAX)


def is_cost(qty: str | None, filled_qty: str | None, cost: str | None, avg_price: str | None) -> bool:
    """Whether more filled than was ordered, and what that cost is about what was "ordered"."""
    if qty is None or filled_qty is None or Decimal(filled_qty) <= Decimal(qty):
        return False
    return costs_about(qty, filled_qty, cost, avg_price)
