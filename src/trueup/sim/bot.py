"""A simulated bot: it trades round trips, keeps its books through `Books`, and obeys its notifications.

Decides what to trade and what to remember, from what it heard alone: a lost frame or answer leaves it wrong until
trueup tells it better. Its memory is apart from its books, as in a real bot. It must not look at the venue's truth,
except for an order that it asks for by its client order id.
"""

from decimal import Decimal
from random import Random

from msgspec import structs

from trueup.model.errors import LedgerError, VenueUnavailable
from trueup.model.plan import Notification
from trueup.model.snapshot import LocalOrder
from trueup.model.vocabulary import Action, NotificationKind, PositionSide, Status
from trueup.sim.books import Books
from trueup.sim.bot_memory import BotOrder, BotTrade
from trueup.sim.bot_orders import OrderWriter, Style
from trueup.sim.faults import FaultDice
from trueup.sim.market import Event, Refused
from trueup.sim.market_orders import MarketOrder, time_text
from trueup.sim.trading import TradingClient

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
        self.effects: dict[str, Notification] = {}  # notification id → what was obeyed once
        self.deliveries = 0
        self._client = client
        self._books = books
        self._dice = dice
        self._rng = rng
        self._style = style
        self._write = OrderWriter(profile_id, client.market, rng, style)
        self._orders: dict[str, tuple[BotTrade, BotOrder]] = {}  # client order id → what is remembered

    def step(self, *, trading: bool = True) -> None:
        """Hear the stream, then (where it still trades) perhaps do one thing."""
        for event in self._client.frames():
            self._hear(event)
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

    def remembered(self) -> dict[str, int]:
        """Client order id → the steps that it knows were filled, of the orders that it could record."""
        return {
            client_order_id: order.filled
            for client_order_id, (_, order) in self._orders.items()
            if not order.unsure
        }

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
                self._cancel(order, order.venue_order_id)
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
        records_late = self._dice.strikes("crash_before_record")
        if not records_late:
            try:
                self._books.record_order(self._write.local_order(trade, action, request))
            except LedgerError:
                return  # what cannot be recorded is not sent
            self._remember(trade, order)
            if self._dice.strikes("crash_before_send"):
                return
        try:
            placed = self._client.submit(request)
        except VenueUnavailable:
            return
        if not records_late and not self._dice.strikes("crash_after_send"):
            self._acknowledge(order, placed)

    def _cancel(self, order: BotOrder, venue_order_id: str) -> None:
        self._books.record_cancel_requested(order.client_order_id, venue_order_id)
        order.status = Status.PENDING_CANCEL
        self._client.cancel(venue_order_id)

    def _replace(self, trade: BotTrade, order: BotOrder, venue_order_id: str) -> None:
        """Move a limit order's price; its successor is recorded when the venue says that it took its place."""
        request = self._write.request(trade, order.action, order.qty)
        if request.by_notional:
            return
        if request.limit is not None and request.client_order_id is not None:
            self._client.replace(venue_order_id, request.client_order_id, order.qty, request.limit)

    # Hearing

    def _hear(self, event: Event) -> None:
        known = self._orders.get(event.order.client_order_id or "")
        if known is None:
            return
        trade, order = known
        if order.venue_order_id is None:
            self._acknowledge(order, event.order)
        match event.kind:
            case "fill" if event.fill is not None and event.fill.fill_id not in order.seen:
                order.seen.add(event.fill.fill_id)
                order.filled = max(order.filled, event.filled)
                recorded = self._books.record_fill(order.client_order_id, event.fill.view())
                if isinstance(recorded, LocalOrder):  # the books may know of fills that no frame has told
                    order.filled = max(order.filled, _steps(recorded.filled_qty, trade))
                else:
                    order.unsure = True
            case "canceled" | "expired" | "rejected":
                order.status = Status(event.kind)
                self._books.record_ended(
                    order.client_order_id, event.order.venue_order_id, order.status, time_text(event.ns)
                )
            case "replaced":
                self._succeed(trade, order, event.order)
            case _:
                return

    def _acknowledge(self, order: BotOrder, placed: MarketOrder) -> None:
        order.venue_order_id = placed.venue_order_id
        self._books.record_acknowledgement(
            order.client_order_id, placed.venue_order_id, time_text(placed.submitted_ns)
        )

    def _succeed(self, trade: BotTrade, order: BotOrder, replaced: MarketOrder) -> None:
        """The venue replaced the order: its successor takes its place."""
        order.status = Status.REPLACED
        successor = replaced.successor
        if successor is None or successor.client_order_id is None:
            return
        local = self._write.local_order(trade, order.action, successor.request, successor)
        recorded = self._books.record_replaced(order.client_order_id, replaced.venue_order_id, local)
        if successor.client_order_id not in self._orders:
            follower = BotOrder(
                client_order_id=successor.client_order_id,
                action=order.action,
                qty=successor.qty,
                venue_order_id=successor.venue_order_id,
                unsure=recorded is None,
            )
            self._remember(trade, follower)

    def _remember(self, trade: BotTrade, order: BotOrder) -> None:
        trade.orders.append(order)
        self._orders[order.client_order_id] = (trade, order)

    # Obeying

    def is_mine(self, notification: Notification) -> bool:
        """Is it about a trade or an order of this bot?"""
        client_order_id = notification.client_order_id or ""
        return notification.trade_id in self.trades or client_order_id.startswith(f"{self.profile_id}-")

    def obey(self, notification: Notification) -> None:
        """Do what a notification says, once: set the cumulative figures, end what ended, adopt what is new."""
        self.deliveries += 1
        if notification.notification_id in self.effects:
            return
        self.effects[notification.notification_id] = notification
        known = self._orders.get(notification.client_order_id or "") or self._adopt(notification)
        if known is None:
            return
        trade, order = known
        order.venue_order_id = order.venue_order_id or notification.venue_order_id
        if notification.cumulative_qty is not None:
            order.filled = max(order.filled, _steps(notification.cumulative_qty, trade))
        if notification.kind is NotificationKind.CANCEL:
            order.status = Status.CANCELED
        trade.done = trade.done and not order.is_live and trade.held <= 0

    def _adopt(self, notification: Notification) -> tuple[BotTrade, BotOrder] | None:
        """Remember an order of ours that we never heard of: ask the venue for it."""
        trade = self.trades.get(notification.trade_id or "")
        placed = self._client.find(notification.client_order_id or "")
        if trade is None or placed is None or placed.client_order_id is None:
            return None
        action = Action.ENTRY if placed.side is trade.order_side(Action.ENTRY) else Action.EXIT
        order = BotOrder(
            client_order_id=placed.client_order_id,
            action=action,
            qty=placed.qty,
            venue_order_id=placed.venue_order_id,
            status=placed.status,
        )
        self._remember(trade, order)
        return trade, order


def _steps(qty: str, trade: BotTrade) -> int:
    return int(Decimal(qty).scaleb(trade.instrument.qty_decimals))
