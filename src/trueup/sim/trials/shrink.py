"""Makes a world that fails smaller, so that a person can read what happened: fewer seconds, workers, bots, faults.

Decides only what to leave out next; a smaller world counts where the same invariant is violated. What never happened
is left out first, for nothing.
"""

from collections.abc import Callable, Iterator

from msgspec import structs

from trueup.sim.faults import Faults
from trueup.sim.trials.trial import Plot, Trial, run_trial

TRIALS_MAX = 200  # a trial takes about a tenth of a second
Try = Callable[[Plot], Trial]
Smaller = Callable[[Plot], Iterator[Plot]]


def shrink(plot: Plot, run: Try = run_trial) -> tuple[Plot, Trial]:
    """The smallest plot found that violates the same invariant, with its trial. `plot` has to violate one."""
    search = _Search(plot, run)
    for smaller in (
        _without_unmet_faults(search.trial),
        _shorter,
        _fewer,
        _plainer,
        *_FAULTS,
        _shorter,
        _fewer,
    ):
        search.reduce(smaller)
    return search.plot, search.trial


class _Search:
    def __init__(self, plot: Plot, run: Try) -> None:
        self._run = run
        self.plot, self.trial = plot, run(plot)
        self._wanted = self.trial.violations[0].invariant
        self._left = TRIALS_MAX

    def reduce(self, smaller: Smaller) -> None:
        """Take every step that still violates; a step taken is tried again."""
        tried_all = False
        while not tried_all:
            tried_all = not any(self._take(one) for one in smaller(self.plot))

    def _take(self, plot: Plot) -> bool:
        if self._left == 0 or plot == self.plot:
            return False
        self._left -= 1
        trial = self._run(plot)
        if not trial.violations or trial.violations[0].invariant != self._wanted:
            return False
        self.plot, self.trial = plot, trial
        return True


def _shorter(plot: Plot) -> Iterator[Plot]:
    if len(plot.storms_s) > 1:
        yield structs.replace(plot, storms_s=plot.storms_s[:1], night_s=0)
    for index, storm_s in enumerate(plot.storms_s):
        for shorter_s in (storm_s // 2, storm_s * 4 // 5):
            if shorter_s >= 4:
                storms_s = (*plot.storms_s[:index], shorter_s, *plot.storms_s[index + 1 :])
                yield structs.replace(plot, storms_s=storms_s)


def _fewer(plot: Plot) -> Iterator[Plot]:
    """Workers, accounts, profiles, trades at a time."""
    shape, world = plot.shape, plot.shape.world
    if shape.workers > 1:
        yield structs.replace(plot, shape=structs.replace(shape, workers=1))
    for name in ("accounts", "profiles", "trades_max"):
        if getattr(world, name) > 1:
            yield _with_world(plot, **{name: 1})
            yield _with_world(plot, **{name: getattr(world, name) - 1})


def _plainer(plot: Plot) -> Iterator[Plot]:
    for name in (
        "brackets",
        "notional",
        "sub_tags",
        "shorts",
        "hedged",
        "auto_close",
        "fills_by_client_id",
        "fill_ids_repeat",
    ):
        if getattr(plot.shape.world, name):
            yield _with_world(plot, **{name: False})
    for name in ("blank", "by_hand"):
        if getattr(plot, name):
            yield structs.replace(plot, **{name: False})
    if plot.shape.world.venue_skew_s:
        yield _with_world(plot, venue_skew_s=0)


def _without_unmet_faults(trial: Trial) -> Smaller:
    def smaller(plot: Plot) -> Iterator[Plot]:
        yield _without(plot, [name for name in _faults_of(plot) if not trial.faults[name]])

    return smaller


def _without_each(parts: int) -> Smaller:
    """The faults in so many parts, each left out in turn."""

    def smaller(plot: Plot) -> Iterator[Plot]:
        names = _faults_of(plot)
        size = max(1, len(names) // parts)
        for start in range(0, len(names), size):
            yield _without(plot, names[start : start + size])

    return smaller


_FAULTS = tuple(_without_each(parts) for parts in (2, 4, 8, len(structs.asdict(Faults()))))


def _faults_of(plot: Plot) -> list[str]:
    return [name for name, rate in structs.asdict(plot.faults).items() if rate]


def _without(plot: Plot, names: list[str]) -> Plot:
    off: dict[str, float] = dict.fromkeys(names, 0.0)
    return structs.replace(plot, faults=Faults(**(structs.asdict(plot.faults) | off)))


def _with_world(plot: Plot, **changes: object) -> Plot:
    return structs.replace(
        plot, shape=structs.replace(plot.shape, world=structs.replace(plot.shape.world, **changes))
    )
