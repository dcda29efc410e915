"""What the engine needs from outside: protocols only. Adapters translate, they never decide.

Venues are async; ledgers and journals are sync (one thread owns SQLite's writer, async code goes through
`asyncio.to_thread`). A venue method raises `VenueError` where it got no usable answer; the engine turns that into a
failed read or an `unknown` answer. A listing that could not be read to its end is returned with state `partial`.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from msgspec import Struct

from trueup.model.coverage_scope import CoverageScope
from trueup.model.plan import Alert, Break, Notification, Plan
from trueup.model.snapshot import (
    Decision,
    Fill,
    Finding,
    HistoryRead,
    Instrument,
    Local,
    LocalAnswer,
    LocalOrder,
    OrdersRead,
    PositionsRead,
    Profile,
    Snapshot,
    Trade,
    VenueAnswer,
)
from trueup.model.vocabulary import QueryBy


class Clock(Protocol):
    """UTC now, and waiting. The simulator's clock never passes by itself."""

    def now_ns(self) -> int: ...

    def sleep(self, seconds: float) -> Awaitable[None]: ...


class Venue(Protocol):
    """One account at one venue, read only. Every call has a time-out and every listing a bound."""

    @property
    def name(self) -> str: ...

    async def account_id(self) -> str | None:
        """The venue's own id of the account these credentials belong to; null where it has none."""
        ...

    async def now_ns(self) -> int | None:
        """The venue's clock, for `doctor`; null where it has none."""
        ...

    async def instruments(self) -> list[Instrument]:
        """Steps and ticks; empty = not known (quantities then compare exactly)."""
        ...

    async def open_orders(self) -> OrdersRead: ...

    async def history(self, since: str | None, symbol: str | None = None) -> HistoryRead:
        """Orders submitted and fills executed at or after `since` (null: from the beginning)."""
        ...

    async def positions(self) -> PositionsRead: ...

    async def find_order(self, by: QueryBy, order_id: str, symbol: str | None = None) -> VenueAnswer:
        """One order, asked for at every endpoint that can hold its type.

        `absent` only where the venue said with authority that no such order exists.
        """
        ...

    async def aclose(self) -> None: ...


@runtime_checkable
class Hinting(Protocol):
    """What a venue with a stream offers besides `Venue`."""

    def hints(self) -> AsyncIterator[None]:
        """Yields whenever something may have changed, until it is closed; connects again by itself.

        A hint wakes a run early. Nothing is decided from it, and losing it costs only latency.
        """
        ...


class VenueSettings(Struct, frozen=True, kw_only=True):
    """What an entry point of the group `trueup.venues` is called with; it returns a `Venue`.

    `credentials` are read already, from where the configuration says; `folder` is where its relative paths begin;
    `allow_live`: real money may be looked at, said by a flag or `TRUEUP_ALLOW_LIVE=true` besides the configuration;
    `managed_symbols`: what the account's profiles manage between them; null = any symbol.
    """

    account_id: str
    credentials: Mapping[str, str] = {}
    options: Mapping[str, Any] = {}
    folder: str = "."
    allow_live: bool = False
    managed_symbols: Sequence[str] | None = None
    clock: Clock

    def __repr__(self) -> str:
        return f"VenueSettings({self.account_id!r}, credentials hidden)"


class Lease(Struct, frozen=True, kw_only=True):
    """The timed right to work on an account. `holder` is a fresh uuid per acquisition; times are the database's."""

    account_id: str
    epoch: int
    holder: str
    expires_ns: int


class ProfileState(Struct, frozen=True, kw_only=True):
    """What the journal remembers of a profile between runs."""

    prior: list[Finding] = []
    watermark: str | None = None  # coverage's: history before it is finally classed
    scope: CoverageScope | None = None  # of what was classed before the watermark; null: of nothing
    paused: bool = False
    pause_reason: str | None = None


class ApplyReport(Struct, frozen=True, kw_only=True):
    """What one write transaction did. `superseded`: corrections dropped because their row (or its kin) moved."""

    run_id: str
    applied: int = 0
    superseded: int = 0
    superseded_ids: list[str] = []  # of those corrections
    notifications: int = 0
    conflicts: list[str] = []  # messages about fills that exist with other content
    recorded: bool = False  # a run that found and changed nothing new is not kept


class OutboxItem(Struct, frozen=True, kw_only=True):
    """One committed notification that the executor has not yet taken."""

    profile_id: str
    run_id: str
    sequence: int
    notification: Notification
    subject: str  # the trade, else the order: what notifications are in order within
    attempts: int = 0


class OutboxState(Struct, frozen=True, kw_only=True):
    """Of all profiles. `oldest_age_s`: since the oldest waiting notification was committed; 0 where none waits."""

    waiting: int
    parked: int
    oldest_age_s: float


