"""One SQLite connection: opened, configured and migrated; statements by name; errors that say what to do.

Writes begin with BEGIN IMMEDIATE (a plain BEGIN lost 4,788 of 8,000 racing transactions to "locked"), the journal is a
WAL and every commit is synced. Knows nothing of what the statements mean.
"""

import os
import re
import shutil
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.resources import files
from itertools import chain

import apsw

from trueup.ledgers.sql.database import CommitUnknown, Row, Value, stamp
from trueup.ledgers.sql.rows import json_list
from trueup.ledgers.sql.statements import load_statements
from trueup.ledgers.sqlite.find_damage import find_damage
from trueup.ledgers.sqlite.migrate import migrate
from trueup.model.errors import RESTORE, Conflict, InvariantError, LedgerDamaged, LedgerError, RestartNeeded

MEMORY = ":memory:"
OWNER_ONLY = 0o600  # of a file: nobody else may read or write it
BUSY_TIMEOUT_MS = 10_000  # another writer holds the file at most for one run's transaction
STATEMENTS_MAX = 512  # all that apsw keeps prepared, in a ring where each use takes a place
CACHE_KIB = 32_768  # holds the pages of a large run, so that they are written once, at its commit
WAL_PAGES = 8192  # 64 MiB, then copied into the file: after the usual 1000 every large commit did that, too
_UNMARKED = frozenset(  # statements that every run sends, and that change nothing which has a mark
    {"acquire_lease", "claim_leases", "renew_lease", "release_leases", "set_watermarks"}
)
WAL_INDEX_BYTES = 32_768  # by which SQLite lets the index beside the WAL grow
PAGE_BYTES = 8192  # of a new file: holds any usual row whole; a large commit took a third less than with 4096
SETTINGS = (
    f"PRAGMA page_size = {PAGE_BYTES}",
    "PRAGMA journal_mode = WAL",
    f"PRAGMA wal_autocheckpoint = {WAL_PAGES}",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA trusted_schema = OFF",
    f"PRAGMA cache_size = -{CACHE_KIB}",
)


