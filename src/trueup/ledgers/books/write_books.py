"""Writes orders, fills and trades in one go, inside a transaction that the caller holds, and hands each to the log.

Every writer uses it: a run's corrections, a bot's recorder, a taking-in. Decides nothing about what is written.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import attrgetter
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from trueup.ledgers.sql.database import Database, int_value
from trueup.ledgers.sql.rows import (
    FILL_ROWS,
    ORDER_ROWS,
    TRADE_ROWS,
    amendable_values,
    canonical_amounts,
    fill_values,
    json_list,
    one_document,
    order_changes,
    order_values,
    trade_values,
)
from trueup.model.errors import Conflict
from trueup.model.snapshot import Fill
from trueup.ports.book_rows import FillIdentity, OrderWrite, Place, TradeWrite
from trueup.ports.journal import REMOVED, OrderLog


class _Changed(Struct):
    """What is written of the orders. Most corrections leave ids and terms alone, and with them the indexes: a move."""

    moves: list[tuple[Any, ...]] = []  # a row of the statement `move_orders`
    updated: list[OrderWrite] = []
    inserted: list[OrderWrite] = []
    filled: list[OrderWrite] = []
    removed: list[OrderWrite] = []


# what the statement `move_orders` sets
_MOVING = ("version", "status", "filled_qty", "filled_avg_price", "last_activity_at", "venue_updated_at")
_moving, _is_move = attrgetter(*_MOVING), frozenset(_MOVING).issuperset


class BookWriter:
    """One write at one place. `check` looks at each order as it is written; what it raises rolls all of it back."""

    def __init__(
        self,
        database: Database,
        place: Place,
        log: OrderLog,
        check: Callable[[OrderWrite], None] | None = None,
    ) -> None:
        self._database = database
        self._place = place
        self._log = log
        self._check = check

    def write(self, orders: Sequence[OrderWrite], trades: Sequence[TradeWrite]) -> None:
        """What others wrote past the log is logged first. Rows are made one by one as the database takes them, in the
        order of their keys: then one page is changed after the other.
        """
        if self._log.is_behind:
            self._log_outside()
        self._give_keys(orders)
        changed = _Changed()
        self._log.orders(self._changes(sorted(orders, key=attrgetter("order_key")), changed))
        self._remove_orders(changed.removed)
        self._write_orders(changed)
        self._write_fills(changed)
        self._write_trades(trades)
        self._log.trades(trades)

    def _give_keys(self, orders: Sequence[OrderWrite]) -> None:
        inserts = [write for write in orders if write.before is None]
        if inserts:
            keys = self._database.rows("next_order_keys", len(inserts))
            for write, (key,) in zip(inserts, keys, strict=True):
                write.order_key = int_value(key)
        for write in orders:
            if write.before is not None:
                write.order_key = write.before.order_key

    def _changes(
        self, orders: Iterable[OrderWrite], changed: "_Changed"
    ) -> Iterator[tuple[OrderWrite, dict[str, Any]]]:
        """Each order is taken up once, for its log and for what is written of it: that is faster than one by one."""
        for write in orders:
            if self._check is not None:
                self._check(write)
            before = write.before
            if write.removes:
                changed.removed.append(write)
                yield write, REMOVED
                continue
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
            if write.new_fills or write.amended_fills or write.dropped_fills:
                changed.filled.append(write)
            yield write, changes

    def _remove_orders(self, removed: Sequence[OrderWrite]) -> None:
        for write in removed:
            self._database.write("drop_fills_of", write.order_key)
            self._database.write("drop_previous_ids_of", write.order_key)
            _must_be(1, self._database.write("drop_order", write.order_key, write.after.version - 1))

    def _write_orders(self, changed: "_Changed") -> None:
        write_many, place = self._database.write_many, (self._place.account_id, self._place.profile_id)
        if changed.moves:
            # in one statement: each of many would note what it would undo, with the pages of the indexes
            _must_be(len(changed.moves), self._database.write_all("move_orders", changed.moves))
        updated = [(*order_values(write.after), write.order_key) for write in changed.updated]
        _must_be(len(updated), self._database.write_each("update_order", updated))
        write_many("insert_order", ((*order_values(w.after), w.order_key, *place) for w in changed.inserted))

    def _write_fills(self, changed: "_Changed") -> None:
        account_id, write_many = self._place.account_id, self._database.write_many
        gone = (row for write in changed.filled for row in write.dropped_fills)
        write_many("drop_fill", ((account_id, *row.identity) for row in gone))
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
        where, write_many = self._place, self._database.write_many
        place = (where.now, where.profile_id)
        for write in trades:
            if write.removes:
                key = (where.profile_id, write.after.trade_id, write.after.version - 1)
                _must_be(1, self._database.write("drop_trade", *key))
        updated = [
            (*trade_values(write.after), *place, write.before.trade.trade_id)
            for write in trades
            if write.before is not None and not write.removes
        ]
        _must_be(len(updated), self._database.write_each("update_trade", updated))
        new = (w.after for w in trades if w.before is None)
        write_many(
            "insert_trade", ((*trade_values(one), *place, one.trade_id, where.account_id) for one in new)
        )

    def _log_outside(self) -> None:
        """Rows that the bot's own statements, or a person, wrote past the log: as they stand now."""
        database, profile_id = self._database, self._place.profile_id
        rows = one_document(database.rows("orders_past_the_log", profile_id), ORDER_ROWS)
        trades = one_document(database.rows("trades_past_the_log", profile_id), TRADE_ROWS)
        fills = _fills_by_key(database, [row.order_key for row in rows]) if rows else {}
        database.write_many("order_logged", ((row.order_key,) for row in rows))
        database.write_many("trade_logged", ((profile_id, row.trade.trade_id) for row in trades))
        self._log.outside(
            [
                OrderWrite(None, one.order, fills.get(one.order_key, ()), order_key=one.order_key)
                for one in rows
            ],
            [TradeWrite(None, row.trade) for row in trades],
        )


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
