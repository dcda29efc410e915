"""The slow path's JSON tree: exact number texts, nulls dropped, exponents written out; no amount becomes a float."""

import json
from typing import Any

from trueup.model.errors import InputError
from trueup.model.money import parse

_AMOUNT_KEYS = frozenset(
    (
        "qty",
        "filled_qty",
        "limit_price",
        "stop_price",
        "filled_avg_price",
        "price",
        "fee",
        "entry_qty",
        "exit_qty",
        "fee_base_qty",
        "entry_avg_price",
        "avg_entry_price",
        "mark_price",
        "qty_step",
        "price_tick",
        "long",
        "short",
        "parity_auto_close_notional_max_usd",
        "notional_max_usd",
    )
)
_AMOUNT_MAPS = frozenset({"usd_rates", "position_baseline"})
_KEEP_NULL = frozenset({"venue_order_id"})  # a venue order must say that it has none
_EXPONENT_MAX = 60


class NumberText(str):
    """The exact text of a JSON number."""

    __slots__ = ()


def parse_tree(raw: bytes) -> Any:
    """JSON as a tree whose numbers are `NumberText`. Raises InputError where it is not one JSON value."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise InputError(f"not UTF-8 (byte {fault.start})") from fault
    if not text.strip():
        raise InputError("empty: expected one snapshot object")
    try:
        return json.loads(text, parse_int=NumberText, parse_float=NumberText, parse_constant=NumberText)
    except json.JSONDecodeError as fault:
        place = f"line {fault.lineno} column {fault.colno}"
        cut = " (the document ends too early)" if fault.pos >= len(text.rstrip()) else ""
        raise InputError(f"not JSON: {fault.msg} at {place}{cut}") from fault
    except RecursionError as fault:
        raise InputError("not a snapshot: nested too deeply") from fault


def normalize_tree(node: Any, path: str = "$", *, amounts: bool = False) -> Any:
    """The same tree as the fast path would have read it."""
    if isinstance(node, dict):
        return {
            _plain_text(key, path): normalize_tree(
                value, f"{path}.{key}", amounts=key in _AMOUNT_KEYS or path.rpartition(".")[2] in _AMOUNT_MAPS
            )
            for key, value in node.items()
            if value is not None or key in _KEEP_NULL
        }
    if isinstance(node, list):
        return [normalize_tree(value, f"{path}[{index}]") for index, value in enumerate(node)]
    if isinstance(node, NumberText):
        return _number(node, path, amounts)
    if isinstance(node, str):
        return _without_exponent(_plain_text(node, path)) if amounts else _plain_text(node, path)
    return node


def _number(node: NumberText, path: str, amounts: bool) -> Any:
    if node in ("NaN", "Infinity", "-Infinity"):
        raise InputError(f"{node} is not an amount", path)
    if amounts:
        return _without_exponent(str(node))
    if node.lstrip("-").isdigit() and len(node) < 19:
        return int(node)
    if (
        path.endswith("_s") and len(node) < 19
    ):  # seconds of the policy: the only numbers that are not money or counts
        return float(node)
    raise InputError(f"expected another type, got the number {node[:60]}", path)


def _without_exponent(text: str) -> str:
    """`1e-7` as `0.0000001`; any other text stays as it is, for the check to judge."""
    if "e" not in text and "E" not in text:
        return text
    value = parse(text)
    if value is None:
        return text
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or abs(exponent) > _EXPONENT_MAX:
        return text
    return format(value, "f")


def _plain_text(text: str, path: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as fault:
        raise InputError("text with a lone surrogate", path) from fault
    return text
