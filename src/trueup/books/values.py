"""What every kind of foreign books hands out: rows as trueup understands them, and those that it does not.

A row keeps the cells it was made of, so that a write can be compared with what was judged. Values only.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import msgspec
from msgspec import Struct

from trueup.model.snapshot import Fill, LocalOrder, Trade


class ForeignOrder(Struct, frozen=True, kw_only=True):
    """One order row. `key` names it in its table; `cells`: meaning → what the driver read; `owner`: a profile id."""

    key: str
    fingerprint: str
    order: LocalOrder
    owner: str | None = None
    cells: Mapping[str, Any] = {}


class ForeignTrade(Struct, frozen=True, kw_only=True):
    """One round trip. `live_entry`: an entry of it may still fill."""

    key: str
    fingerprint: str
    trade: Trade
    owner: str | None = None


class ForeignFill(Struct, frozen=True, kw_only=True):
    """One execution, and the key of the order row it belongs to where that is known."""

    key: str
    fingerprint: str
    fill: Fill
    order_key: str | None = None


class RowFault(Struct, frozen=True, kw_only=True):
    """A row that says nothing certain: it is told, its ids count as existing, and nothing is judged of it."""

    table: str
    key: str
    message: str
    venue_order_id: str | None = None
    client_order_id: str | None = None


class Wanted(Struct, frozen=True, kw_only=True):
    """What of the orders is asked for, any of: live rows, those changed since (RFC 3339), by key, by either id."""

    live: bool = False
    changed_since: str | None = None
    keys: Sequence[str] = ()
    ids: Sequence[str] = ()
    trade_ids: Sequence[str] = ()


class ForeignRead(Struct, frozen=True, kw_only=True):
    """One read of foreign books, all as of one moment (`read_at`, RFC 3339, the database's clock)."""

    read_at: str
    orders: Sequence[ForeignOrder] = ()
    fills: Sequence[ForeignFill] = ()
    trades: Sequence[ForeignTrade] = ()
    faults: Sequence[RowFault] = ()


def fingerprint(cells: Mapping[str, Any]) -> str:
    """A digest of mapped values and of their kinds: `1`, `1.0` and `"1"` differ."""
    parts = [f"{name}\x1f{type(cell).__name__}\x1f{cell!r}" for name, cell in sorted(cells.items())]
    return hashlib.blake2b("\x1e".join(parts).encode(), digest_size=16).hexdigest()


def row_key(cells: Sequence[Any]) -> str:
    """A row's key as text: one value as it is, several as a JSON list."""
    texts = [cell if isinstance(cell, str | int) else str(cell) for cell in cells]
    if len(texts) == 1 and isinstance(texts[0], int) and not isinstance(texts[0], bool):
        return str(texts[0])
    return msgspec.json.encode(texts).decode()


def key_cells(key: str) -> list[Any]:
    """The values of a key that `row_key` wrote."""
    if key.startswith("["):
        return list(msgspec.json.decode(key))
    return [int(key)]


class Reader(Protocol):
    """One bot's books, wherever they stand. Sync; every method may raise LedgerError."""

    def read(self, wanted: Wanted) -> ForeignRead:
        """What is wanted of the orders, with their fills and trades; with `live` also the trades that are open."""
        ...

    def close(self) -> None: ...
