"""The orders that a simulated bot writes: what it asks of the venue, and how it records that in its books.

Decides prices, kinds and ids; not when something is sent.
"""

from random import Random

from msgspec import Struct, structs

from trueup.model.snapshot import LocalOrder
from trueup.model.vocabulary import Action, PositionSide, Side, Status
from trueup.sim.bots.memory import BotTrade
from trueup.sim.market.market import Market
from trueup.sim.market.orders import MarketOrder, OrderRequest

CLIENT_ORDER_ID_PATTERN = r"^(?P<profile>\w+)-(?P<trade>\w+)-(?P<action>entry|exit)-\d+$"
LEVEL_TICKS = 300  # how far from the price its limits and stops lie


class Style(Struct, frozen=True, kw_only=True):
    """How a bot trades."""

    sub_tag: str | None = None
    records_tag: bool = True
    shorts: bool = False
    brackets: bool = False  # some entries carry a limit and a stop
    hedged: bool = False
    notional: bool = False  # market entries are ordered by an amount of money
    trades_max: int = 3


class OrderWriter:
    """Writes one profile's orders, in its style."""

    def __init__(self, profile_id: str, market: Market, rng: Random, style: Style) -> None:
        self._profile_id = profile_id
        self._market = market
        self._rng = rng
        self._style = style

    def request(self, trade: BotTrade, action: Action, qty: int) -> OrderRequest:
        """A limit or market order; an exit may be a stop."""
        trade.order_count += 1
        price = self._market.prices[trade.instrument.symbol]
        side = trade.order_side(action)
        below = price - self._rng.randint(-LEVEL_TICKS // 3, LEVEL_TICKS)
        above = price + self._rng.randint(-LEVEL_TICKS // 3, LEVEL_TICKS)
        kind = self._rng.choice(("limit", "limit", "market", "stop" if action is Action.EXIT else "limit"))
        return OrderRequest(
            client_order_id=f"{self._profile_id}-{trade.trade_id}-{action.value}-{trade.order_count}",
            symbol=trade.instrument.symbol,
            side=side,
            qty=qty,
            limit=None if kind != "limit" else below if side is Side.BUY else above,
            stop=None if kind != "stop" else above if side is Side.BUY else below,
            sub_tag=self._style.sub_tag,
            position_side=trade.side if self._style.hedged else None,
            by_notional=self._style.notional and kind == "market" and action is Action.ENTRY,
        )

    def legs(self, trade: BotTrade, qty: int) -> tuple[OrderRequest, OrderRequest]:
        """A limit with a profit and a stop with a loss, without client order ids."""
        price = self._market.prices[trade.instrument.symbol]
        far = LEVEL_TICKS if trade.side is PositionSide.LONG else -LEVEL_TICKS
        leg = OrderRequest(
            client_order_id=None,
            symbol=trade.instrument.symbol,
            side=trade.order_side(Action.EXIT),
            qty=qty,
            position_side=trade.side if self._style.hedged else None,
        )
        return structs.replace(leg, limit=price + far), structs.replace(leg, stop=price - far)

    def local_order(
        self, trade: BotTrade, action: Action, request: OrderRequest, placed: MarketOrder | None = None
    ) -> LocalOrder:
        """An order as the bot records it: before it is sent, or (a successor) as the venue placed it."""
        view = placed.view() if placed is not None else None
        instrument, qty = trade.instrument, placed.qty if placed else request.qty
        return LocalOrder(
            client_order_id=request.client_order_id,
            venue_order_id=view.venue_order_id if view is not None else None,
            trade_id=trade.trade_id,
            sub_tag=request.sub_tag if self._style.records_tag else None,
            symbol=request.symbol,
            side=request.side,
            action=action,
            order_type=request.order_type,
            qty=_estimated(trade, request) if request.by_notional else instrument.qty_text(qty),
            by_notional=request.by_notional,
            limit_price=None if request.limit is None else instrument.price_text(request.limit),
            stop_price=None if request.stop is None else instrument.price_text(request.stop),
            status=Status.PENDING_NEW,
            position_side=request.position_side,
            submitted_at=view.submitted_at if view is not None else None,
            venue_updated_at=view.updated_at if view is not None else None,
        )


def _estimated(trade: BotTrade, request: OrderRequest) -> str | None:
    """What the bot thinks it will get for its money: too little, too much, or it does not say."""
    off = (None, -1, 1)[trade.order_count % 3]
    return None if off is None else trade.instrument.qty_text(max(1, request.qty + off * (request.qty // 10)))
