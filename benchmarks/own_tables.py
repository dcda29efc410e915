"""A bot's own tables beside a million closed rows: what a read, a run in sync, and repairs written back cost.

    python -m benchmarks.own_tables            # SQLite, and PostgreSQL on the tests' own server

Medians of five, beside the driver's own bare read of the same rows in the same process, as it hands them out and as
Decimal and UTC, which is the least that anybody who judges them needs; and beside a run of a bot without orders: what
leases, threads and the venue's calls cost however few they are. `load` is the machine's. (cpu):
by the processor's time, the server's own share included: equal to the wall clock on an idle machine, steadier on a busy
one.
"""

import asyncio
import datetime as dt
import gc
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import apsw
import psycopg
from msgspec.structs import replace

from tests.postgres.databases import empty_database
from tests.unit.books.tables.bots import url_of_dsn
from tests.unit.books.tables.desk import MAPPING, T0, TABLES, mapping
from trueup.books.tables.mapping import decode_mapping
from trueup.books.tables.open_tables import open_tables
from trueup.books.tables.read_tables import TablesReader, Wanted
from trueup.books.tables.tables_books import TablesBooks
from trueup.books.tables.write_rows import write_rows
from trueup.engine.run.account import ManagedAccount, ManagedProfile, RunState
from trueup.engine.run.run_account import reconcile_account
from trueup.ledgers.sqlite import open_sqlite
from trueup.model.policy import Policy
from trueup.model.snapshot import HistoryRead, Instrument, OrdersRead, PositionsRead, Profile, VenueOrder
from trueup.model.vocabulary import ReadState, Side, Status
from trueup.ports.foreign_books import BooksSettings, WriteBack, WriteMode, WriteOutcome
from trueup.service.clock import SystemClock

CLOSED, LIVE, WRITES, ROUNDS, RUNS = 1_000_000, 1_000, 10_000, 5, 40
INDEXES = "CREATE INDEX IF NOT EXISTS i_upd ON my_orders (upd)"
OPEN_ROWS = "SELECT * FROM my_orders WHERE state = 'OPEN'"
FILL = """
INSERT INTO my_orders SELECT n, 'mom', 'v-' || n, 'c-' || n, 'ETH/USD', 'BUY', 10, {done}, 1000, 1000, 'LIMIT',
  '{state}', 'd-' || n, {at}, {at} FROM {series}
"""
ELSEWHERE = "UPDATE my_orders SET px = px + 1 WHERE id = 1"
SENT = "2025-11-24T12:00:00Z"
PROFILE = Profile(profile_id="mom", venue="sim", account_id="a")
NOBODY = Profile(profile_id="nobody", venue="sim", account_id="a")
NEVER_RECENT_S = 600.0


class Venue:
    """Has what the bot has."""

    name = "venue"

    def __init__(self, orders: int) -> None:
        self._opened = [
            VenueOrder(
                venue_order_id=f"v-{number}", client_order_id=f"c-{number}", symbol="ETH/USD", side=Side.BUY,
                order_type="limit", qty="10", limit_price="1000", status=Status.PARTIALLY_FILLED, filled_qty="3",
                filled_avg_price="1000", submitted_at=SENT, updated_at=SENT,
            )
            for number in range(CLOSED + 1, CLOSED + orders + 1)
        ]  # fmt: skip

    async def account_id(self) -> str:
        return "a"

    async def instruments(self) -> list[Instrument]:
        return []

    async def open_orders(self) -> OrdersRead:
        return OrdersRead(state=ReadState.COMPLETE, rows=self._opened)

    async def history(self, since: str | None, symbol: str | None = None) -> HistoryRead:
        return HistoryRead(state=ReadState.COMPLETE)

    async def positions(self) -> PositionsRead:
        return PositionsRead(error="not read")


Took = tuple[float, float]  # seconds by the wall's clock, and by the processor's


def median_s(
    work: Callable[[], Any], server_pid: int | None = None, times: int = 1, before: Callable[[], Any] = int
) -> Took:
    """Of one of so many, which follow each other. `server_pid`: of the server's process that does a part of the work.
    `before`: what is done before each and not timed."""
    walls, cpus = [], []
    for _ in range(ROUNDS):
        gc.collect()
        wall_s = cpu_s = 0.0
        for _ in range(times):
            before()
            begun, cpu = time.perf_counter(), _cpu_s(server_pid)
            work()
            cpu_s += _cpu_s(server_pid) - cpu
            wall_s += time.perf_counter() - begun
        walls.append(wall_s / times)
        cpus.append(cpu_s / times)
    return statistics.median(walls), statistics.median(cpus)


