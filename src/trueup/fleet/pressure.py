"""By how much the fleet is overloaded, and what that does to the intervals.

Rules: less than one waiting message a shard is no overload; n of them say that n intervals pass until a turn comes,
and so all intervals are stretched n times, evenly: an account is due only after that long. Counted are messages, not
times, so that no two machines' clocks are compared.
"""

from collections.abc import Awaitable, Callable

EARLY_SHARE = (
    0.25  # of the interval, that an account may run before its due time: clocks and schedules jitter
)
# that much where its message has come and no others wait: a run that began late left its due time late as well, and
# would have the next message find nothing due, and wait for the one after it
CALLED_EARLY_SHARE = 0.75
COUNT_EVERY = 200  # messages, between two counts of the shards


class Pressure:
    """`stretch`: how many times as long as configured the intervals are, at least 1."""

    def __init__(self, interval_s: float) -> None:
        self.interval_s = interval_s
        self.stretch = 1.0
        self._shards = 0
        self._until_count = 0

    async def note(self, waiting: int, count_shards: Callable[[], Awaitable[int]]) -> None:
        """Takes how many messages wait behind the one that was taken."""
        if self._until_count <= 0:
            self._shards = await count_shards()
            self._until_count = COUNT_EVERY
        self._until_count -= 1
        self.stretch = max(1.0, waiting / max(1, self._shards))

    @property
    def early_s(self) -> float:
        """How long before its due time an account may run that no message called."""
        return EARLY_SHARE * self.interval_s

    @property
    def called_early_s(self) -> float:
        """The same of one whose message has come, while nothing is stretched."""
        return CALLED_EARLY_SHARE * self.interval_s

    @property
    def late_by_s(self) -> float:
        """For how long an account must have been due when its message comes; negative: it may be due that soon."""
        if self.stretch <= 1:
            return -self.called_early_s
        return (self.stretch - 1) * self.interval_s - self.early_s
