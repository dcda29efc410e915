"""What the engine's tests share: a real SQLite ledger, a clock that stands still, a venue that follows a script."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trueup.engine.run.account import ManagedAccount, ManagedProfile
from trueup.ledgers.books.own_books import OwnBooks
from trueup.ledgers.sql.database import Database
from trueup.ledgers.sql.sql_ledger import SqlLedger
from trueup.ledgers.sqlite.database import SqliteDatabase
from trueup.model.plan import Notification
from trueup.model.policy import Policy
from trueup.model.snapshot import (
    Fill,
    HistoryRead,
    Instrument,
    LocalOrder,
    OrdersRead,
    PositionsRead,
    Profile,
    VenueAnswer,
    VenueOrder,
)
from trueup.model.vocabulary import Outcome, QueryBy, ReadState, Side, Status
from trueup.ports.books import LocalRecord
from trueup.sim.clock import SimClock

ACCOUNT = "acc-1"
BEFORE = "2026-11-23T11:00:00Z"  # an hour before the clock's start: nothing of then is recent


class ScriptedVenue:
    """Gives what it is told to give; an exception is raised, `HANG` never answers. `calls` keeps their order."""

    name = "scripted"
    HANG = object()

    def __init__(self, clock: SimClock, log: list[str]) -> None:
        self.clock = clock
        self.calls = log
        self.opened: Any = []
        self.fills: list[Fill] = []
        self.past: Any = []
        self.positions_read: Any = PositionsRead(state=ReadState.COMPLETE)
        self.whose: Any = "venue-acc"
        self.steps: Any = [Instrument(symbol="ETH/USD", qty_step="0.001", price_tick="0.01", quote="USD")]
        self.answers: dict[str, Any] = {}
        self.sinces: list[str | None] = []
        self.meanwhile: Callable[[], object] = lambda: None  # what others do while the open orders are read
        self.skew_ns: int | None = None  # what its answers say of our clock

    async def _give(self, call: str, what: Any) -> Any:
        self.calls.append(call)
        if what is self.HANG:
            await asyncio.Event().wait()
        if isinstance(what, Exception):
            raise what
        return what

    async def account_id(self) -> str | None:
        return await self._give("venue account", self.whose)

    async def now_ns(self) -> int | None:
        return None

    async def instruments(self) -> list[Instrument]:
        return await self._give("venue instruments", self.steps)

    async def open_orders(self) -> OrdersRead:
        self.meanwhile()
        rows = await self._give("venue open orders", self.opened)
        return rows if isinstance(rows, OrdersRead) else OrdersRead(state=ReadState.COMPLETE, rows=rows)

    async def history(self, since: str | None, symbol: str | None = None) -> HistoryRead:
        self.sinces.append(since)
        orders = await self._give("venue history", self.past)
        return HistoryRead(state=ReadState.COMPLETE, since=since, orders=orders, fills=self.fills)

    async def positions(self) -> PositionsRead:
        return await self._give("venue positions", self.positions_read)

    async def find_order(self, by: QueryBy, order_id: str, symbol: str | None = None) -> VenueAnswer:
        answer = await self._give(f"venue {by} {order_id}", self.answers.get(order_id))
        if isinstance(answer, VenueOrder):
            return VenueAnswer(by=by, id=order_id, outcome=Outcome.FOUND, order=answer)
        return answer or VenueAnswer(by=by, id=order_id, outcome=Outcome.ABSENT)

    def take_skew_ns(self) -> int | None:
        return self.skew_ns

    async def aclose(self) -> None:
        return


class LoggedBooks(OwnBooks):
    """The real books, which also note when they are read."""

    def __init__(self, database: Database, log: list[str]) -> None:
        super().__init__(database)
        self.log = log

    def read_accounts(self, *args: Any) -> Any:
        self.log.append("local")
        return super().read_accounts(*args)


class LoggedLedger(SqlLedger):
    """The real ledger, which also notes when it is read and written."""

    def __init__(self, path: Path, log: list[str], *, clock_ns: Callable[[], int]) -> None:
        super().__init__(SqliteDatabase(str(path), clock_ns=clock_ns))
        self.books: OwnBooks = LoggedBooks(self.database, log)
        self.log = log

    def commit_run(self, *args: Any, **options: Any) -> Any:
        self.log.append(f"commit {options['state']}")
        return super().commit_run(*args, **options)


class Told:
    """An executor that keeps what it is told."""

    def __init__(self) -> None:
        self.notifications: list[Notification] = []

    async def reconcile_entry_fill(self, notification: Notification) -> None:
        self.notifications.append(notification)

    reconcile_exit_fill = reconcile_cancel = reconcile_entry_fill


@dataclass
class Desk:
    """One account with its parts, all of them real but the venue."""

    clock: SimClock
    ledger: LoggedLedger
    venue: ScriptedVenue
    log: list[str] = field(default_factory=list)

    def account(self, *profile_ids: str, policy: Policy | None = None, **options: Any) -> ManagedAccount:
        profiles = [
            ManagedProfile(profile=profile(one), policy=policy or own_policy(one, alone=len(profile_ids) < 2))
            for one in profile_ids or ("mom-1",)
        ]
        self.ledger.journal.ensure_profiles([one.profile for one in profiles])
        return ManagedAccount(
            account_id=ACCOUNT,
            profiles=profiles,
            venue=self.venue,
            ledger=self.ledger,
            clock=self.clock,
            **{"read_timeout_s": 5.0, "query_timeout_s": 5.0} | options,
        )

    def record(self, order: LocalOrder, profile_id: str = "mom-1") -> None:
        """The bot's own write, as `Recorder` makes it, a minute ago: it is not recent any more."""

        def change(_: LocalRecord, now: str) -> LocalRecord:
            return LocalRecord(order=order)

        self.ledger.write_record(profile_id, "sent", change, client_order_id=order.client_order_id)
        self.clock.advance(60_000_000_000)

    def books(self, profile_id: str = "mom-1") -> dict[str | None, LocalOrder]:
        local = self.ledger.books.read(ACCOUNT, [profile_id], 1e9)[profile_id]
        return {order.client_order_id: order for order in local.orders}


