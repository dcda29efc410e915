"""One run of an account under its lease: what each profile's plan leads to, in one transaction of its own.

Rules: nothing is written that is not news, but for how far the history is classed, which is kept with the lease's
release; the lease is renewed when half of it is used; a lost lease ends the run with
nothing more written. Must not know how a snapshot is judged, nor how a row is stored.
"""

import logging
from collections.abc import Mapping

from trueup.engine.events import Event, log_event
from trueup.engine.in_thread import in_thread
from trueup.engine.run.account import AccountReport, ManagedAccount, ProfileReport, RunState
from trueup.engine.run.decide_state import (
    decide_state,
    history_gap,
    is_complete,
    is_due,
    is_news,
    next_watermark,
)
from trueup.engine.run.observe_local import Remembered
from trueup.engine.run.plan_profiles import Planned, Planning, Unplanned, error_text
from trueup.engine.run.together import Together
from trueup.model.coverage_scope import scope_of
from trueup.model.errors import ClockSkewed, ConfigError, FenceLost, TrueupError
from trueup.model.plan import PLAN_FORMAT, Plan, Result
from trueup.model.snapshot import Snapshot
from trueup.model.times import NS_PER_S, to_ns
from trueup.ports.foreign_books import ForeignBooks, RepairAsked, WriteMode
from trueup.ports.records import ApplyReport, Attempt, Classed, Lease, Release
from trueup.ports.venue import TellingTime

KEPT_STATES = (RunState.DRY, RunState.APPLIED, RunState.BLOCKED)


