"""What the account should hold of one instrument, and what the venue says it holds. Shared by exit backfill and parity.

Quantities are compared per account: this profile's trades as the plan leaves them, the other profiles', and what the
owner holds besides. Where the venue hedges, long and short stand apart; else they are one signed number.
"""

from decimal import Decimal

from msgspec import Struct

from trueup.core.check_limits import usd_rate
from trueup.core.draft.draft import Draft
from trueup.core.stages.raise_alerts import quote_of
from trueup.model.ids import symbol_token
from trueup.model.money import ZERO, amount
from trueup.model.snapshot import Position, Trade
from trueup.model.vocabulary import PositionSide, TradeStatus

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT


class Comparison(Struct, frozen=True, kw_only=True):
    """One instrument, and one side of it where the venue hedges (`side` null: net, short negative).

    `difference` = venue − expected, in the direction of `side` (net: signed). `is_flat`: said, not missing.
    """

    token: str
    symbol: str
    side: PositionSide | None
    expected_qty: Decimal
    venue_qty: Decimal
    is_flat: bool
    price: Decimal | None  # mark price, else average entry price; null = not known

    @property
    def difference(self) -> Decimal:
        return self.venue_qty - self.expected_qty

    def shortfall(self, side: PositionSide) -> Decimal:
        """How much less than expected the venue holds for trades of this side; negative = more."""
        against = self.side is None and side is SHORT
        return self.difference if against else -self.difference


def open_trades(draft: Draft, token: str | None = None) -> list[Trade]:
    """Trades not closed that hold something once this plan is applied, by trade id."""
    trades = [
        trade
        for key, trade in sorted(draft.trades.items())
        if trade.status is not TradeStatus.CLOSED and draft.in_scope(trade.symbol)
    ]
    return [
        trade
        for trade in trades
        if (token is None or symbol_token(trade.symbol) == token)
        and draft.trade_moves.open_qty(draft, trade) > 0
    ]


def compare_positions(draft: Draft, token: str, symbol: str) -> list[Comparison] | None:
    """The instrument's comparisons (two where the venue hedges); null where the position is not known."""
    rows = _rows_of(draft, token)
    if rows is None or (not rows and not draft.policy.missing_position_is_flat):
        return None
    hedged = any(row.position_side is not None for row in rows)
    long, short = expected_sides(draft, token)
    baseline = _baseline(draft, token)
    if not hedged:
        return [_comparison(token, symbol, None, long - short + baseline, rows)]
    long += max(baseline, ZERO)
    short += max(-baseline, ZERO)
    of_side = {side: [row for row in rows if row.position_side is side] for side in (LONG, SHORT)}
    return [
        _comparison(token, symbol, side, expected, of_side[side])
        for side, expected in ((LONG, long), (SHORT, short))
        if of_side[side] or draft.policy.missing_position_is_flat
    ]


def _rows_of(draft: Draft, token: str) -> list[Position] | None:
    """The instrument's rows, repeated ones once; null where two rows of one side contradict each other."""
    rows: dict[PositionSide | None, Position] = {}
    for row in draft.snapshot.venue.positions.rows:
        if symbol_token(row.symbol) == token and rows.setdefault(row.position_side, row) != row:
            return None
    return [rows[side] for side in (None, LONG, SHORT) if side in rows]


def expected_sides(draft: Draft, token: str) -> tuple[Decimal, Decimal]:
    """Open quantity of all profiles' trades, long and short, after this plan."""
    sums = {LONG: ZERO, SHORT: ZERO}
    for trade in open_trades(draft, token):
        sums[trade.side] += draft.trade_moves.open_qty(draft, trade)
    for other_symbol, other in draft.snapshot.local.other_profiles_open_qty.items():
        if symbol_token(other_symbol) == token:
            sums[LONG] += amount(other.long)
            sums[SHORT] += amount(other.short)
    return sums[LONG], sums[SHORT]


def is_settled(draft: Draft, token: str) -> bool:
    """Whether no order of the instrument, of any profile, is recent, deferred or queried."""
    others = draft.snapshot.local.other_profiles_open_qty.items()
    if any(symbol_token(symbol) == token and not other.settled for symbol, other in others):
        return False
    return token not in draft.unsettled_symbols and token not in recent_symbols(draft)


def recent_symbols(draft: Draft) -> set[str]:
    """Instruments in which the bot was active too recently for the position read to know of it."""
    if draft.recent_tokens is None:
        read_at = draft.snapshot.venue.positions.read_at
        draft.recent_tokens = {
            symbol_token(order.symbol)
            for order in draft.original_orders
            if order.symbol is not None and draft.is_recent(order, read_at)
        }
    return draft.recent_tokens


def notional_usd(draft: Draft, comparison: Comparison) -> Decimal | None:
    """The size of a difference in US dollars; null where price or rate is not known, which is not zero."""
    rate = usd_rate(quote_of(comparison.symbol, draft), draft.policy)
    if rate is None or comparison.price is None:
        return None
    return abs(comparison.difference) * comparison.price * rate


def _baseline(draft: Draft, token: str) -> Decimal:
    owned = draft.policy.position_baseline.items()
    return sum((amount(qty) for symbol, qty in owned if symbol_token(symbol) == token), ZERO)


def _comparison(
    token: str, symbol: str, side: PositionSide | None, expected: Decimal, rows: list[Position]
) -> Comparison:
    held = sum((amount(row.qty) for row in rows), ZERO)
    prices = [
        amount(row.mark_price or row.avg_entry_price) for row in rows if row.mark_price or row.avg_entry_price
    ]
    return Comparison(
        token=token,
        symbol=symbol,
        side=side,
        expected_qty=expected,
        venue_qty=held if side is None else abs(held),
        is_flat=held == 0,
        price=prices[0] if prices and prices[0] > 0 else None,
    )
