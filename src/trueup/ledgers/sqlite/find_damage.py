"""What is wrong with a ledger's file: its pages (SQLite's own check), its parts (the tables, columns, indexes and
triggers that the migrations make), and, where there is time, its indexes, references, amounts and times.

A trigger that is gone raises no version, an index no conflict: nothing else would say so. What somebody added is
theirs.
Decides nothing; stops at a bound.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import islice

import apsw

from trueup.ledgers.sql.migrations import load_migrations
from trueup.model.check_texts import time_fault
from trueup.model.money import is_within_bounds, parse

SHOWN_MAX = 20
_MADE = (
    "SELECT type, name, sql FROM sqlite_schema"
    " WHERE type IN ('table', 'index', 'trigger') AND name NOT LIKE 'sqlite_%' ORDER BY type, name"
)
_AMOUNTS = {
    "orders": ("order_key", ("qty", "limit_price", "stop_price", "filled_qty", "filled_avg_price")),
    "fills": ("fill_id", ("qty", "price", "fee")),
    "trades": ("trade_id", ("entry_qty", "exit_qty", "entry_avg_price", "fee_base_qty")),
}
_TIMES = {
    "orders": ("order_key", ("submitted_at", "last_activity_at", "venue_updated_at")),
    "fills": ("fill_id", ("filled_at",)),
    "trades": ("trade_id", ("opened_at", "updated_at")),
}
_PLAIN_DIGITS_MAX = 30  # a longer one may have too many digits
_DAY = "[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]"


def find_damage(connection: apsw.Connection, *, quick: bool) -> list[str]:
    """A line for each fault, at most `SHOWN_MAX` of a kind. Raises apsw's errors, UnicodeDecodeError."""
    check = "quick_check" if quick else "integrity_check"
    said = [str(text) for (text,) in connection.execute(f"PRAGMA {check}({SHOWN_MAX})")]
    found = [] if said == ["ok"] else said
    found += lacking(connection)
    if quick or found:
        return found
    strays = islice(connection.execute("PRAGMA foreign_key_check"), SHOWN_MAX)
    found += [f"row {row[1]} of {row[0]} refers to no row of {row[2]}" for row in strays]
    return found + list(islice(_unreadable(connection), SHOWN_MAX))


def lacking(connection: apsw.Connection) -> list[str]:
    """The parts that the migrations make and this file has not, or has otherwise."""
    parts, columns = _parts(connection), _columns(connection)
    made_parts, made_columns = _made()
    missing = [f"the {kind} {name} is missing" for kind, name in made_parts if (kind, name) not in parts]
    other = [
        f"the {kind} {name} is not what it was"
        for (kind, name), sql in made_parts.items()
        if kind != "table" and parts.get((kind, name), sql) != sql
    ]
    gone = [
        f"the column {column} of {table} is missing"
        for table, column in made_columns
        if ("table", table) in parts and (table, column) not in columns
    ]
    return [*missing, *other, *gone]


@lru_cache(maxsize=1)
def _made() -> tuple[dict[tuple[str, str], str], list[tuple[str, str]]]:
    connection = apsw.Connection(":memory:")
    try:
        for one in load_migrations(__package__):
            connection.execute(one.sql).fetchall()
        return _parts(connection), sorted(_columns(connection))
    finally:
        connection.close()


def _parts(connection: apsw.Connection) -> dict[tuple[str, str], str]:
    return {(str(kind), str(name)): str(sql) for kind, name, sql in connection.execute(_MADE)}


def _columns(connection: apsw.Connection) -> set[tuple[str, str]]:
    statement = (
        "SELECT s.name, c.name FROM sqlite_schema s, pragma_table_xinfo(s.name) c WHERE s.type = 'table'"
        " AND s.name NOT LIKE 'sqlite_%'"
    )
    return {(str(table), str(column)) for table, column in connection.execute(statement)}


def _unreadable(connection: apsw.Connection) -> Iterator[str]:
    """Amounts and times of the books that are none: SQL passes what is plain, the rest is read as the program does."""
    for table, (key, columns) in _AMOUNTS.items():
        for row_id, name, text in connection.execute(_suspects(table, key, columns, _not_plain)):
            amount = parse(str(text))
            if amount is None or not is_within_bounds(amount):
                yield f"{name} of {table[:-1]} {row_id} is no amount: {str(text)[:40]!r}"
    for table, (key, columns) in _TIMES.items():
        for row_id, name, text in connection.execute(_suspects(table, key, columns, _not_a_time)):
            if time_fault(str(text)) is not None:
                yield f"{name} of {table[:-1]} {row_id} is no time: {str(text)[:40]!r}"


def _suspects(table: str, key: str, columns: tuple[str, ...], is_odd: Callable[[str], str]) -> str:
    return " UNION ALL ".join(
        f"SELECT {key}, '{column}', {column} FROM {table} WHERE {is_odd(column)}"  # noqa: S608 - our own names
        for column in columns
    )


def _not_plain(column: str) -> str:
    return (
        f"({column} GLOB '*[^0-9.]*' OR {column} GLOB '*.*.*' OR {column} IN ('', '.')"
        f" OR length({column}) > {_PLAIN_DIGITS_MAX})"
    )


def _not_a_time(column: str) -> str:
    shape = f"'{_DAY}T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]*Z'"
    return f"{column} IS NOT NULL AND ({column} NOT GLOB {shape} OR julianday({column}) IS NULL)"
