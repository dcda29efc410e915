"""Observes an account once and plans each of its profiles: ask, plan again, until a plan has no question left.

Rules: a profile is handed on as soon as its plan is settled, so that one that fails or waits for answers delays no
other; rounds are bounded. Whoever drives it reads like this:

    planning = Planning(account)
    await planning.observe()
    async for planned in planning.plans(): …
    while planning.has_questions:
        await planning.ask()
        async for planned in planning.plans(): …

Must not know what becomes of a plan.
"""

from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, nullcontext
from functools import cache, partial

from msgspec import Struct

from trueup.core.make_plan import make_plan
from trueup.engine.in_thread import in_thread
from trueup.engine.mirror.mirror import Mirror
from trueup.engine.run.account import ManagedAccount, ManagedProfile, ProfileReport, RunState
from trueup.engine.run.answer_queries import Answers
from trueup.engine.run.make_snapshot import make_snapshot
from trueup.engine.run.observe_local import LocalReads, Remembered, observe_local
from trueup.engine.run.observe_venue import VenueReads, observe_venue
from trueup.engine.run.share_orders import SharedOrders
from trueup.engine.run.slots import waiting
from trueup.engine.run.together import Together
from trueup.model.errors import MESSAGE_CHARS_MAX, brief_text
from trueup.model.last_results import LastResults
from trueup.model.plan import Plan
from trueup.model.snapshot import Instrument, Snapshot, Venue
from trueup.ports.records import Lease

# an order by both ids, its successor, the history, what that shows by both ids, one to spare; the rest waits for a run
QUERY_ROUNDS_MAX = 8
PLANNED_TOGETHER = 2000  # orders, of both sides: then the profiles that are ready are handed on


class Planned(Struct, frozen=True, kw_only=True):
    """A profile whose plan has no question left, or none that is answered in this run."""

    profile_id: str
    snapshot: Snapshot
    plan: Plan


class Unplanned(Struct, frozen=True, kw_only=True):
    """A profile that could not be observed or planned. `snapshot`: what somebody has to look at, where there is one."""

    profile_id: str
    snapshot: Snapshot | None
    error: Exception


# a profile to be planned, what makes its snapshot, and what its last plan reckoned
_Due = tuple[str, Callable[[], Snapshot], LastResults]


