"""Somebody else's PostgreSQL: read in one repeatable-read, read-only transaction; every statement has a time-out.

Lists are bound as arrays of the column's own type, so that the bot's indexes serve. Nothing of the server is changed.
"""

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal, InvalidOperation
from typing import Any, cast

import psycopg
from psycopg import errors, pq
from psycopg.rows import tuple_row

from trueup.books.keys import uuid_bytes
from trueup.books.tables.database import STATEMENT_TIMEOUT_S, Cells, Column, Condition, Rights, RowRefused
from trueup.model.errors import Conflict, LedgerError

CONNECT_TIMEOUT_S = 10
LOCK_TIMEOUT_S = 5
# A domain is the type below it: values that its checks refuse are no row's, and no fault of a read. `format_type` with
# -1: without it char(16) is `character`, and a cast to that keeps one letter.
_COLUMNS = """
WITH RECURSIVE declared AS (
    SELECT * FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped
), base AS (
    SELECT a.attnum, t.oid, t.typtype, t.typbasetype FROM declared a JOIN pg_type t ON t.oid = a.atttypid
    UNION ALL
    SELECT b.attnum, t.oid, t.typtype, t.typbasetype FROM base b JOIN pg_type t ON t.oid = b.typbasetype
    WHERE b.typtype = 'd'
)
SELECT a.attname, format_type(b.oid, -1), NOT a.attnotnull, b.typtype, b.oid::bigint,
       a.attnotnull AND NOT a.atthasdef AND a.attidentity = '' AND a.attgenerated = '',
       a.attgenerated <> '' OR a.attidentity = 'a'
FROM declared a JOIN base b ON b.attnum = a.attnum AND b.typtype <> 'd' ORDER BY a.attnum
"""
_INDEXES = """
SELECT array(SELECT a.attname::text FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k(number, place)
             LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
             WHERE k.place <= i.indnkeyatts ORDER BY k.place),
       i.indisprimary, i.indisunique AND i.indpred IS NULL AND i.indisvalid
FROM pg_index i WHERE i.indrelid = to_regclass(%s) AND i.indisvalid
"""
_SCHEMAS = "SELECT array_to_string(ARRAY(SELECT quote_ident(name) FROM unnest(current_schemas(false)) AS name), ', ')"
_TABLES = """
SELECT CASE WHEN n.nspname = ANY (current_schemas(false)) THEN c.relname ELSE n.nspname || '.' || c.relname END
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  AND n.nspname NOT LIKE 'pg\\_toast%%' AND NOT c.relispartition
ORDER BY 1
"""


