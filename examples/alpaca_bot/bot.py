"""A small bot on alpaca-py that keeps its books with trueup: it buys a little, sells it again, and changes its mind.

What to copy: an order is recorded before it is sent, under a client order id that names profile, trade and action; the
stream's fills are recorded as they come, with the exact text of their amounts; the books are the bot's only memory, so
that a restart needs nothing else; and it trades only once trueup, which runs beside it, has found them true.
"""

import argparse
import asyncio
import os
import random
import sys
import threading
from asyncio import to_thread
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import uuid4

from alpaca.common.exceptions import APIError
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import OrderSide, TimeInForce
from alpaca.trading.requests import LimitOrderRequest, ReplaceOrderRequest
from alpaca.trading.stream import TradingStream

from trueup import ManagedAccount, Recorder, Service, TrueupError, load_config, open_accounts, ready
from trueup.model.plan import Notification
from trueup.model.snapshot import Fill, Local, LocalOrder
from trueup.model.vocabulary import LIVE, Action, PositionSide, Side, Status, TradeStatus

QTY = "0.5"
NEAR, FAR = (
    Decimal("1.01"),
    Decimal("0.9"),
)  # of what it thinks the price is: a limit that fills, one that waits
CANCEL, MOVE = 0.25, 0.5  # what it does with an order that waits
WAITING = (Status.PENDING_NEW, Status.PARTIALLY_FILLED, Status.PENDING_CANCEL)


class Bot:
    """Trades one symbol. Implements `trueup.ports.Executor`."""

    def __init__(self, client: TradingClient, account: ManagedAccount, symbol: str, price: Decimal) -> None:
        self.client = client
        self.account = account
        self.symbol = symbol
        self.price = price
        self.profile_id = account.profiles[0].profile.profile_id
        self.recorder = Recorder(account.ledger, account.profiles[0].profile)

    # Trading

    async def step(self) -> None:
        """One decision, from the books alone."""
        books = await to_thread(self.books)
        live = [order for order in books.orders if order.status in LIVE]
        held = [trade for trade in books.trades if trade.status is TradeStatus.OPEN and trade.open_qty > 0]
        if live:
            await self.reconsider(random.choice(live))
        elif held:
            await self.send(held[0].trade_id, Action.EXIT, str(held[0].open_qty))
        else:
            trade_id = uuid4().hex[:8]
            await to_thread(self.recorder.open_trade, trade_id, self.symbol, PositionSide.LONG)
            await self.send(trade_id, Action.ENTRY, QTY)

    def books(self) -> Local:
        """What is live, and the trades that are not closed."""
        account_id, profile_id = self.account.account_id, self.profile_id
        return self.account.ledger.books.read(account_id, [profile_id], 0)[profile_id]

    async def send(self, trade_id: str, action: Action, qty: str) -> None:
        """Record, send, record the answer. Whatever is lost on the way, trueup finds it by the client order id."""
        side = Side.BUY if action is Action.ENTRY else Side.SELL
        order = LocalOrder(
            client_order_id=self.new_id(trade_id, action),
            trade_id=trade_id,
            symbol=self.symbol,
            side=side,
            action=action,
            order_type="limit",
            qty=qty,
            limit_price=self.limit(side),
            status=Status.PENDING_NEW,
        )
        await to_thread(self.recorder.record_order, order)
        request = LimitOrderRequest(
            symbol=self.symbol,
            qty=float(qty),
            side=OrderSide(side.value),
            time_in_force=TimeInForce.GTC,
            limit_price=float(order.limit_price),
            client_order_id=order.client_order_id,
        )
        placed = await to_thread(self.client.submit_order, request)
        await to_thread(self.recorder.record_acknowledgement, order.client_order_id, str(placed.id))

    async def reconsider(self, order: LocalOrder) -> None:
        """Cancel an order that waits, move it, or let it wait."""
        chance, ids = random.random(), (order.client_order_id, order.venue_order_id)
        if order.venue_order_id is None or order.status not in WAITING:
            return
        if chance < CANCEL:  # again, where that is recorded already: a killed bot may never have sent it
            await to_thread(self.recorder.record_cancel_requested, *ids)
            await to_thread(self.client.cancel_order_by_id, order.venue_order_id)
        elif chance < MOVE and order.status is not Status.PENDING_CANCEL:
            limit, new_id = self.limit(order.side), self.new_id(order.trade_id, order.action)
            request = ReplaceOrderRequest(limit_price=float(limit), client_order_id=new_id)
            placed = await to_thread(self.client.replace_order_by_id, order.venue_order_id, request)
            successor = LocalOrder(
                client_order_id=new_id,
                venue_order_id=str(placed.id),
                qty=str(placed.qty),
                limit_price=limit,
                side=order.side,
                status=Status.PENDING_NEW,
            )
            await to_thread(self.recorder.record_replaced, *ids, successor)

    def new_id(self, trade_id: str, action: Action) -> str:
        return f"{self.profile_id}-{trade_id}-{action.value}-{uuid4().hex[:8]}"

    def limit(self, side: Side) -> str:
        level = random.choice((NEAR, NEAR, FAR))
        return f"{self.price * level if side is Side.BUY else self.price / level:.2f}"

    # Hearing

    async def hear(self, message: dict[str, Any]) -> None:
        """A frame of the stream, raw: its amounts are text. An order that is not ours is nobody we know."""
        update = message["data"]
        order, event = update["order"], update["event"]
        ids = (order["client_order_id"], order["id"])
        try:
            if event in ("fill", "partial_fill"):
                fill = Fill(
                    fill_id=update["execution_id"],
                    venue_order_id=order["id"],
                    qty=update["qty"],
                    price=update["price"],
                    filled_at=update["timestamp"],
                )
                total = order[
                    "filled_qty"
                ]  # with it, a frame that was lost shows, and nothing is booked twice
                self.recorder.record_fill(ids[0], fill, cumulative_qty=total)
            elif event in ("canceled", "expired", "rejected") and self.has_heard_all(order):
                self.recorder.record_ended(*ids, Status(event), order["updated_at"])
        except TrueupError as error:
            print(f"left to the next run: {error}", flush=True)

    def has_heard_all(self, order: dict[str, Any]) -> bool:
        """Whether the books have what filled of an order that ended. Else its frames were lost: trueup books the fills,
        then the end; were it ended before, the bot would sell what it no longer has."""
        known = [one for one in self.books().orders if one.client_order_id == order["client_order_id"]]
        return not known or Decimal(known[0].filled_qty) >= Decimal(order["filled_qty"])

    async def told(self, notification: Notification) -> None:
        """The books say it already; a bot with a memory of its own would set these cumulative figures."""
        order, total = notification.client_order_id, notification.cumulative_qty
        print(f"told: {notification.kind} of {order}, {total} in all", flush=True)

    reconcile_entry_fill = reconcile_exit_fill = reconcile_cancel = told


