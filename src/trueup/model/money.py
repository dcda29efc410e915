"""Exact amounts. Values carry them as decimal text; arithmetic turns them into `Decimal` here, never into floats.

An amount has at most 30 significant digits and an exponent within ±30 (formats.md); so has what is written. Sums and
products of such amounts, and of quotients, are exact: more digits are kept than they can need, and what would round is
an error. Only `divide`, `cut_off`, `rounded` and `text` round, each to what it says; Python's `/` is not used.
"""

import decimal
import re
from collections.abc import Iterable
from decimal import Decimal
from functools import reduce

from trueup.model.errors import InvariantError

AMOUNT_DIGITS_MAX = 30  # significant digits of an amount: no venue needs more than 28
AMOUNT_EXPONENT_MAX = 30  # of an amount written as d.ddd × 10^n
QUOTIENT_DIGITS = 100  # more than a product of three amounts has: one that comes out whole is exact
DIGITS_KEPT = 600  # a product of two amounts spans 10^-118 to 10^62, of a quotient and them 10^-340 to 10^190
CONTEXT = decimal.Context(
    prec=DIGITS_KEPT, rounding=decimal.ROUND_HALF_EVEN, Emin=-999, Emax=999,
    traps=[decimal.Inexact, decimal.InvalidOperation, decimal.DivisionByZero, decimal.Overflow],
)  # fmt: skip
_QUOTIENT = decimal.Context(prec=QUOTIENT_DIGITS, rounding=decimal.ROUND_HALF_EVEN, Emin=-999, Emax=999)
_STEPS = decimal.Context(prec=DIGITS_KEPT, Emin=-999, Emax=999)
_OUTPUT = decimal.Context(prec=AMOUNT_DIGITS_MAX, rounding=decimal.ROUND_HALF_EVEN, Emin=-999, Emax=999)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)

ZERO = Decimal(0)
NOISE = Decimal(
    "1e-9"
)  # design.md, "Noise": amounts that differ by less than this part of the larger are the same


def amount(text: str | None) -> Decimal:
    """Decimal text as an exact `Decimal`; null is zero."""
    return ZERO if text is None else Decimal(text)


def amount_or_none(text: str | None) -> Decimal | None:
    """The same where null is no amount: not told."""
    return None if text is None else Decimal(text)


def parse(number: str) -> Decimal | None:
    """Somebody's number: ASCII digits with a sign, a point and an exponent at most; null where it is none.

    Python's own reading takes `1_0` and the digits of other scripts, and has no value for an exponent of 20 digits.
    """
    try:
        return Decimal(number) if _NUMBER.fullmatch(number) else None
    except decimal.InvalidOperation:
        return None


def is_zero(amount_text: str) -> bool:
    """Whether an amount is nothing, however its zero is written."""
    return amount_text == "0" or (amount_text[0] not in "123456789" and not Decimal(amount_text))


def is_within_bounds(value: Decimal) -> bool:
    """Whether it has few enough significant digits and a moderate exponent. Answers for any value, the largest too."""
    if not value:
        return True
    if not value.is_finite() or abs(value.adjusted()) > AMOUNT_EXPONENT_MAX:
        return False
    return len("".join(map(str, value.as_tuple().digits)).rstrip("0")) <= AMOUNT_DIGITS_MAX


def text(value: Decimal) -> str:
    """The one canonical text of an amount: no exponent, no trailing zeros, at most 30 significant digits."""
    if not value:
        return "0"
    plain = str(value)
    if len(plain) > AMOUNT_DIGITS_MAX or "E" in plain:  # to be rounded, or written out
        return format(value.normalize(_OUTPUT), "f")
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def sum_text(value: Decimal) -> str:
    """The same of a sum of quantities, which is exact. Raises InvariantError where it has too many digits."""
    if len(value.as_tuple().digits) > AMOUNT_DIGITS_MAX and not is_within_bounds(value):
        raise InvariantError(
            f"the sum {value:f} has more than {AMOUNT_DIGITS_MAX} significant digits and cannot be kept exactly:"
            " nothing is written; correct the amounts that it is made of"
        )
    return text(value)


def canonical(amount_text: str) -> str:
    """Equal amounts have equal canonical text (`1.50` = `1.5`): use it before hashing or storing."""
    if len(amount_text) > AMOUNT_DIGITS_MAX or not amount_text.isascii():
        return _spelled_out(Decimal(amount_text))
    whole, point, fraction = amount_text.partition(".")
    if not whole.isdigit() or (whole[0] == "0" and whole != "0") or not (fraction or "0").isdigit():
        return _spelled_out(Decimal(amount_text))  # a sign, leading zeros, an exponent
    fraction = fraction.rstrip("0")
    return whole + point + fraction if fraction else whole


def _spelled_out(value: Decimal) -> str:
    """All of its digits: what is stored stays what it was."""
    return format(value.normalize(_STEPS), "f") if value else "0"


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
    """Exact. Raises Inexact beyond `DIGITS_KEPT`."""
    return CONTEXT.add(left, right)


def total(amounts: Iterable[Decimal]) -> Decimal:
    """Their sum, exact; Python's own `sum` rounds at 28 digits in silence."""
    return reduce(add, amounts, ZERO)


def subtract(left: Decimal, right: Decimal) -> Decimal:
    """Exact. Raises Inexact beyond `DIGITS_KEPT`."""
    return CONTEXT.subtract(left, right)


def multiply(left: Decimal, right: Decimal) -> Decimal:
    """Exact. Raises Inexact beyond `DIGITS_KEPT`."""
    return CONTEXT.multiply(left, right)


def divide(left: Decimal, right: Decimal) -> Decimal:
    """Rounded half even to `QUOTIENT_DIGITS`."""
    return _QUOTIENT.divide(left, right)


def cut_off(value: Decimal, unit: Decimal) -> Decimal:
    """With no more decimals than `unit` has: what is beyond them is dropped."""
    return value.quantize(unit, decimal.ROUND_DOWN, _STEPS)


def rounded(value: Decimal, unit: Decimal) -> Decimal:
    """With as many decimals as `unit` has, half even."""
    return value.quantize(unit, decimal.ROUND_HALF_EVEN, _STEPS)
