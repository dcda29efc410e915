"""What the simulated market remembers: orders, fills, positions, prices, and everything that happened.

Decides nothing: `Market` writes it; checkers and the reads of `SimVenue` ask it for the truth. Quantities are integers
in steps, prices integers in ticks.
"""

from msgspec import Struct

from trueup.model.vocabulary import PositionSide
from trueup.sim.clock import SimClock
from trueup.sim.market.instruments import MarketInstrument
from trueup.sim.market.orders import MarketFill, MarketOrder


class Event(Struct, eq=False):
    """Something that happened to an order, in the order of happening; `fill` where it was one."""

    ns: int
    kind: str
    order: MarketOrder
    fill: MarketFill | None = None
    filled: int = 0  # of the order when it happened, in steps

    def line(self) -> str:
        """The event as one line of the trace."""
        order, fill = self.order, self.fill
        fill_text = f" {fill.fill_id} {fill.qty}@{fill.price}" if fill else ""
        placed = self.kind == "pending_new"
        terms = f" {order.client_order_id} {order.side.value} {order.qty} {order.symbol}" if placed else ""
        return f"{self.ns} {order.account_id} {order.venue_order_id} {self.kind}{fill_text}{terms}"


class MarketRecords:
    """Instruments, their prices, and the orders, fills and positions of every account."""

    def __init__(
        self,
        clock: SimClock,
        instruments: list[MarketInstrument],
        skew_ns: int = 0,
    ) -> None:
        self.clock = clock
        self._skew_ns = skew_ns
        self.instruments = {instrument.symbol: instrument for instrument in instruments}
        self.prices = {instrument.symbol: instrument.start_ticks for instrument in instruments}
        self.events: list[Event] = []
        self._orders: dict[str, list[MarketOrder]] = {}  # by account id, by submission
        self._by_id: dict[tuple[str, str], list[MarketOrder]] = {}  # of an account; of several instruments
        self._by_client_id: dict[tuple[str, str], list[MarketOrder]] = {}  # a tag is several orders'
        self._fills: dict[str, list[MarketFill]] = {}
        self._live: dict[str, dict[int, MarketOrder]] = {symbol: {} for symbol in self.instruments}
        self._positions: dict[
            tuple[str, str, PositionSide | None], int
        ] = {}  # (account id, symbol, side where hedged) → steps × FEE_PARTS

    def now_ns(self) -> int:
        """The venue's own clock: `skew_ns` apart from everybody else's."""
        return self.clock.now_ns() + self._skew_ns

    def truth_order(
        self, account_id: str, venue_order_id: str, symbol: str | None = None
    ) -> MarketOrder | None:
        """The order of this id; where several instruments have one, that of `symbol`, and null without it."""
        named = self._by_id.get((account_id, venue_order_id), [])
        found = [order for order in named if symbol in (None, order.symbol)]
        return found[0] if len(found) == 1 else None

    def is_number_of_several(self, account_id: str, venue_order_id: str) -> bool:
        """Whether orders of several instruments have this id."""
        return len(self._by_id.get((account_id, venue_order_id), ())) > 1

    def truth_by_client_id(self, account_id: str, client_order_id: str) -> MarketOrder | None:
        """The first order that was sent with it."""
        named = self._by_client_id.get((account_id, client_order_id))
        return named[0] if named else None

    def is_tag(self, account_id: str, client_order_id: str) -> bool:
        """Whether several orders carry this client order id."""
        return len(self._by_client_id.get((account_id, client_order_id), ())) > 1

    def truth_orders(self, account_id: str) -> list[MarketOrder]:
        """Every order of the account, by submission."""
        return list(self._orders.get(account_id, ()))

    def truth_fills(self, account_id: str, order: MarketOrder | None = None) -> list[MarketFill]:
        """The account's fills by execution; of one order where it is given."""
        fills = self._fills.get(account_id, [])
        return [fill for fill in fills if order is None or fill.order is order]

    def truth_position(self, account_id: str, symbol: str, side: PositionSide | None = None) -> int:
        """Signed position in parts of a step (`FEE_PARTS` parts each), base-currency fees taken off."""
        return self._positions.get((account_id, symbol, side), 0)

    def live_orders(self, account_id: str) -> list[MarketOrder]:
        """The account's orders that can still trade, by submission."""
        live_orders = (order for live in self._live.values() for order in live.values())
        return sorted(
            (order for order in live_orders if order.account_id == account_id), key=lambda order: order.number
        )
