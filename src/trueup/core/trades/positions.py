"""What the account should hold of one instrument, and what the venue says it holds. Shared by exit backfill and parity.

Quantities are compared per account: this profile's trades as the plan leaves them, the other profiles', and what the
owner holds besides. Where the venue hedges, long and short stand apart; else they are one signed number.
"""

from decimal import Decimal

from msgspec import Struct

from trueup.core.check_limits import usd_rate
from trueup.core.draft.facts import Facts
from trueup.core.draft.local_side import LocalSide
from trueup.core.draft.outcome import RunOutcome
from trueup.model.ids import digest, symbol_token
from trueup.model.money import NOISE, ZERO, amount
from trueup.model.reasons import Reason
from trueup.model.snapshot import NOT_READ, OtherOpenQty, Position, PositionsRead, Trade
from trueup.model.vocabulary import BreakKind, Lists, PositionSide, ReadState, TradeStatus

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT


class Comparison(Struct, frozen=True, kw_only=True):
    """One instrument, and one side of it where the venue hedges (`side` null: net, short negative).

    `difference` = venue − expected, in the direction of `side` (net: signed). `is_flat`: said, not missing.
    `gross_qty`: the largest of the quantities that `expected_qty` is made of.
    """

    token: str
    symbol: str
    side: PositionSide | None
    expected_qty: Decimal
    gross_qty: Decimal
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


def near(comparison: Comparison, tolerance: Decimal) -> Decimal:
    """What counts as no difference: the instrument's tolerance, or what floats leave behind."""
    return max(tolerance, NOISE * max(comparison.gross_qty, abs(comparison.venue_qty)))


def open_trades(facts: Facts, local: LocalSide, token: str | None = None) -> list[Trade]:
    """Trades not closed that hold something, or less than nothing, once this plan is applied, by trade id."""
    keys = local.trades if token is None else local.trade_keys.get(token, ())
    return [
        trade
        for trade in map(local.trades.__getitem__, sorted(keys))
        if facts.in_scope(trade.symbol)
        and local.trade_moves.open_qty(facts, local, trade) != 0
        and local.trade_moves.status(facts, local, trade) is not TradeStatus.CLOSED
    ]


def held_side(facts: Facts, local: LocalSide, trade: Trade) -> PositionSide:
    """On which side the trade's quantity stands: an overrun trade is on the other one."""
    if local.trade_moves.open_qty(facts, local, trade) > 0:
        return trade.side
    return LONG if trade.side is SHORT else SHORT


class Compared(Struct, frozen=True):
    """The instrument's comparisons (two where the venue hedges); `why_unknown`: what its position read does not say."""

    comparisons: list[Comparison] = []
    why_unknown: str | None = None


def compare_positions(facts: Facts, local: LocalSide, token: str, symbol: str) -> Compared:
    """Compare what all trades of the account come to with the position read, which is complete."""
    rows = _rows_of(facts, token)
    if rows is None:
        return Compared(why_unknown="two rows of its position contradict each other")
    long, short = expected_sides(facts, local, token)
    baseline = baseline_of(facts, token)
    if not _is_hedged(local, token, rows):
        if rows or missing_is_flat(facts):
            return Compared([_comparison(token, symbol, None, (long, -short, baseline), rows)])
        return Compared(why_unknown=None if not (long or short or baseline) else _NO_ROW)
    owned = {LONG: max(baseline, ZERO), SHORT: max(-baseline, ZERO)}
    return _compare_sides(
        facts, token, symbol, {LONG: (long, owned[LONG]), SHORT: (short, owned[SHORT])}, rows
    )


_NO_ROW = "the position list has no row of it"


def _compare_sides(
    facts: Facts,
    token: str,
    symbol: str,
    expected: dict[PositionSide, tuple[Decimal, ...]],
    rows: list[Position],
) -> Compared:
    """Long and short apart."""
    comparisons: list[Comparison] = []
    why_unknown = None
    for side in (LONG, SHORT):
        mine = [row for row in rows if row.position_side is side]
        if mine or missing_is_flat(facts):
            comparisons.append(_comparison(token, symbol, side, expected[side], mine))
        elif sum(expected[side], ZERO):
            why_unknown = f"{_NO_ROW} on the {side} side"
    return Compared(comparisons, why_unknown)


def missing_is_flat(facts: Facts) -> bool:
    """Whether an instrument without a row is flat: the venue lists only what is held, or the policy says so."""
    return facts.policy.missing_position_is_flat or facts.snapshot.venue.positions.lists is Lists.HELD


def _is_hedged(local: LocalSide, token: str, rows: list[Position]) -> bool:
    """By its rows; where there is none, by what the bot's own orders of it say."""
    if rows:
        return any(row.position_side is not None for row in rows)
    return any(
        order.position_side is not None and order.symbol is not None and symbol_token(order.symbol) == token
        for order in local.orders
    )


def _rows_of(facts: Facts, token: str) -> list[Position] | None:
    """The instrument's rows, repeated ones once; null where two rows of one side contradict each other."""
    rows: dict[PositionSide | None, Position] = {}
    for row in facts.snapshot.venue.positions.rows:
        if symbol_token(row.symbol) == token and rows.setdefault(row.position_side, row) != row:
            return None
    return [rows[side] for side in (None, LONG, SHORT) if side in rows]


