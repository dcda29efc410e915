"""A row's facts as one text: equal for rows that say the same, however they write ids, symbols, amounts and times.

Where rows that contradict each other have to be taken in some order, it is by this, never by how one of them is
spelled, nor by where it stands in a list.
"""

from functools import cache
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import fields, replace

from trueup.model.ids import known_id, symbol_token
from trueup.model.money import canonical
from trueup.model.times import from_ns, to_ns

_LINKS = frozenset({"id", "replaces", "replaced_by", "sub_tag", "fee_currency"})  # beside `…_id`
_AMOUNTS = frozenset({"qty", "price", "fee"})  # beside `…_qty` and `…_price`


def facts_of(row: Struct) -> bytes:
    return msgspec.json.encode(_spelled_alike(row))


def _spelled_alike(row: Struct) -> Struct:
    alike: dict[str, Any] = {}
    for name, spell in _spellings(type(row)):
        value = getattr(row, name)
        if isinstance(value, str):
            alike[name] = spell(value)
        elif isinstance(value, tuple):
            alike[name] = tuple(map(spell, value))
        elif isinstance(value, Struct):
            alike[name] = _spelled_alike(value)
    return replace(row, **alike)


@cache
def _spellings(kind: type[Struct]) -> list[tuple[str, Any]]:
    """The fields of a kind of row that can be spelled in several ways, each with the one spelling."""
    return [(one.name, spell) for one in fields(kind) if (spell := _spelling(one.name)) is not None]


def _spelling(name: str) -> Any:
    if name.endswith(("_id", "_ids")) or name in _LINKS:
        return known_id
    if name.endswith(("_qty", "_price")) or name in _AMOUNTS:
        return canonical
    if name.endswith("_at"):
        return lambda time: from_ns(to_ns(time))
    return {"symbol": symbol_token, "order": _spelled_alike}.get(name)