async def trade(bot: Bot, pause_s: float) -> None:
    """Waits until the books are true, then decides again and again."""
    print("waiting until the books are true", flush=True)
    await ready(bot.profile_id, bot.account.ledger)
    print("trading", flush=True)
    while True:
        try:
            await bot.step()
        except (APIError, OSError, TrueupError) as error:
            print(f"the venue said no, or nothing: {error}", flush=True)
        await asyncio.sleep(pause_s)


def listen(bot: Bot, keys: tuple[str, str], url: str | None) -> None:
    """alpaca-py's stream wants a loop of its own."""
    stream_url = url and url.replace("http", "ws", 1) + "/stream"
    stream = TradingStream(*keys, raw_data=True, url_override=stream_url)
    stream.subscribe_trade_updates(bot.hear)
    threading.Thread(target=stream.run, daemon=True).start()


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--config", default="trueup.toml")
    parser.add_argument("--symbol", default="ETH/USD")
    parser.add_argument("--price", type=Decimal, default="2500", help="what the bot thinks it is worth")
    parser.add_argument("--pause", type=float, default=2.0, metavar="S")
    options = parser.parse_args()
    loaded = load_config(options.config)
    async with open_accounts(loaded) as (account,):
        keys = os.environ["APCA_API_KEY_ID"], os.environ["APCA_API_SECRET_KEY"]
        url = loaded.config.accounts[0].options.get("base_url")
        bot = Bot(TradingClient(*keys, url_override=url), account, options.symbol, options.price)
        listen(bot, keys, url)
        service = Service([replace(account, executor=bot)], loaded.config.service, account.clock)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(service.run())
            tasks.create_task(trade(bot, options.pause))


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except* TrueupError as errors:
        sys.exit("\n".join(map(str, errors.exceptions)))
    except* KeyboardInterrupt:
        pass
