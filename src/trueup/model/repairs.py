"""What one correction would do, as a digest: equal for the same repair however the row's version or times moved.

An undone repair is held by these: while a plan would do only what was undone, the evidence has not changed.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from trueup.model.ids import digest, normal_id, plain_id
from trueup.model.money import canonical
from trueup.model.plan import FillChange

_AMOUNTS = frozenset({"qty", "limit_price", "stop_price", "filled_qty", "filled_avg_price", "fee", "price"})
_VOLATILE = frozenset({"version", "last_activity_at", "venue_updated_at"})  # what moves without any evidence


def repair_digest(kind: str, fill: FillChange | None, changes: Any) -> str:
    """Of one correction; of an insertion `insert_digest` is."""
    what = (
        None if fill is None else (normal_id(plain_id(fill.fill_id)), _amount(fill.qty), _amount(fill.price))
    )
    keys = msgspec.to_builtins(changes) if changes is not None else {}
    known = {key: _plain(key, value) for key, value in keys.items() if key not in _VOLATILE}
    return digest(str(kind), repr(what), repr(sorted(known.items())))


def _plain(key: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return _amount(value) if key in _AMOUNTS else plain_id(value)


def _amount(text: str | None) -> str | None:
    return None if text is None else canonical(text)


def insert_digest(filled_qty: str | None) -> str:
    """Of an order that is inserted, whatever it then says: as long as no more of it filled."""
    return digest("inserted", _amount(filled_qty or "0"))


def is_covered(digests: Iterable[str], held: Iterable[str]) -> bool:
    """Whether everything that would be done was undone before."""
    return set(digests) <= set(held)
