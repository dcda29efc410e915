"""Books in memory: what a bot records and what a plan changes, kept as the model's values, with no database.

Decides nothing about the venue: it folds what it is told by the core's own functions, as `Recorder` does, and lays a
plan's projections onto its rows as they are. `last_activity_at` moves only when the bot records something. Rows of an
instrument that moved since the snapshot keep everything of a plan away from that instrument.
"""

from decimal import Decimal
from typing import Protocol

from msgspec import structs

from trueup.core.fold_fills import Fold, fold_fills
from trueup.core.move_trade import base_fee, move_trade, settle_status
from trueup.model.errors import InvariantError
from trueup.model.ids import normal_id
from trueup.model.money import amount, text
from trueup.model.plan import Notification, Plan
from trueup.model.snapshot import Fill, Local, LocalOrder, Snapshot, Trade
from trueup.model.times import NS_PER_S, to_ns
from trueup.model.vocabulary import (
    LIVE,
    TERMINAL,
    TRANSITIONAL,
    Action,
    CorrectionKind,
    Extent,
    PositionSide,
    Status,
    TradeStatus,
)
from trueup.ports import Clock
from trueup.sim.market_orders import time_text

MOMENT_S = 5  # the policy's window of recent activity


class Books(Protocol):
    """What a simulated bot needs of its recorder: `trueup.engine.recorder.Recorder`, or books in memory.

    What the methods return is their own affair.
    """

    def open_trade(self, trade_id: str, symbol: str, side: PositionSide) -> object: ...

    def record_order(self, order: LocalOrder) -> object:
        """Before it is sent: with its client order id, without a venue order id."""
        ...

    def record_acknowledgement(
        self, client_order_id: str, venue_order_id: str, updated_at: str
    ) -> object: ...

    def record_fill(self, client_order_id: str, fill: Fill) -> object: ...

    def record_cancel_requested(self, client_order_id: str, venue_order_id: str) -> object: ...

    def record_ended(
        self, client_order_id: str, venue_order_id: str, status: Status, updated_at: str
    ) -> object:
        """The venue canceled, expired or rejected it."""
        ...

    def record_replaced(self, client_order_id: str, venue_order_id: str, successor: LocalOrder) -> object: ...


