"""Two workers, a bot and a venue over one order: every step of the mirror's protocol as an action that can be undone.

All of it is the real thing (a ledger and a bot's table in SQLite, the core, the engine's mirror); only the order of
the steps is the test's. A state is what both databases hold and what each worker has in its memory.
"""

from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from trueup.core.make_plan import make_plan
from trueup.engine.mirror.mirror import Mirror
from trueup.engine.run.account import ManagedAccount, ManagedProfile
from trueup.ledgers.sql.sql_ledger import SqlLedger
from trueup.ledgers.sqlite.database import SqliteDatabase
from trueup.model.check_snapshot import check_snapshot
from trueup.model.errors import FenceLost
from trueup.model.plan import Plan
from trueup.model.policy import Policy
from trueup.model.snapshot import (
    SNAPSHOT_FORMAT,
    HistoryRead,
    OrdersRead,
    Profile,
    Snapshot,
    Venue,
    VenueOrder,
)
from trueup.model.times import NS_PER_S, from_ns, to_ns
from trueup.model.vocabulary import Extent, ReadState, Side, Status
from trueup.ports.foreign_books import ForeignRead, WriteBack, WriteOutcome, WriteResult
from trueup.ports.records import Lease
from trueup.testing.books.table_books import TableBooks

ACCOUNT, PROFILE = "acc-1", "p-1"
NOON_NS = to_ns("2026-11-23T12:00:00Z")
TTL_S = 1e6  # a lease ends only where the next worker says so
PROGRAM = ("acquire", "read", "take_in", "plan", "commit", "fetch", "write", "settle", "tell")
EFFECTS = ("write", "tell")  # steps that do something without asking whether the lease is still theirs
POLICY = Policy(
    recent_activity_window_s=0, coverage_enabled=False, exit_backfill_enabled=False, parity_enabled=False
)
# what the bot may write meanwhile: a part of what was filled, what was filled at first, a price of its own
BOT_WRITES = (
    {"filled": "2", "status": "part", "average": "1000"},
    {"filled": "4", "status": "part", "average": "1000"},
    {"price": "999"},
)


class Seen(Struct, frozen=True):
    """What one worker has in its memory. `at`: the next step of its program."""

    at: int = 0
    lease: Lease | None = None
    read: ForeignRead | None = None
    planned: tuple[Snapshot, Plan] | None = None
    writes: tuple[WriteBack, ...] = ()
    results: tuple[WriteResult, ...] = ()


class State(Struct, frozen=True):
    """Everything; the databases as bytes."""

    ledger: bytes
    table: bytes
    workers: tuple[Seen, ...]
    venue_filled: str


class Recorded(TableBooks):
    """The bot's books, whose read may be an earlier one's, and which look at what we set on what."""

    said: ForeignRead | None = None

    def read(self, since: str | None, recent_s: float) -> ForeignRead:
        return super().read(since, recent_s) if self.said is None else self.said


