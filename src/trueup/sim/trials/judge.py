"""Everything that is checked while a world is on trial, and what its runs came to: the checkers, called in time.

Decides which check is made when. Violations are kept, not raised: raised inside a run, the engine would catch them.
"""

from collections import Counter
from collections.abc import Iterable
from random import Random

from msgspec import structs

from trueup.core.make_plan import make_plan
from trueup.engine.run.account import AccountReport, ProfileReport, RunState
from trueup.model.plan import Plan
from trueup.model.reasons import Reason
from trueup.model.snapshot import Snapshot
from trueup.sim.checkers import (
    ProfileBooks,
    Violation,
    check_books,
    check_calls,
    check_converged,
    check_parity,
    check_plan,
    check_progress,
    check_replan,
    check_replay,
    check_reports,
    check_trades,
)
from trueup.sim.checkers.check_converged import told_in_mass
from trueup.sim.checkers.check_memories import check_memories
from trueup.sim.checkers.check_telling import check_telling
from trueup.sim.checkers.facts import token
from trueup.sim.checkers.tables import closed_by_people, corrected_by_people, read_local
from trueup.sim.trials.fleet import Fleet
from trueup.sim.trials.projection import projected
from trueup.sim.trials.worker import Worker

REPLAN = 0.2  # share of the plans that are planned again: over their projection, before their answers, and from scratch
SETTLED = (RunState.UNCHANGED, RunState.APPLIED)


