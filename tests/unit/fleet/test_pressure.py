"""By how much intervals are stretched."""

import asyncio

import pytest

from trueup.fleet.pressure import Pressure


async def ten_shards() -> int:
    return 10


@pytest.mark.parametrize(
    ("waiting", "stretch", "late_by_s"),
    [
        (0, 1.0, -45.0),  # three quarters of the interval early is in time, for its message has come
        (10, 1.0, -45.0),  # a message a shard is what one interval brings
        (11, 1.1, -9.0),  # then a quarter
        (25, 2.5, 75.0),
        (40, 4.0, 165.0),
    ],
)
def test_so_many_messages_a_shard_wait_so_many_intervals_pass(
    waiting: int, stretch: float, late_by_s: float
) -> None:
    pressure = Pressure(60)
    asyncio.run(pressure.note(waiting, ten_shards))
    assert pressure.stretch == stretch
    assert pressure.late_by_s == pytest.approx(late_by_s)


def test_shards_are_counted_now_and_then_only() -> None:
    counted = 0

    async def count() -> int:
        nonlocal counted
        counted += 1
        return 10

    async def take(messages: int) -> None:
        pressure = Pressure(60)
        for _ in range(messages):
            await pressure.note(5, count)

    asyncio.run(take(201))
    assert counted == 2
