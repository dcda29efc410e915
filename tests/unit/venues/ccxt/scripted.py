"""The installed ccxt's own exchanges with a scripted transport: real requests, signing, parsing; written answers."""

from collections.abc import Callable, Sequence
from typing import Any

import ccxt.async_support

from trueup.sim.clock import SimClock
from trueup.venues.ccxt.open_venue import CcxtVenue

Reply = Any  # a JSON value, or an error to raise
KEYS = {
    "apiKey": "key-4711",
    "secret": "c2VjcmV0LTA4MTU=",
    "password": "pass-word-1",
    "uid": "u-1",
    "login": "l",
}


def spot(market_id: str, base: str, quote: str) -> dict[str, Any]:
    return {
        "id": market_id,
        "symbol": f"{base}/{quote}",
        "base": base,
        "quote": quote,
        "type": "spot",
        "spot": True,
    }


def swap(market_id: str, base: str, quote: str) -> dict[str, Any]:
    return {
        "id": market_id,
        "symbol": f"{base}/{quote}:{quote}",
        "base": base,
        "quote": quote,
        "settle": quote,
        "type": "swap",
        "swap": True,
        "contract": True,
        "linear": True,
        "inverse": False,
        "contractSize": "1",
    }


def scripted(
    exchange_id: str,
    markets: Sequence[dict[str, Any]],
    answer: Callable[[str], Reply],
    **config: Any,
) -> Any:
    """An exchange whose requests are answered by `answer`, given the URL and the body."""
    base = getattr(ccxt.async_support, exchange_id)

    class Scripted(base):  # type: ignore[misc, valid-type]
        async def fetch_markets(self, params: Any = None) -> Any:
            return [self.safe_market_structure({**market, "info": {}}) for market in markets]

        async def fetch(self, url: str, method: str = "GET", headers: Any = None, body: Any = None) -> Any:
            reply = answer(url if body is None else f"{url} {body}")
            if isinstance(reply, Exception):
                raise reply
            self.handle_errors(200, "OK", url, method, {}, str(reply), reply, headers, body)
            return reply

    made = Scripted({**KEYS, "rateLimit": 0.01, **config})
    made.has["fetchCurrencies"] = False
    made.timeout_on_exit = 0
    return made


def venue_of(exchange: Any, *symbols: str, managed: Sequence[str] | None = None, **options: Any) -> CcxtVenue:
    """The adapter around it; `managed` null: the symbols."""
    return CcxtVenue(
        exchange,
        clock=SimClock(),
        symbols=symbols or None,
        managed_symbols=symbols if managed is None and symbols else managed,
        **options,
    )
