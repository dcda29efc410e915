"""A ledger whose books are the bot's own, for a plan: they are read where they stand, and nothing is written to them.

Profiles without books of their own are read from trueup's database as ever; so is everything that the journal keeps.
"""

from collections.abc import Sequence
from typing import Any

from trueup.books.audit_books import AuditBooks
from trueup.model.snapshot import Fill, Local, LocalAnswer, LocalOrder, Trade
from trueup.ports.books import Books
from trueup.ports.ledger import Ledger


class AuditLedger:
    """A `ports.Ledger` with the reads of `foreign` in place of its own; all else is handed on."""

    def __init__(self, ledger: Ledger, foreign: AuditBooks) -> None:
        self._ledger = ledger
        self.foreign = foreign
        self.books = _Books(ledger, foreign)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)


class _Books:
    """The reading half of `ports.Books`, of both."""

    def __init__(self, ledger: Ledger, foreign: AuditBooks) -> None:
        self._ledger = ledger
        self._ours: Books = ledger.books
        self._foreign = foreign

    def read(self, account_id: str, profile_ids: Sequence[str], recent_s: float) -> dict[str, Local]:
        theirs = [one for one in profile_ids if one in self._foreign.profile_ids]
        ours = [one for one in profile_ids if one not in theirs]
        read = self._ours.read(account_id, ours, recent_s) if ours else {}
        return {**read, **self._foreign.read_local(theirs, recent_s, self._ledger.now())}

    def find(self, account_id: str, profile_id: str, ids: Sequence[str]) -> list[LocalAnswer]:
        if profile_id in self._foreign.profile_ids:
            return self._foreign.find_local(profile_id, ids, self._ledger.now())
        return self._ours.find(account_id, profile_id, ids)

    def related(
        self, account_id: str, profile_id: str, orders: Sequence[LocalOrder]
    ) -> tuple[list[Fill], list[Trade]]:
        if profile_id in self._foreign.profile_ids:
            return self._foreign.related(profile_id, orders)
        return self._ours.related(account_id, profile_id, orders)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ours, name)
