"""Opens what `[alerts]` names: notifiers, routes, quiet hours; and the service's part of telling while it runs."""

import asyncio
import contextlib
import datetime as dt
import logging
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from zoneinfo import ZoneInfo

from trueup.engine.events import Event, log_event
from trueup.engine.in_thread import in_thread
from trueup.engine.run.account import AccountReport, ManagedAccount
from trueup.engine.run.alerts import AlertBook
from trueup.engine.telling.deliver import Teller
from trueup.engine.telling.people import People, Route, addressed
from trueup.engine.telling.quiet_hours import QuietHours
from trueup.model.errors import LedgerError
from trueup.model.vocabulary import Severity
from trueup.notifiers.log import LogNotifier
from trueup.ports.clock import Clock
from trueup.ports.ledger import Ledger
from trueup.ports.notifier import Notifier
from trueup.service.alerts.digest import compose_digest, due_digest_ns
from trueup.service.alerts.heartbeat import Heartbeat
from trueup.service.config import AlertsConfig, NotifierConfig, SecretSource
from trueup.service.health import Health, read_fleet_health, read_health
from trueup.service.load_config import LoadedConfig
from trueup.service.registry import open_notifier
from trueup.service.secrets import read_secret
from trueup.webhooks.post import Poster, check_url

LOOK_FOR_DIGEST_S = 60.0
FLEET_BEAT_S = 60.0  # a worker reads the whole roster for a ping
LAST_TRY_S = 15.0  # how long the end of a service waits for what people are still to be told


class Alerting:
    """What a running service tells: `book` decides, `teller` delivers, `heartbeat` says that it lives."""

    def __init__(
        self,
        ledger: Ledger,
        loaded: LoadedConfig,
        people: People,
        teller: Teller,
        heartbeat: Heartbeat | None,
        clock: Clock,
    ) -> None:
        settings = loaded.config.service
        self.teller = teller
        self.book = AlertBook(
            LogNotifier(),
            ledger.journal,
            settings.alert_throttle_s,
            settings.watchdog_throttle_s,
            people=people if people.routes else None,
            unwritten=teller,
        )
        self._ledger = ledger
        self._loaded = loaded
        self._people = people
        self._heartbeat = heartbeat
        self._clock = clock
        self._ran = asyncio.Event()

    def after_run(self, report: AccountReport) -> None:
        """What it committed may be told; the dead-man's switch may be due."""
        self.teller.wake()
        if self._heartbeat is not None:
            self._heartbeat.note(report)
            self._ran.set()

    @contextlib.asynccontextmanager
    async def telling(self) -> AsyncIterator[None]:
        """Delivers meanwhile; at its end it tries once more what is due, for a bounded time."""
        teller = asyncio.create_task(self.teller.run())
        others = [asyncio.create_task(self._make_digests()), asyncio.create_task(self._beat())]
        try:
            yield
        finally:
            self.teller.stop()
            done, _ = await asyncio.wait([teller], timeout=LAST_TRY_S)
            for task in (teller, *others):
                task.cancel()
            ended = await asyncio.gather(teller, *others, return_exceptions=True)
            for fault in (one for one in ended if isinstance(one, Exception)):
                log_event(Event.ALERT_FAILED, {}, level=logging.ERROR, error=fault)
            if done and self._heartbeat is not None:
                await self._heartbeat.beat()

    async def make_digest(self) -> None:
        """Commits the digest that is due, if one is. Raises LedgerError."""
        alerts = self._loaded.config.alerts
        routes = [one for one in self._people.routes if one.digest]
        if alerts.digest_at is None or not routes:
            return
        now_ns = self._clock.now_ns()
        due_ns = due_digest_ns(dt.time.fromisoformat(alerts.digest_at), ZoneInfo(alerts.time_zone), now_ns)
        if due_ns is None:
            return
        objective_s = self._loaded.config.service.objective_s
        message = await in_thread(compose_digest, self._ledger, objective_s, due_ns, self._people.link)
        deliveries = [addressed(message, one, now_ns) for one in routes]
        await in_thread(self._ledger.journal.keep_alerts, [], deliveries)
        self.teller.wake()

    async def _beat(self) -> None:
        while self._heartbeat is not None:
            await self._ran.wait()
            self._ran.clear()
            await self._heartbeat.beat()

    async def _make_digests(self) -> None:
        while self._loaded.config.alerts.digest_at is not None:
            try:
                await self.make_digest()
            except LedgerError as error:
                log_event(Event.ALERT_FAILED, {"notifier": "digest"}, level=logging.WARNING, error=error)
            await self._clock.sleep(LOOK_FOR_DIGEST_S)


