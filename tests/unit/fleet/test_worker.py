"""What a worker does with a shard's message, in simulated time: over the roster of a real ledger, with runs of ours."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from random import Random
from typing import Any

import pytest

from trueup.engine.events import Event
from trueup.engine.run.account import AccountReport, ManagedAccount, ManagedProfile
from trueup.engine.run.slots import waiting
from trueup.fleet import worker as fleet_worker
from trueup.fleet.broker import Broker
from trueup.fleet.no_broker import NoBroker
from trueup.fleet.open_cache import OpenCache
from trueup.fleet.worker import FleetWorker, WorkerSettings
from trueup.ledgers.sql.sql_ledger import SqlLedger
from trueup.ledgers.sqlite import open_sqlite
from trueup.model.errors import ConfigError, LedgerError
from trueup.model.policy import Policy
from trueup.model.snapshot import Profile
from trueup.model.times import NS_PER_S
from trueup.ports.records import Attempt, Release
from trueup.ports.roster import FleetAccount
from trueup.sim.broker import BrokerFaults, SimBroker, SimBrokerClient
from trueup.sim.clock import SimClock, run_simulated
from trueup.sim.faults import FaultDice, Faults
from trueup.sim.trials.process import Process

INTERVAL_S = 10.0
LEASE_S = 30.0
WINDOW_S = 2.0  # of recent activity
Body = Callable[[str], Awaitable[None]]


async def at_once(_: str) -> None:
    return


class Silent:
    async def aclose(self) -> None:
        return


class Streaming(Silent):
    """Its stream hints at these seconds from when it is heard, and then ends."""

    def __init__(self, *seconds: float) -> None:
        self.seconds = seconds
        self.listeners = 0

    async def hints(self) -> AsyncIterator[None]:
        self.listeners += 1
        try:
            since = 0.0
            for second in self.seconds:
                await asyncio.sleep(second - since)
                since = second
                yield
        finally:
            self.listeners -= 1


class Shop:
    """Accounts a, b, c, each in a shard of its own; `runs` counts what was run."""

    def __init__(self) -> None:
        self.clock = SimClock()
        self.ledger: SqlLedger = open_sqlite(":memory:", clock_ns=self.clock.now_ns)
        self.server = SimBroker(self.clock, Random(1), BrokerFaults(), LEASE_S + 5)
        self.runs: Counter[str] = Counter()
        self.refused: set[str] = set()
        self.body: Body = at_once
        self.hears = False
        self.open_max = 10
        self.venues: dict[str, Any] = {}
        ids = ["a", "b", "c"]
        self.ledger.journal.ensure_profiles(
            [Profile(profile_id=one, account_id=one, venue="sim") for one in ids]
        )
        rows = [FleetAccount(account_id=one, shard=shard, settings="{}") for shard, one in enumerate(ids)]
        self.ledger.roster.put_accounts(rows, dict.fromkeys(ids, 1))

    def worker(self, broker: Broker | None = None) -> FleetWorker:
        self.cache = OpenCache(self.ledger.roster, self._open, self.open_max)
        process = Process("w", self.clock, FaultDice("w", Faults()))
        settings = WorkerSettings(
            interval_s=INTERVAL_S, lease_ttl_s=LEASE_S, at_a_time=1, apply=True, hears_streams=self.hears
        )
        return FleetWorker(
            "w",
            broker or SimBrokerClient(self.server, process),
            self.ledger.roster,
            self.ledger.journal,
            self.cache,
            settings,
            self.clock,
            reconcile=self._reconcile,
            dice=Random(1),
        )

    def _open(self, row: FleetAccount) -> ManagedAccount:
        if row.account_id in self.refused:
            raise ConfigError("a secret is missing")
        policy = Policy(recent_activity_window_s=WINDOW_S)
        profile = Profile(profile_id=row.account_id, account_id=row.account_id, venue="sim")
        return ManagedAccount(
            account_id=row.account_id,
            profiles=[ManagedProfile(profile=profile, policy=policy)],
            venue=self.venues.get(row.account_id, Silent()),
            ledger=self.ledger,
            clock=self.clock,
        )

    async def _reconcile(
        self, account: ManagedAccount, *, lease: Any = None, due_in_s: Any = None, **_: Any
    ) -> AccountReport:
        await self.body(account.account_id)
        self.runs[account.account_id] += 1
        report = AccountReport(account_id=account.account_id, processed=True)
        release = Release(lease=lease, completed={}, due_in_s=due_in_s(report), attempt=Attempt(), classed=[])
        self.ledger.journal.release_leases([release])
        return report

    def live(self, worker: FleetWorker, seconds: float) -> None:
        async def main() -> None:
            task = asyncio.create_task(worker.run())
            await asyncio.sleep(seconds)
            worker.stop()
            await task

        run_simulated(self.clock, main())


@pytest.fixture
def shop() -> Iterator[Shop]:
    opened = Shop()
    yield opened
    opened.ledger.close()


def test_each_message_runs_its_shard_once(shop: Shop) -> None:
    for shard in range(3):
        shop.server.set_schedule(shard, INTERVAL_S)
    shop.live(shop.worker(), 45)
    assert shop.runs == {"a": 4, "b": 4, "c": 4}


def test_messages_that_come_twice_find_nothing_to_do(shop: Shop) -> None:
    shop.server.faults = BrokerFaults(doubled=1.0)
    shop.server.set_schedule(0, INTERVAL_S)
    shop.live(shop.worker(), 25)
    assert (shop.server.delivered, shop.runs["a"]) == (4, 2)


def test_whoever_began_late_is_on_time_again_with_the_next_message(shop: Shop) -> None:
    """The third shard's message is taken late, and its due time is late by then: the next message comes before it."""
    ran: list[float] = []
    began_ns = shop.clock.now_ns()

    async def note(account_id: str) -> None:
        ran.append((shop.clock.now_ns() - began_ns) / NS_PER_S)
        if account_id == "b" and len(ran) == 1:
            await shop.clock.sleep(7)  # in the only place

    shop.body = note
    for shard in (1, 0, 2):
        shop.server.set_schedule(shard, INTERVAL_S)
    shop.live(shop.worker(), 39)
    assert [round(one) for one in ran] == [10, 17, 17, 20, 20, 20, 30, 30, 30]


