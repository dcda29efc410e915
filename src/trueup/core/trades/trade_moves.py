"""Growth of orders on its way to their trades: oldest submission first, settled once per plan.

An exit may be judged before the entry that it closes; so the moves are noted as they are found, and what is open is
computed from them, until `settle` lays them onto the trades.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from trueup.core.orders.derive_action import derive_action
from trueup.core.trades.move_trade import base_fee, is_overrun, move_trade, settle_status
from trueup.core.trades.sum_orders import level_with, not_plainly_level, sum_of
from trueup.core.trades.tell_overrun import overrun_break
from trueup.model.ids import known_id
from trueup.model.money import ZERO, amount, identical, is_zero
from trueup.model.reasons import Reason
from trueup.model.snapshot import Fill, LocalOrder, Trade
from trueup.model.times import to_ns
from trueup.model.vocabulary import CUT_SHORT, LIVE, Action, BreakKind, Severity, TradeStatus

if TYPE_CHECKING:
    from trueup.core.draft.facts import Facts
    from trueup.core.draft.local_side import LocalSide
    from trueup.core.draft.outcome import RunOutcome


class _Move(Struct):
    index: int
    action: Action
    growth_qty: Decimal
    growth_cost: Decimal | None  # null: not known
    recost: Decimal
    real_fills: list[Fill]


class TradeMoves:
    """What the orders judged so far will move of their trades."""

    def __init__(self) -> None:
        self._moves: dict[str, list[_Move]] = {}
        self._levelled: dict[str, Trade] | None = None
        self._ended: tuple[int, dict[str, list[LocalOrder]]] | None = None  # with the count of changed orders
        self._entering: tuple[tuple[int, int], set[str]] | None = None  # with those of changed and of all

    def note(
        self,
        local: "LocalSide",
        index: int,
        action: Action,
        *,
        growth_qty: Decimal,
        growth_cost: Decimal | None,
        recost: Decimal = ZERO,
        real_fills: Sequence[Fill] = (),
    ) -> None:
        """What one order's growth (units, quote currency) will move of its trade, if it has one that is listed."""
        key = known_id(local.orders[index].trade_id)
        if key is not None and key in local.trades:
            self._moves.setdefault(key, []).append(
                _Move(index, action, growth_qty, growth_cost, recost, list(real_fills))
            )

    def open_qty(self, facts: "Facts", local: "LocalSide", trade: Trade) -> Decimal:
        """What the trade will hold once everything noted so far is laid onto it; negative beyond its entry."""
        return self.moved(facts, local, trade).open_qty

    def moved(self, facts: "Facts", local: "LocalSide", trade: Trade) -> Trade:
        """The trade's quantities as they will stand; its status is untouched."""
        key = known_id(trade.trade_id) or ""
        trade = self.lagging(facts, local).get(key, trade)
        moves = self._moves.get(key, [])
        for move in sorted(moves, key=lambda one: _turn(one, local.orders[one.index])):
            trade = move_trade(
                trade,
                move.action,
                growth_qty=move.growth_qty,
                growth_cost=move.growth_cost,
                recost=move.recost,
                fee_base_qty=base_fee(move.real_fills, trade, facts.quote(trade.symbol)),
            )
        return trade

    def status(self, facts: "Facts", local: "LocalSide", trade: Trade) -> TradeStatus:
        """Whether it will be open: one that lags behind its orders as these leave it."""
        key = known_id(trade.trade_id) or ""
        settled = self.settled(facts, local, trade)
        return settled.status if key in self._moves else self.lagging(facts, local).get(key, settled).status

    def settled(self, facts: "Facts", local: "LocalSide", trade: Trade) -> Trade:
        """The trade as it will stand once everything noted so far is laid onto it, and the orders that this plan ended
        have ended: what is judged after that finds it closed, or open."""
        key = known_id(trade.trade_id) or ""
        ended = self._ended_of(local, key)
        moved = self.moved(facts, local, trade) if key in self._moves else trade
        if same_quantities(moved, trade) and (not ended or trade.status is not TradeStatus.OPEN):
            return moved
        if _only_fees_moved(trade, moved):
            return moved
        settled = settle_status(
            moved,
            tolerance=facts.tolerance(trade.symbol),
            has_live_entry=False,
            entry_ended=key in trades_with_unfilled_entry(facts, local, ended),
        )
        if settled.status is TradeStatus.CLOSED and key in trades_with_live_entry(facts, local):
            return replace(settled, status=TradeStatus.OPEN)
        return settled

    def has_live_entry(self, facts: "Facts", local: "LocalSide", trade: Trade) -> bool:
        """Looked for once, until an order changes or is added."""
        state = len(local.changed_orders), len(local.orders)
        if self._entering is None or self._entering[0] != state:
            self._entering = state, trades_with_live_entry(facts, local)
        return known_id(trade.trade_id) in self._entering[1]

    def _ended_of(self, local: "LocalSide", key: str) -> list[LocalOrder]:
        """The trade's orders of the books that this plan ended; those that it inserts do not count."""
        changed = len(local.changed_orders)
        if self._ended is None or self._ended[0] != changed:
            by_trade: dict[str, list[LocalOrder]] = {}
            for one in _ended(local.orders[index] for index in local.changed_orders):
                by_trade.setdefault(known_id(one.trade_id) or "", []).append(one)
            self._ended = changed, by_trade
        return self._ended[1].get(key, [])

    def lagging(self, facts: "Facts", local: "LocalSide") -> dict[str, Trade]:
        """Trades that say less than their orders, as they should be; those that this plan moves only until it does."""
        if self._levelled is None:
            self._levelled = find_lagging(facts, local)
        return self._levelled

    def settle(self, facts: "Facts", local: "LocalSide", outcome: "RunOutcome") -> None:
        """Lay everything noted onto the trades."""
        live_entries = trades_with_live_entry(facts, local) if self._moves else set()
        for key in sorted(self._moves):
            before = local.trades[key]
            moved = self.moved(facts, local, before)
            if not same_quantities(moved, before):
                if not _only_fees_moved(before, moved):
                    moved = settle_status(
                        moved, tolerance=facts.tolerance(moved.symbol), has_live_entry=key in live_entries
                    )
                if key in self.lagging(facts, local):
                    report_lag(facts, outcome, before, self.lagging(facts, local)[key])
            elif _same_price(moved, before):
                continue
            local.set_trade(moved)
        self._levelled = {
            key: one for key, one in self.lagging(facts, local).items() if key not in self._moves
        }
        self._moves = {}
        _close_flat(facts, local)
        _report_overruns(facts, local, outcome)


