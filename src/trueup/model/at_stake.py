"""The money that a break is about, where its own figures say it: quantity that one side lacks, times a price.

Decides only from what the break holds of both sides. What cannot be priced is null, never zero; amounts stay in the
instrument's quote currency, which a view names where it is known.
"""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from trueup.model.money import ZERO, multiply, subtract
from trueup.model.plan import Break

# the first that both sides speak of, else the only one
_QTY_KEYS = ("filled_qty", "qty", "open_qty", "position_qty")
_PRICE_KEYS = ("filled_avg_price", "price", "mark_price", "avg_entry_price", "limit_price")
NOTIONAL_KEY = "mismatch_notional_usd"


def at_stake(found: Break) -> Decimal | None:
    """The notional of the difference; null where the break's figures do not say it."""
    local, venue = _sides(found)
    told = _amount(venue, NOTIONAL_KEY) or _amount(local, NOTIONAL_KEY)
    if told is not None:
        return told.copy_abs()
    qty, price = _difference(local, venue), _price(venue, local)
    return None if qty is None or price is None else multiply(qty, price).copy_abs()


def _sides(found: Break) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    return found.local or {}, found.venue or {}


def _difference(local: Mapping[str, Any], venue: Mapping[str, Any]) -> Decimal | None:
    for key in _QTY_KEYS:
        here, there = _amount(local, key), _amount(venue, key)
        if here is not None or there is not None:
            return subtract(there or ZERO, here or ZERO)
    return None


def _price(*sides: Mapping[str, Any]) -> Decimal | None:
    prices = (_amount(side, key) for side in sides for key in _PRICE_KEYS)
    return next((price for price in prices if price), None)


def _amount(side: Mapping[str, Any], key: str) -> Decimal | None:
    text = side.get(key)
    if not isinstance(text, str):
        return None
    try:
        return Decimal(text)
    except InvalidOperation:
        return None
