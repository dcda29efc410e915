"""A paper venue in this process, for tests of a bot and of what stands beside it: no HTTP, no faults, no real time.

Decimals outside; what an order does there is `sim/market`'s to decide.
"""

from decimal import Decimal

from trueup.model.times import NS_PER_S
from trueup.model.vocabulary import Side
from trueup.ports.venue import Venue
from trueup.sim.clock import SimClock
from trueup.sim.faults import FaultDice, Faults
from trueup.sim.market.instruments import MarketInstrument
from trueup.sim.market.market import Market
from trueup.sim.market.orders import OrderRequest
from trueup.sim.market.venue import SimVenue
from trueup.sim.trials.world import INSTRUMENTS

_MOMENT_NS = NS_PER_S // 1000  # no two events of an order share an instant
_CLIENT = "client"  # all orders are one client's


class PaperDesk:
    """One account, `paper`, with the simulator's instruments (ETH/USD in steps of 0.001, BTC/USD, SPY).

    `venue` is what trueup reads; `clock` stands until `clock.advance(ns)`. An order that the venue refuses raises
    `trueup.sim.market.market.Refused`.
    """

    account_id = "paper"

    def __init__(self) -> None:
        self.clock = SimClock()
        self.market = Market(self.clock, list(INSTRUMENTS))
        self.venue: Venue = SimVenue(self.market, self.account_id, FaultDice("paper", Faults()))

    def place(self, client_order_id: str, symbol: str, side: Side, qty: str, limit: str) -> str:
        """A limit order; `qty` in units of the base, `limit` in the quote currency. Returns its venue order id."""
        self.clock.advance(_MOMENT_NS)
        instrument = self.market.instruments[symbol]
        request = OrderRequest(
            client_order_id=client_order_id,
            symbol=symbol,
            side=side,
            qty=_units(qty, instrument.qty_decimals),
            limit=_units(limit, instrument.price_decimals),
        )
        return self.market.submit(self.account_id, request, _CLIENT).venue_order_id

    def trade(self, symbol: str, price: str, qty: str) -> None:
        """The market trades `qty` at `price`: orders that cross it share that, the earliest first."""
        self.clock.advance(_MOMENT_NS)
        instrument: MarketInstrument = self.market.instruments[symbol]
        price_ticks = _units(price, instrument.price_decimals)
        self.market.match(symbol, price_ticks, _units(qty, instrument.qty_decimals))

    def cancel(self, venue_order_id: str) -> None:
        self.clock.advance(_MOMENT_NS)
        self.market.cancel(self.account_id, venue_order_id)


def _units(amount: str, decimals: int) -> int:
    """How many steps or ticks an amount is. Raises ValueError where it is no whole number of them."""
    scaled = Decimal(amount).scaleb(decimals)
    if scaled != int(scaled):
        raise ValueError(f"{amount} has more than {decimals} decimals")
    return int(scaled)