def find_lagging(facts: "Facts", local: "LocalSide") -> dict[str, Trade]:
    """Trades whose listed orders have filled more than they say, by key, as those orders leave them.

    Not while the bot is at one of the orders: it may be about to write its trade.
    """
    if not local.trades or facts.account_changed:
        return {}
    found: dict[str, Trade] = {}
    for key, orders in facts.results.of(not_plainly_level, local.trades, local.original_orders).items():
        trade = local.trades[key]
        levelled = level_with(trade, sum_of(orders))
        if levelled is not trade:
            found[key] = _reopened(trade, levelled, facts.tolerance(trade.symbol))
    if not found:
        return {}
    read_at = facts.snapshot.local.read_at
    busy = {known_id(one.trade_id) for one in local.original_orders if facts.is_recent(one, read_at)}
    return {key: trade for key, trade in found.items() if key not in busy}


def _reopened(trade: Trade, levelled: Trade, tolerance: Decimal) -> Trade:
    """A closed trade that more left than entered is open. (One without any quantity is of books that keep none.)"""
    keeps_none = amount(trade.entry_qty) == 0 and amount(trade.exit_qty) == 0
    if trade.status is not TradeStatus.CLOSED or keeps_none or not is_overrun(levelled, tolerance):
        return levelled
    return replace(levelled, status=TradeStatus.OPEN)


def _close_flat(facts: "Facts", local: "LocalSide") -> None:
    """A trade that its last live entry held open closes once that entry has ended, filled or not."""
    if not local.trades:
        return
    ended = _ended(local.projected_orders())
    if not ended:
        return
    unfilled = trades_with_unfilled_entry(facts, local, ended)
    live_entries: set[str] | None = None
    for key in sorted({known_id(one.trade_id) or "" for one in ended} & local.trades.keys()):
        trade = local.trades[key]
        if trade.status is TradeStatus.OPEN:
            live_entries = trades_with_live_entry(facts, local) if live_entries is None else live_entries
            settled = settle_status(
                trade,
                tolerance=facts.tolerance(trade.symbol),
                has_live_entry=key in live_entries,
                entry_ended=key in unfilled,
            )
            if settled != trade:
                local.set_trade(settled)


