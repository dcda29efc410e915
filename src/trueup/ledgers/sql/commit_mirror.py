"""The part of a run's commit that is about a bot's own rows: what of the mirror's corrections has to reach them.

Where both are in one database the rows are locked and compared before anything is selected, and written in the run's
own transaction. Else what is wanted of each row is committed with the mirror, to be delivered afterwards.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct, to_builtins

from trueup.ledgers.journal.write_backs import NewWriteBack, Wanted, keep, rest_of, write_back
from trueup.ledgers.sql.database import Database, int_value, text_value
from trueup.ledgers.sql.home import Home
from trueup.ledgers.sql.rows import ORDER_ROWS, json_list, one_document, order_changes
from trueup.model.errors import Conflict
from trueup.model.ids import known_id, normal_id
from trueup.model.reasons import Reason
from trueup.model.snapshot import Fill
from trueup.ports.book_rows import OrderRow, OrderWrite, TradeWrite
from trueup.ports.foreign_books import FILLS, ForeignBooks, WriteMode, WriteOutcome, WriteResult

# trueup's own bookkeeping: a row that lacks them is none the worse
_NEVER_MISSED = frozenset(
    {"venue_updated_at", "last_activity_at", "previous_venue_order_ids", "submitted_at"}
)


class _Bound(Struct, frozen=True):
    key: str
    fingerprint: str
    removed: bool


class MirrorCommit:
    """Of one run. `foreign` null: the bot records into the ledger itself, and there is nothing to do."""

    def __init__(self, database: Database, home: Home, foreign: ForeignBooks | None, run_id: str) -> None:
        self._database = database
        self._home = home
        self._foreign = foreign
        self._run_id = run_id
        self._bound: dict[int, _Bound] = {}

    def moved(self, orders: Iterable[OrderRow]) -> frozenset[int]:
        """Keys of orders whose row is gone, or another than was judged; the others are locked, where they can be."""
        if self._foreign is None:
            return frozenset()
        self.bind(orders)
        moved = {order_key for order_key, one in self._bound.items() if one.removed}
        if self._foreign.traits.together:
            here = {order_key: one for order_key, one in self._bound.items() if not one.removed}
            found = self._foreign.lock([one.key for one in here.values()], self._database.connection)
            moved |= {order_key for order_key, one in here.items() if found.get(one.key) != one.fingerprint}
        return frozenset(moved)

    def bind(self, orders: Iterable[OrderRow]) -> None:
        """Which rows these orders are."""
        rows = self._database.rows("foreign_rows_of_orders", json_list(row.order_key for row in orders))
        self._bound |= {
            int_value(order_key): _Bound(text_value(key), text_value(print_), removed is not None)
            for order_key, key, print_, _, removed in rows
        }

    def write(self, orders: Sequence[OrderWrite], trades: Sequence[TradeWrite]) -> None:
        """After the mirror was written: its amounts are canonical now."""
        if self._foreign is None or self._foreign.traits.write is not WriteMode.TABLES:
            return
        of_trades = {known_id(one.after.trade_id): one for one in trades}
        found = (self._wanted(one, of_trades.get(known_id(one.after.trade_id))) for one in orders)
        backs = [one for one in found if one is not None]
        backs += self._of_trades_alone(trades, backs)
        if self._foreign.traits.together:
            backs = self._write_now(self._foreign, backs)
        traits, place = self._foreign.traits, self._home.place
        keep(
            self._database,
            place.account_id,
            traits.source,
            self._run_id,
            place.now,
            backs,
            traits.writable_keys,
        )

    def _of_trades_alone(
        self, trades: Sequence[TradeWrite], backs: Sequence[NewWriteBack]
    ) -> list[NewWriteBack]:
        """Of trades that changed without an order of theirs: with the row of the newest of them, as it stands."""
        assert self._foreign is not None  # noqa: S101 - the caller has checked it
        keys, profile_id = self._foreign.traits.trade_keys, self._home.place.profile_id
        carried = {known_id(one.wanted.trade_after.trade_id) for one in backs if one.wanted.trade_after}
        alone = {
            one.after.trade_id: one
            for one in trades
            if known_id(one.after.trade_id) not in carried and _is_other_row(one, keys)
        }
        if not alone:
            return []
        ids = json_list(map(normal_id, alone))
        rows = one_document(self._database.rows("orders_of_trades", profile_id, ids), ORDER_ROWS)
        self.bind(rows)
        made = (self._of_trade(one, rows, {back.order_key for back in backs}) for one in alone.values())
        return [one for one in made if one is not None]

    def _of_trade(self, trade: TradeWrite, rows: Sequence[OrderRow], taken: set[int]) -> NewWriteBack | None:
        """Null where no order of the trade has a row there."""
        own = [
            row
            for row in rows
            if known_id(row.order.trade_id) == known_id(trade.after.trade_id) and row.order_key not in taken
        ]
        bound = [(row, self._bound[row.order_key]) for row in own if row.order_key in self._bound]
        there = [(row, one) for row, one in bound if not one.removed]
        if not there:
            return None
        row, one = max(there, key=lambda each: each[0].order_key)
        return NewWriteBack(
            profile_id=self._home.place.profile_id,
            order_key=row.order_key,
            row_key=one.key,
            judged=one.fingerprint,
            wanted=Wanted(
                values={},
                order=row.order,
                trade_before=None if trade.before is None else trade.before.trade,
                trade_after=trade.after,
            ),
        )

    def _wanted(self, write: OrderWrite, trade: TradeWrite | None) -> NewWriteBack | None:
        """Null where nothing changed that these rows hold."""
        assert self._foreign is not None  # noqa: S101 - the caller has checked it
        traits, bound = self._foreign.traits, self._bound.get(write.order_key)
        before = None if write.before is None else write.before.order
        changes = {
            key: value
            for key, value in order_changes(before, write.after).items()
            if key in traits.order_keys and (before is not None or value is not None)
        }
        is_insert = before is None
        missing = set() if is_insert else changes.keys() - traits.writable_keys - _NEVER_MISSED
        fills = _of_the_bots(write) if FILLS in traits.writable_keys else []
        if not changes and not fills:
            return None
        return NewWriteBack(
            profile_id=self._home.place.profile_id,
            order_key=write.order_key,
            row_key=None if bound is None else bound.key,
            judged=None if bound is None else bound.fingerprint,
            wanted=Wanted(
                values={key: _plain(one) for key, one in changes.items() if key in traits.writable_keys},
                unwritable={key: _plain(changes[key]) for key in sorted(missing)},
                order=write.after,
                fills=fills,
                trade_before=None if trade is None or trade.before is None else trade.before.trade,
                trade_after=None if trade is None else trade.after,
            ),
            error=f"the books {traits.source} take no inserts" if is_insert and not traits.inserts else None,
        )

    def _write_now(self, foreign: ForeignBooks, backs: Sequence[NewWriteBack]) -> list[NewWriteBack]:
        """In this transaction. Returns those that were refused: they are kept, and stand."""
        due = [one for one in backs if one.error is None and one.wanted.is_writable]
        left = [one for one in backs if one not in due]
        writes = [
            write_back(at, one.profile_id, one.row_key, one.judged, one.wanted) for at, one in enumerate(due)
        ]
        results = foreign.write_back(writes, within=self._database.connection) if writes else []
        for one, result in zip(due, results, strict=True):
            if result.outcome is WriteOutcome.MOVED:
                raise Conflict(
                    f"row {one.row_key} moved in the midst of a write: nothing was written; run again"
                )
            if result.outcome is WriteOutcome.DELIVERED:
                self._remember(one, result)
                left += rest_of(one, result)
            else:
                left.append(_refused(one, result))
        return left

    def _remember(self, back: NewWriteBack, result: WriteResult) -> None:
        if result.row is None:
            return
        place, foreign = self._home.place, self._foreign
        assert foreign is not None  # noqa: S101 - the caller has checked it
        where = (place.account_id, foreign.traits.source, result.row.key, place.profile_id, back.order_key)
        self._database.write("remember_foreign_row", *where, result.row.fingerprint)


def _is_other_row(trade: TradeWrite, keys: frozenset[str]) -> bool:
    """Whether a key that the trade's own row holds changed."""
    before = None if trade.before is None else trade.before.trade
    return before is not None and any(getattr(before, one) != getattr(trade.after, one) for one in keys)


def _of_the_bots(write: OrderWrite) -> list[Fill]:
    """The fills that its rows should name; one that the bot has under an id of its own is there already."""
    known = {
        one.fill.fill_id
        for one in write.corrections
        if one.fill is not None and one.reason == Reason.SAME_EXECUTION
    }
    fills = [fill for named in (write.new_fills, write.amended_fills) for _, fill in named]
    return [one for one in fills if one.fill_id not in known]


def _refused(back: NewWriteBack, result: WriteResult) -> NewWriteBack:
    return NewWriteBack(
        profile_id=back.profile_id,
        order_key=back.order_key,
        row_key=back.row_key,
        judged=back.judged,
        wanted=back.wanted,
        error=result.error or "refused without a reason",
    )


def _plain(value: Any) -> Any:
    return to_builtins(value)
