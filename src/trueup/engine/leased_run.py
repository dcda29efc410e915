"""The leased part of an account's run: observe, plan, ask, plan again, commit each profile.

Rules: a profile is committed as soon as its plan has no question left, so that one that fails or waits spoils and
delays no other; the lease is renewed when half of it is used; a lost lease ends the run with nothing more written.
"""

import logging
from collections.abc import Callable, Mapping
from functools import partial

from trueup.core.make_plan import make_plan
from trueup.engine.account import AccountReport, ManagedAccount, ProfileReport, RunState
from trueup.engine.answer_queries import Answers
from trueup.engine.decide_state import decide_state, is_complete, is_due, is_news, next_watermark
from trueup.engine.deferrals import deferral_ages
from trueup.engine.events import Event, log_event
from trueup.engine.in_thread import in_thread
from trueup.engine.observe import Remembered, make_snapshot, observe_local, observe_venue
from trueup.model.errors import FenceLost, TrueupError
from trueup.model.plan import PLAN_FORMAT, Plan, Result
from trueup.model.snapshot import Snapshot
from trueup.model.times import NS_PER_S, to_ns
from trueup.ports import ApplyReport, Lease

QUERY_ROUNDS_MAX = (
    5  # an order by both ids, its successor, the history, one to spare; the rest waits for a run
)
KEPT_STATES = (RunState.DRY, RunState.APPLIED, RunState.BLOCKED)


