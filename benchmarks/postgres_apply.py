"""Applying 10,000 corrections in one run's write transaction over PostgreSQL, its commit (with fsync) included.

Beside it, on the same server: the same rows written into tables of the same columns by a bare `unnest` insert for each
table; and the reference service's way, one awaited INSERT and one awaited UPDATE for each order, each its own commit.
Then all three again over a line of 1 ms there and back, as between two machines of one room.

    python -m benchmarks.postgres_apply [FOLDER]
"""

import asyncio
import gc
import itertools
import statistics
import sys
import tempfile
import time
from operator import attrgetter
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import psycopg
from msgspec.structs import replace

from benchmarks.books import make_pairs, record_orders
from benchmarks.pairs import Scenario
from benchmarks.slow_line import slow_line
from tests.postgres.server import Server, own_server
from trueup.core.make_plan import make_plan
from trueup.ledgers.postgresql import open_postgresql
from trueup.ledgers.postgresql.migrate import migrate
from trueup.model.snapshot import Snapshot
from trueup.model.times import to_ns

ORDERS = 6_667  # an order that drifted by fills needs two corrections
ONE_BY_ONE = 1_000  # orders written in the reference's way
REPETITIONS = 5
LINES_S = (0.0, 0.001)  # there and back
RECENT_S = 600.0
WRITTEN = ("orders", "fills", "order_log", "breaks", "outbox")
DURABLE = ("fsync", "synchronous_commit", "full_page_writes")
_NUMBERS = itertools.count()
_COLUMNS = """SELECT column_name, data_type FROM information_schema.columns
WHERE table_schema = 'trueup' AND table_name = $1 AND is_generated = 'NEVER' ORDER BY ordinal_position"""


def measure(folder: Path) -> dict[str, Any]:
    snapshot = make_pairs(folder, Scenario.ALL_DRIFTED, ORDERS)
    with own_server(durable=True) as server:
        with psycopg.connect(server.url(), autocommit=True) as owner:
            settings = [owner.execute(f"SHOW {one}".encode()).fetchone() for one in DURABLE]
        assert settings == [("on",)] * len(DURABLE), settings  # as in production, for all three ways
        runs = {line_s: [_over(server, snapshot, line_s) for _ in range(REPETITIONS)] for line_s in LINES_S}
    figures = [_figures(line_s, found) for line_s, found in runs.items()]
    return {
        "name": "postgres apply",
        "lines_s": figures,
        "lines": [line for one in figures for line in one["lines"]],
    }


def _over(server: Server, snapshot: Snapshot, line_s: float) -> "_Timed":
    """In a database of its own."""
    name = f"apply_{next(_NUMBERS)}"
    with psycopg.connect(server.url(), autocommit=True) as owner:
        owner.execute(f"CREATE DATABASE {name}".encode())
    url = server.url(name)
    port = urlsplit(url).port
    assert port is not None
    if not line_s:
        return _one(url, url, snapshot)
    with slow_line(port, line_s / 2) as relayed:
        return _one(url, url.replace(f":{port}/", f":{relayed}/"), snapshot)


def _figures(line_s: float, runs: "list[_Timed]") -> dict[str, Any]:
    applied, bare, one_by_one = (
        statistics.median(figure(one) for one in runs) for figure in (_applied_s, _bare_s, _one_by_one_s)
    )
    corrections, rows = runs[0].corrections, runs[0].rows
    reference_s = one_by_one * corrections
    rate, slower = corrections / applied, applied / bare
    lines = [
        f"over a line of {line_s * 1000:g} ms: {corrections:,} corrections of {ORDERS:,} orders, {rows:,} rows",
        f"  applied in {applied:.3f} s, the commit included: {rate:,.0f}/s",
        f"  a bare unnest insert of these rows {bare:.3f} s: applying takes {slower:.2f} times as long",
        f"  one awaited INSERT and UPDATE for each {reference_s:.2f} s, {1e6 * one_by_one:,.0f} µs each",
        f"  faster than that: applying {reference_s / applied:.1f}, the bare insert {reference_s / bare:.1f} times",
    ]
    return {
        "line_s": line_s,
        "corrections_per_s": corrections / applied,
        "of_bare": bare / applied,
        "times_one_by_one": reference_s / applied,
        "bare_times_one_by_one": reference_s / bare,
        "runs": runs,
        "lines": lines,
    }