@contextlib.asynccontextmanager
async def open_alerts(
    loaded: LoadedConfig,
    ledger: Ledger,
    accounts: Sequence[ManagedAccount] | None,
    clock: Clock,
    environ: Mapping[str, str] | None = None,
) -> AsyncIterator[Alerting]:
    """Delivers meanwhile, and what is due once more at its end. Raises ConfigError, AuthError.

    `accounts`: whose runs feed the dead-man's switch; null: this is a worker of the fleet, and all of its roster do.
    """
    environ = os.environ if environ is None else environ
    alerts = loaded.config.alerts
    async with contextlib.AsyncExitStack() as closing:
        notifiers = open_notifiers(loaded, clock, environ)
        for one in notifiers.values():
            closing.push_async_callback(one.aclose)
        heartbeat = _heartbeat(loaded, ledger, accounts, clock, environ)
        if heartbeat is not None:
            closing.push_async_callback(heartbeat.aclose)
        teller = Teller(ledger.journal, notifiers, clock, alerts.timeout_s)
        alerting = Alerting(ledger, loaded, people_of(alerts), teller, heartbeat, clock)
        async with alerting.telling():
            yield alerting


def open_notifiers(loaded: LoadedConfig, clock: Clock, environ: Mapping[str, str]) -> dict[str, Notifier]:
    """By name. Raises ConfigError, AuthError."""
    alerts = loaded.config.alerts
    return {
        name: open_notifier(name, one, alerts.timeout_s, folder=loaded.folder, environ=environ, clock=clock)
        for name, one in alerts.to.items()
    }


def people_of(alerts: AlertsConfig) -> People:
    """Whom the configuration names."""
    return People(
        routes=[_route(name, one, alerts) for name, one in alerts.to.items()],
        link=None if alerts.link is None else alerts.link.rstrip("/"),
        remind_after_s=alerts.remind_after_s,
        breaks_after_s=alerts.breaks_after_s,
    )


def ping_url(loaded: LoadedConfig, environ: Mapping[str, str]) -> str | None:
    """The dead-man's switch's address; null: there is none. Raises ConfigError, AuthError."""
    source = loaded.config.alerts.ping
    if source is None:
        return None
    if isinstance(source, SecretSource):
        source = read_secret("alerts.ping", source, loaded.folder, environ)
    return check_url(source, "alerts.ping")


def _heartbeat(
    loaded: LoadedConfig,
    ledger: Ledger,
    accounts: Sequence[ManagedAccount] | None,
    clock: Clock,
    environ: Mapping[str, str],
) -> Heartbeat | None:
    url, settings = ping_url(loaded, environ), loaded.config.service
    if url is None:
        return None

    def health() -> Health:
        if accounts is None:
            return read_fleet_health(ledger, settings.objective_s)
        return read_health(accounts, settings.objective_s)

    every_s = settings.interval_s if accounts is not None else max(settings.interval_s, FLEET_BEAT_S)
    poster = Poster(loaded.config.alerts.timeout_s)
    return Heartbeat(url, health, every_s, clock, poster, alone=accounts is not None)


def _route(name: str, one: NotifierConfig, alerts: AlertsConfig) -> Route:
    return Route(
        notifier=name,
        severity_min=one.severity_min,
        profiles=None if one.profiles is None else frozenset(one.profiles),
        kinds=None if one.kinds is None else frozenset(one.kinds),
        quiet_hours=_quiet_hours(alerts) if one.quiet_hours else None,
        digest=one.digest,
    )


def _quiet_hours(alerts: AlertsConfig) -> QuietHours | None:
    hours = alerts.quiet_hours
    if hours is None:
        return None
    return QuietHours(
        begin=dt.time.fromisoformat(hours.begin),
        end=dt.time.fromisoformat(hours.end),
        zone=ZoneInfo(alerts.time_zone),
        pierced_by=None if hours.pierced_by == "never" else Severity(hours.pierced_by),
    )
