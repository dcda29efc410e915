"""Opens the accounts that a configuration names, with the ledger, venues and executor of each; and closes them again.

The one way to an account: of the command line, the library, the service and its pages.
"""

import contextlib
import os
from collections.abc import AsyncIterator, Mapping

from trueup.engine.run.account import ManagedAccount, ManagedProfile
from trueup.engine.run.said import Said
from trueup.fleet.portions import SharedBudget
from trueup.model.errors import ConfigError
from trueup.model.snapshot import Profile
from trueup.ports.clock import Clock
from trueup.ports.executor import Executor, RemoteExecutor
from trueup.ports.foreign_books import ForeignBooks
from trueup.ports.ledger import Ledger
from trueup.ports.venue import Venue, WiderBudget
from trueup.service.clock import SystemClock
from trueup.service.config import AccountConfig
from trueup.service.load_config import LoadedConfig
from trueup.service.open_ledger import database_url, open_ledger
from trueup.service.registry import open_books, open_configured_executor, open_venue


@contextlib.asynccontextmanager
async def open_accounts(
    loaded: LoadedConfig,
    *,
    clock: Clock | None = None,
    environ: Mapping[str, str] | None = None,
    venues: Mapping[str, Venue] | None = None,
) -> AsyncIterator[list[ManagedAccount]]:
    """Every account of a configuration, ready to run. Raises ConfigError, AuthError, LedgerError.

    `venues`: by account id, in place of what the configuration would open; closed with the others.
    """
    clock, environ, venues = clock or SystemClock(), os.environ if environ is None else environ, venues or {}
    unknown = venues.keys() - {config.account_id for config in loaded.config.accounts}
    if unknown:
        raise ConfigError(f"{loaded.path} has no account {', '.join(sorted(unknown))}")
    executor = open_configured_executor(loaded, clock, environ)
    async with contextlib.AsyncExitStack() as closing:
        if isinstance(executor, RemoteExecutor):
            closing.push_async_callback(executor.aclose)
        ledger = open_ledger(loaded, environ)
        closing.callback(ledger.close)
        budgets = shared_budgets(loaded, ledger, clock)
        accounts: list[ManagedAccount] = []
        for config in loaded.config.accounts:
            venue = venues.get(config.account_id)
            account = open_account(
                config, loaded, ledger, clock, environ, executor=executor, venue=venue, budgets=budgets
            )
            for books in account.foreign:
                closing.callback(books.close)
            closing.push_async_callback(account.venue.aclose)
            accounts.append(account)
        ledger.journal.ensure_profiles(
            [managed.profile for account in accounts for managed in account.profiles]
        )
        yield accounts


def shared_budgets(loaded: LoadedConfig, ledger: Ledger, clock: Clock) -> dict[str, WiderBudget]:
    """The budgets that accounts share, by name: one a process, filled from the database."""
    return {
        name: SharedBudget(name, one.shared_per_minute, ledger.roster, clock)
        for name, one in loaded.config.budgets.items()
    }


def open_account(
    config: AccountConfig,
    loaded: LoadedConfig,
    ledger: Ledger,
    clock: Clock,
    environ: Mapping[str, str],
    *,
    executor: Executor | None = None,
    venue: Venue | None = None,
    budgets: Mapping[str, WiderBudget] | None = None,
) -> ManagedAccount:
    """One account with its venue and its bots' own books, which are the caller's to close.

    `venue` null: what the configuration names; `budgets`: as `shared_budgets` made them.
    Raises ConfigError, AuthError, LedgerError.
    """
    return ManagedAccount(
        account_id=config.account_id,
        profiles=managed_profiles(config),
        venue=venue or open_venue(config, clock, loaded.folder, environ, budgets),
        ledger=ledger,
        foreign=open_foreign_books(config, loaded, environ, clock),
        clock=clock,
        executor=executor,
        lease_ttl_s=loaded.config.service.lease_ttl_s,
        clock_skew_max_s=loaded.config.service.clock_skew_max_s,
        said=Said(loaded.config.service.alert_throttle_s, loaded.config.service.watchdog_throttle_s),
    )


def open_foreign_books(
    config: AccountConfig, loaded: LoadedConfig, environ: Mapping[str, str], clock: Clock
) -> list[ForeignBooks]:
    """The books that this account's profiles keep themselves; several may share one."""
    profiles = {managed.profile_id: managed.profile for managed in managed_profiles(config)}
    by_name: dict[str, list[Profile]] = {}
    for one in config.profiles:
        if one.books is not None:
            by_name.setdefault(one.books, []).append(profiles[one.profile_id])
    return [
        open_books(
            name,
            loaded.config.books[name],
            config,
            owners,
            folder=loaded.folder,
            environ=environ,
            clock=clock,
            ledger_url=database_url(loaded, environ),
        )
        for name, owners in by_name.items()
    ]


def managed_profiles(config: AccountConfig) -> list[ManagedProfile]:
    """An account's profiles, as the engine knows them."""
    return [
        ManagedProfile(
            profile=Profile(
                profile_id=one.profile_id,
                user_id=one.user_id,
                venue=config.venue,
                account_id=config.account_id,
            ),
            policy=one.policy,
        )
        for one in config.profiles
    ]
