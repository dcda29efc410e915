"""What a crowd asks for is made once; a change or a fault is not kept."""

import asyncio
import threading

import pytest

from trueup.surfaces.web.shared import KEPT_MAX, Shared


class Maker:
    def __init__(self) -> None:
        self.times = 0
        self.threads: set[str] = set()
        self.fault: Exception | None = None

    def __call__(self) -> int:
        self.times += 1
        self.threads.add(threading.current_thread().name)
        if self.fault is not None:
            raise self.fault
        return self.times


def test_a_crowd_is_served_by_one_making() -> None:
    async def crowd() -> list[int]:
        shared, make = Shared(lambda: 0.0), Maker()
        found = await asyncio.gather(*(shared.once("page", make) for _ in range(50)))
        assert make.threads.pop().startswith("pages")
        return found

    assert asyncio.run(crowd()) == [1] * 50


def test_it_is_kept_for_a_moment_and_forgotten_when_something_changed() -> None:
    async def ask() -> list[int]:
        now = [0.0]
        shared, make = Shared(lambda: now[0]), Maker()
        found = [await shared.once("page", make)]
        now[0] = 1.0
        found.append(await shared.once("page", make))
        now[0] = 1.1
        found.append(await shared.once("page", make))
        shared.forget()
        found.append(await shared.once("page", make))
        return [*found, await shared.once("another", make)]

    assert asyncio.run(ask()) == [1, 1, 2, 3, 4]


def test_a_fault_is_told_to_who_asked_and_not_kept() -> None:
    async def ask() -> int:
        shared, make = Shared(lambda: 0.0), Maker()
        make.fault = ValueError("unreadable")
        for _ in range(2):
            with pytest.raises(ValueError, match="unreadable"):
                await shared.once("page", make)
        make.fault = None
        return await shared.once("page", make)

    assert asyncio.run(ask()) == 3


def test_no_more_is_kept_than_its_bound() -> None:
    async def ask() -> list[int]:
        shared, make = Shared(lambda: 0.0), Maker()
        for number in range(KEPT_MAX + 1):
            await shared.once(number, make)
        return [await shared.once(KEPT_MAX, make), await shared.once(0, make)]

    assert asyncio.run(ask()) == [KEPT_MAX + 1, KEPT_MAX + 2]