def test_a_venue_that_hangs_holds_only_its_shard(shop: Shop) -> None:
    async def hang(account_id: str) -> None:
        if account_id == "a":
            async with waiting():
                await shop.clock.sleep(28)

    shop.body = hang
    for shard in range(3):
        shop.server.set_schedule(shard, INTERVAL_S)
    shop.live(shop.worker(), 39)  # one account is worked on at a time
    assert (shop.runs["a"], shop.runs["b"], shop.runs["c"]) == (1, 3, 3)


def test_without_a_broker_the_due_times_are_followed_and_said_to_be(shop: Shop) -> None:
    worker = shop.worker(NoBroker())
    shop.live(worker, 31)
    assert shop.runs == {"a": 4, "b": 4, "c": 4}, "at once, and every ten seconds"
    assert "no broker is configured" in (worker.says().degraded or "")


def test_a_shard_without_a_schedule_is_found_overdue(shop: Shop) -> None:
    shop.server.set_schedule(0, INTERVAL_S)
    worker = shop.worker()
    shop.live(worker, 40)
    assert shop.runs["a"] in (3, 4)
    assert (shop.runs["b"], shop.runs["c"]) == (1, 1)  # after three intervals


def test_starved_is_said_of_whom_workers_passed_over_not_of_whom_nobody_was_there_for(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[Event] = []
    monkeypatch.setattr(fleet_worker, "log_event", lambda event, *_, **__: said.append(event))
    for shard in range(3):
        shop.server.send(shard)
    shop.live(shop.worker(), 2)
    shop.clock.advance(100 * NS_PER_S)
    shop.live(shop.worker(), 9)
    assert shop.runs == {"a": 2, "b": 2, "c": 2}, "run without a message all the same"
    assert Event.FLEET_STARVED not in said
    shop.live(shop.worker(), 50)
    assert Event.FLEET_STARVED in said


def test_a_message_whose_database_is_away_comes_again(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    claim, failures = shop.ledger.roster.claim_shard, 2

    def away(*args: Any, **keys: Any) -> Any:
        nonlocal failures
        failures -= 1
        if failures >= 0:
            raise LedgerError("the database is away")
        return claim(*args, **keys)

    monkeypatch.setattr(shop.ledger.roster, "claim_shard", away)
    shop.server.send(0)
    shop.live(shop.worker(), 14)
    assert shop.runs == {"a": 1}


def test_an_account_that_cannot_be_opened_backs_off_and_others_run(shop: Shop) -> None:
    shop.refused = {"a"}
    shop.ledger.roster.move_accounts({"b": 0})
    shop.server.set_schedule(0, INTERVAL_S)
    shop.live(shop.worker(), 25)
    (state,) = [one for one in shop.ledger.journal.lease_states() if one.account_id == "a"]
    assert shop.runs == {"b": 2}
    assert (state.failures, state.holder) == (1, None)  # due after twice the interval
    assert "cannot be opened" in (state.failure or "")


def test_whoever_is_drained_finishes_and_leaves(shop: Shop) -> None:
    async def slow(_: str) -> None:
        await shop.clock.sleep(9)

    async def main() -> None:
        shop.body = slow
        for shard in range(3):
            shop.server.send(shard)
        task = asyncio.create_task(shop.worker().run())
        await asyncio.sleep(1)
        shop.ledger.roster.drain("w")
        await task

    run_simulated(shop.clock, main())
    assert shop.runs == {"a": 1, "b": 1}  # what was claimed is finished; the third message is another's
    assert shop.server.look().in_flight == 0
    assert shop.ledger.roster.workers() == []


def test_a_hurried_account_is_run_before_its_time(shop: Shop) -> None:
    shop.ledger.roster.move_accounts({"b": 0})
    shop.server.send(0)
    shop.live(shop.worker(), 3)
    shop.server.send(0, ("b",))
    shop.live(shop.worker(), 3)
    assert shop.runs == {"a": 1, "b": 2}


def test_a_stream_s_hint_makes_an_account_run_once_it_is_no_longer_recent(shop: Shop) -> None:
    shop.hears = True
    shop.venues["b"] = Streaming(3, 4)
    for shard in range(3):
        shop.server.set_schedule(shard, INTERVAL_S)
    ran: list[tuple[str, float]] = []
    began_ns = shop.clock.now_ns()

    async def note(account_id: str) -> None:
        ran.append((account_id, (shop.clock.now_ns() - began_ns) / NS_PER_S))

    shop.body = note
    shop.live(shop.worker(), 19)
    first = next(at for one, at in ran if one == "b")
    assert [round(at - first) for one, at in ran if one == "b"] == [0, 6], "the last hint and the window"
    assert shop.runs == {"a": 1, "b": 2, "c": 1}


def test_streams_are_heard_only_where_that_is_wanted_and_while_the_account_is_open(shop: Shop) -> None:
    venue = shop.venues["b"] = Streaming(3, 1000)
    for shard in range(3):
        shop.server.set_schedule(shard, INTERVAL_S)
    shop.live(shop.worker(), 15)
    assert venue.listeners == 0
    assert shop.runs["b"] == 1
    shop.hears = True

    async def main() -> None:
        worker = shop.worker()
        task = asyncio.create_task(worker.run())
        await asyncio.sleep(15)
        assert venue.listeners == 1
        worker.stop()
        await task
        await shop.cache.aclose()
        assert venue.listeners == 0

    run_simulated(shop.clock, main())


def test_what_was_read_of_an_account_is_forgotten_when_it_is_closed(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    forgotten: list[str] = []
    monkeypatch.setattr(shop.ledger.books, "forget", forgotten.append)
    shop.open_max = 2
    for shard in range(3):
        shop.server.send(shard)
    shop.live(shop.worker(), 2)
    assert len(shop.cache) == 2
    assert forgotten == ["a"], "the one not run for longest"
