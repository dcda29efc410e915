"""A worker of a world: trueup's engine in one process, over its own connections, running accounts until it dies.

Decides when a worker runs which account and with which configuration, and how a bot's executor fails. What a run does
is the engine's. Must not judge what it did.
"""

import asyncio
from collections.abc import Callable, Mapping
from random import Random

from msgspec import Struct

from trueup.engine.run.account import AccountReport, ManagedAccount, ManagedProfile
from trueup.engine.run.alerts import AlertBook
from trueup.engine.run.run_account import DueInS, reconcile_account
from trueup.engine.run.together import Together
from trueup.fleet.open_cache import OpenCache
from trueup.fleet.worker import FleetWorker, WorkerSettings
from trueup.ledgers.sql.sql_ledger import SqlLedger
from trueup.model.plan import Alert, Notification, Plan
from trueup.model.policy import Policy
from trueup.ports.records import Lease
from trueup.sim.broker import SimBroker, SimBrokerClient
from trueup.sim.checkers.watch_commits import Evidence
from trueup.sim.clock import SimClock
from trueup.sim.database import Connection
from trueup.sim.faults import FaultDice
from trueup.sim.market.venue import SimVenue
from trueup.sim.network import OTHER_ACCOUNT, SimNetwork
from trueup.sim.trials.managed import AccountExecutor
from trueup.sim.trials.process import Process
from trueup.sim.trials.world import SimAccount, World

EXECUTOR_SLOW_S = 40  # beyond the engine's time-out


class Alerts:
    """Implements `ports.Notifier`: what people were told, by key."""

    def __init__(self) -> None:
        self.told: dict[str, Alert] = {}

    async def alert(self, profile_id: str, alert: Alert) -> None:
        self.told[alert.dedupe_key] = alert


class FrailExecutor(AccountExecutor):
    """The bots' executor, which fails before or after it obeyed, or takes too long."""

    def __init__(self, world: World, account: SimAccount, process: Process) -> None:
        super().__init__([world.profiles[one].bot for one in account.profile_ids])
        self._dice: FaultDice = world.dice
        self._clock: SimClock = world.clock
        self._process = process

    async def obey(self, notification: Notification) -> None:
        self._process.call()
        dice = self._dice
        fails = dice.strikes("executor_failed")
        if fails and dice.rng.random() < 0.5:
            raise ConnectionError("the simulated bot did not take it")
        await super().obey(notification)
        if dice.strikes("notice_doubled"):
            await super().obey(notification)
        if dice.strikes("executor_slow"):
            await self._clock.sleep(EXECUTOR_SLOW_S)
        if fails:
            raise ConnectionError("the simulated bot took it, and its answer was lost")


class Seat(Struct, eq=False):
    """A worker's place at one account: its network, and what the engine runs."""

    network: SimNetwork
    managed: ManagedAccount


class Worker:
    """One process with the engine in it. `on_report` hears of every run."""

    def __init__(
        self,
        world: World,
        process: Process,
        connection: Connection,
        policies: Mapping[str, Policy],
        rng: Random,
        on_report: Callable[["Worker", AccountReport], None],
        *,
        lease_ttl_s: float,
    ) -> None:
        self.process = process
        self.connection = connection
        self.ledger = SqlLedger(connection)
        self.requested: dict[str, Evidence] = {}  # account id → what the present run asked for
        self.seats: dict[str, Seat] = {}
        self._world = world
        self._policies = policies
        self._rng = rng
        self._on_report = on_report
        self._lease_ttl_s = lease_ttl_s
        self._alerts = AlertBook(Alerts(), self.ledger.journal)

    async def run(
        self,
        account_id: str,
        *,
        approved: Mapping[str, Plan] | None = None,
        lease: Lease | None = None,
        due_in_s: DueInS | None = None,
    ) -> AccountReport:
        """One run of one account, as far as it gets."""
        self.process.draw_fate()
        seat = self._seat(account_id)
        seat.network.requests.clear()
        evidence = self.requested[account_id] = Evidence()
        self.connection.on_look_up = lambda commits: setattr(evidence, "looked_up", commits)
        report = await reconcile_account(
            seat.managed,
            apply=True,
            approved=approved,
            alerts=self._alerts,
            lease=lease,
            due_in_s=due_in_s,
        )
        self._on_report(self, report)
        return report

    async def run_forever(self, pause_s: Callable[[], float]) -> None:
        """The accounts in turn, until this process dies."""
        account_ids = list(self._world.accounts)
        self._rng.shuffle(account_ids)
        while True:
            for account_id in account_ids:
                await self.run(account_id)
                await self.process.sleep(pause_s())
                self.process.call()

    async def run_dispatched(self, broker: SimBroker, interval_s: float) -> None:
        """What the broker and the due times say, by the fleet's own worker, until this process dies.

        One run at a time, so that each has its own evidence.
        """
        process, one_at_a_time = self.process, asyncio.Lock()

        async def reconcile(
            account: ManagedAccount,
            *,
            apply: bool = False,
            alerts: AlertBook | None = None,
            lease: Lease | None = None,
            due_in_s: DueInS | None = None,
            together: Together | None = None,
        ) -> AccountReport:
            async with one_at_a_time:
                return await self.run(account.account_id, lease=lease, due_in_s=due_in_s)

        settings = WorkerSettings(
            interval_s=interval_s, lease_ttl_s=self._lease_ttl_s, at_a_time=2, apply=True
        )
        accounts = OpenCache(self.ledger.roster, lambda row: self._seat(row.account_id).managed)
        worker = FleetWorker(
            process.name,
            SimBrokerClient(broker, process),
            self.ledger.roster,
            self.ledger.journal,
            accounts,
            settings,
            process,
            reconcile=reconcile,
            dice=self._rng,
        )
        await worker.run()

    def reload(self) -> None:
        """Take the configuration as it is now."""
        self.seats.clear()

    def _seat(self, account_id: str) -> Seat:
        if account_id not in self.seats or self._rng.random() < 0.1:
            self.seats[account_id] = self._take_seat(self._world.accounts[account_id])
        return self.seats[account_id]

    def _take_seat(self, account: SimAccount) -> Seat:
        world = self._world
        other = SimVenue(world.market, OTHER_ACCOUNT, world.dice)
        network = SimNetwork(account.venue, other, self.process, world.clock, world.dice)
        network.on_request = lambda kind: self._note_request(account.account_id, kind)
        profiles = [
            ManagedProfile(profile=world.profiles[one].profile, policy=self._policies[one])
            for one in account.profile_ids
        ]
        managed = ManagedAccount(
            account_id=account.account_id,
            profiles=profiles,
            venue=network,
            ledger=self.ledger,
            clock=self.process,
            executor=FrailExecutor(world, account, self.process),
            lease_ttl_s=self._lease_ttl_s,
        )
        return Seat(network, managed)

    def _note_request(self, account_id: str, kind: str) -> None:
        evidence, now = self.requested[account_id], self.connection.commits
        evidence.first.setdefault(kind, now)
        evidence.last = now
