"""How a foreign row is named and told apart: its key as text, and the digest of what it says."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec


def fingerprint(cells: Mapping[str, Any], *parts: str) -> str:
    """A digest of mapped values and their kinds: `1`, `1.0` and `"1"` differ. `parts`: digests of what it holds."""
    return hashlib.blake2b(repr((sorted(cells.items()), parts)).encode(), digest_size=16).hexdigest()


def row_key(cells: Sequence[Any]) -> str:
    """A row's key as text: a whole number as it is, anything else as a JSON list."""
    if len(cells) == 1 and isinstance(cells[0], int) and not isinstance(cells[0], bool):
        return str(cells[0])
    return msgspec.json.encode(
        [cell if isinstance(cell, str | int) else str(cell) for cell in cells]
    ).decode()


def key_cells(key: str) -> tuple[Any, ...]:
    """The values of a key that `row_key` wrote."""
    return tuple(msgspec.json.decode(key)) if key.startswith("[") else (int(key),)