class RunRecord(Struct, frozen=True, kw_only=True):
    """One kept run: any that found or changed something."""

    run_id: str
    profile_id: str
    taken_at: str
    state: str  # "dry" | "applied" | "blocked" (circuit breaker) | "failed"
    plan_id: str
    error: str | None = None


class LeaseState(Struct, frozen=True, kw_only=True):
    """A lease as `status` shows it. `holder` null: free; `completed`: profile id → taken_at of its last good run."""

    account_id: str
    epoch: int
    holder: str | None
    expires_at: str
    next_due_at: str | None
    completed: dict[str, str]


class BreakRecord(Struct, frozen=True, kw_only=True):
    """A break over time. `resolution`: null (open), "corrected" or "not_seen_again"; `run_id`: the last that saw it."""

    profile_id: str
    found: Break
    first_seen_at: str
    last_seen_at: str
    occurrences: int
    resolution: str | None
    resolved_at: str | None
    run_id: str


class AlertRecord(Struct, frozen=True, kw_only=True):
    """When an alert was last told. `stands`: it has not recovered since."""

    profile_id: str
    alert: Alert
    raised_at: str
    stands: bool


class DecisionRecord(Struct, frozen=True, kw_only=True):
    """A person's decision, and who took it back where it was."""

    profile_id: str
    decision: Decision
    revoked_at: str | None = None
    revoked_by: str | None = None
    revoke_reason: str | None = None


class DeferralRecord(Struct, frozen=True, kw_only=True):
    """An order that is deferred since `first_deferred_at`, in every run since; ids in their comparable form."""

    client_order_id: str | None
    venue_order_id: str | None
    reason: str
    first_deferred_at: str


class TimelineEntry(Struct, frozen=True, kw_only=True):
    """One thing that happened to an order or a trade. `source`: log, break, correction, notification or decision."""

    at: str
    source: str
    what: str
    by: str | None
    detail: dict[str, Any]


class LocalRecord(Struct, frozen=True, kw_only=True):
    """One local order with its fills and its trade, as a bot's (or a person's) write finds them and leaves them.

    Of a trade that is not recorded yet it has the fills of all orders that name it. `breaks` and `notifications`: what
    the write reports, and what the bot is told of it.
    """

    order: LocalOrder | None = None
    fills: list[Fill] = []
    trade: Trade | None = None
    siblings: list[LocalOrder] = []  # the trade's other orders; read only
    breaks: list[Break] = []
    notifications: list[Notification] = []


class Ledger(Protocol):
    """The tables that hold the local side. Sync; one statement per table for all profiles of an account."""

    def read_local(self, account_id: str, profile_ids: Sequence[str], recent_s: float) -> dict[str, Local]:
        """Open orders, orders active within `recent_s`, their fills, trades not closed or recently so, by profile id.

        Also fills `other_profiles_open_qty`, `decisions` (a person's, that stand) and `unsupported` (what these tables
        cannot hold). Extent is `open_and_recent` unless everything was returned.
        """
        ...

    def find_local(self, account_id: str, profile_id: str, ids: Sequence[str]) -> list[LocalAnswer]:
        """One set-based look-up by either id over all orders of the account.

        An order of this profile is returned; one of another profile answers `found` with `order` null.
        """
        ...

    def related(
        self, account_id: str, profile_id: str, orders: Sequence[LocalOrder]
    ) -> tuple[list[Fill], list[Trade]]:
        """The fills booked in these orders and the trades they name: what a found local answer is judged with."""
        ...

    def write_record(
        self,
        profile_id: str,
        event: str,
        change: Callable[[LocalRecord, str], LocalRecord],
        *,
        client_order_id: str | None = None,
        venue_order_id: str | None = None,
        trade_id: str | None = None,
        author: str | None = None,
        reason: str | None = None,
    ) -> LocalRecord:
        """A bot's write, with its row of the order log, in one transaction; or a person's, with `author` and `reason`.

        `change` is pure: from what the ids name (empty where nothing) and the ledger's time to what it shall be.
        Raises Conflict where the ids name two orders, or one of another profile.
        """
        ...

    def quarantined_trades(self, profile_id: str) -> list[Trade]: ...

    def now(self) -> str:
        """The database's clock, RFC 3339."""
        ...

    def close(self) -> None: ...


