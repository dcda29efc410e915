"""Time: UTC now, time that passes, and waiting."""

from collections.abc import Awaitable
from typing import Protocol


class Clock(Protocol):
    """UTC now, time that passes, and waiting. The simulator's clock never passes by itself."""

    def now_ns(self) -> int:
        """Nanoseconds since 1970, UTC: a moment, comparable with others' moments. It may be set forward and back."""
        ...

    def monotonic_ns(self) -> int:
        """For what lasts: a pause, a time-out, a window. It only passes, whatever becomes of `now_ns`."""
        ...

    def sleep(self, seconds: float) -> Awaitable[None]:
        """Returns when so much of this clock's time has passed."""
        ...