class World:
    """The databases of one exploration. `enter` goes to a state, `leave` says what state it is."""

    def __init__(self) -> None:
        self.now_ns = NOON_NS
        self.database = SqliteDatabase(":memory:", clock_ns=lambda: self.now_ns)
        self.ledger = SqlLedger(self.database)
        self.books = Recorded(":memory:", PROFILE)
        profile = Profile(profile_id=PROFILE, venue="sim", account_id=ACCOUNT)
        self.ledger.journal.ensure_profiles([profile])
        self.account = ManagedAccount(
            account_id=ACCOUNT,
            profiles=[ManagedProfile(profile=profile, policy=POLICY)],
            venue=None,  # type: ignore[arg-type]
            ledger=self.ledger,
            clock=None,  # type: ignore[arg-type]
            foreign=[self.books],
        )
        self.venue_filled = "4"
        self.told: list[str] = []

    def close(self) -> None:
        self.ledger.close()
        self.books.close()

    # states

    def leave(self, workers: tuple[Seen, ...]) -> State:
        return State(
            ledger=self.database.connection.serialize("main"),
            table=self.books.connection.serialize("main"),
            workers=workers,
            venue_filled=self.venue_filled,
        )

    def enter(self, state: State) -> None:
        self.database.connection.deserialize("main", state.ledger)
        self.books.connection.deserialize("main", state.table)
        self.venue_filled = state.venue_filled

    def without_the_stale(self, state: State) -> State:
        """A worker that lost its lease begins again at its next fenced step; only two of its steps before that can do
        anything (`EFFECTS`), so that elsewhere it is one that begins already."""
        ((epoch,),) = self.database.connection.execute("SELECT epoch FROM leases").fetchall() or ((0,),)
        return replace(state, workers=tuple(self._kept(one, epoch) for one in state.workers))

    def _kept(self, seen: Seen, epoch: object) -> Seen:
        is_stale = seen.lease is not None and seen.lease.epoch != epoch
        return Seen() if is_stale and PROGRAM[seen.at] not in EFFECTS else seen

    def key(self, workers: tuple[Seen, ...]) -> bytes:
        """Equal for states from which the same can follow: without times, hashes and ids of runs, and whoever of the
        workers is where."""
        seen = sorted(msgspec.json.encode(self._seen(one)) for one in workers)
        return msgspec.json.encode([self.contents(), self.venue_filled, [one.decode() for one in seen]])

    def contents(self) -> list[Any]:
        """What both databases say, but of time."""
        ask: Any = self.database.connection.execute
        return [
            self.books.connection.execute("SELECT * FROM bot_orders ORDER BY id").fetchall(),
            ask("SELECT status, qty, limit_price, filled_qty, filled_avg_price FROM orders").fetchall(),
            ask("SELECT fill_id, qty, inferred FROM fills ORDER BY fill_id").fetchall(),
            ask("SELECT entry_qty, exit_qty, status FROM trades").fetchall(),
            ask("SELECT row_key, fingerprint, removed_at IS NULL FROM foreign_rows").fetchall(),
            ask("SELECT judged, wanted ->> 'values' FROM write_backs WHERE outcome IS NULL").fetchall(),
            ask(
                "SELECT subject, notification ->> 'cumulative_qty' FROM outbox WHERE delivered_at IS NULL"
            ).fetchall(),
        ]

    def _seen(self, seen: Seen) -> list[Any]:
        """Of what it planned: on how old a version; of its lease: whether it is still the newest."""
        rows: Any = self.database.connection.execute("SELECT version FROM orders").fetchall()
        epoch: Any = self.database.connection.execute("SELECT epoch FROM leases").fetchall()
        planned: Any = None
        if seen.planned is not None:
            snapshot, plan = seen.planned
            age = [rows[0][0] - one.version for one in snapshot.local.orders] if rows else []
            planned = [age, [(one.kind, one.changes, one.fill and one.fill.qty) for one in plan.corrections]]
        return [
            seen.at,
            seen.lease is not None and bool(epoch) and seen.lease.epoch == epoch[0][0],
            None if seen.read is None else [row.fingerprint for row in seen.read.rows],
            planned,
            [(one.judged, one.values) for one in seen.writes],
            [one.outcome for one in seen.results],
        ]

    # actions

    def bot(self, columns: dict[str, str]) -> None:
        setting = ", ".join(f"{name} = ?" for name in columns)
        self.books.bot(f"UPDATE bot_orders SET {setting} WHERE id = 1", *columns.values())

    def step(self, name: str, seen: Seen) -> Seen:
        """One step of a worker's program; it begins again after the last one, and where it lost its lease."""
        self.now_ns += NS_PER_S
        step = PROGRAM[seen.at]
        try:
            after = getattr(self, f"_{step}")(name, seen)
        except FenceLost:
            return Seen()
        return Seen() if step == PROGRAM[-1] else replace(after, at=seen.at + 1)

    def _acquire(self, name: str, seen: Seen) -> Seen:
        """From whoever has it: his time is over."""
        self.now_ns += round(2 * TTL_S * NS_PER_S)
        lease = self.ledger.journal.acquire_lease(ACCOUNT, name, TTL_S)
        assert lease is not None
        return replace(seen, lease=lease)

    def _read(self, name: str, seen: Seen) -> Seen:
        return replace(seen, read=self.books.read(None, 600))

    def _take_in(self, name: str, seen: Seen) -> Seen:
        assert seen.lease is not None
        self.books.said = seen.read
        try:
            Mirror(self.account, seen.lease).take_in(600)
        finally:
            self.books.said = None
        return replace(seen, read=None)

    def _plan(self, name: str, seen: Seen) -> Seen:
        self.now_ns += NS_PER_S
        now = from_ns(self.now_ns)
        local = self.ledger.books.read(ACCOUNT, [PROFILE], 600)[PROFILE]
        faults = self.ledger.journal.row_faults([PROFILE]).get(PROFILE, [])
        snapshot = check_snapshot(
            Snapshot(
                format=SNAPSHOT_FORMAT,
                taken_at=now,
                profile=self.account.profiles[0].profile,
                policy=POLICY,
                local=replace(local, extent=Extent.OPEN_AND_RECENT, faults=faults),
                venue=Venue(
                    open_orders=OrdersRead(state=ReadState.COMPLETE, read_at=now, rows=[self._venue_order()]),
                    history=HistoryRead(state=ReadState.COMPLETE, read_at=now),
                ),
                prior=self.ledger.journal.profile_states([PROFILE])[PROFILE].prior,
            )
        )
        return replace(seen, planned=(snapshot, make_plan(snapshot)))

    def _venue_order(self) -> VenueOrder:
        return VenueOrder(
            venue_order_id="v-1",
            client_order_id="b1-1",
            symbol="ETH/USD",
            side=Side.BUY,
            order_type="limit",
            qty="10",
            limit_price="1000",
            status=Status.PARTIALLY_FILLED,
            filled_qty=self.venue_filled,
            filled_avg_price="1000",
            submitted_at="2026-11-23T11:00:00Z",
            updated_at=from_ns(self.now_ns),
        )

    def _commit(self, name: str, seen: Seen) -> Seen:
        assert seen.lease is not None
        assert seen.planned is not None
        self.ledger.commit_run(seen.lease, *seen.planned, state="applied", foreign=self.books)
        return replace(seen, planned=None)

    def _fetch(self, name: str, seen: Seen) -> Seen:
        assert seen.lease is not None
        writes = self.ledger.journal.waiting_write_backs(ACCOUNT, "table", 10)
        self.ledger.journal.renew_lease(seen.lease, TTL_S)
        return replace(seen, writes=tuple(writes))

    def _write(self, name: str, seen: Seen) -> Seen:
        before = self.books.read(None, 600).rows[0]
        results = self.books.write_back(seen.writes)
        after = self.books.read(None, 600).rows[0]
        for write, result in zip(seen.writes, results, strict=True):
            changed = after.fingerprint != before.fingerprint
            if changed:  # what we set, we set on the very row that was judged, and to what the venue said
                assert result.outcome is WriteOutcome.DELIVERED
                assert write.judged == before.fingerprint
                assert after.order.filled_qty in ("4", "6")
        return replace(seen, writes=(), results=tuple(results))

    def _settle(self, name: str, seen: Seen) -> Seen:
        assert seen.lease is not None
        self.ledger.settle_write_backs(seen.lease, seen.results)
        return replace(seen, results=())

    def _tell(self, name: str, seen: Seen) -> Seen:
        items = self.ledger.journal.pending_notifications(10)
        for item in items:
            self.told.append(item.notification.cumulative_qty or "")
        self.ledger.journal.mark_delivered(items)
        return seen
