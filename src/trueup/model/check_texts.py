"""Checks the texts of many values at once: amounts and times, by their shapes, so that a good snapshot costs little.

Digits are folded to one digit; what remains is a handful of distinct shapes, each judged once.
"""

import re
from collections.abc import Iterable

from trueup.model.money import AMOUNT_DIGITS_MAX
from trueup.model.times import to_ns

_FOLD_DIGITS = str.maketrans("123456789", "000000000")
_UNSIGNED = re.compile(r"0+(\.0+)?", re.ASCII)
_SIGNED = re.compile(r"-?0+(\.0+)?", re.ASCII)
_SECOND_SHAPE = "0000-00-00T00:00:00Z"
_TIME_SHAPE = re.compile(r"0000-00-00T00:00:00(\.0{1,9})?Z", re.ASCII)


def amount_fault(text: str, *, signed: bool) -> str | None:
    """Why one text is not an amount; null where it is."""
    if text.lower().lstrip("+-") in ("nan", "snan", "inf", "infinity"):
        return f"{text!r} is not an amount"
    folded = text.translate(_FOLD_DIGITS)
    if not _SIGNED.fullmatch(folded):
        return f"expected a decimal as text such as '0.001', got {text[:60]!r}"
    if not signed and not _UNSIGNED.fullmatch(folded) and text.strip("-0.") != "":
        return f"a quantity cannot be negative, got {text[:60]!r}"
    digits = len(text.replace(".", "").lstrip("-0"))
    if digits > AMOUNT_DIGITS_MAX:
        return f"more than {AMOUNT_DIGITS_MAX} significant digits ({digits})"
    return None


def amounts_are_good(texts: Iterable[str | None], *, signed: bool) -> bool:
    """Whether all of these are amounts, nulls aside."""
    distinct = {text for text in texts if text is not None}
    shape_of = _SIGNED if signed else _UNSIGNED
    for shape in set("\n".join(distinct).translate(_FOLD_DIGITS).split("\n")):
        if not shape_of.fullmatch(shape) or len(shape) > AMOUNT_DIGITS_MAX:
            return all(amount_fault(text, signed=signed) is None for text in distinct)
    return True


def time_fault(text: str) -> str | None:
    """Why one text is not a time; null where it is."""
    try:
        to_ns(text)
    except ValueError:
        return f"expected an RFC 3339 UTC time such as '2026-11-23T12:00:00Z', got {text[:60]!r}"
    return None


def times_are_good(texts: Iterable[str | None]) -> bool:
    """Whether all of these are times, nulls aside. Whole seconds are judged by minute, so repeats cost nothing."""
    distinct = {text for text in texts if text is not None}
    if not distinct:
        return True
    for shape in set("\n".join(distinct).translate(_FOLD_DIGITS).split("\n")):
        if not _TIME_SHAPE.fullmatch(shape):
            return False
    minutes = {text[:17] for text in distinct}
    seconds = {text[17:19] for text in distinct}
    return max(seconds) < "60" and all(time_fault(minute + "00Z") is None for minute in minutes)
