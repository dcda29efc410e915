"""A person on the account: orders of their own, a position closed by hand and taken back, others' orders canceled.

Decides only what a person does in one step. Nobody tells the bots.
"""

from random import Random

from trueup.model.vocabulary import PositionSide, Side
from trueup.sim.faults import FaultDice
from trueup.sim.market.instruments import FEE_PARTS
from trueup.sim.market.market import Market, Refused
from trueup.sim.market.orders import MarketOrder, OrderRequest

PERSON = "person"
QTY_MAX = 3_000  # steps


class Person:
    """Acts on one account as `PERSON`, seldom."""

    def __init__(
        self, market: Market, account_id: str, dice: FaultDice, rng: Random, *, hedged: bool = False
    ) -> None:
        self._sides: tuple[PositionSide | None, ...] = tuple(PositionSide) if hedged else (None,)
        self._market = market
        self._account_id = account_id
        self._dice = dice
        self._rng = rng
        self._order_count = 0
        self._closings: list[MarketOrder] = []

    def step(self) -> None:
        if self._dice.strikes("person_order"):
            self._place_order()
        if self._dice.strikes("person_close"):
            self._close_position(
                self._rng.choice(list(self._market.instruments)), self._rng.choice(self._sides)
            )
        if self._closings and self._dice.strikes("person_reopen"):
            self._reopen(self._closings.pop())
        if self._dice.strikes("person_cancel"):
            self._cancel_order()

    def close_positions(self) -> None:
        """Of every instrument, all that the account holds."""
        for symbol in self._market.instruments:
            for position_side in self._sides:
                self._close_position(symbol, position_side)

    def reopen_positions(self) -> None:
        """Take back what was closed by hand and not taken back yet."""
        while self._closings:
            self._reopen(self._closings.pop())

    def _place_order(self) -> None:
        symbol = self._rng.choice(list(self._market.instruments))
        side = self._rng.choice(list(Side))
        price = self._market.prices[symbol]
        limit = price + self._rng.randint(-500, 500)
        self._submit(symbol, side, self._rng.randint(1, QTY_MAX), limit, self._rng.choice(self._sides))

    def _close_position(self, symbol: str, position_side: PositionSide | None) -> None:
        """Sell (or buy back) all that is held, at any price."""
        qty = self._market.truth_position(self._account_id, symbol, position_side) // FEE_PARTS
        if qty:
            side = Side.SELL if qty > 0 else Side.BUY
            self._closings.append(self._submit(symbol, side, abs(qty), None, position_side))

    def _reopen(self, closing: MarketOrder) -> None:
        """Take it back, as far as it was filled."""
        if closing.filled:
            side = Side.BUY if closing.side is Side.SELL else Side.SELL
            self._submit(closing.symbol, side, closing.filled, None, closing.request.position_side)

    def _cancel_order(self) -> None:
        orders = self._market.live_orders(self._account_id)
        if not orders:
            return
        try:
            order = self._rng.choice(orders)
            self._market.cancel(self._account_id, order.venue_order_id, symbol=order.symbol)
        except Refused:
            return  # somebody is canceling it already

    def _submit(
        self, symbol: str, side: Side, qty: int, limit: int | None, position_side: PositionSide | None
    ) -> MarketOrder:
        """Half of a person's orders carry a client order id of the website, half none."""
        self._order_count += 1
        client_order_id = self._rng.choice((f"web-{self._account_id}-{self._order_count}", None))
        tagged = self._dice.strikes("client_id_shared")
        if tagged:
            client_order_id = f"web-{self._account_id}"
        request = OrderRequest(
            client_order_id=client_order_id,
            symbol=symbol,
            side=side,
            qty=qty,
            limit=limit,
            position_side=position_side,
            is_tagged=tagged,
        )
        return self._market.submit(self._account_id, request, PERSON)
