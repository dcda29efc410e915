"""One whole world on trial: first run, storm, perhaps a night, storm, healing, convergence.

Decides how long each lasts, what is checked after each run and each while, and stops at the first violation. The same
seed gives the same trial, byte for byte.
"""

from collections import Counter
from collections.abc import Iterable
from random import Random

from msgspec import Struct, structs

from trueup.core.make_plan import make_plan
from trueup.engine.account import AccountReport, ProfileReport, RunState
from trueup.model.plan import Notification, Plan
from trueup.model.reasons import Reason
from trueup.model.snapshot import Local, Snapshot
from trueup.model.times import NS_PER_S, from_ns
from trueup.sim.checkers import (
    ProfileBooks,
    Violation,
    check_books,
    check_calls,
    check_converged,
    check_plan,
    check_progress,
    check_replan,
    check_reports,
)
from trueup.sim.checkers.check_telling import check_telling
from trueup.sim.checkers.tables import read_local, rows
from trueup.sim.clock import run_simulated
from trueup.sim.draw_world import draw_world_shape
from trueup.sim.faults import Faults
from trueup.sim.fleet import Fleet, FleetShape
from trueup.sim.process import thread_delay_s
from trueup.sim.projection import projected
from trueup.sim.worker import Worker

STORM_S = (25, 60)
NIGHT_S = (700, 2400)
NIGHT = 0.4  # share of the worlds that have one
CHECK_EVERY_S = 12
RUNS_TO_CONVERGE_MAX = 12  # absence takes three; the others are for leases, back-offs and what that uncovers
RUN_EVERY_S = 31  # three runs span the least age of an absence
REPLAN = 0.2  # share of the plans that are planned again over their projection


class Plot(Struct, frozen=True, kw_only=True):
    """Everything about a world that a failing one may be shrunk by."""

    seed: int
    shape: FleetShape
    faults: Faults
    storms_s: tuple[int, ...]
    night_s: int = 0


class Trial(Struct, frozen=True, kw_only=True):
    """What became of a world. `rounds` is null where it never converged."""

    seed: int
    violations: list[Violation]
    runs: int
    simulated_s: float
    rounds: int | None
    faults: Counter[str]
    breaks: Counter[str]
    reasons: Counter[str]
    corrections: Counter[str]
    deferrals: Counter[str]
    trace: bytes
    snapshot: Snapshot | None = None  # of the violation, where a plan led to it


class _Failed(Exception):
    def __init__(self, violations: list[Violation], snapshot: Snapshot | None = None) -> None:
        super().__init__(violations)
        self.violations, self.snapshot = violations, snapshot


def draw_plot(seed: int) -> Plot:
    """What a seed means."""
    rng = Random(f"{seed}/plot")
    world = draw_world_shape(rng)
    night_s = rng.randint(*NIGHT_S) if rng.random() < NIGHT else 0
    if night_s:  # what happens before a long silence is found by coverage only
        world = structs.replace(world, coverage=True)
    shape = FleetShape(
        world=world, workers=rng.randint(1, 3), pause_s=rng.choice(((0, 1), (1, 3), (1, 6), (4, 12)))
    )
    storms_s = tuple(rng.randint(*STORM_S) for _ in range(2 if night_s else 1))
    return Plot(seed=seed, shape=shape, faults=Faults.drawn(rng), storms_s=storms_s, night_s=night_s)


def run_trial(plot: Plot) -> Trial:
    """Put one world through its storms; the first violation ends it."""
    bench = _Bench(plot)
    violations: list[Violation] = []
    snapshot: Snapshot | None = None
    try:
        run_simulated(bench.fleet.world.clock, bench.run(), thread_delay_s=thread_delay_s)
    except _Failed as failed:
        violations, snapshot = failed.violations, failed.snapshot
    finally:
        bench.fleet.database.close()
    return bench.result(violations, snapshot)


