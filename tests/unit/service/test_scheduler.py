"""The schedule, in simulated time: who runs when, how many at once, and how it ends."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from tests.unit.engine.run.desk import Desk, ScriptedVenue, filled, local_order, open_desk, own_policy
from trueup.engine.run.account import ManagedAccount, ManagedProfile
from trueup.model.errors import LedgerError
from trueup.model.snapshot import OrdersRead, Profile
from trueup.model.times import NS_PER_S
from trueup.model.vocabulary import ReadState
from trueup.service.config import ServiceConfig
from trueup.service.scheduler import Service
from trueup.service.views.overview import account_view
from trueup.sim.clock import run_simulated


@pytest.fixture
def desk(tmp_path: Path):
    desk = open_desk(tmp_path)
    yield desk
    desk.ledger.close()


class TimedVenue(ScriptedVenue):
    """Notes when its open orders are asked for, in seconds, and takes its time to answer."""

    takes_s = 0.0

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk.clock, [])
        self.asked_at: list[float] = []
        self.busy = 0

    async def open_orders(self) -> OrdersRead:
        self.asked_at.append((self.clock.now_ns() - self.clock.start_ns) / NS_PER_S)
        self.busy += 1
        await asyncio.sleep(self.takes_s)
        self.busy -= 1
        return await super().open_orders()


def account(desk: Desk, name: str) -> ManagedAccount:
    profile = Profile(profile_id=f"p-{name}", venue="scripted", account_id=name)
    desk.ledger.journal.ensure_profiles([profile])
    return ManagedAccount(
        account_id=name,
        profiles=[ManagedProfile(profile=profile, policy=own_policy("", alone=True))],
        venue=TimedVenue(desk),
        ledger=desk.ledger,
        clock=desk.clock,
        read_timeout_s=5,
    )


def times(account: ManagedAccount) -> list[float]:
    assert isinstance(account.venue, TimedVenue)
    return account.venue.asked_at


def run_until(
    desk: Desk, service: Service, seconds: float, meanwhile: Callable[[], Any] = lambda: None
) -> None:
    async def main() -> None:
        task = asyncio.create_task(service.run())
        await asyncio.sleep(seconds)
        meanwhile()
        service.stop()
        await task

    run_simulated(desk.clock, main())


def settings(**changes: Any) -> ServiceConfig:
    return ServiceConfig(**{"interval_s": 10.0, "jitter": 0.0} | changes)


def test_every_account_runs_at_its_interval(desk: Desk):
    accounts = [account(desk, "a"), account(desk, "b")]
    run_until(desk, Service(accounts, settings(), desk.clock), 35)
    assert [times(one) for one in accounts] == [[0, 10, 20, 30], [0, 10, 20, 30]]


def test_jitter_spreads_the_starts_and_the_intervals(desk: Desk):
    accounts = [account(desk, name) for name in "abcd"]
    service = Service(accounts, settings(jitter=0.5), desk.clock, jitter=random.Random(7))
    run_until(desk, service, 100)
    starts = [times(one)[0] for one in accounts]
    gaps = [
        later - earlier
        for one in accounts
        for earlier, later in zip(times(one), times(one)[1:], strict=False)
    ]
    assert len(set(starts)) == 4
    assert all(0 <= start <= 5 for start in starts)
    assert all(5 <= gap <= 15 for gap in gaps)
    assert max(gaps) - min(gaps) > 2


def test_a_slow_or_failing_account_delays_no_other(desk: Desk):
    slow, failing, good = account(desk, "slow"), account(desk, "failing"), account(desk, "good")
    slow.venue.takes_s = 60  # type: ignore[attr-defined]
    failing.venue.past = ZeroDivisionError("a fault of the adapter")  # type: ignore[attr-defined]
    service = Service([slow, failing, good], settings(profiles_at_a_time=2), desk.clock)
    run_until(desk, service, 31)
    assert times(good) == [0, 10, 20, 30]
    assert service.counts["failed"] == 2, "it backs off: at 0 and 20 s"
    assert service.counts["unchanged"] >= 4


def test_who_waits_for_its_venue_takes_no_place(desk: Desk):
    accounts = [account(desk, name) for name in "abcde"]
    for one in accounts:
        one.venue.takes_s = 1  # type: ignore[attr-defined]
    service = Service(accounts, settings(profiles_at_a_time=2, interval_s=100), desk.clock)
    run_until(desk, service, 50)
    assert [times(one) for one in accounts] == [[0]] * 5


def test_a_stop_lets_the_current_run_finish(desk: Desk):
    one = account(desk, "a")
    one.venue.takes_s = 3  # type: ignore[attr-defined]
    desk.record(local_order("x"), "p-a")
    one.venue.opened = [filled("x", "4")]  # type: ignore[attr-defined]
    run_until(desk, Service([one], settings(apply=True), desk.clock), 1)
    assert desk.ledger.books.read("a", ["p-a"], 1e9)["p-a"].orders[0].filled_qty == "4"
    assert desk.ledger.journal.lease_states()[0].holder is None


def test_a_second_stop_cancels_it_and_frees_the_lease(desk: Desk):
    one = account(desk, "a")
    one.venue.takes_s = 1000  # type: ignore[attr-defined]
    service = Service([one], settings(), desk.clock)
    began = desk.clock.now_ns()
    run_until(desk, service, 1, service.stop)
    assert desk.clock.now_ns() - began < 2 * NS_PER_S
    assert desk.ledger.journal.lease_states()[0].holder is None


def test_run_once_gives_each_account_s_report_in_their_order(desk: Desk):
    accounts = [account(desk, "b"), account(desk, "a")]
    reports: Coroutine[Any, Any, Any] = Service(accounts, settings(), desk.clock).run_once()
    assert [report.account_id for report in run_simulated(desk.clock, reports)] == ["b", "a"]


def test_a_contention_is_counted(desk: Desk):
    one = account(desk, "a")
    desk.ledger.journal.acquire_lease("a", "somebody", 1000)
    service = Service([one], settings(), desk.clock)
    run_until(desk, service, 25)
    assert (service.counts["contended"], service.counts["skipped"], times(one)) == (3, 3, [])


def test_a_partial_read_is_retried_next_time(desk: Desk):
    one = account(desk, "a")
    one.venue.opened = OrdersRead(state=ReadState.PARTIAL, error="page 2")  # type: ignore[attr-defined]
    run_until(desk, Service([one], settings(), desk.clock), 15)
    assert times(one) == [0, 10]


def test_a_service_without_a_notifier_tells_its_alerts_to_the_log(
    desk: Desk, caplog: pytest.LogCaptureFixture
):
    one = account(desk, "a")
    disabled = structs.replace(one.profiles[0].policy, coverage_enabled=False)
    one = replace(one, profiles=[structs.replace(one.profiles[0], policy=disabled)])
    run_until(desk, Service([one], settings(), desk.clock), 15)
    keys = [
        vars(one)["trueup"]["dedupe_key"] for one in caplog.records if one.message == "reconciliation_alert"
    ]
    assert keys.count("p-a:coverage:disabled") == 1  # in two runs: the throttle holds
    assert "p-a:coverage:disabled" in [
        kept.alert.dedupe_key for kept in desk.ledger.journal.list_alerts() if kept.stands
    ]


class HintingVenue(TimedVenue):
    """Its stream hints twice, and then breaks for good."""

    hints_at: tuple[int, ...] = (3, 4)

    async def hints(self) -> AsyncIterator[None]:
        began = self.clock.now_ns()
        for second in self.hints_at:
            await asyncio.sleep(second - (self.clock.now_ns() - began) / NS_PER_S)
            yield
        raise ConnectionError("gone")


def test_a_hint_wakes_a_run_when_its_event_is_no_longer_recent(desk: Desk):
    one = replace(account(desk, "a"), venue=HintingVenue(desk))
    run_until(desk, Service([one], settings(), desk.clock), 30)
    assert times(one) == [0, 9, 19, 29], "the last hint at 4 s + the window of 5 s; then the interval"


class RestlessVenue(HintingVenue):
    """Its stream never rests."""

    hints_at = tuple(range(3, 60, 2))


def test_hints_that_never_end_put_no_run_off_for_long(desk: Desk):
    one = replace(account(desk, "a"), venue=RestlessVenue(desk))
    run_until(desk, Service([one], settings(), desk.clock), 30)
    assert times(one) == [0, 13, 23], "3 s + two windows of 5 s, and so on"


# Several processes, one database


def share(desk: Desk, names: str, seconds: float, **changes: Any) -> list[dict[str, list[float]]]:
    """By service, when each account's venue was asked."""
    fleets = [[account(desk, name) for name in names] for _ in range(2)]
    services = [
        Service(fleet, settings(**changes), desk.clock, jitter=random.Random(number))
        for number, fleet in enumerate(fleets)
    ]

    async def main() -> None:
        tasks = [asyncio.create_task(service.run()) for service in services]
        await asyncio.sleep(seconds)
        for service in services:
            service.stop()
        await asyncio.gather(*tasks)

    run_simulated(desk.clock, main())
    return [{one.account_id: times(one) for one in fleet} for fleet in fleets]


