"""Keeps the mirror of the bots' own books for one run of an account: what they say is taken in before it is judged.

Rules: their reads end before the venue is read. A row with the remembered fingerprint is untouched; any other is the
bot's word. A live row that is read no more is asked for by its key, and is gone only where that finds none. Of a trade
whose orders changed all orders are read. A run in which nothing changed writes nothing. Must not know how a row is
mapped, nor what an order is judged to be.
"""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from trueup.engine.run.account import ManagedAccount
from trueup.model.snapshot import LocalFault, Trade
from trueup.model.vocabulary import LocalFaultKind
from trueup.ports.foreign_books import (
    BooksTraits,
    ForeignBooks,
    ForeignRead,
    ForeignRow,
    ForeignTrade,
    UnclearRow,
)
from trueup.ports.mirror import RowConflict, Taking
from trueup.ports.records import Lease


class Owned(Struct, frozen=True):
    """A fault and whose it is."""

    profile_id: str
    fault: LocalFault


class Mirror:
    """`lease`: the fence of every taking-in. Sync, for a thread."""

    def __init__(self, account: ManagedAccount, lease: Lease) -> None:
        self._account = account
        self._lease = lease
        self._faults: dict[tuple[str, str], list[Owned]] = {}  # by source and row key
        self._trades: dict[tuple[str, str], Trade] = {}  # as their rows say them, by profile and trade id
        self.is_unsettled = (
            False  # something was taken in whose activity is this moment, for want of a better time
        )

    def take_in(self, recent_s: float) -> None:
        """Reads all books of the account, and lays what changed over the mirror. Raises FenceLost, LedgerError."""
        for books in self._account.foreign:
            source = books.traits.source
            self._faults = {key: one for key, one in self._faults.items() if key[0] != source}
            read = books.read(self._cursor(source), recent_s)
            live = self._account.ledger.journal.live_rows(self._account.account_id, source)
            missing = sorted(live.keys() - _keys_of(read))
            found = books.find(keys=missing) if missing else None
            gone = set() if found is None else set(missing) - _keys_of(found)
            both = read if found is None else _joined(read, found)
            self._lay(books, both, live, gone=sorted(gone), cursor=read.cursor)

    def look_up(self, ids: Sequence[str]) -> None:
        """The rows that a question names, however old: taken in, so that the mirror can answer."""
        for books in self._account.foreign if ids else ():
            self._lay(books, books.find(ids=ids), {})

    def faults(self) -> dict[str, list[LocalFault]]:
        """By profile id: rows that this run could not take in."""
        found: dict[str, list[LocalFault]] = {}
        for one in (owned for several in self._faults.values() for owned in several):
            found.setdefault(one.profile_id, []).append(one.fault)
        return found

    def trades(self, profile_id: str) -> list[Trade]:
        """As their own rows say them, of those that this run has read."""
        return [trade for (owner, _), trade in self._trades.items() if owner == profile_id]

    def _cursor(self, source: str) -> str | None:
        account = self._account
        known = account.cursors.get(source)
        return known or account.ledger.journal.foreign_cursor(account.account_id, source)

    def _lay(
        self,
        books: ForeignBooks,
        read: ForeignRead,
        live: Mapping[str, str],
        *,
        gone: Sequence[str] = (),
        cursor: str | None = None,
    ) -> None:
        account, traits = self._account, books.traits
        self._note_unclear(traits, read.unclear)
        fresh = self._fresh(traits.source, read.rows, live)
        trade_ids = sorted({row.order.trade_id for row in fresh if row.order.trade_id is not None})
        if trade_ids:
            kin = books.find(trade_ids=trade_ids)
            self._note_unclear(traits, kin.unclear)
            known = {row.key for row in read.rows}
            fresh += self._fresh(traits.source, [row for row in kin.rows if row.key not in known], live)
            read = _joined(read, kin)
        self._trades |= {(one.profile_id, one.trade.trade_id): one.trade for one in read.trades}
        if fresh or gone:
            taking = Taking(
                account_id=account.account_id,
                source=traits.source,
                keys=traits.order_keys,
                rows=fresh,
                trades=_named(read, fresh),
                gone=gone,
                is_removal_normal=books.is_removal_normal,
                cursor=cursor,
                fills_are_whole=traits.inserts_fills,
            )
            taken = account.ledger.take_in(self._lease, taking)
            self._note_conflicts(traits.source, taken.conflicts)
            self.is_unsettled |= bool(gone) or any(row.changed_at is None for row in fresh)
        if cursor is not None:
            account.cursors[traits.source] = cursor

    def _fresh(self, source: str, rows: Sequence[ForeignRow], live: Mapping[str, str]) -> list[ForeignRow]:
        """Those that are not as they were taken in last. `live`: fingerprints that are known already, by key."""
        if self._account.reckoned[source].of(_fingerprints, list(rows)) == live:
            return []
        others = [row for row in rows if live.get(row.key) != row.fingerprint]
        journal, account_id = self._account.ledger.journal, self._account.account_id
        known = journal.known_rows(account_id, source, [row.key for row in others]) if others else {}
        return [
            row
            for row in others
            if (one := known.get(row.key)) is None or one.removed or one.fingerprint != row.fingerprint
        ]

    def _note_unclear(self, traits: BooksTraits, rows: Iterable[UnclearRow]) -> None:
        source, profile_ids = traits.source, sorted(traits.profile_ids)
        for row in rows:
            fault = LocalFault(
                kind=LocalFaultKind.ROW_UNCLEAR,
                message=row.message,
                row_key=row.key,
                client_order_id=row.client_order_id,
                venue_order_id=row.venue_order_id,
            )
            whose = profile_ids if row.profile_id is None else [row.profile_id]
            self._faults[source, row.key] = [Owned(one, fault) for one in whose]

    def _note_conflicts(self, source: str, conflicts: Iterable[RowConflict]) -> None:
        for one in conflicts:
            fault = LocalFault(
                kind=LocalFaultKind.ROW_UNCLEAR,
                message=one.message,
                row_key=one.row_key,
                client_order_id=one.order.client_order_id,
                venue_order_id=one.order.venue_order_id,
                trade_id=one.order.trade_id,
                symbol=one.order.symbol,
            )
            self._faults[source, one.row_key] = [Owned(one.profile_id, fault)]


def _fingerprints(rows: list[ForeignRow]) -> dict[str, str]:
    return {row.key: row.fingerprint for row in rows}


def _keys_of(read: ForeignRead) -> set[str]:
    return {row.key for row in read.rows} | {row.key for row in read.unclear}


def _joined(left: ForeignRead, right: ForeignRead) -> ForeignRead:
    """Rows of two reads; of one that both have, the later."""
    rows = {row.key: row for row in [*left.rows, *right.rows]}
    trades = {(one.profile_id, one.trade.trade_id): one for one in [*left.trades, *right.trades]}
    return ForeignRead(
        rows=list(rows.values()),
        trades=list(trades.values()),
        unclear=[*left.unclear, *right.unclear],
        cursor=left.cursor,
    )


def _named(read: ForeignRead, rows: Sequence[ForeignRow]) -> list[ForeignTrade]:
    """What the books say of the trades that these rows name."""
    named = {(row.profile_id, row.order.trade_id) for row in rows}
    return [one for one in read.trades if (one.profile_id, one.trade.trade_id) in named]
