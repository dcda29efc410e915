"""A bot's own tables: what a read costs beside a million closed rows, and how fast repairs are written back.

    python -m benchmarks.own_tables            # SQLite, and PostgreSQL on the tests' own server

Each figure is the median of five, beside the driver's own bare read of the same rows in the same run.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw
import psycopg

from tests.postgres.databases import empty_database
from tests.unit.books.tables.bots import url_of_dsn
from tests.unit.books.tables.desk import T0, TABLES, mapping
from trueup.books.tables.open_tables import open_tables
from trueup.books.tables.read_tables import TablesReader, Wanted
from trueup.books.tables.write_rows import write_rows
from trueup.ports.foreign_books import WriteBack, WriteOutcome

CLOSED, LIVE, WRITES, ROUNDS = 1_000_000, 1_000, 10_000, 5
INDEXES = "CREATE INDEX IF NOT EXISTS i_upd ON my_orders (upd)"
OPEN_ROWS = "SELECT * FROM my_orders WHERE state = 'OPEN'"
FILL = """
INSERT INTO my_orders SELECT n, 'mom', 'v-' || n, 'c-' || n, 'ETH/USD', 'BUY', 10, {done}, 1000, 1000, 'LIMIT',
  '{state}', 'd-' || n, {at}, {at} FROM {series}
"""


def median_s(work: Callable[[], Any]) -> float:
    times = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return statistics.median(times)


def measure(name: str, address: str, bare: Callable[[], Any]) -> None:
    reader = TablesReader(open_tables(address, writable=True), mapping(), ["mom"])

    def read() -> None:
        with reader.database.reading():
            assert len(reader.read(Wanted(live=True, changed_since="2026-01-01T00:00:00Z")).rows) == LIVE

    bare_s, read_s = median_s(bare), median_s(read)
    print(
        f"{name}: {LIVE} live of {CLOSED + LIVE:,} rows: bare {bare_s * 1e3:.1f} ms, "
        f"read into values {read_s * 1e3:.1f} ms"
    )
    reader.database.close()


def measure_writes(address: str) -> None:
    reader = TablesReader(open_tables(address, writable=True), mapping(), ["mom"])
    keys = [str(number) for number in range(1, WRITES + 1)]
    with reader.database.reading():
        rows = reader.read(Wanted(keys=keys)).rows
    writes = [
        WriteBack(sequence=number, profile_id="mom", key=row.key, judged=row.fingerprint,
                  values={"filled_qty": "9", "filled_avg_price": "999.5"}, order=row.order)
        for number, row in enumerate(rows)
    ]  # fmt: skip
    begun = time.perf_counter()
    with reader.database.writing():
        results = write_rows(reader, reader.database, writes)
    took_s = time.perf_counter() - begun
    assert all(one.outcome is WriteOutcome.DELIVERED for one in results)
    print(f"postgresql: {WRITES:,} write-backs in one transaction: {WRITES / took_s:,.0f} a second")
    reader.database.close()


def series(count: int, first: int = 1, *, postgresql: bool) -> str:
    if postgresql:
        return f"generate_series({first}, {first + count - 1}) AS n"
    return (
        f"(WITH RECURSIVE numbers(n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM numbers "
        f"WHERE n < {first + count - 1}) SELECT n FROM numbers)"
    )


def fill(execute: Callable[[str], Any], *, postgresql: bool) -> None:
    closed = FILL.format(done=10, state="DONE", at=T0, series=series(CLOSED, postgresql=postgresql))
    live = FILL.format(done=3, state="OPEN", at=T0, series=series(LIVE, CLOSED + 1, postgresql=postgresql))
    for statement in (*TABLES.split(";\n"), INDEXES, closed, live):
        execute(statement)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "bot.db")
        connection = apsw.Connection(str(path))
        fill(lambda text: connection.execute(text), postgresql=False)
        connection.close()
        plain = apsw.Connection(str(path))
        measure("sqlite", str(path), lambda: plain.execute(OPEN_ROWS).fetchall())
        plain.close()
    with empty_database() as dsn, psycopg.connect(dsn, autocommit=True) as server:
        fill(lambda text: server.execute(text.encode()), postgresql=True)
        server.execute("ANALYZE my_orders")
        measure("postgresql", url_of_dsn(dsn), lambda: server.execute(OPEN_ROWS).fetchall())
        measure_writes(url_of_dsn(dsn))


if __name__ == "__main__":
    main()
