"""Delivers what people are to be told, from the journal: each notifier at its own pace, one slow one delays no other.

Rules: a message is claimed before it is sent, so that of several processes one sends it; what was sent and not settled
(the process died, the answer was lost) is sent again, and says that it may have been told before. One that is refused
is tried again with growing waits; after the last try it is given up, which the log says and `trueup alerts list`. The
same fault of the same notifier is logged once, and again every ten minutes.
"""

import asyncio
import contextlib
import logging
from collections.abc import Mapping, Sequence

from trueup.engine.events import Event, log_event
from trueup.engine.in_thread import in_thread
from trueup.engine.run.said import Said
from trueup.model.alert_message import AlertMessage
from trueup.model.errors import LedgerError
from trueup.model.times import NS_PER_S, to_ns
from trueup.ports.clock import Clock
from trueup.ports.journal import Journal
from trueup.ports.notifier import Notifier, NotTold
from trueup.ports.records import Delivery, NewDelivery

ATTEMPTS_MAX = 30  # with the waits below some four hours
FIRST_WAIT_S = 1.0
WAIT_MAX_S = 600.0
LOOK_EVERY_S = 30.0  # at what another process committed
CLAIM_TIMEOUTS = 1.5  # a claim outlives the call that it is for
ROUNDS_MAX = 1000  # of one delivery; the rest waits for the next


class Teller:
    """`notifiers`, by name. `timeout_s`: how long one call may take."""

    def __init__(
        self, journal: Journal, notifiers: Mapping[str, Notifier], clock: Clock, timeout_s: float
    ) -> None:
        self._journal = journal
        self._notifiers = notifiers
        self._clock = clock
        self._timeout_s = timeout_s
        self._said = Said()  # of what could not be told
        self._woken = asyncio.Event()
        self._is_stopping = False

    def wake(self) -> None:
        """Something may have been committed."""
        self._woken.set()

    def stop(self) -> None:
        """`run` ends when what is due has been tried once more."""
        self._is_stopping = True
        self._woken.set()

    async def run(self) -> None:
        """Delivers what becomes due, until it is stopped."""
        while not self._is_stopping:
            self._woken.clear()
            await self.deliver_due()
            await self._wait()
        await self.deliver_due()

    async def deliver_due(self) -> None:
        """Tries each message that is due, once. Never raises for a notifier, nor for the journal."""
        await asyncio.gather(*(self._deliver_to(*one) for one in self._notifiers.items()))

    async def tell_unwritten(self, deliveries: Sequence[NewDelivery]) -> list[NewDelivery]:
        """At once, for the journal cannot take them. Returns what was not told, or not now."""
        now_ns, left = self._clock.now_ns(), []
        for one in deliveries:
            notifier = self._notifiers.get(one.notifier)
            due = to_ns(one.not_before) <= now_ns
            if notifier is None or not due or await self._send(one.notifier, notifier, [one.message]):
                left.append(one)
        return left

    async def _deliver_to(self, name: str, notifier: Notifier) -> None:
        try:
            for _ in range(ROUNDS_MAX):
                claimed = await in_thread(
                    self._journal.claim_deliveries,
                    name,
                    notifier.at_a_time,
                    CLAIM_TIMEOUTS * self._timeout_s,
                )
                if not claimed:
                    return
                await self._deliver(name, notifier, claimed)
        except LedgerError as error:
            self._said.log(
                self._clock.monotonic_ns(),
                Event.ALERT_FAILED,
                {"notifier": name},
                level=logging.WARNING,
                error=error,
            )

    async def _deliver(self, name: str, notifier: Notifier, claimed: Sequence[Delivery]) -> None:
        fault = await self._send(name, notifier, [one.message for one in claimed])
        if fault is None:
            await in_thread(self._journal.settle_deliveries, claimed)
            return
        attempts = min(one.attempts for one in claimed)
        asked_s = fault.retry_after_s if isinstance(fault, NotTold) else None
        wait_s = min(max(asked_s or 0.0, FIRST_WAIT_S * 2.0 ** min(attempts - 1, 32)), WAIT_MAX_S)
        given_up = await in_thread(
            self._journal.return_deliveries,
            claimed,
            str(fault),
            wait_s,
            is_certain=isinstance(fault, NotTold),
            attempts_max=ATTEMPTS_MAX,
        )
        if given_up:
            fields = {"notifier": name, "given_up": given_up}
            log_event(Event.ALERT_FAILED, fields, level=logging.ERROR)

    async def _send(
        self, name: str, notifier: Notifier, messages: Sequence[AlertMessage]
    ) -> Exception | None:
        """What went wrong, if anything."""
        try:
            async with asyncio.timeout(self._timeout_s):
                await notifier.tell(messages)
        except Exception as error:  # noqa: BLE001 - a notifier may be somebody else's: whatever it raises, this attempt failed
            fields = {
                "notifier": name,
                "messages": len(messages),
                "reason": str(error) or type(error).__name__,
            }
            now_ns = self._clock.monotonic_ns()
            self._said.log(now_ns, Event.ALERT_FAILED, fields, level=logging.WARNING)
            return error
        return None

    async def _wait(self) -> None:
        pause_s = await self._pause_s()
        if not self._is_stopping:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._woken.wait()

    async def _pause_s(self) -> float:
        """Until the next one is due, at most until the next look."""
        try:
            due_at = await in_thread(self._journal.next_delivery_at, list(self._notifiers))
        except LedgerError:
            return LOOK_EVERY_S
        if due_at is None:
            return LOOK_EVERY_S
        left_s = (to_ns(due_at) - self._clock.now_ns()) / NS_PER_S
        return min(max(left_s, FIRST_WAIT_S), LOOK_EVERY_S)
