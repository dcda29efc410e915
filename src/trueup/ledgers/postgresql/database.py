"""The `Database` on PostgreSQL: transactions on pooled connections, statements by name, errors that say what to do.

Safe behind a pooler that gives each transaction another server process: every statement stands in a transaction that
begins with its own settings (schema, time-outs), nothing is prepared, and nothing is kept in a session. Retries
nothing: a lost connection ends the run, and the next run connects anew. Knows nothing of what the statements mean.
"""

import re
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import files
from typing import cast

import msgspec
import psycopg
from psycopg import errors
from psycopg.abc import QueryNoTemplate

from trueup.ledgers.postgresql.connections import Connections
from trueup.ledgers.postgresql.find_damage import lacking
from trueup.ledgers.sql.database import CommitUnknown, Row, Value, stamp, text_value
from trueup.ledgers.sql.migrations import load_migrations
from trueup.ledgers.sql.statements import load_statements
from trueup.model.errors import Conflict, LedgerError, RestartNeeded
from trueup.model.times import to_ns

ROWS_AT_ONCE = 1000  # that a cursor of the server's hands over
NEWEST_MIGRATION = load_migrations(__package__)[-1].number
LOCK_TIMEOUT_S = 10  # another writer holds a row at most for one run's transaction
STATEMENT_TIMEOUT_S = 60
IDLE_TIMEOUT_S = (
    60  # a process that was stopped in the midst of a transaction must not hold its locks for ever
)
_SETTINGS = (
    "; SET LOCAL search_path = trueup"
    f"; SET LOCAL lock_timeout = '{LOCK_TIMEOUT_S}s'; SET LOCAL statement_timeout = '{STATEMENT_TIMEOUT_S}s'"
    f"; SET LOCAL idle_in_transaction_session_timeout = '{IDLE_TIMEOUT_S}s'; SET LOCAL jit = off"
)
_BEGIN_WRITING = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE" + _SETTINGS
_BEGIN_READING = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY" + _SETTINGS
_NOW = "SELECT trueup.stamp(clock_timestamp())"  # outside a transaction, where no schema is set
_LOCKED = "FOR NO KEY UPDATE"  # leaves foreign keys to the row alone


class _Current(threading.local):
    """The transaction of the calling thread."""

    connection: psycopg.Connection | None = None
    is_writing = False


class PostgresDatabase:
    """Implements `ledgers.sql.database.Database`. Safe to call from several threads, each in its own transaction.

    `clock_ns` null: this database's own clock, as ever outside tests.
    """

    def __init__(self, connections: Connections, *, clock_ns: Callable[[], int] | None = None) -> None:
        self.address = connections.address
        self._connections = connections
        self._clock_ns = clock_ns
        source = files(__package__).joinpath("statements.sql").read_text("utf-8")
        self._reading = load_statements(source, {"locked": ""})
        self._writing = load_statements(source, {"locked": _LOCKED})
        self._current = _Current()

    @property
    def connection(self) -> psycopg.Connection:
        if self._current.connection is None or not self._current.is_writing:
            raise LedgerError(
                "a bot's tables were called outside a transaction: report this as a fault of trueup"
            )
        return self._current.connection

    @property
    def marks_accounts(self) -> bool:
        return True

    def marks(self, accounts: str, since: str) -> list[Row]:
        """In a write transaction each statement may see other rows: a mark would not be that of the rows."""
        return [] if self._current.is_writing else self.rows("marks_of_open_and_recent", accounts, since)

    def mark(self) -> str | None:
        return None  # what others write elsewhere would change it all the time

    def now_ns(self) -> int:
        if self._clock_ns is not None:
            return self._clock_ns()
        if self._current.connection is not None:
            return to_ns(text_value(self.rows("now")[0][0]))
        with self._connections.one() as connection:  # a transaction of its own would cost four times as much
            ((now,),) = self._send(connection, _NOW).fetchall()
        return to_ns(text_value(now))

    def bound_now(self) -> str | None:
        return None if self._clock_ns is None else stamp(self._clock_ns())

    def rows(self, name: str, *values: Value) -> list[Row]:
        if self._current.connection is None:
            with self.reading():
                return self.rows(name, *values)
        cursor = self._execute(name, values)
        return cast("list[Row]", cursor.fetchall() if cursor.description else [])

    def stream(self, name: str, *values: Value) -> Iterator[Row]:
        """By a cursor of the server's, a thousand rows at a time."""
        connection = self._current.connection
        if connection is None:
            raise LedgerError(f"{name} was called outside a transaction: report this as a fault of trueup")
        text = (self._writing if self._current.is_writing else self._reading)[name]
        try:
            with psycopg.RawServerCursor(connection, name) as cursor:
                cursor.itersize = ROWS_AT_ONCE
                cursor.execute(cast(QueryNoTemplate, text), values)
                yield from cast("Iterator[Row]", cursor)
        except psycopg.Error as fault:
            raise explain(fault, self.address) from fault

    def write(self, name: str, *values: Value) -> int:
        return self._execute(name, values).rowcount

    def write_many(self, name: str, values: Iterable[Sequence[Value]]) -> int:
        """One statement for all rows, each column bound as one array."""
        columns = list(zip(*values, strict=True))
        return self._execute(name, [array_text(one) for one in columns]).rowcount if columns else 0

    write_each = write_all = write_many

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with self._begun(_BEGIN_WRITING, is_writing=True) as connection:
            yield
            self._commit(connection)

    @contextmanager
    def reading(self) -> Iterator[None]:
        if self._current.connection is not None:
            yield
            return
        with self._begun(_BEGIN_READING, is_writing=False):
            yield

    def check_current(self) -> None:
        """Only a newer *post* migration takes away what this program needs."""
        newer = self.rows("newer_migrations", NEWEST_MIGRATION)
        if newer:
            raise RestartNeeded(
                f"ledger {self.address} was brought to {text_value(newer[-1][0])} meanwhile, which this program does"
                " not know: it writes nothing more and ends; start the newer trueup"
            )

    def find_damage(self, *, quick: bool) -> list[str]:
        """What the schema lacks; the server checks its pages itself."""
        return lacking(self.rows("schema_parts"))

    def close(self) -> None:
        self._connections.close()

    @contextmanager
    def _begun(self, begin: str, *, is_writing: bool) -> Iterator[psycopg.Connection]:
        """A transaction of this thread; what the block has not committed is rolled back."""
        current = self._current
        if current.connection is not None:
            raise LedgerError("a transaction was begun within another: report this as a fault of trueup")
        with self._connections.one() as connection:
            try:
                self._send(connection, begin)
                current.connection, current.is_writing = connection, is_writing
                yield connection
            finally:
                current.connection = None
                _roll_back(connection)

    def _execute(self, name: str, values: Sequence[Value]) -> psycopg.RawCursor[Row]:
        current = self._current
        if current.connection is None:
            raise LedgerError(f"{name} was called outside a transaction: report this as a fault of trueup")
        text = (self._writing if current.is_writing else self._reading)[name]
        return self._send(current.connection, text, values)

    def _send(
        self, connection: psycopg.Connection, text: str, values: Sequence[Value] | None = None
    ) -> "psycopg.RawCursor[Row]":
        try:
            cursor = psycopg.RawCursor(connection)
            cursor.execute(cast(QueryNoTemplate, text), values)
        except psycopg.Error as fault:
            raise explain(fault, self.address) from fault
        return cursor

    def _commit(self, connection: psycopg.Connection) -> None:
        """The server's refusal took none of it. Where its answer is lost, nobody knows."""
        try:
            connection.execute("COMMIT")
        except psycopg.Error as fault:
            if connection.closed or fault.sqlstate is None:
                raise CommitUnknown(
                    f"ledger {self.address}: the commit was not acknowledged ({_one_line(fault)}): it may have been"
                    " written or not; look before you do it again"
                ) from fault
            raise explain(fault, self.address) from fault


