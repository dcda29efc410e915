"""How many requests one account may send: never more than its budget in any minute, whoever asks.

One budget is shared by everything in the process that reads with the same credentials. The bot spends from the same
allowance at the venue: what the venue says is left counts, and a reserve of it stays the bot's.
"""

from collections import deque
from collections.abc import Sequence
from weakref import WeakValueDictionary

from trueup.model.errors import RateLimited
from trueup.model.times import NS_PER_S
from trueup.ports.clock import Clock
from trueup.ports.venue import WiderBudget

WINDOW_S = 60
_WINDOW_NS = WINDOW_S * NS_PER_S
_SHARED: "WeakValueDictionary[tuple[str, str], RateBudget]" = WeakValueDictionary()


class RateBudget:
    """At most `per_minute` requests within any 60 seconds. Exact: a leaky bucket lets a burst and its rate add up.

    Its times are the monotonic clock's: a wall clock that is put back would leave it used up for as long.
    """

    def __init__(self, clock: Clock, per_minute: int, wider: Sequence[WiderBudget] = ()) -> None:
        self.per_minute = per_minute
        self.wider = tuple(wider)
        self.clock = clock
        self._sent_ns: deque[int] = deque(maxlen=per_minute)
        self._paused_until_ns = 0

    async def take(self, patience_s: float) -> None:
        """Waits until one request may be sent, and counts it. Raises RateLimited where that is beyond `patience_s`."""
        deadline_ns = self.clock.monotonic_ns() + round(patience_s * NS_PER_S)
        while (due_ns := self._due_ns()) > (now_ns := self.clock.monotonic_ns()):
            wait_s = (due_ns - now_ns) / NS_PER_S
            if due_ns > deadline_ns:
                raise RateLimited(
                    f"the account's budget of {self.per_minute} requests a minute is used up for {wait_s:.0f} s:"
                    " read less often, or give this account fewer readers",
                    retry_after_s=wait_s,
                )
            await self.clock.sleep(wait_s)
        self._sent_ns.append(now_ns)  # nothing is awaited since the check: no other request came in between
        for one in self.wider:
            await one.take(max(0.0, (deadline_ns - self.clock.now_ns()) / NS_PER_S))

    def pause(self, seconds: float) -> None:
        """Sends nothing for so long: the venue said so."""
        until_ns = self.clock.monotonic_ns() + round(seconds * NS_PER_S)
        self._paused_until_ns = max(self._paused_until_ns, until_ns)

    def _due_ns(self) -> int:
        full = len(self._sent_ns) == self.per_minute
        return max(self._paused_until_ns, self._sent_ns[0] + _WINDOW_NS if full else 0)


def shared_budget(
    address: str, key_id: str, clock: Clock, per_minute: int, wider: Sequence[WiderBudget] = ()
) -> RateBudget:
    """The budget of these credentials at this address, in this process."""
    budget = _SHARED.get((address, key_id))
    asked = (per_minute, tuple(wider))
    if budget is None or (budget.per_minute, budget.wider) != asked or budget.clock is not clock:
        budget = _SHARED[address, key_id] = RateBudget(clock, per_minute, wider)
    return budget
