"""The ledgers that the contract suite of `trueup.testing.ledgers` runs on here."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
import psycopg

from tests.postgres.databases import migrated_database
from trueup.ledgers.postgresql import open_postgresql
from trueup.ledgers.sql.sql_ledger import SqlLedger
from trueup.ledgers.sqlite import open_sqlite
from trueup.ledgers.sqlite.database import SqliteDatabase
from trueup.testing.ledgers.store import Store


class SqliteStore:
    opener = "trueup.ledgers.sqlite:open_sqlite"
    replacing = ("INSERT OR REPLACE INTO", "")

    def __init__(self, folder: Path) -> None:
        self.address = str(folder / "ledger.db")

    def open(self, clock_ns: Callable[[], int]) -> SqlLedger:
        return open_sqlite(self.address, clock_ns=clock_ns)

    def execute(self, statement: str) -> list[tuple]:
        connection = apsw.Connection(self.address)
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
    opener = "trueup.ledgers.postgresql:open_postgresql"
    replacing = ("INSERT INTO", "ON CONFLICT (profile_id, seq) DO UPDATE SET payload = excluded.payload")

    def __init__(self, url: str) -> None:
        self.address = url

    def open(self, clock_ns: Callable[[], int]) -> SqlLedger:
        return open_postgresql(self.address, clock_ns=clock_ns)

    def execute(self, statement: str) -> list[tuple]:
        with psycopg.connect(self.address, autocommit=True) as connection:
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
def sqlite(folder: Path) -> Iterator[Store]:
    yield SqliteStore(folder)


@contextmanager
def postgresql(_: Path) -> Iterator[Store]:
    with migrated_database() as url:
        yield PostgresStore(url)
