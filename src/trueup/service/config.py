"""`trueup.toml`: its values, and the rules that one account's profiles must keep among themselves.

Reading it (defaults < file < environment < flags) is `load_config`'s; what a policy key means is `model.policy`'s.
"""

from collections.abc import Iterable
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Meta, Struct, field

from trueup.engine.run.account import CLOCK_SKEW_MAX_S, LEASE_TTL_S
from trueup.engine.run.alerts import THROTTLE_S, WATCHDOG_THROTTLE_S
from trueup.engine.telling.people import REMIND_AFTER_S
from trueup.model.check_snapshot import check_snapshot
from trueup.model.check_texts import text_fault
from trueup.model.errors import ConfigError, InputError
from trueup.model.ids import normal_id
from trueup.model.policy import Policy
from trueup.model.snapshot import SNAPSHOT_FORMAT, Local, Profile, Snapshot
from trueup.model.times import from_ns
from trueup.model.vocabulary import Severity
from trueup.ports.foreign_books import WriteMode
from trueup.service.check_ownership import check_ownership

INTERVAL_S = 30.0  # how often the reference service's bots ran it
JITTER = 0.1
PROFILES_AT_A_TIME = 8
OBJECTIVE_INTERVALS = 3  # a profile that missed three runs in a row is not ready

TELL_TIMEOUT_S = 10.0  # of one call that tells people: services answer within a second, or not at all

Text = Annotated[str, Meta(min_length=1)]
TimeOfDay = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]


