"""One whole world on trial: first run, storm, perhaps a night, storm, healing, convergence.

Decides how long each lasts and when it is looked at, and stops at the first violation. The same seed gives the same
trial, byte for byte.
"""

from collections import Counter
from random import Random

from msgspec import Struct, structs

from trueup.model.snapshot import Snapshot
from trueup.model.times import NS_PER_S
from trueup.sim.broker import BrokerFaults
from trueup.sim.checkers import Violation
from trueup.sim.clock import run_simulated
from trueup.sim.database import MakeStore, MemoryStore
from trueup.sim.faults import Faults
from trueup.sim.trials.draw_world import draw_world_shape
from trueup.sim.trials.fleet import Fleet, FleetShape
from trueup.sim.trials.judge import Judge
from trueup.sim.trials.process import thread_delay_s
from trueup.sim.trials.trace import write_trace

STORM_S = (25, 60)
NIGHT_S = (700, 2400)
BLANK = 0.3  # share of the worlds whose venue denies every order once
BLANK_AFTER_S = 12  # no order is recent any more
BY_HAND = 0.4  # share of the worlds with stages in which people close all positions at last
PARITY_ROUNDS_MIN = (
    4  # three to confirm, one that has nothing left to do; more where the first is not settled
)
NIGHT = 0.4  # share of the worlds that have one
CHECK_EVERY_S = 12
RUNS_TO_CONVERGE_MAX = 12  # absence takes three; the others are for leases, back-offs and what that uncovers
RUN_EVERY_S = 31  # three runs span the least age of an absence


class Plot(Struct, frozen=True, kw_only=True):
    """Everything about a world that a failing one may be shrunk by."""

    seed: int
    shape: FleetShape
    faults: Faults
    storms_s: tuple[int, ...]
    night_s: int = 0
    blank: bool = False  # once healed, the venue denies every order for a moment
    by_hand: bool = False  # at last, people close all positions, and later take that back


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
    def __init__(self, violations: list[Violation]) -> None:
        super().__init__(violations)
        self.violations = violations


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
    by_hand = world.stages and rng.random() < BY_HAND
    blank = rng.random() < BLANK
    storms_s = tuple(rng.randint(*STORM_S) for _ in range(2 if night_s else 1))
    return Plot(
        seed=seed,
        shape=shape,
        faults=Faults.drawn(rng),
        storms_s=storms_s,
        night_s=night_s,
        blank=blank,
        by_hand=by_hand,
    )


def dispatched(plot: Plot) -> Plot:
    """The same world, whose workers take shards from a broker as bad as it can be."""
    rng = Random(f"{plot.seed}/dispatched")
    shape = structs.replace(
        plot.shape, interval_s=rng.choice((1.0, 2.0, 5.0)), broker=BrokerFaults.drawn(rng)
    )
    return structs.replace(plot, shape=shape)


def run_trial(plot: Plot, *, traced: bool = False, make_store: MakeStore = MemoryStore) -> Trial:
    """Put one world through its storms; the first violation ends it. `traced`: tell it all, also where all was well.

    `make_store`: the real database below, empty; called with the clock that its ledger is to have.
    """
    bench = _Bench(plot, make_store)
    violations: list[Violation] = []
    try:
        run_simulated(bench.fleet.world.clock, bench.run(), thread_delay_s=thread_delay_s)
    except _Failed as failed:
        violations = failed.violations
    finally:
        bench.fleet.database.close()
    return bench.result(violations, traced=traced)


class _Bench:
    """The world on trial and its judge."""

    def __init__(self, plot: Plot, make_store: MakeStore) -> None:
        self.plot = plot
        self.fleet = Fleet(plot.seed, plot.shape, plot.faults, make_store)
        self.judge = Judge(Random(f"{plot.seed}/replan"), self.fleet)
        self.rounds: int | None = None

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
                    self._look()
            fleet.heal()
            if self.plot.blank:
                await self._deny_orders()
            self.rounds = await self._converge()
            if self.plot.by_hand:
                for change_positions in (fleet.world.close_by_hand, fleet.world.reopen_by_hand):
                    change_positions()
                    await self._converge(with_parity=True)
        finally:
            await fleet.stop()

    async def _deny_orders(self) -> None:
        """One round of runs to whom the venue says that there is no order: none may end by that."""
        venues = [account.venue for account in self.fleet.world.accounts.values()]
        await self.fleet.world.rest_for(BLANK_AFTER_S)
        for venue in venues:
            venue.is_blank = True
        await self.fleet.settled_round()
        for venue in venues:
            venue.is_blank = False
        self._look()

    async def _converge(self, *, with_parity: bool = False) -> int:
        """Rounds of runs until nothing is left to do; how many. `with_parity`: it must have answered, too."""
        left: list[Violation] = []
        for number in range(1, RUNS_TO_CONVERGE_MAX + 1):
            await self.fleet.world.rest_for(RUN_EVERY_S)
            reports = await self.fleet.settled_round()
            self._look()
            left = self.judge.unconverged(reports)
            if with_parity:
                left += self.judge.unanswered()
            if not left and (number >= PARITY_ROUNDS_MIN or not with_parity):
                return number
        raise _Failed(left)

    def _look(self) -> None:
        if found := self.judge.look():
            raise _Failed(found)

    def result(self, violations: list[Violation], *, traced: bool) -> Trial:
        fleet, judge = self.fleet, self.judge
        clock = fleet.world.clock
        faults = fleet.dice.hits + fleet.database.dice.hits
        return Trial(
            seed=self.plot.seed,
            violations=violations,
            runs=fleet.runs,
            simulated_s=(clock.now_ns() - clock.start_ns) / NS_PER_S,
            rounds=self.rounds,
            faults=faults,
            breaks=judge.breaks,
            reasons=judge.reasons,
            corrections=judge.corrections,
            deferrals=judge.deferrals,
            trace=write_trace(fleet, violations, faults) if traced or violations else b"",
            snapshot=judge.guilty if violations else None,
        )
