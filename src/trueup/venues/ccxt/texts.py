"""Single values out of ccxt's rows and the venue's own records (`info`): exact amounts, times, words.

An amount is text that the venue wrote; a float was rounded and is refused. Must not know what a value is for.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from trueup.exports.read_texts import read_amount
from trueup.model.money import AMOUNT_DIGITS_MAX, ZERO, amount, parse, text
from trueup.model.times import from_ns

Row = Mapping[str, Any]
_MS_NS = 1_000_000
_NO_TIME_BEFORE_MS = (
    1_230_768_000_000  # 2009: before it there was nothing to trade; seconds read as ms fall there
)
_NO_TIME_FROM_MS = 253_402_300_800_000  # the year 10000: a time has four digits of a year


def read_number(row: Row, key: str, *, signed: bool = False) -> str | None:
    """An exact amount. Raises ValueError for a float, and for what is none."""
    value = row.get(key)
    if value is None or value == "":
        return None
    if isinstance(value, (bool, float)):
        raise ValueError(
            f"{key} of {row.get('id') or row.get('symbol')} is the float {value!r}: rounded, so not used"
        )
    try:
        return read_amount(str(value), signed=signed)
    except ValueError as fault:
        raise ValueError(f"{key} of {row.get('id') or row.get('symbol')}: {fault}") from None


def read_price(row: Row, key: str) -> str | None:
    """A price of zero is none: exchanges write it where there is no limit, trigger or fill."""
    value = row.get(key)
    if (
        isinstance(value, (str, Decimal)) and len(str(value)) > AMOUNT_DIGITS_MAX
    ):  # some exchanges write 42 of a quotient
        row = {**row, key: _rounded(str(value))}
    price = read_number(row, key)
    return None if price is None or amount(price) == ZERO else price


def read_told_price(row: Row, key: str) -> str | None:
    """A price that nothing is booked by: one that cannot be read is not told, and fails nothing."""
    try:
        return read_price(row, key)
    except ValueError:
        return None


def _rounded(said: str) -> str:
    try:
        return text(Decimal(said))
    except ArithmeticError:  # no number, or a monstrous one: refused where it is read
        return said


def read_ms(ms: object) -> str | None:
    """ccxt's milliseconds; at some exchanges with a fraction that means nothing, and of 1970 where there is none.

    Raises ValueError where it is none: one of a million digits is not written out.
    """
    if ms is None:
        return None
    known_ms = parse(str(ms))
    if known_ms is None or known_ms >= _NO_TIME_FROM_MS:
        raise ValueError(f"{str(ms)[:40]!r} is no time in milliseconds")
    return None if known_ms < _NO_TIME_BEFORE_MS else from_ns(int(known_ms) * _MS_NS)


def read_info(row: Row) -> Row:
    info = row.get("info")
    return info if isinstance(info, Mapping) else {}


def first_text(info: Row, fields: tuple[str, ...]) -> str | None:
    return next((said for field in fields if (said := read_text(info.get(field))) not in (None, "0")), None)


def read_text(value: object) -> str | None:
    if value is None or isinstance(value, (dict, list, bool)):
        return None
    return str(value).strip() or None


def lower_text(value: object) -> str | None:
    said = read_text(value)
    return None if said is None else said.lower()
