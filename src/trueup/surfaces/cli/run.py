"""`trueup run`: every profile, again and again, until SIGTERM; or once. Its events are JSON lines on standard error."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import click

from trueup.model.errors import RESTORE, LedgerDamaged
from trueup.surfaces.cli.configured import load, report_code, require_profiles
from trueup.surfaces.cli.exit_codes import IN_SYNC, worst
from trueup.surfaces.cli.invocation import Invocation, common
from trueup.surfaces.cli.terminal import say

if TYPE_CHECKING:
    from trueup.engine.run.account import AccountReport, ManagedAccount, ProfileReport
    from trueup.service.alerts.open_alerts import Alerting
    from trueup.service.config import ServiceConfig
    from trueup.service.load_config import LoadedConfig
    from trueup.service.metrics import Metrics


WITHOUT_BROKER = "`trueup run` asks no broker: it goes by the due times; `trueup fleet worker` hears one"


@click.command()
@click.option("--once", is_flag=True, help="Every account once, then end.")
@click.option(
    "--apply", "applying", is_flag=True, help="Write repairs to the books (default: as configured)."
)
@click.option("--dry", is_flag=True, help="Write none to the books.")
@click.option(
    "--interval",
    "interval_s",
    type=click.FloatRange(min=0, min_open=True),
    metavar="S",
    help="Seconds between two runs.",
)
@click.option("--http", metavar="HOST:PORT", help="Answer /healthz, /readyz and /metrics there.")
@click.option("--web", metavar="HOST:PORT", help="Show the dashboard there.")
@common
def command(
    invocation: Invocation,
    once: bool,
    applying: bool,
    dry: bool,
    interval_s: float | None,
    http: str | None,
    web: str | None,
) -> int:
    """Compare every profile on its schedule, until SIGTERM or Ctrl-C; a run in progress is finished first.

    Where the configuration names no account, those of the database's roster (`trueup account`) are run, by their due
    times: what workers do whose broker is gone.
    """
    from trueup.service.collect_rarely import collect_rarely
    from trueup.service.logs import set_up_logs

    if applying and dry:
        raise click.UsageError("--apply and --dry contradict each other: give one of them")
    apply = True if applying else False if dry else None
    loaded = load(invocation, apply=apply, interval_s=interval_s)
    if not (once or loaded.config.profile_ids) and _has_roster(loaded):
        _run_roster(loaded, http=http, web=web)
        return IN_SYNC
    require_profiles(loaded)
    set_up_logs()
    collect_rarely()
    reports = asyncio.run(_serve(loaded, once=once, http=http, web=web))
    profiles = [profile for report in reports for profile in report.profiles]
    if once:
        _show(invocation, profiles)
    return worst([report_code(profile) for profile in profiles]) if once else IN_SYNC


def _has_roster(loaded: "LoadedConfig") -> bool:
    """Whether the accounts stand in the database, where the configuration names none."""
    from trueup.service.open_ledger import open_ledger

    if loaded.config.database.url is None:
        return False
    ledger = open_ledger(loaded, create=False)
    try:
        return bool(ledger.roster.sizes())
    finally:
        ledger.close()


def _run_roster(loaded: "LoadedConfig", *, http: str | None, web: str | None) -> None:
    """The roster's accounts by their due times, whatever became of the broker."""
    from trueup.fleet.no_broker import NoBroker
    from trueup.surfaces.cli.work_roster import work_roster

    if web is not None:
        raise click.UsageError("--web needs [[accounts]]: of a roster, `trueup web` shows the dashboard")
    work_roster(loaded, http=http, broker=NoBroker(WITHOUT_BROKER))


async def _serve(
    loaded: "LoadedConfig", *, once: bool, http: str | None, web: str | None
) -> "list[AccountReport]":
    from trueup.service.clock import SystemClock
    from trueup.service.open_accounts import open_accounts
    from trueup.service.scheduler import Service
    from trueup.service.systemd import told_to_systemd

    settings = loaded.config.service
    async with (
        open_accounts(loaded) as accounts,
        _answering(http, accounts, settings) as metrics,
        _showing(web, loaded, accounts),
        _telling(loaded, accounts) as alerting,
    ):
        service = Service(accounts, settings, SystemClock(), alerting=alerting, metrics=metrics)
        if once:
            return await service.run_once()
        async with told_to_systemd():
            with service.stopped_by_signals():
                await service.run()
    return []


@asynccontextmanager
async def _telling(
    loaded: "LoadedConfig", accounts: "Sequence[ManagedAccount]"
) -> "AsyncIterator[Alerting | None]":
    """People are told meanwhile, where any are configured."""
    _refuse_damaged(accounts)
    alerts = loaded.config.alerts
    if not alerts.to and alerts.ping is None:
        yield None
        return
    from trueup.service.alerts.open_alerts import open_alerts
    from trueup.service.clock import SystemClock

    async with open_alerts(loaded, accounts[0].ledger, accounts, SystemClock()) as alerting:
        yield alerting


def _refuse_damaged(accounts: "Sequence[ManagedAccount]") -> None:
    """Before anything is written. Raises LedgerDamaged."""

    damage = accounts[0].ledger.find_damage(quick=True)
    if damage:
        raise LedgerDamaged(f"the ledger is {RESTORE} ({damage[0]})")


@asynccontextmanager
async def _answering(
    http: str | None, accounts: "Sequence[ManagedAccount]", settings: "ServiceConfig"
) -> "AsyncIterator[Metrics | None]":
    """Health and metrics over HTTP meanwhile, where wanted; nothing of it is imported otherwise."""
    if http is None:
        yield None
        return
    from trueup.service.metrics import Metrics
    from trueup.surfaces.web.bounded import KnownHosts, bound_names
    from trueup.surfaces.web.status_app import make_app, parse_address, serving

    metrics = Metrics()
    app = make_app(accounts, metrics, settings.objective_s)
    async with serving(KnownHosts(app, bound_names(parse_address(http)[0])), http) as address:
        say(f"http://{address}/healthz, /readyz, /metrics")
        yield metrics


@asynccontextmanager
async def _showing(
    web: str | None, loaded: "LoadedConfig", accounts: "Sequence[ManagedAccount]"
) -> "AsyncIterator[None]":
    """The dashboard meanwhile, where wanted."""
    if web is None:
        yield
        return
    from trueup.surfaces.web.dashboard import dashboard

    async with dashboard(loaded, accounts[0].ledger, accounts, web) as address:
        say(f"http://{address}")
        yield


def _show(invocation: Invocation, profiles: "list[ProfileReport]") -> None:
    from trueup.surfaces.cli.terminal import table

    if invocation.json:
        for one in profiles:
            invocation.data(
                {
                    "profile_id": one.profile_id,
                    "state": one.state,
                    "run_id": one.run_id,
                    "applied": _applied(one),
                    "result": one.result,
                }
            )
        return
    rows = [
        (
            one.profile_id,
            _run_word(one),
            len(one.plan.breaks) if one.plan else "",
            len(one.plan.deferred) if one.plan else "",
            _applied(one),
            one.run_id or "",
        )
        for one in profiles
    ]
    invocation.show(table(None, ("profile", "run", ">breaks", ">deferred", ">applied", "run id"), rows))


def _run_word(report: "ProfileReport") -> str:
    """A run that may apply and had nothing to is not called applied."""
    from trueup.engine.run.account import RunState

    return "recorded" if report.state is RunState.APPLIED and not _applied(report) else report.state


def _applied(report: "ProfileReport") -> int:
    return 0 if report.applied is None else report.applied.applied
