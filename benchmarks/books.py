"""A ledger on SQLite and a venue of bytes that hold the two sides of one snapshot of pairs."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from benchmarks.pairs import Scenario, write_snapshot
from trueup.engine.run.account import ManagedAccount, ManagedProfile
from trueup.ledgers.books.own_books import OwnBooks
from trueup.ledgers.journal.order_log import BOT
from trueup.ledgers.journal.write_log import SqlOrderLog
from trueup.ledgers.sql.database import Database
from trueup.ledgers.sql.home import home_of
from trueup.ledgers.sql.rows import canonical_order
from trueup.ledgers.sql.sql_ledger import SqlLedger
from trueup.ledgers.sqlite.database import SqliteDatabase
from trueup.model.decode import decode_snapshot
from trueup.model.snapshot import (
    HistoryRead,
    Instrument,
    OrdersRead,
    PositionsRead,
    Snapshot,
    VenueAnswer,
)
from trueup.model.times import to_ns
from trueup.model.vocabulary import QueryBy, ReadState
from trueup.ports.book_rows import OrderWrite

_ORDERS_READ = msgspec.json.Decoder(OrdersRead)


def make_pairs(folder: Path, scenario: Scenario, pairs: int) -> Snapshot:
    path = folder / "pairs.json"
    write_snapshot(path, scenario, pairs)
    return decode_snapshot(path.read_bytes())


class TimedDatabase(SqliteDatabase):
    """Adds up what commits cost: they are the disk's time, not trueup's."""

    commit_s = commit_cpu_s = 0.0

    @contextmanager
    def transaction(self) -> Iterator[None]:
        done, done_cpu = time.perf_counter(), time.thread_time()
        with super().transaction():
            yield
            done, done_cpu = time.perf_counter(), time.thread_time()
        self.commit_s += time.perf_counter() - done
        self.commit_cpu_s += time.thread_time() - done_cpu


class StandingClock:
    """The time at which the snapshot was taken; nothing passes."""

    def __init__(self, now: str) -> None:
        self._now_ns = to_ns(now)

    def now_ns(self) -> int:
        return self._now_ns

    def monotonic_ns(self) -> int:
        return time.monotonic_ns()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


class BytesVenue:
    """A venue whose open-order answer is bytes, decoded at every read, as from a socket."""

    name = "bytes"

    def __init__(self, snapshot: Snapshot) -> None:
        self.open_orders_answer = msgspec.json.encode(snapshot.venue.open_orders)
        self._instruments = snapshot.instruments

    async def account_id(self) -> str | None:
        return None

    async def now_ns(self) -> int | None:
        return None

    async def instruments(self) -> list[Instrument]:
        return self._instruments

    async def open_orders(self) -> OrdersRead:
        return _ORDERS_READ.decode(self.open_orders_answer)

    async def history(self, since: str | None, symbol: str | None = None) -> HistoryRead:
        return HistoryRead(state=ReadState.COMPLETE, since=since)

    async def positions(self) -> PositionsRead:
        return PositionsRead(state=ReadState.COMPLETE)

    async def find_order(self, by: QueryBy, order_id: str, symbol: str | None = None) -> VenueAnswer:
        raise AssertionError("books in sync ask nothing")

    async def aclose(self) -> None:
        return


def open_books(path: Path, snapshot: Snapshot) -> tuple[SqlLedger, TimedDatabase, StandingClock]:
    """A new database that holds the snapshot's local side."""
    clock = StandingClock(snapshot.taken_at)
    database = TimedDatabase(str(path), clock_ns=clock.now_ns)
    ledger = SqlLedger(database)
    ledger.journal.ensure_profiles([snapshot.profile])
    record_orders(database, snapshot)
    return ledger, database, clock


def record_orders(database: Database, snapshot: Snapshot) -> None:
    """As a bot's recorder writes them: with their rows of the order log."""
    with database.transaction():
        home = home_of(database, snapshot.profile.profile_id)
        orders = [OrderWrite(None, canonical_order(order)) for order in snapshot.local.orders]
        log = SqlOrderLog(database, home, event="recorded", written_by=BOT)
        OwnBooks(database).write(home.place, orders, [], log)


def managed(ledger: SqlLedger, clock: StandingClock, venue: BytesVenue, snapshot: Snapshot) -> ManagedAccount:
    account_id = snapshot.profile.account_id
    assert account_id is not None
    return ManagedAccount(
        account_id=account_id,
        profiles=[ManagedProfile(profile=snapshot.profile, policy=snapshot.policy)],
        venue=venue,
        ledger=ledger,
        clock=clock,
    )
