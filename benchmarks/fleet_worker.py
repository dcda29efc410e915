"""One worker of the fleet's benchmark, with the venues in it. Prints what it did when it is told to end (SIGTERM).

python -m benchmarks.fleet_worker JSON
"""

import asyncio
import logging
import resource
import signal
import sys
import time
from collections import Counter
from typing import Any

import msgspec

from benchmarks.fleet_world import FleetWorld, managed_account
from trueup.engine.run.account import AccountReport, ManagedAccount
from trueup.fleet.nats_broker import connect
from trueup.fleet.no_broker import NoBroker
from trueup.fleet.open_cache import OpenCache
from trueup.fleet.worker import FleetWorker, WorkerSettings
from trueup.ledgers.postgresql.connections import Connections
from trueup.ledgers.postgresql.database import PostgresDatabase
from trueup.ledgers.sql.sql_ledger import SqlLedger
from trueup.model.times import to_ns
from trueup.ports.roster import FleetAccount
from trueup.service.clock import SystemClock
from trueup.service.collect_rarely import collect_rarely
from trueup.service.fleet.lasting_broker import LastingBroker
from trueup.service.fleet.open_fleet import AT_A_TIME
from trueup.service.fleet.run_worker import CONNECTIONS_MAX


class WorkerConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What ends before `warm_ns` or after `end_ns` is not measured."""

    name: str
    database: str
    broker: str | None
    world: FleetWorld
    then: str
    interval_s: float
    lease_ttl_s: float = 30.0
    at_a_time: int = AT_A_TIME
    open_max: int = 20_000
    warm_ns: int = 0
    end_ns: int = 0


class Counted(PostgresDatabase):
    """Counts statements and transactions."""

    statements = 0
    transactions = 0

    def _send(self, connection: Any, text: str, values: Any = None) -> Any:
        self.statements += 1
        self.transactions += text.startswith("BEGIN")
        return super()._send(connection, text, values)


class Done(msgspec.Struct, kw_only=True):
    """What a worker did since it was warm."""

    profiles: int = 0
    accounts: int = 0
    corrections: int = 0
    failed: int = 0
    late_s: list[float] = []  # of accounts
    took_s: list[float] = []
    cpu_s: float = 0.0
    seconds: float = 0.0
    statements: int = 0
    transactions: int = 0
    requests: dict[str, int] = {}
    peak_mib: float = 0.0


async def work(config: WorkerConfig) -> Done:
    logging.disable(logging.CRITICAL)
    collect_rarely()
    clock = SystemClock()
    database = Counted(Connections(config.database, CONNECTIONS_MAX))
    ledger = SqlLedger(database)
    requests: Counter[str] = Counter()
    done, marks, ended = Done(), list[float](), list[float]()

    def figures() -> list[float]:
        return [time.process_time(), time.monotonic(), database.statements, database.transactions]

    def opened(row: FleetAccount) -> ManagedAccount:
        number = int(row.account_id[1:])
        return managed_account(config.world, number, ledger, clock, config.then, requests, config.lease_ttl_s)

    def note(report: AccountReport, took_s: float, late_s: float) -> None:
        now_ns = clock.now_ns()
        if now_ns < config.warm_ns or ended:
            return
        if not marks:
            marks.extend(figures())
            requests.clear()
        if now_ns > config.end_ns:
            ended.extend(figures())
            done.requests = dict(requests)
            return
        done.accounts += 1
        done.profiles += len(report.profiles)
        done.failed += report.failure is not None
        done.corrections += sum(one.applied.applied for one in report.profiles if one.applied is not None)
        done.late_s.append(round(late_s, 3))
        done.took_s.append(round(took_s, 4))

    async def open_broker() -> Any:
        if config.broker is None:
            return NoBroker()
        return await connect(config.broker, "trueup", ack_wait_s=config.lease_ttl_s + 5)

    broker = LastingBroker(open_broker)
    accounts = OpenCache(ledger.roster, opened, config.open_max)
    settings = WorkerSettings(
        interval_s=config.interval_s, lease_ttl_s=config.lease_ttl_s, at_a_time=config.at_a_time, apply=True
    )
    worker = FleetWorker(
        config.name, broker, ledger.roster, ledger.journal, accounts, settings, clock, on_report=note
    )
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, worker.stop)
    await worker.run()
    await broker.aclose()
    if ended:
        done.cpu_s, done.seconds, statements, transactions = (
            after - before for before, after in zip(marks, ended, strict=True)
        )
        done.statements, done.transactions = int(statements), int(transactions)
    done.peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    ledger.close()
    return done


if __name__ == "__main__":
    given = msgspec.json.decode(sys.argv[1], type=WorkerConfig)
    assert to_ns(given.then)
    sys.stdout.buffer.write(msgspec.json.encode(asyncio.run(work(given))))
