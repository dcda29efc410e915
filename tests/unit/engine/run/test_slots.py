"""How many work at the same time, and that who waits for somebody else is none of them."""

import asyncio

import pytest

from trueup.engine.run.slots import Slots, waiting
from trueup.sim.clock import SimClock, run_simulated


class Count:
    now = most = 0

    async def for_(self, seconds: float = 1) -> None:
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(seconds)
        self.now -= 1


def test_no_more_than_so_many_work_and_wait():
    working, waited = Count(), Count()
    slots = Slots(2, waiting_max=5)

    async def run() -> None:
        async with slots:
            await working.for_()
            async with waiting():
                await waited.for_(9)
            await working.for_()

    async def main() -> None:
        await asyncio.gather(*(run() for _ in range(20)))

    run_simulated(SimClock(), main())
    assert working.most == 2
    assert 3 <= waited.most <= 5


def test_a_slot_is_free_again_whatever_ends_the_run():
    slots = Slots(1)

    async def cancelled_while_it_waits() -> None:
        async with slots, waiting():
            await asyncio.Event().wait()

    async def main() -> None:
        task = asyncio.create_task(cancelled_while_it_waits())
        await asyncio.sleep(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(ValueError, match="in its midst"):
            async with slots:
                raise ValueError("in its midst")
        count = Count()

        async def run() -> None:
            async with slots:
                await count.for_()

        await asyncio.gather(run(), run())
        assert count.most == 1

    run_simulated(SimClock(), main())


def test_without_a_slot_waiting_is_nothing():
    async def main() -> int:
        async with waiting():
            return 7

    assert asyncio.run(main()) == 7
