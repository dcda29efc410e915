"""A small bot on alpaca-py that keeps its books with trueup: it buys a little, sells it again, and changes its mind.

What to copy: an order is recorded before it is sent, under a client order id that names profile, trade and action; the
stream's fills are recorded as they come, with the exact text of their amounts; the books are the bot's only memory, so
that a restart needs nothing else; and it trades only once trueup has found them true.
"""

import argparse
import asyncio
import os
import random
import threading
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import uuid4

from alpaca.common.exceptions import APIError
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import OrderSide, TimeInForce
from alpaca.trading.requests import LimitOrderRequest, ReplaceOrderRequest
from alpaca.trading.stream import TradingStream

from trueup import (
    ManagedAccount,
    Recorder,
    Service,
    TrueupError,
    load_config,
    open_accounts,
    reconcile_account,
)
from trueup.engine.account import RunState
from trueup.model.plan import Notification
from trueup.model.snapshot import Fill, LocalOrder, Trade
from trueup.model.vocabulary import LIVE, Action, PositionSide, Side, Status, TradeStatus
from trueup.service.clock import SystemClock

QTY = "0.5"
NEAR, FAR = 1.01, 0.9  # of the bot's idea of the price: a limit that fills, one that waits
CANCEL, MOVE = 0.25, 0.5  # what it does with an order that waits


class Bot:
    """Trades one symbol. Implements `trueup.ports.Executor`."""

    def __init__(self, client: TradingClient, account: ManagedAccount, symbol: str, price: float) -> None:
        self.client = client
        self.symbol = symbol
        self.price = price
        self.account = account
        self.profile = account.profiles[0].profile
        self.recorder = Recorder(account.ledger, self.profile)

    # Trading

    def step(self) -> None:
        """One decision, from the books alone."""
        profile_id = self.profile.profile_id
        books = self.account.ledger.read_local(self.account.account_id, [profile_id], 0)[profile_id]
        live = [order for order in books.orders if order.status in LIVE]
        held = [trade for trade in books.trades if trade.status is TradeStatus.OPEN and held_qty(trade) > 0]
        if live:
            self.reconsider(random.choice(live))
        elif held:
            self.send(held[0].trade_id, Action.EXIT, str(held_qty(held[0])))
        else:
            trade_id = uuid4().hex[:8]
            self.recorder.open_trade(trade_id, self.symbol, PositionSide.LONG)
            self.send(trade_id, Action.ENTRY, QTY)

    def send(self, trade_id: str, action: Action, qty: str) -> None:
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
        self.recorder.record_order(order)
        placed = self.client.submit_order(
            LimitOrderRequest(
                symbol=self.symbol,
                qty=float(qty),
                side=OrderSide(side.value),
                time_in_force=TimeInForce.GTC,
                limit_price=float(order.limit_price),
                client_order_id=order.client_order_id,
            )
        )
        self.recorder.record_acknowledgement(order.client_order_id, str(placed.id))

    def reconsider(self, order: LocalOrder) -> None:
        """Cancel an order that waits, move it, or let it wait."""
        chance = random.random()
        if order.venue_order_id is None or order.status not in (Status.PENDING_NEW, Status.PARTIALLY_FILLED):
            return
        if chance < CANCEL:
            self.recorder.record_cancel_requested(order.client_order_id, order.venue_order_id)
            self.client.cancel_order_by_id(order.venue_order_id)
        elif chance < MOVE:
            self.move(order)

    def move(self, order: LocalOrder) -> None:
        limit = self.limit(order.side)
        follower = self.new_id(order.trade_id, order.action)
        placed = self.client.replace_order_by_id(
            order.venue_order_id, ReplaceOrderRequest(limit_price=float(limit), client_order_id=follower)
        )
        successor = LocalOrder(
            client_order_id=follower,
            venue_order_id=str(placed.id),
            qty=str(placed.qty),
            limit_price=limit,
            side=order.side,
            status=Status.PENDING_NEW,
        )
        self.recorder.record_replaced(order.client_order_id, order.venue_order_id, successor)

    def new_id(self, trade_id: str, action: Action) -> str:
        return f"{self.profile.profile_id}-{trade_id}-{action.value}-{uuid4().hex[:8]}"

    def limit(self, side: Side) -> str:
        level = random.choice((NEAR, NEAR, FAR))
        return f"{self.price * level:.2f}" if side is Side.BUY else f"{self.price / level:.2f}"

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
                self.recorder.record_fill(ids[0], fill)
            elif event in ("canceled", "expired", "rejected"):
                self.recorder.record_ended(*ids, Status(event), order["updated_at"])
        except TrueupError as error:
            print(f"left to the next run: {error}", flush=True)

    # ports.Executor: the books say it already; a bot with a memory of its own would set these cumulative figures

    async def reconcile_entry_fill(self, notification: Notification) -> None:
        print(f"entry of {notification.trade_id}: {notification.cumulative_qty} in all", flush=True)

    async def reconcile_exit_fill(self, notification: Notification) -> None:
        print(f"exit of {notification.trade_id}: {notification.cumulative_qty} in all", flush=True)

    async def reconcile_cancel(self, notification: Notification) -> None:
        print(f"{notification.client_order_id} is over: {notification.reason}", flush=True)


def held_qty(trade: Trade) -> Decimal:
    return Decimal(trade.entry_qty) - Decimal(trade.exit_qty) - Decimal(trade.fee_base_qty)


async def until_true(account: ManagedAccount) -> None:
    """Runs trueup until it judged everything: a bot must not trade on books that may be wrong."""
    while True:
        report = await reconcile_account(account, apply=True)
        done = (RunState.APPLIED, RunState.UNCHANGED)
        if report.processed and all(one.state in done and not one.plan.deferred for one in report.profiles):
            return
        print(f"the books are not proven yet: {report.error or 'something waits for evidence'}", flush=True)
        await asyncio.sleep(1)


async def trade(bot: Bot, pause_s: float) -> None:
    while True:
        try:
            await asyncio.to_thread(bot.step)
        except (APIError, OSError, TrueupError) as error:
            print(f"the venue said no, or nothing: {error}", flush=True)
        await asyncio.sleep(pause_s)


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--config", default="trueup.toml")
    parser.add_argument("--symbol", default="ETH/USD")
    parser.add_argument("--price", type=float, default=2500.0, help="what the bot thinks it is worth")
    parser.add_argument("--pause", type=float, default=2.0, metavar="S")
    options = parser.parse_args()
    loaded = load_config(options.config)
    url = loaded.config.accounts[0].options.get("base_url")
    key, secret = os.environ["APCA_API_KEY_ID"], os.environ["APCA_API_SECRET_KEY"]
    async with open_accounts(loaded) as (opened,):
        bot = Bot(TradingClient(key, secret, url_override=url), opened, options.symbol, options.price)
        account = replace(opened, executor=bot)
        stream_url = url and url.replace("http", "ws", 1) + "/stream"
        stream = TradingStream(key, secret, raw_data=True, url_override=stream_url)
        stream.subscribe_trade_updates(bot.hear)
        threading.Thread(target=stream.run, daemon=True).start()
        await until_true(account)
        print("trading", flush=True)
        service = Service([account], loaded.config.service, SystemClock())
        await asyncio.gather(service.run(), trade(bot, options.pause))


if __name__ == "__main__":
    asyncio.run(main())
