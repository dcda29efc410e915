"""Single values out of ccxt's rows and the venue's own records (`info`): exact amounts, times, words.

An amount is text that the venue wrote; a float was rounded and is refused. Must not know what a value is for.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from trueup.exports.read_texts import read_amount
from trueup.model.money import ZERO, amount
from trueup.model.times import from_ns

Row = Mapping[str, Any]
_MS_NS = 1_000_000


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
    price = read_number(row, key)
    return None if price is None or amount(price) == ZERO else price


def read_ms(ms: object) -> str | None:
    """ccxt's milliseconds; at some exchanges they have a fraction that means nothing."""
    return None if ms is None else from_ns(int(Decimal(str(ms))) * _MS_NS)


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
