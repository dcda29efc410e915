"""Which faults happen, and how often: one struct of rates and the dice that draw from it.

Decides only whether a named fault strikes now; what it then does is decided where it strikes. Every rate is the
chance per opportunity, all zero by default. Must not know any order.
"""

from collections import Counter
from collections.abc import Callable
from random import Random

from msgspec import Struct, structs

from trueup.model.times import NS_PER_S


class Faults(Struct, frozen=True, kw_only=True):
    """Chances per opportunity, 0 to 1. The numbers in brackets are those of the list of faults to survive."""

    # a bot's call to the venue
    call_lost: float = 0  # [1] times out before the effect
    call_unanswered: float = 0  # [2] times out after it
    # a read
    read_failed: float = 0
    read_rate_limited: float = 0  # [3]
    read_truncated: float = 0  # [4] state partial
    read_stale: float = 0  # [6] everything as it was some seconds ago
    reply_slow: float = 0  # [16] arrives seconds after it was made (`async` reads only)
    read_empty: float = 0  # [13] maintenance: no open order at all, and said to be complete
    answer_unknown: float = 0
    answer_stale: float = 0
    history_expired: float = 0  # [14] the venue keeps the last minute only, and says that it is not all
    instrument_unlisted: float = 0  # one is missing from the venue's list
    row_skipped: float = 0  # [5] rows shift between pages: one is in no page, though the read is complete
    key_revoked: float = 0  # [33] for some seconds every call is refused
    account_swapped: float = 0  # [33] for some seconds the key is another account's
    venue_banned: float = 0  # [3] so is it after too many calls
    # the network between a worker and the venue
    reply_lost: float = 0  # [15] cut off in mid-body: it never comes
    reply_swapped: float = 0  # [16] an earlier reply to another request comes in its place
    request_doubled: float = 0  # asked twice; the first answer comes last
    # one row of a read
    order_hidden: float = 0  # [5, 7] for some seconds in no list, only found when asked for
    order_late: float = 0  # [8] its record is behind its fills
    fill_late: float = 0  # its record comes some seconds after the order's figures
    row_duplicated: float = 0  # [9] also as an older copy of itself
    status_unknown: float = 0  # [12]
    answer_status_unknown: float = (
        0  # [12] the exchange's word and the client library's contradict: neither is told
    )
    filled_qty_missing: float = 0
    average_missing: float = 0
    updated_at_missing: float = 0
    price_untold: float = 0  # a fill's record has no price yet
    fill_changed: float = 0  # [10] a fill's record shows another price, once
    amount_noisy: float = 0  # [39] filled quantities as binary fractions leave them
    precision_wrong: float = 0  # [12] quantities cut off, prices with digits that mean nothing
    id_respelled: float = 0  # in other letters, with a space
    # what the venue does with orders
    effect_delayed: float = 0  # cancels and replacements take seconds: fills come after them
    order_rejected: float = 0
    order_expires: float = 0
    client_id_shared: float = 0  # [38] a bracket's legs carry their parent's; a person's orders a tag
    fill_busted: float = 0  # [11] per step of the world
    fill_corrected: float = 0  # [11]
    # the stream to the bot
    frame_lost: float = 0
    frame_late: float = 0
    frame_duplicated: float = 0
    fee_untold: float = 0  # a frame says nothing of the fee that its fill cost
    fill_renamed: float = 0  # [36] the stream has an id of its own for an execution
    # the bot
    crash_before_send: float = 0  # recorded, never sent
    crash_after_send: float = 0  # sent, the answer never recorded
    crash_before_record: float = 0  # sent by a bot that records too late: never, though it goes on with it
    # people [30], per step of the world
    person_order: float = 0
    person_close: float = 0
    person_reopen: float = 0  # where they closed a position
    person_cancel: float = 0
    # the executor
    notice_doubled: float = 0  # [34] delivered twice
    executor_failed: float = 0  # with or without effect
    executor_slow: float = 0  # beyond its time-out
    # a process: a worker or a person's command
    killed: float = 0  # [26, 29] at any await of a run; another one starts
    killed_in_commit: float = 0  # [18] before or after it takes effect
    paused: float = 0  # [27, 28] past its lease, and then it finishes
    thread_late: float = 0  # a thread starts seconds late
    # the database
    database_busy: float = 0  # [21]
    disk_full: float = 0  # [22] in the middle of a transaction
    commit_unacknowledged: float = 0  # [19] committed, and nobody is told
    database_cut: float = 0  # [17] one process cannot reach it for some seconds
    commits_lost: float = 0  # [20] a failover: the last seconds of it are gone
    backup_restored: float = (
        0  # [23] everything since the backup is gone; the bots register their trades again
    )
    clock_jumped: float = 0  # [25] the database's clock: by seconds, or for a while by an hour or days
    # people at trueup's command line
    config_changed: float = 0  # [33] in mid-run, for some workers first
    command_twice: float = 0  # [34] `trueup apply` of one plan, twice
    profile_paused: float = 0
    person_corrects: float = 0  # [35] an order's end, a fill: true, and in the midst of a run
    person_moves: float = 0  # [35] orders to other trades; trades closed, split; the baseline: right or wrong
    person_undoes: float = 0  # [35] any run, or what a person wrote

    @classmethod
    def drawn(cls, rng: Random) -> "Faults":
        """A storm of its own kind: some faults often, some seldom, some not at all."""
        shares = (0, 0.4, 1, 1, 2)
        rates = [*sorted(_STORM.items()), *_STORM_LATER.items()]
        return cls(**{name: min(0.9, rate * rng.choice(shares)) for name, rate in rates})


