"""One worker of the fleet: takes a shard's message, claims its accounts' leases in one statement, runs them.

Rules: who may work on an account is its lease's to say, and what a run writes is fenced, so a message that comes twice
or late finds nothing to do. The next message is taken when every account of the last has begun: a venue that hangs
holds only its shard. Where messages pile up, all intervals are stretched alike, but not of accounts with open breaks.
Where the broker is gone, the due times in the database say whose turn it is; they do so, too, for whoever was passed
over. Must not know what a run does, nor how an account is opened.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import msgspec
from msgspec import Struct

from trueup.engine.events import Event, log_event
from trueup.engine.holder import new_holder
from trueup.engine.in_thread import in_thread
from trueup.engine.run.account import AccountReport, ManagedAccount
from trueup.engine.run.alerts import AlertBook
from trueup.engine.run.run_account import DueInS, reconcile_account
from trueup.engine.run.slots import Slots
from trueup.engine.run.together import Together
from trueup.fleet.broker import Broker, BrokerGone, Delivery
from trueup.fleet.hearing import Hearing
from trueup.fleet.open_cache import OpenCache
from trueup.fleet.pressure import Pressure
from trueup.model.errors import FenceLost, RestartNeeded, TrueupError
from trueup.model.times import NS_PER_S
from trueup.ports.clock import Clock
from trueup.ports.journal import Journal
from trueup.ports.records import Attempt, Lease
from trueup.ports.roster import Claimed, Roster

WAIT_S = 1.0  # for a message, before looking at what else there is to do
HEARTBEAT_S = 5.0
GONE_AFTER_S = 3600.0  # a worker that was not seen for so long is forgotten
RETRY_S = 5.0  # a shard whose database did not answer
STEADY_S = 5.0  # without a fault, the broker is there again
POLL_S = 1.0  # of the due times, while there is no broker
STARVED_INTERVALS = 3  # overdue by so many, an account was passed over
OVERDUE_AT_ONCE = 16
BACK_OFF_MAX_S = 300.0  # the longest pause of an account that fails
DOUBLINGS_MAX = 32
DUE_WITHIN_INTERVALS = 3  # a due time later than that was set by a clock put back since


@dataclass(frozen=True, kw_only=True)
class WorkerSettings:
    """`at_a_time`: how many accounts are worked on at the same time; who waits for a venue is not counted.

    `hears_streams`: the venues' streams of accounts that are kept open make them run soon.
    """

    interval_s: float
    lease_ttl_s: float
    at_a_time: int
    apply: bool
    version: str = ""
    hears_streams: bool = False


class WorkerSays(Struct, frozen=True, kw_only=True):
    """What a worker tells of itself with each heartbeat. `degraded`: why it goes by the due times; null: it does not.

    `stretch`: intervals are so many times as long as configured; `starved`: shards that it found passed over.
    """

    version: str
    shards: int
    accounts_open: int
    runs: int
    stretch: float = 1.0
    starved: int = 0
    degraded: str | None = None


@dataclass
class _Heard:
    """What happened since the start, which was at `since_ns`."""

    since_ns: int
    runs: int = 0
    starved: int = 0
    degraded: str | None = None
    gone_ns: int = 0  # when the broker did not answer last


class Reconcile(Protocol):
    """What a run is: `engine.run.run_account.reconcile_account`, or what stands around it."""

    async def __call__(
        self,
        account: ManagedAccount,
        *,
        apply: bool = False,
        alerts: AlertBook | None = None,
        lease: Lease | None = None,
        due_in_s: DueInS | None = None,
        together: Together | None = None,
    ) -> AccountReport: ...


class FleetWorker:
    """Runs shards until it is stopped or drained.

    `on_report` hears of every run: its report, how long it took and how late it began, in seconds.
    """

    def __init__(
        self,
        name: str,
        broker: Broker,
        roster: Roster,
        journal: Journal,
        accounts: OpenCache,
        settings: WorkerSettings,
        clock: Clock,
        *,
        alerts: AlertBook | None = None,
        on_report: Callable[[AccountReport, float, float], None] = lambda report, took_s, late_s: None,
        reconcile: Reconcile = reconcile_account,
        dice: random.Random | None = None,
    ) -> None:
        self.name = name
        self._reconcile = reconcile
        self._broker = broker
        self._roster = roster
        self._journal = journal
        self._accounts = accounts
        self._settings = settings
        self._clock = clock
        self._alerts = alerts
        self._on_report = on_report
        self._dice = dice or random.Random()  # noqa: S311 - spreads load, guards nothing
        self._slots = Slots(settings.at_a_time)
        self._together = Together()
        self._pressure = Pressure(settings.interval_s)
        self._heard = _Heard(clock.now_ns())
        self._running: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()
        self._broken: RestartNeeded | None = None
        if settings.hears_streams:
            accounts.hearing = Hearing(clock, self._run_soon)

    async def run(self) -> None:
        """Until `stop`, or until somebody drains it; what runs is finished. Raises RestartNeeded."""
        log_event(Event.SERVICE_STARTED, {"worker": self.name, "apply": self._settings.apply})
        beating = asyncio.create_task(self._beat())
        try:
            while not self._stopping.is_set():
                await self._take_one()
            if self._running:
                await asyncio.wait(self._running)
        except BaseException:  # what ends it, ends all that it runs
            for task in self._running:
                task.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)
            raise
        finally:
            beating.cancel()
            await asyncio.gather(beating, return_exceptions=True)
            await self._leave()
        if self._broken is not None:
            raise self._broken

    def stop(self) -> None:
        """The first call lets the current runs finish; a second one cancels them."""
        if self._stopping.is_set():
            for task in self._running:
                task.cancel()
        self._stopping.set()

    # -- whose turn it is ---------------------------------------------------------------------------------------------

    async def _take_one(self) -> None:
        try:
            delivery = await self._broker.next(WAIT_S)
        except BrokerGone as gone:
            self._heard.gone_ns = self._clock.now_ns()
            self._note_degraded(str(gone))
            await self._run_overdue(0.0)
            await self._wait(POLL_S)
            return
        quiet_s = (self._clock.now_ns() - self._heard.gone_ns) / NS_PER_S
        if delivery is not None or quiet_s > STEADY_S:  # a cluster that elects a leader comes and goes
            self._note_degraded(None)
        if delivery is None:
            return
        if self._stopping.is_set():
            await delivery.again(0)
            return
        await self._begin(delivery.shard, delivery, delivery.hasty)

    async def _count_shards(self) -> int:
        sizes = await in_thread(self._roster.sizes)
        return len({one.shard for one in sizes})

    async def _run_overdue(self, late_by_s: float) -> int:
        """What has been due for so long is run without a message; how many shards that were."""
        try:
            shards = await in_thread(self._roster.overdue_shards, late_by_s, OVERDUE_AT_ONCE)
        except TrueupError as error:
            self._note_fault(error)
            return 0
        self._dice.shuffle(shards)  # other workers see the same ones
        for shard in shards:
            if not self._stopping.is_set():
                await self._begin(shard, None, ())
        return len(shards)

    async def _run_soon(self, account_id: str) -> None:
        """Something happened there: it is due whatever the journal says, unless another runs it just now."""
        if self._stopping.is_set():
            return
        try:
            rows = await in_thread(self._roster.accounts, [account_id])
        except TrueupError as error:
            self._note_fault(error)
            return
        for row in rows:
            await self._begin(row.shard, None, (account_id,))

    async def _begin(self, shard: int, delivery: Delivery | None, hasty: tuple[str, ...]) -> None:
        """Returns when every account of the shard has begun, or there is nothing to do."""
        begun = asyncio.Event()
        task = asyncio.create_task(self._work(shard, delivery, hasty, begun))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        task.add_done_callback(_take_note)
        await begun.wait()

    # -- a shard ------------------------------------------------------------------------------------------------------

    async def _work(
        self, shard: int, delivery: Delivery | None, hasty: tuple[str, ...], begun: asyncio.Event
    ) -> None:
        keeping = None if delivery is None else asyncio.create_task(self._keep(delivery))
        try:
            if delivery is not None:
                await self._pressure.note(delivery.waiting, self._count_shards)
            await self._run_shard(shard, hasty, begun, is_called=delivery is not None)
            if delivery is not None:
                await delivery.done()
        except Exception as error:  # noqa: BLE001 - the boundary around one shard
            self._note_fault(error)
            if delivery is not None:
                await delivery.again(RETRY_S)
            await self._wait(POLL_S)
        finally:
            begun.set()
            if keeping is not None:
                keeping.add_done_callback(_take_note)
                keeping.cancel()

    async def _keep(self, delivery: Delivery) -> None:
        """As long as the shard runs, its message is nobody else's."""
        while True:
            await self._clock.sleep(self._settings.lease_ttl_s / 3)
            await delivery.working()

    async def _run_shard(
        self, shard: int, hasty: tuple[str, ...], begun: asyncio.Event, *, is_called: bool
    ) -> None:
        """`hasty`: they are due whatever the journal says; `is_called`: a message has come."""
        settings = self._settings
        late_by_s, early_s = self._due(is_called=is_called, is_hasty=bool(hasty))
        claimed_ns = self._clock.now_ns()
        claims = await in_thread(
            self._roster.claim_shard,
            shard,
            new_holder(),
            settings.lease_ttl_s,
            due_within_s=max(DUE_WITHIN_INTERVALS * settings.interval_s, 3 * BACK_OFF_MAX_S),
            late_by_s=late_by_s,
            early_s=early_s,
            hasty=hasty,
        )
        accounts = await self._accounts.take({one.lease.account_id: one.version for one in claims})
        waiting = len(claims)

        def one_began() -> None:
            nonlocal waiting
            waiting -= 1
            if waiting <= 0:
                begun.set()

        runs = [self._run_claimed(one, accounts, claimed_ns, one_began) for one in claims]
        await asyncio.gather(*runs)

    def _due(self, *, is_called: bool, is_hasty: bool) -> tuple[float, float]:
        """For how long accounts must have been due; and within how long, where they have open breaks."""
        pressure = self._pressure
        if is_hasty:  # the others of the shard are not called
            return max(pressure.late_by_s, -pressure.early_s), pressure.early_s
        if is_called:
            return pressure.late_by_s, pressure.called_early_s
        return -pressure.early_s, pressure.early_s  # nobody knows what waits: nothing is stretched

    async def _run_claimed(
        self,
        claim: Claimed,
        accounts: Mapping[str, ManagedAccount],
        claimed_ns: int,
        began: Callable[[], None],
    ) -> None:
        """In a place among those that work. One that could not be opened is asked again later."""
        account_id = claim.lease.account_id
        account = accounts.get(account_id)
        try:
            async with self._slots:
                began()
                fresh = await self._fresh(claim, claimed_ns)
                if fresh is None:
                    return
                if account is None:
                    await self._release_unopened(fresh)
                    return
                await self._run_account(account, fresh, claimed_ns)
        finally:
            if account is not None:
                self._accounts.give_back(account_id)

    async def _fresh(self, claim: Claimed, claimed_ns: int) -> Claimed | None:
        """Renewed, where it waited for its place for half of its time; null where another has it by now."""
        ttl_s = self._settings.lease_ttl_s
        if self._clock.now_ns() - claimed_ns < ttl_s / 2 * NS_PER_S:
            return claim
        try:
            lease = await in_thread(self._journal.renew_lease, claim.lease, ttl_s)
        except FenceLost:
            log_event(Event.LEASE_LOST, {"account_id": claim.lease.account_id}, level=logging.WARNING)
            return None
        return msgspec.structs.replace(claim, lease=lease)

    async def _run_account(self, account: ManagedAccount, claim: Claimed, claimed_ns: int) -> None:
        began_ns = self._clock.now_ns()

        def due_in_s(report: AccountReport) -> float:
            spent_s = (self._clock.now_ns() - claimed_ns) / NS_PER_S
            failures = 0 if report.failure is None else claim.lease.failures + 1
            return max(0.0, self._pause_s(failures) - spent_s)

        try:
            report = await self._reconcile(
                account,
                apply=self._settings.apply,
                alerts=self._alerts,
                lease=claim.lease,
                due_in_s=due_in_s,
                together=self._together,
            )
        except RestartNeeded as error:
            self._broken = error
            self._stopping.set()
            return
        except Exception as error:  # noqa: BLE001 - the last boundary: one account must not end the worker
            fields = {"account_id": account.account_id}
            account.said.log(
                account.clock.monotonic_ns(), Event.RUN_FAILED, fields, level=logging.ERROR, error=error
            )
            return
        self._heard.runs += 1
        self._on_report(report, (self._clock.now_ns() - began_ns) / NS_PER_S, claim.late_s)

    async def _release_unopened(self, claim: Claimed) -> None:
        pause_s = self._pause_s(claim.lease.failures + 1)
        attempt = Attempt(failure="it cannot be opened: see its worker's log")
        await in_thread(self._journal.release_lease, claim.lease, {}, pause_s, attempt)

    def _pause_s(self, failures: int) -> float:
        """The interval; doubled for each run in a row that could judge nothing."""
        interval_s = self._settings.interval_s
        return min(interval_s * 2.0 ** min(failures, DOUBLINGS_MAX), max(interval_s, BACK_OFF_MAX_S))

    # -- telling ------------------------------------------------------------------------------------------------------

    async def _beat(self) -> None:
        """Says that it lives, hears whether it is to end, and looks for shards that were passed over."""
        while True:
            try:
                says = msgspec.json.encode(self.says()).decode()
                if await in_thread(self._roster.worker_seen, self.name, says):
                    self._stopping.set()
            except TrueupError as error:
                self._note_fault(error)
            else:
                await self._feed_starved()
            await self._clock.sleep(HEARTBEAT_S)

    async def _feed_starved(self) -> None:
        if self._stopping.is_set() or self._heard.degraded is not None:
            return
        late_by_s = STARVED_INTERVALS * self._pressure.stretch * self._settings.interval_s
        starved = await self._run_overdue(late_by_s)
        if (self._clock.now_ns() - self._heard.since_ns) / NS_PER_S < late_by_s:
            return  # overdue because nobody was there
        if starved and not self._heard.starved:
            fields = {"worker": self.name, "shards": starved, "late_by_s": late_by_s}
            log_event(Event.FLEET_STARVED, fields, level=logging.ERROR)
        self._heard.starved = starved

    async def _leave(self) -> None:
        try:
            await in_thread(self._roster.worker_gone, self.name, GONE_AFTER_S)
        except TrueupError as error:
            self._note_fault(error)
        log_event(Event.SERVICE_STOPPED, {"worker": self.name, "runs": self._heard.runs})

    def says(self) -> WorkerSays:
        """How it fares."""
        return WorkerSays(
            version=self._settings.version,
            shards=len(self._running),
            accounts_open=len(self._accounts),
            runs=self._heard.runs,
            stretch=round(self._pressure.stretch, 2),
            starved=self._heard.starved,
            degraded=self._heard.degraded,
        )

    def _note_degraded(self, why: str | None) -> None:
        if why is not None and self._heard.degraded is None:
            log_event(Event.FLEET_DEGRADED, {"worker": self.name, "reason": why}, level=logging.ERROR)
        elif why is None and self._heard.degraded is not None:
            log_event(Event.FLEET_RECOVERED, {"worker": self.name})
        self._heard.degraded = why

    def _note_fault(self, error: Exception) -> None:
        if isinstance(error, RestartNeeded):
            self._broken = error
            self._stopping.set()
        log_event(Event.RUN_FAILED, {"worker": self.name}, level=logging.ERROR, error=error)

    async def _wait(self, seconds: float) -> None:
        """Until the time has passed, or a stop is wanted."""
        waits = [
            asyncio.ensure_future(self._clock.sleep(seconds)),
            asyncio.create_task(self._stopping.wait()),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()


def _take_note(task: "asyncio.Task[None]") -> None:
    """What ended it, if anything did, is told already, or ends the whole process."""
    if not task.cancelled():
        task.exception()
