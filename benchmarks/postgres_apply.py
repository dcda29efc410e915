"""Applying 10,000 corrections in one run's write transaction over PostgreSQL, its commit (with fsync) included.

Beside it, on the same server: the same rows written into tables of the same columns by a bare `unnest` insert for each
table; and the reference service's way, one awaited INSERT and one awaited UPDATE for each order.

    python -m benchmarks.postgres_apply [FOLDER]
"""

import asyncio
import gc
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import msgspec
import psycopg
from msgspec.structs import replace

from benchmarks.books import make_pairs, record_orders
from benchmarks.pairs import Scenario
from tests.postgres.server import own_server
from trueup.core.make_plan import make_plan
from trueup.ledgers.postgresql import open_postgresql
from trueup.ledgers.postgresql.migrate import migrate
from trueup.model.snapshot import Snapshot
from trueup.model.times import to_ns

ORDERS = 6_667  # an order that drifted by fills needs two corrections
ONE_BY_ONE = 1_000  # orders written in the reference's way
REPETITIONS = 5
RECENT_S = 600.0
WRITTEN = ("orders", "fills", "order_log", "breaks", "outbox")
_COLUMNS = """SELECT column_name, data_type FROM information_schema.columns
WHERE table_schema = 'trueup' AND table_name = $1 AND is_generated = 'NEVER' ORDER BY ordinal_position"""


def measure(folder: Path) -> dict[str, Any]:
    snapshot = make_pairs(folder, Scenario.ALL_DRIFTED, ORDERS)
    runs = []
    with own_server(durable=True) as server:
        for number in range(REPETITIONS):
            with psycopg.connect(server.url(), autocommit=True) as owner:
                owner.execute(f"CREATE DATABASE apply_{number}".encode())
            runs.append(_one(server.url(f"apply_{number}"), snapshot))
    corrections = runs[0][0]
    applied, bare, one_by_one = (statistics.median(row[place] for row in runs) for place in (1, 2, 3))
    figures = {
        "name": "postgres apply",
        "corrections": corrections,
        "rows": runs[0][4],
        "corrections_per_s": corrections / applied,
        "of_bare": bare / applied,
        "times_one_by_one": one_by_one * corrections / applied,
        "runs": runs,
    }
    lines = [
        f"{corrections:,} corrections applied: {corrections / applied:,.0f}/s, {figures['rows']:,} rows and the commit",
        f"  {bare / applied:.0%} of a bare unnest insert of these rows ({bare:.3f} s)",
        f"  {figures['times_one_by_one']:.0f} times one awaited INSERT and UPDATE for each ({1 / one_by_one:,.0f}/s)",
    ]
    return figures | {"lines": lines}


def _one(url: str, snapshot: Snapshot) -> tuple[int, float, float, float, int]:
    """Corrections; seconds of applying, of the bare insert, and for each of one by one; rows."""
    with psycopg.connect(url, autocommit=True, cursor_factory=psycopg.RawCursor) as owner:
        migrate(owner, url, post=True)
    now_ns = to_ns(snapshot.taken_at)
    ledger = open_postgresql(url, clock_ns=lambda: now_ns)
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
    rows, bare_s = _bare(url)
    return report.applied, took_s, bare_s, asyncio.run(_one_by_one(url)), rows


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
