"""`trueup doctor`: checks everything that a run needs, one line each, and names the next step where something fails."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec import Struct

from trueup.model.errors import AuthError, ConfigMissing, ExtraMissing, TrueupError
from trueup.surfaces.cli.configured import load
from trueup.surfaces.cli.exit_codes import FAILURE, IN_SYNC
from trueup.surfaces.cli.invocation import Invocation, common
from trueup.surfaces.cli.terminal import counted

if TYPE_CHECKING:
    from trueup.model.snapshot import OrdersRead
    from trueup.service.config import AccountConfig
    from trueup.service.load_config import LoadedConfig

OK, WARN, FAIL = "ok", "warn", "fail"
CLOCK_SKEW_MAX_S = 2.0  # below the default window of recent activity, 5 s
CALL_TIMEOUT_S = 10.0


class Check(Struct, frozen=True):
    """One line. `next_step`: what to do, where it is not ok."""

    name: str
    state: str
    message: str
    next_step: str | None = None


@click.command()
@common
def command(invocation: Invocation) -> int:
    """Check configuration, database, credentials, venue and clocks. Exit code 1 where something fails."""
    checks: list[Check] = []
    for check in run_checks(invocation):
        checks.append(check)
        invocation.data(check) if invocation.json else _show(invocation, check)
    failed = [check for check in checks if check.state == FAIL]
    if not failed and not invocation.json:
        invocation.line("next: trueup plan", "dim")
    return FAILURE if failed else IN_SYNC


def run_checks(invocation: Invocation) -> Iterator[Check]:
    """In the order in which they build on each other; what cannot be checked without a failed one is left out."""
    try:
        loaded = load(invocation)
    except TrueupError as fault:
        yield Check("configuration", FAIL, str(fault), _next_step(fault))
        return
    yield Check("configuration", OK, f"{loaded.path}, {counted(len(loaded.config.profile_ids), 'profile')}")
    if not loaded.config.profile_ids:
        yield Check("profiles", FAIL, "none is configured", "add [[accounts]] and [[accounts.profiles]]")
    applying = loaded.config.service.apply
    yield Check(
        "apply", WARN if applying else OK, "repairs are written" if applying else "dry: nothing is written"
    )
    yield _check_database(loaded)
    if loaded.config.service.executor is not None:
        yield _check_executor(loaded)
    yield from _check_alerts(loaded)
    for config in loaded.config.accounts:
        checks, opened = asyncio.run(_check_account(loaded, config))
        yield from checks
        yield from _check_books(loaded, config, opened)


def _next_step(fault: TrueupError) -> str:
    """By the fault's own kind: what to do about a file that is not there is not what to do about one that is wrong."""
    if isinstance(fault, ConfigMissing):
        return "trueup init, or --config FILE"
    if isinstance(fault, ExtraMissing):
        return f"pip install 'trueup[{fault.extra}]'"
    if isinstance(fault, AuthError):
        return "set what [accounts.credentials] names"
    return "correct what it names, in the file or in the environment; docs/reference/configuration.md has every key"


def _check_database(loaded: "LoadedConfig") -> Check:
    from trueup.service.open_ledger import database_file, database_url, open_ledger, shown_url

    try:
        file = database_file(loaded)
        place = file or shown_url(database_url(loaded, os.environ))
    except TrueupError as fault:
        return Check("database", FAIL, str(fault), "correct [database] in the configuration")
    if file is not None and not Path(file).exists():
        return _check_folder(Path(file))
    try:
        ledger = open_ledger(loaded, create=False)
        damage = ledger.find_damage(quick=True)
        known = [] if damage else [profile.profile_id for profile in ledger.journal.list_profiles()]
        states = ledger.journal.profile_states(known)
        ledger.close()
    except TrueupError as fault:
        return Check("database", FAIL, str(fault), "name another in [database], or restore a backup")
    if damage:
        return Check(
            "database",
            FAIL,
            f"{place} is damaged: {damage[0]}",
            "restore a backup, see docs/how-to/operate.md",
        )
    exposed = None if file is None else _exposed(Path(file))
    if exposed is not None:
        return exposed
    paused = [profile_id for profile_id, state in states.items() if state.paused]
    if paused:
        return Check("database", WARN, f"{place}; paused: {', '.join(paused)}", f"trueup resume {paused[0]}")
    return Check("database", OK, place)


def _check_folder(path: Path) -> Check:
    writable = os.access(path.parent, os.W_OK)
    message = (
        "is made at the first run" if writable else "cannot be made: the folder is not writable or not there"
    )
    step = None if writable else f"make {path.parent} and give this user the right to write in it"
    return Check("database", OK if writable else FAIL, f"{path} {message}", step)


def _exposed(path: Path) -> Check | None:
    """A ledger that others than its owner may read or write; POSIX modes only."""
    mode = path.stat().st_mode & 0o777
    if os.name == "nt" or not mode & 0o077:
        return None
    message = f"{path} may be read or written by others (mode {mode:03o}); it holds orders and positions"
    return Check("database", WARN, message, f"chmod 600 {path}")


def _check_executor(loaded: "LoadedConfig") -> Check:
    from trueup.service.clock import SystemClock
    from trueup.service.registry import open_configured_executor

    config = loaded.config.service.executor
    step = "install its package, or name its folder in PYTHONPATH"
    try:
        open_configured_executor(loaded, SystemClock(), os.environ)
    except TrueupError as fault:
        return Check("executor", FAIL, str(fault), step if isinstance(config, str) else _next_step(fault))
    return Check("executor", OK, config if isinstance(config, str) else "a signed webhook")