class MemoryBooks:
    """One profile's books. Implements `Books`."""

    def __init__(self, clock: Clock, account_id: str) -> None:
        self._clock = clock
        self._account_id = account_id
        self._orders: list[LocalOrder] = []
        self._fills: list[Fill] = []
        self.trades: dict[str, Trade] = {}
        self.overruns: set[str] = set()  # trades of which the bot recorded more exits than they held

    # What the bot records

    def open_trade(self, trade_id: str, symbol: str, side: PositionSide) -> None:
        self.trades[trade_id] = Trade(
            trade_id=trade_id, symbol=symbol, side=side, status=TradeStatus.OPEN, opened_at=self._now()
        )

    def record_order(self, order: LocalOrder) -> None:
        now = self._now()
        self._orders.append(
            structs.replace(order, submitted_at=order.submitted_at or now, last_activity_at=now)
        )

    def record_acknowledgement(self, client_order_id: str, venue_order_id: str, updated_at: str) -> None:
        index = self._index(client_order_id, venue_order_id)
        if self._orders[index].venue_order_id is None:
            self._touch(index, venue_order_id=venue_order_id, venue_updated_at=updated_at)

    def record_fill(self, client_order_id: str, fill: Fill) -> None:
        index = self._index(client_order_id, fill.venue_order_id)
        order = self._orders[index]
        fold = fold_fills(
            order,
            self.fills_of(order),
            [fill],
            account_id=self._account_id,
            cumulative_qty=None,
            average_price=None,
            order_qty=amount(order.qty),
            allow_overfill=False,
            estimate_price_from_limit=False,
            inferred_at=self._now(),
        )
        if not fold.bookings:
            return
        self._fills = lay_fills(self._fills, [booking.row for booking in fold.bookings] + fold.shrunk)
        full = fold.filled_qty == amount(order.qty)
        working = order.status in (Status.PENDING_NEW, Status.PARTIALLY_FILLED)
        status = Status.FILLED if full else Status.PARTIALLY_FILLED if working else order.status
        average = None if fold.filled_avg_price is None else text(fold.filled_avg_price)
        self._touch(index, filled_qty=text(fold.filled_qty), filled_avg_price=average, status=status)
        self._move_trade(order, fold)

    def record_cancel_requested(self, client_order_id: str, venue_order_id: str) -> None:
        index = self._index(client_order_id, venue_order_id)
        if self._orders[index].status in LIVE and self._is_bound(index, venue_order_id):
            self._touch(index, status=Status.PENDING_CANCEL)

    def record_ended(
        self, client_order_id: str, venue_order_id: str, status: Status, updated_at: str | None = None
    ) -> None:
        index = self._index(client_order_id, venue_order_id)
        order = self._orders[index]
        if order.status in TERMINAL or not self._is_bound(index, venue_order_id):
            return
        self._touch(index, status=status, venue_updated_at=updated_at or order.venue_updated_at)
        self._settle_trade(order.trade_id)

    def record_replaced(self, client_order_id: str, venue_order_id: str, successor: LocalOrder) -> None:
        if self.find(successor.client_order_id, successor.venue_order_id) is None:
            self.record_order(successor)
        self.record_ended(client_order_id, venue_order_id, Status.REPLACED)

    # What a snapshot holds, and what a plan changes

    def local(self, recent_s: float | None = None) -> Local:
        """The local side; of all orders, or only of those open or active within `recent_s` seconds."""
        orders, fills, extent = self._orders, self._fills, Extent.ALL
        if recent_s is not None:
            oldest_ns = self._clock.now_ns() - round(recent_s * NS_PER_S)
            orders = [one for one in orders if one.status in LIVE or _is_active_since(one, oldest_ns)]
            fills = [fill for fill in fills if any(_is_fill_of(fill, order) for order in orders)]
            extent = Extent.OPEN_AND_RECENT
        return Local(
            read_at=self._now(),
            extent=extent,
            orders=list(orders),
            fills=list(fills),
            trades=list(self.trades.values()),
        )

    def find(self, client_order_id: str | None, venue_order_id: str | None) -> LocalOrder | None:
        """The order of either id."""
        if venue_order_id is not None:
            for order in self._orders:
                if normal_id(venue_order_id) in _venue_ids(order):
                    return order
        if client_order_id is not None:
            for order in self._orders:
                if client_order_id == order.client_order_id:
                    return order
        return None

    def apply(self, plan: Plan, snapshot: Snapshot) -> list[Notification]:
        """Lay the plan's projections onto the rows; returns the notifications of what was applied."""
        moved = self._moved_since(snapshot.local)
        orders = [order for order in plan.projected_orders if order.symbol not in moved]
        fills = [fill for fill in plan.projected_fills if fill.symbol not in moved]
        self._orders = lay_orders(rename_rebound(self._orders, plan) if orders else self._orders, orders)
        self._fills = lay_fills(self._fills, fills)
        for trade in plan.projected_trades:
            if trade.symbol not in moved:
                self.trades[trade.trade_id] = trade
        return [notice for notice in plan.notifications if self._symbol_of(notice) not in moved]

    def open_qty(self, symbol: str, side: PositionSide) -> Decimal:
        """Σ open quantity of the trades of one symbol and side that are not closed."""
        return sum(
            (
                amount(trade.entry_qty) - amount(trade.exit_qty) - amount(trade.fee_base_qty)
                for trade in self.trades.values()
                if trade.symbol == symbol and trade.side is side and trade.status is not TradeStatus.CLOSED
            ),
            Decimal(0),
        )

    def fills_of(self, order: LocalOrder) -> list[Fill]:
        """The fills booked in an order."""
        return [fill for fill in self._fills if _is_fill_of(fill, order)]

    def is_moving(self, symbol: str) -> bool:
        """Is any order of the symbol in transition, or was the bot busy with one a moment ago?"""
        since_ns = self._clock.now_ns() - MOMENT_S * NS_PER_S
        return any(
            order.symbol == symbol and (order.status in TRANSITIONAL or _is_active_since(order, since_ns))
            for order in self._orders
        )

    # Inside

    def _now(self) -> str:
        return time_text(self._clock.now_ns())

    def _index(self, client_order_id: str, venue_order_id: str | None) -> int:
        order = self.find(client_order_id, venue_order_id)
        if order is None:
            raise InvariantError(f"order {client_order_id} was never recorded: record it before it is sent")
        return self._orders.index(order)

    def _is_bound(self, index: int, venue_order_id: str) -> bool:
        """A row that was re-bound to a successor ignores what its predecessor does."""
        bound_to = self._orders[index].venue_order_id
        return bound_to is None or normal_id(bound_to) == normal_id(venue_order_id)

    def _touch(self, index: int, **changes: object) -> None:
        order = self._orders[index]
        changes |= {"last_activity_at": self._now(), "version": order.version + 1}
        self._orders[index] = structs.replace(order, **changes)

    def _move_trade(self, order: LocalOrder, fold: Fold) -> None:
        trade = self.trades.get(order.trade_id or "")
        if trade is None or order.action is None:
            return
        moved, beyond = move_trade(
            trade,
            order.action,
            growth_qty=fold.growth_qty,
            growth_cost=fold.growth_cost,
            recost=fold.recost,
            fee_base_qty=base_fee(fold.real_fills, trade, None),
        )
        if beyond:
            self.overruns.add(trade.trade_id)
        self.trades[trade.trade_id] = structs.replace(moved, version=trade.version + 1)
        self._settle_trade(trade.trade_id)

    def _settle_trade(self, trade_id: str | None) -> None:
        trade = self.trades.get(trade_id or "")
        if trade is None:
            return
        live_entry = any(
            order.trade_id == trade_id and order.action is Action.ENTRY and order.status in LIVE
            for order in self._orders
        )
        settled = settle_status(trade, tolerance=Decimal(0), has_live_entry=live_entry)
        if settled != trade:
            self.trades[trade.trade_id] = structs.replace(settled, version=trade.version + 1)

    def _moved_since(self, local: Local) -> set[str | None]:
        """Symbols of which a row is not the one that the snapshot held."""
        seen = {id(row) for row in (*local.orders, *local.trades)}
        recent_only = local.extent is Extent.OPEN_AND_RECENT
        read_ns = to_ns(local.read_at or self._now())
        moved: set[str | None] = {trade.symbol for trade in self.trades.values() if id(trade) not in seen}
        for order in self._orders:
            left_out = recent_only and not _is_active_since(order, read_ns)
            if id(order) not in seen and not left_out:
                moved.add(order.symbol)
        return moved

    def _symbol_of(self, notice: Notification) -> str | None:
        order = self.find(notice.client_order_id, notice.venue_order_id)
        trade = self.trades.get(notice.trade_id or "")
        return order.symbol if order is not None else trade.symbol if trade is not None else None