def expected_sides(facts: Facts, local: LocalSide, token: str) -> tuple[Decimal, Decimal]:
    """Open quantity of all profiles' trades, long and short, after this plan; what is overrun counts negative."""
    sums = {LONG: ZERO, SHORT: ZERO}
    for trade in open_trades(facts, local, token):
        sums[trade.side] += local.trade_moves.open_qty(facts, local, trade)
    for side in sums:
        theirs, _ = quantities_of_others(facts, token, side)
        sums[side] += sum(theirs, ZERO)
    return sums[LONG], sums[SHORT]


def quantities_of_others(facts: Facts, token: str, side: PositionSide) -> tuple[list[Decimal], bool]:
    """Open quantities of the other profiles' trades of this side, and whether only their sums are known.

    A trade that more left than entered counts on its own side, less than nothing; in a sum it counts on the other one.
    """
    trades = facts.snapshot.local.other_profiles_trades or {}
    theirs = [one for symbol, one in trades.items() if symbol_token(symbol) == token]
    if theirs:
        return [amount(qty) for one in theirs for qty in (one.long if side is LONG else one.short)], False
    sums = [amount(one.long if side is LONG else one.short) for one in others_of(facts, token)]
    return [qty for qty in sums if qty], any(sums)


def others_of(facts: Facts, token: str) -> list[OtherOpenQty]:
    """What the account's other profiles hold of the instrument."""
    others = facts.snapshot.local.other_profiles_open_qty.items()
    return [one for symbol, one in others if symbol_token(symbol) == token]


def report_unknown(facts: Facts, outcome: RunOutcome, token: str, symbol: str, why: str) -> None:
    """The break of an instrument whose position the venue did not say: nothing of it can be called in sync."""
    outcome.add_break(
        position_digest(facts, token),
        BreakKind.POSITION_UNKNOWN,
        Reason.POSITION_UNKNOWN,
        f"{symbol}: {why}, so what the trades come to cannot be compared. Where the venue lists only what is"
        " held, `missing_position_is_flat` says so",
        ids=(None, None, None),
        symbol=symbol,
    )


def position_digest(facts: Facts, token: str, side: PositionSide | None = None) -> str:
    """The stable part of every id derived from a position."""
    return digest(facts.profile.profile_id, "position", token, side)


def why_positions_unread(read: PositionsRead, *, failed_too: bool = True) -> str | None:
    """Why the position read proves nothing at all; null where it was answered (or, not `failed_too`, was tried)."""
    if read.state is ReadState.COMPLETE:
        return None
    if read.state is ReadState.FAILED and read.error in (NOT_READ, None) and read.read_at is None:
        return "positions_not_read"
    return f"positions_{read.state}" if failed_too else None


def is_settled(facts: Facts, local: LocalSide, outcome: RunOutcome, token: str) -> bool:
    """Whether no order of the instrument, of any profile, is recent, deferred or queried."""
    if any(not other.settled for other in others_of(facts, token)):
        return False
    return token not in outcome.unsettled_symbols and token not in recent_symbols(facts, local)


def recent_symbols(facts: Facts, local: LocalSide) -> set[str]:
    """Instruments in which the bot was active too recently for the position read to know of it."""
    if local.recent_tokens is None:
        read_at = facts.snapshot.venue.positions.read_at
        local.recent_tokens = {
            symbol_token(order.symbol)
            for order in local.original_orders
            if order.symbol is not None and facts.is_recent(order, read_at)
        }
    return local.recent_tokens


def notional_usd(facts: Facts, comparison: Comparison) -> Decimal | None:
    """The size of a difference in US dollars; null where price or rate is not known, which is not zero."""
    rate = usd_rate(facts.quote_currency(comparison.symbol), facts.policy)
    if rate is None or comparison.price is None:
        return None
    return abs(comparison.difference) * comparison.price * rate


def price_of(facts: Facts, token: str, trade: Trade | None) -> str | None:
    """What a difference of the instrument is valued at: the venue's mark price, else the trade's average entry."""
    marks = [row.mark_price for row in _rows_of(facts, token) or () if amount(row.mark_price or "0") > 0]
    return marks[0] if marks else None if trade is None else trade.entry_avg_price


def baseline_of(facts: Facts, token: str) -> Decimal:
    """What the owner holds of the instrument besides the bots, signed."""
    owned = facts.policy.position_baseline.items()
    return sum((amount(qty) for symbol, qty in owned if symbol_token(symbol) == token), ZERO)


def _comparison(
    token: str,
    symbol: str,
    side: PositionSide | None,
    parts: tuple[Decimal, ...],
    rows: list[Position],
) -> Comparison:
    """`parts`: what the account should hold, as it is known apart, signed."""
    held = sum((amount(row.qty) for row in rows), ZERO)
    prices = [
        amount(row.mark_price or row.avg_entry_price) for row in rows if row.mark_price or row.avg_entry_price
    ]
    return Comparison(
        token=token,
        symbol=symbol,
        side=side,
        expected_qty=sum(parts, ZERO),
        gross_qty=max(map(abs, parts)),
        venue_qty=held if side is None else abs(held),
        is_flat=held == 0,
        price=prices[0] if prices and prices[0] > 0 else None,
    )
