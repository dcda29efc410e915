"""The paper venue: one account at a simulated market, its clock, its faults, its stream, and what was asked of it.

Decides when time and prices move: the clock follows real time where one is given, else it stands still until a test
moves it. Must not know HTTP.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from random import Random

from msgspec import Struct

from trueup.model.times import NS_PER_S, from_ns
from trueup.ports.clock import Clock
from trueup.sim.clock import START, SimClock
from trueup.sim.market.market import Market
from trueup.sim.market.walk import LIQUIDITY_MAX
from trueup.sim.paper.account import PaperAccount
from trueup.sim.paper.faults import PaperFault, PaperFaults
from trueup.sim.paper.json import Json
from trueup.sim.trials.world import INSTRUMENTS

KEY_ID, SECRET = "SIM-KEY-ID", "sim-secret-key"  # of a venue without money
PER_MINUTE = 200  # as Alpaca counts
_MINUTE_NS = 60 * NS_PER_S


class Seen(Struct, frozen=True):
    """One request that reached the venue."""

    at_ns: int
    method: str
    path: str
    query: str


class PaperVenue:
    """`follow`: the clock that time follows; null = none. `per_minute`: 429 beyond it; null = no limit."""

    def __init__(
        self,
        seed: int = 1,
        *,
        follow: Clock | None = None,
        rates: dict[PaperFault, float] | None = None,
        per_minute: int | None = None,
    ) -> None:
        self.clock = SimClock(START if follow is None else from_ns(follow.now_ns()))
        self.market = Market(self.clock, list(INSTRUMENTS))
        self.account = PaperAccount(self.market, "paper")
        self.faults = PaperFaults(Random(f"{seed}/faults"), rates)
        self.per_minute = per_minute
        self.seen: list[Seen] = []
        self.streams = 0  # connections of the stream so far
        self.meanwhile: list[Callable[[], None]] = []  # each happens once, right after the next request
        self._follow = follow
        self._walk = Random(f"{seed}/walk")
        self._listeners: set[asyncio.Queue[Json | None]] = set()
        self._next_event = 0

    def tick(self) -> None:
        """One step of the market: what is due, then prices, with trades where they cross."""
        self.catch_up()
        for symbol, instrument in self.market.instruments.items():
            move = self._walk.randint(-instrument.move_ticks, instrument.move_ticks)
            liquidity = self._walk.randint(0, LIQUIDITY_MAX)
            self.market.match(symbol, max(1, self.market.prices[symbol] + move), liquidity)
        self.publish()

    def catch_up(self) -> None:
        """Let the clock follow, and what is due take effect."""
        if self._follow is not None:
            self.clock.advance(max(0, self._follow.now_ns() - self.clock.now_ns()))
        self.market.settle()

    def publish(self) -> None:
        """Tell listeners what happened since the last time, less the frames that get lost."""
        events = self.market.events
        for event in events[self._next_event :]:
            frame = self.account.update(event)
            if frame is not None and not self.faults.loses_frame():
                for listener in self._listeners:
                    listener.put_nowait(frame)
        self._next_event = len(events)

    def hang_up(self) -> None:
        """End every connection of the stream; clients may connect again."""
        for listener in self._listeners:
            listener.put_nowait(None)

    @contextlib.contextmanager
    def listening(self) -> Iterator[asyncio.Queue[Json | None]]:
        """The frames from now on; null ends the connection."""
        self.streams += 1
        queue: asyncio.Queue[Json | None] = asyncio.Queue()
        self._listeners.add(queue)
        try:
            yield queue
        finally:
            self._listeners.discard(queue)

    def go_on(self) -> None:
        """What a test wants to happen between two requests."""
        if self.meanwhile:
            self.meanwhile.pop(0)()

    def note(self, method: str, path: str, query: str) -> None:
        self.seen.append(Seen(self.clock.now_ns(), method, path, query))

    def calls_left(self) -> int:
        """Of the present minute's; below 0 where a request is too many."""
        if self.per_minute is None:
            return PER_MINUTE
        minute_ns = self.clock.now_ns() // _MINUTE_NS * _MINUTE_NS
        recent = self.seen[-self.per_minute - 1 :]
        return self.per_minute - sum(seen.at_ns >= minute_ns for seen in recent)

    def reset_s(self) -> int:
        """When the count starts anew, in seconds since 1970."""
        return (self.clock.now_ns() // _MINUTE_NS + 1) * 60
