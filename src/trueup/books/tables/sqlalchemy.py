"""MySQL, MariaDB and what else SQLAlchemy reaches (the extra `sql`): read always, written by compare-and-set.

A write transaction reads what others committed meanwhile (READ COMMITTED), so that a row of the bot's that came first
is seen. Where the database has no `FOR UPDATE` nothing is written.
"""

import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import (
    ArgumentError,
    DataError,
    DBAPIError,
    IntegrityError,
    NoSuchModuleError,
    NoSuchTableError,
)

from trueup.books.keys import uuid_bytes
from trueup.books.tables.database import STATEMENT_TIMEOUT_S, Cells, Column, Condition, Rights, RowRefused
from trueup.model.errors import ConfigError, Conflict, LedgerError

VALUES_MAX = 500  # of one IN list: databases bound the parameters of a statement, SQL Server at 2,100
CONNECT_TIMEOUT_S = 10
LOCK_TIMEOUT_S = 5
_MARK = "\x00"
_MYSQL = ("mysql", "mariadb")
_MOST = {  # where LIMIT is not understood
    "oracle": "FETCH FIRST {} ROWS ONLY",
    "mssql": "ORDER BY (SELECT NULL) OFFSET 0 ROWS FETCH NEXT {} ROWS ONLY",
}
_UNLOCKABLE = ("mssql",)  # no FOR UPDATE: a row that is compared may move before it is set
# what MySQL and MariaDB say with an "operational" error: rights, a trigger's SIGNAL, no default, a constraint
_REFUSED = frozenset({1142, 1143, 1364, 1370, 1644, 3819, 4025})
_LOCKED = frozenset({1205, 1213})


class SqlalchemyTables:
    """Implements `TableDatabase`."""

    mark = _MARK

    def __init__(self, url: str, *, writable: bool = False) -> None:
        try:
            self._engine = sa.create_engine(url, pool_pre_ping=True, connect_args=_arguments(url))
        except (ArgumentError, NoSuchModuleError, ImportError) as error:
            raise ConfigError(f"SQLAlchemy cannot use this address: {type(error).__name__}") from error
        self.name = self._engine.dialect.name
        self._writable = writable
        self._lock = threading.RLock()
        self._open: sa.Connection | None = None
        self._is_writing = False
        self._known: dict[str, dict[str, Column]] = {}

    def quoted(self, name: str) -> str:
        quote = self._engine.dialect.identifier_preparer.quote_identifier
        return quote(name).replace(":", "\\:")

    def quoted_table(self, name: str) -> str:
        return ".".join(map(self.quoted, name.split(".")))

    def tables(self) -> list[str]:
        with self._explained():
            inspector = sa.inspect(self._engine)
            return sorted([*inspector.get_table_names(), *inspector.get_view_names()])

    def columns(self, table: str) -> dict[str, Column]:
        if table not in self._known:
            try:
                with self._explained():
                    found = sa.inspect(self._engine).get_columns(*self._named(table))
            except NoSuchTableError:
                return {}
            self._known[table] = {one["name"]: _column(one) for one in found}
        return self._known[table]

    def primary_key(self, table: str) -> list[str]:
        with self._explained():
            found = sa.inspect(self._engine).get_pk_constraint(*self._named(table))
        return list(found["constrained_columns"])

    def unique_keys(self, table: str) -> list[list[str]]:
        keys = [self.primary_key(table)]
        keys += [
            [str(name) for name in one["column_names"]] for one in self._indexes(table) if one.get("unique")
        ]
        return [key for key in keys if key]

    def indexed_columns(self, table: str) -> set[str]:
        first = {str(one["column_names"][0]) for one in self._indexes(table) if one["column_names"]}
        return first | set(self.primary_key(table)[:1])

    def _indexes(self, table: str) -> list[Any]:
        with self._explained():
            return list(sa.inspect(self._engine).get_indexes(*self._named(table)))

    def _named(self, table: str) -> tuple[str, str | None]:
        schema, _, name = table.rpartition(".")
        return name, schema or None

    def may_write(self, table: str, columns: Sequence[str], right: str = "UPDATE") -> Rights:
        """Not asked: each database says it in its own way. The first write tells."""
        return Rights()

    def most(self, count: int) -> str:
        return _MOST.get(self.name, "LIMIT {}").format(count)

    def is_in(self, table: str, columns: Sequence[str], values: Iterable[Cells]) -> Condition:
        known = self.columns(table)
        kinds = [known[name].type for name in columns]
        rows = [tuple(map(_bound, kinds, one)) for one in values if all(map(_fits, kinds, one))]
        if not rows:
            return Condition("1 = 0")
        one = ", ".join([_MARK] * len(columns))
        tuple_of = f"({one})" if len(columns) > 1 else one
        names = ", ".join(map(self.quoted, columns))
        left = f"({names})" if len(columns) > 1 else names
        parts = [
            f"{left} IN ({', '.join([tuple_of] * len(some))})"
            for start in range(0, len(rows), VALUES_MAX)
            if (some := rows[start : start + VALUES_MAX])
        ]
        return Condition(" OR ".join(parts), tuple(value for row in rows for value in row))

    @contextmanager
    def reading(self) -> Iterator[None]:
        with self._lock, self._explained(), self._engine.connect() as connection:
            self._open = connection
            try:
                yield
            finally:
                self._open = None

    @contextmanager
    def writing(self) -> Iterator[None]:
        if not self._writable:
            raise LedgerError(
                "these tables were opened for reading only: set write = 'tables' in their books"
            )
        if self.name in _UNLOCKABLE:
            raise RowRefused(f"{self.name} cannot lock a row between comparing and setting it: not written")
        with self._lock, self._explained(), self._engine.connect() as connection:
            if self.name != "sqlite":
                connection = connection.execution_options(isolation_level="READ COMMITTED")
            with connection.begin():
                self._open, self._is_writing = connection, True
                try:
                    yield
                finally:
                    self._open, self._is_writing = None, False

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        if self._open is None:
            raise LedgerError("a savepoint outside of a transaction")
        with self._explained(), self._open.begin_nested():
            yield

    def rows(self, text: str, values: Sequence[Any] = ()) -> list[Cells]:
        with self._lock, self._explained():
            if self._open is not None:
                return [tuple(row) for row in self._open.execute(*_named_values(text, values))]
            with self._engine.connect() as connection:
                return [tuple(row) for row in connection.execute(*_named_values(text, values))]

    def write(self, text: str, values: Sequence[Any] = ()) -> int:
        if self._open is None or not self._is_writing:
            raise LedgerError("a write outside of a write transaction")
        with self._explained():
            return int(self._open.execute(*_named_values(text, values)).rowcount)

    def row_text(self, columns: Sequence[str]) -> str | None:
        return None

    def state(self, tables: Sequence[str]) -> str | None:
        return None

    def now_ns(self) -> int:
        return time.time_ns()

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (IntegrityError, DataError) as fault:
            raise RowRefused(f"{self.name}: {fault.orig}") from fault
        except DBAPIError as fault:
            code = _code(fault) if self.name in _MYSQL else None
            if code in _REFUSED:
                raise RowRefused(f"{self.name}: {fault.orig}") from fault
            if code in _LOCKED:
                raise Conflict("the bot holds a lock on the row; the next run tries again") from fault
            raise LedgerError(f"{self.name}: {fault.orig}") from fault