class LeasedRun:
    """One run under one lease. `waiting` holds the profiles whose plan still has a question."""

    def __init__(
        self, account: ManagedAccount, lease: Lease, *, apply: bool, approved: Mapping[str, Plan]
    ) -> None:
        self._account = account
        self._lease = lease
        self._apply = apply
        self._approved = approved
        self._fields = {"account_id": account.account_id}
        self._answers = Answers(account)
        self._remembered: dict[str, Remembered] = {}
        self._waiting: dict[str, tuple[Snapshot, Plan]] = {}
        self._reports: dict[str, ProfileReport] = {}
        self._completed: dict[str, str] = {}
        self._error: str | None = None

    async def run(self) -> None:
        """Takes every profile to its end. Those that an error leaves behind are reported with it."""
        try:
            await self._start()
            for round_ in range(1, QUERY_ROUNDS_MAX + 1):
                if not self._waiting:
                    return
                await self._ask_and_judge(last=round_ == QUERY_ROUNDS_MAX)
        except FenceLost as error:
            log_event(Event.LEASE_LOST, self._fields, level=logging.WARNING)
            self._leave_rest(RunState.SKIPPED, error_text(error))
        except Exception as error:  # noqa: BLE001 - the one boundary around a run
            log_event(Event.RUN_FAILED, self._fields, level=logging.ERROR, error=error)
            self._leave_rest(RunState.FAILED, error_text(error))

    async def release(self) -> None:
        """Frees the lease, whatever happened; one that is no longer ours needs no freeing."""
        try:
            await in_thread(self._account.journal.release_lease, self._lease, self._completed)
        except TrueupError as error:
            log_event(Event.LEASE_LOST, self._fields, level=logging.WARNING, error=error)

    def report(self) -> AccountReport:
        return AccountReport(
            account_id=self._account.account_id,
            processed=self._error is None,
            profiles=[self._reports[one] for one in self._account.profile_ids if one in self._reports],
            error=self._error,
        )

    # -- observe and plan -------------------------------------------------------------------------------------------

    async def _start(self) -> None:
        account = self._account
        local = await observe_local(account)
        self._remembered = local.remembered
        active = [managed for managed in account.profiles if not self._is_paused(managed.profile_id)]
        if not active:
            return
        venue = await observe_venue(account, local)
        await self._record_account(local.recorded_account_id, venue.venue.account_id)
        taken_at = await in_thread(account.ledger.now)
        for managed in active:
            await self._judge(managed.profile_id, partial(make_snapshot, managed, local, venue, taken_at))

    async def _ask_and_judge(self, *, last: bool) -> None:
        waiting, self._waiting = self._waiting, {}
        await self._keep_lease()
        await self._answers.ask({profile_id: plan.queries for profile_id, (_, plan) in waiting.items()})
        taken_at = await in_thread(self._account.ledger.now)
        for profile_id, (snapshot, plan) in waiting.items():
            answered = partial(self._answers.add_to, snapshot, plan.queries, taken_at)
            await self._judge(profile_id, answered, last=last)

    async def _judge(self, profile_id: str, observed: Callable[[], Snapshot], *, last: bool = False) -> None:
        """Plans one profile, then commits it or lets it wait for answers. Its failure is its own."""
        snapshot: Snapshot | None = None
        try:
            snapshot = await in_thread(observed)
            plan = await in_thread(make_plan, snapshot)
            if not last and self._answers.unasked(profile_id, plan.queries):
                self._waiting[profile_id] = (snapshot, plan)
            else:
                await self._settle(profile_id, snapshot, plan)
        except FenceLost:
            raise
        except Exception as error:  # noqa: BLE001 - the boundary around one profile
            log_event(
                Event.RUN_FAILED, self._fields | {"profile_id": profile_id}, level=logging.ERROR, error=error
            )
            await self._keep_failure(profile_id, snapshot, error_text(error))

    async def _record_account(self, recorded: str | None, answered: str | None) -> None:
        """The venue's own id of the account is kept from the first run on: another one answering later is a fault."""
        if recorded is None and answered is not None:
            await in_thread(self._account.journal.record_venue_account, self._account.account_id, answered)

    # -- commit -----------------------------------------------------------------------------------------------------

    async def _settle(self, profile_id: str, snapshot: Snapshot, plan: Plan) -> None:
        approved = self._approved.get(profile_id)
        before = self._remembered[profile_id]
        state, reason = decide_state(plan, apply=self._apply, approved=approved)
        watermark = before.state.watermark
        moved = next_watermark(snapshot, plan, watermark) if state is RunState.APPLIED else None
        applied: ApplyReport | None = None
        if state in KEPT_STATES and (is_news(before, plan, state) or is_due(watermark, moved)):
            applied = await self._commit(snapshot, plan, state, moved)
        elif state in KEPT_STATES:
            state = RunState.UNCHANGED
        if state is not RunState.STALE and is_complete(snapshot, plan):
            self._completed[profile_id] = snapshot.taken_at
        self._reports[profile_id] = ProfileReport(
            profile_id=profile_id,
            state=state,
            run_id=None if applied is None else applied.run_id,
            snapshot=snapshot,
            plan=plan,
            applied=applied,
            blocked_reason=reason,
            deferred_for_s=deferral_ages(before, plan),
        )

    async def _commit(
        self, snapshot: Snapshot, plan: Plan, state: RunState, watermark: str | None = None
    ) -> ApplyReport:
        await self._keep_lease()
        return await in_thread(
            self._account.journal.commit_run,
            self._lease,
            snapshot,
            plan,
            state=state.value,
            watermark=watermark,
            notify=self._account.executor is not None,
        )

    async def _keep_failure(self, profile_id: str, snapshot: Snapshot | None, error: str) -> None:
        """Records a failed run where there is a snapshot to replay; nothing of its plan is kept."""
        applied: ApplyReport | None = None
        if snapshot is not None:
            try:
                applied = await self._commit(snapshot, _failed_plan(snapshot, error), RunState.FAILED)
            except FenceLost:
                raise
            except TrueupError as second:
                log_event(
                    Event.RUN_FAILED,
                    self._fields | {"profile_id": profile_id},
                    level=logging.ERROR,
                    error=second,
                )
        run_id = None if applied is None else applied.run_id
        self._reports[profile_id] = ProfileReport(
            profile_id=profile_id, state=RunState.FAILED, run_id=run_id, snapshot=snapshot, error=error
        )

    async def _keep_lease(self) -> None:
        """Renews the lease when half of it is used. Raises FenceLost where it is no longer ours."""
        account = self._account
        left_ns = self._lease.expires_ns - to_ns(await in_thread(account.ledger.now))
        if left_ns < account.lease_ttl_s * NS_PER_S / 2:
            self._lease = await in_thread(account.journal.renew_lease, self._lease, account.lease_ttl_s)

    # -- report -----------------------------------------------------------------------------------------------------

    def _is_paused(self, profile_id: str) -> bool:
        state = self._remembered[profile_id].state
        if state.paused:
            self._reports[profile_id] = ProfileReport(
                profile_id=profile_id, state=RunState.PAUSED, error=state.pause_reason
            )
        return state.paused

    def _leave_rest(self, state: RunState, error: str) -> None:
        self._error = error
        for profile_id in self._account.profile_ids:
            if profile_id not in self._reports:
                self._reports[profile_id] = ProfileReport(profile_id=profile_id, state=state, error=error)


def error_text(error: BaseException) -> str:
    """One line of an error, or of the errors of tasks that ran together."""
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(error_text(one) for one in error.exceptions)
    return f"{type(error).__name__}: {error}"


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
