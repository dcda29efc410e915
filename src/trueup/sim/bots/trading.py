"""How a bot trades at the simulated venue: calls that can be lost on their way there or back, and a stream of frames.

Decides only what the network does to calls and frames. A call that raises `VenueUnavailable` may have taken effect.
Must not know what the bot makes of it.
"""

from msgspec import Struct, structs

from trueup.model.errors import VenueUnavailable
from trueup.model.times import NS_PER_S
from trueup.sim.faults import FaultDice
from trueup.sim.market.market import Market
from trueup.sim.market.orders import STREAM_ID, MarketOrder, OrderRequest
from trueup.sim.market.records import Event

REJECT_REASON = "insufficient buying power"


class _Late(Struct):
    due_ns: int
    event: Event


class TradingClient:
    """One client's connection to one account."""

    def __init__(self, market: Market, account_id: str, placed_by: str, dice: FaultDice) -> None:
        self.market = market
        self.account_id = account_id
        self._placed_by = placed_by
        self._dice = dice
        self._next_event = 0
        self._late: list[_Late] = []

    def submit(self, request: OrderRequest) -> MarketOrder:
        """Raises Refused, or VenueUnavailable before or after the effect."""
        self._lose_call()
        if self._dice.strikes("order_rejected"):
            request = structs.replace(request, reject_reason=REJECT_REASON)
        if self._dice.strikes("order_expires"):
            request = structs.replace(request, expires_after_ns=self._dice.lag_ns())
        if request.legs and self._dice.strikes("client_id_shared"):
            legs = (structs.replace(leg, client_order_id=request.client_order_id) for leg in request.legs)
            request = structs.replace(request, legs=tuple(legs))
        order = self.market.submit(self.account_id, request, self._placed_by)
        self._lose_answer()
        return order

    def cancel(self, venue_order_id: str, symbol: str) -> None:
        self._lose_call()
        self.market.cancel(self.account_id, venue_order_id, self.effect_delay_ns(), symbol=symbol)
        self._lose_answer()

    def replace(
        self, venue_order_id: str, client_order_id: str, symbol: str, qty: int, limit: int
    ) -> MarketOrder:
        self._lose_call()
        successor = self.market.replace(
            self.account_id,
            venue_order_id,
            client_order_id,
            qty=qty,
            limit=limit,
            delay_ns=self.effect_delay_ns(),
            symbol=symbol,
        )
        self._lose_answer()
        return successor

    def find(self, client_order_id: str) -> MarketOrder | None:
        return self.market.truth_by_client_id(self.account_id, client_order_id)

    def frames(self) -> list[Event]:
        """What the stream brings since the last call: the client's own orders, less what got lost."""
        now_ns = self.market.now_ns()
        arrived = [late.event for late in self._late if late.due_ns <= now_ns]
        self._late = [late for late in self._late if late.due_ns > now_ns]
        events = self.market.events
        for index in range(self._next_event, len(events)):
            event = events[index]
            if event.order.placed_by == self._placed_by and event.order.account_id == self.account_id:
                arrived += self._carry(event)
        self._next_event = len(events)
        return arrived

    def effect_delay_ns(self) -> int:
        """How long the venue takes for a cancel or a replacement."""
        return self._dice.rng.randint(1, 5) * NS_PER_S if self._dice.strikes("effect_delayed") else 0

    def _carry(self, event: Event) -> list[Event]:
        if self._dice.strikes("frame_lost"):
            return []
        if event.fill is not None and self._dice.strikes("fill_renamed"):
            named = structs.replace(event.fill, fill_id=STREAM_ID + event.fill.fill_id, _view=None)
            event = structs.replace(event, fill=named)
        if event.fill is not None and self._dice.strikes("fee_untold"):
            event = structs.replace(event, fill=structs.replace(event.fill, tells_fee=False, _view=None))
        if self._dice.strikes("frame_late"):
            self._late.append(_Late(self.market.now_ns() + self._dice.lag_ns(), event))
            return []
        return [event, event] if self._dice.strikes("frame_duplicated") else [event]

    def _lose_call(self) -> None:
        if self._dice.strikes("call_lost"):
            raise VenueUnavailable("the simulated venue did not answer in time: ask what became of the order")

    def _lose_answer(self) -> None:
        if self._dice.strikes("call_unanswered"):
            raise VenueUnavailable("the simulated venue did not answer in time: ask what became of the order")
