"""Foreign books as the local side of a one-off plan: read, never written, and nothing of them kept.

A row that is not understood counts as existing: a question for its ids answers "another's", so that nothing is inserted
in its place. An order whose row changed between two reads, or whose own time says so, is recently active.
"""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from trueup.model.ids import known_client_id, known_id, normal_id
from trueup.model.snapshot import Fill, Local, LocalAnswer, LocalOrder, Trade
from trueup.model.times import from_ns, is_before, to_ns
from trueup.model.vocabulary import Extent, Outcome, QueryBy
from trueup.ports.foreign_books import ForeignBooks, ForeignRead, ForeignRow

_VERSION_DIGITS = 12  # of the fingerprint: a row without a version of its own has one that moves with it


class AuditBooks:
    """The books of one account's profiles, by profile id; several may share one."""

    def __init__(self, books: Mapping[str, ForeignBooks]) -> None:
        self._books = books
        self._before: dict[int, dict[str, str]] = {}  # by books: fingerprints of the last read, by key
        self.unclear: list[str] = []

    @property
    def profile_ids(self) -> list[str]:
        return list(self._books)

    def look(self, recent_s: float) -> None:
        """The first of two reads: what differs in the next one is being written just now."""
        for books in self._distinct():
            self._before[id(books)] = {one.key: one.fingerprint for one in books.read(None, recent_s).rows}

    def _distinct(self) -> list[ForeignBooks]:
        return list({id(one): one for one in self._books.values()}.values())

    def read_local(self, profile_ids: Sequence[str], recent_s: float, now: str) -> dict[str, Local]:
        """The live and recent side of each profile, as of `now`."""
        locals_: dict[str, Local] = {}
        for books in self._distinct():
            mine = [one for one in profile_ids if self._books.get(one) is books]
            read = self._whole_read(books, recent_s)
            self.unclear += [one.message for one in read.unclear]
            locals_ |= {one: self._local(books, read, one, now) for one in mine}
            self._before[id(books)] = {one.key: one.fingerprint for one in read.rows}
        return locals_

    def _whole_read(self, books: ForeignBooks, recent_s: float) -> ForeignRead:
        """With the rows that were live a moment ago, whatever they say now."""
        read = books.read(None, recent_s)
        gone = [*(self._before.get(id(books), {}).keys() - {one.key for one in read.rows})]
        if not gone:
            return read
        more = books.find(keys=gone)
        return replace(
            read, rows=[*read.rows, *more.rows], trades=read.trades, unclear=[*read.unclear, *more.unclear]
        )

    def _local(self, books: ForeignBooks, read: ForeignRead, profile_id: str, now: str) -> Local:
        rows = [one for one in read.rows if one.profile_id == profile_id]
        return Local(
            read_at=now,
            extent=Extent.OPEN_AND_RECENT,
            orders=[self._stamped(books, one, now) for one in rows],
            fills=[fill for one in rows for fill in one.fills or ()],
            trades=[one.trade for one in read.trades if one.profile_id == profile_id],
        )

    def _stamped(self, books: ForeignBooks, row: ForeignRow, now: str) -> LocalOrder:
        order = replace(
            row.order, version=int(row.fingerprint[:_VERSION_DIGITS], 16) + 1, last_activity_at=row.changed_at
        )
        before = self._before.get(id(books))
        if before is None or before.get(row.key) == row.fingerprint:
            return order
        return (
            order
            if _is_past(row.changed_at, now) and row.key not in before
            else replace(order, last_activity_at=now)
        )

    def find_local(self, profile_id: str, ids: Sequence[str], now: str) -> list[LocalAnswer]:
        """Each id by both kinds, over the whole table."""
        read = self._books[profile_id].find(ids=ids)
        return [
            _answer(read, by, one, profile_id, now)
            for one in ids
            for by in (QueryBy.VENUE_ORDER_ID, QueryBy.CLIENT_ORDER_ID)
        ]

    def related(self, profile_id: str, orders: Sequence[LocalOrder]) -> tuple[list[Fill], list[Trade]]:
        ids = [one for order in orders for one in (order.venue_order_id, order.client_order_id) if one]
        read = self._books[profile_id].find(ids=ids)
        mine = [one for one in read.rows if one.profile_id == profile_id]
        return [fill for one in mine for fill in one.fills or ()], [one.trade for one in read.trades]

    def close(self) -> None:
        for books in self._distinct():
            books.close()


def _is_past(time: str | None, now: str) -> bool:
    """A row that was not read before and ended a while ago came into sight; it was not written just now."""
    return time is not None and is_before(time, from_ns(to_ns(now) - 1_000_000_000))


def _answer(read: ForeignRead, by: QueryBy, order_id: str, profile_id: str, now: str) -> LocalAnswer:
    wanted = normal_id(order_id)
    found = next((one for one in read.rows if _id_of(one.order, by) == wanted), None)
    unclear = any(
        normal_id(one) == wanted
        for row in read.unclear
        for one in (row.venue_order_id, row.client_order_id)
        if one is not None
    )
    return LocalAnswer(
        by=by,
        id=order_id,
        outcome=Outcome.FOUND if found is not None or unclear else Outcome.ABSENT,
        read_at=now,
        order=found.order if found is not None and found.profile_id == profile_id else None,
    )


def _id_of(order: LocalOrder, by: QueryBy) -> str | None:
    if by is QueryBy.CLIENT_ORDER_ID:
        return known_client_id(order.client_order_id)
    return known_id(order.venue_order_id)
