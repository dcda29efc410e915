"""Writes orders, fills, trades and their rows of the order log, in one go, inside a transaction that the caller holds.

Both writers use it: a run's corrections, and a bot's recorder. Decides nothing about what is written.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import attrgetter
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from trueup.ledgers.journal.order_log import (
    OUTSIDE,
    LogEntry,
    LogHead,
    chain,
    order_changes,
    order_payload,
    trade_payload,
)
from trueup.ledgers.sql.apply_plan import OrderWrite, TradeWrite
from trueup.ledgers.sql.database import Database, int_value, optional_text, text_value
from trueup.ledgers.sql.rows import (
    FILL_ROWS,
    ORDER_ROWS,
    TRADE_ROWS,
    FillIdentity,
    amendable_values,
    canonical_amounts,
    fill_values,
    json_list,
    one_document,
    order_values,
    trade_values,
)
from trueup.model.errors import Conflict
from trueup.model.snapshot import Fill


class Home(Struct, frozen=True, kw_only=True):
    """Whose books are written. `log_head` moves with what is written."""

    profile_id: str
    account_id: str
    user_id: str | None
    log_head: LogHead
    was_written_past_log: bool


class _Changed(Struct):
    """What is written of the orders. Most corrections leave ids and terms alone, and with them the indexes: a move."""

    moves: list[tuple[Any, ...]] = []  # a row of the statement `move_orders`
    updated: list[OrderWrite] = []
    inserted: list[OrderWrite] = []
    filled: list[OrderWrite] = []


# what the statement `move_orders` sets
_MOVING = ("version", "status", "filled_qty", "filled_avg_price", "last_activity_at", "venue_updated_at")
_moving, _is_move = attrgetter(*_MOVING), frozenset(_MOVING).issuperset


def home_of(database: Database, profile_id: str) -> Home:
    rows = database.rows("books_of_profile", profile_id)
    if not rows:
        raise Conflict(
            f"profile {profile_id!r} is not in this ledger: make it known with ensure_profiles first"
        )
    account_id, user_id, seq, log_hash, written_past = rows[0]
    return Home(
        profile_id=profile_id,
        account_id=text_value(account_id),
        user_id=optional_text(user_id),
        log_head=LogHead() if seq is None else LogHead(int_value(seq), text_value(log_hash)),
        was_written_past_log=bool(written_past),
    )


class BookWriter:
    """One write by one writer at one time of the ledger's clock."""

    def __init__(
        self,
        database: Database,
        home: Home,
        *,
        event: str,
        written_by: str,
        logged_at: str,
        reason: str | None = None,
        check: Callable[[OrderWrite], None] | None = None,
    ) -> None:
        """`check`: looks at each order as it is written; what it raises rolls all of it back."""
        self._database = database
        self._home = home
        self._event = event
        self._written_by = written_by
        self._logged_at = logged_at
        self._reason = reason
        self._check = check

    def write(self, orders: Sequence[OrderWrite], trades: Sequence[TradeWrite]) -> None:
        """What others wrote past the log is logged first. Rows are made one by one as the database takes them, in the
        order of their keys: then one page is changed after the other.
        """
        if self._home.was_written_past_log:
            self._append(self._outside_entries())
        self._give_keys(orders)
        changed = _Changed()
        self._append(self._order_entries(sorted(orders, key=attrgetter("order_key")), changed))
        self._write_orders(changed)
        self._write_fills(changed)
        self._write_trades(trades)
        self._append(self._trade_entry(write) for write in trades)

    def _give_keys(self, orders: Sequence[OrderWrite]) -> None:
        inserts = [write for write in orders if write.before is None]
        if inserts:
            key = int_value(self._database.rows("next_order_key")[0][0])
            for offset, write in enumerate(inserts):
                write.order_key = key + offset
        for write in orders:
            if write.before is not None:
                write.order_key = write.before.order_key

    def _order_entries(self, orders: Iterable[OrderWrite], changed: "_Changed") -> Iterator[LogEntry]:
        """Each order is taken up once, for its log and for what is written of it: that is faster than one by one."""
        for write in orders:
            if self._check is not None:
                self._check(write)
            before = write.before
            changes = order_changes(None if before is None else before.order, write.after)
            if better := canonical_amounts(changes):
                write.after = replace(write.after, **better)
                changes |= better
            if before is None:
                changed.inserted.append(write)
            elif _is_move(changes):
                changed.moves.append((write.order_key, *_moving(write.after)))
            else:
                changed.updated.append(write)
            if write.new_fills or write.amended_fills:
                changed.filled.append(write)
            yield self._order_entry(write, changes, self._event, self._written_by)

    def _write_orders(self, changed: "_Changed") -> None:
        write_many, place = self._database.write_many, (self._home.account_id, self._home.profile_id)
        if changed.moves:
            # in one statement: each of many would note what it would undo, with the pages of the indexes
            _must_be(len(changed.moves), self._database.write("move_orders", json_list(changed.moves)))
        for write in changed.updated:
            _must_be(1, self._database.write("update_order", *order_values(write.after), write.order_key))
        write_many("insert_order", ((*order_values(w.after), w.order_key, *place) for w in changed.inserted))

    def _write_fills(self, changed: "_Changed") -> None:
        account_id, write_many = self._home.account_id, self._database.write_many
        new = [
            (account_id, *identity, write.order_key, *fill_values(fill))
            for write in changed.filled
            for identity, fill in write.new_fills
        ]
        if write_many("insert_fill", new) != len(new):
            raise Conflict("a fill was booked by another writer meanwhile: nothing was written; run again")
        amended = ((row, fill) for write in changed.filled for row, fill in write.amended_fills)
        write_many(
            "amend_fill", ((account_id, *row.identity, *amendable_values(fill)) for row, fill in amended)
        )

    def _write_trades(self, trades: Sequence[TradeWrite]) -> None:
        home, write_many = self._home, self._database.write_many
        place = (self._logged_at, home.profile_id)
        for write in trades:
            if write.before is not None:
                key = write.before.trade.trade_id
                _must_be(1, self._database.write("update_trade", *trade_values(write.after), *place, key))
        new = (w.after for w in trades if w.before is None)
        write_many(
            "insert_trade", ((*trade_values(one), *place, one.trade_id, home.account_id) for one in new)
        )

    def _order_entry(
        self, write: OrderWrite, changes: dict[str, Any], event: str, written_by: str
    ) -> LogEntry:
        payload = order_payload(
            write.after,
            changes,
            [fill for fills in (write.new_fills, write.amended_fills) for _, fill in fills],
            write.corrections,
            profile_id=self._home.profile_id,
            user_id=self._home.user_id,
            logged_at=self._logged_at,
            reason=None if written_by == OUTSIDE else self._reason,
        )
        after = write.after
        return LogEntry(event, written_by, write.order_key, after.trade_id, after.version, payload)

    def _trade_entry(self, write: TradeWrite, *, outside: bool = False) -> LogEntry:
        payload = trade_payload(
            None if write.before is None else write.before.trade,
            write.after,
            write.corrections,
            profile_id=self._home.profile_id,
            user_id=self._home.user_id,
            logged_at=self._logged_at,
            reason=None if outside else self._reason,
        )
        event, written_by = (OUTSIDE, OUTSIDE) if outside else (self._event, self._written_by)
        return LogEntry(event, written_by, None, write.after.trade_id, write.after.version, payload)

    def _outside_entries(self) -> list[LogEntry]:
        """Rows that the bot's own statements, or a person, wrote past the log: as they stand now."""
        database, profile_id = self._database, self._home.profile_id
        rows = one_document(database.rows("orders_past_the_log", profile_id), ORDER_ROWS)
        trades = one_document(database.rows("trades_past_the_log", profile_id), TRADE_ROWS)
        fills = _fills_by_key(database, [row.order_key for row in rows]) if rows else {}
        database.write_many("order_logged", ((row.order_key,) for row in rows))
        database.write_many("trade_logged", ((profile_id, row.trade.trade_id) for row in trades))
        orders = (
            OrderWrite(None, row.order, fills.get(row.order_key, ()), order_key=row.order_key) for row in rows
        )
        return [
            *(self._order_entry(one, order_changes(None, one.after), OUTSIDE, OUTSIDE) for one in orders),
            *(self._trade_entry(TradeWrite(None, row.trade), outside=True) for row in trades),
        ]

    def _append(self, entries: Iterable[LogEntry]) -> None:
        home = self._home
        rows = chain(home.profile_id, entries, logged_at=self._logged_at, head=home.log_head)
        self._database.write_many("append_log", rows)


def _must_be(expected: int, updated: int) -> None:
    """Each row is updated at the version below only."""
    if updated != expected:
        raise Conflict("a row moved in the midst of a write: nothing was written; run again")


def _fills_by_key(
    database: Database, order_keys: Iterable[int]
) -> dict[int, list[tuple[FillIdentity, Fill]]]:
    fills: dict[int, list[tuple[FillIdentity, Fill]]] = {}
    for row in one_document(database.rows("fills_of_orders", json_list(order_keys)), FILL_ROWS):
        fills.setdefault(row.order_key, []).append((row.identity, row.fill))
    return fills
