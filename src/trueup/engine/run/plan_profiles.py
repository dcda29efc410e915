"""Observes an account once and plans each of its profiles: ask, plan again, until a plan has no question left.

Rules: a profile is handed on as soon as its plan is settled, so that one that fails or waits for answers delays no
other; rounds are bounded. Must not know what becomes of a plan.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import cache, partial

from trueup.core.make_plan import make_plan
from trueup.engine.in_thread import in_thread
from trueup.engine.run.account import ManagedAccount, ProfileReport, RunState
from trueup.engine.run.answer_queries import Answers
from trueup.engine.run.observe import (
    LocalSide,
    Remembered,
    VenueSide,
    make_snapshot,
    observe_local,
    observe_venue,
)
from trueup.model.errors import FenceLost
from trueup.model.plan import Plan
from trueup.model.snapshot import Snapshot

# an order by both ids, its successor, the history, what that shows by both ids, one to spare; the rest waits for a run
QUERY_ROUNDS_MAX = 8


class PlanProfiles(ABC):
    """One observation of an account, and what it leads to. `reports` is filled by those who settle a plan."""

    def __init__(self, account: ManagedAccount) -> None:
        self.account = account
        self.reports: dict[str, ProfileReport] = {}
        self.remembered: dict[str, Remembered] = {}
        self._answers = Answers(account)
        self._waiting: dict[str, tuple[Snapshot, Plan]] = {}

    @abstractmethod
    async def settle(self, snapshot: Snapshot, plan: Plan) -> None:
        """What becomes of a plan that has no question left, or is not answered in this run."""

    @abstractmethod
    async def fail(self, profile_id: str, snapshot: Snapshot | None, error: Exception) -> None:
        """What becomes of a profile that could not be planned or settled."""

    async def keep(self, local: LocalSide, venue: VenueSide) -> None:  # noqa: B027 - nothing, unless overridden
        """After the first reads, before anything is judged."""

    async def continue_(self) -> None:  # noqa: B027 - nothing, unless overridden
        """Before each round of questions."""

    async def plan_all(self) -> None:
        """Every profile that is not paused, to its end."""
        await self._start()
        for round_ in range(1, QUERY_ROUNDS_MAX + 1):
            if not self._waiting:
                return
            await self._ask_and_judge(last=round_ == QUERY_ROUNDS_MAX)

    async def _start(self) -> None:
        account = self.account
        local = await observe_local(account)
        self.remembered = local.remembered
        active = [managed for managed in account.profiles if not self._is_paused(managed.profile_id)]
        if not active:
            return
        venue = await observe_venue(account, local)
        await self.keep(local, venue)
        taken_at = cache(account.ledger.now)  # one time for all, asked in the first one's thread
        for managed in active:
            checked = account.checked[managed.profile_id]
            observed = partial(make_snapshot, managed, local, venue, taken_at, checked)
            await self._judge(managed.profile_id, observed)

    async def _ask_and_judge(self, *, last: bool) -> None:
        waiting, self._waiting = self._waiting, {}
        await self.continue_()
        await self._answers.ask({profile_id: plan.queries for profile_id, (_, plan) in waiting.items()})
        taken_at = await in_thread(self.account.ledger.now)
        for profile_id, (snapshot, plan) in waiting.items():
            answered = partial(self._answers.add_to, snapshot, plan.queries, taken_at)
            await self._judge(profile_id, answered, last=last)

    async def _judge(self, profile_id: str, observed: Callable[[], Snapshot], *, last: bool = False) -> None:
        """Plans one profile, then settles it or lets it wait for answers. Its failure is its own."""
        snapshot: Snapshot | None = None
        try:
            seen, plan = await in_thread(_observe_and_plan, observed)
            snapshot = seen
            if isinstance(plan, Exception):
                raise plan
            if not last and self._answers.untold(profile_id, plan.queries):
                self._waiting[profile_id] = (snapshot, plan)
            else:
                await self.settle(snapshot, plan)
        except FenceLost:
            raise
        except Exception as error:  # noqa: BLE001 - the boundary around one profile
            await self.fail(profile_id, snapshot, error)

    def _is_paused(self, profile_id: str) -> bool:
        state = self.remembered[profile_id].state
        if state.paused:
            reason = state.pause_reason
            self.reports[profile_id] = ProfileReport(
                profile_id=profile_id, state=RunState.PAUSED, error=reason
            )
        return state.paused


def _observe_and_plan(observed: Callable[[], Snapshot]) -> tuple[Snapshot, Plan | Exception]:
    """Both in one thread. Where planning fails the snapshot is what somebody has to look at."""
    snapshot = observed()
    try:
        return snapshot, make_plan(snapshot)
    except Exception as error:  # noqa: BLE001 - raised again by the boundary around the profile
        return snapshot, error


def error_text(error: BaseException) -> str:
    """One line of an error, or of the errors of tasks that ran together."""
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(error_text(one) for one in error.exceptions)
    return f"{type(error).__name__}: {error}"
