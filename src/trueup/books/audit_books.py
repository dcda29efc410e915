"""Foreign books as the local side of a one-off plan: read, never written, and nothing of them kept.

A row that is not understood counts as existing: a question for its ids answers "another's", so that nothing is inserted
in its place. An order whose row changed between the two reads, or whose own time says so, is recently active.
"""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from trueup.books.values import ForeignOrder, ForeignRead, Reader, Wanted
from trueup.model.ids import known_client_id, known_id, normal_id
from trueup.model.snapshot import Fill, Local, LocalAnswer, LocalOrder, Trade
from trueup.model.times import is_before
from trueup.model.vocabulary import Extent, Outcome, QueryBy, TradeStatus


class AuditBooks:
    """The books of one account's profiles. `readers`: by profile id; several may share one."""

    def __init__(self, readers: Mapping[str, Reader]) -> None:
        self._readers = readers
        self._before: dict[int, dict[str, str]] = {}  # by reader: fingerprints of the first read, by key
        self.faults: list[str] = []

    @property
    def profile_ids(self) -> list[str]:
        return list(self._readers)

    def look(self) -> None:
        """The first of the two reads: what differs in the next one is being written just now."""
        for reader in self._distinct():
            read = reader.read(Wanted(live=True))
            self._before[id(reader)] = {one.key: one.fingerprint for one in read.orders}

    def _distinct(self) -> list[Reader]:
        return list({id(one): one for one in self._readers.values()}.values())

    def read_local(self, profile_ids: Sequence[str], recent_since: str) -> dict[str, Local]:
        """The live and recent side of each profile that has foreign books."""
        locals_: dict[str, Local] = {}
        for reader in self._distinct():
            read = reader.read(
                Wanted(live=True, changed_since=recent_since, keys=[*self._before.get(id(reader), {})])
            )
            self.faults += [f"{one.table} {one.key}: {one.message}" for one in read.faults]
            mine = [one for one in profile_ids if self._readers.get(one) is reader]
            locals_ |= {
                one: self._local(reader, read, one, recent_since, alone=len(mine) == 1) for one in mine
            }
            self._before[id(reader)] = {one.key: one.fingerprint for one in read.orders}
        return locals_

    def _local(
        self, reader: Reader, read: ForeignRead, profile_id: str, recent_since: str, *, alone: bool
    ) -> Local:
        orders = [one for one in read.orders if _is_owned(one.owner, profile_id, alone=alone)]
        keys = {one.key for one in orders}
        stamped = [self._stamped(reader, one, read.read_at) for one in orders]
        return Local(
            read_at=read.read_at,
            extent=Extent.OPEN_AND_RECENT,
            orders=stamped,
            fills=[one.fill for one in read.fills if one.order_key is None or one.order_key in keys],
            trades=[
                one.trade
                for one in read.trades
                if _is_owned(one.owner, profile_id, alone=alone) and _is_open_or_named(one.trade, stamped)
            ],
        )

    def _stamped(self, reader: Reader, row: ForeignOrder, read_at: str) -> LocalOrder:
        before = self._before.get(id(reader))
        if before is None or before.get(row.key) == row.fingerprint:
            return row.order
        known = row.order.last_activity_at
        is_ended_long_ago = row.key not in before and known is not None and is_before(known, read_at)
        return row.order if is_ended_long_ago else replace(row.order, last_activity_at=read_at)

    def find_local(self, profile_id: str, ids: Sequence[str]) -> list[LocalAnswer]:
        """Each id by both kinds, over the whole table."""
        reader = self._readers[profile_id]
        read = reader.read(Wanted(ids=ids))
        alone = sum(one is reader for one in self._readers.values()) == 1
        return [
            _answer(read, by, one, profile_id, alone=alone)
            for one in ids
            for by in (QueryBy.VENUE_ORDER_ID, QueryBy.CLIENT_ORDER_ID)
        ]

    def related(self, profile_id: str, orders: Sequence[LocalOrder]) -> tuple[list[Fill], list[Trade]]:
        ids = [one for order in orders for one in (order.venue_order_id, order.client_order_id) if one]
        read = self._readers[profile_id].read(Wanted(ids=ids))
        return [one.fill for one in read.fills], [one.trade for one in read.trades]

    def close(self) -> None:
        for reader in self._distinct():
            reader.close()


def _is_owned(owner: str | None, profile_id: str, *, alone: bool) -> bool:
    return owner == profile_id or (owner is None and alone)


def _is_open_or_named(trade: Trade, orders: Sequence[LocalOrder]) -> bool:
    return trade.status is not TradeStatus.CLOSED or any(one.trade_id == trade.trade_id for one in orders)


def _answer(read: ForeignRead, by: QueryBy, order_id: str, profile_id: str, *, alone: bool) -> LocalAnswer:
    found = next((one for one in read.orders if _id_of(one.order, by) == normal_id(order_id)), None)
    unclear = any(
        normal_id(one) == normal_id(order_id)
        for fault in read.faults
        for one in (fault.venue_order_id, fault.client_order_id)
        if one is not None
    )
    owned = found is not None and _is_owned(found.owner, profile_id, alone=alone)
    return LocalAnswer(
        by=by,
        id=order_id,
        outcome=Outcome.FOUND if found is not None or unclear else Outcome.ABSENT,
        read_at=read.read_at,
        order=found.order if found is not None and owned else None,
    )


def _id_of(order: LocalOrder, by: QueryBy) -> str | None:
    return (
        known_id(order.venue_order_id)
        if by is QueryBy.VENUE_ORDER_ID
        else known_client_id(order.client_order_id)
    )
