"""What a schema lacks of the parts that the migrations make: tables, indexes, triggers; a trigger that is switched off.

A trigger that is gone raises no version, an index no conflict: nothing else would say so. What somebody added is
theirs, and the pages are the server's: it checks them when it reads them, where it was made with checksums.
Decides nothing.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

from trueup.ledgers.sql.database import Row, text_value
from trueup.ledgers.sql.migrations import load_migrations

_MADE = re.compile(r"^CREATE (?:UNIQUE )?(TABLE|INDEX|TRIGGER) (?:trueup\.)?(\w+)", re.MULTILINE)
_DROPPED = re.compile(r"^DROP (TABLE|INDEX|TRIGGER) (?:IF EXISTS )?(?:trueup\.)?(\w+)", re.MULTILINE)


def lacking(there: Iterable[Row]) -> list[str]:
    """`there`: kind (table, index, trigger), name and whether it works, of every part that the schema has."""
    works = {(text_value(kind), text_value(name)): bool(does) for kind, name, does in there}
    missing = [f"the {kind} {name} is missing" for kind, name in _made() if (kind, name) not in works]
    return missing + [
        f"the {kind} {name} is {'switched off' if kind == 'trigger' else 'not valid'}"
        for kind, name in _made()
        if works.get((kind, name)) is False
    ]


@lru_cache(maxsize=1)
def _made() -> list[tuple[str, str]]:
    """What the first phase of this version's migrations makes, and none of them takes away again."""
    known = load_migrations(__package__)
    made = [part for one in known if one.name.endswith(".pre") for part in _MADE.findall(one.sql)]
    dropped = {part for one in known for part in _DROPPED.findall(one.sql)}
    return [(kind.lower(), name) for kind, name in made if (kind, name) not in dropped]
