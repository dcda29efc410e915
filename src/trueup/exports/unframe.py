"""The rows of a JSON object that is a frame around them: an exchange's answer as a bot kept it, ccxt's cache by id, or
pandas' columns.

An object with an order's or trade's own key is a row. Must not know what a row is for.
"""

from typing import Any

from trueup.model.errors import InputError

FRAMES_MAX = 3  # Bybit's and KuCoin's answers have their rows two deep, Kraken's three
_FRAMES = (
    "result",
    "data",
    "items",
    "list",
    "closed",
    "open",
    "orders",
    "trades",
)  # what exchanges call them
_ID_KEYS = frozenset({"id", "orderId", "order_id", "ordId", "client_order_id", "clientOrderId"})
_ONE = _ID_KEYS | {
    "symbol",
    "pair",
    "trade_id",
}  # an object with one of these is a row, not a frame around rows


def unframed(tree: dict[str, Any], name: str, deeper: int = FRAMES_MAX) -> list[Any]:
    """The rows that an object is a frame around; an object that is none is a row itself. Raises InputError."""
    if not tree:
        raise InputError("an empty object: expected rows, or an empty list", name)
    lists = [
        key for key, value in tree.items() if isinstance(value, list) and value and isinstance(value[0], dict)
    ]
    if _ONE.intersection(tree):
        lists = []  # one order or trade, whose lists are parts of it
    if len(lists) > 1:
        raise InputError(f"holds several lists ({', '.join(sorted(lists))}); keep one in the file", name)
    if not lists and all(value in ([], None) for value in tree.values()):
        return []  # an object around an empty list
    frames = [] if lists or _ONE.intersection(tree) else [tree[key] for key in _FRAMES if key in tree]
    if deeper and len(frames) == 1 and isinstance(frames[0], dict | list):
        inside = frames[0]
        return unframed(inside, name, deeper - 1) if isinstance(inside, dict) and inside else list(inside)
    if not lists and all(isinstance(value, dict) for value in tree.values()):
        if (rows := _by_column(tree)) is not None:
            return rows
        return [_named(key, value) for key, value in tree.items()]  # keyed by id, as ccxt's cache is
    listed: list[Any] = tree[lists[0]] if lists else [tree]
    return listed


def _by_column(tree: dict[str, Any]) -> list[dict[str, Any]] | None:
    """The rows of columns that hold their cells by the row's number, as pandas' `to_json` writes; null for others."""
    numbers = list(next(iter(tree.values())))
    if len(tree) == 1 or not all(one.isdigit() for one in numbers):
        return None
    if any(list(cells) != numbers for cells in tree.values()):
        return None
    return [{column: cells[one] for column, cells in tree.items()} for one in numbers]


def _named(key: str, item: dict[str, Any]) -> dict[str, Any]:
    return item if _ID_KEYS.intersection(item) else {"id": key, **item}
