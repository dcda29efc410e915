"""Time: UTC now, and waiting."""

from collections.abc import Awaitable
from typing import Protocol


class Clock(Protocol):
    """UTC now, and waiting. The simulator's clock never passes by itself."""

    def now_ns(self) -> int:
        """Nanoseconds since 1970, UTC."""
        ...

    def sleep(self, seconds: float) -> Awaitable[None]:
        """Returns when so much of this clock's time has passed."""
        ...
