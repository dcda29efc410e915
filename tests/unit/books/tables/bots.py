"""A bot with its tables in SQLite or in PostgreSQL: it writes as bots do, past trueup."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw
import psycopg
import psycopg.conninfo

from tests.postgres.databases import empty_database
from tests.unit.books.tables.desk import TABLES, mapping
from trueup.books.tables.mapping import TablesMapping
from trueup.books.tables.open_tables import open_tables
from trueup.books.tables.read_tables import TablesReader, Wanted
from trueup.books.tables.write_rows import write_rows
from trueup.ports.foreign_books import ForeignRead, WriteBack, WriteResult


class Bot:
    """`address` is what trueup is given. Statements have `?` for a value."""

    def __init__(self, address: str, connection: Any, mark: str) -> None:
        self.address = address
        self._connection = connection
        self._mark = mark

    def execute(self, text: str, *values: object) -> list[Any]:
        cursor = self._connection.execute(text.replace("?", self._mark), values)
        if isinstance(cursor, apsw.Cursor):
            return cursor.fetchall()
        return list(cursor.fetchall()) if cursor.description else []

    def add(self, table: str, **cells: object) -> None:
        marks = ", ".join("?" * len(cells))
        self.execute(f"INSERT INTO {table} ({', '.join(cells)}) VALUES ({marks})", *cells.values())

    def number_rows(self, table: str) -> None:
        """So that a new row needs no key; SQLite does it by itself."""
        if self.address.startswith("postgres"):
            self.execute(f"CREATE SEQUENCE {table}_numbers START 100")
            self.execute(f"ALTER TABLE {table} ALTER id SET DEFAULT nextval('{table}_numbers')")

    def value(self, column: str, number: int = 1) -> Any:
        ((value,),) = self.execute(f"SELECT {column} FROM my_orders WHERE id = ?", number)
        return value

    @contextmanager
    def reader(self, mapped: TablesMapping, owners: tuple[str, ...]) -> Iterator[TablesReader]:
        database = open_tables(self.address, writable=True)
        try:
            yield TablesReader(database, mapped, owners)
        finally:
            database.close()

    def read(self, wanted: Wanted, owners: tuple[str, ...] = ("mom",), **orders: object) -> ForeignRead:
        with self.reader(mapping(**orders), owners) as reader, reader.database.reading():
            return reader.read(wanted)

    def write(self, *writes: WriteBack, **orders: object) -> list[WriteResult]:
        with self.reader(mapping(**orders), ("mom",)) as reader, reader.database.writing():
            return write_rows(reader, reader.database, writes)


@contextmanager
def sqlite_bot(folder: Path) -> Iterator[Bot]:
    # by apsw: two copies of SQLite in one process take one another's locks away
    connection = apsw.Connection(str(folder / "bot.db"))
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(TABLES)
    yield Bot(str(folder / "bot.db"), connection, "?")
    connection.close()


@contextmanager
def postgresql_bot() -> Iterator[Bot]:
    with empty_database() as dsn, psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(TABLES.encode())
        yield Bot(url_of_dsn(dsn), connection, "%s")


def url_of_dsn(dsn: str) -> str:
    """As a person writes it in a configuration."""
    parts = psycopg.conninfo.conninfo_to_dict(dsn)
    return f"postgresql://{parts['user']}@{parts['host']}:{parts['port']}/{parts['dbname']}"
