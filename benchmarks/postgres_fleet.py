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
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import psycopg

from benchmarks.books import StandingClock
from tests.postgres.server import own_server
from trueup.core.make_plan import make_plan
from trueup.engine.run.account import ManagedAccount, ManagedProfile
from trueup.engine.run.alerts import AlertBook
from trueup.engine.run.run_account import reconcile_account
from trueup.engine.run.together import Together
from trueup.ledgers.postgresql.connections import Connections
from trueup.ledgers.postgresql.database import PostgresDatabase
from trueup.ledgers.postgresql.migrate import migrate
from trueup.ledgers.sql.database import Value
from trueup.ledgers.sql.sql_ledger import SqlLedger
from trueup.ledgers.sqlite.database import SqliteDatabase
from trueup.model.policy import Policy
from trueup.model.snapshot import (
    HistoryRead,
    Instrument,
    OrdersRead,
    PositionsRead,
    Profile,
    Snapshot,
    VenueAnswer,
    VenueOrder,
)
from trueup.model.times import to_ns
from trueup.model.vocabulary import QueryBy, ReadState, Side, Status
from trueup.notifiers.log import LogNotifier

ACCOUNTS, PROFILES, ORDERS = 100, 100, 20
CYCLES = 5
AT_A_TIME = 8
PLANNED_ALONE = 1000  # profiles
NOW = "2026-11-23T12:00:00Z"
THEN = "2026-11-23T09:00:00.000000000Z"
_FILL = """INSERT INTO trueup.orders (
  account_id, profile_id, client_order_id, venue_order_id, symbol, side, order_type, qty, limit_price, status,
  submitted_at, last_activity_at, version, logged_version)
SELECT 'a' || a, 'a' || a || 'p' || p, 'a' || a || 'p' || p || '-' || o, 'v' || a || '-' || p || '-' || o, 'ETH/USD',
  'buy', 'limit', 10, 1000, 'pending_new', $1, $1, 1, 1
FROM generate_series(1, $2::int) a, generate_series(1, $3::int) p, generate_series(1, $4::int) o"""


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


class InProcessVenue:
    """Answers what the books say, without a network."""

    name = "benchmark"

    def __init__(self, account: int, profiles: int) -> None:
        self._rows = [
            VenueOrder(
                venue_order_id=f"v{account}-{profile}-{order}",
                client_order_id=f"a{account}p{profile}-{order}",
                symbol="ETH/USD",
                side=Side.BUY,
                order_type="limit",
                qty="10",
                limit_price="1000",
                status=Status.PENDING_NEW,
                filled_qty="0",
                submitted_at=THEN,
                updated_at=THEN,
            )
            for profile in range(1, profiles + 1)
            for order in range(1, ORDERS + 1)
        ]

    async def account_id(self) -> str | None:
        return None

    async def now_ns(self) -> int | None:
        return None

    async def instruments(self) -> list[Instrument]:
        return []

    async def open_orders(self) -> OrdersRead:
        return OrdersRead(state=ReadState.COMPLETE, rows=self._rows)

    async def history(self, since: str | None, symbol: str | None = None) -> HistoryRead:
        return HistoryRead(state=ReadState.COMPLETE, since=since)

    async def positions(self) -> PositionsRead:
        return PositionsRead(state=ReadState.COMPLETE)

    async def find_order(self, by: QueryBy, order_id: str, symbol: str | None = None) -> VenueAnswer:
        raise AssertionError("books in sync ask nothing")

    async def aclose(self) -> None:
        return


def measure(accounts: int, profiles: int, *, sqlite: bool = False) -> dict[str, Any]:
    logging.disable(logging.CRITICAL)
    with (_sqlite if sqlite else _postgres)(accounts, profiles) as (database, fill):
        clock = StandingClock(NOW)
        ledger = SqlLedger(database)
        fleet = [_account(ledger, clock, number, profiles) for number in range(1, accounts + 1)]
        ledger.journal.ensure_profiles([one.profile for account in fleet for one in account.profiles])
        fill()
        asyncio.run(_cycle(ledger, fleet))  # first sight: everything is decoded and checked
        database.writes, times, cpu_times, plan_times = 0, [], [], []
        for _ in range(CYCLES):
            start, cpu_start = time.perf_counter(), time.process_time()
            snapshots = asyncio.run(_cycle(ledger, fleet))
            times.append(time.perf_counter() - start)
            cpu_times.append(time.process_time() - cpu_start)
            plan_times.append(_plan_alone(snapshots))
        ledger.close()
    judged = accounts * profiles
    figures = {
        "name": "postgres fleet",
        "times": times,
        "per_s": judged / statistics.median(times),
        "cpu_us": statistics.median(cpu_times) / judged * 1e6,
        "writes": database.writes / CYCLES / judged,
        "plans_per_s": 1 / statistics.median(plan_times),
    }
    costs = (
        f"{figures['cpu_us']:.0f} µs of this process and {figures['writes']:.3f} write statements a profile"
    )
    lines = [
        f"{judged:,} profiles in sync on {accounts} accounts: {figures['per_s']:,.0f} profiles/s; {costs}",
        f"  the core alone plans {figures['plans_per_s']:,.0f} of them a second",
    ]
    return figures | {"lines": lines}


def _plan_alone(snapshots: Sequence[Snapshot]) -> float:
    """Seconds a plan."""
    start = time.perf_counter()
    for snapshot in snapshots:
        make_plan(snapshot)
    return (time.perf_counter() - start) / len(snapshots)


@contextmanager
def _postgres(accounts: int, profiles: int) -> Iterator[tuple[OnPostgres, Callable[[], None]]]:
    """A new database on a server of its own, and what fills it with the orders of all profiles."""
    with own_server(durable=True) as server:
        url = server.url()
        with psycopg.connect(url, autocommit=True, cursor_factory=psycopg.RawCursor) as owner:
            migrate(owner, url, post=True)

        def fill() -> None:
            with psycopg.connect(url, autocommit=True, cursor_factory=psycopg.RawCursor) as owner:
                owner.execute(_FILL, (THEN, accounts, profiles, ORDERS))
                owner.execute("VACUUM ANALYZE")

        yield OnPostgres(Connections(url), clock_ns=lambda: to_ns(NOW)), fill


@contextmanager
def _sqlite(accounts: int, profiles: int) -> Iterator[tuple[OnSqlite, Callable[[], None]]]:
    with TemporaryDirectory() as folder:
        path = str(Path(folder) / "fleet.db")

        def fill() -> None:
            with closing(sqlite3.connect(path, isolation_level=None)) as owner:
                owner.execute(_FILL_SQLITE, (THEN, accounts, profiles, ORDERS))

        yield OnSqlite(path, clock_ns=lambda: to_ns(NOW)), fill


def _account(ledger: SqlLedger, clock: StandingClock, number: int, profiles: int) -> ManagedAccount:
    managed = [
        ManagedProfile(
            profile=Profile(profile_id=f"a{number}p{one}", account_id=f"a{number}", venue="benchmark"),
            policy=Policy(owned_client_order_id_prefixes=[f"a{number}p{one}"], parity_enabled=False),
        )
        for one in range(1, profiles + 1)
    ]
    venue = InProcessVenue(number, profiles)
    return ManagedAccount(account_id=f"a{number}", profiles=managed, venue=venue, ledger=ledger, clock=clock)


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
