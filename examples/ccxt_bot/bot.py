"""A small bot on ccxt that keeps its books with trueup: it buys a little, sells it again, and cancels what waits.

What to copy: trueup reads through the bot's own exchange object, so both spend from one rate limit; an order is
recorded before it is sent, under a client order id that names profile, trade and action; the books are the bot's only
memory, so that a restart needs nothing else; and it trades only once trueup has found them true.
"""

import argparse
import asyncio
import os
import random
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import uuid4

import ccxt.async_support as ccxt

from trueup import ManagedAccount, Recorder, Service, TrueupError, load_config, reconcile_account
from trueup.engine.account import RunState
from trueup.ledgers.sqlite import SqliteLedger
from trueup.model.plan import Notification
from trueup.model.snapshot import Fill, LocalOrder, Trade
from trueup.model.times import from_ns
from trueup.model.vocabulary import LIVE, Action, PositionSide, Side, Status, TradeStatus
from trueup.service.clock import SystemClock
from trueup.service.load_config import LoadedConfig
from trueup.service.open_accounts import database_path, managed_profiles
from trueup.venues.ccxt import CcxtVenue

QTY = "0.5"
NEAR, FAR = (
    Decimal("1.01"),
    Decimal("0.9"),
)  # of the bot's idea of the price: a limit that fills, one that waits
CANCEL = 0.4  # how often it cancels an order that waits


