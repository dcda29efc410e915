"""One world put on trial: a time of faults in which nothing unsafe may happen, then healing, then convergence.

Decides the shape of a world from its seed, when runs happen, and which checks follow each. It stops at the first
violation and keeps the snapshot that led there. Books are in memory; the plan function is given.
"""

from collections import Counter
from random import Random

from msgspec import Struct, structs

from trueup.model.plan import Plan
from trueup.model.snapshot import Local, LocalAnswer, Snapshot, Trade
from trueup.sim.books import lay_fills, lay_orders, rename_rebound
from trueup.sim.checkers import (
    ProfileBooks,
    Violation,
    check_books,
    check_converged,
    check_effects,
    check_plan,
    check_progress,
    check_replan,
)
from trueup.sim.faults import Faults
from trueup.sim.memory_run import MakePlan, MemoryRun, run_in_memory
from trueup.sim.world import Shape, World

FAULTY_ROUNDS = 10
PAUSE_S_MAX = 25  # between two rounds of a faulty time
HEALED_ROUNDS = 3  # still trading
RUNS_TO_CONVERGE_MAX = 8  # an absence is confirmed by 3 runs; the others are for what that uncovers
RUN_EVERY_S = 31  # three runs span the least age of an absence
RECENT_S = 120.0  # how far back the ledger of every other world reads
HISTORY_S = 300  # how far back the history of every other world is read: longer than any lag and pause
SKEW_S_MAX = 30


class Trial(Struct, frozen=True, kw_only=True):
    """What became of a world. `runs_to_converge` is null where it never did."""

    seed: int
    violations: list[Violation]
    runs: int
    runs_to_converge: int | None
    breaks: Counter[str]  # by kind and reason
    corrections: Counter[str]
    faults: Counter[str]
    snapshot: Snapshot | None = None  # the one of the violation
    plan: Plan | None = None


class _Failed(Exception):
    def __init__(self, violations: list[Violation], run: MemoryRun) -> None:
        super().__init__(violations)
        self.violations, self.run = violations, run


class _Bench:
    """The world on trial, and what was counted so far."""

    def __init__(self, seed: int, make_plan: MakePlan) -> None:
        self.seed = seed
        self.make_plan = make_plan
        self.pauses = Random(f"{seed}/pauses")
        self.world = World(seed, shape=draw_shape(Random(f"{seed}/shape")), faults=Faults.busy())
        self.runs = 0
        self.breaks: Counter[str] = Counter()
        self.corrections: Counter[str] = Counter()

    def run_all(self) -> list[MemoryRun]:
        """Every profile once, each checked for what may never happen."""
        return [self._run(profile_id) for profile_id in self.world.profiles]

    def books_of(self, profile_id: str) -> ProfileBooks:
        profile, books = self.world.profiles[profile_id], self.world.memory_books(profile_id)
        return ProfileBooks(
            profile_id=profile_id,
            account_id=profile.account.account_id,
            local=books.local(),
            overrun_trades=frozenset(profile.overrun_trades | books.overruns),
        )

    def unconverged(self, runs: list[MemoryRun]) -> list[Violation]:
        found: list[Violation] = []
        for profile_id, run in zip(self.world.profiles, runs, strict=True):
            books, coverage = self.books_of(profile_id), self.world.shape.coverage
            found += check_converged(self.world.market, books, run.plan, coverage=coverage)
        return found

    def _run(self, profile_id: str) -> MemoryRun:
        before = self.world.memory_books(profile_id).local()
        run = run_in_memory(self.world, profile_id, self.make_plan)
        self.runs += 1
        self.breaks.update(f"{one.kind.value}/{one.reason}" for one in run.plan.breaks)
        self.corrections.update(one.kind.value for one in run.plan.corrections)
        found = check_plan(run.snapshot, run.plan) + self._check_books(profile_id, before)
        found += check_replan(self.make_plan(projected(run)))
        if found:
            raise _Failed(found, run)
        return run

    def _check_books(self, profile_id: str, before: Local) -> list[Violation]:
        profile, books = self.world.profiles[profile_id], self.books_of(profile_id)
        found = check_books(self.world.market, books) + check_progress(before, books.local)
        return found + check_effects(profile.committed, profile.bot.effects)


