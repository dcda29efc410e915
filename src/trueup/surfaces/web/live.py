"""Tells open pages that something has changed, by server-sent events: one look at the journal for all readers.

Decides only *that* there is news; a page then asks for itself. Nobody reads: nobody looks. The more read, the less
often they are told, so that a crowd of readers costs the runs beside it no more than a few.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from trueup.model.errors import LedgerError
from trueup.ports.ledger import Ledger
from trueup.surfaces.web.shared import Shared

LOOK_EVERY_S = 1.0
LOOK_EVERY_PER_READER_S = 0.2
KEEP_ALIVE_S = 15.0  # below what proxies wait for
READERS_MAX = 200


class News:
    """`sleep` is the clock's. One watcher runs while there are readers."""

    def __init__(
        self, ledger: Ledger, shared: Shared, sleep: Callable[[float], "asyncio.Future[None]"] | None = None
    ) -> None:
        self._ledger = ledger
        self._shared = shared
        self._sleep = sleep or asyncio.sleep
        self._readers: set[asyncio.Event] = set()
        self._watcher: asyncio.Task[None] | None = None

    @property
    def is_full(self) -> bool:
        return len(self._readers) >= READERS_MAX

    async def events(self) -> AsyncIterator[str]:
        """Texts of an event stream, until the reader goes."""
        came = asyncio.Event()
        self._readers.add(came)
        if self._watcher is None or self._watcher.done():
            self._watcher = asyncio.create_task(self._watch())
        try:
            yield "retry: 3000\n\n"
            while True:
                try:
                    async with asyncio.timeout(KEEP_ALIVE_S):
                        await came.wait()
                except TimeoutError:
                    yield ": still here\n\n"
                    continue
                came.clear()
                yield "event: changed\ndata: 1\n\n"
        finally:
            self._readers.discard(came)
            if not self._readers and self._watcher is not None:
                self._watcher.cancel()
                self._watcher = None  # who comes before it has ended gets another

    async def _watch(self) -> None:
        seen = None
        while self._readers:
            with contextlib.suppress(LedgerError):  # the page that asks next says why it cannot be read
                now = await self._shared.read(self._state)
                if seen is not None and now != seen:
                    self._shared.forget()
                    for reader in self._readers:
                        reader.set()
                seen = now
            await self._sleep(max(LOOK_EVERY_S, LOOK_EVERY_PER_READER_S * len(self._readers)))

    def _state(self) -> object:
        """What changes whenever a run ends or something is told: three small reads."""
        journal = self._ledger.journal
        leases = [(one.account_id, tuple(sorted(one.completed.items()))) for one in journal.lease_states()]
        runs = [one.run_id for one in journal.list_runs(limit=1)]
        return leases, runs, journal.count_waiting()
