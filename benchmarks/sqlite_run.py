"""A full run of 1,000 orders in sync over SQLite, against reading the same rows and decoding the same venue bytes.

The run is the engine's own: lease, local reads, venue reads, checks, plan, report, release. Commits are set aside: an
in-sync run writes only its lease, and what a commit costs is the disk's. What did not change since the last run is not
decoded and checked again; so a run is measured too before which one order was amended, at both sides.
"""

import asyncio
import gc
import logging
import statistics
import sys
import time
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from benchmarks.books import BytesVenue, TimedDatabase, make_pairs, managed, open_books
from benchmarks.pairs import Scenario
from trueup.engine.run.run_account import reconcile_account
from trueup.model.snapshot import OrdersRead, Snapshot

ORDERS = 1_000
REPETITIONS = 5
RUNS_PER_REPETITION = 20  # one run is a few milliseconds: too short to time alone


def measure(folder: Path) -> dict[str, Any]:
    logging.disable(logging.CRITICAL)
    snapshot = make_pairs(folder, Scenario.IN_SYNC, ORDERS)
    venue = BytesVenue(snapshot)
    ledger, database, clock = open_books(folder / "run.db", snapshot)
    account = managed(ledger, clock, venue, snapshot)

    answers = cycle(_answers(snapshot))

    async def runs(*, amended: bool) -> None:
        for _ in range(RUNS_PER_REPETITION):
            if amended:
                price, venue.open_orders_answer = next(answers)
                _amend_first(database, price)
            report = await reconcile_account(account, apply=True)
            (profile,) = report.profiles
            assert profile.plan is not None, profile.error
            assert not profile.plan.breaks

    run = _times(database, lambda: asyncio.run(runs(amended=False)))
    amended = _times(database, lambda: asyncio.run(runs(amended=True)))
    bare = _times(database, lambda: _bare(database, venue))
    ratio, cpu_ratio = (run[key] / bare[key] for key in ("s", "cpu_s"))
    return {
        "name": "in-sync run",
        "run": run,
        "amended": amended,
        "bare": bare,
        "ratio": ratio,
        "cpu_ratio": cpu_ratio,
        "lines": [
            f"in-sync run of {ORDERS:,} orders, commits aside: {_ms(run)}",
            f"after one of them was amended: {_ms(amended)}",
            f"bare read of the rows and decode of the venue's bytes: {_ms(bare)}",
            f"ratio: {ratio:.2f} (cpu: {cpu_ratio:.2f}), amended {amended['s'] / bare['s']:.2f}",
        ],
    }


def _answers(snapshot: Snapshot) -> list[tuple[str, bytes]]:
    """Two prices of the first order, and the venue's whole answer with each."""
    read = snapshot.venue.open_orders
    first, *others = read.rows
    return [
        (price, msgspec.json.encode(replace(read, rows=[replace(first, limit_price=price), *others])))
        for price in ("101.25", "101.5")
    ]


def _amend_first(database: TimedDatabase, price: str) -> None:
    with database.transaction():
        database.connection.execute(
            "UPDATE orders SET limit_price = ?, version = version + 1, logged_version = version + 1"
            " WHERE order_key = 1",
            (price,),
        )


def _times(database: TimedDatabase, work: Callable[[], None]) -> dict[str, float]:
    """Medians of one run's seconds, by the wall clock and the processor's time, without its commits."""
    wall_s, cpu_s = [], []
    for _ in range(REPETITIONS):
        gc.collect()
        before_s, before_cpu_s = database.commit_s, database.commit_cpu_s
        start, start_cpu = time.perf_counter(), time.process_time()
        work()
        took_s, took_cpu_s = time.perf_counter() - start, time.process_time() - start_cpu
        wall_s.append((took_s - database.commit_s + before_s) / RUNS_PER_REPETITION)
        cpu_s.append((took_cpu_s - database.commit_cpu_s + before_cpu_s) / RUNS_PER_REPETITION)
    return {"s": statistics.median(wall_s), "cpu_s": statistics.median(cpu_s)}


def _ms(times: dict[str, float]) -> str:
    return f"{times['s'] * 1e3:.2f} ms (cpu: {times['cpu_s'] * 1e3:.2f} ms)"


def _bare(database: TimedDatabase, venue: BytesVenue) -> None:
    decoder = msgspec.json.Decoder(OrdersRead)
    for _ in range(RUNS_PER_REPETITION):
        rows = database.connection.execute("SELECT * FROM orders").fetchall()
        read = decoder.decode(venue.open_orders_answer)
        assert len(rows) == len(read.rows) == ORDERS


if __name__ == "__main__":
    sys.stdout.write(msgspec.json.encode(measure(Path(sys.argv[1]))).decode())
