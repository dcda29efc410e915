"""Many worlds, one after the other or in several processes, and what they covered between them.

Decides what a campaign must have seen to count: every fault, kind of break and reason, except those that cannot
occur in a simulated world, or hardly ever, which are named here with why. Must not know how a world goes.
"""

import gc
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from time import process_time

from msgspec import Struct

from trueup.model.reasons import Reason
from trueup.model.vocabulary import BreakKind
from trueup.sim.checkers import Violation
from trueup.sim.faults import FAULT_NAMES
from trueup.sim.trials.trial import Trial, dispatched, draw_plot, run_trial

CHUNK = 5  # seeds handed to a process at a time
_LOOKED_UP = "the bot wrote between the read of its books and a look-up in them: one world in thousands"
_OWN_TABLES = "the bots' books are trueup's own; tests/mirror has worlds with tables of the bot's"
NEVER_BREAKS: dict[BreakKind, str] = {
    BreakKind.MAPPING_DOUBTFUL: _OWN_TABLES,
    BreakKind.ROW_REMOVED: _OWN_TABLES,
    BreakKind.ROW_UNCLEAR: _OWN_TABLES,
    BreakKind.WRITE_REFUSED: _OWN_TABLES,
    BreakKind.TRADE_ROW_DIFFERS: _OWN_TABLES,
}
SELDOM_BREAKS = {
    BreakKind.TRADE_DRIFT: _LOOKED_UP,
    BreakKind.OVERFILL: "the venue took back a fill that was booked, and filled the order anew: one world in thousands",
}
NEVER_REASONS: dict[Reason, str] = {
    Reason.ABSENT_BUT_FILLED: "nothing is hidden for longer than 20 s, and absence takes 60",
    Reason.ABSENT_IN_TRANSITION: "bots cancel only what the venue has acknowledged",
    Reason.AUDIT_MISSING: "the SQLite ledger holds the audit",
    Reason.DECIDED_BY_PERSON: "people decide nothing here",
    Reason.FILL_NAMES_TWO_ORDERS: "the market's fills name one order",
    Reason.HISTORY_GAP: "the engine says it beside the plan; an expired history is told as partial",
    Reason.NO_ID_TO_QUERY: "every order is recorded with its client order id",
    Reason.ORDER_WITHOUT_ID: "the market gives every order its id",
    Reason.OWNERS_CONTRADICT: "sub-tag and prefix come from the same bot",
    Reason.QUARANTINED: "no person quarantines a trade",
    Reason.COLUMNS_SWAPPED: _OWN_TABLES,
    Reason.ORDER_IDS_DIFFER: _OWN_TABLES,
    Reason.UNIT_DIFFERS: _OWN_TABLES,
    Reason.WORDS_DIFFER: _OWN_TABLES,
    Reason.ROW_REMOVED: _OWN_TABLES,
    Reason.ROW_UNCLEAR: _OWN_TABLES,
    Reason.WRITE_REFUSED: _OWN_TABLES,
    Reason.TRADE_ROW_DIFFERS: _OWN_TABLES,
    Reason.UNMAPPED_ACTION: "the market's orders have a side and a symbol",
    Reason.VENUE_QTY_BELOW_FILLED: "the market refuses to replace an order by less than it filled",
}
SELDOM_REASONS = {
    Reason.KNOWN_FROM_LOCAL_FILL: _LOOKED_UP,
    Reason.ORDERS_FILLED_MORE: _LOOKED_UP,
    Reason.EXCEEDS_ORDER_QTY: "as `overfill`",
    Reason.ABSENT_QUESTION_OPEN: "absence is confirmed while another question about the order was not answered",
    Reason.FEE_DIFFERS: "the venue corrects the price of a fill, with it its fee, and then tells the fee alone",
    Reason.LIVE_BUT_NOT_LISTED: "nothing is hidden for longer than 20 s, and it stands after 60: the clock jumped",
    Reason.CLIENT_ID_REUSED: "an unacknowledged order by notional shares its client order id with its legs",
}


