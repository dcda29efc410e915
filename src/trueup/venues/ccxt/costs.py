"""What was paid: an order's average, a fill's price, where ccxt's figure of it is none of the exchange's.

Rules: what an order was to cost is not what its fills cost; a fee is no part of a price; an order's limit is no fill's
price. Must not know of quantities and ends.
"""

from trueup.model.money import ZERO, add, amount, divide, subtract, text
from trueup.venues.ccxt.texts import Row, lower_text, read_number, read_price
from trueup.venues.ccxt.traits import COST_IS_ORDERED, FEE_IN_COST, SPENT_FIELDS


def read_average(row: Row, info: Row, venue: str) -> str | None:
    """Null where nobody says it."""
    if venue in COST_IS_ORDERED:
        return None
    spent_field, bought_field = SPENT_FIELDS.get(venue, ("", ""))
    spent, bought = read_number(info, spent_field), read_number(info, bought_field)
    if spent is not None and bought is not None and amount(spent) and amount(bought):
        return text(divide(amount(spent), amount(bought)))
    without_fee = _without_fee(row, info, venue)
    return read_price(row, "average") if without_fee is None else without_fee


def read_fill_price(row: Row, info: Row, venue: str) -> str | None:
    """Null where the exchange did not tell it."""
    without_fee = _without_fee(row, info, venue)
    return read_price(row, "price") if without_fee is None else without_fee


def _without_fee(row: Row, info: Row, venue: str) -> str | None:
    fields = FEE_IN_COST.get(venue, ())
    if not fields or not all(field in info for field in fields) or "price" in info:
        return None
    base, quote, fee = (amount(read_number(info, field, signed=True)) for field in fields)
    if base == ZERO:
        return None
    is_buy = lower_text(row.get("side")) == "buy"
    paid = subtract(abs(quote), fee) if is_buy else add(abs(quote), fee)
    return text(divide(paid, abs(base)))
