"""What the configuration names, opened for one command: the books, or whole accounts for one run.

Decides the exit code of a run. Everything else is the service's; log events stay silent unless a command wants them.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from trueup.model.errors import RESTORE, ConfigError, InputError, LedgerDamaged, TrueupError
from trueup.surfaces.cli import exit_codes
from trueup.surfaces.cli.invocation import Invocation

if TYPE_CHECKING:
    from trueup.engine.run.account import ManagedAccount, ProfileReport
    from trueup.model.plan import Plan
    from trueup.ports.ledger import Ledger
    from trueup.service.load_config import LoadedConfig


def load(invocation: Invocation, **service_flags: object) -> "LoadedConfig":
    """The configuration. `service_flags`: keys of `[service]` that the command line sets; null = not given."""
    from trueup.service.load_config import load_config

    flags = {f"service.{key}": value for key, value in service_flags.items()}
    path = None if invocation.config_path is None else str(invocation.config_path)
    return load_config(path, flags=flags)


@contextmanager
def open_books(invocation: Invocation) -> "Iterator[Ledger]":
    """The configured ledger, which must exist already: looking never creates one.

    Where a command meets what it did not foresee, the ledger is checked: if that is damaged, it is the reason.
    """
    from trueup.service.open_ledger import open_ledger

    ledger = open_ledger(load(invocation), create=False)
    try:
        yield ledger
    except (TrueupError, click.ClickException, click.Abort, click.exceptions.Exit, OSError):
        raise
    except Exception as fault:
        damage = ledger.find_damage(quick=False)
        if damage:
            raise LedgerDamaged(f"the ledger is {RESTORE} ({damage[0]})") from fault
        raise
    finally:
        ledger.close()


def say_unwritten(ledger: "Ledger", profile_ids: "Collection[str] | None" = None) -> bool:
    """Tells of repairs that are committed and that the bots' own rows have not: not yet, or they refused it for good.

    `profile_ids`: null for all. Returns whether there are some.
    """
    from trueup.model.vocabulary import LocalFaultKind
    from trueup.surfaces.cli.terminal import counted, say

    known = [one.profile_id for one in ledger.journal.list_profiles()]
    wanted = [one for one in known if profile_ids is None or one in profile_ids]
    counts = ledger.journal.count_waiting()
    waiting = sum(counts[one].unwritten for one in wanted if one in counts)
    faults = ledger.journal.row_faults(wanted)
    refused = sum(one.kind is LocalFaultKind.WRITE_REFUSED for found in faults.values() for one in found)
    if waiting:
        waits = "waits for its repair" if waiting == 1 else "wait for their repairs"
        say(
            f"{counted(waiting, 'row')} of the bot's own {waits}: its database is busy, or cannot be reached;"
            " trueup run --once --apply tries again"
        )
    if refused:
        say(f"{counted(refused, 'row')} of the bot's own refused the repair: trueup plan says why")
    return bool(waiting or refused)


def check_profile(books: "Ledger", profile_id: str | None) -> None:
    """Raises InputError for a profile that the books do not hold."""
    known = [profile.profile_id for profile in books.journal.list_profiles()]
    if profile_id is not None and profile_id not in known:
        raise InputError(f"no profile {profile_id!r}; there are: {', '.join(known) or 'none'}", "--profile")


def plan_profiles(loaded: "LoadedConfig", profile_ids: Sequence[str] = ()) -> "list[ProfileReport]":
    """Plans profiles (none named: all); nothing is written to the books.

    A bot's own books are read twice, the window of recent activity apart, where rows do not say when they changed.
    """
    from trueup.engine.run.plan_account import plan_account

    async def plan(account: "ManagedAccount") -> "list[ProfileReport]":
        return await plan_account(account, waiting=_say_waiting)

    return _over_accounts(loaded, profile_ids, plan)


def _say_waiting(seconds: float) -> None:
    from trueup.surfaces.cli.terminal import say

    say(f"read the bot's own books; reading them again in {seconds:g} s, to see what it is writing just now")


def apply_plans(loaded: "LoadedConfig", plans: "Mapping[str, Plan]") -> "list[ProfileReport]":
    """Runs the profiles of these approved plans; each applies exactly, or its state is `stale`."""
    from trueup.engine.run.run_account import reconcile_account

    async def run(account: "ManagedAccount") -> "list[ProfileReport]":
        return (await reconcile_account(account, approved=plans)).profiles

    return _over_accounts(loaded, list(plans), run)


def _over_accounts(
    loaded: "LoadedConfig",
    profile_ids: Sequence[str],
    work: "Callable[[ManagedAccount], Awaitable[list[ProfileReport]]]",
) -> "list[ProfileReport]":
    known = require_profiles(loaded)
    unknown = [profile_id for profile_id in profile_ids if profile_id not in known]
    if unknown:
        raise InputError(
            f"no profile {unknown[0]!r} is configured; there are: {', '.join(known)}", "--profile"
        )
    logging.getLogger("trueup").addHandler(logging.NullHandler())
    chosen = set(profile_ids or known)

    async def over_all() -> "list[ProfileReport]":
        from trueup.service.open_accounts import open_accounts

        async with open_accounts(loaded) as accounts:
            narrowed = [_only(account, chosen) for account in accounts]
            return [report for one in narrowed if one.profiles for report in await work(one)]

    return asyncio.run(over_all())


def require_profiles(loaded: "LoadedConfig") -> list[str]:
    """The configured profiles. Raises ConfigError where there are none."""
    if not loaded.config.profile_ids:
        raise ConfigError(f"{loaded.path} names no profile: add [[accounts]] and [[accounts.profiles]]")
    return loaded.config.profile_ids


def _only(account: "ManagedAccount", profile_ids: set[str]) -> "ManagedAccount":
    return replace(account, profiles=[one for one in account.profiles if one.profile_id in profile_ids])


def report_code(report: "ProfileReport") -> int:
    """The exit code of one profile's run. One that is paused was not compared: that is no "in sync"."""
    from trueup.engine.run.account import RunState
    from trueup.model.vocabulary import ReadFault, ReadState
    from trueup.surfaces.cli.plan import exit_code

    if report.state is RunState.SKIPPED:
        return exit_codes.LEASED_ELSEWHERE
    if report.state is RunState.PAUSED:
        return exit_codes.INCOMPLETE
    if report.plan is None or report.snapshot is None or report.state in (RunState.FAILED, RunState.STALE):
        return exit_codes.FAILURE
    opened = report.snapshot.venue.open_orders
    if opened.state is ReadState.FAILED:
        refused = opened.fault is ReadFault.CREDENTIALS
        return exit_codes.BAD_CREDENTIALS if refused else exit_codes.UNREACHABLE
    return exit_code(report.snapshot, report.plan)