def _cpu_s(server_pid: int | None) -> float:
    """The kernel counts another process in hundredths of a second."""
    if server_pid is None or not Path("/proc").is_dir():
        return time.process_time()
    user, system = Path(f"/proc/{server_pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return time.process_time() + (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def measure(name: str, address: str, run_of_bot: Callable[[str], Any], folder: str) -> None:
    def bare() -> Any:
        return run_of_bot(OPEN_ROWS).fetchall()

    books, of_nobody = _books(PROFILE, address), _books(NOBODY, address)
    begun = time.perf_counter()
    assert len(books.read(None, NEVER_RECENT_S).rows) == LIVE
    first_s = time.perf_counter() - begun
    read = median_s(
        lambda: books.read(None, NEVER_RECENT_S), times=RUNS, before=lambda: run_of_bot(ELSEWHERE)
    )
    bare_took, values_took = median_s(bare, times=RUNS), median_s(lambda: _as_values(bare()), times=RUNS)
    (run, after), (least, _) = (
        _run(*whose, folder, lambda: run_of_bot(ELSEWHERE))
        for whose in ((books, PROFILE, LIVE), (of_nobody, NOBODY, 0))
    )

    def beyond(took: Took, of: Took) -> str:
        return f"{(took[0] - least[0]) / of[0]:.1f} times (cpu {(took[1] - least[1]) / of[1]:.1f})"

    print(
        f"{name}: {LIVE:,} live of {CLOSED + LIVE:,} rows: bare {_ms(bare_took)}, as values {_ms(values_took)}; "
        f"read {_ms(read)}, "
        f"{read[0] / bare_took[0]:.1f} times (cpu {read[1] / bare_took[1]:.1f}), the first {first_s * 1e3:.0f} ms; "
        f"run in sync {_ms(run)}, one without orders {_ms(least)}: {beyond(run, bare_took)} bare beyond it, "
        f"{beyond(run, values_took)} values; after the bot wrote elsewhere {_ms(after)}: "
        f"{beyond(after, bare_took)} bare; "
        f"load {os.getloadavg()[0]:.1f}"
    )
    books.close()
    of_nobody.close()


def _books(profile: Profile, address: str) -> TablesBooks:
    settings = BooksSettings(
        account_id="a", profiles=[profile], source="b", write=WriteMode.NEVER, clock=SystemClock()
    )
    return TablesBooks(settings, decode_mapping({"orders": MAPPING["orders"]}, "b"), address)


def _as_values(rows: list[Any]) -> list[Any]:
    """Amounts as Decimal, times as UTC: the columns of `my_orders`."""
    return [
        (
            *row[:6], *(Decimal(repr(one)) for one in row[6:10]), *row[10:13],
            *(dt.datetime.fromtimestamp(one / 1000, dt.UTC) for one in row[13:15]),
        )
        for row in rows
    ]  # fmt: skip


def _ms(took: Took) -> str:
    return f"{took[0] * 1e3:.1f} ms (cpu {took[1] * 1e3:.1f})"


def _run(
    books: TablesBooks, profile: Profile, orders: int, folder: str, write_elsewhere: Callable[[], Any]
) -> tuple[Took, Took]:
    """A whole run in sync: lease, both reads, taking in, mirror, plan, report. And one after the bot wrote another row
    of the table."""
    ledger = open_sqlite(f"{folder}/{profile.profile_id}.sqlite")
    ledger.journal.ensure_profiles([profile])
    policy = Policy(parity_enabled=False, exit_backfill_enabled=False)
    venue: Any = Venue(orders)
    account = ManagedAccount(
        account_id="a", profiles=[ManagedProfile(profile=profile, policy=policy)], venue=venue, ledger=ledger,
        clock=SystemClock(), foreign=[books],
    )  # fmt: skip
    loop = asyncio.new_event_loop()

    def run() -> None:
        (profile,) = loop.run_until_complete(reconcile_account(account, apply=True)).profiles
        assert profile.state is RunState.UNCHANGED, profile.error

    run()
    took = median_s(run, times=RUNS), median_s(run, times=RUNS, before=write_elsewhere)
    loop.close()
    ledger.close()
    return took


def measure_writes(name: str, address: str) -> None:
    """Compared, set and read back, in one transaction; other figures each time."""
    reader = TablesReader(open_tables(address, writable=True), mapping(), ["mom"])
    keys = [str(number) for number in range(1, WRITES + 1)]
    server_pid = None
    if name == "postgresql":
        ((server_pid,),) = reader.database.rows("SELECT pg_backend_pid()")
    walls, cpus = [], []
    for filled in range(1, ROUNDS + 1):
        with reader.database.reading():
            rows = reader.read(Wanted(keys=keys)).rows
        back = WriteBack(sequence=0, profile_id="mom", key="", judged="", order=rows[0].order,
                         values={"filled_qty": f"{filled}.5", "filled_avg_price": "999.5"})  # fmt: skip
        writes = [
            replace(back, sequence=number, key=row.key, judged=row.fingerprint, order=row.order)
            for number, row in enumerate(rows)
        ]
        gc.collect()
        begun, cpu = time.perf_counter(), _cpu_s(server_pid)
        with reader.database.writing():
            results = write_rows(reader, reader.database, writes)
        walls.append(time.perf_counter() - begun)
        cpus.append(_cpu_s(server_pid) - cpu)
        assert all(one.outcome is WriteOutcome.DELIVERED and one.row is not None for one in results)
    wall_s, cpu_s = statistics.median(walls), statistics.median(cpus)
    print(
        f"{name}: {WRITES:,} write-backs in one transaction: {WRITES / wall_s:,.0f} a second "
        f"(cpu {WRITES / cpu_s:,.0f}); load {os.getloadavg()[0]:.1f}"
    )
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
        measure("sqlite", str(path), plain.execute, folder)
        plain.close()
        measure_writes("sqlite", str(path))
    with (
        tempfile.TemporaryDirectory() as folder,
        empty_database() as dsn,
        psycopg.connect(dsn, autocommit=True) as server,
    ):
        fill(lambda text: server.execute(text.encode()), postgresql=True)
        server.execute("VACUUM ANALYZE my_orders")
        measure("postgresql", url_of_dsn(dsn), lambda text: server.execute(text.encode()), folder)
        measure_writes("postgresql", url_of_dsn(dsn))


if __name__ == "__main__":
    main()
