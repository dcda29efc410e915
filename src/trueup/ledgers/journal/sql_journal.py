"""What trueup remembers, in any SQL database. Implements `ports.journal.Journal`: each method is handed to the module
that knows it.
"""

from collections.abc import Mapping, Sequence

import msgspec

from trueup.ledgers.journal import (
    alerts,
    archive,
    decisions,
    deliveries,
    foreign_rows,
    former,
    leases,
    outbox,
    person_corrections,
    profiles,
    write_backs,
)
from trueup.ledgers.journal import verify_log as log
from trueup.ledgers.sql.database import Database
from trueup.model.ids import known_id
from trueup.model.snapshot import Decision, LocalFault, LocalOrder, Profile
from trueup.model.vocabulary import BreakKind
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


class SqlJournal:
    """One database's journal. Every write is a transaction of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._live_rows = foreign_rows.LiveRows(database)

    # -- profiles and accounts ----------------------------------------------------------------------------------------

    def ensure_profiles(self, wanted: Sequence[Profile]) -> None:
        profiles.ensure_profiles(self._database, wanted)

    def list_profiles(self) -> list[Profile]:
        return profiles.list_profiles(self._database)

    def profile_states(self, profile_ids: Sequence[str]) -> dict[str, ProfileState]:
        return profiles.profile_states(self._database, profile_ids)

    def recorded_venue_account(self, account_id: str) -> str | None:
        return self.recorded_venue_accounts([account_id]).get(account_id)

    def recorded_venue_accounts(self, account_ids: Sequence[str]) -> dict[str, str]:
        return profiles.recorded_venue_accounts(self._database, account_ids)

    def record_venue_account(self, account_id: str, venue_account_id: str) -> None:
        with self._database.transaction():
            self._database.write("set_venue_account_id", account_id, venue_account_id)

    def pause_profile(self, profile_id: str, reason: str) -> None:
        profiles.set_pause(self._database, profile_id, reason)

    def resume_profile(self, profile_id: str) -> None:
        profiles.set_pause(self._database, profile_id, None)

    # -- leases -------------------------------------------------------------------------------------------------------

    def acquire_lease(self, account_id: str, holder: str, ttl_s: float) -> Lease | None:
        return leases.acquire(self._database, account_id, holder, ttl_s)

    def claim_leases(
        self,
        account_ids: Sequence[str],
        holder: str,
        ttl_s: float,
        *,
        due_within_s: float,
        hasty: Sequence[str] = (),
    ) -> list[Turn]:
        return leases.claim(
            self._database, account_ids, holder, ttl_s, due_within_s=due_within_s, hasty=hasty
        )

    def renew_lease(self, lease: Lease, ttl_s: float) -> Lease:
        with self._database.transaction():
            return leases.renew(self._database, lease, ttl_s)

    def release_lease(
        self,
        lease: Lease,
        completed: Mapping[str, str],
        due_in_s: float | None = None,
        attempt: Attempt | None = None,
    ) -> None:
        self.release_leases(
            [Release(lease=lease, completed=dict(completed), due_in_s=due_in_s, attempt=attempt)]
        )

    def release_leases(self, releases: Sequence[Release]) -> None:
        leases.release(self._database, releases)

    def lease_states(self) -> list[LeaseState]:
        return leases.lease_states(self._database)

    # -- runs and what they found -------------------------------------------------------------------------------------

    def list_runs(self, profile_id: str | None = None, limit: int = 100) -> list[RunRecord]:
        return archive.list_runs(self._database, profile_id, limit)

    def load_run(self, run_id: str) -> tuple[RunRecord, bytes, bytes]:
        return archive.load_run(self._database, run_id)

    def list_breaks(self, profile_id: str | None = None, *, open_only: bool = True) -> list[BreakRecord]:
        return archive.list_breaks(self._database, profile_id, open_only=open_only)

    def open_break_texts(self, profile_id: str | None = None) -> list[tuple[str, str]]:
        return archive.open_break_texts(self._database, profile_id)

    def open_breaks(self, profile_ids: Sequence[str]) -> dict[str, list[BreakRecord]]:
        return archive.open_breaks(self._database, profile_ids)

    def deferrals(self, profile_ids: Sequence[str]) -> dict[str, list[DeferralRecord]]:
        return archive.deferrals(self._database, profile_ids)

    def list_deferrals(self, profile_id: str) -> list[DeferralRecord]:
        return archive.list_deferrals(self._database, profile_id)

    def order_timeline(self, profile_id: str, order: LocalOrder) -> list[TimelineEntry]:
        return archive.order_timeline(self._database, profile_id, order)

    def trade_timeline(self, profile_id: str, trade_id: str) -> list[TimelineEntry]:
        return archive.trade_timeline(self._database, profile_id, trade_id)

    def repaired_orders(self, since: str, profile_id: str | None = None) -> list[LoggedOrder]:
        return archive.repaired_orders(self._database, since, profile_id)

    def bot_writes(self, since: str, profile_id: str) -> list[str]:
        return archive.bot_writes(self._database, since, profile_id)

    def verify_log(self, profile_id: str) -> LogReport:
        return log.verify_log(self._database, profile_id)

    def purge(self, older_than_s: float, keep_last: int) -> dict[str, int]:
        return archive.purge(self._database, older_than_s, keep_last)

    # -- people -------------------------------------------------------------------------------------------------------

    def restart_confirmations(self, profile_id: str, trade_id: str) -> None:
        with self._database.transaction():
            prior = self.profile_states([profile_id])[profile_id].prior
            kept = [
                one
                for one in prior
                if one.kind is not BreakKind.POSITION_MISMATCH or known_id(one.trade_id) != known_id(trade_id)
            ]
            self._database.write("set_findings", profile_id, msgspec.json.encode(kept).decode())

    def read_history_again(self, profile_id: str, since: str | None) -> None:
        with self._database.transaction():
            self._database.write("forget_watermarks", profile_id, "" if since is None else since)

    def add_decision(self, profile_id: str, decision: Decision) -> None:
        decisions.add_decision(self._database, profile_id, decision)

    def revoke_decision(self, decision_id: str, author: str, reason: str) -> None:
        decisions.revoke_decision(self._database, decision_id, author, reason)

    def list_decisions(self, profile_id: str | None = None) -> list[DecisionRecord]:
        return decisions.list_decisions(self._database, profile_id)

    def standing_decisions(self, profile_ids: Sequence[str]) -> dict[str, list[Decision]]:
        return decisions.standing_decisions(self._database, profile_ids)

    def list_corrections(self, profile_id: str | None = None) -> list[PersonRecord]:
        return person_corrections.list_corrections(self._database, profile_id)

    def former_of_run(self, profile_id: str, run_id: str) -> list[Former]:
        with self._database.reading():
            return former.former_of_run(self._database, profile_id, run_id)

    def former_between(self, profile_id: str, first_seq: int, last_seq: int) -> list[Former]:
        with self._database.reading():
            return former.former_between(self._database, profile_id, first_seq, last_seq)

    # -- books of the bots' own ---------------------------------------------------------------------------------------

    def foreign_cursor(self, account_id: str, source: str) -> str | None:
        return foreign_rows.foreign_cursor(self._database, account_id, source)

    def known_rows(self, account_id: str, source: str, keys: Sequence[str]) -> dict[str, KnownRow]:
        return foreign_rows.known_rows(self._database, account_id, source, keys)

    def live_rows(self, account_id: str, source: str) -> dict[str, str]:
        return self._live_rows.of(account_id, source)

    def row_faults(self, profile_ids: Sequence[str]) -> dict[str, list[LocalFault]]:
        return foreign_rows.row_faults(self._database, profile_ids)

    def waiting_write_backs(self, account_id: str, source: str, limit: int) -> list[WriteBack]:
        return write_backs.waiting(self._database, account_id, source, limit)

    # -- telling ------------------------------------------------------------------------------------------------------

    def list_alerts(self, profile_id: str | None = None) -> list[AlertRecord]:
        return alerts.list_alerts(self._database, None if profile_id is None else [profile_id])

    def alerts_of(self, profile_ids: Sequence[str]) -> dict[str, list[AlertRecord]]:
        return alerts.alerts_of(self._database, profile_ids)

    def keep_alerts(self, told: Sequence[AlertRecord], wanted: Sequence[NewDelivery] = ()) -> None:
        alerts.keep_alerts(self._database, told, wanted)

    def claim_deliveries(self, notifier: str, limit: int, claim_s: float) -> list[Delivery]:
        return deliveries.claim(self._database, notifier, limit, claim_s)

    def settle_deliveries(self, told: Sequence[Delivery]) -> None:
        deliveries.settle(self._database, told)

    def return_deliveries(
        self, missed: Sequence[Delivery], error: str, wait_s: float, *, is_certain: bool, attempts_max: int
    ) -> int:
        return deliveries.give_back(
            self._database, missed, error, wait_s, is_certain=is_certain, attempts_max=attempts_max
        )

    def next_delivery_at(self, notifiers: Sequence[str]) -> str | None:
        return deliveries.next_at(self._database, notifiers)

    def list_deliveries(self, *, open_only: bool = True, limit: int = 100) -> list[DeliveryRecord]:
        return deliveries.list_deliveries(self._database, open_only=open_only, limit=limit)

    def pending_notifications(self, limit: int, profile_ids: Sequence[str] | None = None) -> list[OutboxItem]:
        return outbox.pending(self._database, limit, profile_ids)

    def mark_delivered(self, items: Sequence[OutboxItem]) -> None:
        outbox.mark_delivered(self._database, items)

    def mark_failed(self, item: OutboxItem, error: str) -> bool:
        return outbox.mark_failed(self._database, item, error)

    def retry_write_backs(self, profile_id: str | None = None) -> int:
        return write_backs.retry(self._database, profile_id)

    def unpark_notifications(self, profile_id: str | None = None) -> int:
        return outbox.unpark(self._database, profile_id)

    def parked_notifications(self, profile_ids: Sequence[str]) -> dict[str, int]:
        return outbox.parked(self._database, profile_ids)

    def outbox_state(self) -> OutboxState:
        return outbox.outbox_state(self._database)

    def count_waiting(self) -> dict[str, WaitingCounts]:
        return outbox.count_waiting(self._database)

    def count_outbox(self, profile_id: str | None = None) -> tuple[int, int]:
        return outbox.count_outbox(self._database, profile_id)
