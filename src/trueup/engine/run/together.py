"""What accounts that run at the same time ask of the ledger, put together: one statement for all that wait.

Rules: a batch goes when nobody who works could still join it, and after `LINGER_S` in any case: an account that waits
for its venue, or works for long, holds nobody up; of a few accounts none waits. Where a batch fails, each is tried by
itself, so that one account's fault is no other's. Must not know what is read or written.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Generic, TypeVar

from trueup.engine.in_thread import in_thread
from trueup.engine.run.account import ManagedAccount
from trueup.engine.run.observe_local import LocalReads, read_local_sides
from trueup.model.errors import TrueupError
from trueup.ports.journal import Journal
from trueup.ports.ledger import Ledger
from trueup.ports.records import Release

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")

BATCH_MAX = 64  # accounts: what they hold is in memory at once
FEW = 4  # accounts that work: so many wait for nobody, for a batch of them would save little
LINGER_S = 0.02  # how long one waits for others: what two accounts of 100 profiles each need to be planned


class Together:
    """One process's. `async` callers of one event loop."""

    def __init__(self) -> None:
        self._working = 0  # accounts that may come and ask; those that wait for an answer included
        self._reads = _Batches(read_local_sides, self._is_quiet)
        self._releases = _Batches(_release, self._is_quiet)
        self._times = _Batches(_times, self._is_quiet)

    async def read(self, account: ManagedAccount) -> LocalReads:
        """The local side of an account whose bots record into the ledger. Raises LedgerError."""
        return await self._reads.ask(account)

    async def release(self, journal: Journal, release: Release) -> None:
        """Frees a lease, with what its run leaves. Raises LedgerError."""
        await self._releases.ask((journal, release))

    async def now(self, ledger: Ledger) -> str:
        """The ledger's time, at some moment after this call. Raises LedgerError."""
        return await self._times.ask(ledger)

    @contextmanager
    def working(self) -> Iterator[None]:
        """Around an account's run."""
        self._move(1)
        try:
            yield
        finally:
            self._move(-1)

    @contextmanager
    def away(self) -> Iterator[None]:
        """Within `working`, while somebody else is awaited."""
        self._move(-1)
        try:
            yield
        finally:
            self._move(1)

    def _move(self, by: int) -> None:
        self._working += by
        for batches in (self._reads, self._times, self._releases):
            batches.look()

    def _is_quiet(self) -> bool:
        """Whether all who work wait for a batch to go, or are too few to be waited for."""
        return self._working <= max(FEW, self._reads.waiting + self._times.waiting + self._releases.waiting)


class _Batches(Generic[Asked, Answer]):
    """`work` answers each of what it is given, in its order, in a thread. `is_quiet`: nobody else will come soon."""

    def __init__(
        self, work: Callable[[Sequence[Asked]], Sequence[Answer]], is_quiet: Callable[[], bool]
    ) -> None:
        self.waiting = 0
        self._work = work
        self._is_quiet = is_quiet
        self._asked: list[tuple[Asked, asyncio.Future[Answer]]] = []
        self._taking: asyncio.Task[None] | None = None
        self._stirred = asyncio.Event()

    async def ask(self, one: Asked) -> Answer:
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._asked.append((one, future))
        if self._taking is None:
            self._taking = asyncio.create_task(self._take_all())
        self.waiting += 1
        self.look()
        try:
            return await future
        finally:
            self.waiting -= 1

    def look(self) -> None:
        """Whether a batch may go now."""
        self._stirred.set()

    async def _take_all(self) -> None:
        try:
            while self._asked:
                await self._linger()
                batch, self._asked = self._asked[:BATCH_MAX], self._asked[BATCH_MAX:]
                if not await self._answer(batch, is_last=len(batch) == 1):
                    for one in batch:
                        await self._answer([one], is_last=True)
        finally:
            self._taking = None

    async def _linger(self) -> None:
        await asyncio.sleep(0)  # those who come at the same moment
        with suppress(TimeoutError):
            async with asyncio.timeout(LINGER_S):
                while len(self._asked) < BATCH_MAX and not self._is_quiet():
                    self._stirred.clear()
                    await self._stirred.wait()

    async def _answer(
        self, batch: Sequence[tuple[Asked, "asyncio.Future[Answer]"]], *, is_last: bool
    ) -> bool:
        """Whether they were answered, if only by an error; not by one that may be of one of them only."""
        try:
            answers = await in_thread(self._work, [one for one, _ in batch])
        except Exception as error:  # noqa: BLE001 - handed to those who wait for it
            if not is_last and isinstance(error, TrueupError):
                return False
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            return True
        for (_, future), answer in zip(batch, answers, strict=True):
            if not future.done():
                future.set_result(answer)
        return True


def _release(releases: Sequence[tuple[Journal, Release]]) -> Sequence[None]:
    by_journal: dict[int, tuple[Journal, list[Release]]] = {}
    for journal, release in releases:
        by_journal.setdefault(id(journal), (journal, []))[1].append(release)
    for journal, mine in by_journal.values():
        journal.release_leases(mine)
    return [None] * len(releases)


def _times(ledgers: Sequence[Ledger]) -> Sequence[str]:
    """One look at each ledger's clock, for all who asked."""
    now = {id(ledger): ledger.now() for ledger in {id(one): one for one in ledgers}.values()}
    return [now[id(ledger)] for ledger in ledgers]
