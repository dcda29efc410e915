"""A world with workers: several engines, bots and people's commands, each a process, over one shared database.

Decides who runs beside whom, who starts again after dying, what people change at the command line, and when the
database is backed up. Everything is drawn from the seed. Must not judge anything.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from random import Random

from msgspec import Struct

from trueup.engine.recorder.recorder import Recorder
from trueup.engine.run.account import AccountReport, ProfileReport
from trueup.fleet.shards import assign
from trueup.ledgers.sql.sql_ledger import SqlLedger
from trueup.model.errors import InvariantError
from trueup.model.policy import Policy
from trueup.model.times import NS_PER_S
from trueup.ports.roster import FleetAccount
from trueup.sim.bots.books import FrailBooks, attempt
from trueup.sim.bots.correctors import put_right
from trueup.sim.bots.operators import Command, Operators
from trueup.sim.broker import BrokerFaults, SimBroker
from trueup.sim.checkers.watch_commits import CommitWatch
from trueup.sim.clock import SimClock
from trueup.sim.database import Connection, MakeStore, MemoryStore, SharedDatabase
from trueup.sim.faults import FaultDice, Faults
from trueup.sim.trials.process import Process, in_process, outlive
from trueup.sim.trials.worker import Worker
from trueup.sim.trials.world import Shape, World

BACKUP_EVERY_S = 7
RESTART_S_MAX = 12
EVENING_S = (5, 25)  # that bots trade alone
SKEW_S_MAX = 20
RATES = (0.98, 1, 1, 1.03)  # how fast a process's clock ticks


class FleetShape(Struct, frozen=True, kw_only=True):
    """What kind of fleet it is."""

    world: Shape = Shape()
    workers: int = 2
    pause_s: tuple[int, int] = (2, 8)  # of a worker, between two accounts
    lease_ttl_s: float = 30
    interval_s: float | None = (
        None  # of accounts that a broker dispatches; null: each worker runs all in turn
    )
    broker: BrokerFaults = BrokerFaults()


class Fleet:
    """All of it. `on_report` hears of every run; `note` writes a line of the trace."""

    def __init__(
        self, seed: int, shape: FleetShape, faults: Faults, make_store: MakeStore = MemoryStore
    ) -> None:
        self.on_report: Callable[[Worker, AccountReport], None] = lambda worker, report: None
        self.seed = seed
        self.shape = shape
        self.notes: list[tuple[int, str | ProfileReport]] = []  # when, what
        self._watch: CommitWatch | None = None
        self._workers: dict[int, Worker] = {}
        self._by_connection: dict[int, Worker] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self.runs = 0
        clock = SimClock()
        self._bot_faults = FaultDice(f"{seed}/bots' database", Faults())
        dice = FaultDice(f"{seed}/database", Faults())
        self.database = SharedDatabase(clock, dice, make_store)
        bot_process = Process("bots", clock, self._bot_faults)
        self._bots = Connection(self.database, bot_process, self._bot_faults, self._on_commit)
        recording = SqlLedger(self._bots)
        self.world = World(
            seed,
            shape=shape.world,
            clock=clock,
            make_books=lambda profile: FrailBooks(Recorder(recording, profile)),
        )
        self.dice = self.world.dice
        self._rng = Random(f"{seed}/fleet")
        self._process_count = 0
        self.broker = SimBroker(clock, Random(f"{seed}/broker"), BrokerFaults(), shape.lease_ttl_s + 5)
        self.policies: dict[str, Policy] = {one: it.policy for one, it in self.world.profiles.items()}
        self._operators = Operators(
            self.world, self.policies, self._rng, note=self.note, start=self._start_command
        )
        accounts = {one: it.account.account_id for one, it in self.world.profiles.items()}
        self._watch = CommitWatch(self.database.tables, accounts)
        self._storm_faults = faults
        for one in (self.dice, dice, self._bot_faults):
            one.on_hit = lambda name: self.note(f"! {name}")

    @property
    def watch(self) -> CommitWatch:
        if self._watch is None:
            raise InvariantError("the fleet has no world yet: wait until it is made")
        return self._watch

    def state_of(self, profile_id: str) -> tuple[int, int]:
        """Grows with everything that is written to a profile's books."""
        return self.database.generation, self.watch.seq_of(profile_id)

    # Life

    async def first_run(self) -> None:
        """One run of every account before anything fails: the venue's account ids are recorded."""
        worker = self._new_worker("first")
        for account_id in self.world.accounts:
            await in_process(worker.process, partial(worker.run, account_id))
        if self.shape.interval_s is not None:
            self._enrol(worker.ledger, self.shape.interval_s)

    def _enrol(self, ledger: SqlLedger, interval_s: float) -> None:
        """Every account in the roster, each in a shard of its own or all in one, with its schedule."""
        per_shard = self._rng.choice((1, 100))
        sizes = {one: len(account.profile_ids) for one, account in self.world.accounts.items()}
        shards = assign([], sizes, per_shard)
        rows = [FleetAccount(account_id=one, shard=shard, settings="{}") for one, shard in shards.items()]
        ledger.roster.put_accounts(rows, sizes)
        for shard in set(shards.values()):
            self.broker.set_schedule(shard, interval_s)

    def break_loose(self) -> None:
        """From now on everything fails."""
        for dice in (self.dice, self.database.dice, self._bot_faults):
            dice.set(self._storm_faults)
        self.broker.faults = self.shape.broker
        self._bot_faults.rates |= {"killed_in_commit": 0.0}  # bots crash by faults of their own
        for number in range(self.shape.workers):
            self._start(number)

    async def live_for(self, seconds: int) -> None:
        """The world goes on, second by second, and its people with it."""
        for second in range(seconds):
            await self.world.live_for(1)
            if second % BACKUP_EVERY_S == 0 and self._may_lose():
                self.database.back_up()
            self._shake_database()
            self._operators.act()

    async def night(self, seconds: int) -> None:
        """The workers stop before the bots do; nobody trades, no worker runs; in the morning others start."""
        self._stop_workers()
        self.note("the workers stopped")
        await self.live_for(self._rng.randint(*EVENING_S))
        self._stop_workers()
        self.note(f"a night of {seconds} s")
        await asyncio.sleep(seconds)
        for number in range(self.shape.workers):
            self._start(number)

    def heal(self) -> None:
        """No more faults, no more trading; people put right what they changed, and every worker starts afresh."""
        for dice in (self.dice, self.database.dice, self._bot_faults):
            dice.heal()
        self.broker.faults = BrokerFaults()
        self.database.set_clock()
        self.world.rest()
        self._stop_workers()
        self._bots.process.mend()
        for profile_id, profile in self.world.profiles.items():
            self.policies[profile_id] = profile.policy
            profile.bot.register_trades()
        ledger = self._new_worker("healer").ledger
        for profile_id in self.world.profiles:
            ledger.journal.resume_profile(profile_id)
        ledger.journal.unpark_notifications()
        put_right(ledger, list(self.world.profiles))
        self.note("healed")

    async def settled_round(self) -> list[AccountReport]:
        """One run of each account by a worker without faults."""
        worker = self._new_worker("healed")
        return [await in_process(worker.process, partial(worker.run, one)) for one in self.world.accounts]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _stop_workers(self) -> None:
        for task in self._tasks:
            task.cancel()
        for worker in self._workers.values():
            worker.process.kill()
        self._workers.clear()

    def note(self, what: str | ProfileReport) -> None:
        self.notes.append((self.world.clock.now_ns(), what))

    # Processes

    def _start(self, number: int) -> None:
        worker = self._workers[number] = self._new_worker(f"w{number + 1}")
        self.note(f"{worker.process.name} started")
        task = asyncio.get_running_loop().create_task(self._keep(number, worker))
        self._tasks.append(task)

    async def _keep(self, number: int, worker: Worker) -> None:
        """Run a worker until it dies; another one takes its number."""
        pause_s, interval_s = self.shape.pause_s, self.shape.interval_s
        if interval_s is not None:
            await outlive(worker.process, lambda: worker.run_dispatched(self.broker, interval_s))
        else:
            await outlive(worker.process, lambda: worker.run_forever(lambda: self._rng.uniform(*pause_s)))
        worker.process.kill()
        self.note(f"{worker.process.name} died")
        await asyncio.sleep(self._rng.randint(1, RESTART_S_MAX))
        if self._workers.get(number) is worker:
            self._start(number)

    def _new_worker(self, name: str) -> Worker:
        self._process_count += 1
        skew_ns = self._rng.choice((0, self._rng.randint(-SKEW_S_MAX, SKEW_S_MAX))) * NS_PER_S
        process = Process(
            f"{name}.{self._process_count}",
            self.world.clock,
            self.dice,
            skew_ns,
            self._rng.choice(RATES),
        )
        connection = Connection(self.database, process, self.database.dice, self._on_commit)
        rng = Random(f"{self.seed}/{process.name}")
        worker = Worker(
            self.world,
            process,
            connection,
            self.policies,
            rng,
            self._reported,
            lease_ttl_s=self.shape.lease_ttl_s,
        )
        self._by_connection[id(connection)] = worker
        return worker

    def _reported(self, worker: Worker, report: AccountReport) -> None:
        self.runs += sum(1 for one in report.profiles if one.plan is not None)
        if not report.contended:  # else another worker runs it
            states = " ".join(f"{one.profile_id}:{one.state.value}" for one in report.profiles)
            self.note(f"{worker.process.name} ran {report.account_id} {states}")
        self.on_report(worker, report)

    def _on_commit(self, connection: Connection) -> None:
        worker = self._by_connection.get(id(connection))
        requests = worker.requested if worker is not None else {}
        if self._watch is not None:  # the world exists
            self._watch.after_commit(connection.commits, connection.leases, requests)

    # The database and its people

    def _may_lose(self) -> bool:
        rates = self.database.dice.rates
        return bool(rates["commits_lost"] or rates["backup_restored"])

    def _shake_database(self) -> None:
        generation = self.database.generation
        happened = self.database.live()
        if happened is not None:
            self.note(happened)
        if self.database.generation != generation:
            self.database.commits += 1
            self.watch.start_again(self.database.commits)
            for profile in self.world.profiles.values():
                attempt(profile.bot.register_trades)

    def _start_command(self, name: str, make_command: Callable[[], Command]) -> None:
        person = self._new_worker(name)
        command = make_command()
        body = outlive(person.process, lambda: command(person))
        self._tasks.append(asyncio.get_running_loop().create_task(body))
