"""ccxt.pro's streams wake; nothing else."""

import asyncio
from typing import Any

import ccxt
import ccxt.pro

from tests.unit.venues.ccxt.scripted import scripted, spot, venue_of

ETH = spot("ETH-USDT", "ETH", "USDT")


def test_an_update_is_a_hint_and_a_broken_stream_is_opened_again() -> None:
    script: list[Any] = [
        ["update"],
        ccxt.NetworkError("reset"),
        ccxt.RequestTimeout("slow"),
        ["update"],
        ["update"],
    ]

    class Streaming(ccxt.pro.okx):
        async def fetch_markets(self, params: Any = None) -> Any:
            return [self.safe_market_structure({**ETH, "info": {}})]

        async def watch_orders(self, *arguments: Any) -> Any:
            step = script.pop(0)
            if isinstance(step, Exception):
                raise step
            return step

        watchOrders = watch_orders

    async def count() -> int:
        exchange = Streaming({"apiKey": "k-1234", "secret": "s-1234", "password": "p-1234"})
        exchange.has["fetchCurrencies"] = False
        heard, hints = 0, venue_of(exchange, "ETH/USDT").hints()
        async for _ in hints:
            heard += 1
            if not script:
                return heard
        raise AssertionError("the hints ended by themselves")

    assert asyncio.run(count()) == 3


def test_without_a_stream_there_are_no_hints() -> None:
    venue = venue_of(scripted("okx", [ETH], lambda url: {}), "ETH/USDT")

    async def hear() -> list[None]:
        return [hint async for hint in venue.hints()]

    assert asyncio.run(hear()) == []
