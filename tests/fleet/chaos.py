"""A fleet under which workers, brokers and the database die; see tests/fleet/trials.py."""

import asyncio
import contextlib
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.acceptance.rig import Nursery, Rig, event_counts
from tests.fleet.nats import NatsServer, nats_cluster, nats_server
from tests.patience import PATIENCE_S
from tests.postgres.server import Server, own_server
from tests.postgres.trials import migrated
from trueup.fleet.broker import BrokerGone
from trueup.fleet.nats_broker import connect
from trueup.ledgers.postgresql import open_postgresql
from trueup.model.errors import LedgerError
from trueup.model.times import NS_PER_S, from_ns
from trueup.service.clock import SystemClock
from trueup.service.config import AccountConfig
from trueup.service.fleet.change_roster import put_accounts
from trueup.service.fleet.schedules import balance
from trueup.service.load_config import load_config

LATE_MAX_S = 5.0
STEP_S = 8  # of the market, between two looks at what is to die
LOOK_S = 0.1
REST_S = 7200  # that the market is behind when all is over, at least: nothing of it is ever in the future


@dataclass(frozen=True, kw_only=True)
class Deaths:
    """What dies, and how often, within so many seconds."""

    seconds: float = 300.0
    kill_every_s: float = 10.0  # a worker
    broker_kills: int = 5
    stops: int = 3  # of the database
    pauses: int = 1  # of a worker, past its lease


@dataclass(frozen=True, kw_only=True)
class Size:
    """Of the fleet; `profiles`: of each account."""

    accounts: int = 4
    profiles: int = 2
    interval_s: float = 1.0
    per_shard: int = 2
    lease_s: float = 3.0
    workers: int = 4
    nodes: int = 3  # of the broker


class Chaos:
    """A market, its fleet, and what may be killed. `over_s`: for how long at most lateness was over its limit."""

    def __init__(
        self, folder: Path, server: Server, nodes: Sequence[NatsServer], size: Size, deaths: Deaths
    ) -> None:
        self.size = size
        self.over_s = 0.0
        self._over_since: float | None = None
        self.server = server
        self.nodes = nodes
        self.counts: Counter[str] = Counter()
        self.dice = random.Random(7)
        migrated(server.url())
        self.rig = Rig(
            folder,
            7,
            accounts=size.accounts,
            profiles=size.profiles,
            lease_ttl_s=size.lease_s,
            postgresql=server.url(),
            muddled=True,
            start=from_ns(time.time_ns() - round((REST_S + deaths.seconds * STEP_S / LOOK_S) * NS_PER_S)),
        )
        self._fleet_ledger = open_postgresql(server.url())  # by the database's own clock
        self._config = self._enrol(folder)
        self._nurseries = [Nursery(self.rig) for _ in range(size.workers)]
        self._alive = {one: self._start(one) for one in self._nurseries}

    def _enrol(self, folder: Path) -> Path:
        """The rig's accounts in the roster, and a configuration that names none."""
        text = self.rig.config.read_text()
        put_accounts(self._fleet_ledger, load_config(str(self.rig.config)).config, _accounts(self.rig))
        head = text.partition("[[accounts]]")[0].replace(
            "interval_s = 0.005", f"interval_s = {self.size.interval_s}"
        )
        url = ",".join(node.url for node in self.nodes)
        path = folder / "fleet.toml"
        path.write_text(
            f"{head}[fleet]\nurl = '{url}'\nreplicas = {len(self.nodes)}\n"
            f"profiles_per_shard = {self.size.per_shard}\n"
        )
        asyncio.run(self._schedule(url))
        return path

    async def _schedule(self, url: str) -> None:
        broker = await connect(url, "trueup", ack_wait_s=self.size.lease_s + 5, replicas=len(self.nodes))
        end = time.monotonic() + PATIENCE_S
        while True:
            try:
                await broker.set_up()
            except BrokerGone:
                if time.monotonic() > end:
                    raise
                await asyncio.sleep(0.2)
            else:
                break
        size = self.size
        await balance(broker, self._fleet_ledger.roster, size.per_shard, size.interval_s, SystemClock())
        await broker.aclose()

    def _start(self, nursery: Nursery) -> int:
        return nursery.start("fleet", "worker", "--config", str(self._config))

    # what happens

    def kill_worker(self) -> None:
        nursery = self.dice.choice(self._nurseries)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._alive[nursery], signal.SIGKILL)
        nursery.ended()
        self._alive[nursery] = self._start(nursery)
        self.counts["workers killed"] += 1

    def kill_broker(self) -> None:
        node = self.dice.choice(self.nodes)
        node.end(signal.SIGKILL)
        time.sleep(self.dice.uniform(0.1, 2))
        node.start()
        self.counts["brokers killed"] += 1

    def stop_database(self) -> None:
        self.server.stop("immediate")
        time.sleep(self.dice.uniform(0, 0.5))
        self.server.start()
        for ledger in (self.rig.ledger, self._fleet_ledger):
            with contextlib.suppress(LedgerError):
                ledger.journal.list_profiles()  # by a connection of before
        self.counts["database stopped"] += 1

    def pause_worker(self) -> None:
        """Past its lease, in the midst of whatever it does."""
        process_id = self._alive[self._nurseries[0]]
        os.kill(process_id, signal.SIGSTOP)
        time.sleep(self.size.lease_s + 1)
        os.kill(process_id, signal.SIGCONT)
        self.counts["workers paused"] += 1

    def look(self) -> bool:
        """Whether no account is later than the limit; unknown while the database is away."""
        now = time.monotonic()
        with contextlib.suppress(LedgerError):
            rows = self._fleet_ledger.roster.lateness()
            if all(one.is_held or one.overdue_s <= LATE_MAX_S for one in rows):
                self._over_since = None
                return True
        self._over_since = now if self._over_since is None else self._over_since
        self.over_s = max(self.over_s, now - self._over_since)
        return False

    def back_to_normal_s(self) -> float:
        """How long until no account is later than the limit."""
        began = time.monotonic()
        while not self.look() and time.monotonic() - began < PATIENCE_S:
            time.sleep(LOOK_S)
        return time.monotonic() - began

    def end(self) -> list[str]:
        """The workers end as they should; then everything is settled and looked at."""
        for nursery, process_id in self._alive.items():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process_id, signal.SIGTERM)
            status = nursery.ended()
            self.counts["workers ended well"] += status == 0
            nursery.close()
        faults = self.rig.faults_in_the_end(self.rig.settle())
        self.counts["corrections"] = len(self.rig.ledger.export("corrections"))
        self.counts["effects"] = len(self.rig.effects.effects())
        self.counts.update(event_counts(self.rig.folder / "run.log"))
        return faults

    def close(self) -> None:
        self._fleet_ledger.close()
        self.rig.close()


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """`faults`: what may not be; `back_s`: how long lateness was over its limit after the last death, and `over_s` at
    most while they went on.
    """

    faults: list[str]
    counts: Counter[str]
    back_s: float
    over_s: float


