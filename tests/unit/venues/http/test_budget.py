"""The budget of requests counts what lasts: a wall clock that jumps neither refills it nor leaves it used up."""

import asyncio

import pytest

from trueup.model.errors import RateLimited
from trueup.model.times import NS_PER_S
from trueup.sim.clock import SimClock
from trueup.venues.http.budget import RateBudget


class SetClock(SimClock):
    """Its wall clock can be set."""

    set_by_ns = 0

    def now_ns(self) -> int:
        return super().now_ns() + self.set_by_ns

    def monotonic_ns(self) -> int:
        return super().now_ns()


@pytest.mark.parametrize("set_by_s", [0, 172_800, -172_800])
def test_a_clock_that_is_set_changes_no_budget(set_by_s: int):
    clock = SetClock()
    budget = RateBudget(clock, per_minute=2)

    async def spend() -> None:
        await budget.take(0)
        await budget.take(0)
        clock.set_by_ns = set_by_s * NS_PER_S
        with pytest.raises(RateLimited, match="used up for 60 s"):
            await budget.take(59)
        await budget.take(60)  # waits for the first one to be a minute ago
        assert clock.monotonic_ns() - clock.start_ns == 60 * NS_PER_S

    asyncio.run(spend())


def test_a_pause_that_the_venue_asks_for_lasts_as_long_whatever_becomes_of_the_clock():
    clock = SetClock()
    budget = RateBudget(clock, per_minute=2)
    budget.pause(5)
    clock.set_by_ns = -3600 * NS_PER_S

    async def spend() -> None:
        with pytest.raises(RateLimited, match="used up for 5 s"):
            await budget.take(4)
        await budget.take(5)

    asyncio.run(spend())
