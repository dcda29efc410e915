"""The one write transaction of a profile's run (design.md, "Apply"): all of it or nothing, behind the renewal fence.

In this order: the fence; the rows as they stand; which corrections still apply; log, orders, fills and trades, with the
invariants; breaks, deferrals, findings, outbox, run record, watermark. An in-sync run writes its lease only.
"""

from collections.abc import Iterable, Sequence

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from trueup.core.draft.facts import Facts
from trueup.ledgers.journal.decisions import standing_decisions
from trueup.ledgers.journal.exit_audit import exit_audit
from trueup.ledgers.journal.journal_rows import encode, write_breaks, write_notifications
from trueup.ledgers.journal.leases import renew
from trueup.ledgers.journal.order_log import BY_RUN
from trueup.ledgers.journal.write_log import SqlOrderLog
from trueup.ledgers.sql.apply_plan import Selection, select_corrections
from trueup.ledgers.sql.check_invariants import Invariants
from trueup.ledgers.sql.commit_mirror import MirrorCommit
from trueup.ledgers.sql.database import CommitUnknown, Database, int_value, text_value
from trueup.ledgers.sql.home import home_of
from trueup.ledgers.sql.pack_run import PackedRun, packing
from trueup.ledgers.sql.plan_index import PlanIndex
from trueup.ledgers.sql.plan_texts import PlanTexts
from trueup.ledgers.sql.rows import json_list
from trueup.model.coverage_scope import scope_of
from trueup.model.errors import ConfigError
from trueup.model.ids import known_client_id, known_id
from trueup.model.plan import Notification, Plan
from trueup.model.snapshot import LocalOrder, Snapshot
from trueup.model.times import to_ns
from trueup.model.vocabulary import DecisionKind, Severity, TradeStatus
from trueup.ports.book_rows import FillRow, TradeRow
from trueup.ports.books import Books
from trueup.ports.foreign_books import ForeignBooks
from trueup.ports.records import ApplyReport, Lease

AFRESH = "-afresh-"  # between the id of a notification that was told before an undo, and the run that tells it again
STATES = ("dry", "applied", "blocked", "failed")
_NOTHING = Selection([], [], [], [], [], [])


class Run(Struct, kw_only=True):
    """One profile's run on its way into the ledger."""

    run_id: str
    snapshot: Snapshot
    plan: Plan
    state: str
    watermark: str | None
    notify: bool
    foreign: ForeignBooks | None = None  # whose rows the books mirror

    @property
    def profile_id(self) -> str:
        return self.plan.profile_id


class _Prepared(Struct):
    """What is made of a run before the database is locked for it."""

    texts: PlanTexts
    index: PlanIndex | None = None  # of a plan to be applied
    kept: PackedRun | None = None  # snapshot and plan as they are stored, of a run worth keeping


def commit_run(database: Database, books: Books, lease: Lease, run: Run) -> ApplyReport:
    """Raises FenceLost, LedgerError, InvariantError; in each case nothing of the run was written."""
    if run.state not in STATES:
        raise ConfigError(f"a run is {' or '.join(STATES)}, not {run.state!r}")
    if run.plan.profile_id != run.snapshot.profile.profile_id:
        raise ConfigError(f"the plan is of profile {run.plan.profile_id}, not of the snapshot's")
    texts = PlanTexts(run.plan)
    if not _is_worth_keeping(run):
        return _commit(database, books, lease, run, _Prepared(texts))
    with packing(run.snapshot, texts) as kept:
        index = PlanIndex(run.plan) if run.state == "applied" and run.plan.corrections else None
        kept.snapshot()
        return _commit(database, books, lease, run, _Prepared(texts, index, kept))


def _commit(database: Database, books: Books, lease: Lease, run: Run, prepared: _Prepared) -> ApplyReport:
    """The transaction; a lost acknowledgement of its commit is looked up."""
    try:
        with database.transaction():
            renew(database, lease)
            return _Commit(database, books, run, prepared).write()
    except CommitUnknown:
        rows = database.rows("run_report", run.run_id)
        if not rows:
            raise
        superseded = msgspec.json.decode(text_value(rows[0][1]), type=list[str])
        return ApplyReport(
            run_id=run.run_id,
            applied=int_value(rows[0][0]),
            superseded=len(superseded),
            superseded_ids=superseded,
            recorded=True,
        )


