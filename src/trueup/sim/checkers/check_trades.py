"""What a plan does to trades, held against plain sums: which a shortfall may quarantine or close, who is told first.

Decides by brute force over the snapshot's own figures, in exact fractions. Shares no code with the core.
"""

from collections import defaultdict
from collections.abc import Iterable
from fractions import Fraction
from itertools import combinations

from trueup.model.plan import Notification, Plan
from trueup.model.snapshot import Fill, Snapshot, Trade
from trueup.model.vocabulary import CorrectionKind, NotificationKind, PositionSide, TradeStatus
from trueup.sim.checkers.facts import OrderKey, Violation, exact, key_of, token

TRADES_MAX = 12  # of an instrument: more are not tried in all their combinations
_TOUCHES = (CorrectionKind.QUARANTINE_TRADE, CorrectionKind.CLOSE_TRADE)


def check_trades(snapshot: Snapshot, plan: Plan) -> list[Violation]:
    """No healthy trade is kept from its bot, or closed, where only one explanation fits; entries are told first."""
    return sorted(_check_touched(snapshot, plan) + _check_telling(snapshot, plan))


# -- the shortfall ----------------------------------------------------------------------------------------------------


def _check_touched(snapshot: Snapshot, plan: Plan) -> list[Violation]:
    touched = [one for one in plan.corrections if one.kind in _TOUCHES and one.reason != "orders_filled_more"]
    if not touched or any(row.position_side is not None for row in snapshot.venue.positions.rows):
        return []
    after = {one.trade_id: one for one in snapshot.local.trades} | {
        one.trade_id: one for one in plan.projected_trades
    }
    before = {one.trade_id: one.status for one in snapshot.local.trades}
    by_symbol: dict[str, list[Trade]] = defaultdict(list)
    for trade in after.values():
        if before.get(trade.trade_id) is not TradeStatus.CLOSED:
            by_symbol[token(trade.symbol)].append(trade)
    found: list[Violation] = []
    for symbol, trades in by_symbol.items():
        of_symbol = {one.trade_id for one in touched} & {one.trade_id for one in trades}
        if of_symbol:
            found += _check_instrument(snapshot, symbol, trades, of_symbol)
    return found


def _check_instrument(
    snapshot: Snapshot, symbol: str, trades: list[Trade], touched: set[str | None]
) -> list[Violation]:
    """`trades`: those of the profile that were not closed, as the plan leaves them."""
    sign = 1 if next(one for one in trades if one.trade_id in touched).side is PositionSide.LONG else -1
    own = {one.trade_id: _open_qty(one) for one in trades if _open_qty(one) > 0}
    theirs = _others(snapshot, symbol, PositionSide.LONG if sign > 0 else PositionSide.SHORT)
    pieces = {**own, **{f"other {place}": qty for place, qty in enumerate(theirs)}}
    shortfall = sign * (_expected(snapshot, symbol, trades) - _held(snapshot, symbol))
    if len(pieces) > TRADES_MAX:
        return []
    step = _step(snapshot, symbol)
    sets = [
        set(chosen)
        for size in range(1, len(pieces) + 1)
        for chosen in combinations(pieces, size)
        if abs(sum(pieces[one] for one in chosen) - shortfall) <= step
    ]
    may_be_gone = set(pieces) if sum(pieces.values()) <= shortfall + step else set().union(*sets)
    return [
        Violation(
            "I6", str(trade_id), f"is kept from its bot, and no set of trades with it comes to {shortfall}"
        )
        for trade_id in touched
        if trade_id not in may_be_gone
    ]


def _expected(snapshot: Snapshot, symbol: str, trades: Iterable[Trade]) -> Fraction:
    total = sum((_sign(one) * _open_qty(one) for one in trades), Fraction(0))
    for name, other in snapshot.local.other_profiles_open_qty.items():
        if token(name) == symbol:
            total += exact(other.long) - exact(other.short)
    for name, qty in snapshot.policy.position_baseline.items():
        if token(name) == symbol:
            total += exact(qty)
    return total


def _others(snapshot: Snapshot, symbol: str, side: PositionSide) -> list[Fraction]:
    trades = (snapshot.local.other_profiles_trades or {}).items()
    mine = [one for name, one in trades if token(name) == symbol]
    quantities = [
        exact(qty) for one in mine for qty in (one.long if side is PositionSide.LONG else one.short)
    ]
    return [qty for qty in quantities if qty > 0]


def _held(snapshot: Snapshot, symbol: str) -> Fraction:
    rows = {exact(row.qty) for row in snapshot.venue.positions.rows if token(row.symbol) == symbol}
    return sum(rows, Fraction(0))


def _step(snapshot: Snapshot, symbol: str) -> Fraction:
    steps = [
        exact(one.qty_step) for one in snapshot.instruments if token(one.symbol) == symbol and one.qty_step
    ]
    return steps[0] * snapshot.policy.qty_tolerance_steps if steps else Fraction(0)


def _open_qty(trade: Trade) -> Fraction:
    return exact(trade.entry_qty) - exact(trade.exit_qty) - exact(trade.fee_base_qty)


def _sign(trade: Trade) -> int:
    return 1 if trade.side is PositionSide.LONG else -1


# -- the telling ------------------------------------------------------------------------------------------------------


def _check_telling(snapshot: Snapshot, plan: Plan) -> list[Violation]:
    """An exit is not told before an entry of its trade that came before it, or at the same moment."""
    booked = {_key(one) for one in snapshot.local.fills}
    times: dict[OrderKey, list[str]] = defaultdict(list)
    for fill in plan.projected_fills:
        if _key(fill) not in booked and fill.filled_at is not None and fill.venue_order_id is not None:
            times[key_of(fill.symbol, fill.venue_order_id)].append(fill.filled_at.rstrip("Z"))
    symbols = {one.trade_id: one.symbol for one in (*snapshot.local.trades, *plan.projected_trades)}
    found: list[Violation] = []
    exits: dict[str, list[Notification]] = defaultdict(list)
    for one in plan.notifications:
        symbol = symbols.get(one.trade_id or "")
        own = times.get(key_of(symbol, one.venue_order_id), [])
        if one.trade_id is None or not own:
            continue
        if one.kind is NotificationKind.EXIT_FILL:
            exits[one.trade_id].append(one)
        elif one.kind is NotificationKind.ENTRY_FILL:
            found += [
                Violation(
                    "I10", one.trade_id, f"exit {early.venue_order_id} is told before {one.venue_order_id}"
                )
                for early in exits[one.trade_id]
                if min(own) <= max(times[key_of(symbol, early.venue_order_id)])
            ]
    return found


def _key(fill: Fill) -> tuple[OrderKey, str]:
    return key_of(fill.symbol, fill.venue_order_id), fill.fill_id