class SecretSource(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where one secret is read from; never the secret itself.

    One of: an environment variable's name; a file that holds nothing else; a JSON file and the dotted path in it.
    """

    env: Text | None = None
    file: Text | None = None
    json: Text | None = None
    path: Text | None = None

    @property
    def is_clear(self) -> bool:
        """Whether exactly one place is named, whole."""
        places = [one for one in (self.env, self.file, self.json) if one is not None]
        return len(places) == 1 and (self.json is None) == (self.path is None)


class WebhookConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An executor over HTTP: `[service.executor]`."""

    url: Text | SecretSource
    secret: SecretSource
    timeout_s: Annotated[float, Meta(gt=0, le=10)] = 10.0


class ServiceConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How `trueup run` works. `apply` false: nothing is written to the books. `author`: who decides, by default."""

    interval_s: Annotated[float, Meta(gt=0)] = INTERVAL_S
    jitter: Annotated[float, Meta(ge=0, lt=1)] = JITTER
    profiles_at_a_time: Annotated[int, Meta(ge=1)] = PROFILES_AT_A_TIME
    lease_ttl_s: Annotated[float, Meta(gt=0)] = LEASE_TTL_S
    clock_skew_max_s: Annotated[float, Meta(gt=0)] = CLOCK_SKEW_MAX_S
    alert_throttle_s: Annotated[float, Meta(ge=0)] = THROTTLE_S
    watchdog_throttle_s: Annotated[float, Meta(ge=0)] = WATCHDOG_THROTTLE_S
    ready_within_s: Annotated[float, Meta(gt=0)] | None = None
    apply: bool = False
    executor: Text | WebhookConfig | None = None
    author: str | None = None

    @property
    def objective_s(self) -> float:
        """How old the last complete run of a ready profile may be."""
        return self.ready_within_s or OBJECTIVE_INTERVALS * self.interval_s


class BooksConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where bots keep their own orders: `[books.NAME]`. `kind` is an entry point's name; `options` are that kind's own.

    `database`: a file, a URL without a password, or where the URL is read from. `orders`, `fills`, `trades`: the
    mapping of the kind `tables`.
    """

    kind: Text
    database: Text | SecretSource | None = None
    write: WriteMode = WriteMode.NEVER
    orders: dict[str, Any] = field(default_factory=dict)
    fills: dict[str, Any] = field(default_factory=dict)
    trades: dict[str, Any] = field(default_factory=dict)
    credentials: dict[str, SecretSource] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def mapping(self) -> dict[str, Any]:
        tables = {"orders": self.orders, "fills": self.fills, "trades": self.trades}
        return {name: one for name, one in tables.items() if one}


class DatabaseConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where the books and the journal are: a SQLite file at `path`, or what `url` names (sqlite:///…, postgresql://…).

    A relative path begins at the configuration's folder. A URL that holds a password is read from where a secret may
    stand; or it stands here without one, and `password` says where that is read from.
    """

    path: Text = "trueup.sqlite"
    url: Text | SecretSource | None = None
    password: SecretSource | None = None


class WebConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who may see the pages, and who may act: `[web]`. Without a token they are read-only, on this machine only.

    `hosts`: further names that the server answers to. `proxy_header`: where a proxy at `proxy_address` names the user
    it has authenticated; such a user is an operator.
    """

    reader_token: SecretSource | None = None
    operator_token: SecretSource | None = None
    hosts: list[Text] = []
    proxy_header: Text | None = None
    proxy_address: Text | None = None


class FleetConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The broker of a fleet: `[fleet]`. `url`: one or several nats:// or tls:// addresses, separated by commas.

    `name`: of its stream, where several fleets share a broker. `credentials`: a file of NATS's own. `replicas`: on how
    many of the broker's servers its messages are kept. `streams`: each worker hears the venues' streams of the accounts
    that it keeps open.
    """

    url: Text | SecretSource | None = None
    name: Annotated[str, Meta(pattern="^[A-Za-z0-9_-]+$")] = "trueup"
    token: SecretSource | None = None
    credentials: Text | None = None
    replicas: Annotated[int, Meta(ge=1, le=5)] = 1
    profiles_per_shard: Annotated[int, Meta(ge=1)] = 200
    streams: bool = False


class QuietHoursConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """When people are not disturbed, in the zone of `[alerts]`. `pierced_by`: the least that gets through."""

    begin: TimeOfDay = field(name="from")
    end: TimeOfDay = field(name="to")
    pierced_by: Literal["info", "warn", "error", "never"] = "error"


class NotifierConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One way to people: `[alerts.to.NAME]`. `kind` is an entry point's name; `options` are that kind's own.

    `profiles`, `kinds`: null = all; a kind is a break's, or an alert's cause. `digest`: it takes the daily one.
    """

    kind: Text
    severity_min: Severity = Severity.WARN
    profiles: list[Text] | None = None
    kinds: list[Text] | None = None
    quiet_hours: bool = True
    digest: bool = False
    credentials: dict[str, SecretSource] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)


class AlertsConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How people are told: `[alerts]`. Without a notifier in `to` only the log is.

    `link`: the dashboard's address, for links. `ping`: the address of a dead-man's switch (healthchecks.io's protocol).
    """

    to: dict[str, NotifierConfig] = field(default_factory=dict)
    link: Text | None = None
    time_zone: Text = "UTC"
    quiet_hours: QuietHoursConfig | None = None
    digest_at: TimeOfDay | None = None
    remind_after_s: Annotated[float, Meta(ge=0)] = REMIND_AFTER_S
    breaks_after_s: Annotated[float, Meta(ge=0)] = 0.0
    timeout_s: Annotated[float, Meta(gt=0)] = TELL_TIMEOUT_S
    ping: Text | SecretSource | None = None


class ProfileConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One bot. `books`: the name of its own ones; null: it records into trueup's database."""

    profile_id: Text
    user_id: str | None = None
    books: Text | None = None
    policy: Policy = Policy()


class BudgetConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Requests that several accounts share, whichever process runs them: `[budgets.NAME]`."""

    shared_per_minute: Annotated[int, Meta(ge=1)]


class AccountConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One account at one venue. `venue` is an entry point's name; `options` are that venue's own.

    `budgets`: names of those that it spends from besides its own.
    """

    account_id: Text
    venue: Text
    credentials: dict[str, SecretSource] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    budgets: list[str] = []
    profiles: Annotated[list[ProfileConfig], Meta(min_length=1)]


class Config(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    database: DatabaseConfig = DatabaseConfig()
    service: ServiceConfig = ServiceConfig()
    web: WebConfig = WebConfig()
    fleet: FleetConfig = FleetConfig()
    budgets: dict[str, BudgetConfig] = field(default_factory=dict)
    alerts: AlertsConfig = AlertsConfig()
    books: dict[str, BooksConfig] = field(default_factory=dict)
    accounts: list[AccountConfig] = []

    @property
    def profile_ids(self) -> list[str]:
        return [profile.profile_id for account in self.accounts for profile in account.profiles]


def check_config(config: Config) -> None:
    """Raises ConfigError where values that are each allowed contradict each other, or cannot be used."""
    _check_names("account_id", (account.account_id for account in config.accounts))
    _check_names("profile_id", config.profile_ids)
    _check_database(config.database)
    _check_alerts(config)
    _check_executor(config.service.executor)
    for name, books in config.books.items():
        _check_books(f"books.{name}", books)
    for index, account in enumerate(config.accounts):
        place = f"accounts[{index}]"
        for name, source in account.credentials.items():
            _check_source(f"{place}.credentials.{name}", source)
        for one in account.budgets:
            if one not in config.budgets:
                known = ", ".join(config.budgets) or "none"
                raise ConfigError(f"{place}.budgets: there are no [budgets.{one}]; there are: {known}")
        for number, profile in enumerate(account.profiles):
            _check_policy(f"{place}.profiles[{number}].policy", profile.policy)
            if profile.books is not None and profile.books not in config.books:
                known = ", ".join(config.books) or "none"
                raise ConfigError(
                    f"{place}.profiles[{number}].books: there are no [books.{profile.books}]; there are: {known}"
                )
        check_ownership(place, account.profiles)


def has_password(url: str) -> bool:
    """Whether a URL holds a secret, in its authority or among its options."""
    parts = urlsplit(url)
    return parts.password is not None or "password" in parts.query.lower()


def _check_database(database: DatabaseConfig) -> None:
    if isinstance(database.url, SecretSource):
        _check_source("database.url", database.url)
    if database.password is not None:
        _check_source("database.password", database.password)
        if database.url is None:
            raise ConfigError("database.password: a SQLite file has none; name the server in database.url")


def _check_executor(executor: str | WebhookConfig | None) -> None:
    if isinstance(executor, WebhookConfig):
        _check_source("service.executor.secret", executor.secret)
        if isinstance(executor.url, SecretSource):
            _check_source("service.executor.url", executor.url)


def _check_alerts(config: Config) -> None:
    alerts, known = config.alerts, set(config.profile_ids)
    try:
        ZoneInfo(alerts.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ConfigError(
            f"alerts.time_zone: {alerts.time_zone!r} is not known here; expected a name such as Europe/Berlin"
            " (where none is known: install the system's tzdata)"
        ) from error
    if isinstance(alerts.ping, SecretSource):
        _check_source("alerts.ping", alerts.ping)
    for name, one in alerts.to.items():
        for key, source in one.credentials.items():
            _check_source(f"alerts.to.{name}.credentials.{key}", source)
        unknown = sorted(set(one.profiles or ()) - known)
        if unknown:
            raise ConfigError(f"alerts.to.{name}.profiles: no profile {unknown[0]!r} is configured")
    if alerts.digest_at is not None and not any(one.digest for one in alerts.to.values()):
        raise ConfigError("alerts.digest_at: no notifier takes it; set digest = true in one of [alerts.to.…]")


def _check_source(place: str, source: SecretSource) -> None:
    if not source.is_clear:
        raise ConfigError(
            f"{place}: give one of env = 'NAME', file = 'PATH', or json = 'FILE' with path = 'a.b'"
        )


def _check_books(place: str, books: BooksConfig) -> None:
    for name, source in books.credentials.items():
        _check_source(f"{place}.credentials.{name}", source)
    if isinstance(books.database, SecretSource):
        _check_source(f"{place}.database", books.database)
    elif books.database is not None and has_password(books.database):
        raise ConfigError(
            f"{place}.database: a password never stands in the file; write database = {{ env = 'NAME' }}"
        )


def _check_names(name: str, ids: Iterable[str]) -> None:
    seen: set[str] = set()
    for one in ids:
        if (fault := _name_fault(one)) is not None:
            raise ConfigError(f"{name} {one[:60]!r}: {fault}")
        if normal_id(one) in seen:
            raise ConfigError(f"{name} {one!r} is there twice: each needs a name of its own")
        seen.add(normal_id(one))


def _name_fault(name: str) -> str | None:
    """Why snapshots, or a ledger, could not hold it; null where they can."""
    if not name.strip():
        return "is blank"
    return "holds a NUL character" if "\0" in name else text_fault(name)


def _check_policy(place: str, policy: Policy) -> None:
    """The checks that a policy in a snapshot undergoes: amounts, times, the regular expression."""
    probe = Snapshot(
        format=SNAPSHOT_FORMAT,
        taken_at=from_ns(0),
        profile=Profile(profile_id="-"),
        policy=policy,
        local=Local(),
    )
    try:
        check_snapshot(probe)
    except InputError as error:
        raise ConfigError(f"{place}{error.path.removeprefix('$.policy')}: {error.message}") from error
    rules = (*policy.owned_client_order_id_prefixes, *policy.owned_sub_tags, *policy.claimed_symbols)
    if not all(rule.strip() for rule in rules):
        raise ConfigError(f"{place}: an empty prefix, sub-tag or symbol would own every order; take it out")