def _is_worth_keeping(run: Run) -> bool:
    """A run that found or changed something. What is only for information is kept when it is new."""
    found = any(one.severity is not Severity.INFO for one in run.plan.breaks)
    known = {one.break_id for one in run.snapshot.prior}
    new = any(one.break_id not in known for one in run.plan.breaks)
    return found or new or bool(run.plan.corrections) or run.state in ("blocked", "failed")


class _Commit:
    """The transaction's statements; the caller holds the transaction and has passed the fence."""

    def __init__(self, database: Database, books: Books, run: Run, prepared: _Prepared) -> None:
        self._database = database
        self._books = books
        self._run = run
        self._prepared = prepared
        self._home = home_of(database, run.profile_id)
        self._now = self._home.place.now
        self._mirror = MirrorCommit(database, self._home, run.foreign, run.run_id)

    def write(self) -> ApplyReport:
        run, index, kept = self._run, self._prepared.index, self._prepared.kept
        selection, booked = (_NOTHING, []) if index is None else self._select(index)
        self._write_books(selection, booked)
        if run.state != "failed":
            self._write_breaks(selection)
            self._write_deferrals()
            self._write_findings()
        if run.notify:
            self._write_outbox(selection.notifications)
        if kept is not None:
            self._write_run(selection, kept)
        self._write_watermark(selection)
        if run.state == "applied" and run.plan.lapsed and not selection.superseded:
            self._let_go()
        return ApplyReport(
            run_id=run.run_id,
            applied=len(selection.applied),
            superseded=len(selection.superseded),
            superseded_ids=[one.correction_id for one in selection.superseded],
            notifications=len(selection.notifications) if run.notify else 0,
            conflicts=selection.conflicts,
            recorded=kept is not None,
        )

    def _let_go(self) -> None:
        """Undone repairs that are held no more: their evidence changed, or nothing is left to repair."""
        for decision_id in self._run.plan.lapsed:
            by, why = BY_RUN + self._run.run_id, "the evidence changed, or nothing is left to repair"
            self._database.write("revoke_decision", decision_id, self._now, by, why)

    def _write_watermark(self, selection: Selection) -> None:
        """One that is later than now is not stored, and those that were stored so are forgotten."""
        run, database = self._run, self._database
        database.write("forget_watermarks", run.profile_id, self._now)
        if run.watermark is None or selection.superseded:  # an insert may have been dropped
            return
        if to_ns(run.watermark) <= to_ns(self._now):
            head = self._home.log_head
            scope = encode(scope_of(run.snapshot.policy)).decode()
            database.write("set_watermark", run.profile_id, head.seq, head.hash, run.watermark, scope)

    def _select(self, index: PlanIndex) -> tuple[Selection, list[FillRow]]:
        """With the fills that are booked of the orders."""
        place = self._home.place
        rows = self._books.rows(place, index.wanted())
        rows.unseen_trades = self._unseen(rows.trades)
        rows.moved = self._mirror.moved(rows.orders)
        rows.undone, rows.undone_trades = self._undone()
        return select_corrections(index, rows, place.profile_id), rows.fills

    def _undone(self) -> tuple[frozenset[str], frozenset[str]]:
        """Orders and trades whose repair a person undid since the plan's snapshot was read: it does not know of it."""
        profile_id = self._run.profile_id
        seen = {one.decision_id for one in self._run.snapshot.local.decisions}
        standing = standing_decisions(self._database, [profile_id]).get(profile_id, [])
        new = [
            one for one in standing if one.kind is DecisionKind.HOLD_REPAIR and one.decision_id not in seen
        ]
        ids = [(known_id(one.venue_order_id), known_client_id(one.client_order_id)) for one in new]
        trades = [known_id(one.trade_id) for one, both in zip(new, ids, strict=True) if both == (None, None)]
        return (
            frozenset(name for both in ids for name in both if name is not None),
            frozenset(name for name in trades if name is not None),
        )

    def _unseen(self, rows: Iterable[TradeRow]) -> frozenset[str]:
        """Trades that the plan could not move, for it did not know them: every trade not closed is read."""
        seen = {trade.trade_id for trade in self._run.snapshot.local.trades}
        present = (row.trade for row in rows)
        return frozenset(
            one.trade_id
            for one in present
            if one.status is not TradeStatus.CLOSED and one.trade_id not in seen
        )

    def _write_books(self, selection: Selection, booked: Iterable[FillRow]) -> None:
        run = self._run
        invariants = Invariants(
            booked,
            self._orders_of,
            allow_overfill=run.snapshot.policy.allow_overfill,
            tolerance=Facts(run.snapshot).tolerance,
        )
        log = SqlOrderLog(self._database, self._home, event="corrected", written_by=BY_RUN + run.run_id)
        with invariants.checking(selection.trades) as check:
            self._books.write(self._home.place, selection.orders, selection.trades, log, check)
        if selection.orders or selection.trades:
            self._mirror.write(selection.orders, selection.trades)

    def _orders_of(self, trade_id: str) -> list[LocalOrder]:
        return self._books.orders_of_trade(self._home.place.profile_id, trade_id)

    def _write_breaks(self, selection: Selection) -> None:
        plan, run_id = self._run.plan, self._run.run_id
        if plan.breaks:
            left = None
            if selection.applied:
                dropped = {one.break_id for one in selection.superseded}
                left = [one.break_id for one in plan.breaks if not one.corrected or one.break_id in dropped]
            texts = self._prepared.texts
            write_breaks(self._database, plan.profile_id, texts.breaks, plan.taken_at, run_id, left)
        waiting = json_list(one.break_id for one in plan.findings if one.break_id)
        self._database.write("close_other_breaks", plan.profile_id, run_id, plan.taken_at, waiting)

    def _write_run(self, selection: Selection, kept: PackedRun) -> None:
        run = self._run
        self._database.write(
            "insert_run",
            run.run_id,
            run.profile_id,
            run.plan.plan_id,
            run.plan.taken_at,
            self._now,
            run.state,
            run.plan.result.error,
            len(selection.applied),
            encode(selection.superseded).decode(),
            kept.snapshot(),
            kept.plan(),
        )
        audit = exit_audit(run.plan, selection.applied, run_id=run.run_id, audited_at=self._now)
        self._database.write_many("insert_exit_audit", audit)

    def _write_outbox(self, notifications: Sequence[Notification]) -> None:
        told = self._prepared.texts.notifications
        afresh = self._told_afresh(notifications)
        if len(notifications) < len(self._run.plan.notifications) or afresh is not notifications:
            told = encode(afresh)
        if notifications:
            write_notifications(self._database, self._run.profile_id, told, self._now, self._run.run_id)

    def _told_afresh(self, notifications: Sequence[Notification]) -> Sequence[Notification]:
        """What was told before and undone since is told under another id, else it would pass for a repetition."""
        database, run = self._database, self._run
        if not notifications or not database.rows("was_anything_undone", run.profile_id)[0][0]:
            return notifications
        ids = json_list(one.notification_id for one in notifications)
        known = {row[0] for row in database.rows("known_notifications", ids)}
        if not known:
            return notifications
        return [
            replace(one, notification_id=f"{one.notification_id}{AFRESH}{run.run_id}")
            if one.notification_id in known
            else one
            for one in notifications
        ]

    def _write_findings(self) -> None:
        plan, prior = self._run.plan, self._run.snapshot.prior
        if plan.findings != prior:
            self._database.write("set_findings", plan.profile_id, encode(plan.findings).decode())

    def _write_deferrals(self) -> None:
        plan = self._run.plan
        names = [(_deferral_identity(d.client_order_id, d.venue_order_id), d) for d in plan.deferred]
        self._database.write("keep_deferrals", plan.profile_id, json_list(name for name, _ in names))
        rows = [
            (
                plan.profile_id,
                name,
                known_client_id(d.client_order_id),
                known_id(d.venue_order_id),
                d.reason,
                plan.taken_at,
            )
            for name, d in names
        ]
        self._database.write_many("defer_order", rows)


def _deferral_identity(client_order_id: str | None, venue_order_id: str | None) -> str:
    venue_id = known_id(venue_order_id)
    return f"v:{venue_id}" if venue_id is not None else f"c:{known_client_id(client_order_id)}"
