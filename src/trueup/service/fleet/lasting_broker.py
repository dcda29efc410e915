"""A broker that may not be there yet: opened when it is first needed, and tried again while it does not answer."""

import asyncio
from collections.abc import Awaitable, Callable

from trueup.fleet.broker import Broker, BrokerState, Delivery

TRY_AGAIN_S = 5.0


class LastingBroker:
    """Implements `broker.Broker`."""

    def __init__(self, connect: Callable[[], Awaitable[Broker]]) -> None:
        self._connect = connect
        self._broker: Broker | None = None
        self._fault: Exception | None = None
        self._next_try = 0.0

    async def _opened(self) -> Broker:
        if self._broker is None:
            now = asyncio.get_running_loop().time()
            if self._fault is not None and now < self._next_try:
                raise self._fault
            try:
                self._broker = await self._connect()
            except Exception as fault:
                self._fault, self._next_try = fault, now + TRY_AGAIN_S
                raise
        return self._broker

    async def set_up(self) -> None:
        await (await self._opened()).set_up()

    async def schedule(self, shard: int, every_s: float) -> None:
        await (await self._opened()).schedule(shard, every_s)

    async def unschedule(self, shard: int) -> None:
        await (await self._opened()).unschedule(shard)

    async def hurry(self, shard: int, account_ids: tuple[str, ...]) -> None:
        await (await self._opened()).hurry(shard, account_ids)

    async def next(self, timeout_s: float) -> Delivery | None:
        return await (await self._opened()).next(timeout_s)

    async def state(self) -> BrokerState:
        return await (await self._opened()).state()

    async def aclose(self) -> None:
        if self._broker is not None:
            await self._broker.aclose()