@pytest.mark.slow
def test_services_that_share_a_database_share_the_accounts(desk: Desk):
    names = "abcdefghij"
    here, there = share(desk, names, 200, jitter=0.2)
    for name in names:
        asked = sorted(here[name] + there[name])
        gaps = [later - earlier for earlier, later in pairwise(asked[1:])]
        assert min(gaps) > 7.9, "after each has looked once at its start, an account runs once an interval"
        assert max(gaps) < 14
    runs = [sum(map(len, one.values())) for one in (here, there)]
    assert min(runs) > sum(runs) / 5, runs


def test_who_dies_loses_its_accounts_after_the_time_to_live(desk: Desk):
    one = account(desk, "a")
    desk.ledger.journal.acquire_lease("a", "a process that is dead", 25)
    service = Service([one], settings(), desk.clock)
    run_until(desk, service, 60)
    assert times(one)[0] == pytest.approx(25, abs=0.1)
    assert len(times(one)) == 4
    assert service.counts["contended"] == 3, "at 0, 10 and 20 s"


def test_a_database_that_fails_is_told_by_the_run(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    one = account(desk, "a")
    journal = desk.ledger.journal

    def fail(*_: Any, **__: Any) -> None:
        raise LedgerError("gone")

    monkeypatch.setattr(type(journal), "claim_leases", fail)
    monkeypatch.setattr(type(journal), "acquire_lease", fail)
    service = Service([one], settings(), desk.clock)
    run_until(desk, service, 25)
    assert service.counts["failed"] == 2, "it backs off: at 0 and 20 s"


# -- accounts that hang, and that fail ---------------------------------------------------------------------------------


class HangingVenue(TimedVenue):
    """Never answers: each read of it takes the whole read time-out, which is 5 s here."""

    takes_s = 10_000.0


@pytest.mark.slow
def test_a_dozen_accounts_that_hang_delay_no_other(desk: Desk):
    """With three places for those that work, where it had four runs in 75 s."""
    good = account(desk, "good")
    hanging = [replace(account(desk, f"h{number}"), venue=HangingVenue(desk)) for number in range(12)]
    service = Service([*hanging, good], settings(interval_s=1, profiles_at_a_time=3), desk.clock)
    run_until(desk, service, 75)
    assert len(times(good)) >= 74


def test_an_account_that_fails_is_asked_less_and_less_often_and_at_once_again_when_it_is_well(desk: Desk):
    """A time-out of 5 s; then twice, four and eight times the interval of 10 s; and the interval after it answered."""
    one = replace(account(desk, "a"), venue=HangingVenue(desk))
    service = Service([one], settings(), desk.clock)
    run_until(desk, service, 159)
    assert times(one) == [0, 25, 70, 155]
    one.venue.takes_s = 0.0  # type: ignore[attr-defined]
    well = Service([one], settings(), desk.clock)
    run_until(desk, well, 25)
    assert times(one)[4:] == [160, 170, 180]


def test_the_longest_pause_of_an_account_that_fails_is_five_minutes(desk: Desk):
    one = replace(account(desk, "a"), venue=HangingVenue(desk))
    run_until(desk, Service([one], settings(), desk.clock), 4000)
    gaps = [later - earlier for earlier, later in pairwise(times(one))]
    assert gaps[-3:] == [305, 305, 305], "the pause, and the time-out before it"


def test_the_count_of_failures_holds_over_a_restart(desk: Desk):
    """A time-out of 5 s; who starts wants to know at once: at 0, and at 15; then eight, not two, times the interval."""
    one = replace(account(desk, "a"), venue=HangingVenue(desk))
    run_until(desk, Service([one], settings(), desk.clock), 31)
    again = replace(one, venue=HangingVenue(desk))
    run_until(desk, Service([again], settings(), desk.clock), 150)
    assert (times(one), times(again)) == ([0, 25], [31, 116])


def test_the_journal_says_who_backs_off_since_when_and_when_it_is_tried_next(desk: Desk):
    good, bad = account(desk, "good"), replace(account(desk, "bad"), venue=HangingVenue(desk))
    run_until(desk, Service([good, bad], settings(), desk.clock), 31)
    failing, well = (account_view(one, desk.clock.now_ns()) for one in desk.ledger.journal.lease_states())
    assert (failing.account_id, failing.failures, failing.failing_for_s) == ("bad", 2, 26)
    assert failing.next_due_at == "2026-11-23T12:01:10.000000000Z"
    assert failing.failure is not None
    assert "open orders" in failing.failure
    assert (well.failures, well.failing_since, well.failure) == (0, None, None)