class PostgresqlTables:
    """Implements `TableDatabase`. `url` may hold a password: it is in no message."""

    name = "postgresql"
    mark = "%s"

    def __init__(
        self, url: str, *, writable: bool = False, within: "psycopg.Connection[Cells] | None" = None
    ) -> None:
        """`within`: the connection of a transaction that is somebody else's; it is neither begun nor closed here."""
        self._url = url
        self._writable = writable
        self._lock = threading.RLock()
        self._known: dict[str, dict[str, Column]] = {}
        self._is_own = within is None
        self._connection = within if within is not None else self._connect()

    def _connect(self) -> "psycopg.Connection[Cells]":
        with self._explained():
            connection = psycopg.connect(
                self._url,
                autocommit=True,
                connect_timeout=CONNECT_TIMEOUT_S,
                application_name="trueup",
                options=f"-c statement_timeout={STATEMENT_TIMEOUT_S * 1000} -c lock_timeout={LOCK_TIMEOUT_S * 1000}",
            )
        connection.prepare_threshold = None  # a pooler between transactions knows no prepared statements
        return connection

    def quoted(self, name: str) -> str:
        return '"' + name.replace('"', '""').replace("%", "%%") + '"'

    def quoted_table(self, name: str) -> str:
        return ".".join(map(self.quoted, name.split(".")))

    def tables(self) -> list[str]:
        return [str(name) for (name,) in self.rows(_TABLES, [])]

    def search_path(self) -> str:
        """The schemas that this connection looks for names in, for another one to do the same."""
        return str(self.rows(_SCHEMAS)[0][0])

    @contextmanager
    def searching(self, path: str) -> Iterator[None]:
        """Inside a transaction: names, also those in the bot's triggers, are looked for as its own connection does."""
        ((before,),) = self.rows("SELECT current_setting('search_path')")
        self.rows("SELECT set_config('search_path', %s, true)", [path])
        yield  # what is raised ends the transaction, and the setting with it
        self.rows("SELECT set_config('search_path', %s, true)", [before])

    def columns(self, table: str) -> dict[str, Column]:
        if table not in self._known:
            found = self.rows(_COLUMNS, [self._regclass(table)])
            self._known[table] = {
                name: Column(
                    name, kind, nullable, self._labels(oid) if typtype == "e" else (), given, computed
                )
                for name, kind, nullable, typtype, oid, given, computed in found
            }
        return self._known[table]

    def _labels(self, oid: int) -> tuple[str, ...]:
        found = self.rows("SELECT enumlabel FROM pg_enum WHERE enumtypid = %s ORDER BY enumsortorder", [oid])
        return tuple(label for (label,) in found)

    def primary_key(self, table: str) -> list[str]:
        return next((names for names, is_primary, _ in self._indexes(table) if is_primary), [])

    def unique_keys(self, table: str) -> list[list[str]]:
        return [names for names, _, is_unique in self._indexes(table) if is_unique and None not in names]

    def indexed_columns(self, table: str) -> set[str]:
        return {names[0] for names, _, _ in self._indexes(table) if names and names[0] is not None}

    def _indexes(self, table: str) -> list[Cells]:
        return self.rows(_INDEXES, [self._regclass(table)])

    def _regclass(self, table: str) -> str:
        return self.quoted_table(table).replace("%%", "%")

    def may_write(self, table: str, columns: Sequence[str], right: str = "UPDATE") -> Rights:
        name = self._regclass(table)
        missing = [
            column
            for column in columns
            if not self.rows("SELECT has_column_privilege(%s, %s, %s)", [name, column, right])[0][0]
        ]
        wide = [
            right
            for right in ("INSERT", "UPDATE", "DELETE", "TRUNCATE")
            if self.rows("SELECT has_table_privilege(%s, %s)", [name, right])[0][0]
        ]
        return Rights(tuple(missing), tuple(wide))

    def most(self, count: int) -> str:
        return f"LIMIT {count}"

    def is_in(self, table: str, columns: Sequence[str], values: Iterable[Cells]) -> Condition:
        known = self.columns(table)
        kinds = [known[name] for name in columns]
        rows = list(values)
        for index, kind in enumerate(kinds):
            if kind.type not in _WHOLE or not all(type(row[index]) is int for row in rows):
                rows = [row for row in rows if _fits(kind, row[index])]
        arrays = tuple([_bound(kind, row[index]) for row in rows] for index, kind in enumerate(kinds))
        if len(columns) == 1:
            return Condition(f"{self.quoted(columns[0])} = ANY (%s::{kinds[0].type}[])", arrays)
        names = ", ".join(map(self.quoted, columns))
        lists = ", ".join(f"%s::{kind.type}[]" for kind in kinds)
        return Condition(f"({names}) IN (SELECT * FROM unnest({lists}))", arrays)

    @contextmanager
    def reading(self) -> Iterator[None]:
        with self._transaction("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"):
            yield

    @contextmanager
    def writing(self) -> Iterator[None]:
        if not self._writable:
            raise LedgerError(
                "these tables were opened for reading only: set write = 'tables' in their books"
            )
        with self._transaction("BEGIN"):
            yield

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[None]:
        with self._lock:
            self._reconnect()
            with self._explained():
                self._connection.execute(begin)
            try:
                yield
            except BaseException:
                if self._connection.info.transaction_status != pq.TransactionStatus.IDLE:
                    self._roll_back()
                raise
            with self._explained():
                self._connection.execute("COMMIT")

    def _roll_back(self) -> None:
        try:
            self._connection.execute("ROLLBACK")
        except psycopg.Error:  # the connection is gone, and with it the transaction
            self._connection.close()

    def _reconnect(self) -> None:
        """Only between transactions: what was read before a lost connection is read again."""
        if self._connection.closed or self._connection.broken:
            self._known.clear()
            self._connection = self._connect()

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        with self._explained(), self._connection.transaction():
            yield

    def rows(self, text: str, values: Sequence[Any] = ()) -> list[Cells]:
        with self._lock, self._explained():
            return self._cursor().execute(cast("Any", text), tuple(values)).fetchall()

    def write(self, text: str, values: Sequence[Any] = ()) -> int:
        with self._lock, self._explained():
            try:
                return self._cursor().execute(cast("Any", text), tuple(values)).rowcount
            except psycopg.Error as fault:
                is_passing = fault.sqlstate is None or fault.sqlstate[:2] in _PASSING
                if is_passing or isinstance(fault, errors.InsufficientPrivilege):
                    raise
                raise RowRefused(f"PostgreSQL refused: {fault.diag.message_primary}") from fault

    def _cursor(self) -> "psycopg.Cursor[Cells]":
        """A plain one, whatever kind the connection makes for its owner."""
        return psycopg.Cursor(self._connection, row_factory=tuple_row)

    def row_text(self, columns: Sequence[str]) -> str | None:
        """The driver makes the cells of their texts, too."""
        return f"ROW({', '.join(columns)})::text"

    def state(self, tables: Sequence[str]) -> str | None:
        return None

    def now_ns(self) -> int:
        ((now,),) = self.rows("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")
        return int(now) * 1000

    def close(self) -> None:
        if self._is_own:
            self._connection.close()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (errors.LockNotAvailable, errors.SerializationFailure, errors.DeadlockDetected) as fault:
            raise Conflict("the bot holds a lock on the row; the next run tries again") from fault
        except errors.QueryCanceled as fault:
            raise LedgerError(
                f"a statement took longer than {STATEMENT_TIMEOUT_S} s: `trueup doctor` names the index that is missing"
            ) from fault
        except errors.InsufficientPrivilege as fault:
            raise RowRefused(
                f"{fault.diag.message_primary}: grant it to the user trueup connects as"
            ) from fault
        except _REFUSED as fault:
            raise RowRefused(f"PostgreSQL refused: {fault.diag.message_primary}") from fault
        except psycopg.OperationalError as fault:
            raise LedgerError(f"PostgreSQL cannot be reached: {_without(self._url, str(fault))}") from fault
        except psycopg.Error as fault:
            raise LedgerError(
                f"PostgreSQL refused: {fault.diag.message_primary or type(fault).__name__}"
            ) from fault


