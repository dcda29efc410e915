"""Accounts that a worker has opened, kept open for their next run as long as there is room.

Rules: an account whose settings changed is opened anew; the one not run for longest is closed first, never one that
runs. Must not know how an account is opened.
"""

import asyncio
import logging
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from msgspec import Struct

from trueup.engine.events import Event, log_event
from trueup.engine.in_thread import in_thread
from trueup.engine.run.account import ManagedAccount
from trueup.fleet.hearing import Hearing
from trueup.model.errors import LedgerError, TrueupError
from trueup.ports.roster import FleetAccount, Roster

OPEN_MAX = 2_000  # accounts; each has its venue's connections, and 2 KiB an order that is not checked again

OpenAccount = Callable[[FleetAccount], ManagedAccount]  # raises ConfigError, AuthError


class _Entry(Struct):
    account: ManagedAccount
    version: int


class OpenCache:
    """`open_account`: sync, for a thread. `hearing`: set to hear the streams of those that are open."""

    def __init__(self, roster: Roster, open_account: OpenAccount, open_max: int = OPEN_MAX) -> None:
        self.hearing: Hearing | None = None
        self._roster = roster
        self._open_account = open_account
        self._open_max = open_max
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._used: Counter[str] = Counter()
        self._opening = asyncio.Lock()

    async def take(self, versions: Mapping[str, int]) -> dict[str, ManagedAccount]:
        """These accounts, by id, as of these versions of their settings; each is `give_back`'s afterwards.

        One that cannot be opened is left out, and logged. Raises LedgerError.
        """
        async with self._opening:
            missing = [one for one, version in versions.items() if not self._is_current(one, version)]
            if missing:
                await self._open(missing)
            found = {one: self._entries[one].account for one in versions if one in self._entries}
            self._used.update(found.keys())
            for one in found:
                self._entries.move_to_end(one)
            await self._make_room()
        return found

    def give_back(self, account_id: str) -> None:
        self._used[account_id] -= 1
        if self._used[account_id] <= 0:
            del self._used[account_id]

    async def aclose(self) -> None:
        while self._entries:
            await self._close(next(iter(self._entries)))

    def __len__(self) -> int:
        return len(self._entries)

    def _is_current(self, account_id: str, version: int) -> bool:
        entry = self._entries.get(account_id)
        return entry is not None and entry.version == version

    async def _open(self, account_ids: Sequence[str]) -> None:
        for one in account_ids:
            if one in self._entries and not self._used[one]:
                await self._close(one)
        for settings in await in_thread(self._roster.accounts, account_ids):
            try:
                account = await in_thread(self._open_account, settings)
            except LedgerError:
                raise
            except Exception as error:  # noqa: BLE001 - the boundary around one account's configuration and venue
                level = logging.ERROR
                log_event(Event.RUN_FAILED, {"account_id": settings.account_id}, level=level, error=error)
            else:
                self._entries[settings.account_id] = _Entry(account, settings.version)
                if self.hearing is not None:
                    self.hearing.begin(account)

    async def _make_room(self) -> None:
        for one in list(self._entries):
            if len(self._entries) <= self._open_max:
                return
            if not self._used[one]:
                await self._close(one)

    async def _close(self, account_id: str) -> None:
        account = self._entries.pop(account_id).account
        if self.hearing is not None:
            await self.hearing.end(account_id)
        with suppress(TrueupError, OSError):
            await account.venue.aclose()
        account.ledger.books.forget(account_id)  # else a worker keeps the rows of the whole fleet in time
        for books in account.foreign:
            books.close()
