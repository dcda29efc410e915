"""What the contract needs of each kind of database beside the ledger itself: to open it again, and to harm it."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import apsw

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

    def run_out_of_space(self, ledger: SqlLedger) -> None: ...

    def make_schema_newer(self) -> None: ...

    def change_a_migration(self) -> None: ...


class SqliteStore:
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

    def run_out_of_space(self, ledger: SqlLedger) -> None:
        assert isinstance(ledger.database, SqliteDatabase)
        connection = ledger.database.connection
        pages = connection.execute("PRAGMA page_count").fetchall()[0][0]
        connection.execute(f"PRAGMA max_page_count = {pages}").fetchall()

    def make_schema_newer(self) -> None:
        self.execute("INSERT INTO trueup_migrations (number, name, checksum) VALUES (99, '0099_later', 'x')")

    def change_a_migration(self) -> None:
        self.execute("UPDATE trueup_migrations SET checksum = 'x' WHERE number = 1")


STORES: dict[str, Callable[[Path], Store]] = {"sqlite": SqliteStore}


def open_address(address: str) -> SqlLedger:
    """In another process, on the machine's clock."""
    kind, _, place = address.partition(":")
    if kind == "sqlite":
        return open_sqlite(place)
    sys.exit(f"unknown kind of ledger: {kind}")
