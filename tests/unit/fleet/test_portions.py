"""Several processes spend from one budget: never more than it has in any minute, and who waits too long is told."""

import asyncio

import pytest

from trueup.fleet.portions import SharedBudget
from trueup.ledgers.sqlite import open_sqlite
from trueup.model.errors import LedgerError, RateLimited
from trueup.model.times import NS_PER_S
from trueup.sim.clock import SimClock, run_simulated


def test_no_minute_sees_more_than_the_budget_whoever_asks() -> None:
    clock = SimClock()
    ledger = open_sqlite(":memory:", clock_ns=clock.now_ns)
    sent: list[int] = []

    async def spend(budget: SharedBudget) -> None:
        for _ in range(60):
            await budget.take(600)
            sent.append(clock.now_ns())

    async def all_of_them() -> None:
        processes = [SharedBudget("ip", 80, ledger.roster, clock) for _ in range(3)]
        await asyncio.gather(*(spend(one) for one in processes for _ in range(2)))

    run_simulated(clock, all_of_them())
    ledger.close()
    assert len(sent) == 360
    assert all(later - earlier > 60 * NS_PER_S for earlier, later in zip(sent, sent[80:], strict=False))
    assert sent[-1] - sent[0] < 6 * 60 * NS_PER_S  # and it is used


def test_who_would_wait_too_long_is_told_how_long() -> None:
    clock = SimClock()
    ledger = open_sqlite(":memory:", clock_ns=clock.now_ns)

    async def spend() -> None:
        budget = SharedBudget("ip", 2, ledger.roster, clock)
        await budget.take(1)
        await budget.take(1)
        with pytest.raises(
            RateLimited, match="the shared budget ip of 2 requests a minute is used up"
        ) as told:
            await budget.take(1)
        assert told.value.retry_after_s == pytest.approx(65, abs=0.1)

    run_simulated(clock, spend())
    ledger.close()


def test_a_database_that_is_gone_lets_nobody_spend(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimClock()
    ledger = open_sqlite(":memory:", clock_ns=clock.now_ns)

    def gone(*_: object) -> None:
        raise LedgerError("the database is away")

    monkeypatch.setattr(ledger.roster, "take_portion", gone)

    async def spend() -> None:
        with pytest.raises(RateLimited, match="cannot be asked: the database is away"):
            await SharedBudget("ip", 2, ledger.roster, clock).take(1)

    run_simulated(clock, spend())
    ledger.close()


def test_what_was_not_spent_in_time_is_lost() -> None:
    clock = SimClock()
    ledger = open_sqlite(":memory:", clock_ns=clock.now_ns)

    async def spend() -> None:
        idle = SharedBudget("ip", 80, ledger.roster, clock)
        await idle.take(1)  # of a portion of two
        await clock.sleep(70)
        busy = SharedBudget("ip", 80, ledger.roster, clock)
        for _ in range(80):
            await busy.take(1)
        with pytest.raises(RateLimited):
            await idle.take(1)

    run_simulated(clock, spend())
    ledger.close()
