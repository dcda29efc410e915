"""What many readers ask for at the same moment is made once, in threads that the runs do not need.

Decides that pages are read by two threads of their own: a crowd of readers waits for itself, never a run for it; and
that what was made is handed out for a moment, until the journal is known to have changed or somebody acts.
"""

import asyncio
import time
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")
THREADS = 2
KEPT_S = 1.0
KEPT_MAX = 100  # the oldest goes


class Shared:
    """`clock_s`: seconds, for how old a thing is."""

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="pages")
        self._made: dict[Hashable, tuple[float, asyncio.Future[Any]]] = {}

    async def read(self, call: Callable[[], T]) -> T:
        """In one of the pages' threads."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)

    async def once(self, key: Hashable, call: Callable[[], T]) -> T:
        """The same, made once for all who ask for `key` within a moment."""
        made_at, future = self._made.get(key, (0.0, None))
        now = self._clock_s()
        if future is None or now - made_at > KEPT_S or (future.done() and future.exception() is not None):
            future = asyncio.ensure_future(self.read(call))
            self._made.pop(key, None)
            self._made[key] = (now, future)
            while len(self._made) > KEPT_MAX:
                del self._made[next(iter(self._made))]
        return await asyncio.shield(future)

    def forget(self) -> None:
        """Something has changed: the next one who asks is told anew."""
        self._made.clear()
