"""Exact amounts. Values carry them as decimal text; arithmetic turns them into `Decimal` here, never into floats."""

import decimal
from decimal import Decimal

AMOUNT_DIGITS_MAX = 38  # significant digits of an amount in a document: what NUMERIC(38) and most venues hold
CONTEXT = decimal.Context(prec=50, rounding=decimal.ROUND_HALF_EVEN, Emin=-999, Emax=999)
_OUTPUT = decimal.Context(prec=AMOUNT_DIGITS_MAX, rounding=decimal.ROUND_HALF_EVEN, Emin=-999, Emax=999)

ZERO = Decimal(0)


def amount(text: str | None) -> Decimal:
    """Decimal text as an exact `Decimal`; null is zero."""
    return ZERO if text is None else Decimal(text)


def text(value: Decimal) -> str:
    """The one canonical text of an amount: no exponent, no trailing zeros, at most 38 significant digits."""
    if not value:
        return "0"
    plain = str(value)
    if len(plain) > AMOUNT_DIGITS_MAX or "E" in plain:  # to be rounded, or written out
        return format(value.normalize(_OUTPUT), "f")
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def canonical(amount_text: str) -> str:
    """Equal amounts have equal canonical text (`1.50` = `1.5`): use it before hashing or storing."""
    return amount_text if _is_canonical(amount_text) else text(Decimal(amount_text))


def _is_canonical(amount_text: str) -> bool:
    """Plain digits, no zero to leave out before or behind them: most amounts, read without arithmetic."""
    whole, point, fraction = amount_text.partition(".")
    if not whole.isdigit() or (whole[0] == "0" and whole != "0") or len(amount_text) > AMOUNT_DIGITS_MAX:
        return False
    return not point or (fraction.isdigit() and fraction[-1] != "0")


def same(left: str | None, right: str | None) -> bool:
    """Equal amounts; text first, so that equal text costs no arithmetic. Null equals only null."""
    if left == right:
        return True
    if left is None or right is None:
        return False
    return Decimal(left) == Decimal(right)


def add(left: Decimal, right: Decimal) -> Decimal:
    return CONTEXT.add(left, right)


def subtract(left: Decimal, right: Decimal) -> Decimal:
    return CONTEXT.subtract(left, right)


def multiply(left: Decimal, right: Decimal) -> Decimal:
    return CONTEXT.multiply(left, right)


def divide(left: Decimal, right: Decimal) -> Decimal:
    return CONTEXT.divide(left, right)
