"""Checks what a bot hands to the recorder as strictly as a document: words, amounts as text, times in UTC."""

from typing import TypeVar

import msgspec

from trueup.model.check_texts import amount_fault, text_fault, time_fault
from trueup.model.errors import InputError
from trueup.model.snapshot import Fill, LocalOrder, Trade

Value = TypeVar("Value", LocalOrder, Fill, Trade)

_QUANTITIES = ("qty", "filled_qty")
_PRICES = ("limit_price", "stop_price", "filled_avg_price", "price", "fee")
_TEXTS = (
    *("symbol", "client_order_id", "venue_order_id", "trade_id", "sub_tag", "order_type"),
    *("fill_id", "fee_currency"),
)
_TIMES = ("submitted_at", "venue_updated_at", "filled_at", "opened_at")


def checked(value: Value) -> Value:
    """The value with its words as vocabulary. Raises InputError that names the key which does not fit."""
    name = type(value).__name__
    for key in _TEXTS:
        if isinstance(given := getattr(value, key, None), str) and (long := text_fault(given)):
            raise InputError(long, f"{name}.{key}")
    try:
        converted = msgspec.convert(msgspec.to_builtins(value), type(value))
    except msgspec.ValidationError as fault:
        raise InputError(str(fault), name) from fault
    for key in (*_QUANTITIES, *_PRICES):
        if (given := getattr(converted, key, None)) is not None:
            checked_amount(given, f"{name}.{key}", signed=key in _PRICES)
    for key in _TIMES:
        if (given := getattr(converted, key, None)) is not None:
            checked_time(given, f"{name}.{key}")
    return converted


def checked_amount(given: object, path: str, *, signed: bool = False) -> str:
    """Decimal text; a float has lost its digits already."""
    if not isinstance(given, str):
        raise InputError(f"expected a decimal as text such as '0.001', got {given!r}", path)
    if fault := amount_fault(given, signed=signed):
        raise InputError(fault, path)
    return given


def checked_time(given: object, path: str) -> str:
    """RFC 3339 in UTC, with Z."""
    if not isinstance(given, str):
        raise InputError(f"expected a time as text such as '2026-11-23T12:00:00Z', got {given!r}", path)
    if fault := time_fault(given):
        raise InputError(fault, path)
    return given
