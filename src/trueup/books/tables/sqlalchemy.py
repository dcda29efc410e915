"""MySQL, MariaDB and what else SQLAlchemy reaches (the extra `sql`): read always, written by compare-and-set."""

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

from trueup.books.tables.database import Cells, Column, Condition, Rights, RowRefused
from trueup.model.errors import ConfigError, LedgerError

VALUES_MAX = 500  # of one IN list: databases bound the parameters of a statement, SQL Server at 2,100
_MARK = "\x00"


class SqlalchemyTables:
    """Implements `TableDatabase`."""

    mark = _MARK

    def __init__(self, url: str, *, writable: bool = False) -> None:
        try:
            self._engine = sa.create_engine(url, pool_pre_ping=True)
        except (ArgumentError, NoSuchModuleError, ImportError) as error:
            raise ConfigError(f"SQLAlchemy cannot use this address: {type(error).__name__}") from error
        self.name = self._engine.dialect.name
        self._writable = writable
        self._lock = threading.RLock()
        self._open: sa.Connection | None = None

    def quoted(self, name: str) -> str:
        quote = self._engine.dialect.identifier_preparer.quote_identifier
        return ".".join(quote(part).replace(":", "\\:") for part in name.split("."))

    def tables(self) -> list[str]:
        with self._explained():
            inspector = sa.inspect(self._engine)
            return sorted([*inspector.get_table_names(), *inspector.get_view_names()])

    def columns(self, table: str) -> dict[str, Column]:
        try:
            with self._explained():
                found = sa.inspect(self._engine).get_columns(*self._named(table))
        except NoSuchTableError:
            return {}
        return {
            one["name"]: Column(
                one["name"],
                str(one["type"]).lower(),
                bool(one.get("nullable", True)),
                tuple(getattr(one["type"], "enums", ())),
            )
            for one in found
        }

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

    def is_in(self, table: str, columns: Sequence[str], values: Iterable[Cells]) -> Condition:
        rows = [one for one in values if None not in one]
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
        with self._lock, self._explained(), self._engine.begin() as connection:
            self._open = connection
            try:
                yield
            finally:
                self._open = None

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
        if self._open is None:
            raise LedgerError("a write outside of a transaction")
        with self._explained():
            return int(self._open.execute(*_named_values(text, values)).rowcount)

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
            raise LedgerError(f"{self.name}: {fault.orig}") from fault


def _named_values(text: str, values: Sequence[Any]) -> tuple[sa.TextClause, dict[str, Any]]:
    parts = text.split(_MARK)
    named = "".join(
        part + (f":p{index}" if index < len(parts) - 1 else "") for index, part in enumerate(parts)
    )
    return sa.text(named), {f"p{index}": value for index, value in enumerate(values)}
