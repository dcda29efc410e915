"""Many profiles in sync on PostgreSQL: 10,000 of 20 orders each on 100 accounts, in one process, the venue in process.

Each cycle claims all accounts in one statement and runs them, some at a time and with their alerts, as `trueup run`
does. Counted are profiles a second, the processor's time of this process and write statements a profile; and beside
it, in the same run, how many of these profiles the core alone plans.

    python -m benchmarks.postgres_fleet [ACCOUNTS] [PROFILES OF EACH] [sqlite]

`sqlite`: the same on SQLite, for comparison.
"""

import asyncio
import logging
import sqlite3
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import psycopg

from benchmarks.fleet_world import FleetWorld, fill_postgres, managed_account
from benchmarks.machine import postgres_processor_s
from tests.postgres.server import own_server
from trueup.core.make_plan import make_plan
from trueup.engine.run.account import ManagedAccount
from trueup.engine.run.alerts import AlertBook
from trueup.engine.run.run_account import reconcile_account
from trueup.engine.run.together import Together
from trueup.ledgers.postgresql.connections import Connections
from trueup.ledgers.postgresql.database import PostgresDatabase
from trueup.ledgers.postgresql.migrate import migrate
from trueup.ledgers.sql.database import Value
from trueup.ledgers.sql.sql_ledger import SqlLedger
from trueup.ledgers.sqlite.database import SqliteDatabase
from trueup.model.snapshot import Snapshot
from trueup.model.times import NS_PER_S, from_ns
from trueup.notifiers.log import LogNotifier
from trueup.service.clock import SystemClock
from trueup.service.collect_rarely import collect_rarely

