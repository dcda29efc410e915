"""What one correction would do, as a digest: equal for the same repair however the row's version or times moved.

An undone repair is held by these: while a plan would do only what was undone, the evidence has not changed.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from trueup.model.ids import digest, normal_id, plain_id
from trueup.model.money import canonical
from trueup.model.plan import FillChange

_AMOUNTS = frozenset({"qty", "limit_price", "stop_price", "filled_qty", "filled_avg_price", "fee", "price"})
# what the bot's side adds, or what moves without any evidence
_VOLATILE = frozenset(
    {
        "version",
        "last_activity_at",
        "venue_updated_at",
        "submitted_at",
        "trade_id",
        "action",
        "sub_tag",
        "previous_venue_order_ids",
    }
)


def repair_digest(kind: str, fill: FillChange | None, changes: Any) -> str:
    """Of one correction. `changes`: its mapping, or the whole order that is inserted."""
    what = (
        None if fill is None else (normal_id(plain_id(fill.fill_id)), _amount(fill.qty), _amount(fill.price))
    )
    keys = msgspec.to_builtins(changes) if changes is not None else {}
    known = {key: _plain(key, value) for key, value in _only_evidence(kind, keys).items()}
    return digest(str(kind), repr(what), repr(sorted(known.items())))


def _only_evidence(kind: str, keys: Mapping[str, Any]) -> Mapping[str, Any]:
    """Of an insert what the venue says; of any other correction all that it changes."""
    if not kind.startswith("insert_"):
        return keys
    return {key: value for key, value in keys.items() if key not in _VOLATILE and value is not None}


def _plain(key: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return _amount(value) if key in _AMOUNTS else plain_id(value)


def _amount(text: str | None) -> str | None:
    return None if text is None else canonical(text)


def is_covered(digests: Iterable[str], held: Iterable[str]) -> bool:
    """Whether everything that would be done was undone before."""
    return set(digests) <= set(held)
