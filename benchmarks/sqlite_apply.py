"""Applying 10,000 corrections in one run's write transaction over SQLite, its commit included.

Half of the orders drifted by status, half by fills; breaks, corrections, order log, outbox, snapshot and plan are kept
as in every run that changes something.
"""

import gc
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from benchmarks.books import make_pairs, open_books
from benchmarks.pairs import Scenario
from trueup.core.make_plan import make_plan
from trueup.model.snapshot import Snapshot

CORRECTIONS = 10_000
ORDERS = 6_667  # an order that drifted by fills needs two: book_fill and set_status
REPETITIONS = 5
LEASE_TTL_S = 300.0
RECENT_S = 600.0


def measure(folder: Path) -> dict[str, Any]:
    snapshot = make_pairs(folder, Scenario.ALL_DRIFTED, ORDERS)
    runs = [_apply(folder / f"apply-{number}.db", snapshot) for number in range(REPETITIONS)]
    corrections = runs[0][0]
    assert abs(corrections - CORRECTIONS) < CORRECTIONS / 100, corrections
    times = [took_s for _, took_s, _ in runs]
    cpu_per_s = corrections / statistics.median(cpu_s for _, _, cpu_s in runs)
    per_s = corrections / statistics.median(times)
    return {
        "name": "apply",
        "corrections": corrections,
        "apply_s": times,
        "corrections_per_s": per_s,
        "corrections_per_cpu_s": cpu_per_s,
        "lines": [
            f"{corrections:,} corrections applied: {per_s:,.0f}/s, the commit included (cpu: {cpu_per_s:,.0f}/s)"
        ],
    }


def _apply(path: Path, snapshot: Snapshot) -> tuple[int, float, float]:
    """Corrections applied to a new database, the seconds that took, and the processor's."""
    ledger, _, _ = open_books(path, snapshot)
    profile_id, account_id = snapshot.profile.profile_id, str(snapshot.profile.account_id)
    lease = ledger.journal.acquire_lease(account_id, "benchmark", LEASE_TTL_S)
    assert lease is not None
    snapshot = replace(snapshot, local=ledger.books.read(account_id, [profile_id], RECENT_S)[profile_id])
    plan = make_plan(snapshot)
    gc.collect()
    start, cpu_start = time.perf_counter(), time.process_time()
    report = ledger.commit_run(lease, snapshot, plan, state="applied")
    took_s, cpu_s = time.perf_counter() - start, time.process_time() - cpu_start
    assert (report.applied, report.superseded) == (len(plan.corrections), 0), report
    ledger.close()
    return report.applied, took_s, cpu_s


if __name__ == "__main__":
    sys.stdout.write(msgspec.json.encode(measure(Path(sys.argv[1]))).decode())
