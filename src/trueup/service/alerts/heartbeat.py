"""A dead-man's switch by healthchecks.io's protocol: somebody outside hears when trueup falls silent.

Rules: a ping says that every profile that is not paused has had a complete run within its objective, whichever process
made it; so it is sent only after a run, and never while one profile waits or one account fails. A failure is told once
when it begins (`/fail`, with the reason). Workers of a fleet share one check: whoever has made a run pings for all of
the roster, and another worker's run may end a failure. `/start` is not sent: it measures one job, and here the runs of
many accounts overlap. A ping that does not arrive is no fault of a run.
"""

import logging
from collections.abc import Callable
from urllib.parse import urlsplit, urlunsplit

from trueup.engine.events import Event
from trueup.engine.in_thread import in_thread
from trueup.engine.run.account import AccountReport
from trueup.engine.run.said import Said
from trueup.model.errors import LedgerError, TrueupError
from trueup.model.times import NS_PER_S
from trueup.ports.clock import Clock
from trueup.service.health import Health
from trueup.webhooks.post import Poster

REASON_BYTES_MAX = 500


class Heartbeat:
    """`url`: of the check. `health`: of everybody whom it stands for. `every_s`: the least time between two pings.

    `alone`: nobody else runs these accounts, so that a failure lasts until a run of this process ends it.
    """

    def __init__(
        self,
        url: str,
        health: Callable[[], Health],
        every_s: float,
        clock: Clock,
        poster: Poster,
        *,
        alone: bool = True,
    ) -> None:
        self._url = url
        self._health = health
        self._alone = alone
        self._every_ns = round(every_s * NS_PER_S)
        self._clock = clock
        self._poster = poster
        self._said = Said()  # of pings that did not arrive
        self._pinged_ns: int | None = None
        self._failing: set[str] = set()
        self._untold: dict[str, str] = {}  # failures that began, by account id, with their reasons
        self._has_run = False  # since the last ping

    def note(self, report: AccountReport) -> None:
        """After each run of an account."""
        failure = report.failure
        if failure is not None:
            if report.account_id not in self._failing:
                self._failing.add(report.account_id)
                self._untold[report.account_id] = failure
            return
        self._failing.discard(report.account_id)
        self._has_run |= report.processed

    async def beat(self) -> None:
        """Sends what is to be sent. Raises nothing."""
        while self._untold:
            account_id, reason = self._untold.popitem()
            await self._send("/fail", f"{account_id}: {reason}".encode()[:REASON_BYTES_MAX])
        waits = self._alone and self._failing
        if self._has_run and not waits and self._is_due() and await self._all_complete():
            self._has_run, self._pinged_ns = False, self._clock.now_ns()
            await self._send("", b"")

    async def aclose(self) -> None:
        await self._poster.aclose()

    def _is_due(self) -> bool:
        return self._pinged_ns is None or self._clock.now_ns() - self._pinged_ns >= self._every_ns

    async def _all_complete(self) -> bool:
        try:
            health = await in_thread(self._health)
        except LedgerError:
            return False
        return health.ready and not health.failing and any(one.ready for one in health.profiles)

    async def _send(self, ending: str, body: bytes) -> None:
        try:
            await self._poster.post(_ending_with(self._url, ending), body, {"Content-Type": "text/plain"})
        except TrueupError as error:
            fields = {"notifier": "ping", "reason": str(error)}
            now_ns = self._clock.monotonic_ns()
            self._said.log(now_ns, Event.ALERT_FAILED, fields, level=logging.WARNING)


def _ending_with(url: str, ending: str) -> str:
    """The address with a further part of its path; what is asked for behind `?` stays."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=parts.path.rstrip("/") + ending))
