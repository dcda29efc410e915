"""Opens a fleet's broker and makes its workers, as they are configured."""

import os
import random
from collections.abc import Callable, Mapping
from importlib.metadata import version

import msgspec

from trueup.engine.holder import holder_name, new_holder
from trueup.engine.run.account import AccountReport, ManagedAccount
from trueup.engine.run.alerts import AlertBook
from trueup.fleet.broker import Broker
from trueup.fleet.no_broker import NoBroker
from trueup.fleet.open_cache import OpenCache
from trueup.fleet.worker import FleetWorker, WorkerSettings
from trueup.model.errors import ExtraMissing
from trueup.notifiers.log import LogNotifier
from trueup.ports.clock import Clock
from trueup.ports.ledger import Ledger
from trueup.ports.roster import FleetAccount
from trueup.service.config import AccountConfig, SecretSource
from trueup.service.load_config import LoadedConfig
from trueup.service.open_accounts import open_account, shared_budgets
from trueup.service.registry import open_configured_executor
from trueup.service.secrets import read_secret

AT_A_TIME = 24  # a shard of accounts with ten profiles each: what they ask of the database is put together
ACK_BEYOND_LEASE_S = 5.0  # a message comes again when the leases of whoever died with it are over


async def open_broker(loaded: LoadedConfig, environ: Mapping[str, str] | None = None) -> Broker:
    """The configured one; none: a broker that is always gone. Raises BrokerGone, ConfigError, AuthError."""
    environ = os.environ if environ is None else environ
    config = loaded.config.fleet
    if config.url is None:
        return NoBroker()
    try:
        from trueup.fleet.nats_broker import connect
    except ImportError as error:
        raise ExtraMissing("a fleet's broker needs nats-py", "fleet") from error

    def secret(name: str, source: SecretSource) -> str:
        return read_secret(name, source, loaded.folder, environ)

    url = secret("fleet.url", config.url) if isinstance(config.url, SecretSource) else config.url
    return await connect(
        url,
        config.name,
        ack_wait_s=loaded.config.service.lease_ttl_s + ACK_BEYOND_LEASE_S,
        replicas=config.replicas,
        token=None if config.token is None else secret("fleet.token", config.token),
        credentials=None if config.credentials is None else os.path.join(loaded.folder, config.credentials),
    )


def make_worker(
    loaded: LoadedConfig,
    ledger: Ledger,
    broker: Broker,
    clock: Clock,
    *,
    environ: Mapping[str, str] | None = None,
    name: str | None = None,
    alerts: AlertBook | None = None,
    on_report: Callable[[AccountReport, float, float], None] = lambda report, took_s, late_s: None,
) -> tuple[FleetWorker, OpenCache]:
    """A worker, and the accounts that it opens, which are the caller's to close."""
    environ = os.environ if environ is None else environ
    service = loaded.config.service
    executor = open_configured_executor(loaded, clock, environ)

    budgets = shared_budgets(loaded, ledger, clock)

    def opened(row: FleetAccount) -> ManagedAccount:
        config = msgspec.json.decode(row.settings, type=AccountConfig)
        return open_account(config, loaded, ledger, clock, environ, executor=executor, budgets=budgets)

    accounts = OpenCache(ledger.roster, opened)
    told = alerts or AlertBook(
        LogNotifier(), ledger.journal, service.alert_throttle_s, service.watchdog_throttle_s
    )
    settings = WorkerSettings(
        interval_s=service.interval_s,
        lease_ttl_s=service.lease_ttl_s,
        at_a_time=max(service.profiles_at_a_time, AT_A_TIME),
        apply=service.apply,
        version=version("trueup"),
        hears_streams=loaded.config.fleet.streams,
    )
    worker = FleetWorker(
        name or holder_name(new_holder()),
        broker,
        ledger.roster,
        ledger.journal,
        accounts,
        settings,
        clock,
        alerts=told,
        on_report=on_report,
        dice=random.Random(),  # noqa: S311 - spreads load, guards nothing
    )
    return worker, accounts