class Journal(Protocol):
    """trueup's own tables, in the same database and transaction as the ledger."""

    def ensure_profiles(self, profiles: Sequence[Profile]) -> None: ...

    def acquire_lease(self, account_id: str, holder: str, ttl_s: float) -> Lease | None:
        """Epoch + 1 where the lease is free or expired by the database's clock; null (a contention) otherwise."""
        ...

    def renew_lease(self, lease: Lease, ttl_s: float) -> Lease:
        """Raises FenceLost where epoch or holder is no longer ours."""
        ...

    def release_lease(
        self, lease: Lease, completed: Mapping[str, str], next_due_ns: int | None = None
    ) -> None:
        """Frees the lease; `completed`: profile id → taken_at of the runs that ended well (for `status`, readiness)."""
        ...

    def profile_states(self, profile_ids: Sequence[str]) -> dict[str, ProfileState]: ...

    def commit_run(
        self,
        lease: Lease,
        snapshot: Snapshot,
        plan: Plan,
        *,
        state: str,
        watermark: str | None = None,
        notify: bool = True,
    ) -> ApplyReport:
        """The one write transaction of a profile's run; design.md, "Apply". With state "applied" corrections apply.

        First statement is the fence (renewal of `lease`). `notify` false: nobody is to be told, the outbox stays empty.
        Raises FenceLost, LedgerError, InvariantError; nothing half-written.
        """
        ...

    def lease_states(self) -> list[LeaseState]: ...

    def recorded_venue_account(self, account_id: str) -> str | None:
        """The venue's own id of this account, as first recorded; null where none is."""
        ...

    def record_venue_account(self, account_id: str, venue_account_id: str) -> None: ...

    def pause_profile(self, profile_id: str, reason: str) -> None: ...

    def resume_profile(self, profile_id: str) -> None: ...

    def list_runs(self, profile_id: str | None = None, limit: int = 100) -> list[RunRecord]:
        """Newest first."""
        ...

    def load_run(self, run_id: str) -> tuple[RunRecord, bytes, bytes]:
        """A kept run with the bytes of its snapshot and its plan. Raises InputError where it is not kept (any more)."""
        ...

    def list_breaks(self, profile_id: str | None = None, *, open_only: bool = True) -> list[BreakRecord]: ...

    def list_deferrals(self, profile_id: str) -> list[DeferralRecord]:
        """Longest first."""
        ...

    def find_order(self, order_id: str, profile_id: str | None = None) -> list[tuple[str, LocalOrder]]:
        """Profile id and order of all that have or had this venue or client order id."""
        ...

    def find_trade(self, trade_id: str, profile_id: str | None = None) -> list[tuple[str, Trade]]:
        """Profile id and trade of all that have this id."""
        ...

    def orders_of_trade(self, profile_id: str, trade_id: str) -> list[LocalOrder]: ...

    def order_timeline(self, profile_id: str, order: LocalOrder) -> list[TimelineEntry]:
        """What the bot, the venue's record and trueup did to it, in order of time."""
        ...

    def trade_timeline(self, profile_id: str, trade_id: str) -> list[TimelineEntry]:
        """The same of a trade and of its orders."""
        ...

    def restart_confirmations(self, profile_id: str, trade_id: str) -> None:
        """Forgets what earlier runs counted against the trade's position: a person has looked at it."""
        ...

    def add_decision(self, profile_id: str, decision: Decision) -> None: ...

    def revoke_decision(self, decision_id: str, author: str, reason: str) -> None:
        """Raises InputError where no such decision stands."""
        ...

    def list_decisions(self, profile_id: str | None = None) -> list[DecisionRecord]:
        """Oldest first, revoked ones and those whose time is over included."""
        ...

    def list_alerts(self, profile_id: str | None = None) -> list[AlertRecord]:
        """The last time each alert was told, oldest first."""
        ...

    def keep_alerts(self, alerts: Sequence[AlertRecord]) -> None:
        """Remembers that these were told, or have recovered."""
        ...

    def pending_notifications(self, limit: int, profile_ids: Sequence[str] | None = None) -> list[OutboxItem]:
        """Due items, in order per trade; those behind a failed item of the same trade are not due.

        `profile_ids`: only of these; null = all.
        """
        ...

    def outbox_state(self) -> OutboxState: ...

    def parked_notifications(self, profile_ids: Sequence[str]) -> dict[str, int]:
        """How many the executor refused too often, by profile id; those without any are left out."""
        ...

    def mark_delivered(self, items: Sequence[OutboxItem]) -> None: ...

    def mark_failed(self, item: OutboxItem, error: str) -> bool:
        """Schedules the retry with backoff; after the last attempt it is parked. Returns whether it was parked."""
        ...


class Executor(Protocol):
    """The bot's side. Each call carries a notification whose id makes repeats harmless: set the cumulative figures.

    Optional hooks, called where they exist: `reconcile_discovered`, `reconcile_amended`, `reconcile_quarantined`,
    `reconcile_released`, `reconcile_closed`.
    """

    async def reconcile_entry_fill(self, notification: Notification) -> None: ...

    async def reconcile_exit_fill(self, notification: Notification) -> None: ...

    async def reconcile_cancel(self, notification: Notification) -> None: ...


class Notifier(Protocol):
    """Where alerts go. The log is the first sink."""

    async def alert(self, profile_id: str, alert: Alert) -> None: ...
