"""Whose turn it is: accounts are claimed from the journal, which any number of processes and machines share.

Rules: what comes due together is claimed in one statement; only what is free and due by the database's clock is got, so
that N hosts with one configuration run each account once an interval; who gets none is told how long to wait. Must not
know what a run does.
"""

import asyncio
from collections.abc import Mapping

from trueup.engine.holder import new_holder
from trueup.engine.in_thread import in_thread
from trueup.ports.journal import Journal
from trueup.ports.records import Turn

_Waiting = dict[str, tuple[asyncio.Future[Turn], bool]]  # by account id; whether it is in haste


class Claims:
    """One process's claims. `due_within_s`: a due time later than that from now was set by a clock put back since."""

    def __init__(self, journal: Journal, ttl_s: float, due_within_s: float) -> None:
        self._journal = journal
        self._ttl_s = ttl_s
        self._due_within_s = due_within_s
        self._waiting: _Waiting = {}
        self._asking: asyncio.Task[None] | None = None

    async def turn(self, account_id: str, *, hasty: bool = False) -> Turn:
        """The account's lease, or how long to wait. `hasty`: whether it is due or not. Raises LedgerError."""
        future: asyncio.Future[Turn] = asyncio.get_running_loop().create_future()
        self._waiting[account_id] = (future, hasty)
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask())
        return await future

    async def _ask(self) -> None:
        """Whoever comes while a claim is on its way joins the next one."""
        await asyncio.sleep(0)
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, {}
                await self._claim(batch)
        finally:
            self._asking = None

    async def _claim(self, batch: _Waiting) -> None:
        hasty = [one for one, (_, is_hasty) in batch.items() if is_hasty]
        try:
            turns = await in_thread(
                self._journal.claim_leases,
                list(batch),
                new_holder(),
                self._ttl_s,
                due_within_s=self._due_within_s,
                hasty=hasty,
            )
        except Exception as error:  # noqa: BLE001 - handed to each that waits for it
            for future, _ in batch.values():
                if not future.done():
                    future.set_exception(error)
            return
        await self._hand_out(batch, {one.account_id: one for one in turns})

    async def _hand_out(self, batch: _Waiting, turns: Mapping[str, Turn]) -> None:
        """A lease that nobody waits for any more is freed at once."""
        for account_id, (future, _) in batch.items():
            turn = turns[account_id]
            if not future.done():
                future.set_result(turn)
            elif turn.lease is not None:
                await in_thread(self._journal.release_lease, turn.lease, {})
