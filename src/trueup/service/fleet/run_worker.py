"""Runs one worker until it is stopped by a signal or drained, with its metrics where they are wanted.

A broker that is away when the worker starts does not keep it from working: it goes by the due times, and tries again.
"""

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

from trueup.fleet.broker import Broker
from trueup.fleet.worker import FleetWorker
from trueup.model.errors import RESTORE, LedgerDamaged
from trueup.ports.clock import Clock
from trueup.ports.ledger import Ledger
from trueup.service.alerts.open_alerts import Alerting, open_alerts
from trueup.service.clock import SystemClock
from trueup.service.collect_rarely import collect_rarely
from trueup.service.fleet.lasting_broker import LastingBroker
from trueup.service.fleet.open_fleet import make_worker, open_broker
from trueup.service.load_config import LoadedConfig
from trueup.service.open_ledger import open_ledger
from trueup.service.systemd import told_to_systemd

if TYPE_CHECKING:
    from trueup.engine.run.account import AccountReport
    from trueup.service.metrics import Metrics

CONNECTIONS_MAX = 2  # one for what runs need, put together; one that renews leases and beats meanwhile
SIGNALS = (signal.SIGTERM, signal.SIGINT)


Answering = Callable[[FleetWorker], AbstractAsyncContextManager[object]]


async def run_worker(
    loaded: LoadedConfig,
    *,
    name: str | None = None,
    metrics: "Metrics | None" = None,
    answering: Answering = contextlib.nullcontext,
    broker: Broker | None = None,
    clock: Clock | None = None,
) -> None:
    """`answering`: what stands for the worker meanwhile, as its page. `broker`: in place of the configured one.

    Raises ConfigError, AuthError, LedgerError.
    """
    collect_rarely()
    ledger = open_ledger(loaded, create=False, connections_max=CONNECTIONS_MAX)
    try:
        damage = ledger.find_damage(quick=True)
        if damage:
            raise LedgerDamaged(f"the ledger is {RESTORE} ({damage[0]})")

        clock = clock or SystemClock()
        async with open_alerts(loaded, ledger, None, clock) as alerting:
            own = broker or LastingBroker(lambda: open_broker(loaded))
            await _run_told(loaded, ledger, own, clock, alerting, name, metrics, answering)
    finally:
        ledger.close()


async def _run_told(
    loaded: LoadedConfig,
    ledger: Ledger,
    broker: Broker,
    clock: Clock,
    alerting: Alerting,
    name: str | None,
    metrics: "Metrics | None",
    answering: Answering,
) -> None:
    def note(report: "AccountReport", took_s: float, late_s: float) -> None:
        alerting.after_run(report)
        if metrics is not None:
            metrics.note(report, took_s)
            metrics.note_late(late_s)

    worker, accounts = make_worker(
        loaded, ledger, broker, clock, name=name, alerts=alerting.book, on_report=note
    )
    try:
        async with told_to_systemd(), answering(worker):
            with _stopped_by_signals(worker):
                await worker.run()
    finally:
        await accounts.aclose()
        await broker.aclose()


@contextlib.contextmanager
def _stopped_by_signals(worker: FleetWorker) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    for number in SIGNALS:
        loop.add_signal_handler(number, worker.stop)
    try:
        yield
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)