def _ended(orders: Iterable[LocalOrder]) -> list[LocalOrder]:
    """Those of trades that are not live any more."""
    return [one for one in orders if one.status not in LIVE and one.trade_id is not None]


def trades_with_unfilled_entry(
    facts: "Facts", local: "LocalSide", orders: Iterable[LocalOrder]
) -> set[str | None]:
    """Keys of the trades of which an entry was cut short."""
    cut = (one for one in orders if one.status in CUT_SHORT and one.trade_id is not None)
    return {known_id(one.trade_id) for one in cut if _enters(facts, local, one)}


def _enters(facts: "Facts", local: "LocalSide", order: LocalOrder) -> bool:
    return derive_action(facts, local, order, None) is Action.ENTRY


def same_quantities(one: Trade, other: Trade) -> bool:
    """Whether two states of a trade hold the same amounts, however they are spelled."""
    keys = ("entry_qty", "exit_qty", "fee_base_qty")
    return all(identical(getattr(one, key), getattr(other, key)) for key in keys)


def _only_fees_moved(before: Trade, moved: Trade) -> bool:
    """Whether a closed trade moved by no fill: a fee opens nothing again."""
    keys = ("entry_qty", "exit_qty")
    is_level = all(identical(getattr(before, key), getattr(moved, key)) for key in keys)
    return before.status is TradeStatus.CLOSED and is_level


def _same_price(one: Trade, other: Trade) -> bool:
    mine, theirs = one.entry_avg_price, other.entry_avg_price
    return mine == theirs or (mine is not None and theirs is not None and identical(mine, theirs))


def _turn(move: _Move, order: LocalOrder) -> tuple[bool, int, str, str]:
    """Entries before exits, then by submission."""
    submitted_ns = 0 if order.submitted_at is None else to_ns(order.submitted_at)
    return (move.action is Action.EXIT, submitted_ns, order.venue_order_id or "", order.client_order_id or "")


def trades_with_live_entry(facts: "Facts", local: "LocalSide") -> set[str]:
    """Keys of the trades that an order may still enter: what everybody means by a live entry."""
    live = (order for order in local.orders if order.status in LIVE and order.trade_id is not None)
    return {known_id(order.trade_id) or "" for order in live if _enters(facts, local, order)}


# -- what is told of trades ---------------------------------------------------------------------------------------


def report_lag(facts: "Facts", outcome: "RunOutcome", before: Trade, after: Trade) -> None:
    """A trade that said less than its orders had booked, and is set right."""
    outcome.add_break(
        facts.trade_digest(before),
        BreakKind.TRADE_DRIFT,
        Reason.ORDERS_FILLED_MORE,
        f"trade {before.trade_id} says that {before.entry_qty} entered and {before.exit_qty} left; its orders say"
        f" {after.entry_qty} and {after.exit_qty}, and a trade is the sum of its orders",
        ids=(None, None, before.trade_id),
        symbol=before.symbol,
        local={"entry_qty": before.entry_qty, "exit_qty": before.exit_qty},
        severity=Severity.INFO,
        corrected=True,
        version=before.version,
    )


def _report_overruns(facts: "Facts", local: "LocalSide", outcome: "RunOutcome") -> None:
    """Every trade that more left than entered, in every run, until its entry grows or a person decides."""
    lagging = local.trade_moves.lagging(facts, local)
    left = [key for key, one in local.trades.items() if one.exit_qty != "0" or key in lagging]
    for key in sorted(left):
        trade = lagging.get(key, local.trades[key])
        if is_zero(trade.exit_qty) or trade.status is TradeStatus.CLOSED or not facts.in_scope(trade.symbol):
            continue
        if is_overrun(trade, facts.tolerance(trade.symbol)):
            told = overrun_break(facts.trade_digest(trade), trade)
            outcome.add_break(
                facts.trade_digest(trade),
                told.kind,
                Reason.BEYOND_OPEN_QTY,
                told.message,
                ids=(None, None, trade.trade_id),
                symbol=trade.symbol,
                local=told.local,
                venue=told.venue,
                version=trade.version,
            )
