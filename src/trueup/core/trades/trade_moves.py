"""Growth of orders on its way to their trades: entries before exits, oldest submission first, settled once per plan.

An exit may be judged before the entry that it closes; so the moves are noted as they are found, and what is open is
computed from them, until `settle` lays them onto the trades.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from trueup.core.orders.derive_action import derive_action
from trueup.core.trades.move_trade import base_fee, move_trade, settle_status
from trueup.model.ids import known_id
from trueup.model.money import ZERO, amount, text
from trueup.model.reasons import Reason
from trueup.model.snapshot import Fill, LocalOrder, Trade
from trueup.model.times import to_ns
from trueup.model.vocabulary import LIVE, Action, BreakKind, TradeStatus

if TYPE_CHECKING:
    from trueup.core.draft.draft import Draft


class _Move(Struct):
    index: int
    action: Action
    growth_qty: Decimal
    growth_cost: Decimal
    recost: Decimal
    real_fills: list[Fill]


class TradeMoves:
    """What the orders judged so far will move of their trades."""

    def __init__(self) -> None:
        self._moves: dict[str, list[_Move]] = {}

    def note(
        self,
        draft: "Draft",
        index: int,
        action: Action,
        *,
        growth_qty: Decimal,
        growth_cost: Decimal,
        recost: Decimal = ZERO,
        real_fills: Sequence[Fill] = (),
    ) -> None:
        """What one order's growth (units, quote currency) will move of its trade, if it has one that is listed."""
        key = known_id(draft.orders[index].trade_id)
        if key is not None and key in draft.trades:
            self._moves.setdefault(key, []).append(
                _Move(index, action, growth_qty, growth_cost, recost, list(real_fills))
            )

    def open_qty(self, draft: "Draft", trade: Trade) -> Decimal:
        """What the trade will hold once everything noted so far is laid onto it."""
        return self._moved(draft, trade)[0].open_qty

    def _moved(self, draft: "Draft", trade: Trade) -> tuple[Trade, list[tuple[int, Decimal]]]:
        moves = self._moves.get(known_id(trade.trade_id) or "", [])
        overruns: list[tuple[int, Decimal]] = []
        for move in sorted(moves, key=lambda one: _turn(one, draft.orders[one.index])):
            fees = base_fee(move.real_fills, trade, draft.quote(trade.symbol))
            trade, beyond = move_trade(
                trade,
                move.action,
                growth_qty=move.growth_qty,
                growth_cost=move.growth_cost,
                recost=move.recost,
                fee_base_qty=fees,
            )
            if beyond > 0:
                overruns.append((move.index, beyond))
        return trade, overruns

    def settle(self, draft: "Draft") -> None:
        """Lay everything noted onto the trades, and report what is beyond their open quantity."""
        live_entries = trades_with_live_entry(draft) if self._moves else set()
        for key in sorted(self._moves):
            before = draft.trades[key]
            moved, overruns = self._moved(draft, before)
            for index, beyond in overruns:
                _report_overrun(draft, index, before, beyond)
            settled = (
                settle_status(
                    moved, tolerance=draft.tolerance(moved.symbol), has_live_entry=key in live_entries
                )
                if _quantities(moved) != _quantities(before)
                else moved
            )
            if settled != before:
                set_trade(draft, settled)
        self._moves = {}
        _close_flat(draft)


def set_trade(draft: "Draft", trade: Trade) -> None:
    """The trade as it now stands; its version rises once."""
    key = known_id(trade.trade_id) or ""
    if key not in draft.changed_trades:
        draft.changed_trades.add(key)
        trade = replace(trade, version=draft.trades[key].version + 1)
    draft.trades[key] = trade


def _close_flat(draft: "Draft") -> None:
    """A trade that its last live entry held open closes once that entry has ended."""
    if not draft.trades:
        return
    ended = {known_id(order.trade_id) for order in draft.projected_orders() if order.status not in LIVE}
    live_entries: set[str] | None = None
    for key in sorted(one for one in ended if one is not None and one in draft.trades):
        trade = draft.trades[key]
        if trade.status is TradeStatus.OPEN and amount(trade.entry_qty) > 0:
            live_entries = trades_with_live_entry(draft) if live_entries is None else live_entries
            settled = settle_status(
                trade, tolerance=draft.tolerance(trade.symbol), has_live_entry=key in live_entries
            )
            if settled != trade:
                set_trade(draft, settled)


def _quantities(trade: Trade) -> tuple[str, str, str]:
    return (trade.entry_qty, trade.exit_qty, trade.fee_base_qty)


def _turn(move: _Move, order: LocalOrder) -> tuple[bool, int, str, str]:
    """Entries before exits, then by submission."""
    submitted_ns = 0 if order.submitted_at is None else to_ns(order.submitted_at)
    return (move.action is Action.EXIT, submitted_ns, order.venue_order_id or "", order.client_order_id or "")


def trades_with_live_entry(draft: "Draft") -> set[str]:
    live = (order for order in draft.orders if order.status in LIVE and order.trade_id is not None)
    return {
        known_id(order.trade_id) or "" for order in live if derive_action(draft, order, None) is Action.ENTRY
    }


def _report_overrun(draft: "Draft", index: int, trade: Trade, beyond: Decimal) -> None:
    order = draft.orders[index]
    draft.add_break(
        draft.order_digest(order),
        BreakKind.TRADE_OVERRUN,
        Reason.BEYOND_OPEN_QTY,
        f"{text(beyond)} beyond the open quantity of trade {trade.trade_id}: booked on the order only",
        ids=(order.client_order_id, order.venue_order_id, order.trade_id),
        symbol=order.symbol,
        local={"open_qty": text(max(trade.open_qty, ZERO))},
        venue={"beyond_qty": text(beyond)},
        version=draft.original_version(index),
    )
