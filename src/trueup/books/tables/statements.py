"""The statements that change mapped tables: rows set by their keys, and a row inserted.

Values are bound, names quoted.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from trueup.books.keys import key_cells
from trueup.books.tables.database import TableDatabase

KeyedValues = tuple[str, Sequence[Any]]  # a row's key, and the values of the columns in their order


def set_rows(
    database: TableDatabase, table: str, key: Sequence[str], names: Sequence[str], rows: Sequence[KeyedValues]
) -> int:
    """Sets the columns `names` of each row; returns how many rows that were.

    On PostgreSQL one statement for all; elsewhere one for each row, prepared once.
    """
    if (
        database.name == "postgresql" and database.mark == "%s"
    ):  # SQLAlchemy's connection to it binds no arrays
        return _set_by_arrays(database, table, key, names, rows)
    text = (
        f"UPDATE {database.quoted_table(table)} "
        f"SET {', '.join(f'{database.quoted(name)} = {database.mark}' for name in names)} "
        f"WHERE {' AND '.join(f'{database.quoted(name)} = {database.mark}' for name in key)}"
    )
    return sum(database.write(text, [*values, *key_cells(one)]) for one, values in rows)


def _set_by_arrays(
    database: TableDatabase, table: str, key: Sequence[str], names: Sequence[str], rows: Sequence[KeyedValues]
) -> int:
    known = database.columns(table)
    keys = [key_cells(one) for one, _ in rows]
    arrays: list[list[str | None]] = [[_as_text(one[index]) for one in keys] for index in range(len(key))]
    arrays += [[_as_text(values[index]) for _, values in rows] for index in range(len(names))]
    kinds = [known[name].type for name in (*key, *names)]
    aliases = [f"c{index}" for index in range(len(kinds))]
    lists = ", ".join(["%s::text[]"] * len(kinds))
    sets = ", ".join(
        f"{database.quoted(name)} = v.{alias}::{kind}"
        for name, alias, kind in zip(names, aliases[len(key) :], kinds[len(key) :], strict=True)
    )
    where = " AND ".join(
        f"t.{database.quoted(name)} = v.{alias}::{kind}"
        for name, alias, kind in zip(key, aliases, kinds, strict=False)
    )
    text = (
        f"UPDATE {database.quoted_table(table)} AS t SET {sets} "
        f"FROM unnest({lists}) AS v({', '.join(aliases)}) WHERE {where}"
    )
    return database.write(text, arrays)


def _as_text(value: Any) -> str | None:
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    return None if value is None else str(value)


def insert_row(database: TableDatabase, table: str, columns: Mapping[str, Any]) -> None:
    """Raises RowRefused where a unique key, a right or a constraint is against it."""
    database.write(
        f"INSERT INTO {database.quoted_table(table)} ({', '.join(map(database.quoted, columns))}) "
        f"VALUES ({', '.join([database.mark] * len(columns))})",
        list(columns.values()),
    )
