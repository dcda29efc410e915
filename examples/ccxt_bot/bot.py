"""A small bot on ccxt that keeps its books with trueup: it buys a little, sells it again, and cancels what waits.

What to copy: trueup reads through the bot's own exchange object, so both spend from one rate limit; an order is
recorded before it is sent, under a client order id that names profile, trade and action; the books are the bot's only
memory, so that a restart needs nothing else; and it trades only once trueup, which runs beside it, has found them true.
"""

import argparse
import asyncio
import os
import random
import sys
from asyncio import to_thread
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import uuid4

import ccxt.async_support as ccxt

from trueup import ManagedAccount, Recorder, Service, TrueupError, load_config, open_accounts, ready
from trueup.model.plan import Notification
from trueup.model.snapshot import Fill, LocalOrder
from trueup.model.times import from_ns
from trueup.model.vocabulary import LIVE, Action, PositionSide, Side, Status, TradeStatus
from trueup.service.clock import SystemClock
from trueup.venues.ccxt.open_venue import CcxtVenue

QTY = "0.5"
NEAR, FAR = (
    Decimal("1.01"),
    Decimal("0.9"),
)  # of what it thinks the price is: a limit that fills, one that waits
CANCEL = 0.4  # how often it cancels an order that waits


class Bot:
    """Trades one symbol. Implements `trueup.ports.Executor`."""

    def __init__(self, exchange: ccxt.Exchange, account: ManagedAccount, symbol: str, price: Decimal) -> None:
        self.exchange = exchange
        self.account = account
        self.symbol = symbol
        self.price = price
        self.profile_id = account.profiles[0].profile.profile_id
        self.recorder = Recorder(account.ledger, account.profiles[0].profile)

    # Trading

    async def step(self) -> None:
        """One decision, from the books alone."""
        account_id, profile_id = self.account.account_id, self.profile_id
        books = (await to_thread(self.account.ledger.books.read, account_id, [profile_id], 0))[profile_id]
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

    async def send(self, trade_id: str, action: Action, qty: str) -> None:
        """Record, send, record the answer. Whatever is lost on the way, trueup finds it by the client order id."""
        side = Side.BUY if action is Action.ENTRY else Side.SELL
        order = LocalOrder(
            client_order_id=f"{self.profile_id}-{trade_id}-{action.value}-{uuid4().hex[:8]}",
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
        named = {"clientOrderId": order.client_order_id}
        placed = await self.exchange.create_order(
            self.symbol, "limit", side.value, qty, order.limit_price, named
        )
        await to_thread(
            self.recorder.record_acknowledgement, order.client_order_id, placed["id"], symbol=self.symbol
        )

    async def reconsider(self, order: LocalOrder) -> None:
        """Look at the newest fill, then cancel an order that waits, or let it wait."""
        for trade in await self.exchange.fetch_my_trades(
            self.symbol, limit=1
        ):  # trueup finds what this misses
            await self.hear(trade)
        if order.venue_order_id is not None and random.random() < CANCEL:
            await to_thread(
                self.recorder.record_cancel_requested, order.client_order_id, order.venue_order_id
            )
            await self.exchange.cancel_order(order.venue_order_id, self.symbol)

    def limit(self, side: Side) -> str:
        level = random.choice((NEAR, NEAR, FAR))
        return f"{self.price * level if side is Side.BUY else self.price / level:.2f}"

    # Hearing

    async def hear(self, trade: dict[str, Any]) -> None:
        """A fill, in ccxt's words: its amounts are text, because the exchange was made with `number: str`."""
        fill = Fill(
            fill_id=trade["id"],
            venue_order_id=trade["order"],
            qty=trade["amount"],
            price=trade["price"],
            filled_at=from_ns(trade["timestamp"] * 1_000_000),
        )
        try:
            await to_thread(self.recorder.record_fill, None, fill)
        except TrueupError as error:
            print(f"left to the next run: {error}", flush=True)

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
        except (ccxt.BaseError, TrueupError) as error:  # ccxt's text may hold a signature
            print(f"the venue said no, or nothing: {type(error).__name__}", flush=True)
        await asyncio.sleep(pause_s)


def make_exchange(exchange_id: str, url: str | None) -> ccxt.Exchange:
    """The bot's exchange: the sandbox, or with `url` a server of the same shape on this machine."""
    settings = {
        "apiKey": os.environ["CCXT_API_KEY"],
        "secret": os.environ["CCXT_SECRET"],
        "number": str,  # amounts as the exchange writes them, never floats
    }
    exchange = getattr(ccxt, exchange_id)(settings | ({"timeout": 2000, "rateLimit": 5} if url else {}))
    if url is None:
        exchange.set_sandbox_mode(True)
    else:
        exchange.urls["api"] = dict.fromkeys(("public", "private"), url)
        exchange.options |= {
            "fetchMarkets": {"types": ["spot"]},
            "fetchCurrencies": False,
            "fetchMargins": False,
        }
    return exchange


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--config", default="trueup.toml")
    parser.add_argument("--exchange", default="binance")
    parser.add_argument("--url", help="a server of the exchange's shape on this machine")
    parser.add_argument("--symbol", default="ETH/USDT")
    parser.add_argument("--price", type=Decimal, default="2500", help="what the bot thinks it is worth")
    parser.add_argument("--pause", type=float, default=2.0, metavar="S")
    options = parser.parse_args()
    loaded = load_config(options.config)
    exchange, symbols = make_exchange(options.exchange, options.url), [options.symbol]
    venue = CcxtVenue(exchange, clock=SystemClock(), symbols=symbols, managed_symbols=symbols)
    try:
        async with open_accounts(loaded, venues={loaded.config.accounts[0].account_id: venue}) as (account,):
            bot = Bot(exchange, account, options.symbol, options.price)
            service = Service([replace(account, executor=bot)], loaded.config.service, account.clock)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(service.run())
                tasks.create_task(trade(bot, options.pause))
    finally:
        await exchange.close()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except* TrueupError as errors:
        sys.exit("\n".join(map(str, errors.exceptions)))
    except* KeyboardInterrupt:
        pass
