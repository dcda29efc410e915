"""A full run of 1,000 orders in sync over SQLite, against reading the same rows and decoding the same venue bytes.

The run is the engine's own: lease, local reads, venue reads, checks, plan, report, release. Commits are set aside: an
in-sync run writes only its lease, and what a commit costs is the disk's.
"""

import asyncio
import gc
import logging
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.books import BytesVenue, TimedDatabase, make_pairs, managed, open_books
from benchmarks.pairs import Scenario
from trueup.engine.run_account import reconcile_account
from trueup.model.snapshot import OrdersRead

ORDERS = 1_000
REPETITIONS = 5
RUNS_PER_REPETITION = 20  # one run is a few milliseconds: too short to time alone


def measure(folder: Path) -> dict[str, Any]:
    logging.disable(logging.CRITICAL)
    snapshot = make_pairs(folder, Scenario.IN_SYNC, ORDERS)
    venue = BytesVenue(snapshot)
    ledger, database, clock = open_books(folder / "run.db", snapshot)
    account = managed(ledger, clock, venue, snapshot)

    async def runs() -> float:
        before_s = database.commit_s
        start = time.perf_counter()
        for _ in range(RUNS_PER_REPETITION):
            report = await reconcile_account(account, apply=True)
            assert report.processed, report.error
        return time.perf_counter() - start - (database.commit_s - before_s)

    run_s = [_each(lambda: asyncio.run(runs())) for _ in range(REPETITIONS)]
    bare_s = [_each(lambda: _bare(database, venue)) for _ in range(REPETITIONS)]
    ratio = statistics.median(run_s) / statistics.median(bare_s)
    return {
        "name": "in-sync run",
        "run_s": run_s,
        "bare_s": bare_s,
        "ratio": ratio,
        "lines": [
            f"in-sync run of {ORDERS:,} orders, commits aside: {statistics.median(run_s) * 1e3:.2f} ms",
            f"bare read of the rows and decode of the venue's bytes: {statistics.median(bare_s) * 1e3:.2f} ms",
            f"ratio: {ratio:.2f}",
        ],
    }


def _each(work: Callable[[], float]) -> float:
    gc.collect()
    return work() / RUNS_PER_REPETITION


def _bare(database: TimedDatabase, venue: BytesVenue) -> float:
    decoder = msgspec.json.Decoder(OrdersRead)
    start = time.perf_counter()
    for _ in range(RUNS_PER_REPETITION):
        rows = database.connection.execute("SELECT * FROM orders").fetchall()
        read = decoder.decode(venue.open_orders_answer)
        assert len(rows) == len(read.rows) == ORDERS
    return time.perf_counter() - start


if __name__ == "__main__":
    sys.stdout.write(msgspec.json.encode(measure(Path(sys.argv[1]))).decode())