def draw_shape(rng: Random) -> Shape:
    """Any kind of world."""
    return Shape(
        profiles=rng.randint(1, 2),
        sub_tags=rng.random() < 0.5,
        shorts=rng.random() < 0.3,
        brackets=rng.random() < 0.3,
        venue_skew_s=rng.choice((0, 0, rng.randint(-SKEW_S_MAX, SKEW_S_MAX))),
        fills_by_client_id=rng.random() < 0.2,
        history_s=rng.choice((None, HISTORY_S)),
        recent_s=rng.choice((None, RECENT_S)),
        stages=rng.random() < 0.5,
        coverage=rng.random() < 0.3,
    )


def run_trial(seed: int, make_plan: MakePlan) -> Trial:
    """Put one world through faults and healing; the first violation ends it."""
    bench = _Bench(seed, make_plan)
    try:
        _storm(bench)
        return _trial(bench, [], _converge(bench))
    except _Failed as failed:
        return _trial(bench, failed.violations, None, failed.run)


def _storm(bench: _Bench) -> None:
    for _ in range(FAULTY_ROUNDS):
        bench.world.run_for(bench.pauses.randint(1, PAUSE_S_MAX))
        bench.run_all()
    bench.world.heal()
    for _ in range(HEALED_ROUNDS):
        bench.world.run_for(bench.pauses.randint(1, PAUSE_S_MAX))
        bench.run_all()


def _converge(bench: _Bench) -> int:
    """Runs until nothing is left; raises where that takes more than it may."""
    bench.world.rest()
    for number in range(1, RUNS_TO_CONVERGE_MAX + 1):
        bench.world.run_for(RUN_EVERY_S)
        runs = bench.run_all()
        left = bench.unconverged(runs)
        if not left:
            return number
        if number == RUNS_TO_CONVERGE_MAX:
            raise _Failed(left, runs[-1])
    raise AssertionError("unreachable: the last run converged or failed")


def projected(run: MemoryRun) -> Snapshot:
    """The run's snapshot with its own plan's projections in place, and without the findings that it dropped."""
    local, plan = run.snapshot.local, run.plan
    dropped = {finding.break_id for finding in run.snapshot.prior} - {
        finding.break_id for finding in plan.findings
    }
    return structs.replace(
        run.snapshot,
        local=structs.replace(
            local,
            orders=lay_orders(rename_rebound(local.orders, plan), plan.projected_orders),
            answers=[_with_projected(answer, plan) for answer in local.answers],
            fills=lay_fills(local.fills, plan.projected_fills),
            trades=_lay_trades(local.trades, plan.projected_trades),
        ),
        prior=[finding for finding in run.snapshot.prior if finding.break_id not in dropped],
    )


def _with_projected(answer: LocalAnswer, plan: Plan) -> LocalAnswer:
    """A local answer as it would be given now."""
    if answer.order is None:
        return answer
    return structs.replace(
        answer, order=lay_orders(rename_rebound([answer.order], plan), plan.projected_orders)[0]
    )


def _lay_trades(rows: list[Trade], projected: list[Trade]) -> list[Trade]:
    by_id = {trade.trade_id: trade for trade in [*rows, *projected]}
    return list(by_id.values())


def _trial(
    bench: _Bench, violations: list[Violation], runs_to_converge: int | None, run: MemoryRun | None = None
) -> Trial:
    return Trial(
        seed=bench.seed,
        violations=violations,
        runs=bench.runs,
        runs_to_converge=runs_to_converge,
        breaks=bench.breaks,
        corrections=bench.corrections,
        faults=bench.world.dice.hits,
        snapshot=run.snapshot if run is not None else None,
        plan=run.plan if run is not None else None,
    )
