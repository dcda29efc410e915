"""The books as they stood at a past moment, from the order log alone: every change until then, laid over what stood."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from msgspec import Struct

from trueup.model.times import to_ns
from trueup.ports.journal import REMOVED

Key = TypeVar("Key", int, str)


class BooksAt(Struct, frozen=True, kw_only=True):
    """`orders`, `trades`: keys and values as a snapshot has them; `rows`: how many rows of the log were laid over."""

    at: str
    rows: int
    orders: list[dict[str, Any]]
    trades: list[dict[str, Any]]


def books_at(log: Iterable[Mapping[str, Any]], at: str) -> BooksAt:
    """`log`: one profile's exported order log, in its order. Raises ValueError where `at` is no time."""
    until, rows = to_ns(at), 0
    orders: dict[int, dict[str, Any]] = {}
    trades: dict[str, dict[str, Any]] = {}
    for row in log:
        if to_ns(row["logged_at"]) > until:
            break  # the log is in the order of time
        rows += 1
        changes = row["payload"].get("changes") or {}
        if row["order_key"] is not None:
            _lay(orders, row["order_key"], changes)
        else:
            _lay(trades, row["trade_id"] or "", changes)
    return BooksAt(at=at, rows=rows, orders=list(orders.values()), trades=list(trades.values()))


def _lay(rows: dict[Key, dict[str, Any]], key: Key, changes: Mapping[str, Any]) -> None:
    if changes == REMOVED:
        rows.pop(key, None)
    else:
        rows.setdefault(key, {}).update(changes)