def _arguments(url: str) -> dict[str, Any]:
    """Time-outs of the drivers that are known; an address that is none is the engine's to refuse."""
    driver = sa.make_url(url).drivername
    if driver in ("mysql+pymysql", "mariadb+pymysql"):
        limit = f"SET SESSION innodb_lock_wait_timeout = {LOCK_TIMEOUT_S}"
        return {
            "connect_timeout": CONNECT_TIMEOUT_S, "read_timeout": STATEMENT_TIMEOUT_S,
            "write_timeout": STATEMENT_TIMEOUT_S, "init_command": limit,
        }  # fmt: skip
    return {}


def _column(found: Any) -> Column:
    kind, nullable = found["type"], bool(found.get("nullable", True))
    is_numbered = found.get("autoincrement") is True or bool(found.get("identity") or found.get("computed"))
    return Column(
        found["name"],
        str(kind).lower(),
        nullable,
        tuple(getattr(kind, "enums", ())),
        given=not nullable and found.get("default") is None and not is_numbered,
    )


def _fits(kind: str, value: Any) -> bool:
    """MySQL takes a text beside a number for the number that it begins with: `12abc` would be row 12's id."""
    if value is None:
        return False
    if not any(word in kind for word in ("int", "decimal", "numeric", "double", "float", "real")):
        return True
    try:
        return float(value) == float(value)
    except ValueError:
        return False


def _bound(kind: str, value: Any) -> Any:
    """A UUID beside a column of bytes is its sixteen: as a text it equals none of them."""
    if isinstance(value, str) and any(word in kind for word in ("binary", "blob", "raw", "bytea")):
        return uuid_bytes(value) or value
    return value


def _code(fault: DBAPIError) -> int | None:
    told = getattr(fault.orig, "args", ())
    return told[0] if told and isinstance(told[0], int) else None


def _named_values(text: str, values: Sequence[Any]) -> tuple[sa.TextClause, dict[str, Any]]:
    parts = text.split(_MARK)
    named = "".join(
        part + (f":p{index}" if index < len(parts) - 1 else "") for index, part in enumerate(parts)
    )
    return sa.text(named), {f"p{index}": value for index, value in enumerate(values)}
