"""Hears the venues' streams of the accounts that a worker keeps open, so that one where something happened runs soon.

Each worker that has the account open hears it, and asks for a run: the lease lets one after the other do it, and a run
that finds nothing to do costs what one in sync costs. Must not know what a hint is about, nor how an account is run.
"""

import asyncio
from collections.abc import Awaitable, Callable

from trueup.engine.run.account import ManagedAccount
from trueup.engine.run.hints import Hints
from trueup.ports.clock import Clock
from trueup.ports.venue import Hinting


class Hearing:
    """`run_soon` is awaited with an account's id once something happened there that is no longer recent."""

    def __init__(self, clock: Clock, run_soon: Callable[[str], Awaitable[None]]) -> None:
        self._clock = clock
        self._run_soon = run_soon
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def begin(self, account: ManagedAccount) -> None:
        """Where its venue has a stream; until `end`."""
        if isinstance(account.venue, Hinting):
            self._tasks[account.account_id] = asyncio.create_task(self._hear(account))

    async def end(self, account_id: str) -> None:
        task = self._tasks.pop(account_id, None)
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _hear(self, account: ManagedAccount) -> None:
        hints = Hints(account, self._clock)
        listening = asyncio.create_task(hints.listen())
        coming = asyncio.create_task(hints.came.wait())
        try:
            while not listening.done():
                await asyncio.wait({listening, coming}, return_when=asyncio.FIRST_COMPLETED)
                if coming.done():
                    await hints.settled(self._clock.sleep)
                    await self._run_soon(account.account_id)
                    coming = asyncio.create_task(hints.came.wait())
        finally:
            listening.cancel()
            coming.cancel()
