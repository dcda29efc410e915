"""A budget of requests that accounts of many processes share: an IP address's, or a firm's key's.

Rules: each process takes a portion of the minute's requests from the database and spends it alone; what it has not
spent within a few seconds is lost, so that who needs none keeps none from others. Whatever processes do or die of, no
60 seconds see more requests than the budget has. An account's own budget needs none of this: one process has it.
"""

import asyncio

from trueup.engine.in_thread import in_thread
from trueup.model.errors import LedgerError, RateLimited
from trueup.model.times import NS_PER_S
from trueup.ports.clock import Clock
from trueup.ports.roster import Roster

VALID_S = 5.0  # then the rest of a portion is lost; it costs the budget a twelfth at most
PORTIONS_A_MINUTE = 40  # of a budget: few enough to cost nothing, enough for some workers to have one each
WAIT_MIN_S = 0.2


class SharedBudget:
    """Implements `ports.venue.WiderBudget`."""

    def __init__(self, name: str, per_minute: int, roster: Roster, clock: Clock) -> None:
        self.name = name
        self.per_minute = per_minute
        self._roster = roster
        self._clock = clock
        self._left = 0
        self._valid_until_ns = 0
        self._asking = asyncio.Lock()

    async def take(self, patience_s: float) -> None:
        """One request. Raises RateLimited where none is free within `patience_s`."""
        deadline_ns = self._clock.now_ns() + round(patience_s * NS_PER_S)
        while (wait_s := await self._take()) > 0:
            if self._clock.now_ns() + round(wait_s * NS_PER_S) > deadline_ns:
                raise RateLimited(
                    f"the shared budget {self.name} of {self.per_minute} requests a minute is used up for"
                    f" {wait_s:.0f} s: read less often, or share it among fewer accounts",
                    retry_after_s=wait_s,
                )
            await self._clock.sleep(wait_s)

    async def _take(self) -> float:
        """0: taken; else how long to wait."""
        async with self._asking:
            asked_ns = self._clock.now_ns()
            if self._left <= 0 or asked_ns >= self._valid_until_ns:
                wanted = max(1, self.per_minute // PORTIONS_A_MINUTE)
                try:
                    portion = await in_thread(
                        self._roster.take_portion, self.name, self.per_minute, wanted, VALID_S
                    )
                except LedgerError as error:
                    raise RateLimited(f"the shared budget {self.name} cannot be asked: {error}") from error
                self._left, self._valid_until_ns = portion.requests, asked_ns + round(VALID_S * NS_PER_S)
                if not portion.requests:
                    return max(WAIT_MIN_S, portion.wait_s)
            self._left -= 1
            return 0.0