def open_desk(folder: Path) -> Desk:
    clock, log = SimClock(), list[str]()
    ledger = LoggedLedger(folder / "trueup.sqlite", log, clock_ns=clock.now_ns)
    return Desk(clock=clock, ledger=ledger, venue=ScriptedVenue(clock, log), log=log)


def profile(profile_id: str) -> Profile:
    return Profile(profile_id=profile_id, user_id="u-1", venue="scripted", account_id=ACCOUNT)


def own_policy(profile_id: str, *, alone: bool) -> Policy:
    """Several profiles own what begins with their name."""
    prefixes = () if alone else (profile_id,)
    return Policy(owned_client_order_id_prefixes=prefixes)


def local_order(name: str, **changes: Any) -> LocalOrder:
    values: dict[str, Any] = {
        "client_order_id": name,
        "venue_order_id": f"v-{name}",
        "symbol": "ETH/USD",
        "side": Side.BUY,
        "qty": "10",
        "limit_price": "1000",
        "status": Status.PENDING_NEW,
        "submitted_at": BEFORE,
        "last_activity_at": BEFORE,
    }
    return LocalOrder(**values | changes)


def venue_order(name: str, **changes: Any) -> VenueOrder:
    values: dict[str, Any] = {
        "client_order_id": name,
        "venue_order_id": f"v-{name}",
        "symbol": "ETH/USD",
        "side": Side.BUY,
        "qty": "10",
        "limit_price": "1000",
        "status": Status.PENDING_NEW,
        "filled_qty": "0",
        "submitted_at": BEFORE,
        "updated_at": BEFORE,
    }
    return VenueOrder(**values | changes)


def filled(name: str, qty: str, status: Status = Status.PARTIALLY_FILLED) -> VenueOrder:
    return venue_order(name, filled_qty=qty, filled_avg_price="1000", status=status)


def names(log: Sequence[str], beginning: str) -> list[str]:
    return [one for one in log if one.startswith(beginning)]
