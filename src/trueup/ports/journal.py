"""What trueup remembers: leases, runs, breaks, the order log, the outbox, decisions, watermarks.

Sync; from async code through `asyncio.to_thread`.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from trueup.model.plan import Plan
from trueup.model.snapshot import (
    Decision,
    LocalOrder,
    Profile,
    Snapshot,
    Trade,
)
from trueup.ports.records import (
    AlertRecord,
    ApplyReport,
    BreakRecord,
    DecisionRecord,
    DeferralRecord,
    Lease,
    LeaseState,
    OutboxItem,
    OutboxState,
    ProfileState,
    RunRecord,
    TimelineEntry,
)


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
