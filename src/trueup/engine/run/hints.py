"""What a venue's stream told of one account, where it has one: that something happened, and when it was last heard.

A hint makes a run early; nothing is decided from it, and losing it costs latency only. The run waits until what the
hint tells of is no longer recent, for of what is recent nothing is judged.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from trueup.engine.events import Event, log_event
from trueup.engine.run.account import ManagedAccount
from trueup.model.times import NS_PER_S
from trueup.ports.clock import Clock
from trueup.ports.venue import Hinting


class Hints:
    """One account's. `came`: something was heard that no run has followed yet."""

    def __init__(self, account: ManagedAccount, clock: Clock) -> None:
        self.came = asyncio.Event()
        self._account = account
        self._clock = clock
        self._last_ns = 0

    async def listen(self) -> None:
        """Ends where the venue has no stream, or that has ended for good."""
        if not isinstance(self._account.venue, Hinting):
            return
        try:
            async for _ in self._account.venue.hints():
                self._last_ns = self._clock.monotonic_ns()
                self.came.set()
        except Exception as error:  # noqa: BLE001 - a convenience: no fault of it may end the account
            fields = {"account_id": self._account.account_id}
            log_event(Event.HINTS_FAILED, fields, level=logging.WARNING, error=error)

    async def settled(
        self, wait: Callable[[float], Awaitable[None]], is_stopping: Callable[[], bool] = lambda: False
    ) -> None:
        """Waits until what came is no longer recent.

        Hints that go on put the run off by one more window at most; the last of them then gets a run of its own.
        """
        profiles = self._account.profiles
        window_ns = round(max(one.policy.recent_activity_window_s for one in profiles) * NS_PER_S)
        latest_ns = self._clock.monotonic_ns() + 2 * window_ns
        while (left_ns := min(self._last_ns + window_ns, latest_ns) - self._clock.monotonic_ns()) > 0:
            if is_stopping():
                break
            await wait(left_ns / NS_PER_S)
        if self._last_ns + window_ns <= self._clock.monotonic_ns():
            self.came.clear()