class _Bench:
    """The world on trial and what was counted so far."""

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        self.fleet = Fleet(plot.seed, plot.shape, plot.faults, self._on_report)
        self.rounds: int | None = None
        self.breaks: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self.corrections: Counter[str] = Counter()
        self.deferrals: Counter[str] = Counter()
        self._replan = Random(f"{plot.seed}/replan")
        self._overrun: set[str] = set()
        self._before: dict[str, Local] = {}
        self._generation = 0
        self._found: list[Violation] = []  # while runs went on
        self._guilty: Snapshot | None = None

    async def run(self) -> None:
        fleet = self.fleet
        try:
            await fleet.live_for(2)
            await fleet.first_run()
            fleet.break_loose()
            for number, storm_s in enumerate(self.plot.storms_s):
                if number and self.plot.night_s:
                    await fleet.night(self.plot.night_s)
                for _ in range(0, storm_s, CHECK_EVERY_S):
                    await fleet.live_for(min(CHECK_EVERY_S, storm_s))
                    self._check_everything()
            fleet.heal()
            self.rounds = await self._converge()
        finally:
            await fleet.stop()

    async def _converge(self) -> int:
        for number in range(1, RUNS_TO_CONVERGE_MAX + 1):
            await self.fleet.live_for(RUN_EVERY_S)
            reports = await self.fleet.settled_round()
            self._check_everything()
            left = self._unconverged(reports)
            if not left:
                return number
            if number == RUNS_TO_CONVERGE_MAX:
                raise _Failed(left, self._guilty)
        raise AssertionError("unreachable: the last round converged or failed")

    # Checks

    def _on_report(self, worker: Worker, report: AccountReport) -> None:
        """What a run says of itself. Violations are kept: raising here would be caught by the engine."""
        fleet, account_id = self.fleet, report.account_id
        policies = [managed.policy for managed in worker.seats[account_id].managed.profiles]
        found = check_calls(worker.seats[account_id].network.requests, policies) + check_reports(report)
        self._keep(found, None)
        for one in report.profiles:
            if one.plan is not None and one.snapshot is not None:
                self._count(one.plan)
                self._keep(self._check_run(one.snapshot, one.plan), one.snapshot)
                fleet.note(f"  {one.profile_id} {one.plan.plan_id[:12]} {_summary(one)}")

    def _check_run(self, snapshot: Snapshot, plan: Plan) -> list[Violation]:
        found = check_plan(snapshot, plan)
        limited = any(one.reason == Reason.INSERT_LIMIT for one in plan.breaks)  # the next plan goes on
        if plan.corrections and not limited and self._replan.random() < REPLAN:
            found += check_replan(make_plan(projected(snapshot, plan)))
        return found

    def _keep(self, found: list[Violation], snapshot: Snapshot | None) -> None:
        if found and not self._found:
            self._guilty = snapshot
        self._found += found

    def _count(self, plan: Plan) -> None:
        self.breaks.update(one.kind.value for one in plan.breaks)
        self.corrections.update(one.kind.value for one in plan.corrections)
        self.deferrals.update(one.reason.value for one in plan.deferred)
        told: list[str] = [*(one.reason for one in plan.breaks), *(one.reason for one in plan.corrections)]
        told += [*(one.reason for one in plan.queries), *plan.result.no_go_reason_counts]
        self.reasons.update(map(str, told))

    def _check_everything(self) -> None:
        """What the market's truth and the raw tables say now."""
        found = self._found + self.fleet.watch.violations
        if self._generation != self.fleet.database.generation:
            self._generation = self.fleet.database.generation
            self._before.clear()
        for profile_id in self.fleet.world.profiles:
            books = self._books(profile_id)
            found += check_books(self.fleet.world.market, books)
            if profile_id in self._before:
                found += check_progress(self._before[profile_id], books.local)
            self._before[profile_id] = books.local
        if found:
            raise _Failed(found, self._guilty)

    def _books(self, profile_id: str) -> ProfileBooks:
        profile, connection = self.fleet.world.profiles[profile_id], self.fleet.database.sqlite.connection
        sql = "SELECT trade_id FROM breaks WHERE profile_id = ? AND kind = 'trade_overrun'"
        self._overrun |= {trade_id for (trade_id,) in rows(connection, sql, profile_id)}
        return ProfileBooks(
            profile_id=profile_id,
            account_id=profile.account.account_id,
            local=read_local(connection, profile_id),
            overrun_trades=frozenset(self._overrun),
        )

    def _unconverged(self, reports: Iterable[AccountReport]) -> list[Violation]:
        fleet = self.fleet
        market, shape = fleet.world.market, fleet.shape.world
        found = check_telling(
            fleet.database.sqlite.connection, _effects(fleet), fleet.database.now_ns(), again=self._generation
        )
        for report in reports:
            for one in report.profiles:
                if one.plan is None:
                    found.append(
                        Violation("live", one.profile_id, f"was not judged: {one.state} {one.error}")
                    )
                    continue
                books = self._books(one.profile_id)
                wrong = check_converged(market, books, one.plan, coverage=shape.coverage)
                self._guilty = one.snapshot if wrong else self._guilty
                found += wrong
                if one.state not in (RunState.UNCHANGED, RunState.APPLIED):
                    found.append(Violation("live", one.profile_id, f"ended as {one.state}: {one.error}"))
        return sorted(found)

    def result(self, violations: list[Violation], snapshot: Snapshot | None) -> Trial:
        fleet = self.fleet
        clock = fleet.world.clock
        faults = fleet.dice.hits + fleet.database.dice.hits
        return Trial(
            seed=self.plot.seed,
            violations=violations,
            runs=fleet.runs,
            simulated_s=(clock.now_ns() - clock.start_ns) / NS_PER_S,
            rounds=self.rounds,
            faults=faults,
            breaks=self.breaks,
            reasons=self.reasons,
            corrections=self.corrections,
            deferrals=self.deferrals,
            trace=_trace(fleet, violations, faults),
            snapshot=snapshot,
        )


def _effects(fleet: Fleet) -> dict[str, Notification]:
    """What bots obeyed, by id."""
    return {key: one for it in fleet.world.profiles.values() for key, one in it.bot.effects.items()}


def _summary(one: ProfileReport) -> str:
    if one.plan is None:
        return ""
    kinds = Counter(correction.kind.value for correction in one.plan.corrections)
    kinds.update(f"?{query.reason}" for query in one.plan.queries)
    kinds.update(f"~{deferral.reason.value}" for deferral in one.plan.deferred)
    return " ".join(f"{name}×{count}" if count > 1 else name for name, count in kinds.items())


def _trace(fleet: Fleet, violations: list[Violation], faults: Counter[str]) -> bytes:
    """Everything that happened, in the order of happening, as a person can read it."""
    skew_ns = fleet.shape.world.venue_skew_s * NS_PER_S
    lines = [(event.ns - skew_ns, event.line().partition(" ")[2]) for event in fleet.world.market.events]
    lines += fleet.notes
    told = [f"{from_ns(ns)[11:19]} {what}" for ns, what in sorted(lines, key=lambda one: one[0])]
    told += [f"fault {name} {count}" for name, count in sorted(faults.items())]
    told += [f"VIOLATED {one.invariant} {one.subject}: {one.message}" for one in violations]
    return ("\n".join(told) + "\n").encode()
