"""Simulated time: order of waking, time-outs, threads, and that no real time passes."""

import asyncio
import time

import pytest

from tests.patience import PATIENCE_S
from trueup.model.errors import InvariantError
from trueup.sim.clock import SimClock, run_simulated


def test_sleepers_wake_in_order_of_their_due_times():
    clock = SimClock("2026-01-01T00:00:00Z")
    woken: list[tuple[str, str]] = []

    async def sleeper(name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append((name, clock.now()))

    async def main() -> None:
        await asyncio.gather(sleeper("c", 3600), sleeper("a", 0.5), sleeper("b", 0.5), sleeper("d", 7200))

    started = time.perf_counter()
    run_simulated(clock, main())
    assert woken == [
        ("a", "2026-01-01T00:00:00.5Z"),
        ("b", "2026-01-01T00:00:00.5Z"),
        ("c", "2026-01-01T01:00:00Z"),
        ("d", "2026-01-01T02:00:00Z"),
    ]
    assert time.perf_counter() - started < PATIENCE_S  # two simulated hours


def test_time_outs_are_simulated_too():
    clock = SimClock("2026-01-01T00:00:00Z")

    async def main() -> None:
        async with asyncio.timeout(30):
            await clock.sleep(31)

    with pytest.raises(TimeoutError):
        run_simulated(clock, main())
    assert clock.now() == "2026-01-01T00:00:30Z"


def test_thread_work_is_done_in_place_and_its_error_arrives():
    clock = SimClock()

    async def main() -> int:
        return await asyncio.to_thread(int, "7") + await asyncio.to_thread(int, "seven")

    with pytest.raises(ValueError, match="seven"):
        run_simulated(clock, main())


def test_a_deadlock_is_an_error_and_not_a_hang():
    async def main() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(InvariantError, match="cannot happen"):
        run_simulated(SimClock(), main())


def test_under_an_ordinary_loop_sleep_moves_the_clock():
    clock = SimClock("2026-01-01T00:00:00Z")
    asyncio.run(clock.sleep(90))
    assert clock.now() == "2026-01-01T00:01:30Z"


def test_time_never_runs_backwards():
    with pytest.raises(InvariantError, match="backwards"):
        SimClock().advance(-1)
