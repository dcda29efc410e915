"""`trueup run`: repeats every account on its schedule, a bounded number at a time.

Rules: an account that fails or waits delays no other: while it waits for its venue it holds no place among those that
work, and while it fails it is asked less and less often, at least every five minutes. The time between two runs of an
account is the interval, moved by jitter so that accounts do not march in step, and shorter where the venue's stream
hints. Processes that share a database share the accounts, each run by one of them. A stop lets what runs finish and
frees its leases, a second one cancels it (a transaction still commits or rolls back whole).
"""

import asyncio
import contextlib
import logging
import random
import signal
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from trueup.engine.events import Event, log_event
from trueup.engine.run.account import AccountReport, ManagedAccount
from trueup.engine.run.alerts import AlertBook
from trueup.engine.run.hints import Hints
from trueup.engine.run.plan_profiles import error_text
from trueup.engine.run.run_account import DueInS, contended, reconcile_account
from trueup.engine.run.slots import Slots
from trueup.engine.run.together import Together
from trueup.model.errors import RestartNeeded, TrueupError
from trueup.model.times import NS_PER_S
from trueup.notifiers.log import LogNotifier
from trueup.ports.clock import Clock
from trueup.ports.records import Lease
from trueup.service.claims import Claims
from trueup.service.config import ServiceConfig

if TYPE_CHECKING:
    from trueup.service.alerts.open_alerts import Alerting
    from trueup.service.metrics import Metrics