class LeasedRun:
    """`approved`, by profile id: plans that a person accepted; they apply exactly, or not at all."""

    def __init__(
        self,
        account: ManagedAccount,
        lease: Lease,
        *,
        apply: bool,
        approved: Mapping[str, Plan],
        together: Together | None = None,
    ) -> None:
        self._account = account
        self._together = together
        self._planning = Planning(account, lease, together)
        self._lease = lease
        self._apply = apply
        self._approved = approved
        self._fields = {"account_id": account.account_id}
        self._reports: dict[str, ProfileReport] = {}
        self._completed: dict[str, str] = {}
        self._classed: list[Classed] = []
        self._error: str | None = None
        self._ahead_ns = 0  # of the venue's clock, at most, by the answers of this run
        self._telling_time = account.venue if isinstance(account.venue, TellingTime) else None
        if self._telling_time is not None:
            self._telling_time.take_skew_ns()  # what was answered before is an earlier run's

    async def run(self) -> None:
        """Takes every profile to its end. Those that an error leaves behind are reported with it."""
        try:
            await self._run()
        except FenceLost as error:
            log_event(Event.LEASE_LOST, self._fields, level=logging.WARNING)
            self._leave_rest(RunState.SKIPPED, error_text(error))
        except Exception as error:  # noqa: BLE001 - the one boundary around a run
            self._say_failed(self._fields, error)
            self._leave_rest(RunState.FAILED, error_text(error), _cause(error))

    async def _run(self) -> None:
        planning = self._planning
        await planning.observe()
        self._reports |= {one.profile_id: one for one in planning.paused}
        await self._keep_venue_account()
        await self._settle_all()
        while planning.has_questions:
            await self.keep_lease()
            await planning.ask()
            await self._settle_all()

    async def _settle_all(self) -> None:
        async for planned in self._planning.plans():
            try:
                if isinstance(planned, Unplanned):
                    raise planned.error
                await self._settle(planned)
            except FenceLost:
                raise
            except Exception as error:  # noqa: BLE001 - the boundary around one profile
                await self._fail(planned.profile_id, planned.snapshot, error)

    @property
    def lease(self) -> Lease:
        """As it was renewed last."""
        return self._lease

    async def release(self, due_in_s: float | None) -> None:
        """Frees the lease, whatever happened; one that is no longer ours needs no freeing."""
        report = self.report()
        ended = len(report.profiles) == len(self._account.profile_ids)  # and was not cancelled on its way
        release = Release(
            lease=self._lease,
            completed=self._completed,
            due_in_s=due_in_s,
            attempt=Attempt(failure=report.failure) if ended else None,
            classed=self._classed,
        )
        journal = self._account.ledger.journal
        try:
            if self._together is None:
                await in_thread(journal.release_leases, [release])
            else:
                await self._together.release(journal, release)
        except TrueupError as error:
            log_event(Event.LEASE_LOST, self._fields, level=logging.WARNING, error=error)

    @property
    def remembered(self) -> Mapping[str, Remembered]:
        """What the journal held before, by profile id; empty where it could not be read."""
        return self._planning.remembered

    def report(self) -> AccountReport:
        return AccountReport(
            account_id=self._account.account_id,
            processed=self._error is None,
            profiles=[self._reports[one] for one in self._account.profile_ids if one in self._reports],
            error=self._error,
        )

    async def _keep_venue_account(self) -> None:
        """The venue's own id of the account is kept from the first run on: another one answering is a fault."""
        await self._compare_clocks()
        local, venue = self._planning.local, self._planning.venue
        answered = None if venue is None else venue.venue.account_id
        if local is not None and local.recorded_account_id is None and answered is not None:
            account = self._account
            await in_thread(account.ledger.journal.record_venue_account, account.account_id, answered)

    async def keep_lease(self) -> None:
        """Renews the lease when half of it is used. Raises FenceLost where it is no longer ours."""
        account = self._account
        left_ns = self._lease.expires_ns - to_ns(await in_thread(account.ledger.now))
        ttl_ns = account.lease_ttl_s * NS_PER_S
        if not ttl_ns / 2 <= left_ns <= ttl_ns:  # more is left where the clock was put back
            renew = account.ledger.journal.renew_lease
            self._lease = await in_thread(renew, self._lease, account.lease_ttl_s)

    async def _settle(self, planned: Planned) -> None:
        """Commits what is news, and notes how the profile's run ended."""
        snapshot, plan = planned.snapshot, planned.plan
        before = self._planning.remembered[plan.profile_id]
        approved = self._approved.get(plan.profile_id)
        books = self._account.books_of(plan.profile_id)
        state, reason = decide_state(plan, apply=self._apply and may_write(books), approved=approved)
        if approved is not None and not may_write(books):
            raise ConfigError("the bot's own books are not written (write = 'tables' allows it): nothing was")
        watermark = before.state.watermark
        moved = (
            next_watermark(snapshot, plan, watermark, self._ahead_ns) if state is RunState.APPLIED else None
        )
        applied: ApplyReport | None = None
        news = is_news(before, plan, state) or before.state.is_future
        if state in KEPT_STATES and news:
            applied = await self._commit(snapshot, plan, state, moved)
        elif moved is not None and is_due(watermark, moved):
            await self._compare_clocks()
            scope = scope_of(snapshot.policy)
            self._classed.append(Classed(profile_id=plan.profile_id, watermark=moved, scope=scope))
        if state in KEPT_STATES and not news:
            state = RunState.UNCHANGED
        if state is not RunState.STALE and is_complete(snapshot, plan):
            self._completed[plan.profile_id] = snapshot.local.read_at or snapshot.taken_at
        self._reports[plan.profile_id] = ProfileReport(
            profile_id=plan.profile_id,
            state=state,
            run_id=applied.run_id if applied is not None and applied.recorded else None,
            snapshot=snapshot,
            plan=plan,
            applied=applied,
            blocked_reason=reason,
            history_gap=history_gap(snapshot, watermark),
            asked=await self._ask(books, snapshot, plan),
        )

    async def _ask(self, books: ForeignBooks | None, snapshot: Snapshot, plan: Plan) -> list[RepairAsked]:
        """What the bot's own API is asked to repair, where repairs may be made, and that way only."""
        if books is None or not self._apply or books.traits.write is not WriteMode.ASK:
            return []
        asked = await in_thread(books.ask, snapshot, plan)
        for one in asked:
            fields = {"profile_id": one.profile_id, "trade_id": one.trade_id, "symbol": one.symbol}
            more = {"what": one.what, "outcome": one.outcome}
            log_event(Event.REPAIR_ASKED, self._fields | fields | more)
        return asked

    async def _fail(self, profile_id: str, snapshot: Snapshot | None, error: Exception) -> None:
        """Records a failed run where there is a snapshot to look at; nothing of its plan is kept."""
        fields = self._fields | {"profile_id": profile_id}
        self._say_failed(fields, error)
        text = error_text(error)
        applied: ApplyReport | None = None
        if snapshot is not None:
            try:
                applied = await self._commit(snapshot, _failed_plan(snapshot, text), RunState.FAILED)
            except FenceLost:
                raise
            except TrueupError as second:
                self._say_failed(fields, second)
        self._reports[profile_id] = ProfileReport(
            profile_id=profile_id,
            state=RunState.FAILED,
            run_id=None if applied is None else applied.run_id,
            snapshot=snapshot,
            error=text,
            cause=_cause(error),
        )

    async def _commit(
        self, snapshot: Snapshot, plan: Plan, state: RunState, watermark: str | None = None
    ) -> ApplyReport:
        """The one write transaction. Its first statement is the fence, which renews the lease."""
        await self._compare_clocks()
        return await in_thread(
            self._account.ledger.commit_run,
            self._lease,
            snapshot,
            plan,
            state=state.value,
            watermark=watermark,
            notify=self._account.executor is not None,
            foreign=self._account.books_of(plan.profile_id),
        )

    async def _compare_clocks(self) -> None:
        """Raises ClockSkewed where an answer of this run was too far from the ledger's clock."""
        account = self._account
        ahead_ns = None if self._telling_time is None else self._telling_time.take_skew_ns()
        if ahead_ns is not None:
            ledger_ns = to_ns(await in_thread(account.ledger.now))
            self._ahead_ns = max(self._ahead_ns, ahead_ns + ledger_ns - account.clock.now_ns(), key=abs)
        if abs(self._ahead_ns) > account.clock_skew_max_s * NS_PER_S:
            ahead_s = self._ahead_ns / NS_PER_S
            raise ClockSkewed(
                f"our clock is {abs(ahead_s):.0f} s {'ahead of' if ahead_s > 0 else 'behind'} the venue's, more than"
                f" {account.clock_skew_max_s:g} s: nothing was written; synchronise it (NTP)"
            )

    def _say_failed(self, fields: Mapping[str, object], error: Exception) -> None:
        account = self._account
        account.said.log(
            account.clock.monotonic_ns(), Event.RUN_FAILED, fields, level=logging.ERROR, error=error
        )

    def _leave_rest(self, state: RunState, error: str, cause: str = "failed") -> None:
        self._error = error
        for profile_id in self._account.profile_ids:
            if profile_id not in self._reports:
                self._reports[profile_id] = ProfileReport(
                    profile_id=profile_id, state=state, error=error, cause=cause
                )


def may_write(books: ForeignBooks | None) -> bool:
    """Whether corrections may be applied: to trueup's own tables, or to a bot's that are written to."""
    return books is None or books.traits.write is WriteMode.TABLES


def _cause(error: Exception) -> str:
    return "clock" if isinstance(error, ClockSkewed) else "failed"


def _failed_plan(snapshot: Snapshot, error: str) -> Plan:
    """A plan that changes nothing and keeps what was known."""
    return Plan(
        format=PLAN_FORMAT,
        plan_id="",
        profile_id=snapshot.profile.profile_id,
        taken_at=snapshot.taken_at,
        findings=snapshot.prior,
        result=Result(processed=False, error=error),
    )