def _roll_back(connection: psycopg.Connection) -> None:
    if not connection.closed and connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
        try:
            connection.execute("ROLLBACK")
        except psycopg.Error:
            connection.close()  # the server rolls back what nobody commits


# -- values ----------------------------------------------------------------------------------------------------------

_ESCAPED = re.compile(rb"\\(u[0-9a-f]{4}|.)")
_CONTROLS = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t"}


def array_text(values: Sequence[Value]) -> str:
    """An array as PostgreSQL reads it. A JSON list is one, but for its brackets and the escapes of control characters.

    Thus the encoding is msgspec's, which is 20 times as fast as binding value by value.
    """
    text = msgspec.json.encode(values)
    if b"\\" in text:
        text = _ESCAPED.sub(_unescaped, text)
    return f"{{{text[1:-1].decode()}}}"


def _unescaped(found: "re.Match[bytes]") -> bytes:
    what = found[1]
    if what[:1] == b"u":
        return chr(int(what[1:], 16)).encode()
    return _CONTROLS.get(what, found[0])


# -- errors ----------------------------------------------------------------------------------------------------------

_ADVICE: tuple[tuple[type[psycopg.Error], str], ...] = (
    (errors.DiskFull, "the disk is full; nothing was written: free some space and run again"),
    (
        errors.LockNotAvailable,
        f"another transaction kept a row locked for {LOCK_TIMEOUT_S} s; nothing was written: run again",
    ),
    (
        errors.QueryCanceled,
        f"a statement took longer than {STATEMENT_TIMEOUT_S} s or was canceled; nothing was written: run again",
    ),
    (errors.DeadlockDetected, "another transaction stood in the way; nothing was written: run again"),
    (errors.SerializationFailure, "another transaction stood in the way; nothing was written: run again"),
    (
        errors.InsufficientPrivilege,
        "this role has not the right; nothing was written: see `trueup migrate --grant`",
    ),
    (errors.UndefinedTable, "it has no tables of trueup: `trueup migrate` makes them"),
    (errors.InvalidSchemaName, "it has no tables of trueup: `trueup migrate` makes them"),
    (
        errors.ReadOnlySqlTransaction,
        "this server only reads (a standby); nothing was written: name the primary",
    ),
    (
        errors.UntranslatableCharacter,
        "a text holds a NUL character, which PostgreSQL cannot store; nothing was written",
    ),
    (errors.DataError, "a value cannot be stored; nothing was written"),
)


def explain(fault: psycopg.Error, address: str) -> LedgerError:
    """What to do about it."""
    text = _one_line(fault)
    for kind, advice in _ADVICE:
        if isinstance(fault, kind):
            return LedgerError(f"ledger {address}: {advice} ({text})")
    if isinstance(fault, psycopg.IntegrityError | errors.RaiseException):
        return Conflict(
            f"ledger {address}: a row with these ids exists already, or a rule forbids it ({text})"
        )
    if isinstance(fault, psycopg.OperationalError):
        return LedgerError(
            f"ledger {address}: the connection was lost; nothing was written: the next run connects again ({text})"
        )
    return LedgerError(f"ledger {address}: {text}; nothing was written")


def _one_line(fault: psycopg.Error) -> str:
    return " ".join(str(fault).split())
