"""The venue of the chaos run: the paper server in a thread, and a line to it that hangs, breaks or is refused.

Processes know the line's address only. The truth is asked of the market itself, past the line and its faults.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from enum import StrEnum
from random import Random
from typing import Any, TypeVar

from trueup.service.clock import SystemClock
from trueup.sim.paper.faults import PaperFault
from trueup.sim.paper.json import fill_json, order_json
from trueup.sim.paper.serve import serving
from trueup.sim.paper.venue import PaperVenue

T = TypeVar("T")
HOST = "127.0.0.1"
TICK_S = 0.25
CUT_AFTER = 300  # bytes of an answer
CHUNK = 65_536


class Line(StrEnum):
    """What the line to the venue does with a connection."""

    WHOLE = "whole"
    HANGS = "hangs"  # the request arrives; nothing ever comes back
    CUT = "cut"  # in mid-answer
    REFUSED = "refused"  # at once


class Venue:
    """Use as a context. `url` is the line's address."""

    def __init__(self, seed: int) -> None:
        self.paper = PaperVenue(seed, follow=SystemClock())
        self.url = ""
        self.line = Line.WHOLE
        self._random = Random(f"{seed}/venue")
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._end: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),))

    def __enter__(self) -> "Venue":
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        end = self._end
        assert end is not None
        self._loop.call_soon_threadsafe(end.set)
        self._thread.join()
        self._loop.close()

    def call(self, function: Callable[[], T]) -> T:
        """Runs it where the venue lives."""

        async def run() -> T:
            return function()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result()

    def orders(self) -> list[dict[str, Any]]:
        """Every order there ever was, as it stands."""
        return self.call(lambda: [order_json(one) for one in self._market_orders()])

    def fills(self) -> list[dict[str, Any]]:
        """Every execution."""
        return self.call(lambda: [fill_json(one, "paper", 0) for one in self._market_fills()])

    def positions(self) -> dict[str, str]:
        """Signed quantity by symbol, those that are flat left out."""
        return {one["symbol"]: one["qty"] for one in self.call(lambda: self.paper.account.positions())}

    def has_faults(self, rates: dict[PaperFault, float]) -> None:
        self.call(lambda: setattr(self.paper.faults, "rates", rates))

    def heal(self) -> None:
        """Nothing goes wrong any more."""
        self.line = Line.WHOLE
        self.call(self.paper.faults.heal)

    def rest(self) -> None:
        """Nothing is matched any more."""
        self._resting = True

    def act_by_hand(self) -> str:
        """A person at the account: an order of their own, or the end of somebody's."""
        return self.call(self._act_by_hand)

    _resting = False

    def _market_orders(self) -> list[Any]:
        return self.paper.market.truth_orders("paper")

    def _market_fills(self) -> list[Any]:
        return self.paper.market.truth_fills("paper")

    def _act_by_hand(self) -> str:
        live = [one for one in self._market_orders() if one.is_live]
        self.paper.catch_up()
        if live and self._random.random() < 0.6:
            with contextlib.suppress(Exception):  # it may have ended meanwhile
                self.paper.account.cancel(order_json(self._random.choice(live))["id"])
            return "cancels an order"
        number = len(self._market_orders())
        order = {"symbol": "ETH/USD", "side": "buy", "type": "limit", "qty": "1", "limit_price": "1"}
        self.paper.account.place(order | {"client_order_id": f"by-hand-{number}"})
        return "places an order"

    async def _serve(self) -> None:
        self._end = asyncio.Event()
        async with serving(self.paper) as address:
            port = int(address.rpartition(":")[2])
            server = await asyncio.start_server(lambda *ends: self._carry(port, *ends), HOST, 0)
            self.url = f"http://{HOST}:{server.sockets[0].getsockname()[1]}"
            self._ready.set()
            while not self._end.is_set():
                if not self._resting:
                    self.paper.tick()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._end.wait(), TICK_S)
            server.close()

    async def _carry(self, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection. What the line does is looked at for each chunk, so that a change meets open ones, too."""
        if self.line is Line.REFUSED:
            writer.transport.abort()
            return
        there, thither = await asyncio.open_connection(HOST, port)
        ways = [
            asyncio.create_task(self._pump(reader, thither, hither=False)),
            asyncio.create_task(self._pump(there, writer, hither=True)),
        ]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        for end in (writer, thither):
            end.transport.abort()

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, hither: bool) -> None:
        with contextlib.suppress(OSError):
            while chunk := await source.read(CHUNK):
                if hither and self.line is Line.REFUSED:
                    return
                if hither and self.line is Line.CUT:
                    sink.write(chunk[: min(CUT_AFTER, len(chunk) // 2)])
                    await sink.drain()
                    return
                if hither and self.line is Line.HANGS:
                    await asyncio.sleep(3600)
                sink.write(chunk)
                await sink.drain()