def _check_alerts(loaded: "LoadedConfig") -> Iterator[Check]:
    """Whether everybody who is to be told can be; nothing is sent."""
    from trueup.service.alerts.open_alerts import open_notifiers, ping_url
    from trueup.service.clock import SystemClock

    alerts = loaded.config.alerts
    try:
        open_notifiers(loaded, SystemClock(), os.environ)
        ping = ping_url(loaded, os.environ)
    except TrueupError as fault:
        yield Check("alerts", FAIL, str(fault), _next_step(fault))
        return
    switch = "without a dead-man's switch" if ping is None else "with a dead-man's switch"
    told = ", ".join(alerts.to) or "the log alone (docs/how-to/alerts.md)"
    yield Check("alerts", OK, f"told to {told}, {switch}")
    if alerts.to:
        yield from _check_deliveries(loaded)


def _check_deliveries(loaded: "LoadedConfig") -> Iterator[Check]:
    """What people were to be told and did not hear."""
    from trueup.service.open_ledger import open_ledger

    try:
        ledger = open_ledger(loaded, create=False)
        given_up = [one for one in ledger.journal.list_deliveries() if one.outcome is not None]
        ledger.close()
    except TrueupError:  # the database has a line of its own
        return
    if given_up:
        last = given_up[0]
        message = (
            f"{counted(len(given_up), 'message')} never arrived, the last at {last.notifier}: {last.error}"
        )
        yield Check("alerts", WARN, message, "trueup alerts test")


async def _check_account(
    loaded: "LoadedConfig", config: "AccountConfig"
) -> "tuple[list[Check], OrdersRead | None]":
    """With the venue's open orders, where they were read."""
    from trueup.service.clock import SystemClock
    from trueup.service.registry import open_venue

    name = f"account {config.account_id}"
    try:
        venue = open_venue(config, SystemClock(), loaded.folder, os.environ)
    except TrueupError as fault:
        return [Check(name, FAIL, str(fault), _next_step(fault))], None
    try:
        async with asyncio.timeout(CALL_TIMEOUT_S):
            whose = await venue.account_id()
            theirs = await venue.now_ns()
            ours = SystemClock().now_ns()
            opened = await venue.open_orders()
    except TimeoutError:
        message = f"no answer within {CALL_TIMEOUT_S:g} s"
        return [Check(name, FAIL, message, "check the network and the venue's status page")], None
    except TrueupError as fault:
        step = "check the options, the network, the credentials and their permissions"
        return [Check(name, FAIL, str(fault), step)], None
    finally:
        await venue.aclose()
    read = f"{counted(len(opened.rows), 'open order')}, read {opened.state}"
    state = OK if opened.state == "complete" else WARN
    checks = [Check(name, state, f"{config.venue}{f' ({whose})' if whose else ''}: {read}", opened.error)]
    checks += [] if theirs is None else [_check_clock(config.account_id, ours - theirs)]
    return checks, opened


def _check_books(
    loaded: "LoadedConfig", config: "AccountConfig", opened: "OrdersRead | None"
) -> Iterator[Check]:
    """The bots' own books, beside the venue's open orders."""
    from trueup.books.checks import Checking
    from trueup.service.clock import SystemClock
    from trueup.service.open_accounts import open_foreign_books

    if all(one.books is None for one in config.profiles):
        return
    name = f"books of {config.account_id}"
    try:
        found = open_foreign_books(config, loaded, os.environ, SystemClock())
    except TrueupError as fault:
        yield Check(name, FAIL, str(fault), "trueup connect shows what is there")
        return
    for books in found:
        name = f"books {books.traits.source}"
        try:
            complete = opened is not None and opened.state == "complete"
            rows = [] if opened is None else opened.rows
            for one in books.check(rows, complete=complete) if isinstance(books, Checking) else []:
                state = FAIL if one.failed else WARN if one.next_step else OK
                yield Check(name, state, one.message, one.next_step)
        except TrueupError as fault:
            yield Check(name, FAIL, str(fault), "trueup connect shows what is there")
        finally:
            books.close()


def _check_clock(account_id: str, ahead_ns: int) -> Check:
    ahead_s = ahead_ns / 1e9
    message = f"{abs(ahead_s):.2f} s {'ahead of' if ahead_s > 0 else 'behind'} the venue's"
    if abs(ahead_s) <= CLOCK_SKEW_MAX_S:
        return Check(f"clock for {account_id}", OK, message)
    return Check(f"clock for {account_id}", WARN, message, "synchronise this machine's clock (NTP)")


_MARKS = {OK: ("ok  ", "green"), WARN: ("warn", "yellow"), FAIL: ("fail", "bold red")}


def _show(invocation: Invocation, check: Check) -> None:
    from rich.text import Text

    from trueup.surfaces.cli.terminal import styled

    word, style = _MARKS[check.state]
    line = Text.assemble(
        styled(word, style), " ", styled(check.name, "bold"), ": ", styled(check.message, "")
    )
    if check.next_step:
        line.append_text(Text.assemble("\n     → ", styled(check.next_step, "")))
    invocation.show(line)