def rename_rebound(rows: list[LocalOrder], plan: Plan) -> list[LocalOrder]:
    """The rows, those that the plan re-binds with the client order id that they get."""
    renamed = {
        one.client_order_id: one.changes["client_order_id"]
        for one in plan.corrections
        if one.kind is CorrectionKind.BIND_IDS and (one.changes or {}).get("client_order_id")
    }
    return [
        structs.replace(row, client_order_id=renamed[row.client_order_id])
        if row.client_order_id in renamed and row.venue_order_id is None
        else row
        for row in rows
    ]


def lay_orders(rows: list[LocalOrder], projected: list[LocalOrder]) -> list[LocalOrder]:
    """The rows with each projected order in the place of its row, new ones at the end."""
    laid = list(rows)
    for order in projected:
        index = next((index for index, row in enumerate(laid) if _is_same_row(row, order)), len(laid))
        laid[index : index + 1] = [order]
    return laid


def lay_fills(rows: list[Fill], projected: list[Fill]) -> list[Fill]:
    """The rows with projected fills in their places, without those of which nothing is left."""
    by_identity = {(fill.venue_order_id, fill.fill_id): fill for fill in [*rows, *projected]}
    return [fill for fill in by_identity.values() if fill.qty != "0"]


def _is_active_since(order: LocalOrder, since_ns: int) -> bool:
    return order.last_activity_at is not None and to_ns(order.last_activity_at) >= since_ns


def _venue_ids(order: LocalOrder) -> set[str]:
    ids = (order.venue_order_id, *order.previous_venue_order_ids)
    return {normal_id(venue_order_id) for venue_order_id in ids if venue_order_id is not None}


def _is_fill_of(fill: Fill, order: LocalOrder) -> bool:
    if fill.venue_order_id is None:
        return fill.client_order_id == order.client_order_id
    return normal_id(fill.venue_order_id) in _venue_ids(order)


def _is_same_row(order: LocalOrder, projected: LocalOrder) -> bool:
    if order.venue_order_id is not None and normal_id(order.venue_order_id) in _venue_ids(projected):
        return True
    unbound = order.venue_order_id is None or projected.venue_order_id is None
    return (
        unbound and order.client_order_id is not None and order.client_order_id == projected.client_order_id
    )
