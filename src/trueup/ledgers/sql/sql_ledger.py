"""The ledger and journal on any `Database`: the port's methods, each handed to the module that knows it."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import uuid_utils

from trueup.ledgers.books.read_local import find_local, read_local, related
from trueup.ledgers.books.write_record import write_record
from trueup.ledgers.journal import alerts, archive, decisions, leases, outbox
from trueup.ledgers.journal import verify_log as log
from trueup.ledgers.sql.commit_run import Run, commit_run
from trueup.ledgers.sql.database import Database, Value, optional_text, stamp, text_value
from trueup.ledgers.sql.known_rows import KnownBooks
from trueup.ledgers.sql.rows import TRADE_ROWS, json_list, one_document
from trueup.model.coverage_scope import CoverageScope
from trueup.model.errors import ConfigError
from trueup.model.ids import known_id
from trueup.model.plan import Plan
from trueup.model.snapshot import (
    Decision,
    Fill,
    Finding,
    Local,
    LocalAnswer,
    LocalOrder,
    Profile,
    Snapshot,
    Trade,
)
from trueup.model.times import NS_PER_S, to_ns
from trueup.model.vocabulary import BreakKind
from trueup.ports.books import LocalRecord
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


class _Watermark(msgspec.Struct, frozen=True):
    watermark: str
    scope: CoverageScope | None


_WATERMARK = msgspec.json.Decoder(_Watermark)
_FINDINGS = msgspec.json.Decoder(list[Finding])


class SqlLedger:
    """Implements `ports.Ledger` and `ports.Journal`. Sync; from async code through `asyncio.to_thread`."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._known: dict[str, KnownBooks] = defaultdict(KnownBooks)  # by account id

    # -- the books ----------------------------------------------------------------------------------------------------

    def read_local(self, account_id: str, profile_ids: Sequence[str], recent_s: float) -> dict[str, Local]:
        return read_local(self.database, account_id, profile_ids, recent_s, self._known[account_id])

    def find_local(self, account_id: str, profile_id: str, ids: Sequence[str]) -> list[LocalAnswer]:
        return find_local(self.database, account_id, profile_id, ids)

    def related(
        self, account_id: str, profile_id: str, orders: Sequence[LocalOrder]
    ) -> tuple[list[Fill], list[Trade]]:
        return related(self.database, account_id, profile_id, orders)

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
        return write_record(
            self.database,
            profile_id,
            event,
            change,
            client_order_id=client_order_id,
            venue_order_id=venue_order_id,
            trade_id=trade_id,
            author=author,
            reason=reason,
        )

    def quarantined_trades(self, profile_id: str) -> list[Trade]:
        rows = self.database.rows("quarantined_trades", profile_id)
        return [row.trade for row in one_document(rows, TRADE_ROWS)]

    def find_trade(self, trade_id: str, profile_id: str | None = None) -> list[tuple[str, Trade]]:
        return archive.find_trade(self.database, trade_id, profile_id)

    def now(self) -> str:
        return stamp(self.database.now_ns())

    def close(self) -> None:
        self.database.close()

    # -- profiles and accounts ----------------------------------------------------------------------------------------

    def ensure_profiles(self, profiles: Sequence[Profile]) -> None:
        """Make accounts and profiles known. Raises ConfigError where one is recorded at another venue or account."""
        with self.database.transaction():
            for profile in profiles:
                if profile.account_id is None:
                    raise ConfigError(
                        f"profile {profile.profile_id} has no account_id: name the account it trades in"
                    )
                self.database.write("add_account", profile.account_id, profile.venue)
                self.database.write("add_profile", profile.profile_id, profile.account_id, profile.user_id)
                self._check_home(profile)

    def _check_home(self, profile: Profile) -> None:
        account_id, _, venue = self.database.rows("profile_home", profile.profile_id)[0]
        if account_id != profile.account_id:
            raise ConfigError(
                f"profile {profile.profile_id} is recorded in account {account_id!r}, not {profile.account_id}: "
                "give the new one another profile id"
            )
        if profile.venue is not None and venue != profile.venue:
            raise ConfigError(
                f"account {account_id!r} is recorded at venue {venue!r}, not {profile.venue}: "
                "give the new one another account id"
            )

    def list_profiles(self) -> list[Profile]:
        return [
            Profile(
                profile_id=text_value(profile_id),
                account_id=text_value(account_id),
                user_id=optional_text(user_id),
                venue=optional_text(venue),
            )
            for profile_id, account_id, user_id, venue, _ in self.database.rows("profiles")
        ]

    def profile_states(self, profile_ids: Sequence[str]) -> dict[str, ProfileState]:
        now_ns = self.database.now_ns()
        rows = self.database.rows("profile_states", json_list(profile_ids))
        return {
            (owner := text_value(profile_id)): self._state_of(owner, findings, reason, document, now_ns)
            for profile_id, findings, reason, document in rows
        }

    def _state_of(
        self, profile_id: str, findings: Value, pause_reason: Value, document: Value, now_ns: int
    ) -> ProfileState:
        """With the newest watermark that is not later than now: what a clock ahead stored proves nothing."""
        mark = None if document is None else _WATERMARK.decode(text_value(document))
        is_future = mark is not None and to_ns(mark.watermark) >= now_ns + NS_PER_S  # stored by whole seconds
        if is_future:
            believed = self.database.rows("watermark_believed", profile_id, stamp(now_ns))
            mark = _WATERMARK.decode(text_value(believed[0][0])) if believed else None
        return ProfileState(
            prior=_FINDINGS.decode(text_value(findings)),
            watermark=None if mark is None else mark.watermark,
            scope=None if mark is None else mark.scope,
            is_future=is_future,
            paused=pause_reason is not None,
            pause_reason=optional_text(pause_reason),
        )

    def recorded_venue_account(self, account_id: str) -> str | None:
        rows = self.database.rows("venue_account_id", account_id)
        return optional_text(rows[0][0]) if rows else None

    def record_venue_account(self, account_id: str, venue_account_id: str) -> None:
        with self.database.transaction():
            self.database.write("set_venue_account_id", account_id, venue_account_id)

    def pause_profile(self, profile_id: str, reason: str) -> None:
        self._set_pause(profile_id, reason)

    def resume_profile(self, profile_id: str) -> None:
        self._set_pause(profile_id, None)

    def _set_pause(self, profile_id: str, reason: str | None) -> None:
        with self.database.transaction():
            if not self.database.write("set_pause", profile_id, reason):
                raise ConfigError(
                    f"profile {profile_id!r} is not in this ledger: `trueup status` lists those that are"
                )

    # -- leases and runs ----------------------------------------------------------------------------------------------

    def acquire_lease(self, account_id: str, holder: str, ttl_s: float) -> Lease | None:
        return leases.acquire(self.database, account_id, holder, ttl_s)

    def renew_lease(self, lease: Lease, ttl_s: float) -> Lease:
        with self.database.transaction():
            return leases.renew(self.database, lease, ttl_s)

    def release_lease(
        self, lease: Lease, completed: Mapping[str, str], next_due_ns: int | None = None
    ) -> None:
        leases.release(self.database, lease, completed, next_due_ns)

    def lease_states(self) -> list[LeaseState]:
        return leases.lease_states(self.database)

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
        run = Run(
            run_id=str(uuid_utils.uuid7()),
            snapshot=snapshot,
            plan=plan,
            state=state,
            watermark=watermark,
            notify=notify,
            known_orders=self._known[lease.account_id].orders,
        )
        return commit_run(self.database, lease, run)

    def list_runs(self, profile_id: str | None = None, limit: int = 100) -> list[RunRecord]:
        return archive.list_runs(self.database, profile_id, limit)

    def load_run(self, run_id: str) -> tuple[RunRecord, bytes, bytes]:
        return archive.load_run(self.database, run_id)

    def list_breaks(self, profile_id: str | None = None, *, open_only: bool = True) -> list[BreakRecord]:
        return archive.list_breaks(self.database, profile_id, open_only=open_only)

    def list_deferrals(self, profile_id: str) -> list[DeferralRecord]:
        return archive.list_deferrals(self.database, profile_id)

    def find_order(self, order_id: str, profile_id: str | None = None) -> list[tuple[str, LocalOrder]]:
        return archive.find_order(self.database, order_id, profile_id)

    def orders_of_trade(self, profile_id: str, trade_id: str) -> list[LocalOrder]:
        return archive.orders_of_trade(self.database, profile_id, trade_id)

    def order_timeline(self, profile_id: str, order: LocalOrder) -> list[TimelineEntry]:
        return archive.order_timeline(self.database, profile_id, order)

    def trade_timeline(self, profile_id: str, trade_id: str) -> list[TimelineEntry]:
        return archive.trade_timeline(self.database, profile_id, trade_id)

    def export(self, table: str, profile_id: str | None = None) -> list[dict[str, Any]]:
        """Rows of one table (see `archive.EXPORTS`) as plain dictionaries, for CSV or JSON lines."""
        return archive.export(self.database, table, profile_id)

    def purge(self, older_than_s: float, keep_last: int) -> dict[str, int]:
        return archive.purge(self.database, older_than_s, keep_last)

    def verify_log(self, profile_id: str) -> log.LogReport:
        return log.verify_log(self.database, profile_id)

    def fold_log(self, profile_id: str) -> log.FoldReport:
        return log.fold_log(self.database, profile_id)

    # -- people -------------------------------------------------------------------------------------------------------

    def restart_confirmations(self, profile_id: str, trade_id: str) -> None:
        with self.database.transaction():
            prior = self.profile_states([profile_id])[profile_id].prior
            kept = [
                one
                for one in prior
                if one.kind is not BreakKind.POSITION_MISMATCH or known_id(one.trade_id) != known_id(trade_id)
            ]
            self.database.write("set_findings", profile_id, msgspec.json.encode(kept).decode())

    def add_decision(self, profile_id: str, decision: Decision) -> None:
        decisions.add_decision(self.database, profile_id, decision)

    def revoke_decision(self, decision_id: str, author: str, reason: str) -> None:
        decisions.revoke_decision(self.database, decision_id, author, reason)

    def list_decisions(self, profile_id: str | None = None) -> list[DecisionRecord]:
        return decisions.list_decisions(self.database, profile_id)

    # -- telling ------------------------------------------------------------------------------------------------------

    def list_alerts(self, profile_id: str | None = None) -> list[AlertRecord]:
        return alerts.list_alerts(self.database, profile_id)

    def keep_alerts(self, told: Sequence[AlertRecord]) -> None:
        alerts.keep_alerts(self.database, told)

    def pending_notifications(self, limit: int, profile_ids: Sequence[str] | None = None) -> list[OutboxItem]:
        return outbox.pending(self.database, limit, profile_ids)

    def mark_delivered(self, items: Sequence[OutboxItem]) -> None:
        outbox.mark_delivered(self.database, items)

    def mark_failed(self, item: OutboxItem, error: str) -> bool:
        return outbox.mark_failed(self.database, item, error)

    def unpark_notifications(self, profile_id: str | None = None) -> int:
        """Parked notifications become due again; returns how many."""
        return outbox.unpark(self.database, profile_id)

    def parked_notifications(self, profile_ids: Sequence[str]) -> dict[str, int]:
        return outbox.parked(self.database, profile_ids)

    def outbox_state(self) -> OutboxState:
        return outbox.outbox_state(self.database)

    def count_outbox(self, profile_id: str | None = None) -> tuple[int, int]:
        """How many notifications wait, and how many are parked."""
        waiting, parked = self.database.rows("count_outbox", profile_id)[0]
        return int(str(waiting)), int(str(parked))
