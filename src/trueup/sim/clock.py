"""Time that never passes by itself.

Decides what "now" is in a simulated world and when those who wait go on. A waiting task costs no real time:
`run_simulated` gives asyncio a loop whose idle moments advance this clock to the next due timer, so `sleep`,
`asyncio.timeout` and `asyncio.wait_for` all keep simulated time, and `to_thread` work is done in this thread. Under
an ordinary loop `sleep` only moves the clock forward. Must not know what the world is made of.
"""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from trueup.model.errors import InvariantError
from trueup.model.times import NS_PER_S, from_ns, to_ns

T = TypeVar("T")
START = "2026-11-23T12:00:00Z"


class SimClock:
    """Implements `ports.Clock`."""

    __slots__ = ("_ns", "start_ns")

    def __init__(self, start: str = START) -> None:
        self.start_ns = to_ns(start)
        self._ns = self.start_ns

    def now_ns(self) -> int:
        return self._ns

    monotonic_ns = now_ns  # nobody sets it back

    def now(self) -> str:
        """Now as RFC 3339 text."""
        return from_ns(self._ns)

    def advance(self, duration_ns: int) -> None:
        """Let `duration_ns` pass; time never runs backwards."""
        if duration_ns < 0:
            raise InvariantError("a simulated clock was asked to run backwards: pass a duration of 0 or more")
        self._ns += duration_ns

    async def sleep(self, seconds: float) -> None:
        """Wait `seconds` of simulated time; other tasks run meanwhile."""
        if isinstance(asyncio.get_running_loop(), _SimulatedLoop):
            await asyncio.sleep(seconds)
            return
        self.advance(round(seconds * NS_PER_S))
        await asyncio.sleep(0)


class _SimulatedSelector(selectors.SelectSelector):
    """Waits for nothing: an idle loop moves the clock to its next timer. No file is ever ready."""

    def __init__(self, clock: SimClock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise InvariantError("every simulated task waits for something that cannot happen any more")
        if timeout > 0:
            self._clock.advance(max(1, round(timeout * NS_PER_S)))
        return []


class _SimulatedLoop(asyncio.SelectorEventLoop):
    def __init__(self, clock: SimClock, thread_delay_s: Callable[[], float]) -> None:
        super().__init__(_SimulatedSelector(clock))
        self._clock = clock
        self._thread_delay_s = thread_delay_s

    def time(self) -> float:
        return (self._clock.now_ns() - self._clock.start_ns) / NS_PER_S

    def run_in_executor(self, executor: Any, func: Callable[..., T], *args: Any) -> asyncio.Future[T]:  # type: ignore[override]
        """Work for a thread is done in this one, at once or when its delay has passed: an order a seed can repeat."""
        future: asyncio.Future[T] = self.create_future()
        delay_s = self._thread_delay_s()
        if delay_s > 0:
            self.call_later(delay_s, _do, future, func, args)
        else:
            _do(future, func, args)
        return future

    def call_soon_threadsafe(  # type: ignore[override]
        self, callback: Callable[..., object], *args: Any, context: Any = None
    ) -> asyncio.Handle:
        return self.call_soon(callback, *args, context=context)  # there is one thread only


def _do(future: asyncio.Future[T], func: Callable[..., T], args: tuple[Any, ...]) -> None:
    if future.done():  # whoever waited for it has given up
        return
    try:
        future.set_result(func(*args))
    except BaseException as error:  # noqa: BLE001 - handed on to whoever awaits the future
        future.set_exception(error)


def run_simulated(
    clock: SimClock, main: Coroutine[Any, Any, T], *, thread_delay_s: Callable[[], float] = lambda: 0
) -> T:
    """Run `main` to its end in simulated time and return its result; raises what it raises.

    `thread_delay_s`: how long the thread that a task asks for takes to start, drawn for each.
    """
    loop = _SimulatedLoop(clock, thread_delay_s)
    try:
        return loop.run_until_complete(main)
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
