"""How a fleet stands, from what its database holds and what its broker has said."""

from collections.abc import Iterator

import msgspec
import pytest

from trueup.fleet.broker import BrokerState
from trueup.fleet.worker import WorkerSays
from trueup.ledgers.sql.sql_ledger import SqlLedger
from trueup.ledgers.sqlite import open_sqlite
from trueup.model.snapshot import Profile
from trueup.ports.roster import FleetAccount
from trueup.service.views.fleet import Lateness, read_fleet
from trueup.sim.clock import SimClock

INTERVAL_S = 60
SAYS = WorkerSays(version="1.2", shards=1, accounts_open=2, runs=3, stretch=1.5)


@pytest.fixture
def clock() -> SimClock:
    return SimClock()


@pytest.fixture
def ledger(clock: SimClock) -> Iterator[SqlLedger]:
    """Three accounts of 1, 1 and 98 profiles, in two shards; all are due from now on."""
    opened = open_sqlite(":memory:", clock_ns=clock.now_ns)
    sizes = {"a": 1, "b": 1, "c": 98}
    opened.journal.ensure_profiles([Profile(profile_id=one, account_id=one, venue="sim") for one in sizes])
    shards = {"a": 0, "b": 0, "c": 1}
    rows = [FleetAccount(account_id=one, shard=shard, settings="{}") for one, shard in shards.items()]
    opened.roster.put_accounts(rows, sizes)
    yield opened
    opened.close()


def run(ledger: SqlLedger, shard: int) -> None:
    for one in ledger.roster.claim_shard(shard, "h", 30, due_within_s=900):
        ledger.journal.release_lease(one.lease, {}, INTERVAL_S)


def test_lateness_is_by_profiles_and_counts_who_was_not_run_yet(ledger: SqlLedger, clock: SimClock) -> None:
    run(ledger, 1)
    clock.advance(70 * 10**9)
    run(ledger, 1)  # 10 s late
    view = read_fleet(ledger, INTERVAL_S, None, "gone")
    assert (view.accounts, view.profiles, view.shards) == (3, 100, 2)
    assert view.lateness_s == Lateness(p50=10, p99=70, max=70)  # of a hundred profiles two were never run
    assert view.starved == []
    assert (view.broker_fault, view.degraded) == ("gone", "gone")


def test_a_shard_is_starved_after_three_intervals_as_they_are_stretched(
    ledger: SqlLedger, clock: SimClock
) -> None:
    run(ledger, 1)
    clock.advance(181 * 10**9)
    assert read_fleet(ledger, INTERVAL_S, None, None).starved == [0]
    ledger.roster.worker_seen("w1", msgspec.json.encode(SAYS).decode())
    assert read_fleet(ledger, INTERVAL_S, None, None).starved == []
    clock.advance(90 * 10**9)  # the worker is lost by now, and what it said is old
    view = read_fleet(ledger, INTERVAL_S, None, None)
    assert (view.starved, view.starved_shards, view.stretch) == ([0, 1], 2, 1.0)


def test_shards_without_a_schedule_and_workers_of_another_version_are_seen(ledger: SqlLedger) -> None:
    ledger.roster.worker_seen("w1", msgspec.json.encode(SAYS).decode())
    ledger.roster.worker_seen("w2", '{"runs":"many"}')
    ledger.roster.drain("w1")
    state = BrokerState(scheduled=frozenset({0, 5}), pending=4, in_flight=2)
    view = read_fleet(ledger, INTERVAL_S, state, None)
    assert (view.scheduled, view.unscheduled, view.pending, view.in_flight) == (2, 1, 4, 2)
    assert [(one.worker, one.draining, one.says) for one in view.workers] == [
        ("w1", True, SAYS),
        ("w2", False, None),
    ]
    assert view.degraded is None
