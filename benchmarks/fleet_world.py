"""The world of a fleet's benchmarks: what each account holds at a moment is a function of its number and the time.

So any process answers for any account, and a checker knows what is true without asking one. Orders rest at first; each
minute some accounts have one of them filled, at a moment of their own. The venue is not what is measured: it hands out
the rows it has made once, as long as nothing of the account is filled.
"""

import random
from collections import Counter

import msgspec
import psycopg

from trueup.engine.run.account import LEASE_TTL_S, ManagedAccount, ManagedProfile
from trueup.model.errors import VenueUnavailable
from trueup.model.policy import Policy
from trueup.model.snapshot import (
    Fill,
    HistoryRead,
    Instrument,
    OrdersRead,
    PositionsRead,
    Profile,
    VenueAnswer,
    VenueOrder,
)
from trueup.model.times import NS_PER_S, from_ns, to_ns
from trueup.model.vocabulary import Outcome, QueryBy, ReadState, Side, Status
from trueup.ports.clock import Clock
from trueup.ports.ledger import Ledger

SYMBOL, QTY, PRICE = "ETH/USD", "10", "1000"
MINUTE_S = 60
Place = tuple[int, int]  # profile and order, from 1
_FILL = """INSERT INTO trueup.orders (
  account_id, profile_id, client_order_id, venue_order_id, symbol, side, order_type, qty, limit_price, status,
  submitted_at, last_activity_at, version, logged_version)
SELECT 'a' || a, 'a' || a || 'p' || p, 'a' || a || 'p' || p || '-' || o, 'v' || a || '-' || p || '-' || o, 'ETH/USD',
  'buy', 'limit', 10, 1000, 'pending_new', $1, $1, 1, 1
FROM generate_series($2::int, $3::int) a, generate_series(1, $4::int) p, generate_series(1, $5::int) o"""


class FleetWorld(msgspec.Struct, frozen=True, kw_only=True):
    """`drift`: share of the accounts that have an order filled each minute between `start_ns` and `calm_ns`; faults
    stop then, too.
    """

    profiles: int
    orders: int
    drift: float = 0.0
    faults: float = 0.0  # of the venues' answers
    start_ns: int = 0
    calm_ns: int = 0

    def filled(self, account: int, now_ns: int) -> dict[Place, int]:
        """The orders that are filled by now, and when they were."""
        until_ns = min(now_ns, self.calm_ns)
        minutes = (until_ns - self.start_ns) // (MINUTE_S * NS_PER_S) + 1
        fills = [self.fill_of(account, minute) for minute in range(max(0, minutes) if self.drift else 0)]
        found: dict[Place, int] = {}
        for place, at_ns in (one for one in fills if one is not None and one[1] <= until_ns):
            found.setdefault(place, at_ns)
        return found

    def fill_of(self, account: int, minute: int) -> tuple[Place, int] | None:
        """Which of the account's orders is filled in that minute since the start, and when; null: none."""
        dice = random.Random(account * 1_000_003 + minute)
        if dice.random() >= self.drift:
            return None
        place = (dice.randint(1, self.profiles), dice.randint(1, self.orders))
        return place, self.start_ns + round((minute + dice.random()) * MINUTE_S) * NS_PER_S


def profiles_of(account: int, count: int) -> list[Profile]:
    """An account's profiles."""
    return [
        Profile(profile_id=f"a{account}p{one}", account_id=f"a{account}", venue="benchmark")
        for one in range(1, count + 1)
    ]


def managed_account(
    world: FleetWorld,
    account: int,
    ledger: Ledger,
    clock: Clock,
    then: str,
    requests: Counter[str],
    lease_ttl_s: float = LEASE_TTL_S,
) -> ManagedAccount:
    """`then`: when its orders were sent."""
    managed = [
        ManagedProfile(
            profile=one,
            policy=Policy(owned_client_order_id_prefixes=(one.profile_id,), parity_enabled=False),
        )
        for one in profiles_of(account, world.profiles)
    ]
    return ManagedAccount(
        account_id=f"a{account}",
        profiles=managed,
        venue=FleetVenue(world, account, clock, then, requests),
        ledger=ledger,
        clock=clock,
        lease_ttl_s=lease_ttl_s,
    )


def fill_postgres(url: str, first: int, last: int, world: FleetWorld, then: str) -> None:
    """The orders of these accounts, as their bots recorded them."""
    with psycopg.connect(url, autocommit=True, cursor_factory=psycopg.RawCursor) as owner:
        owner.execute(_FILL, (then, first, last, world.profiles, world.orders))


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
        self._fills: dict[Place, int] = {}  # by now, and when
        self._minutes = 0  # whose fills are looked up
        self._rows: list[VenueOrder] | None = None  # while nothing is filled

    async def account_id(self) -> str | None:
        return None

    async def now_ns(self) -> int | None:
        return None

    async def instruments(self) -> list[Instrument]:
        return []

    async def open_orders(self) -> OrdersRead:
        self._ask("open_orders")
        filled = self._filled()
        if self._rows is None or filled:
            self._rows = [
                self._order((profile, order), None)
                for profile in range(1, self._world.profiles + 1)
                for order in range(1, self._world.orders + 1)
                if (profile, order) not in filled
            ]
        return OrdersRead(state=ReadState.COMPLETE, rows=self._rows)

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
        world = self._world
        is_calm = self._clock.now_ns() >= world.calm_ns > 0
        if world.faults and not is_calm and random.random() < world.faults:
            self._requests["failed"] += 1
            raise VenueUnavailable("a fault of the benchmark")

    def _filled(self) -> dict[Place, int]:
        """Each minute's dice are thrown once, but the present one's."""
        world, now_ns = self._world, self._clock.now_ns()
        minutes = (min(now_ns, world.calm_ns) - world.start_ns) // (MINUTE_S * NS_PER_S)
        if not world.drift or minutes < 0:
            return {}
        while self._minutes < minutes:
            self._note(self._minutes, now_ns)
            self._minutes += 1
        self._note(minutes, now_ns)
        return self._fills

    def _note(self, minute: int, now_ns: int) -> None:
        found = self._world.fill_of(self._account, minute)
        if found is not None and found[1] <= min(now_ns, self._world.calm_ns):
            self._fills.setdefault(*found)

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
