"""Opens venues and ledgers by the names of their entry points, and the bot's executor by `module:attribute`.

Nothing is imported before its name is asked for. Must not know any venue or ledger by itself.
"""

import difflib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, cast

from trueup.model.errors import ConfigError, ExtraMissing
from trueup.model.snapshot import Profile
from trueup.ports.clock import Clock
from trueup.ports.executor import Executor, RemoteExecutor
from trueup.ports.foreign_books import BooksSettings, ForeignBooks
from trueup.ports.notifier import Notifier, NotifierSettings
from trueup.ports.venue import Venue, VenueSettings, WiderBudget
from trueup.service.config import AccountConfig, BooksConfig, NotifierConfig, SecretSource
from trueup.service.load_config import LoadedConfig
from trueup.service.secrets import read_secret

VENUES = "trueup.venues"
LEDGERS = "trueup.ledgers"
BOOKS = "trueup.books"
NOTIFIERS = "trueup.notifiers"
ALLOW_LIVE = (
    "TRUEUP_ALLOW_LIVE"  # said besides `live = true`, so that a copied configuration cannot reach real money
)
_EXTRAS = {
    "apprise": "alerts",
    "ccxt": "ccxt",
    "duckdb": "history",
    "psycopg": "postgres",
    "sqlalchemy": "sql",
}  # module → extra
_EXECUTOR_METHODS = ("reconcile_entry_fill", "reconcile_exit_fill", "reconcile_cancel")


def open_venue(
    account: AccountConfig,
    clock: Clock,
    folder: str,
    environ: Mapping[str, str],
    budgets: Mapping[str, WiderBudget] | None = None,
) -> Venue:
    """The account's venue, with its credentials read. `budgets`: those that accounts share, by name; null: this
    process spends the account's own only. Raises ConfigError, AuthError.
    """
    settings = VenueSettings(
        account_id=account.account_id,
        credentials={
            name: read_secret(name, one, folder, environ) for name, one in account.credentials.items()
        },
        options=account.options,
        folder=folder,
        allow_live=environ.get(ALLOW_LIVE, "").strip().lower() in ("1", "true", "yes"),
        managed_symbols=managed_symbols(account),
        clock=clock,
        wider_budgets=[] if budgets is None else [budgets[one] for one in account.budgets],
    )
    return cast(Venue, load_entry(VENUES, account.venue)(settings))


def open_books(
    name: str,
    books: BooksConfig,
    account: AccountConfig,
    profiles: Sequence[Profile],
    *,
    folder: str,
    environ: Mapping[str, str],
    clock: Clock,
    ledger_url: str = "",
) -> ForeignBooks:
    """The books called `name` of these profiles of one account. Raises ConfigError, AuthError, LedgerError."""
    secrets = dict(books.credentials)
    options = {**books.options, **books.mapping}
    if isinstance(books.database, SecretSource):
        secrets["database"] = books.database
    elif books.database is not None:
        options["database"] = books.database
    settings = BooksSettings(
        account_id=account.account_id,
        profiles=profiles,
        source=name,
        write=books.write,
        options=options,
        credentials={key: read_secret(f"{name}.{key}", one, folder, environ) for key, one in secrets.items()},
        folder=folder,
        ledger_url=ledger_url,
        clock=clock,
    )
    return cast(ForeignBooks, load_entry(BOOKS, books.kind)(settings))


def open_notifier(
    name: str,
    config: NotifierConfig,
    timeout_s: float,
    *,
    folder: str,
    environ: Mapping[str, str],
    clock: Clock,
) -> Notifier:
    """The notifier called `name`, with its credentials read. Raises ConfigError, AuthError."""
    settings = NotifierSettings(
        name=name,
        options=config.options,
        credentials={
            key: read_secret(f"alerts.to.{name}.{key}", one, folder, environ)
            for key, one in config.credentials.items()
        },
        timeout_s=timeout_s,
        clock=clock,
    )
    return cast(Notifier, load_entry(NOTIFIERS, config.kind)(settings))


def managed_symbols(account: AccountConfig) -> list[str] | None:
    """The symbols that the account's profiles manage between them; null as soon as one of them manages any."""
    lists = [profile.policy.managed_symbols for profile in account.profiles]
    known = [symbols for symbols in lists if symbols is not None]
    return sorted({symbol for symbols in known for symbol in symbols}) if len(known) == len(lists) else None


@cache  # what is installed is read from every package's files: 9 ms for each of 2,000 accounts
def load_entry(group: str, name: str) -> Any:
    """What the entry point `name` of `group` names. Raises ConfigError where it is missing or cannot be imported."""
    found = entry_points(group=group)
    if name not in found.names:
        raise ConfigError(_unknown(group, name, found.names))
    return _load(found[name])


def open_executor(reference: str) -> Executor:
    """The executor named `module:attribute`: an instance, or a class or function that makes one without arguments.

    Raises ConfigError, whatever its module or its making raises.
    """
    entry = EntryPoint(name="executor", value=reference, group="")
    if not entry.pattern.match(reference) or ":" not in reference:
        raise ConfigError(f"service.executor: expected 'module:attribute', got {reference!r}")
    try:
        executor = _load(entry)
        if isinstance(executor, type) or (callable(executor) and not hasattr(executor, _EXECUTOR_METHODS[0])):
            executor = executor()
    except ConfigError:
        raise
    except Exception as error:
        kind = type(error).__name__
        raise ConfigError(f"service.executor: {reference} cannot be made: {kind}: {error}") from error
    missing = [one for one in _EXECUTOR_METHODS if not callable(getattr(executor, one, None))]
    if missing:
        raise ConfigError(
            f"service.executor: {reference} has no {', '.join(missing)}; see trueup.ports.executor.Executor"
        )
    return cast(Executor, executor)


def open_configured_executor(
    loaded: LoadedConfig, clock: Clock, environ: Mapping[str, str]
) -> Executor | RemoteExecutor | None:
    """The bot's side: in this process, or over HTTP. Raises ConfigError, AuthError."""
    config = loaded.config.service.executor
    if config is None or isinstance(config, str):
        return None if config is None else open_executor(config)
    from trueup.webhooks.executor import WebhookExecutor
    from trueup.webhooks.post import Poster, check_url
    from trueup.webhooks.sign import signing_key

    url = config.url
    if isinstance(url, SecretSource):
        url = read_secret("service.executor.url", url, loaded.folder, environ)
    secret = read_secret("service.executor.secret", config.secret, loaded.folder, environ)
    key = signing_key(secret, "service.executor.secret")
    return WebhookExecutor(check_url(url, "service.executor.url"), key, Poster(config.timeout_s), clock)


def _load(entry: EntryPoint) -> Any:
    try:
        return entry.load()
    except (ImportError, AttributeError) as error:
        missing = (getattr(error, "name", None) or "").partition(".")[0]
        if missing in _EXTRAS:
            raise ExtraMissing(f"{entry.name} needs {missing}", _EXTRAS[missing]) from error
        raise ConfigError(
            f"{entry.value} cannot be imported: {error}; is its package or extra installed?"
        ) from error


def _unknown(group: str, name: str, known: set[str]) -> str:
    kind = group.removeprefix("trueup.").removesuffix("s")
    nearest = difflib.get_close_matches(name, known, n=1)
    advice = (
        f"did you mean {nearest[0]!r}?" if nearest else f"installed are: {', '.join(sorted(known)) or 'none'}"
    )
    return f"no {kind} is called {name!r}; {advice}"
