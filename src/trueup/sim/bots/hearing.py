"""What a simulated bot hears of its orders and is told by trueup, and what it makes of that: memory, and books.

Decides what is remembered and recorded. The memory is apart from the books, as in a real bot; of an order that it never
recorded it writes nothing until trueup tells it that the books have it.
"""

from decimal import Decimal

from trueup.model.plan import Notification
from trueup.model.snapshot import LocalOrder
from trueup.model.vocabulary import Action, NotificationKind, Status
from trueup.sim.bots.books import Books
from trueup.sim.bots.memory import BotOrder, BotTrade
from trueup.sim.bots.orders import OrderWriter
from trueup.sim.bots.trading import TradingClient
from trueup.sim.market.orders import MarketOrder, time_text
from trueup.sim.market.records import Event


class BotHearing:
    """One bot's ears. `trades` are the bot's own."""

    def __init__(
        self, trades: dict[str, BotTrade], client: TradingClient, books: Books, write: OrderWriter
    ) -> None:
        self.effects: dict[str, Notification] = {}  # notification id → what was obeyed once
        self._trades = trades
        self._client = client
        self._books = books
        self._write = write
        self._orders: dict[str, tuple[BotTrade, BotOrder]] = {}  # client order id → what is remembered

    def remembered(self) -> dict[str, int]:
        """Client order id → the steps that it knows were filled, of the orders that it could record."""
        return {
            client_order_id: order.filled
            for client_order_id, (_, order) in self._orders.items()
            if order.recorded and not order.unsure
        }

    def remember(self, trade: BotTrade, order: BotOrder) -> None:
        trade.orders.append(order)
        self._orders[order.client_order_id] = (trade, order)

    # What the venue says

    def hear(self, event: Event) -> None:
        known = self._orders.get(event.order.client_order_id or "")
        if known is None or event.order.parent is not None:
            return  # a leg may carry the client order id of its parent: the venue made it, not the bot
        trade, order = known
        if order.venue_order_id is None:
            self.acknowledge(order, event.order)
        match event.kind:
            case "fill":
                self._hear_fill(trade, order, event)
            case "canceled" | "expired" | "rejected":
                order.status = Status(event.kind)
                if order.recorded:
                    self._books.record_ended(
                        order.client_order_id,
                        event.order.venue_order_id,
                        order.status,
                        time_text(event.ns),
                        symbol=event.order.symbol,
                    )
            case "replaced":
                self._succeed(trade, order, event.order)
            case _:
                return

    def acknowledge(self, order: BotOrder, placed: MarketOrder) -> None:
        order.venue_order_id = placed.venue_order_id
        if order.recorded:
            self._books.record_acknowledgement(
                order.client_order_id,
                placed.venue_order_id,
                time_text(placed.submitted_ns),
                symbol=placed.symbol,
            )

    def _hear_fill(self, trade: BotTrade, order: BotOrder, event: Event) -> None:
        if event.fill is None or event.fill.fill_id in order.seen:
            return
        order.seen.add(event.fill.fill_id)
        order.filled = max(order.filled, event.filled)
        if not order.recorded:
            return
        recorded = self._books.record_fill(order.client_order_id, event.fill.view())
        if isinstance(recorded, LocalOrder):  # the books may know of fills that no frame has told
            order.filled = max(order.filled, _steps(recorded.filled_qty, trade))
        else:
            order.unsure = True

    def _succeed(self, trade: BotTrade, order: BotOrder, replaced: MarketOrder) -> None:
        """The venue replaced the order: its successor takes its place."""
        order.status = Status.REPLACED
        successor = replaced.successor
        if successor is None or successor.client_order_id is None:
            return
        recorded = None
        if order.recorded:
            local = self._write.local_order(trade, order.action, successor.request, successor)
            recorded = self._books.record_replaced(order.client_order_id, replaced.venue_order_id, local)
        if successor.client_order_id not in self._orders:
            follower = BotOrder(
                client_order_id=successor.client_order_id,
                action=order.action,
                qty=successor.qty,
                venue_order_id=successor.venue_order_id,
                recorded=order.recorded,
                unsure=order.recorded and recorded is None,
            )
            self.remember(trade, follower)

    # What trueup says

    def obey(self, notification: Notification) -> None:
        """Do what a notification says, once: set the cumulative figures, end what ended, adopt what is new."""
        if notification.notification_id in self.effects:
            return
        self.effects[notification.notification_id] = notification
        known = self._orders.get(notification.client_order_id or "") or self._adopt(notification)
        if known is None:
            return
        trade, order = known
        order.recorded = True
        order.venue_order_id = order.venue_order_id or notification.venue_order_id
        if notification.cumulative_qty is not None:
            order.filled = max(order.filled, _steps(notification.cumulative_qty, trade))
        if notification.kind is NotificationKind.CANCEL:
            order.status = Status.CANCELED
        trade.done = trade.done and not order.is_live and trade.held <= 0

    def _adopt(self, notification: Notification) -> tuple[BotTrade, BotOrder] | None:
        """Remember an order of ours that we never heard of: ask the venue for it."""
        trade = self._trades.get(notification.trade_id or "")
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
        self.remember(trade, order)
        return trade, order


def _steps(qty: str, trade: BotTrade) -> int:
    return int(Decimal(qty).scaleb(trade.instrument.qty_decimals))
