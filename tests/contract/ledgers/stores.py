"""What the contract needs of each kind of database beside the ledger itself: to open it again, and to harm it."""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

import apsw
import psycopg

from tests.postgres.databases import migrated_database
from trueup.ledgers.postgresql import open_postgresql
from trueup.ledgers.sql.sql_ledger import SqlLedger
from trueup.ledgers.sqlite import open_sqlite
from trueup.ledgers.sqlite.database import SqliteDatabase
from trueup.model.times import NS_PER_S, to_ns

NOON_NS = to_ns("2026-11-23T12:00:00Z")


class SteppedClock:
    """The ledger's clock, which stands until a test moves it."""

    def __init__(self, now_ns: int = NOON_NS) -> None:
        self.time_ns = now_ns

    def __call__(self) -> int:
        return self.time_ns

    def pass_s(self, seconds: float) -> None:
        self.time_ns += round(seconds * NS_PER_S)


class Store(Protocol):
    """One empty database of one kind."""

    address: str  # a process opens it with `open_address`

    def open(self, clock_ns: Callable[[], int]) -> SqlLedger: ...

    def execute(self, statement: str) -> list[tuple]:
        """As another program would, past the ledger."""
        ...

    def drop_trigger(self, name: str, table: str) -> None: ...

    # how to put a row in the place of one with its key, around the rest of an INSERT
    replacing: tuple[str, str]

    def run_out_of_space(self, ledger: SqlLedger) -> None: ...

    def make_schema_newer(self) -> None: ...

    def change_a_migration(self) -> None: ...


class SqliteStore:
    replacing = ("INSERT OR REPLACE INTO", "")

    def __init__(self, folder: Path) -> None:
        self.address = f"sqlite:{folder / 'ledger.db'}"
        self._path = str(folder / "ledger.db")

    def open(self, clock_ns: Callable[[], int]) -> SqlLedger:
        return open_sqlite(self._path, clock_ns=clock_ns)

    def execute(self, statement: str) -> list[tuple]:
        connection = apsw.Connection(self._path)
        try:
            connection.set_busy_timeout(5000)
            return connection.execute(statement).fetchall()
        finally:
            connection.close()

    def drop_trigger(self, name: str, table: str) -> None:
        self.execute(f"DROP TRIGGER {name}")

    def run_out_of_space(self, ledger: SqlLedger) -> None:
        assert isinstance(ledger.database, SqliteDatabase)
        connection = ledger.database.connection
        pages = connection.execute("PRAGMA page_count").fetchall()[0][0]
        connection.execute(f"PRAGMA max_page_count = {pages}").fetchall()

    def make_schema_newer(self) -> None:
        self.execute("INSERT INTO trueup_migrations (number, name, checksum) VALUES (99, '0099_later', 'x')")

    def change_a_migration(self) -> None:
        self.execute("UPDATE trueup_migrations SET checksum = 'x' WHERE number = 1")


class PostgresStore:
    replacing = ("INSERT INTO", "ON CONFLICT (profile_id, seq) DO UPDATE SET payload = excluded.payload")

    def __init__(self, url: str) -> None:
        self.address = f"postgresql:{url}"
        self._url = url

    def open(self, clock_ns: Callable[[], int]) -> SqlLedger:
        return open_postgresql(self._url, clock_ns=clock_ns)

    def execute(self, statement: str) -> list[tuple]:
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute("SET search_path = trueup; SET lock_timeout = '5s'")
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def drop_trigger(self, name: str, table: str) -> None:
        self.execute(f"DROP TRIGGER {name} ON {table}")

    def run_out_of_space(self, ledger: SqlLedger) -> None:
        """The server's own answer to it, from a trigger: a disk that is full is no test's to make."""
        self.execute("""
            CREATE FUNCTION run_out_of_space() RETURNS trigger LANGUAGE plpgsql AS $$
              BEGIN RAISE EXCEPTION 'No space left on device' USING ERRCODE = 'disk_full'; END $$;
            CREATE TRIGGER run_out_of_space BEFORE INSERT ON runs EXECUTE FUNCTION run_out_of_space()""")

    def make_schema_newer(self) -> None:
        self.execute("INSERT INTO migrations (number, name, checksum) VALUES (99, '0099_later', 'x')")

    def change_a_migration(self) -> None:
        self.execute("UPDATE migrations SET checksum = 'x' WHERE number = 1")


@contextmanager
def _sqlite(folder: Path) -> Iterator[Store]:
    yield SqliteStore(folder)


@contextmanager
def _postgresql(_: Path) -> Iterator[Store]:
    with migrated_database() as url:
        yield PostgresStore(url)


STORES: dict[str, Callable[[Path], AbstractContextManager[Store]]] = {
    "postgresql": _postgresql,
    "sqlite": _sqlite,
}


def open_address(address: str) -> SqlLedger:
    """In another process, on the machine's clock, or the database's own."""
    kind, _, place = address.partition(":")
    if kind == "sqlite":
        return open_sqlite(place)
    if kind == "postgresql":
        return open_postgresql(place)
    sys.exit(f"unknown kind of ledger: {kind}")
