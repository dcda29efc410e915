"""Appends one transaction's writes of the books to a profile's order log. Implements `ports.journal.OrderLog`.

Each row says who wrote what of an order or a trade, under which event, and for which corrections; its hash follows
from the row before. Decides nothing about what is written.
"""

from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace

from trueup.ledgers.journal.order_log import (
    OUTSIDE,
    LogEntry,
    chain,
    order_payload,
    trade_payload,
)
from trueup.ledgers.sql.database import Database
from trueup.ledgers.sql.home import Home
from trueup.ledgers.sql.rows import order_changes
from trueup.model.snapshot import Fill
from trueup.ports.book_rows import OrderWrite, TradeWrite

Written = tuple[OrderWrite, dict[str, Any]]


class SqlOrderLog:
    """One write by one writer at one time of the ledger's clock. `reason`: a person's, or what the write reports."""

    def __init__(
        self, database: Database, home: Home, *, event: str, written_by: str, reason: str | None = None
    ) -> None:
        self._database = database
        self._home = home
        self._event = event
        self._written_by = written_by
        self._reason = reason

    @property
    def is_behind(self) -> bool:
        return self._home.was_written_past_log

    def orders(self, written: Iterable[Written]) -> None:
        event, by = self._event, self._written_by
        self._append(self._order_entry(write, changes, event, by) for write, changes in written)

    def trades(self, written: Iterable[TradeWrite]) -> None:
        self._append(self._trade_entry(write, self._event, self._written_by) for write in written)

    def outside(self, orders: Iterable[OrderWrite], trades: Iterable[TradeWrite]) -> None:
        every = [self._order_entry(one, order_changes(None, one.after), OUTSIDE, OUTSIDE) for one in orders]
        self._append([*every, *(self._trade_entry(one, OUTSIDE, OUTSIDE) for one in trades)])

    def _append(self, entries: Iterable[LogEntry]) -> None:
        home = self._home
        rows = chain(home.place.profile_id, entries, logged_at=home.place.now, head=home.log_head)
        self._database.write_many("append_log", rows)

    def _order_entry(
        self, write: OrderWrite, changes: dict[str, Any], event: str, written_by: str
    ) -> LogEntry:
        after = write.after
        payload = order_payload(
            after,
            changes,
            _fills_of(write),
            write.corrections,
            profile_id=self._home.place.profile_id,
            user_id=self._home.user_id,
            logged_at=self._home.place.now,
            reason=None if written_by == OUTSIDE else self._reason,
            dropped=[row.fill.fill_id for row in write.dropped_fills],
        )
        return LogEntry(event, written_by, write.order_key, after.trade_id, after.version, payload)

    def _trade_entry(self, write: TradeWrite, event: str, written_by: str) -> LogEntry:
        after = write.after
        payload = trade_payload(
            None if write.before is None else write.before.trade,
            after,
            write.corrections,
            profile_id=self._home.place.profile_id,
            user_id=self._home.user_id,
            logged_at=self._home.place.now,
            reason=None if written_by == OUTSIDE else self._reason,
            removes=write.removes,
        )
        return LogEntry(event, written_by, None, after.trade_id, after.version, payload)


def _fills_of(write: OrderWrite) -> list[Fill]:
    """What was taken back is logged with nothing left of it."""
    if not write.new_fills and not write.amended_fills and not write.dropped_fills:
        return []
    taken_back = [replace(row.fill, qty="0") for row in write.dropped_fills]
    return taken_back + [fill for fills in (write.new_fills, write.amended_fills) for _, fill in fills]
