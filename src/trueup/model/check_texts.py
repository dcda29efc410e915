"""Checks the texts of many values at once: amounts and times, by their shapes, so that a good snapshot costs little.

Digits are folded to one digit; what remains is a handful of distinct shapes, each judged once.
"""

import re
from collections.abc import Iterable
from decimal import Decimal
from functools import lru_cache
from itertools import chain
from operator import itemgetter

from trueup.model.money import AMOUNT_DIGITS_MAX, AMOUNT_EXPONENT_MAX, is_within_bounds
from trueup.model.times import to_ns

TEXT_CHARS_MAX = (
    1000  # of an id, a symbol, a word, a reason: venues' longest ids have 128, their reasons a sentence
)
TEXTS_KEPT_MAX = 4096  # judged singly: those of small snapshots, which are much the same from run to run
_FOLD_DIGITS = str.maketrans("123456789", "000000000")
_DROP_DIGITS = str.maketrans("", "", "0123456789")
_LONG_RUN = "0" * (AMOUNT_DIGITS_MAX // 2 + 1)  # without a run this long no amount has too many digits
_MONTH_WIDTH = len("2026-11")
_HOUR_OF = itemgetter(slice(0, len("2026-11-23T12")))
_UNSIGNED = re.compile(r"0+(\.0+)?", re.ASCII)
_SIGNED = re.compile(r"-?0+(\.0+)?", re.ASCII)
_EXPONENT = re.compile(r"-?0+(\.0+)?[eE][+-]?0+", re.ASCII)
_SECOND_WIDTH = len("0000-00-00T00:00:00Z\n")
_TIME_SHAPE = re.compile(r"0000-00-00T00:00:00(\.0{1,9})?Z", re.ASCII)


@lru_cache(maxsize=TEXTS_KEPT_MAX)
def amount_fault(text: str, *, signed: bool) -> str | None:
    """Why one text is not an amount; null where it is."""
    if text.lower().lstrip("+-") in ("nan", "snan", "inf", "infinity"):
        return f"{text!r} is not an amount"
    folded = text.translate(_FOLD_DIGITS)
    if _EXPONENT.fullmatch(folded):
        return f"an exponent beyond ±{AMOUNT_EXPONENT_MAX}"  # a smaller one was written out before
    if not _SIGNED.fullmatch(folded):
        return f"expected a decimal as text such as '0.001', got {text[:60]!r}"
    if not signed and not _UNSIGNED.fullmatch(folded) and text.strip("-0.") != "":
        return f"a quantity cannot be negative, got {text[:60]!r}"
    digits = len(text.replace(".", "").lstrip("-0"))
    if digits > AMOUNT_DIGITS_MAX:  # of all that stand there, trailing zeros too: most have few
        digits = len(text.replace(".", "").strip("-0"))
    if digits > AMOUNT_DIGITS_MAX:
        return f"more than {AMOUNT_DIGITS_MAX} significant digits ({digits})"
    if len(text) > AMOUNT_EXPONENT_MAX and not is_within_bounds(Decimal(text)):
        return f"an exponent beyond ±{AMOUNT_EXPONENT_MAX}"
    return None


def amounts_are_good(column: Iterable[str | None], *, signed: bool) -> bool:
    """Whether all of these are amounts, nulls aside."""
    return all(amount_fault(text, signed=signed) is None for text in column if text is not None)


def amounts_are_plain(rows: Iterable[tuple[str | None, ...]]) -> bool:
    """Whether all amounts of these rows are plain digits, with a point at most: good for any column, nulls aside."""
    return _are_plain_amounts(
        "\n" + "\n".join([text for row in rows for text in row if text is not None]) + "\n"
    )


def _are_plain_amounts(joined: str) -> bool:
    """Digits with at most one point inside each: read off one joined text, without a look at any single one."""
    residue = joined.translate(_DROP_DIGITS)
    return (
        not residue.strip(".\n")
        and ".." not in residue
        and "\n." not in joined
        and ".\n" not in joined
        and "\n\n" not in joined
        and _LONG_RUN not in joined.translate(_FOLD_DIGITS)
    )


def _join(column: Iterable[str | None]) -> tuple[list[str], str]:
    """The texts that are there, and all of them as lines between two line feeds."""
    values = list(column)
    try:
        return values, "\n" + "\n".join(values) + "\n"  # type: ignore[arg-type, return-value]
    except TypeError:  # there are nulls
        present = [text for text in values if text is not None]
        return present, "\n" + "\n".join(present) + "\n"


def text_fault(text: str) -> str | None:
    """Why an id, a symbol or a word is none; null where it may be one."""
    if len(text) > TEXT_CHARS_MAX:
        return f"longer than {TEXT_CHARS_MAX} characters ({len(text)})"
    return None


def texts_are_short(rows: Iterable[tuple[str | None, ...]]) -> bool:
    """Whether no text of these rows is longer than `TEXT_CHARS_MAX`, nulls aside."""
    return max(map(len, filter(None, chain.from_iterable(rows))), default=0) <= TEXT_CHARS_MAX


@lru_cache(maxsize=TEXTS_KEPT_MAX)
def time_fault(text: str) -> str | None:
    """Why one text is not a time; null where it is."""
    try:
        to_ns(text)
    except ValueError:
        return f"expected an RFC 3339 UTC time such as '2026-11-23T12:00:00Z', got {text[:60]!r}"
    return None


def times_are_good(column: Iterable[str | None]) -> bool:
    """Whether all of these are times, nulls aside. Texts of one width are judged as columns of one joined text."""
    present, joined = _join(column)
    if not present:
        return True
    width = len(present[0]) + 1
    fraction = "" if width == _SECOND_WIDTH else "." + "0" * (width - _SECOND_WIDTH - 1)
    shape = f"0000-00-00T00:00:00{fraction}Z\n"
    if not _TIME_SHAPE.fullmatch(shape[:-1]) or joined[1:].translate(_FOLD_DIGITS) != shape * len(present):
        return all(time_fault(text) is None for text in set(present))
    tens_of_minutes_and_seconds = joined[15::width] + joined[18::width]
    return not tens_of_minutes_and_seconds.strip("012345") and _are_real_hours(present, joined, width)


def _are_real_hours(times: list[str], joined: str, width: int) -> bool:
    """Whether the day and the hour of every time exist. In one month, the first and the last day stand for all."""
    first, last = min(times), max(times)
    if first[:_MONTH_WIDTH] != last[:_MONTH_WIDTH]:
        return all(time_fault(hour + ":00:00Z") is None for hour in set(map(_HOUR_OF, times)))
    tens, ones = joined[12::width], joined[13::width]
    late = {one for ten, one in zip(tens, ones, strict=True) if ten == "2"} if "2" in tens else set()
    hours_are_real = not tens.strip("012") and late <= set("0123")
    return hours_are_real and time_fault(first) is None and time_fault(last) is None
