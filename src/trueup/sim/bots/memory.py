"""What a simulated bot remembers of its orders and trades, from what it heard and was told alone."""

from msgspec import Struct

from trueup.model.vocabulary import LIVE, Action, PositionSide, Side, Status
from trueup.sim.market.instruments import FEE_PARTS, MarketInstrument


class BotOrder(Struct, eq=False, kw_only=True):
    """An order as the bot remembers it."""

    client_order_id: str
    action: Action
    qty: int
    venue_order_id: str | None = None
    filled: int = 0  # the cumulative quantity, from a frame or a notification
    seen: set[str] = set()  # fill ids, from frames
    recorded: bool = True  # its books have it, as far as it knows
    unsure: bool = False  # the books may lack it or a fill of it: a write failed
    status: Status = Status.PENDING_NEW

    @property
    def is_live(self) -> bool:
        return self.status in LIVE and self.filled < self.qty


class BotTrade(Struct, eq=False, kw_only=True):
    """A round trip as the bot remembers it."""

    trade_id: str
    instrument: MarketInstrument
    side: PositionSide
    orders: list[BotOrder] = []
    order_count: int = 0
    bracketed: bool = False  # its exits are legs at the venue: the bot neither places nor records any
    done: bool = False

    @property
    def held(self) -> int:
        """Steps entered and not exited, less what fees took of them."""
        entered = sum(order.filled for order in self.orders if order.action is Action.ENTRY)
        exited = sum(order.filled for order in self.orders if order.action is Action.EXIT)
        ppm = self.instrument.base_fee_ppm if self.side is PositionSide.LONG else 0
        return entered * (FEE_PARTS - ppm) // FEE_PARTS - exited

    def order_side(self, action: Action) -> Side:
        buys = (action is Action.ENTRY) == (self.side is PositionSide.LONG)
        return Side.BUY if buys else Side.SELL
