"""The venues of a fleet's benchmark: what each account holds at a moment is a function of its number and the time.

So any process answers for any account, and a checker knows what is true without asking one. Orders rest at first; each
minute some accounts have one of them filled, at a moment of their own.
"""

import random
from collections import Counter

import msgspec

from trueup.model.errors import VenueUnavailable
from trueup.model.snapshot import (
    Fill,
    HistoryRead,
    Instrument,
    OrdersRead,
    PositionsRead,
    VenueAnswer,
    VenueOrder,
)
from trueup.model.times import NS_PER_S, from_ns, to_ns
from trueup.model.vocabulary import Outcome, QueryBy, ReadState, Side, Status
from trueup.ports.clock import Clock

SYMBOL, QTY, PRICE = "ETH/USD", "10", "1000"
MINUTE_S = 60
Place = tuple[int, int]  # profile and order, from 1


class FleetWorld(msgspec.Struct, frozen=True, kw_only=True):
    """`drift`: share of the accounts that have an order filled each minute between `start_ns` and `calm_ns`."""

    profiles: int
    orders: int
    drift: float = 0.0
    faults: float = 0.0  # of the venues' answers
    start_ns: int = 0
    calm_ns: int = 0

    def filled(self, account: int, now_ns: int) -> dict[Place, int]:
        """The orders that are filled by now, and when they were."""
        found: dict[Place, int] = {}
        minutes = (min(now_ns, self.calm_ns) - self.start_ns) // (MINUTE_S * NS_PER_S) + 1
        for minute in range(max(0, minutes) if self.drift else 0):
            dice = random.Random(account * 1_000_003 + minute)
            if dice.random() < self.drift:
                place = (dice.randint(1, self.profiles), dice.randint(1, self.orders))
                at_ns = self.start_ns + round((minute + dice.random()) * MINUTE_S) * NS_PER_S
                if at_ns <= min(now_ns, self.calm_ns):
                    found.setdefault(place, at_ns)
        return found


class FleetVenue:
    """One account's. `requests` counts what is asked, over all accounts of the process."""

    name = "benchmark"

    def __init__(
        self, world: FleetWorld, account: int, clock: Clock, then: str, requests: Counter[str]
    ) -> None:
        self._world = world
        self._account = account
        self._clock = clock
        self._then = then
        self._requests = requests

    async def account_id(self) -> str | None:
        return None

    async def now_ns(self) -> int | None:
        return None

    async def instruments(self) -> list[Instrument]:
        return []

    async def open_orders(self) -> OrdersRead:
        self._ask("open_orders")
        filled = self._filled()
        world = self._world
        return OrdersRead(
            state=ReadState.COMPLETE,
            rows=[
                self._order((profile, order), None)
                for profile in range(1, world.profiles + 1)
                for order in range(1, world.orders + 1)
                if (profile, order) not in filled
            ],
        )

    async def history(self, since: str | None, symbol: str | None = None) -> HistoryRead:
        self._ask("history")
        since_ns = 0 if since is None else to_ns(since)
        fills = [self._fill(place, at_ns) for place, at_ns in self._filled().items() if at_ns >= since_ns]
        return HistoryRead(state=ReadState.COMPLETE, since=since, fills=fills)

    async def positions(self) -> PositionsRead:
        return PositionsRead(state=ReadState.COMPLETE)

    async def find_order(self, by: QueryBy, order_id: str, symbol: str | None = None) -> VenueAnswer:
        self._ask("find_order")
        _, profile, order = order_id[1:].split("-")
        place = (int(profile), int(order))
        found = self._order(place, self._filled().get(place))
        return VenueAnswer(by=by, id=order_id, outcome=Outcome.FOUND, order=found)

    async def aclose(self) -> None:
        return

    def _ask(self, what: str) -> None:
        self._requests[what] += 1
        if self._world.faults and random.random() < self._world.faults:
            self._requests["failed"] += 1
            raise VenueUnavailable("a fault of the benchmark")

    def _filled(self) -> dict[Place, int]:
        return self._world.filled(self._account, self._clock.now_ns())

    def _order(self, place: Place, filled_ns: int | None) -> VenueOrder:
        profile, order = place
        return VenueOrder(
            venue_order_id=f"v{self._account}-{profile}-{order}",
            client_order_id=f"a{self._account}p{profile}-{order}",
            symbol=SYMBOL,
            side=Side.BUY,
            order_type="limit",
            qty=QTY,
            limit_price=PRICE,
            status=Status.PENDING_NEW if filled_ns is None else Status.FILLED,
            filled_qty="0" if filled_ns is None else QTY,
            filled_avg_price=None if filled_ns is None else PRICE,
            submitted_at=self._then,
            updated_at=self._then if filled_ns is None else from_ns(filled_ns),
        )

    def _fill(self, place: Place, at_ns: int) -> Fill:
        profile, order = place
        return Fill(
            fill_id=f"f{self._account}-{profile}-{order}",
            venue_order_id=f"v{self._account}-{profile}-{order}",
            symbol=SYMBOL,
            side=Side.BUY,
            qty=QTY,
            price=PRICE,
            filled_at=from_ns(at_ns),
        )
