"""ccxt.pro's streams as hints: that something happened, never what.

An update is not looked at. A stream that fails is opened again, ever more patiently; what was missed meanwhile is found
by the next scheduled run. Must not know an order.
"""

import random
from collections.abc import AsyncIterator, Callable
from typing import Any

import ccxt

from trueup.ports import Clock
from trueup.venues.ccxt_errors import UNREADABLE

RETRY_S = 1.0
RETRY_MAX_S = 60.0
STREAMS = ("watchOrders", "watchMyTrades")


async def hear_hints(exchange: Any, clock: Clock) -> AsyncIterator[None]:
    """One hint for every update of the first stream that the object has; ends at once where it has none."""
    watch = next((getattr(exchange, name) for name in STREAMS if exchange.has.get(name)), None)
    if watch is None or not hasattr(exchange, "watch"):
        return
    retry_s, jitter = RETRY_S, random.Random()  # noqa: S311 - spreads load, guards nothing
    while True:
        if await _heard(watch):
            retry_s = RETRY_S
            yield
        else:
            await clock.sleep(retry_s * (0.5 + jitter.random()))
            retry_s = min(2 * retry_s, RETRY_MAX_S)


async def _heard(watch: Callable[..., Any]) -> bool:
    """Waits for one update; false where the stream failed."""
    try:
        await watch()
    except (TimeoutError, ccxt.BaseError, *UNREADABLE):
        return False
    return True
