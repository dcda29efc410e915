"""A simulated bot: it trades round trips, on what it heard and was told alone.

Decides what to trade and what it records of that beforehand: a lost frame or answer leaves it wrong until trueup tells
it better. What it hears stands in `bot_hearing`. It must not look at the venue's truth, except for an order that it
asks for by its client order id.
"""

from random import Random

from msgspec import structs

from trueup.model.errors import LedgerError, VenueUnavailable
from trueup.model.plan import Notification
from trueup.model.vocabulary import Action, PositionSide, Status
from trueup.sim.bots.books import Books
from trueup.sim.bots.hearing import BotHearing
from trueup.sim.bots.memory import BotOrder, BotTrade
from trueup.sim.bots.orders import OrderWriter, Style
from trueup.sim.bots.trading import TradingClient
from trueup.sim.faults import FaultDice
from trueup.sim.market.market import Refused

ACT = 0.5  # chance per step that the bot does anything
CANCEL, REPLACE = 0.12, 0.15  # chance per look at a live order
BRACKET = 0.3  # share of entries with legs, in worlds that have them
QTY_MAX = 20_000  # steps


class Bot:
    """One profile's bot. `obey` is what an executor hands it."""

    def __init__(
        self,
        profile_id: str,
        client: TradingClient,
        books: Books,
        dice: FaultDice,
        rng: Random,
        style: Style,
    ) -> None:
        self.profile_id = profile_id
        self.trades: dict[str, BotTrade] = {}
        self._client = client
        self._books = books
        self._dice = dice
        self._rng = rng
        self._style = style
        self._write = OrderWriter(profile_id, client.market, rng, style)
        self._hearing = BotHearing(self.trades, client, books, self._write)

    def step(self, *, trading: bool = True) -> None:
        """Hear the stream, then (where it still trades) perhaps do one thing."""
        for event in self._client.frames():
            self._hearing.hear(event)
        if not trading or self._rng.random() >= ACT:
            return
        trades = [trade for trade in self.trades.values() if not trade.done]
        if len(trades) < self._style.trades_max and self._rng.random() < 0.5:
            self._open_trade()
        elif trades:
            self._manage(self._rng.choice(trades))

    @property
    def account_id(self) -> str:
        return self._client.account_id

    @property
    def effects(self) -> dict[str, Notification]:
        """Notification id → what was obeyed once."""
        return self._hearing.effects

    def remembered(self) -> dict[str, int]:
        """Client order id → the steps that it knows were filled, of the orders that it could record."""
        return self._hearing.remembered()

    def is_mine(self, notification: Notification) -> bool:
        """Is it about a trade or an order of this bot? A person's trades are named after those that they split."""
        client_order_id = notification.client_order_id or ""
        of_trade = (notification.trade_id or "").startswith(f"{self.profile_id}t")
        return of_trade or client_order_id.startswith(f"{self.profile_id}-")

    def obey(self, notification: Notification) -> None:
        """Do what a notification says, once."""
        self._hearing.obey(notification)

    # Trading

    def register_trades(self) -> None:
        """Make every trade known again: the operator's duty after a backup was restored."""
        for trade in self.trades.values():
            self._books.open_trade(trade.trade_id, trade.instrument.symbol, trade.side)

    def _open_trade(self) -> None:
        instrument = self._rng.choice(list(self._client.market.instruments.values()))
        side = self._rng.choice(list(PositionSide)) if self._style.shorts else PositionSide.LONG
        trade = BotTrade(
            trade_id=f"{self.profile_id}t{len(self.trades) + 1}", instrument=instrument, side=side
        )
        self.trades[trade.trade_id] = trade
        try:
            self._books.open_trade(trade.trade_id, instrument.symbol, side)
        except LedgerError:
            trade.done = True  # what cannot be recorded is not traded
            return
        self._send(trade, Action.ENTRY, self._rng.randint(1, QTY_MAX))

    def _manage(self, trade: BotTrade) -> None:
        live = [order for order in trade.orders if order.is_live]
        if live:
            self._reconsider(trade, self._rng.choice(live))
        elif trade.held > 0 and not trade.bracketed:
            self._send(trade, Action.EXIT, trade.held)
        else:
            trade.done = True

    def _reconsider(self, trade: BotTrade, order: BotOrder) -> None:
        draw = self._rng.random()
        if order.venue_order_id is None or order.status is Status.PENDING_CANCEL:
            return
        try:
            if draw < CANCEL:
                self._cancel(trade, order, order.venue_order_id)
            elif draw < CANCEL + REPLACE:
                self._replace(trade, order, order.venue_order_id)
        except (Refused, VenueUnavailable):
            return  # a refusal says that the order ended: the frame of that will come, or trueup will tell

    def _send(self, trade: BotTrade, action: Action, qty: int) -> None:
        request = self._write.request(trade, action, qty)
        if action is Action.ENTRY and self._style.brackets and self._rng.random() < BRACKET:
            trade.bracketed = True
            request = structs.replace(request, legs=self._write.legs(trade, qty))
        order = BotOrder(client_order_id=request.client_order_id or "", action=action, qty=qty)
        order.recorded = not self._dice.strikes("crash_before_record")
        if order.recorded:
            try:
                self._books.record_order(self._write.local_order(trade, action, request))
            except LedgerError:
                return  # what cannot be recorded is not sent
            self._hearing.remember(trade, order)
            if self._dice.strikes("crash_before_send"):
                return
        try:
            placed = self._client.submit(request)
        except VenueUnavailable:
            return
        if not order.recorded:
            self._hearing.remember(trade, order)
        if not self._dice.strikes("crash_after_send"):
            self._hearing.acknowledge(order, placed)

    def _cancel(self, trade: BotTrade, order: BotOrder, venue_order_id: str) -> None:
        if order.recorded:
            symbol = trade.instrument.symbol
            self._books.record_cancel_requested(order.client_order_id, venue_order_id, symbol=symbol)
        order.status = Status.PENDING_CANCEL
        self._client.cancel(venue_order_id, trade.instrument.symbol)

    def _replace(self, trade: BotTrade, order: BotOrder, venue_order_id: str) -> None:
        """Move a limit order's price; its successor is recorded when the venue says that it took its place."""
        request = self._write.request(trade, order.action, order.qty)
        if request.by_notional:
            return
        if request.limit is not None and request.client_order_id is not None:
            self._client.replace(
                venue_order_id, request.client_order_id, request.symbol, order.qty, request.limit
            )
