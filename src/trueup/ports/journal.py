"""What trueup remembers: leases, runs, breaks, the order log, the outbox, decisions, watermarks.

Sync; from async code through `engine.in_thread`. Every method may raise LedgerError. Amounts and times are text as in
a snapshot; durations are seconds; times that end in `_ns` are integer nanoseconds UTC.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from trueup.model.snapshot import (
    Decision,
    LocalFault,
    LocalOrder,
    Profile,
)
from trueup.ports.book_rows import OrderWrite, TradeWrite
from trueup.ports.foreign_books import WriteBack
from trueup.ports.mirror import KnownRow
from trueup.ports.people import Former, PersonRecord
from trueup.ports.records import (
    AlertRecord,
    Attempt,
    BreakRecord,
    DecisionRecord,
    DeferralRecord,
    Delivery,
    DeliveryRecord,
    Lease,
    LeaseState,
    LoggedOrder,
    LogReport,
    NewDelivery,
    OutboxItem,
    OutboxState,
    ProfileState,
    Release,
    RunRecord,
    TimelineEntry,
    Turn,
    WaitingCounts,
)

REMOVED: dict[str, Any] = {"removed": True}  # what is logged as changed of a row that is taken away


class OrderLog(Protocol):
    """Where one transaction logs what it writes of the books: one writer, one event, one profile. Rows only grow."""

    @property
    def is_behind(self) -> bool:
        """Whether somebody wrote past the log since its last row."""
        ...

    def orders(self, written: Iterable[tuple[OrderWrite, dict[str, Any]]]) -> None:
        """Takes each order with its changed keys and their new values, one by one as the database takes the rows."""
        ...

    def trades(self, written: Iterable[TradeWrite]) -> None:
        """The same of trades."""
        ...

    def outside(self, orders: Iterable[OrderWrite], trades: Iterable[TradeWrite]) -> None:
        """Rows as they stand, which somebody wrote past the log: `before` is null."""
        ...


class Journal(Protocol):
    """trueup's own memory, in the same database as the books it keeps."""

    # profiles and accounts

    def ensure_profiles(self, profiles: Sequence[Profile]) -> None:
        """Makes accounts and profiles known. Raises ConfigError where one is recorded at another venue or account."""
        ...

    def list_profiles(self) -> list[Profile]:
        """All that are known, by profile id."""
        ...

    def profile_states(self, profile_ids: Sequence[str]) -> dict[str, ProfileState]:
        """By profile id; those that are not known are left out."""
        ...

    def recorded_venue_account(self, account_id: str) -> str | None:
        """The venue's own id of this account, as first recorded; null where none is."""
        ...

    def recorded_venue_accounts(self, account_ids: Sequence[str]) -> dict[str, str]:
        """The same of several, by account id; those without are left out."""
        ...

    def record_venue_account(self, account_id: str, venue_account_id: str) -> None:
        """Keeps the venue's own id of the account."""
        ...

    def pause_profile(self, profile_id: str, reason: str) -> None:
        """No run judges it until it is resumed. Raises ConfigError where it is not known."""
        ...

    def resume_profile(self, profile_id: str) -> None:
        """Raises ConfigError where it is not known."""
        ...

    # leases

    def acquire_lease(self, account_id: str, holder: str, ttl_s: float) -> Lease | None:
        """Epoch + 1 where the lease is free or expired by the database's clock; null (a contention) otherwise."""
        ...

    def claim_leases(
        self,
        account_ids: Sequence[str],
        holder: str,
        ttl_s: float,
        *,
        due_within_s: float,
        hasty: Sequence[str] = (),
    ) -> list[Turn]:
        """Acquires, in one statement, what of these is free and due; a turn for each, in their order.

        `hasty`: those of them that are due whatever the journal says. A due time later than `due_within_s` from now is
        not believed. Accounts are known by `ensure_profiles`.
        """
        ...

    def renew_lease(self, lease: Lease, ttl_s: float) -> Lease:
        """Raises FenceLost where epoch or holder is no longer ours."""
        ...

    def release_lease(
        self,
        lease: Lease,
        completed: Mapping[str, str],
        due_in_s: float | None = None,
        attempt: Attempt | None = None,
    ) -> None:
        """Frees the lease; `completed`: profile id → taken_at of the runs that ended well (for `status`, readiness).

        `due_in_s`: when the account is due again; null: as before. `attempt`: how its run went; null: there was none.
        A lease that is no longer ours is nothing to free.
        """
        ...

    def release_leases(self, releases: Sequence[Release]) -> None:
        """The same of many accounts, and what their runs classed, in one transaction and a statement for each kind.

        Of a lease that is no longer ours nothing is kept.
        """
        ...

    def lease_states(self) -> list[LeaseState]:
        """Of every account that was ever leased."""
        ...

    # runs and what they found

    def list_runs(self, profile_id: str | None = None, limit: int = 100) -> list[RunRecord]:
        """Newest first."""
        ...

    def load_run(self, run_id: str) -> tuple[RunRecord, bytes, bytes]:
        """A kept run with the bytes of its snapshot and its plan. Raises InputError where it is not kept (any more)."""
        ...

    def list_breaks(self, profile_id: str | None = None, *, open_only: bool = True) -> list[BreakRecord]:
        """By the time they were first seen."""
        ...

    def open_break_texts(self, profile_id: str | None = None) -> list[tuple[str, str]]:
        """Profile id and break, as it is stored (JSON), of those that stand: for who counts many, again and again."""
        ...

    def open_breaks(self, profile_ids: Sequence[str]) -> dict[str, list[BreakRecord]]:
        """Those that stand, by profile id; profiles without any are left out."""
        ...

    def deferrals(self, profile_ids: Sequence[str]) -> dict[str, list[DeferralRecord]]:
        """The same of deferrals, longest first."""
        ...

    def list_deferrals(self, profile_id: str) -> list[DeferralRecord]:
        """Longest first."""
        ...

    def order_timeline(self, profile_id: str, order: LocalOrder) -> list[TimelineEntry]:
        """What the bot, the venue's record and trueup did to it, in order of time."""
        ...

    def trade_timeline(self, profile_id: str, trade_id: str) -> list[TimelineEntry]:
        """The same of a trade and of its orders."""
        ...

    def repaired_orders(self, since: str, profile_id: str | None = None) -> list[LoggedOrder]:
        """Every row of the log of the orders that a run has written since then, order by order."""
        ...

    def bot_writes(self, since: str, profile_id: str) -> list[str]:
        """When the bot wrote anything of its orders or trades since then, oldest first."""
        ...

    def verify_log(self, profile_id: str) -> LogReport:
        """Whether the order log's chain of hashes is whole."""
        ...

    def purge(self, older_than_s: float, keep_last: int) -> dict[str, int]:
        """Forgets runs that are older and not among each profile's newest, delivered notifications and resolved breaks
        of that age. Returns how many rows went, by table. Raises InputError for negative figures.
        """
        ...

    # people

    def restart_confirmations(self, profile_id: str, trade_id: str) -> None:
        """Forgets what earlier runs counted against the trade's position: a person has looked at it."""
        ...

    def read_history_again(self, profile_id: str, since: str | None) -> None:
        """Coverage begins at this time again (null: at the beginning), where it had come further."""
        ...

    def add_decision(self, profile_id: str, decision: Decision) -> None:
        """Keeps it for good; it stands until it is revoked or its time is over."""
        ...

    def revoke_decision(self, decision_id: str, author: str, reason: str) -> None:
        """Raises InputError where no such decision stands."""
        ...

    def list_decisions(self, profile_id: str | None = None) -> list[DecisionRecord]:
        """Oldest first, revoked ones and those whose time is over included."""
        ...

    def standing_decisions(self, profile_ids: Sequence[str]) -> dict[str, list[Decision]]:
        """Neither revoked nor over by the ledger's clock, by profile id; those without any are left out."""
        ...

    def list_corrections(self, profile_id: str | None = None) -> list[PersonRecord]:
        """A person's, oldest first."""
        ...

    def former_of_run(self, profile_id: str, run_id: str) -> list[Former]:
        """What a run wrote of each order and trade: as it was before, and what came after."""
        ...

    def former_between(self, profile_id: str, first_seq: int, last_seq: int) -> list[Former]:
        """The same of a person's rows of the order log."""
        ...

    # books of the bots' own

    def foreign_cursor(self, account_id: str, source: str) -> str | None:
        """How far these books were read, in their own words; null: not yet, or they cannot tell changes."""
        ...

    def known_rows(self, account_id: str, source: str, keys: Sequence[str]) -> dict[str, KnownRow]:
        """By row key, as they were last taken in; those that are not known are left out."""
        ...

    def live_rows(self, account_id: str, source: str) -> dict[str, str]:
        """Fingerprints by key, of all rows whose order is live in the mirror, and that are not known to be gone."""
        ...

    def row_faults(self, profile_ids: Sequence[str]) -> dict[str, list[LocalFault]]:
        """By profile id: rows that are gone, and write-backs that were refused for good."""
        ...

    def waiting_write_backs(self, account_id: str, source: str, limit: int) -> list[WriteBack]:
        """Due ones, oldest first; at most one an order."""
        ...

    # telling

    def list_alerts(self, profile_id: str | None = None) -> list[AlertRecord]:
        """The last time each alert was told, oldest first."""
        ...

    def alerts_of(self, profile_ids: Sequence[str]) -> dict[str, list[AlertRecord]]:
        """The same of these profiles, by profile id; those without any are left out."""
        ...

    def keep_alerts(self, alerts: Sequence[AlertRecord], deliveries: Sequence[NewDelivery] = ()) -> None:
        """Remembers that these were told, or have recovered; in the same transaction, what people are to be told."""
        ...

    def claim_deliveries(self, notifier: str, limit: int, claim_s: float) -> list[Delivery]:
        """Due ones, oldest first, each alert's in order: nobody else tells them for so long."""
        ...

    def settle_deliveries(self, deliveries: Sequence[Delivery]) -> None:
        """They arrived."""
        ...

    def return_deliveries(
        self,
        deliveries: Sequence[Delivery],
        error: str,
        wait_s: float,
        *,
        is_certain: bool,
        attempts_max: int,
    ) -> int:
        """They did not arrive, certainly or perhaps: due again after so long. Returns how many are given up."""
        ...

    def next_delivery_at(self, notifiers: Sequence[str]) -> str | None:
        """When the first of what waits for these may be told; null: nothing waits."""
        ...

    def list_deliveries(self, *, open_only: bool = True, limit: int = 100) -> list[DeliveryRecord]:
        """Newest first; those that were given up count as open."""
        ...

    def pending_notifications(self, limit: int, profile_ids: Sequence[str] | None = None) -> list[OutboxItem]:
        """Due items, in order per trade; those behind a failed item of the same trade are not due.

        `profile_ids`: only of these; null = all.
        """
        ...

    def outbox_state(self) -> OutboxState:
        """Of all profiles."""
        ...

    def count_outbox(self, profile_id: str | None = None) -> tuple[int, int]:
        """How many notifications wait, and how many are parked."""
        ...

    def count_waiting(self) -> dict[str, WaitingCounts]:
        """Of every profile of which something waits, by profile id; in one statement, however many there are."""
        ...

    def parked_notifications(self, profile_ids: Sequence[str]) -> dict[str, int]:
        """How many the executor refused too often, by profile id; those without any are left out."""
        ...

    def retry_write_backs(self, profile_id: str | None = None) -> int:
        """Corrections that the bots' own rows refused become due again; returns how many."""
        ...

    def unpark_notifications(self, profile_id: str | None = None) -> int:
        """Parked notifications become due again; returns how many."""
        ...

    def mark_delivered(self, items: Sequence[OutboxItem]) -> None:
        """The executor took them."""
        ...

    def mark_failed(self, item: OutboxItem, error: str) -> bool:
        """Schedules the retry with backoff; after the last attempt it is parked. Returns whether it was parked."""
        ...
