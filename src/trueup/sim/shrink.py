"""Makes a world that fails smaller, so that a person can read what happened: fewer faults, bots, workers, seconds.

Decides only what to leave out next; a smaller world counts where the same invariant is violated.
"""

from collections.abc import Callable, Iterator

from msgspec import structs

from trueup.sim.faults import Faults
from trueup.sim.trial import Plot, Trial, run_trial

TRIALS_MAX = 200  # a trial takes about a quarter of a second
Try = Callable[[Plot], Trial]


def shrink(plot: Plot, run: Try = run_trial) -> tuple[Plot, Trial]:
    """The smallest plot found that violates the same invariant, with its trial. `plot` has to violate one."""
    trial = run(plot)
    wanted = trial.violations[0].invariant
    left, best = TRIALS_MAX, (plot, trial)
    progress = True
    while progress:
        progress = False
        for smaller in _smaller(best[0]):
            if left == 0:
                return best
            left -= 1
            tried = run(smaller)
            if tried.violations and tried.violations[0].invariant == wanted:
                best, progress = (smaller, tried), True
                break
    return best


def _smaller(plot: Plot) -> Iterator[Plot]:
    """Everything that is one step smaller, the largest steps first."""
    yield from _fewer_faults(plot)
    yield from _shorter(plot)
    shape, world = plot.shape, plot.shape.world
    if shape.workers > 1:
        yield structs.replace(plot, shape=structs.replace(shape, workers=shape.workers - 1))
    for name in ("accounts", "profiles", "trades_max"):
        value = getattr(world, name)
        if value > 1:
            yield _with_world(plot, **{name: value - 1})
    for name, off in (("venue_skew_s", 0), ("brackets", False), ("notional", False), ("sub_tags", False)):
        if getattr(world, name) != off:
            yield _with_world(plot, **{name: off})


def _fewer_faults(plot: Plot) -> Iterator[Plot]:
    on = [name for name, rate in structs.asdict(plot.faults).items() if rate]
    size = len(on) // 2
    while size >= 1:
        for start in range(0, len(on), size):
            off: dict[str, float] = dict.fromkeys(on[start : start + size], 0.0)
            yield structs.replace(plot, faults=Faults(**(structs.asdict(plot.faults) | off)))
        size //= 2


def _shorter(plot: Plot) -> Iterator[Plot]:
    if len(plot.storms_s) > 1:
        yield structs.replace(plot, storms_s=plot.storms_s[:1], night_s=0)
    for index, storm_s in enumerate(plot.storms_s):
        if storm_s > 8:
            shorter = list(plot.storms_s)
            shorter[index] = storm_s * 2 // 3
            yield structs.replace(plot, storms_s=tuple(shorter))


def _with_world(plot: Plot, **changes: object) -> Plot:
    return structs.replace(
        plot, shape=structs.replace(plot.shape, world=structs.replace(plot.shape.world, **changes))
    )