class Bot:
    """Trades one symbol. Implements `trueup.ports.Executor`."""

    def __init__(self, exchange: ccxt.Exchange, account: ManagedAccount, symbol: str, price: str) -> None:
        self.exchange = exchange
        self.account = account
        self.symbol = symbol
        self.price = Decimal(price)
        self.profile = account.profiles[0].profile
        self.recorder = Recorder(account.ledger, self.profile)

    # Trading

    async def step(self) -> None:
        """One decision, from the books alone."""
        profile_id = self.profile.profile_id
        books = self.account.ledger.read_local(self.account.account_id, [profile_id], 0)[profile_id]
        live = [order for order in books.orders if order.status in LIVE]
        held = [trade for trade in books.trades if trade.status is TradeStatus.OPEN and held_qty(trade) > 0]
        if live:
            await self.reconsider(random.choice(live))
        elif held:
            await self.send(held[0].trade_id, Action.EXIT, str(held_qty(held[0])))
        else:
            trade_id = uuid4().hex[:8]
            self.recorder.open_trade(trade_id, self.symbol, PositionSide.LONG)
            await self.send(trade_id, Action.ENTRY, QTY)

    async def send(self, trade_id: str, action: Action, qty: str) -> None:
        """Record, send, record the answer. Whatever is lost on the way, trueup finds it by the client order id."""
        side = Side.BUY if action is Action.ENTRY else Side.SELL
        order = LocalOrder(
            client_order_id=f"{self.profile.profile_id}-{trade_id}-{action.value}-{uuid4().hex[:8]}",
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
        placed = await self.exchange.create_order(
            self.symbol,
            "limit",
            side.value,
            float(qty),
            float(order.limit_price),
            {"clientOrderId": order.client_order_id},
        )
        self.recorder.record_acknowledgement(order.client_order_id, placed["id"])

    async def reconsider(self, order: LocalOrder) -> None:
        """Look at the newest fill, then cancel an order that waits, or let it wait."""
        for trade in await self.exchange.fetch_my_trades(
            self.symbol, limit=1
        ):  # others are missed: trueup's work
            self.hear(trade)
        if order.venue_order_id is not None and random.random() < CANCEL:
            self.recorder.record_cancel_requested(order.client_order_id, order.venue_order_id)
            await self.exchange.cancel_order(order.venue_order_id, self.symbol)

    def hear(self, trade: dict[str, Any]) -> None:
        """A fill, in ccxt's words: its amounts are text, because the exchange was made with `number: str`."""
        fill = Fill(
            fill_id=trade["id"],
            venue_order_id=trade["order"],
            qty=trade["amount"],
            price=trade["price"],
            filled_at=from_ns(trade["timestamp"] * 1_000_000),
        )
        try:
            self.recorder.record_fill(None, fill)
        except TrueupError as error:
            print(f"left to the next run: {error}", flush=True)

    def limit(self, side: Side) -> str:
        level = random.choice((NEAR, NEAR, FAR))
        return f"{self.price * level if side is Side.BUY else self.price / level:.2f}"

    # ports.Executor: the books say it already; a bot with a memory of its own would set these cumulative figures

    async def reconcile_entry_fill(self, notification: Notification) -> None:
        print(f"entry of {notification.trade_id}: {notification.cumulative_qty} in all", flush=True)

    async def reconcile_exit_fill(self, notification: Notification) -> None:
        print(f"exit of {notification.trade_id}: {notification.cumulative_qty} in all", flush=True)

    async def reconcile_cancel(self, notification: Notification) -> None:
        print(f"{notification.client_order_id} is over: {notification.reason}", flush=True)


def held_qty(trade: Trade) -> Decimal:
    return Decimal(trade.entry_qty) - Decimal(trade.exit_qty) - Decimal(trade.fee_base_qty)


def make_exchange(exchange_id: str, url: str | None) -> ccxt.Exchange:
    """The bot's exchange: the sandbox, or with `url` a server of the same shape on this machine."""
    exchange = getattr(ccxt, exchange_id)(
        {
            "apiKey": os.environ["CCXT_API_KEY"],
            "secret": os.environ["CCXT_SECRET"],
            "number": str,  # amounts as the exchange writes them, never floats
            "timeout": 2000 if url else 10000,
            "rateLimit": 5 if url else getattr(ccxt, exchange_id)().rateLimit,
        }
    )
    if url is None:
        exchange.set_sandbox_mode(True)
        return exchange
    exchange.urls["api"] = dict.fromkeys(("public", "private"), url)
    exchange.options |= {"fetchMarkets": {"types": ["spot"]}, "fetchCurrencies": False, "fetchMargins": False}
    return exchange


def make_account(exchange: ccxt.Exchange, loaded: LoadedConfig, ledger: SqliteLedger) -> ManagedAccount:
    """trueup's account around the bot's own exchange object."""
    config, clock = loaded.config.accounts[0], SystemClock()
    profiles = managed_profiles(config)
    ledger.ensure_profiles([one.profile for one in profiles])
    symbols = profiles[0].policy.managed_symbols
    return ManagedAccount(
        account_id=config.account_id,
        profiles=profiles,
        venue=CcxtVenue(exchange, clock=clock, symbols=symbols, managed_symbols=symbols),
        ledger=ledger,
        journal=ledger,
        clock=clock,
        lease_ttl_s=loaded.config.service.lease_ttl_s,
    )


async def ready(account: ManagedAccount) -> None:
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
            await bot.step()
        except (ccxt.BaseError, TrueupError) as error:
            print(
                f"the venue said no, or nothing: {type(error).__name__}", flush=True
            )  # its text may hold a signature
        await asyncio.sleep(pause_s)


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--config", default="trueup.toml")
    parser.add_argument("--exchange", default="binance")
    parser.add_argument("--url", help="a server of the exchange's shape on this machine")
    parser.add_argument("--symbol", default="ETH/USDT")
    parser.add_argument("--price", default="2500", help="what the bot thinks it is worth")
    parser.add_argument("--pause", type=float, default=2.0, metavar="S")
    options = parser.parse_args()
    loaded = load_config(options.config)
    exchange, ledger = make_exchange(options.exchange, options.url), SqliteLedger(database_path(loaded))
    account = make_account(exchange, loaded, ledger)
    bot = Bot(exchange, account, options.symbol, options.price)
    account = replace(account, executor=bot)
    try:
        await ready(account)
        print("trading", flush=True)
        service = Service([account], loaded.config.service, SystemClock())
        await asyncio.gather(service.run(), trade(bot, options.pause))
    finally:
        await account.venue.aclose()
        await exchange.close()
        ledger.close()


if __name__ == "__main__":
    asyncio.run(main())
