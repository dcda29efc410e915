"""A bounded number of runs work at the same time; one that only waits for somebody else's answer is none of them.

A run works when it reads the books, plans or commits. While it waits for its venue or its bot it gives its slot back:
accounts that hang keep nobody from working. Who waits is bounded apart, for each holds connections.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar

WAITING_MAX = (
    100  # accounts that wait for their venues: up to five connections each, of 1,024 that a process may have
)


class _Slot:
    def __init__(self, free: asyncio.Semaphore, waiting: asyncio.Semaphore) -> None:
        self.free = free
        self.waiting = waiting
        self.is_held = False

    async def take(self) -> None:
        await self.free.acquire()
        self.is_held = True

    def give_back(self) -> None:
        if self.is_held:
            self.is_held = False
            self.free.release()


_SLOT: ContextVar[_Slot | None] = ContextVar("_SLOT", default=None)


class Slots:
    """`async with slots:` around a run, in a task of its own."""

    def __init__(self, count: int, waiting_max: int = WAITING_MAX) -> None:
        self._free = asyncio.Semaphore(count)
        self._waiting = asyncio.Semaphore(waiting_max)

    async def __aenter__(self) -> None:
        slot = _Slot(self._free, self._waiting)
        await slot.take()
        _SLOT.set(slot)

    async def __aexit__(self, *_: object) -> None:
        slot = _SLOT.get()
        _SLOT.set(None)
        if slot is not None:
            slot.give_back()


@asynccontextmanager
async def waiting() -> AsyncIterator[None]:
    """While somebody else is awaited. Where no slot is held, as in a run of a bot's own, nothing happens."""
    slot = _SLOT.get()
    if slot is None or not slot.is_held:
        yield
        return
    slot.give_back()
    async with slot.waiting:
        yield
    await slot.take()