class Planning:
    """One observation of an account, and the plans that it leads to."""

    def __init__(
        self, account: ManagedAccount, lease: Lease | None = None, together: Together | None = None
    ) -> None:
        """`lease`: needed to take in the bots' own books; without one the mirror is read as it stands."""
        self.remembered: dict[str, Remembered] = {}  # by profile id
        self.paused: list[ProfileReport] = []
        self.local: LocalReads | None = None
        self.venue: VenueReads | None = None  # null: nothing is to be planned
        self._account = account
        self._together = together
        self._mirror = Mirror(account, lease) if account.foreign and lease is not None else None
        self._answers = Answers(account, self._mirror)
        self._due: deque[_Due] = deque()
        self._shared: Callable[[], SharedOrders] = lambda: SharedOrders(Venue(), {})
        self._waiting: dict[str, tuple[Snapshot, Plan]] = {}
        self._rounds_left = QUERY_ROUNDS_MAX

    async def observe(self) -> None:
        """Reads both sides, the local one first. Raises LedgerError where the books cannot be read."""
        account = self._account
        local = self.local = await self._observe_local()
        self.remembered = local.remembered
        active = [managed for managed in account.profiles if not self._is_paused(managed)]
        if not active:
            return
        with self._away():
            async with waiting():
                venue = self.venue = await observe_venue(account, local)
        # one time for all, and one handing out, in the first one's thread
        taken_at = await self._time()
        self._shared = cache(partial(SharedOrders, venue.venue, local.locals))
        for one in active:
            self._plan_soon(
                one.profile_id, partial(self._first_snapshot, one, local, venue.instruments, taken_at)
            )

    def _away(self) -> AbstractContextManager[None]:
        """While the venue is awaited nobody waits for this account."""
        return nullcontext() if self._together is None else self._together.away()

    async def _time(self) -> str:
        """By the ledger's clock, now that the venue has answered."""
        ledger = self._account.ledger
        return await (in_thread(ledger.now) if self._together is None else self._together.now(ledger))

    async def _observe_local(self) -> LocalReads:
        """The bots' own books are taken in first, account by account; others are read together."""
        if self._together is None or self._account.foreign:
            return await observe_local(self._account, self._mirror)
        return await self._together.read(self._account)

    @property
    def has_questions(self) -> bool:
        """Whether a profile waits for answers, which `ask` brings."""
        return bool(self._waiting)

    async def ask(self) -> None:
        """Asks what the waiting plans need to know; they are planned again with the answers."""
        asking, self._waiting = self._waiting, {}
        self._rounds_left -= 1
        with self._away():
            async with waiting():
                await self._answers.ask(
                    {profile_id: plan.queries for profile_id, (_, plan) in asking.items()}
                )
        taken_at = await self._time()
        shared = self._shared()
        for one, (snapshot, plan) in asking.items():
            self._plan_soon(one, partial(self._answers.add_to, snapshot, plan.queries, taken_at, shared))

    def _plan_soon(self, profile_id: str, observed: Callable[[], Snapshot]) -> None:
        self._due.append((profile_id, observed, self._account.checked[profile_id].results))

    async def plans(self) -> AsyncIterator[Planned | Unplanned]:
        """Plans what is due, one profile after the other; those with a question left wait for the next round."""
        while self._due:
            for planned in await in_thread(_plan_some, self._due):
                if isinstance(planned, Planned) and self._is_to_ask(planned):
                    self._waiting[planned.profile_id] = (planned.snapshot, planned.plan)
                else:
                    yield planned

    def _first_snapshot(
        self,
        managed: ManagedProfile,
        local: LocalReads,
        instruments: list[Instrument],
        taken_at: str,
    ) -> Snapshot:
        mine = self._shared().venue_of(managed.profile_id)
        checked = self._account.checked[managed.profile_id]
        return make_snapshot(managed, local, mine, instruments, taken_at, checked)

    def _is_to_ask(self, planned: Planned) -> bool:
        return self._rounds_left > 0 and bool(self._answers.untold(planned.profile_id, planned.plan.queries))

    def _is_paused(self, managed: ManagedProfile) -> bool:
        state = self.remembered[managed.profile_id].state
        if state.paused:
            paused = ProfileReport(
                profile_id=managed.profile_id, state=RunState.PAUSED, error=state.pause_reason
            )
            self.paused.append(paused)
        return state.paused


def _plan_some(due: deque[_Due]) -> list[Planned | Unplanned]:
    """Takes the first ones, up to so many orders: a thread for each profile would cost more than most plans do."""
    planned: list[Planned | Unplanned] = []
    orders = 0
    while due and orders < PLANNED_TOGETHER:
        planned.append(_observe_and_plan(*due.popleft()))
        orders += _count_orders(planned[-1].snapshot)
    return planned


def _count_orders(snapshot: Snapshot | None) -> int:
    if snapshot is None:
        return 0
    venue = snapshot.venue
    return len(snapshot.local.orders) + len(venue.open_orders.rows) + len(venue.history.orders)


def _observe_and_plan(
    profile_id: str, observed: Callable[[], Snapshot], results: LastResults
) -> Planned | Unplanned:
    """What goes wrong with one profile is that profile's."""
    snapshot: Snapshot | None = None
    try:
        snapshot = observed()
        return Planned(profile_id=profile_id, snapshot=snapshot, plan=make_plan(snapshot, results))
    except Exception as error:  # noqa: BLE001 - the boundary around one profile
        return Unplanned(profile_id=profile_id, snapshot=snapshot, error=error)


def error_text(error: BaseException) -> str:
    """One line of an error, or of the errors of tasks that ran together."""
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(error_text(one) for one in error.exceptions)
    return brief_text(f"{type(error).__name__}: {error}", MESSAGE_CHARS_MAX)