_STORM = {  # what a storm's rates are drawn around
    "call_lost": 0.05,
    "call_unanswered": 0.08,
    "read_failed": 0.05,
    "read_rate_limited": 0.03,
    "read_truncated": 0.1,
    "read_stale": 0.1,
    "reply_slow": 0.2,
    "read_empty": 0.03,
    "answer_unknown": 0.1,
    "answer_stale": 0.1,
    "history_expired": 0.03,
    "instrument_unlisted": 0.01,
    "row_skipped": 0.03,
    "key_revoked": 0.004,
    "account_swapped": 0.003,
    "venue_banned": 0.004,
    "reply_lost": 0.02,
    "reply_swapped": 0.03,
    "request_doubled": 0.05,
    "order_hidden": 0.1,
    "order_late": 0.1,
    "fill_late": 0.15,
    "row_duplicated": 0.1,
    "status_unknown": 0.03,
    "answer_status_unknown": 0.1,
    "filled_qty_missing": 0.03,
    "average_missing": 0.05,
    "updated_at_missing": 0.05,
    "price_untold": 0.02,
    "fill_changed": 0.004,
    "amount_noisy": 0.05,
    "precision_wrong": 0.05,
    "id_respelled": 0.05,
    "effect_delayed": 0.5,
    "order_rejected": 0.03,
    "order_expires": 0.05,
    "client_id_shared": 0.3,
    "fill_busted": 0.002,
    "fill_corrected": 0.002,
    "frame_lost": 0.25,
    "frame_late": 0.15,
    "frame_duplicated": 0.1,
    "fee_untold": 0.1,
    "fill_renamed": 0.1,
    "crash_before_send": 0.04,
    "crash_after_send": 0.08,
    "crash_before_record": 0.05,
    "person_order": 0.05,
    "person_close": 0.01,
    "person_reopen": 0.05,
    "person_cancel": 0.03,
    "notice_doubled": 0.1,
    "executor_failed": 0.1,
    "executor_slow": 0.03,
    "killed": 0.06,
    "killed_in_commit": 0.003,
    "paused": 0.05,
    "thread_late": 0.01,
    "database_busy": 0.01,
    "disk_full": 0.006,
    "commit_unacknowledged": 0.01,
    "database_cut": 0.001,
    "commits_lost": 0.004,
    "backup_restored": 0.002,
    "clock_jumped": 0.008,
    "config_changed": 0.03,
    "command_twice": 0.02,
    "profile_paused": 0.01,
}
_STORM_LATER = {  # drawn after the others, so that a seed's other faults stay what they were
    "person_corrects": 0.03,
    "person_undoes": 0.03,
    "person_moves": 0.03,
}
FAULT_NAMES = tuple(structs.asdict(Faults()))
LAG_S_MAX = 20  # the longest that a stale, late or hidden row lags: well under the least age of an absence


class _Streams(dict[str, Random]):
    """A stream of chance for each fault, made when it is first asked for."""

    def __init__(self, seed: str) -> None:
        super().__init__()
        self._seed = seed

    def __missing__(self, name: str) -> Random:
        self[name] = stream = Random(f"{self._seed}/{name}")
        return stream


class FaultDice:
    """Draws faults from a seed and counts them. `heal()` ends them all; `on_hit` hears of each.

    Every fault draws from a stream of its own, so that a world without one of them is otherwise the same.
    """

    def __init__(self, seed: str, faults: Faults) -> None:
        self.rng = Random(seed)  # of the fault that struck last: for what it does
        self.hits: Counter[str] = Counter()
        self.rates: dict[str, float] = {}
        self.on_hit: Callable[[str], None] = lambda name: None
        self._streams = _Streams(seed)
        self.set(faults)

    def set(self, faults: Faults) -> None:
        self.rates = structs.asdict(faults)

    def heal(self) -> None:
        self.set(Faults())

    def strikes(self, name: str) -> bool:
        """Does the fault of this name (a field of `Faults`) happen now?"""
        rate = self.rates[name]
        if rate == 0:
            return False
        stream = self._streams[name]
        if stream.random() >= rate:
            return False
        self.rng = stream
        self.hits[name] += 1
        self.on_hit(name)
        return True

    def lag_ns(self) -> int:
        """How long something lags: 1 s to LAG_S_MAX."""
        return self.rng.randint(1, LAG_S_MAX) * NS_PER_S
