"""Exact amounts. Values carry them as decimal text; arithmetic turns them into `Decimal` here, never into floats."""

import decimal
from decimal import Decimal

AMOUNT_DIGITS_MAX = 38  # significant digits of an amount in a document: what NUMERIC(38) and most venues hold
CONTEXT = decimal.Context(prec=50, rounding=decimal.ROUND_HALF_EVEN, Emin=-999, Emax=999)
_OUTPUT = decimal.Context(prec=AMOUNT_DIGITS_MAX, rounding=decimal.ROUND_HALF_EVEN, Emin=-999, Emax=999)

ZERO = Decimal(0)
NOISE = Decimal(
    "1e-9"
)  # design.md, "Noise": amounts that differ by less than this part of the larger are the same


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
    if len(amount_text) > AMOUNT_DIGITS_MAX or not amount_text.isascii():
        return text(Decimal(amount_text))
    whole, point, fraction = amount_text.partition(".")
    if not whole.isdigit() or (whole[0] == "0" and whole != "0") or not (fraction or "0").isdigit():
        return text(Decimal(amount_text))  # a sign, leading zeros, an exponent
    fraction = fraction.rstrip("0")
    return whole + point + fraction if fraction else whole


AVERAGE_NOISE = Decimal(
    "0.000001"
)  # design.md, "The average is judged": of the price, where no tick is known

PLAIN_WIDTH_MAX = 15  # characters of an amount that binary fractions cannot have left noise in
ROUNDED_AVERAGE = Decimal("0.0001")  # the same rule: an average that is off by less was rounded by somebody


def average_tolerance(average_price: Decimal, price_tick: Decimal) -> Decimal:
    """By how much two averages may differ and be the same: a tick, or a part of the price where that is not known."""
    return price_tick or average_price * AVERAGE_NOISE


def is_same(left: Decimal, right: Decimal) -> bool:
    """Whether two amounts are the same, but for the noise that binary fractions leave."""
    return left == right or abs(left - right) < NOISE * max(abs(left), abs(right))


def exceeds(left: Decimal, right: Decimal) -> bool:
    """Whether `left` is more, and not by noise alone."""
    return left > right and not is_same(left, right)


def same(left: str | None, right: str | None) -> bool:
    """The same amounts as text; equal text costs no arithmetic. Null equals only null."""
    if left == right:
        return True
    if left is None or right is None:
        return False
    return is_same(Decimal(left), Decimal(right))


def identical(left: str, right: str) -> bool:
    """Equal to the last digit, however spelled: what proofs need."""
    return left == right or Decimal(left) == Decimal(right)


def add(left: Decimal, right: Decimal) -> Decimal:
    return CONTEXT.add(left, right)


def subtract(left: Decimal, right: Decimal) -> Decimal:
    return CONTEXT.subtract(left, right)


def multiply(left: Decimal, right: Decimal) -> Decimal:
    return CONTEXT.multiply(left, right)


def divide(left: Decimal, right: Decimal) -> Decimal:
    return CONTEXT.divide(left, right)