def _without(url: str, message: str) -> str:
    """A driver's message in one line, without the address where it quotes it."""
    return " ".join(message.replace(url, "the database").split())


# classes of what passes by itself: connections, transactions, resources, locks, an operator, the system
_PASSING = frozenset({"08", "25", "40", "53", "55", "57", "58", "XX"})
# what a statement is answered however often it is sent: constraints, values, generated columns, views, triggers
_REFUSED = (
    errors.IntegrityError,
    errors.DataError,
    errors.RaiseException,
    errors.GeneratedAlways,
    errors.ObjectNotInPrerequisiteState,
    errors.FeatureNotSupported,
)
_WHOLE = frozenset({"smallint", "integer", "bigint"})
_NUMBERS = frozenset({"numeric", "real", "double precision"})
_TEXTS = frozenset({"text", "character varying", "bpchar", "name", "citext"})


def _fits(column: Column, value: Any) -> bool:
    """Whether a value can be one of the column's: what cannot would fail the statement, and is no row's."""
    if value is None:
        return False
    if column.values:
        return value in column.values
    if column.type in _WHOLE:
        return str(value).strip().lstrip("-").isdigit() and abs(int(value)) < 2**63
    if column.type in _NUMBERS:
        return _is_number(str(value))
    if column.type == "boolean":
        return str(value).lower() in ("true", "false")
    if column.type == "uuid":
        return uuid_bytes(str(value)) is not None
    if column.type == "bytea":
        return isinstance(value, bytes) or uuid_bytes(value) is not None
    return True


def _is_number(text: str) -> bool:
    try:
        return Decimal(text.strip()).is_finite()
    except InvalidOperation:
        return False


def _bound(column: Column, value: Any) -> Any:
    if column.type in _WHOLE:
        return int(value)
    if column.type in _NUMBERS:
        return str(value).strip()
    if column.type == "bytea":
        return value if isinstance(value, bytes) else uuid_bytes(value)
    return str(value) if column.values or column.type in _TEXTS or column.type == "uuid" else value
