"""The money that a break is about, where its own figures say it: quantity that one side lacks, times a price.

Decides only from what the break holds of both sides. What cannot be priced is null, never zero; amounts stay in the
instrument's quote currency, which a view names where it is known.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from trueup.model.ids import symbol_token
from trueup.model.money import ZERO, multiply, subtract, total
from trueup.model.plan import Break
from trueup.model.vocabulary import BreakKind

# the first that both sides speak of, else the only one
_QTY_KEYS = ("filled_qty", "qty", "shortfall_qty", "open_qty", "position_qty")
_PRICE_KEYS = ("filled_avg_price", "price", "mark_price", "avg_entry_price", "limit_price")
_OF_POSITIONS = (BreakKind.POSITION_MISMATCH, BreakKind.MISSING_EXIT)
NOTIONAL_KEY = "mismatch_notional_usd"


def at_stake(found: Break) -> Decimal | None:
    """The notional of the difference; null where the break's figures do not say it."""
    local, venue = _sides(found)
    told = _amount(venue, NOTIONAL_KEY) or _amount(local, NOTIONAL_KEY)
    if told is not None:
        return told.copy_abs()
    qty, price = _difference(local, venue), _price(venue, local)
    price = price or _decimal(found.price)
    return None if qty is None or price is None else multiply(qty, price).copy_abs()


def subject_of(found: Break) -> str | None:
    """What several breaks are about together, so that its money counts once: a position's instrument, or null."""
    return symbol_token(found.symbol) if found.kind in _OF_POSITIONS and found.symbol is not None else None


def sum_at_stake(figures: Iterable[tuple[str | None, Decimal | None]]) -> tuple[Decimal | None, int]:
    """Of (subject, amount) of each break: what is known in all (null: nothing is), and how many say no amount.

    Quote currencies are added up as they stand.
    """
    amounts: list[Decimal | None] = []
    by_subject: dict[str, Decimal | None] = {}
    for subject, found in figures:
        if subject is None:
            amounts.append(found)
            continue
        before = by_subject.setdefault(subject, found)
        if found is not None and (before is None or found > before):
            by_subject[subject] = found
    amounts += by_subject.values()
    known = [one for one in amounts if one is not None]
    return total(known) if known else None, len(amounts) - len(known)


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
    return _decimal(side.get(key))


def _decimal(text: object) -> Decimal | None:
    if not isinstance(text, str):
        return None
    try:
        return Decimal(text)
    except InvalidOperation:
        return None
