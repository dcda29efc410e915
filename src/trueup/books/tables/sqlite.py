"""Somebody else's SQLite file: opened read-only unless it is to be written, never created, never migrated.

A file in WAL mode is read beside its `-wal`: a copy of the main file alone may hold nothing, so nothing is copied.
"""

import json
import os
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import apsw

from trueup.books.keys import uuid_bytes
from trueup.books.tables.database import BUSY_TIMEOUT_S, Cells, Column, Condition, Rights, RowRefused
from trueup.model.errors import Conflict, LedgerError

_REFUSED = (apsw.SQLError, apsw.MismatchError)  # of a write: a generated column, a view, a broken trigger
_INTEGER_MAX = 2**63
_NO_AFFINITY = ("", "blob")  # types of columns that keep a value as it was bound
_CONVERTED = (
    "char",
    "text",
    "clob",
    "int",
    "real",
    "floa",
    "doub",
)  # in the types of columns that hold no bytes
_PLAIN_TABLES = """
SELECT name FROM sqlite_schema
WHERE type = 'table' AND rootpage > 0 AND lower(name) IN (SELECT value FROM json_each(?))
"""


class SqliteTables:
    """Implements `TableDatabase`."""

    name = "sqlite"
    mark = "?"

    def __init__(self, path: Path, *, writable: bool = False, within: apsw.Connection | None = None) -> None:
        """`within`: the connection of a transaction that is somebody else's; it is neither begun nor closed here."""
        self._path = path
        self._writable = writable
        self._lock = threading.RLock()
        self._is_own = within is None
        self._times_opened = 0
        self._connection = within if within is not None else self._open()

    def _open(self) -> apsw.Connection:
        path = self._path
        if not path.is_file():
            raise LedgerError(f"{path}: there is no such file; name the bot's database")
        flags = apsw.SQLITE_OPEN_READWRITE if self._writable else apsw.SQLITE_OPEN_READONLY
        with self._explained():
            self._file = _identity(path)
            self._times_opened += 1
            uri = f"file:{quote(str(path.resolve()))}?mode={'rw' if self._writable else 'ro'}"
            connection = apsw.Connection(uri, flags | apsw.SQLITE_OPEN_URI)
            connection.set_busy_timeout(BUSY_TIMEOUT_S * 1000)
            connection.execute("PRAGMA trusted_schema = OFF")
            if not self._writable:
                connection.execute("PRAGMA query_only = ON")
                # the bot is gone, and we are the last to close: what it left in its log is left there
                connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        return connection

    def _follow_file(self) -> None:
        """What was put in the file's place is the bot's now: an open file stays the old one for ever."""
        if self._is_own and _identity(self._path) != self._file:
            opened = self._open()
            self._connection.close()
            self._connection = opened

    def quoted(self, name: str) -> str:
        return '"' + name.replace('"', '""') + '"'

    def quoted_table(self, name: str) -> str:
        return ".".join(map(self.quoted, self._parts(name)))

    def tables(self) -> list[str]:
        found = self.rows(
            "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' "
            "ORDER BY name"
        )
        return [str(name) for (name,) in found]

    def columns(self, table: str) -> dict[str, Column]:
        found = self.rows(
            'SELECT name, type, "notnull", (pk > 0 OR "notnull") AND dflt_value IS NULL AND hidden = 0, pk > 0, '
            "hidden > 1 FROM pragma_table_xinfo(?)",
            [self._bare(table)],
        )
        keys = sum(is_key for *_, is_key, _ in found)
        return {
            name: Column(
                name,
                str(kind).lower(),
                not notnull,
                given=bool(given) and not (is_key and keys == 1 and str(kind).lower() == "integer"),
                computed=bool(computed),
            )
            for name, kind, notnull, given, is_key, computed in found
        }

    def primary_key(self, table: str) -> list[str]:
        found = self.rows("SELECT name FROM pragma_table_info(?) WHERE pk ORDER BY pk", [self._bare(table)])
        if found:
            return [str(name) for (name,) in found]
        is_table = self.rows(
            "SELECT 1 FROM sqlite_schema WHERE name = ? AND type = 'table'", [self._bare(table)]
        )
        return ["rowid"] if is_table else []

    def unique_keys(self, table: str) -> list[list[str]]:
        keys = [self.primary_key(table)]
        for (index,) in self.rows(
            'SELECT name FROM pragma_index_list(?) WHERE "unique" AND NOT partial', [self._bare(table)]
        ):
            keys.append(self._index_columns(index))
        return [key for key in keys if key and None not in key]

    def indexed_columns(self, table: str) -> set[str]:
        names = self.rows("SELECT name FROM pragma_index_list(?)", [self._bare(table)])
        first = {columns[0] for (name,) in names if (columns := self._index_columns(name))}
        return first | set(self.primary_key(table)[:1])

    def _index_columns(self, index: object) -> list[str]:
        return [
            name for (name,) in self.rows("SELECT name FROM pragma_index_info(?) ORDER BY seqno", [index])
        ]

    def may_write(self, table: str, columns: Sequence[str], right: str = "UPDATE") -> Rights:
        """A file has no rights of columns. It is opened read-only unless it is to be written."""
        writable = os.access(self._path, os.W_OK) and os.access(self._path.parent, os.W_OK)
        is_view = self.rows(
            "SELECT 1 FROM sqlite_schema WHERE name = ? AND type = 'view'", [self._bare(table)]
        )
        return Rights() if writable and not is_view else Rights(missing=tuple(columns))

    def most(self, count: int) -> str:
        return f"LIMIT {count}"

    def is_in(self, table: str, columns: Sequence[str], values: Iterable[Cells]) -> Condition:
        """One JSON array is bound: the columns' own affinity decides how its texts and numbers compare.

        A column without one keeps a number and its text apart, and a UUID may be sixteen bytes there.
        """
        rows = list(values)
        if len(columns) == 1:
            return self._is_one_of(self._column(table, columns[0]), [one[0] for one in rows])
        names = ", ".join(map(self.quoted, columns))
        are_bytes = [any(isinstance(one[index], bytes) for one in rows) for index in range(len(columns))]
        parts = ", ".join(
            f"{'unhex' if is_hex else ''}(json_extract(value, '$[{index}]'))"
            for index, is_hex in enumerate(are_bytes)
        )
        bound = json.dumps([list(map(_json, one)) for one in rows])
        return Condition(f"({names}) IN (SELECT {parts} FROM json_each(?))", (bound,))

    def _column(self, table: str, name: str) -> Column:
        return self.columns(table).get(name) or Column(name, "integer")  # rowid is none that is declared

    def _is_one_of(self, column: Column, values: Sequence[Any]) -> Condition:
        name = self.quoted(column.name)
        blobs = [one.hex() for one in values if isinstance(one, bytes)]
        plain = [_json(one) for one in values if not isinstance(one, bytes)]
        if column.type in _NO_AFFINITY:
            plain = list(dict.fromkeys(form for one in plain for form in _forms(one)))
        if not any(word in column.type for word in _CONVERTED):
            uuids = (uuid_bytes(one) for one in plain if isinstance(one, str))
            blobs += [one.hex() for one in uuids if one is not None]
        found = Condition(f"{name} IN (SELECT value FROM json_each(?))", (json.dumps(plain),))
        if not blobs:
            return found
        text = f"{found.text} OR {name} IN (SELECT unhex(value) FROM json_each(?))"
        return Condition(text, (*found.values, json.dumps(blobs)))

    @contextmanager
    def reading(self) -> Iterator[None]:
        with self._transaction("BEGIN"):
            yield

    @contextmanager
    def writing(self) -> Iterator[None]:
        with self._transaction("BEGIN IMMEDIATE"):
            yield

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[None]:
        with self._lock:
            self._follow_file()
            with self._explained():
                self._connection.execute(begin)
            try:
                yield
            except BaseException:
                if not self._connection.get_autocommit():
                    self._connection.execute("ROLLBACK")
                raise
            with self._explained():
                self._connection.execute("COMMIT")

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        with self._explained():
            self._connection.execute("SAVEPOINT trueup_row")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK TO trueup_row; RELEASE trueup_row")
            raise
        with self._explained():
            self._connection.execute("RELEASE trueup_row")

    def rows(self, text: str, values: Sequence[Any] = ()) -> list[Cells]:
        with self._lock, self._explained():
            return list(self._connection.execute(text, tuple(values)))

    def write(self, text: str, values: Sequence[Any] = ()) -> int:
        with self._lock, self._explained():
            try:
                self._connection.execute(text, tuple(values)).fetchall()
            except _REFUSED as fault:
                raise RowRefused(f"{self._path}: {fault}") from fault
            return self._connection.changes()

    def row_text(self, columns: Sequence[str]) -> str | None:
        return None

    def state(self, tables: Sequence[str]) -> str | None:
        """What others committed and this connection changed, whatever table it was. A view may say another thing at
        another time, a virtual table whatever it likes."""
        names = {self._bare(one).lower() for one in tables}
        known = self.rows(_PLAIN_TABLES, [json.dumps(sorted(names))])
        if len(known) < len(names) or not self._is_own:
            return None
        ((theirs,),) = self.rows("PRAGMA data_version")
        return f"{self._times_opened} {theirs} {self._connection.total_changes()}"

    def now_ns(self) -> int:
        return time.time_ns()

    def close(self) -> None:
        if self._is_own:
            self._connection.close()

    def _parts(self, name: str) -> list[str]:
        """`main.orders` names a schema only where such a database is attached; else the point is part of the name."""
        schema, point, rest = name.partition(".")
        return [schema, rest] if point and schema == "main" else [name]

    def _bare(self, table: str) -> str:
        return self._parts(table)[-1]

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except apsw.BusyError as fault:
            raise Conflict(f"{self._path} is locked by its bot; the next run tries again") from fault
        except apsw.NotADBError as fault:
            raise LedgerError(f"{self._path} is no SQLite database") from fault
        except apsw.ConstraintError as fault:
            raise RowRefused(f"{self._path}: {fault}") from fault
        except apsw.ReadOnlyError as fault:
            raise RowRefused(
                f"{self._path} cannot be written: give this user the right to write the file and its folder"
            ) from fault
        except apsw.CantOpenError as fault:
            raise LedgerError(
                f"{self._path} cannot be opened: a database in WAL mode needs its -wal and -shm beside it, readable"
            ) from fault
        except apsw.Error as fault:
            raise LedgerError(f"{self._path}: {fault}") from fault


def _identity(path: Path) -> tuple[int, int] | None:
    """Device and inode; null where there is no file."""
    try:
        known = path.stat()
    except OSError:
        return None
    return known.st_dev, known.st_ino


def _forms(value: Any) -> list[Any]:
    """A whole number and its text are the same id, or the same word."""
    if isinstance(value, int) and not isinstance(value, bool):
        return [value, str(value)]
    if isinstance(value, str) and value.lstrip("-").isascii() and value.lstrip("-").isdigit():
        number = int(value)
        return [value, number] if str(number) == value and abs(number) < _INTEGER_MAX else [value]
    return [value]


def _json(value: Any) -> Any:
    """A bound value as JSON holds it; what JSON cannot hold is no key."""
    if isinstance(value, bytes):
        return value.hex()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)
