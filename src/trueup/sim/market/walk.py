"""What a market does by itself: prices walk, orders trade against what liquidity there is, fills are taken back.

Decides when and by how much, from streams of its own; what it means for an order is the market's.
"""

from collections.abc import Iterable
from random import Random

from trueup.sim.faults import FaultDice
from trueup.sim.market.market import Market

LIQUIDITY_MAX = (
    9_000  # steps that one step of the walk can fill: often less than an order, so fills are partial
)
CORRECTION_TICKS_MAX = 50
ENOUGH = 10**9  # steps: more than anybody asks for


class MarketWalk:
    """Of all instruments and accounts of one market."""

    def __init__(
        self, market: Market, account_ids: Iterable[str], dice: FaultDice, walk: Random, revisions: Random
    ) -> None:
        self._market = market
        self._account_ids = list(account_ids)
        self._dice = dice
        self._walk = walk
        self._revisions = revisions

    def step(self) -> None:
        rng, market = self._walk, self._market
        for symbol, instrument in market.instruments.items():
            move = rng.randint(-instrument.move_ticks, instrument.move_ticks)
            liquidity = rng.randint(-LIQUIDITY_MAX, LIQUIDITY_MAX)
            market.match(symbol, max(1, market.prices[symbol] + move), liquidity)
        self._revise_fills()

    def fill_all(self) -> None:
        """Everything trades that can at the present prices."""
        for symbol, price in self._market.prices.items():
            self._market.match(symbol, price, ENOUGH)

    def _revise_fills(self) -> None:
        """Perhaps the venue declares a trade void, or corrects its price."""
        market, rng = self._market, self._revisions
        for fault in ("fill_busted", "fill_corrected"):
            if not self._dice.strikes(fault):
                continue
            fills = market.truth_fills(rng.choice(self._account_ids))
            if not fills:
                continue
            fill = rng.choice(fills)
            if fault == "fill_busted":
                market.bust(fill)
            else:
                market.correct(fill, fill.price + rng.randint(-CORRECTION_TICKS_MAX, CORRECTION_TICKS_MAX))