def chaos(folder: Path, size: Size, deaths: Deaths) -> Outcome:
    with own_server() as server, _brokers(size.nodes) as brokers:
        trial = Chaos(folder, server, brokers, size, deaths)
        try:
            _live(trial, deaths)
            over_s, back_s = trial.over_s, trial.back_to_normal_s()
            return Outcome(faults=trial.end(), counts=trial.counts, back_s=back_s, over_s=over_s)
        finally:
            trial.close()


def _live(trial: Chaos, deaths: Deaths) -> None:
    """Each kind of death at moments of its own, spread over the time; the market goes on in between."""
    seconds, every_s = deaths.seconds, deaths.kill_every_s
    due: list[tuple[float, Callable[[], None]]] = [
        (number * every_s, trial.kill_worker) for number in range(1, int(seconds / every_s) + 1)
    ]
    for count, happen in (
        (deaths.broker_kills, trial.kill_broker),
        (deaths.stops, trial.stop_database),
        (deaths.pauses, trial.pause_worker),
    ):
        due += [((number + trial.dice.random()) * seconds / count, happen) for number in range(count)]
    due.sort(key=lambda one: one[0])
    began = time.monotonic()
    while time.monotonic() - began < seconds or due:
        trial.rig.step(STEP_S)
        while due and due[0][0] <= time.monotonic() - began:
            due.pop(0)[1]()
        trial.look()
        time.sleep(LOOK_S)


@contextlib.contextmanager
def _brokers(count: int) -> Iterator[Sequence[NatsServer]]:
    if count == 1:
        with nats_server() as server:
            yield [server]
    else:
        with nats_cluster(count) as nodes:
            yield nodes


def _accounts(rig: Rig) -> list[AccountConfig]:
    """As the configuration has them; the workers read theirs in the same folder."""
    return load_config(str(rig.config)).config.accounts