LOOK_AGAIN_S = 0.05  # at what another process claims or frees at this moment
BACK_OFF_MAX_S = 300.0  # the longest pause of an account that fails
DOUBLINGS_MAX = 32  # a bound: of 1 ns they make four seconds
DUE_WITHIN_S = 3 * BACK_OFF_MAX_S
SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Service:
    """Runs accounts until it is stopped. `settings`: interval, jitter, how many at a time, dry or applying.

    `alerts` null: told to the log, as often as `settings` say. `alerting`: tells people too. `metrics` null:
    none. `jitter`: the source of
    randomness, seeded in tests.
    """

    def __init__(
        self,
        accounts: Sequence[ManagedAccount],
        settings: ServiceConfig,
        clock: Clock,
        *,
        alerts: AlertBook | None = None,
        alerting: "Alerting | None" = None,
        metrics: "Metrics | None" = None,
        jitter: random.Random | None = None,
    ) -> None:
        self.counts: Counter[str] = Counter()  # runs by how they ended; contentions
        self._accounts = accounts
        self._settings = settings
        self._clock = clock
        self._alerting = alerting
        told = alerts if alerting is None else alerting.book
        self._alerts = told or _told_to_the_log(accounts, settings)
        self._metrics = metrics
        self._jitter = jitter or random.Random()  # noqa: S311 - spreads load, guards nothing
        self._claims = _claims_of(accounts, settings)
        self._slots = Slots(settings.profiles_at_a_time)
        self._together = Together()
        self._failures: Counter[str] = Counter()  # runs in a row that could judge nothing, by account id
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._broken: RestartNeeded | None = None

    async def run(self) -> None:
        """Repeats every account until `stop`. Returns when the last run has ended and its lease is free.

        Raises RestartNeeded where the ledger is no longer the one that was opened.
        """
        log_event(Event.SERVICE_STARTED, {"accounts": len(self._accounts), "apply": self._settings.apply})
        self._tasks = [asyncio.create_task(self._repeat(account)) for account in self._accounts]
        try:
            await self._all_ended()
        except asyncio.CancelledError:
            for task in self._tasks:
                task.cancel()
            await self._all_ended()
            raise
        finally:
            log_event(Event.SERVICE_STOPPED, dict(self.counts))
        self._raise_broken()

    async def run_once(self) -> list[AccountReport]:
        """Every account once, a bounded number at a time; in the accounts' order."""
        reports = await asyncio.gather(*(self._run_in_turn(account) for account in self._accounts))
        self._raise_broken()
        return list(reports)

    def stop(self) -> None:
        """The first call lets the current runs finish; a second one cancels them."""
        if self._stopping.is_set():
            for task in self._tasks:
                task.cancel()
        self._stopping.set()

    @contextlib.contextmanager
    def stopped_by_signals(self) -> Iterator[None]:
        """Within it SIGTERM and SIGINT call `stop`."""
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.add_signal_handler(number, self.stop)
        try:
            yield
        finally:
            for number in SIGNALS:
                loop.remove_signal_handler(number)

    def _raise_broken(self) -> None:
        if self._broken is not None:
            raise self._broken

    async def _all_ended(self) -> None:
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _repeat(self, account: ManagedAccount) -> None:
        hints = Hints(account, self._clock)
        listener = asyncio.create_task(hints.listen())
        try:
            await self._wait(self._jitter.random() * self._settings.jitter * self._settings.interval_s)
            hasty = True  # who starts wants to know at once how things stand
            while not self._stopping.is_set():
                wait_s = await self._take_turn(account, hasty=hasty)
                hasty = await self._until_due(hints, wait_s)
        finally:
            listener.cancel()

    async def _take_turn(self, account: ManagedAccount, *, hasty: bool) -> float:
        """Runs the account where it is due and no other process has it. Returns after how long to look again."""
        spread = 1 + self._settings.jitter * (2 * self._jitter.random() - 1)
        account_id = account.account_id

        def due_in_s(report: AccountReport) -> float:
            return spread * self._pause_s(0 if report.failure is None else self._failures[account_id] + 1)

        async with self._slots:
            if self._stopping.is_set() or self._claims is None:
                return 0.0
            try:
                turn = await self._claims.turn(account_id, hasty=hasty)
            except TrueupError:
                await self._run(account, None, due_in_s)  # meets the same fault, and reports it
                return spread * self._pause_s(self._failures[account_id])
            if turn.lease is not None:
                self._failures[account_id] = turn.lease.failures  # another process may have had it meanwhile
                await self._run(account, turn.lease, due_in_s)
                return spread * self._pause_s(self._failures[account_id])
        if turn.held:
            self._note(contended(account), 0)
        return min(max(turn.wait_s, LOOK_AGAIN_S), spread * self._pause_s(self._failures[account_id]))

    async def _until_due(self, hints: Hints, wait_s: float) -> bool:
        """That long; or less where a hint comes: then until what it tells of is no longer recent."""
        await self._wait(wait_s, hints.came)
        if not hints.came.is_set():
            return False
        await hints.settled(self._wait, self._stopping.is_set)
        return True

    def _pause_s(self, failures: int) -> float:
        """The interval; doubled for each run in a row that could judge nothing, up to `BACK_OFF_MAX_S`."""
        interval_s = self._settings.interval_s
        return min(interval_s * 2.0 ** min(failures, DOUBLINGS_MAX), max(interval_s, BACK_OFF_MAX_S))

    def _note_failure(self, report: AccountReport) -> None:
        if report.failure is not None:
            self._failures[report.account_id] += 1
        elif not report.contended:
            del self._failures[report.account_id]

    async def _run_in_turn(self, account: ManagedAccount) -> AccountReport:
        async with self._slots:
            if self._stopping.is_set():
                return AccountReport(
                    account_id=account.account_id, processed=False, error="the service is stopping"
                )
            return await self._run(account)

    async def _run(
        self, account: ManagedAccount, lease: Lease | None = None, due_in_s: DueInS | None = None
    ) -> AccountReport:
        began_ns = self._clock.monotonic_ns()
        try:
            report = await reconcile_account(
                account,
                apply=self._settings.apply,
                alerts=self._alerts,
                lease=lease,
                due_in_s=due_in_s,
                together=self._together,
            )
        except RestartNeeded as error:
            self._broken = error
            self._stopping.set()
            report = AccountReport(account_id=account.account_id, processed=False, error=error_text(error))
        except Exception as error:  # noqa: BLE001 - the last boundary: one account must not end the service
            fields = {"account_id": account.account_id}
            account.said.log(
                self._clock.monotonic_ns(), Event.RUN_FAILED, fields, level=logging.ERROR, error=error
            )
            report = AccountReport(account_id=account.account_id, processed=False, error=error_text(error))
        self._note(report, (self._clock.monotonic_ns() - began_ns) / NS_PER_S)
        return report

    def _note(self, report: AccountReport, took_s: float) -> None:
        if self._alerting is not None:
            self._alerting.after_run(report)
        if self._metrics is not None:
            self._metrics.note(report, took_s)
        self._note_failure(report)
        self.counts["contended"] += report.contended
        self.counts.update(profile.state.value for profile in report.profiles)

    async def _wait(self, seconds: float, hinted: asyncio.Event | None = None) -> None:
        """Until the time has passed, a hint has come, or a stop is wanted."""
        events = [self._stopping] if hinted is None else [self._stopping, hinted]
        waits = [
            asyncio.ensure_future(self._clock.sleep(seconds)),
            *(asyncio.create_task(event.wait()) for event in events),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()


def _claims_of(accounts: Sequence[ManagedAccount], settings: ServiceConfig) -> Claims | None:
    if not accounts:
        return None
    longest_s = settings.interval_s * (1 + settings.jitter)
    return Claims(accounts[0].ledger.journal, settings.lease_ttl_s, max(2 * longest_s, DUE_WITHIN_S))


def _told_to_the_log(accounts: Sequence[ManagedAccount], settings: ServiceConfig) -> AlertBook | None:
    """A service that says nothing of what stands would leave it alone silently."""
    if not accounts:
        return None
    return AlertBook(
        LogNotifier(), accounts[0].ledger.journal, settings.alert_throttle_s, settings.watchdog_throttle_s
    )