class _Timed(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds; of one by one, for each."""

    corrections: int
    rows: int
    applied_s: float
    bare_s: float
    one_by_one_s: float


_applied_s, _bare_s, _one_by_one_s = map(attrgetter, ("applied_s", "bare_s", "one_by_one_s"))


def _one(url: str, over: str, snapshot: Snapshot) -> _Timed:
    """`over`: the same database, over the line that is measured."""
    with psycopg.connect(url, autocommit=True, cursor_factory=psycopg.RawCursor) as owner:
        migrate(owner, url, post=True)
    now_ns = to_ns(snapshot.taken_at)
    ledger = open_postgresql(over, clock_ns=lambda: now_ns)
    ledger.journal.ensure_profiles([snapshot.profile])
    record_orders(ledger.database, snapshot)
    profile_id, account_id = snapshot.profile.profile_id, str(snapshot.profile.account_id)
    lease = ledger.journal.acquire_lease(account_id, "benchmark", 300.0)
    assert lease is not None
    snapshot = replace(snapshot, local=ledger.books.read(account_id, [profile_id], RECENT_S)[profile_id])
    plan = make_plan(snapshot)
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute("VACUUM ANALYZE")
    gc.collect()
    start = time.perf_counter()
    report = ledger.commit_run(lease, snapshot, plan, state="applied")
    took_s = time.perf_counter() - start
    assert (report.applied, report.superseded) == (len(plan.corrections), 0), report
    ledger.close()
    rows, bare_s = _bare(over)
    return _Timed(
        corrections=report.applied,
        rows=rows,
        applied_s=took_s,
        bare_s=bare_s,
        one_by_one_s=asyncio.run(_one_by_one(over)),
    )


def _bare(url: str) -> tuple[int, float]:
    """The rows that were written, and the seconds in which one statement for each table writes them again."""
    rows, took_s = 0, 0.0
    with psycopg.connect(url, cursor_factory=psycopg.RawCursor) as connection:
        connection.execute("CREATE SCHEMA bare")
        for table in WRITTEN:
            columns = connection.execute(_COLUMNS, (table,)).fetchall()
            names = ", ".join(name for name, _ in columns)
            texts = ", ".join(f"{name}::text" for name, _ in columns)
            which = "WHERE written_by LIKE 'trueup:%'" if table == "order_log" else ""
            found = connection.execute(f"SELECT {texts} FROM trueup.{table} {which}".encode()).fetchall()
            connection.execute(
                f"CREATE TABLE bare.{table} (LIKE trueup.{table} INCLUDING GENERATED)".encode()
            )
            lists = [list(column) for column in zip(*found, strict=True)]
            arrays = ", ".join(f"${place}::text[]::{kind}[]" for place, (_, kind) in enumerate(columns, 1))
            insert = f"INSERT INTO bare.{table} ({names}) SELECT * FROM unnest({arrays})"
            connection.commit()
            if found:
                start = time.perf_counter()
                connection.execute(insert.encode(), lists)
                connection.commit()
                took_s += time.perf_counter() - start
            rows += len(found)
    return rows, took_s


async def _one_by_one(url: str) -> float:
    """Seconds for each order: its correction inserted, its row updated, each awaited and committed by itself."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute("CREATE TABLE bare.corrections (order_key bigint, kind text, payload text)")
        await connection.execute("ALTER TABLE bare.orders ADD PRIMARY KEY (order_key)")
        keys = await (
            await connection.execute("SELECT order_key FROM bare.orders LIMIT %s", (ONE_BY_ONE,))
        ).fetchall()
        start = time.perf_counter()
        for (key,) in keys:
            await connection.execute("INSERT INTO bare.corrections VALUES (%s, 'set_status', '{}')", (key,))
            await connection.execute(
                "UPDATE bare.orders SET status = 'canceled', version = version + 1 WHERE order_key = %s",
                (key,),
            )
        return (time.perf_counter() - start) / len(keys)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as own:
        done = measure(Path(sys.argv[1] if sys.argv[1:] else own))
    print("\n".join(done["lines"]), file=sys.stderr)
    sys.stdout.write(msgspec.json.encode(done).decode())
