"""The system's clock. The only place of the service that knows what time it really is."""

import asyncio
import time


class SystemClock:
    """Implements `ports.Clock`."""

    def now_ns(self) -> int:
        return time.time_ns()

    def monotonic_ns(self) -> int:
        return time.monotonic_ns()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