class Tally(Struct, kw_only=True):
    """What some worlds came to. `failed`: the first violations by seed. `excluded`: a seed in which what is listed as
    impossible occurred, by its name."""

    worlds: int = 0
    runs: int = 0
    simulated_s: float = 0
    cpu_s: float = 0
    rounds_max: int = 0
    faults: Counter[str] = Counter()
    breaks: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    corrections: Counter[str] = Counter()
    deferrals: Counter[str] = Counter()
    failed: dict[int, list[Violation]] = {}
    excluded: dict[str, int] = {}

    def add(self, trial: Trial) -> None:
        self.worlds += 1
        self.runs += trial.runs
        self.simulated_s += trial.simulated_s
        self.rounds_max = max(self.rounds_max, trial.rounds or 0)
        for name in ("faults", "breaks", "reasons", "corrections", "deferrals"):
            setattr(self, name, getattr(self, name) + getattr(trial, name))
        if trial.violations:
            self.failed[trial.seed] = trial.violations
        found = [f"break {one.value}" for one in NEVER_BREAKS if trial.breaks[one.value]]
        found += [f"reason {one.value}" for one in NEVER_REASONS if trial.reasons[one.value]]
        self.excluded |= dict.fromkeys(found, trial.seed)

    def merge(self, other: "Tally") -> None:
        self.worlds += other.worlds
        self.runs += other.runs
        self.simulated_s += other.simulated_s
        self.cpu_s += other.cpu_s
        self.rounds_max = max(self.rounds_max, other.rounds_max)
        for name in ("faults", "breaks", "reasons", "corrections", "deferrals"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.failed |= other.failed
        self.excluded |= other.excluded

    def missing(self) -> list[str]:
        """What never occurred and should have."""
        reasons = {reason.value for reason in set(Reason) - set(NEVER_REASONS) - set(SELDOM_REASONS)}
        breaks = {kind.value for kind in set(BreakKind) - set(NEVER_BREAKS) - set(SELDOM_BREAKS)}
        return [
            *(f"fault {name}" for name in FAULT_NAMES if not self.faults[name]),
            *(f"break {name}" for name in sorted(breaks) if not self.breaks[name]),
            *(f"reason {name}" for name in sorted(reasons) if not self.reasons[name]),
        ]


def run_seeds(first: int, last: int, by_broker: bool = False) -> Tally:
    """The worlds of these seeds, one after the other. `by_broker`: a broker dispatches their workers."""
    tally, started = Tally(), process_time()
    with _collecting_by_world():
        for seed in range(first, last + 1):
            plot = draw_plot(seed)
            tally.add(run_trial(dispatched(plot) if by_broker else plot))
            gc.collect()
    tally.cpu_s = process_time() - started
    return tally


@contextmanager
def _collecting_by_world() -> Iterator[None]:
    """A world is full of cycles and forgotten as a whole: its garbage is looked for when it is over, not inside it."""
    was_enabled = gc.isenabled()
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.unfreeze()
        if was_enabled:
            gc.enable()


def run_campaign(
    first: int,
    last: int,
    *,
    jobs: int,
    is_over: Callable[[], bool],
    on_progress: Callable[[Tally], None],
    by_broker: bool = False,
) -> Tally:
    """Seeds `first` to `last` in `jobs` processes, until done, over or failed."""
    tally, chunks = Tally(), _chunks(first, last)
    if jobs == 1:
        for low, high in chunks:
            if is_over() or tally.failed:
                break
            tally.merge(run_seeds(low, high, by_broker))
            on_progress(tally)
        return tally
    with ProcessPoolExecutor(jobs) as pool:
        running: set[Future[Tally]] = set()
        while True:
            while len(running) < 2 * jobs and not (is_over() or tally.failed):
                chunk = next(chunks, None)
                if chunk is None:
                    break
                running.add(pool.submit(run_seeds, *chunk, by_broker))
            if not running:
                return tally
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for one in done:
                tally.merge(one.result())
            on_progress(tally)


def _chunks(first: int, last: int) -> Iterator[tuple[int, int]]:
    for low in range(first, last + 1, CHUNK):
        yield low, min(low + CHUNK - 1, last)