class SqliteDatabase:
    """Implements `ledgers.database.Database`."""

    def __init__(self, path: str, *, clock_ns: Callable[[], int], create: bool = True) -> None:
        """`create` false: a file that is no ledger yet is refused with ConfigError, not made one."""
        self.path = path
        self._clock_ns = clock_ns
        self._lock = threading.RLock()
        self._statements = load_statements(files(__package__).joinpath("statements.sql").read_text("utf-8"))
        _make_private(path)
        with self._explained():
            self.connection = apsw.Connection(path, statementcachesize=STATEMENTS_MAX)
            try:
                self.connection.set_busy_timeout(BUSY_TIMEOUT_MS)
                # a query's plan never heeds the values bound: else most statements are prepared again for each
                self.connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
                self.created = migrate(self.connection, path, SETTINGS, create=create)
                self._schema = self._newest_migration()
            except BaseException:
                self.connection.close()
                raise
        self._file = _identity(path)
        self._aside = 0  # rows that statements changed which touch nothing that has a mark

    @property
    def marks_accounts(self) -> bool:
        return False

    def marks(self, accounts: str, since: str) -> list[Row]:
        """With the oldest rows that are recent: when they no longer are, others are read than before."""
        mark = self.mark()
        return [] if mark is None else [*self.rows("oldest_recent", accounts, since), (None, mark)]

    def mark(self) -> str | None:
        """What others committed, and what this connection has changed: a change that is rolled back counts, too. What
        is not committed yet has no mark, nor has a ledger in memory, which its owner may put back to another state."""
        with self._lock, self._explained():
            is_open = self.connection.txn_state("main") == apsw.SQLITE_TXN_WRITE
            if is_open or self.path == MEMORY:
                return None
            ((theirs,),) = self.connection.execute("PRAGMA data_version")
            return f"{theirs} {self.connection.total_changes() - self._aside}"

    def now_ns(self) -> int:
        return self._clock_ns()

    def bound_now(self) -> str | None:
        return stamp(self._clock_ns())

    def rows(self, name: str, *values: Value) -> list[Row]:
        with self._lock, self._counted(name):
            try:
                return self.connection.execute(self._statements[name], values).fetchall()
            except (apsw.Error, UnicodeDecodeError) as fault:
                raise self._explain(fault) from fault

    def stream(self, name: str, *values: Value) -> Iterator[Row]:
        with self._lock:
            try:
                yield from self.connection.execute(self._statements[name], values)
            except (apsw.Error, UnicodeDecodeError) as fault:
                raise self._explain(fault) from fault

    def write(self, name: str, *values: Value) -> int:
        with self._lock, self._counted(name), self._explained():
            self.connection.execute(self._statements[name], values).fetchall()
            return self.connection.changes()

    @contextmanager
    def _counted(self, name: str) -> Iterator[None]:
        before = self.connection.total_changes() if name in _UNMARKED else 0
        yield
        if name in _UNMARKED:
            self._aside += self.connection.total_changes() - before

    def write_many(self, name: str, values: Iterable[Sequence[Value]]) -> int:
        """Most of a transaction's tables get no row: such a statement is not begun."""
        rows = iter(values)
        first = next(rows, None)
        if first is None:
            return 0
        with self._lock:
            before = self.connection.total_changes()
            try:
                self.connection.executemany(self._statements[name], chain((first,), rows))
            except apsw.Error as fault:
                raise self._explain(fault) from fault
            return self.connection.total_changes() - before

    def write_each(self, name: str, values: Iterable[Sequence[Value]]) -> int:
        return sum(self.write(name, *row) for row in values)

    def write_all(self, name: str, values: Sequence[Sequence[Value]]) -> int:
        """As one JSON array of rows."""
        return self.write(name, json_list(values)) if values else 0

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with self._lock:
            self._check_file()
            with self._explained():
                self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._roll_back()
                raise
            self._commit()

    @contextmanager
    def reading(self) -> Iterator[None]:
        with self._lock:
            if self.connection.in_transaction:
                yield
                return
            with self._explained():
                self.connection.execute("BEGIN")
            try:
                yield
            finally:
                self._roll_back()

    def check_current(self) -> None:
        with self._lock, self._explained():
            self._check_file()
            newest = self._newest_migration()
            if newest > self._schema:
                raise RestartNeeded(
                    f"ledger {self.path} was brought to schema {newest} while this process ran, which knows"
                    f" {self._schema}: it writes nothing more and ends; start the newer trueup"
                )

    def find_damage(self, *, quick: bool) -> list[str]:
        with self._lock:
            try:
                return find_damage(self.connection, quick=quick)
            except (apsw.Error, UnicodeDecodeError) as fault:
                return [str(fault)]

    def close(self) -> None:
        with self._lock:
            self.connection.close()

    def _check_file(self) -> None:
        """What is written into a file that was removed is lost with this process, and nobody is told."""
        if self._file != _identity(self.path):
            raise RestartNeeded(
                f"ledger {self.path}: the file was removed or replaced while this process had it open; nothing more is"
                " written and it ends: put the file back, or restore a backup, then start again"
            )

    def _newest_migration(self) -> int:
        rows = self.connection.execute("SELECT max(number) FROM trueup_migrations").fetchall()
        return int(str(rows[0][0]))

    def _commit(self) -> None:
        """A full disk took none of it: SQLite writes the mark of a whole commit last. Other faults leave that open."""
        try:
            self.connection.execute("COMMIT")
        except apsw.Error as fault:
            if self.connection.in_transaction:
                self._roll_back()
            elif not isinstance(fault, apsw.FullError):
                raise CommitUnknown(
                    f"ledger {self.path}: the commit was not acknowledged ({fault}): it may have been written or not;"
                    " look before you do it again"
                ) from fault
            raise self._explain(fault) from fault

    def _roll_back(self) -> None:
        """SQLite has rolled back by itself where the disk was full or failed."""
        if self.connection.in_transaction:
            self.connection.execute("ROLLBACK")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except apsw.Error as fault:
            raise self._explain(fault) from fault

    def _explain(self, fault: apsw.Error | UnicodeDecodeError) -> LedgerError | InvariantError:
        if isinstance(fault, (apsw.CorruptError, UnicodeDecodeError)) or _DAMAGED.search(str(fault)):
            return LedgerDamaged(f"ledger {self.path} is {RESTORE} ({fault})")
        if isinstance(fault, apsw.IOError) and is_full(self.path):
            return LedgerError(f"ledger {self.path}: {_FULL} ({fault})")
        for kind, advice in _ADVICE:
            if isinstance(fault, kind):
                return LedgerError(f"ledger {self.path}: {advice} ({fault})")
        if isinstance(fault, apsw.ConstraintError):
            return Conflict(
                f"ledger {self.path}: a row with these ids exists already, or a rule forbids it ({fault})"
            )
        return LedgerError(f"ledger {self.path}: {fault}; nothing was written")


_DAMAGED = re.compile(
    "malformed JSON|no such table|no such column|has no column named"
)  # statements are our own
_FULL = "the disk is full; nothing was written: free some space and run again"
_ADVICE: tuple[tuple[type[apsw.Error], str], ...] = (
    (apsw.FullError, _FULL),
    (
        apsw.ReadOnlyError,
        "it cannot be written; nothing was: give this user the right to write the file and its folder",
    ),
    (
        apsw.CantOpenError,
        "it cannot be opened: the folder must exist and this user must be allowed to write in it",
    ),
    (
        apsw.NotADBError,
        "this file is no SQLite database: name another file, or restore a backup, see docs/how-to/operate.md",
    ),
    (
        apsw.BusyError,
        f"another process kept it locked for {BUSY_TIMEOUT_MS // 1000} s; nothing was written: run again",
    ),
    (apsw.IOError, "the disk answered with an error; nothing was written: check the disk, then run again"),
)


def _identity(path: str) -> tuple[int, int] | None:
    """Device and inode: another file under this path, or none, has others. Null: of a ledger in memory."""
    if path == MEMORY:
        return None
    try:
        known = os.stat(path)
    except OSError:
        return (0, 0)
    return known.st_dev, known.st_ino


def is_full(path: str) -> bool:
    """SQLite calls it an I/O error where the full disk takes no more of the index beside the WAL, as at opening."""
    try:
        return shutil.disk_usage(os.path.dirname(os.path.abspath(path))).free < WAL_INDEX_BYTES
    except OSError:
        return False


def _make_private(path: str) -> None:
    """A new ledger is its owner's alone: it holds positions. SQLite gives its `-wal` and `-shm` the file's own mode.

    What stands in the way of making it is told by SQLite, which opens it next.
    """
    if path == MEMORY:
        return
    with suppress(OSError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, OWNER_ONLY))
