"""The network between a process and the simulated venue: replies come late, twice, out of order, never, or to another
request. Implements `ports.Venue` over the venue's reads at once.

Decides when a read happens, when its reply arrives, and which reply. A reply to an earlier request is at most
`LAG_S_MAX` old. Must not know what a reply says.
"""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from trueup.model.errors import VenueUnavailable
from trueup.model.snapshot import HistoryRead, Instrument, OrdersRead, PositionsRead, VenueAnswer
from trueup.model.times import NS_PER_S
from trueup.model.vocabulary import QueryBy
from trueup.sim.clock import SimClock
from trueup.sim.faults import LAG_S_MAX, FaultDice
from trueup.sim.market.venue import SLOW_S_MAX, SimVenue
from trueup.sim.trials.process import Process

OTHER_ACCOUNT = "acc-other"  # nobody trades there
NEVER_S = 3600  # longer than any time-out
T = TypeVar("T")


class SimNetwork:
    """One process's connection to one account. `requests` counts what was sent, by kind, since it was last emptied."""

    def __init__(
        self, venue: SimVenue, other: SimVenue, process: Process, clock: SimClock, dice: FaultDice
    ) -> None:
        """`other`: who answers while the key is another account's."""
        self.requests: dict[str, int] = {}
        self.on_request: Callable[[str], None] = lambda kind: None
        self._own = venue
        self._other = other
        self._swapped_until_ns = 0
        self._process = process
        self._clock = clock
        self._dice = dice
        self._skew_ns: int | None = None
        self._replies: dict[str, tuple[int, Any]] = {}  # kind → when it was sent, the reply

    @property
    def _venue(self) -> SimVenue:
        return self._other if self._clock.now_ns() < self._swapped_until_ns else self._own

    @property
    def name(self) -> str:
        return self._venue.name

    async def account_id(self) -> str | None:
        if self._dice.strikes("account_swapped"):
            self._swapped_until_ns = self._clock.now_ns() + self._dice.lag_ns()
        return await self._ask("account_id", self._venue.read_account_id)

    async def now_ns(self) -> int | None:
        return await self._venue.now_ns()

    async def instruments(self) -> list[Instrument]:
        listed = self._venue.read_instruments()
        if self._dice.strikes("instrument_unlisted"):
            listed.remove(self._dice.rng.choice(listed))
        return listed

    async def open_orders(self) -> OrdersRead:
        return await self._ask("open_orders", lambda: self._venue.read_open_orders())

    async def history(self, since: str | None, symbol: str | None = None) -> HistoryRead:
        return await self._ask(f"history {since}", lambda: self._venue.read_history(since, symbol))

    async def positions(self) -> PositionsRead:
        return await self._ask("positions", lambda: self._venue.read_positions())

    async def find_order(self, by: QueryBy, order_id: str, symbol: str | None = None) -> VenueAnswer:
        return await self._ask("find_order", lambda: self._venue.answer(by, order_id, symbol))

    async def aclose(self) -> None:
        """Nothing is held open."""

    async def _ask(self, kind: str, read: Callable[[], T]) -> T:
        dice = self._dice
        self._process.call()
        word = kind.split(" ")[0]
        self.requests[word] = self.requests.get(word, 0) + 1
        self.on_request(word)
        sent_ns = self._clock.now_ns()
        await self._travel("reply_slow")
        reply = read()
        if dice.strikes("request_doubled"):
            await self._travel("reply_slow")
            read()
        before_ns, before = self._replies.get(kind, (0, None))
        self._replies[kind] = (sent_ns, reply)
        if (
            before is not None
            and sent_ns - before_ns < LAG_S_MAX * NS_PER_S
            and dice.strikes("reply_swapped")
        ):
            reply = before
        if dice.strikes("reply_lost"):
            await asyncio.sleep(NEVER_S)
            raise VenueUnavailable("the simulated venue did not answer in time: ask again in the next run")
        await self._travel("reply_slow")
        ahead_ns = self._process.now_ns() - self._venue.clock_ns()
        if self._skew_ns is None or abs(ahead_ns) > abs(self._skew_ns):
            self._skew_ns = ahead_ns
        self._process.call()
        return reply

    def take_skew_ns(self) -> int | None:
        """As `ports.TellingTime` has it: every reply tells the venue's time."""
        taken_ns, self._skew_ns = self._skew_ns, None
        return taken_ns

    async def _travel(self, fault: str) -> None:
        if self._dice.strikes(fault):
            await asyncio.sleep(self._dice.rng.randint(1, SLOW_S_MAX) / 2)
