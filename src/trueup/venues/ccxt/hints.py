"""ccxt.pro's streams as hints: that something happened, never what.

An update is not looked at. A stream that fails is opened again, ever more patiently; what was missed meanwhile is found
by the next scheduled run. Must not know an order.
"""

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import ccxt

from trueup.model.errors import VenueError
from trueup.ports.clock import Clock
from trueup.venues.ccxt.errors import UNREADABLE

RETRY_S = 1.0
RETRY_MAX_S = 60.0
STREAMS = ("watchOrders", "watchMyTrades")


async def hear_hints(opened: Callable[[], Awaitable[Any]], clock: Clock) -> AsyncIterator[None]:
    """One hint for every update of the first stream that the exchange has; ends at once where it has none."""
    retry_s, jitter = RETRY_S, random.Random()  # noqa: S311 - spreads load, guards nothing
    while True:
        try:
            exchange = await opened()
            watch = next((getattr(exchange, name) for name in STREAMS if exchange.has.get(name)), None)
            if watch is None:
                return
            await watch()
        except (TimeoutError, VenueError, ccxt.BaseError, *UNREADABLE):
            await clock.sleep(retry_s * (0.5 + jitter.random()))
            retry_s = min(2 * retry_s, RETRY_MAX_S)
        else:
            retry_s = RETRY_S
            yield
