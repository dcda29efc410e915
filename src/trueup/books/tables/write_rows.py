"""Writes repairs into mapped tables: compared with what was judged, set, read back, all in one transaction.

Rules: a row that has what would be set is delivered; one that still has the fingerprint that was judged is set; any
other has moved, and nothing is written. Values are set, never added; only columns that the mapping marks writable; a
status only by a word of the bot's own. Of several rows one that the database refuses spoils no other.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from trueup.books.keys import key_cells
from trueup.books.tables.database import RowRefused, TableDatabase
from trueup.books.tables.mapping import ORDER_AMOUNTS, ORDER_TIMES, TableMapping
from trueup.books.tables.read_tables import OrderCells, TablesReader, Wanted
from trueup.books.tables.rows import RowReader
from trueup.books.tables.values import time_cell
from trueup.model.errors import Conflict
from trueup.model.money import same
from trueup.model.snapshot import LocalOrder
from trueup.ports.foreign_books import ForeignRow, WriteBack, WriteOutcome, WriteResult

Columns = dict[str, Any]  # column → value to bind
_UNCONVERTED = ("", "blob")  # SQLite's column types that keep a value as it was bound


class _Update(Struct):
    write: WriteBack
    key: str
    columns: Columns


def write_rows(
    reader: TablesReader, database: TableDatabase, writes: Sequence[WriteBack]
) -> list[WriteResult]:
    """One result for each write, in their order. The caller holds the write transaction."""
    results: dict[int, WriteResult] = {}
    keys = [one.key for one in writes if one.key is not None]
    standing = {one.key: one for one in _standing(reader, keys)}
    updates: list[_Update] = []
    for write in writes:
        judged = _judge(reader, database, write, standing)
        if isinstance(judged, WriteResult):
            results[write.sequence] = judged
        elif write.key is None:
            results[write.sequence] = _insert(reader, database, write, judged)
        else:
            updates.append(_Update(write, write.key, judged))
    results |= _update(reader, database, updates)
    return [results[one.sequence] for one in writes]


def _standing(reader: TablesReader, keys: Sequence[str]) -> list[OrderCells]:
    return reader.order_cells(Wanted(keys=keys), lock=True) if keys else []


def _judge(
    reader: TablesReader, database: TableDatabase, write: WriteBack, standing: Mapping[str, OrderCells]
) -> WriteResult | Columns:
    """The columns to set, or why none is."""
    found = None if write.key is None else standing.get(write.key)
    if write.key is not None and found is None:
        return WriteResult(sequence=write.sequence, outcome=WriteOutcome.MOVED, error="the row is gone")
    if found is not None:
        row = reader.row_of(found)
        if isinstance(row, ForeignRow) and has_values(row.order, write.values):
            return WriteResult(sequence=write.sequence, outcome=WriteOutcome.DELIVERED)
        if reader.fingerprint(found) != write.judged:
            return WriteResult(
                sequence=write.sequence, outcome=WriteOutcome.MOVED, error="the bot changed it"
            )
    try:
        if write.key is None:
            return insert_columns(reader.mapping.orders, database, write)
        return set_columns(
            reader.mapping.orders, database, write.values, {} if found is None else found.cells
        )
    except ValueError as fault:
        return WriteResult(sequence=write.sequence, outcome=WriteOutcome.REFUSED, error=str(fault))


def has_values(order: LocalOrder, values: Mapping[str, Any]) -> bool:
    """Whether the row says all of it already."""
    return all(
        same(getattr(order, meaning), value) if meaning in ORDER_AMOUNTS else getattr(order, meaning) == value
        for meaning, value in values.items()
    )


# -- what a value is in its column -----------------------------------------------------------------------------------


def set_columns(
    table: TableMapping, database: TableDatabase, values: Mapping[str, Any], cells: Mapping[str, Any]
) -> Columns:
    """Raises ValueError for what may not be written, or has no word."""
    for meaning in values:
        if meaning not in table.writable:
            raise ValueError(f"{meaning} is not among the writable columns of {table.table}")
    known = database.columns(table.table)
    return {
        table.columns[meaning]: _cell(
            table, meaning, value, cells.get(meaning), known[table.columns[meaning]].type
        )
        for meaning, value in values.items()
    }


def insert_columns(table: TableMapping, database: TableDatabase, write: WriteBack) -> Columns:
    """All that is known of a new row, with what makes it one of these rows (`where`, the profile)."""
    known = database.columns(table.table)
    values = {one: write.values.get(one, getattr(write.order, one, None)) for one in table.columns}
    if "price" in table.columns and "limit_price" not in table.columns:
        values["price"] = write.order.limit_price
    columns = {
        table.columns[meaning]: _cell(table, meaning, value, None, known[table.columns[meaning]].type)
        for meaning, value in values.items()
        if value is not None
    }
    for column, value in table.where.items():
        columns.setdefault(column, value[0] if isinstance(value, list) else value)
    if "profile" in table.columns:
        columns[table.columns["profile"]] = RowReader(table, {}).words("profile").raw_of(write.profile_id)[0]
    return columns


def _cell(table: TableMapping, meaning: str, value: Any, like: Any, kind: str) -> Any:
    """The value to bind. `like`: what stands in the column now; `kind`: the column's declared type."""
    if value is None:
        return None
    if meaning in ORDER_TIMES:
        return time_cell(value, like, table.time_rule(meaning))
    if meaning in ORDER_AMOUNTS:
        is_number = isinstance(like, int | float) and kind in _UNCONVERTED
        return float(value) if is_number else value
    if meaning in ("status", "side", "action", "position_side", "symbol", "order_type"):
        return _word(table, meaning, str(value))
    return " ".join(value) if isinstance(value, list | tuple) else str(value)


