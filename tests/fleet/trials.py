"""Chaos: workers, brokers and the database die under a fleet, and a worker stands still past its lease.

    python -m tests.fleet.trials [--seconds 300] [--workers 4] [--nodes 3] [--kill-every 10] [--broker-kills 5]
        [--stops 3] [--pauses 1]

The market of the crash trial goes on meanwhile; bots lose frames, fills come shuffled and doubled. Ends with 0 where
in the end every fill is booked once, every effect was had once, and lateness was back under its limit within a minute.
"""

import argparse
import asyncio
import contextlib
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tests.acceptance.rig import Nursery, Rig, environment, event_counts
from tests.fleet.nats import NatsServer, nats_cluster, nats_server
from tests.patience import PATIENCE_S
from tests.postgres.server import Server, own_server
from tests.postgres.trials import migrated
from trueup.fleet.broker import BrokerGone
from trueup.fleet.nats_broker import connect
from trueup.ledgers.postgresql import open_postgresql
from trueup.model.errors import LedgerError
from trueup.service.clock import SystemClock
from trueup.service.config import AccountConfig
from trueup.service.fleet.change_roster import put_accounts
from trueup.service.fleet.schedules import balance
from trueup.service.load_config import load_config

ACCOUNTS, PROFILES = 4, 2
INTERVAL_S, LEASE_S = 1.0, 3.0
LATE_MAX_S = 5.0
BACK_WITHIN_S = 60.0
STEP_S = 8  # of the market, between two looks at what is to die
LOOK_S = 0.1


class Chaos:
    """A market, its fleet, and what may be killed."""

    def __init__(self, folder: Path, server: Server, nodes: Sequence[NatsServer], workers: int) -> None:
        self.server = server
        self.nodes = nodes
        self.counts: Counter[str] = Counter()
        self.dice = random.Random(7)
        migrated(server.url())
        self.rig = Rig(
            folder,
            7,
            accounts=ACCOUNTS,
            profiles=PROFILES,
            lease_ttl_s=LEASE_S,
            postgresql=server.url(),
            muddled=True,
        )
        self._fleet_ledger = open_postgresql(server.url())  # by the database's own clock
        self._config = self._enrol(folder)
        self._nurseries = [Nursery(self.rig) for _ in range(workers)]
        self._alive = {one: self._start(one) for one in self._nurseries}

    def _enrol(self, folder: Path) -> Path:
        """The rig's accounts in the roster, and a configuration that names none."""
        text = self.rig.config.read_text()
        put_accounts(self._fleet_ledger, load_config(str(self.rig.config)).config, _accounts(self.rig))
        head = text.partition("[[accounts]]")[0].replace("interval_s = 0.005", f"interval_s = {INTERVAL_S}")
        url = ",".join(node.url for node in self.nodes)
        path = folder / "fleet.toml"
        path.write_text(
            f"{head}[fleet]\nurl = '{url}'\nreplicas = {len(self.nodes)}\nprofiles_per_shard = 2\n"
        )
        asyncio.run(self._schedule(url))
        return path

    async def _schedule(self, url: str) -> None:
        broker = await connect(url, "trueup", ack_wait_s=LEASE_S + 5, replicas=len(self.nodes))
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
        await balance(broker, self._fleet_ledger.roster, 2, INTERVAL_S, SystemClock())
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
        time.sleep(LEASE_S + 1)
        os.kill(process_id, signal.SIGCONT)
        self.counts["workers paused"] += 1

    def back_to_normal_s(self) -> float:
        """How long until no account is later than the limit."""
        began = time.monotonic()
        while time.monotonic() - began < PATIENCE_S:
            with contextlib.suppress(LedgerError):
                rows = self._fleet_ledger.roster.lateness()
                if all(one.is_held or one.overdue_s <= LATE_MAX_S for one in rows):
                    return time.monotonic() - began
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


def chaos(
    folder: Path,
    *,
    workers: int,
    nodes: int,
    seconds: float,
    kill_every_s: float,
    broker_kills: int,
    stops: int,
    pauses: int,
) -> tuple[list[str], Counter[str], float]:
    """What may not be; what happened; and how long lateness was over its limit afterwards."""
    with own_server() as server, _brokers(nodes) as brokers:
        trial = Chaos(folder, server, brokers, workers)
        try:
            _live(trial, seconds, kill_every_s, broker_kills, stops, pauses)
            back_s = trial.back_to_normal_s()
            return trial.end(), trial.counts, back_s
        finally:
            trial.close()


def _live(
    trial: Chaos, seconds: float, kill_every_s: float, broker_kills: int, stops: int, pauses: int
) -> None:
    """Each kind of death at moments of its own, spread over the time; the market goes on in between."""
    due: list[tuple[float, Callable[[], None]]] = [
        (number * kill_every_s, trial.kill_worker) for number in range(1, int(seconds / kill_every_s) + 1)
    ]
    for count, happen in (
        (broker_kills, trial.kill_broker),
        (stops, trial.stop_database),
        (pauses, trial.pause_worker),
    ):
        due += [((number + trial.dice.random()) * seconds / count, happen) for number in range(count)]
    due.sort(key=lambda one: one[0])
    began = time.monotonic()
    while time.monotonic() - began < seconds or due:
        trial.rig.step(STEP_S)
        while due and due[0][0] <= time.monotonic() - began:
            due.pop(0)[1]()
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


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fleet.trials", description=__doc__)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--nodes", type=int, default=3)
    parser.add_argument("--kill-every", type=float, default=10)
    parser.add_argument("--broker-kills", type=int, default=5)
    parser.add_argument("--stops", type=int, default=3)
    parser.add_argument("--pauses", type=int, default=1)
    given = parser.parse_args()
    os.environ.update(environment())
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        faults, counts, back_s = chaos(
            Path(folder),
            workers=given.workers,
            nodes=given.nodes,
            seconds=given.seconds,
            kill_every_s=given.kill_every,
            broker_kills=given.broker_kills,
            stops=given.stops,
            pauses=given.pauses,
        )
    print(*faults[:20], sep="\n")
    print(f"{len(faults)} faults; lateness under {LATE_MAX_S:g} s after {back_s:.1f} s; {dict(counts)}")
    return int(bool(faults) or back_s > BACK_WITHIN_S)


if __name__ == "__main__":
    sys.exit(main())