ACCOUNTS, PROFILES, ORDERS = 100, 100, 20
CYCLES = 5
AT_A_TIME = 8
PLANNED_ALONE = 1000  # profiles
THEN = from_ns(time.time_ns() // NS_PER_S * NS_PER_S - 3 * 3600 * NS_PER_S)
_FILL_SQLITE = """WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < max(?2, ?3, ?4))
INSERT INTO orders (
  account_id, profile_id, client_order_id, venue_order_id, symbol, side, order_type, qty, limit_price, status,
  submitted_at, last_activity_at, version, logged_version)
SELECT 'a' || a.n, 'a' || a.n || 'p' || p.n, 'a' || a.n || 'p' || p.n || '-' || o.n,
  'v' || a.n || '-' || p.n || '-' || o.n, 'ETH/USD', 'buy', 'limit', '10', '1000', 'pending_new', ?1, ?1, 1, 1
FROM n a, n p, n o WHERE a.n <= ?2 AND p.n <= ?3 AND o.n <= ?4"""


class Writes:
    """Counts statements that write."""

    writes = 0

    def write(self, name: str, *values: Value) -> int:
        self.writes += 1
        return super().write(name, *values)  # type: ignore[misc,no-any-return]

    def write_many(self, name: str, values: Iterable[Sequence[Value]]) -> int:
        self.writes += 1
        return super().write_many(name, values)  # type: ignore[misc,no-any-return]

    def rows(self, name: str, *values: Value) -> list[tuple[Value, ...]]:
        self.writes += name in ("claim_leases", "renew_lease", "acquire_lease", "release_leases")
        return super().rows(name, *values)  # type: ignore[misc,no-any-return]


class OnPostgres(Writes, PostgresDatabase):
    """Counted."""


class OnSqlite(Writes, SqliteDatabase):
    """Counted."""


def measure(accounts: int, profiles: int, *, sqlite: bool = False) -> dict[str, Any]:
    logging.disable(logging.CRITICAL)
    collect_rarely()
    with (_sqlite if sqlite else _postgres)(accounts, profiles) as (database, fill, server_s):
        clock = SystemClock()
        ledger = SqlLedger(database)
        world = FleetWorld(profiles=profiles, orders=ORDERS)
        fleet = [
            managed_account(world, number, ledger, clock, THEN, Counter())
            for number in range(1, accounts + 1)
        ]
        ledger.journal.ensure_profiles([one.profile for account in fleet for one in account.profiles])
        fill()
        asyncio.run(_cycle(ledger, fleet))  # first sight: everything is decoded and checked
        database.writes, times, cpu_times, plan_times = 0, [], [], []
        server_began_s = server_s()
        for _ in range(CYCLES):
            start, cpu_start = time.perf_counter(), time.process_time()
            snapshots = asyncio.run(_cycle(ledger, fleet))
            times.append(time.perf_counter() - start)
            cpu_times.append(time.process_time() - cpu_start)
            plan_times.append(_plan_alone(snapshots))
        server_cpu_s = server_s() - server_began_s
        ledger.close()
    judged = accounts * profiles
    plan_us = statistics.median(plan_times) * 1e6
    figures: dict[str, Any] = {
        "name": "postgres fleet",
        "times": times,
        "per_s": judged / statistics.median(times),
        "cpu_us": statistics.median(cpu_times) / judged * 1e6,
        "server_us": server_cpu_s / CYCLES / judged * 1e6,
        "writes": database.writes / CYCLES / judged,
        "plan_us": plan_us,
    }
    costs = (
        f"{figures['cpu_us']:.0f} µs of this process, {figures['server_us']:.0f} µs of the server's and"
        f" {figures['writes']:.3f} write statements a profile"
    )
    lines = [
        f"{judged:,} profiles in sync on {accounts} accounts: {figures['per_s']:,.0f} profiles/s; {costs}",
        f"  of it {plan_us:.0f} µs its plan: this process takes {figures['cpu_us'] / plan_us:.2f} times that",
    ]
    return figures | {"lines": lines}


def _plan_alone(snapshots: Sequence[Snapshot]) -> float:
    """Seconds of the processor a plan."""
    start = time.process_time()
    for snapshot in snapshots:
        make_plan(snapshot)
    return (time.process_time() - start) / len(snapshots)


@contextmanager
def _postgres(
    accounts: int, profiles: int
) -> Iterator[tuple[OnPostgres, Callable[[], None], Callable[[], float]]]:
    """A new database on a server of its own; what fills it with the orders of all profiles; the server's seconds."""
    with own_server(durable=True) as server:
        url = server.url()
        with psycopg.connect(url, autocommit=True, cursor_factory=psycopg.RawCursor) as owner:
            migrate(owner, url, post=True)

        def fill() -> None:
            fill_postgres(url, 1, accounts, FleetWorld(profiles=profiles, orders=ORDERS), THEN)
            with psycopg.connect(url, autocommit=True) as owner:
                owner.execute("VACUUM ANALYZE")

        yield OnPostgres(Connections(url)), fill, lambda: postgres_processor_s(server.pid)


@contextmanager
def _sqlite(
    accounts: int, profiles: int
) -> Iterator[tuple[OnSqlite, Callable[[], None], Callable[[], float]]]:
    with TemporaryDirectory() as folder:
        path = str(Path(folder) / "fleet.db")

        def fill() -> None:
            with closing(sqlite3.connect(path, isolation_level=None)) as owner:
                owner.execute(_FILL_SQLITE, (THEN, accounts, profiles, ORDERS))

        yield OnSqlite(path, clock_ns=time.time_ns), fill, lambda: 0.0


async def _cycle(ledger: SqlLedger, fleet: Sequence[ManagedAccount]) -> list[Snapshot]:
    """Some of the snapshots that were planned."""
    alerts = AlertBook(LogNotifier(), ledger.journal)
    snapshots: list[Snapshot] = []
    names = [one.account_id for one in fleet]
    turns = ledger.journal.claim_leases(names, "benchmark", 600, due_within_s=600, hasty=names)
    slots, together = asyncio.Semaphore(AT_A_TIME), Together()

    async def run(account: ManagedAccount, turn: Any) -> None:
        async with slots:
            report = await reconcile_account(
                account,
                apply=True,
                alerts=alerts,
                lease=turn.lease,
                due_in_s=lambda _: 30,
                together=together,
            )
            assert all(one.plan is not None and not one.plan.breaks for one in report.profiles), report.error

            if len(snapshots) < PLANNED_ALONE:
                snapshots.extend(one.snapshot for one in report.profiles if one.snapshot is not None)

    await asyncio.gather(*(run(account, turn) for account, turn in zip(fleet, turns, strict=True)))
    return snapshots


if __name__ == "__main__":
    sizes = [int(one) for one in sys.argv[1:3] if one.isdigit()]
    chosen = sizes if len(sizes) == 2 else [ACCOUNTS, PROFILES]
    done = measure(chosen[0], chosen[1], sqlite="sqlite" in sys.argv)
    print("\n".join(done["lines"]), file=sys.stderr)
    sys.stdout.write(msgspec.json.encode(done).decode())
