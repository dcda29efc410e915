"""How a foreign row is named and told apart: its key as text, and the digest of what it says."""

import datetime as dt
import hashlib
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

_HEX = "hex"


def fingerprint(cells: Mapping[str, Any], *parts: str) -> str:
    """A digest of mapped values and their kinds: `1`, `1.0` and `"1"` differ. `parts`: digests of what it holds."""
    return hashlib.blake2b(repr((sorted(cells.items()), parts)).encode(), digest_size=16).hexdigest()


def uuid_bytes(text: str) -> bytes | None:
    """The sixteen bytes of a UUID in its usual spelling; null where it is none."""
    if len(text) not in (32, 36):
        return None
    try:
        return uuid.UUID(text).bytes
    except ValueError:
        return None


def row_key(cells: Sequence[Any]) -> str:
    """A row's key as text: a whole number as it is, anything else as a JSON list, in which `{"hex": …}` are bytes."""
    if len(cells) == 1 and isinstance(cells[0], int) and not isinstance(cells[0], bool):
        return str(cells[0])
    return msgspec.json.encode([_key_cell(cell) for cell in cells]).decode()


def _key_cell(cell: Any) -> Any:
    if isinstance(cell, bytes | bytearray | memoryview):
        return {_HEX: bytes(cell).hex()}
    if isinstance(cell, dt.datetime) and cell.tzinfo is not None:
        cell = cell.astimezone(
            dt.UTC
        )  # a driver hands it out in the session's zone, which another process may not have
    return cell if isinstance(cell, str | int) else str(cell)


def key_cells(key: str) -> tuple[Any, ...]:
    """The values of a key that `row_key` wrote."""
    if not key.startswith("["):
        return (int(key),)
    return tuple(
        bytes.fromhex(one[_HEX]) if isinstance(one, dict) else one for one in msgspec.json.decode(key)
    )
