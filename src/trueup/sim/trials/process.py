"""One process of a world: a worker, a bot, a person's command. It can be killed at any await, paused, and cut off.

Decides when a process dies or stands still, counted in the calls that it makes to anything outside itself. What a dead
process asks for does not happen: its cleaning up changes nothing. Must not know what a call is for.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import ContextVar, copy_context
from typing import Any, TypeVar

from trueup.model.errors import LedgerError
from trueup.model.times import NS_PER_S
from trueup.sim.clock import SimClock
from trueup.sim.faults import FaultDice

CALLS_UNTIL_FATE_MAX = 40  # a run makes about 10 to 60 calls
PAUSE_S = (5, 40)  # around a lease's 8 to 30 s
LATE_S_MAX = 5
T = TypeVar("T")
RUNNING: ContextVar["Process | None"] = ContextVar("RUNNING", default=None)


class Killed(BaseException):
    """The process is gone. No code of trueup may catch it."""


class Process:
    """Implements `ports.Clock`: a process has a clock of its own, `skew_ns` apart and ticking as fast as it likes."""

    def __init__(
        self, name: str, clock: SimClock, dice: FaultDice, skew_ns: int = 0, rate: float = 1
    ) -> None:
        self.name = name
        self.alive = True
        self._clock = clock
        self._dice = dice
        self._skew_ns = skew_ns
        self._rate = rate
        self._dies_after: int | None = None  # calls
        self._pauses_after: int | None = None
        self._pause_s = 0
        self._resumes_ns = 0
        self._cut_until_ns = 0

    def now_ns(self) -> int:
        start_ns = self._clock.start_ns
        return start_ns + self._skew_ns + round((self._clock.now_ns() - start_ns) * self._rate)

    monotonic_ns = now_ns

    async def sleep(self, seconds: float) -> None:
        await self._clock.sleep(seconds)

    def draw_fate(self) -> None:
        """Before a run: perhaps it is the last one, or stands still in the middle of it."""
        dice = self._dice
        if dice.strikes("killed"):
            self._dies_after = dice.rng.randint(1, CALLS_UNTIL_FATE_MAX)
        if dice.strikes("paused"):
            self._pauses_after = dice.rng.randint(1, CALLS_UNTIL_FATE_MAX)
            self._pause_s = dice.rng.randint(*PAUSE_S)

    def mend(self) -> None:
        """The database can be reached again."""
        self._cut_until_ns = 0

    def kill(self) -> None:
        self.alive = False

    def call(self) -> None:
        """Before every call to something outside. Raises Killed where this was the last."""
        if self._dies_after is not None:
            self._dies_after -= 1
            if self._dies_after <= 0:
                self.alive = False
        if not self.alive:
            raise Killed(self.name)

    def thread_delay_s(self) -> float:
        """How long from now until the next thread of this process starts to work."""
        if not self.alive:
            return 0
        now_ns = self._clock.now_ns()
        if self._pauses_after is not None:
            self._pauses_after -= 1
            if self._pauses_after <= 0:
                self._pauses_after = None
                self._resumes_ns = now_ns + self._pause_s * NS_PER_S
        if now_ns < self._resumes_ns:
            return (self._resumes_ns - now_ns) / NS_PER_S
        return self._dice.rng.randint(1, LATE_S_MAX) if self._dice.strikes("thread_late") else 0

    def reach_database(self) -> None:
        """Raises LedgerError while this process is cut off from the database."""
        self.call()
        now_ns = self._clock.now_ns()
        if now_ns >= self._cut_until_ns and self._dice.strikes("database_cut"):
            self._cut_until_ns = now_ns + self._dice.lag_ns()
        if now_ns < self._cut_until_ns:
            raise LedgerError("the simulated database cannot be reached: run again")


def thread_delay_s() -> float:
    """The delay of the process that asks."""
    process = RUNNING.get()
    return 0 if process is None else process.thread_delay_s()


async def in_process(process: Process, make_body: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Await what the process does, as its own: its threads are paused and killed with it."""

    async def body() -> T:
        return await make_body()

    context = copy_context()
    context.run(RUNNING.set, process)
    task = asyncio.get_running_loop().create_task(body(), context=context)
    return await task


async def outlive(process: Process, make_body: Callable[[], Coroutine[Any, Any, Any]]) -> None:
    """Await what may die."""
    try:
        await in_process(process, make_body)
    except asyncio.CancelledError:
        raise
    except BaseException as error:  # Killed, alone or in a group
        if isinstance(error, (KeyboardInterrupt, SystemExit, AssertionError)):
            raise