def _word(table: TableMapping, meaning: str, value: str) -> str:
    words = RowReader(table, {}).words(meaning)
    if meaning in ("symbol", "order_type"):
        return words.raw_of(value)[0]
    said = words.to_write(value)
    if said is None:
        raise ValueError(
            f"the bot has no word for {meaning} {value}: say words.{meaning}: YOUR_WORD = {value!r}"
        )
    return said


# -- statements -------------------------------------------------------------------------------------------------------


def _update(
    reader: TablesReader, database: TableDatabase, updates: Sequence[_Update]
) -> dict[int, WriteResult]:
    results: dict[int, WriteResult] = {}
    done: list[_Update] = []
    for group in _groups(updates):
        try:
            with database.savepoint():
                _set_together(reader, database, group)
            done += group
        except RowRefused:
            for one in group:
                refused = _set_alone(reader, database, one)
                done += [one] if refused is None else []
                results |= {} if refused is None else {one.write.sequence: refused}
    after = (
        {one.key: one for one in reader.order_cells(Wanted(keys=[one.key for one in done]))} if done else {}
    )
    return results | {one.write.sequence: _read_back(reader, one, after.get(one.key)) for one in done}


def _groups(updates: Sequence[_Update]) -> Iterator[list[_Update]]:
    """Those that set the same columns go in one statement."""
    by_columns: dict[tuple[str, ...], list[_Update]] = {}
    for one in updates:
        by_columns.setdefault(tuple(sorted(one.columns)), []).append(one)
    yield from by_columns.values()


def _set_alone(reader: TablesReader, database: TableDatabase, one: _Update) -> WriteResult | None:
    try:
        with database.savepoint():
            _set_together(reader, database, [one])
    except RowRefused as fault:
        return WriteResult(sequence=one.write.sequence, outcome=WriteOutcome.REFUSED, error=str(fault))
    return None


def _set_together(reader: TablesReader, database: TableDatabase, group: Sequence[_Update]) -> None:
    """On PostgreSQL one statement for all; elsewhere one for each row, prepared once."""
    table = reader.mapping.orders
    key, names = reader.key_of(table), sorted(group[0].columns)
    if database.name == "postgresql":
        changed = _set_by_arrays(database, table.table, key, names, group)
    else:
        text = (
            f"UPDATE {database.quoted(table.table)} "
            f"SET {', '.join(f'{database.quoted(name)} = {database.mark}' for name in names)} "
            f"WHERE {' AND '.join(f'{database.quoted(name)} = {database.mark}' for name in key)}"
        )
        changed = sum(
            database.write(text, [*(one.columns[name] for name in names), *key_cells(one.key)])
            for one in group
        )
    if changed < len(group) and database.name not in ("mysql", "mariadb"):  # they count only rows that differ
        raise Conflict(f"a row of {table.table} moved in the midst of a write: nothing was written")


def _set_by_arrays(
    database: TableDatabase, table: str, key: Sequence[str], names: Sequence[str], group: Sequence[_Update]
) -> int:
    known = database.columns(table)
    keys = [key_cells(one.key) for one in group]
    arrays: list[list[str | None]] = [[str(one[index]) for one in keys] for index in range(len(key))]
    arrays += [[_as_text(one.columns[name]) for one in group] for name in names]
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
        f"UPDATE {database.quoted(table)} AS t SET {sets} "
        f"FROM unnest({lists}) AS v({', '.join(aliases)}) WHERE {where}"
    )
    return database.write(text, arrays)


def _as_text(value: Any) -> str | None:
    return None if value is None else str(value)


def _read_back(reader: TablesReader, one: _Update, found: OrderCells | None) -> WriteResult:
    sequence = one.write.sequence
    row = None if found is None else reader.row_of(found)
    if not isinstance(row, ForeignRow):
        why = "it cannot be read back" if row is None else row.message
        return WriteResult(sequence=sequence, outcome=WriteOutcome.DELIVERED, error=why)
    return WriteResult(sequence=sequence, outcome=WriteOutcome.DELIVERED, row=row)


def _insert(reader: TablesReader, database: TableDatabase, write: WriteBack, columns: Columns) -> WriteResult:
    """A row of the bot's own that came meanwhile is the bot's word: the insert has moved."""
    table = reader.mapping.orders
    names = list(columns)
    text = (
        f"INSERT INTO {database.quoted(table.table)} ({', '.join(map(database.quoted, names))}) "
        f"VALUES ({', '.join([database.mark] * len(names))})"
    )
    ids = [one for one in (write.order.venue_order_id, write.order.client_order_id) if one is not None]
    if reader.order_cells(Wanted(ids=ids)) or reader.has_spelled_otherwise(ids):
        return WriteResult(sequence=write.sequence, outcome=WriteOutcome.MOVED, error="the bot has it now")
    try:
        with database.savepoint():
            database.write(text, [columns[name] for name in names])
    except RowRefused as fault:
        came = bool(reader.order_cells(Wanted(ids=ids)))
        outcome = WriteOutcome.MOVED if came else WriteOutcome.REFUSED
        return WriteResult(sequence=write.sequence, outcome=outcome, error=str(fault))
    rows = [reader.row_of(one) for one in reader.order_cells(Wanted(ids=ids))]
    row = next((one for one in rows if isinstance(one, ForeignRow)), None)
    return WriteResult(sequence=write.sequence, outcome=WriteOutcome.DELIVERED, row=row)