class Judge:
    """`found` are the violations so far, `guilty` the snapshot that led to the first of a plan's."""

    def __init__(self, rng: Random, fleet: Fleet) -> None:
        self._rng = rng
        self._fleet = fleet
        self.found: list[Violation] = []
        self.guilty: Snapshot | None = None
        self.breaks: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self.corrections: Counter[str] = Counter()
        self.deferrals: Counter[str] = Counter()
        self._looked: dict[
            str, tuple[tuple[int, int], ProfileBooks]
        ] = {}  # at which state, and what was there
        self._waiting: set[tuple[str, str]] = set()  # account, instrument: orders of a told mass absence
        fleet.on_report = self.hear

    def hear(self, worker: Worker, report: AccountReport) -> None:
        """What a run says of itself, and what each of its plans does on its snapshot."""
        account_id = report.account_id
        policies = [managed.policy for managed in worker.seats[account_id].managed.profiles]
        self.found += check_calls(worker.seats[account_id].network.requests, policies) + check_reports(report)
        for one in report.profiles:
            if one.plan is not None and one.snapshot is not None:
                self._count(one.plan)
                self._keep(self._check_run(one.snapshot, one.plan), one.snapshot)
                self._fleet.note(one)

    def look(self) -> list[Violation]:
        """What the market's truth and the raw tables say now, of every profile that was written to since."""
        found = self.found + self._fleet.watch.violations
        for profile_id in self._fleet.world.profiles:
            before = self._looked.get(profile_id)
            books = self._books(profile_id)
            if before is not None and before[1] is books:
                continue
            found += check_books(self._fleet.world.market, books)
            if before is not None and before[0][0] == self._fleet.database.generation:
                found += check_progress(before[1].local, books.local, books.by_people)
        return found

    def unconverged(self, reports: Iterable[AccountReport]) -> list[Violation]:
        """What is left to do or to tell, or differs from the market's truth, after runs without faults."""
        fleet = self._fleet
        database = fleet.database
        effects = {key: one for it in fleet.world.profiles.values() for key, one in it.bot.effects.items()}
        found = check_telling(database.tables, effects, database.now_ns(), again=database.generation)
        if database.generation == 0:
            bots = {one: it.bot for one, it in fleet.world.profiles.items()}
            found += check_memories(fleet.world.market, bots, taken_back=self._taken_back())
        self._waiting.clear()
        for report in reports:
            wait = {one.profile_id: self._waits(one) for one in report.profiles}
            self._waiting |= {(report.account_id, symbol) for symbols in wait.values() for symbol in symbols}
            for one in report.profiles:
                others = (symbols for name, symbols in wait.items() if name != one.profile_id)
                found += self._compare(one, set().union(*others))
        return sorted(found)

    def unanswered(self) -> list[Violation]:
        """Positions that parity has seen often enough, and what it should have done."""
        world = self._fleet.world
        books = map(self._books, world.profiles)
        return check_parity(world.market, books, hedged=world.shape.hedged, waiting=self._waiting)

    # Inside

    def _taken_back(self) -> frozenset[str]:
        """Ids of orders that people corrected and no books have any more."""
        books = list(map(self._books, self._fleet.world.profiles))
        kept = {order.client_order_id for one in books for order in one.local.orders}
        return frozenset().union(*(one.by_people for one in books)) - kept

    def _waits(self, one: ProfileReport) -> set[str]:
        """The instruments in which it waits for a person, as it told."""
        if one.plan is None:
            return set()
        left = told_in_mass(self._fleet.world.market, self._books(one.profile_id), one.plan)
        return {token(order.symbol) for order in left}

    def _compare(self, one: ProfileReport, neighbours_wait: set[str]) -> list[Violation]:
        if one.plan is None:
            return [Violation("live", one.profile_id, f"was not judged: {one.state} {one.error}")]
        world = self._fleet.world
        orders = [] if one.snapshot is None else one.snapshot.local.orders
        read = {order.client_order_id for order in orders} | {order.venue_order_id for order in orders}
        found = check_converged(
            world.market,
            self._books(one.profile_id),
            one.plan,
            read=read - {None},
            coverage=world.shape.coverage,
            neighbours_wait=neighbours_wait,
        )
        self.guilty = one.snapshot if found else self.guilty
        if one.state not in SETTLED:
            found.append(Violation("live", one.profile_id, f"ended as {one.state}: {one.error}"))
        return found

    def _check_run(self, snapshot: Snapshot, plan: Plan) -> list[Violation]:
        found = check_plan(snapshot, plan) + check_trades(snapshot, plan)
        limited = any(one.reason == Reason.INSERT_LIMIT for one in plan.breaks)  # the next plan goes on
        if plan.corrections and not limited and self._rng.random() < REPLAN:
            found += check_replan(make_plan(projected(snapshot, plan)))
        if snapshot.venue.answers and self._rng.random() < REPLAN:
            found += self._check_unanswered(snapshot)
        if self._rng.random() < REPLAN:
            found += check_replay(plan, make_plan(snapshot))
        return found

    def _check_unanswered(self, snapshot: Snapshot) -> list[Violation]:
        """As the run first planned it, before anybody was asked: it proves less, and says what it wants to know."""
        unanswered = structs.replace(snapshot, venue=structs.replace(snapshot.venue, answers=[]))
        plan = make_plan(unanswered)
        self.reasons.update(str(one.reason) for one in plan.queries)
        return check_plan(unanswered, plan)

    def _keep(self, found: list[Violation], snapshot: Snapshot) -> None:
        if found and not self.found:
            self.guilty = snapshot
        self.found += found

    def _count(self, plan: Plan) -> None:
        self.breaks.update(one.kind.value for one in plan.breaks)
        self.corrections.update(one.kind.value for one in plan.corrections)
        self.deferrals.update(one.reason.value for one in plan.deferred)
        told: list[str] = [*(one.reason for one in plan.breaks), *(one.reason for one in plan.corrections)]
        told += [*(one.reason for one in plan.queries), *plan.result.no_go_reason_counts]
        self.reasons.update(map(str, told))

    def _books(self, profile_id: str) -> ProfileBooks:
        """As they stand; read again when the order log has grown: `CommitWatch` holds the tables against it."""
        fleet = self._fleet
        tables, state = fleet.database.tables, fleet.state_of(profile_id)
        known = self._looked.get(profile_id)
        if known is not None and known[0] == state:
            return known[1]
        books = ProfileBooks(
            profile_id=profile_id,
            account_id=fleet.world.profiles[profile_id].account.account_id,
            local=read_local(tables, profile_id),
            by_people=corrected_by_people(tables),
            closed_by_people=closed_by_people(tables),
        )
        self._looked[profile_id] = (state, books)
        return books
