"""What parity must have done of positions that stood still for as long as it needs: quarantine or close, and release.

Decides by the market's positions and the raw tables. Instruments of which the venue took fills back are left to people.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from fractions import Fraction

from msgspec import Struct

from trueup.model.snapshot import Trade
from trueup.model.vocabulary import PositionSide, QuarantinedBy, TradeStatus
from trueup.sim.checkers.facts import ProfileBooks, Violation, exact, token
from trueup.sim.market.instruments import FEE_PARTS
from trueup.sim.market.market import Market

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT
_SIGN = {LONG: 1, SHORT: -1}


class _Holding(Struct, frozen=True):
    """What the venue holds of an instrument, signed, and the trades that should make it up; by side where it hedges."""

    held: Fraction
    trades: list[Trade]

    @property
    def difference(self) -> Fraction:
        return self.held - sum((_SIGN[one.side] * _open_qty(one) for one in self.trades), Fraction(0))


def check_parity(
    market: Market,
    books: Iterable[ProfileBooks],
    *,
    hedged: bool,
    waiting: Collection[tuple[str, str]] = (),
) -> list[Violation]:
    """Liveness: no trade stays open that the venue does not hold, none quarantined where it holds what it should.

    `waiting`: (account, instrument) where orders of a told mass absence wait for a person: nothing is settled there.
    """
    trades: dict[tuple[str, str], list[Trade]] = defaultdict(list)
    for one in books:
        for trade in one.local.trades:
            trades[one.account_id, trade.symbol].append(trade)
    found: list[Violation] = []
    for (account_id, symbol), of_instrument in trades.items():
        if (account_id, token(symbol)) in waiting:
            continue
        if not any(one.is_revised and one.symbol == symbol for one in market.truth_orders(account_id)):
            found += _check_instrument(market, account_id, symbol, of_instrument, hedged=hedged)
    return sorted(found)


def _check_instrument(
    market: Market, account_id: str, symbol: str, trades: list[Trade], *, hedged: bool
) -> list[Violation]:
    step = Fraction(1, 10 ** market.instruments[symbol].qty_decimals)
    open_trades = [one for one in trades if one.status is not TradeStatus.CLOSED and _open_qty(one) != 0]
    holdings = [
        _Holding(
            market.truth_position(account_id, symbol, side) * step / FEE_PARTS,
            [one for one in open_trades if side in (None, one.side)],
        )
        for side in ((LONG, SHORT) if hedged else (None,))
    ]
    if all(abs(one.difference) <= step for one in holdings):
        return [
            Violation("live", one.trade_id, "is quarantined by parity, and the position is right")
            for one in trades
            if one.quarantined_by is QuarantinedBy.PARITY
        ]
    return [
        Violation("live", one.trades[0].trade_id, "is open, and the venue holds nothing")
        for one in holdings
        if one.held == 0 and len(one.trades) == 1 and _open_qty(one.trades[0]) > 0
        if abs(one.difference) > step and one.trades[0].status is TradeStatus.OPEN
    ]


def _open_qty(trade: Trade) -> Fraction:
    return exact(trade.entry_qty) - exact(trade.exit_qty) - exact(trade.fee_base_qty)
