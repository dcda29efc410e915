"""Every shard has one schedule, at its own moment of the interval."""

import asyncio
import itertools

from trueup.fleet.broker import BrokerState
from trueup.fleet.no_broker import NoBroker
from trueup.ledgers.sqlite import open_sqlite
from trueup.model.snapshot import Profile
from trueup.model.times import NS_PER_S
from trueup.ports.roster import FleetAccount
from trueup.service.fleet.schedules import balance, schedule
from trueup.sim.clock import SimClock, run_simulated

INTERVAL_S = 60.0


class Noting(NoBroker):
    """Remembers which schedules were set, and when."""

    def __init__(self, clock: SimClock, scheduled: frozenset[int] = frozenset()) -> None:
        self.at_s: dict[int, float] = {}
        self.gone: list[int] = []
        self._clock = clock
        self._scheduled = scheduled

    async def schedule(self, shard: int, every_s: float) -> None:
        assert every_s == INTERVAL_S
        self.at_s[shard] = self._clock.now_ns() / NS_PER_S % INTERVAL_S

    async def unschedule(self, shard: int) -> None:
        self.gone.append(shard)

    async def state(self) -> BrokerState:
        return BrokerState(scheduled=self._scheduled, pending=0, in_flight=0)


def test_shards_are_spread_over_the_interval_and_a_shard_keeps_its_moment() -> None:
    clock = SimClock()
    broker = Noting(clock)
    run_simulated(clock, schedule(broker, range(50), INTERVAL_S, clock))
    moments = sorted(broker.at_s.values())
    gaps = [later - earlier for earlier, later in itertools.pairwise(moments)]
    assert max(gaps) < 4 * INTERVAL_S / 50
    again = Noting(clock)
    clock.advance(17 * NS_PER_S)
    run_simulated(clock, schedule(again, [31], INTERVAL_S, clock))
    assert abs(again.at_s[31] - broker.at_s[31]) < 0.01


def test_a_balance_moves_accounts_and_sets_and_takes_away_what_it_must() -> None:
    clock = SimClock()
    ledger = open_sqlite(":memory:", clock_ns=clock.now_ns)
    ids = ["a", "b", "c"]
    ledger.journal.ensure_profiles([Profile(profile_id=one, account_id=one, venue="sim") for one in ids])
    rows = [FleetAccount(account_id=one, shard=0, settings="{}") for one in ids]
    ledger.roster.put_accounts(rows, dict.fromkeys(ids, 1))
    broker = Noting(clock, frozenset({0, 9}))
    done = run_simulated(clock, balance(broker, ledger.roster, 2, INTERVAL_S, clock))
    assert (done.moved, done.shards, done.scheduled, done.unscheduled) == (1, 2, 1, 1)
    assert (set(broker.at_s), broker.gone) == ({1}, [9])
    assert {one.account_id: one.shard for one in ledger.roster.sizes()} == {"a": 0, "b": 0, "c": 1}
    asyncio.run(broker.aclose())
    ledger.close()
