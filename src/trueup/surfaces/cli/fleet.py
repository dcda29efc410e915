"""`trueup fleet`: many workers over one roster of accounts, dispatched by NATS JetStream."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import click

from trueup.model.errors import ConfigError, InputError
from trueup.surfaces.cli.configured import load, open_books
from trueup.surfaces.cli.exit_codes import FAILURE, IN_SYNC
from trueup.surfaces.cli.invocation import Invocation, common
from trueup.surfaces.cli.terminal import counted, say
from trueup.surfaces.cli.work_roster import work_roster

if TYPE_CHECKING:
    from trueup.fleet.broker import Broker
    from trueup.ports.ledger import Ledger
    from trueup.service.load_config import LoadedConfig
    from trueup.service.views.fleet import FleetView

DRAIN_S = 120.0  # a run with a venue that hangs takes 30 s, and then the next one of its shard
DRAIN_POLL_S = 0.5


@click.group()
def command() -> None:
    """Run the accounts of the roster (`trueup account`) on many workers."""


@command.command(short_help="Make the broker's stream, and a schedule for every shard.")
@common
def init(invocation: Invocation) -> None:
    """Make the broker's stream, cut the accounts into shards, and give each a schedule, spread over one interval.

    Again after `interval_s` was changed.
    """
    _balance(invocation, anew=True)


@command.command(short_help="Cut the accounts into shards again, after some were added or removed.")
@common
def rebalance(invocation: Invocation) -> None:
    """Move accounts where shards are too full or too empty, and set the schedules that are missing.

    Workers go on meanwhile.
    """
    _balance(invocation, anew=False)


@command.command(short_help="Work, until it is stopped or drained.")
@click.option("--name", metavar="NAME", help="What it is called (default: machine and process).")
@click.option(
    "--apply", "applying", is_flag=True, help="Write repairs to the books (default: as configured)."
)
@click.option("--dry", is_flag=True, help="Write none to the books.")
@click.option("--http", metavar="HOST:PORT", help="Answer /healthz and /metrics there.")
@common
def worker(invocation: Invocation, name: str | None, applying: bool, dry: bool, http: str | None) -> None:
    """Take shards as they come due and run their accounts, until SIGTERM, Ctrl-C or `trueup fleet drain`."""
    if applying and dry:
        raise click.UsageError("--apply and --dry contradict each other: give one of them")
    loaded = load(invocation, apply=True if applying else False if dry else None)
    work_roster(loaded, name=name, http=http)


@command.command()
@common
def status(invocation: Invocation) -> int:
    """Show shards, lateness, what waits at the broker, and the workers. Exit code 1 where shards are starved."""
    from trueup.service.fleet.read_status import read_status

    loaded = load(invocation)
    with open_books(invocation) as books:
        view = asyncio.run(read_status(loaded, books))
    if invocation.json:
        invocation.data(view)
    else:
        _show(invocation, view)
    return FAILURE if view.starved_shards else IN_SYNC


@command.command(short_help="Tell workers to finish what they run, and to end.")
@click.option("--worker", "name", metavar="NAME", help="Only this one.")
@click.option("--timeout", "timeout_s", default=DRAIN_S, show_default=True, help="Seconds to wait for them.")
@common
def drain(invocation: Invocation, name: str | None, timeout_s: float) -> int:
    """Tell all workers, or one, to take no more shards, to finish what they run, and to end. Others take over."""
    with open_books(invocation) as books:
        told = books.roster.drain(name)
        if name is not None and not told:
            raise InputError(f"no worker {name!r}: trueup fleet status", "--worker")
        left = asyncio.run(_until_gone(books, name, timeout_s))
    if invocation.json:
        invocation.data({"drained": told - len(left), "left": left})
    else:
        invocation.line(f"drained {counted(told - len(left), 'worker')}")
        for one in left:
            invocation.line(f"still there: {one}", "red")
    return FAILURE if left else IN_SYNC


@command.command(short_help="Run accounts now, before their time.")
@click.argument("account_ids", nargs=-1, required=True, metavar="ACCOUNT…")
@common
def hurry(invocation: Invocation, account_ids: Sequence[str]) -> None:
    """Run these accounts now, before all that wait: something happened that concerns them."""
    loaded = load(invocation)
    with open_books(invocation) as books:
        known = {one.account_id: one.shard for one in books.roster.accounts(account_ids)}
    missing = [one for one in account_ids if one not in known]
    if missing:
        raise InputError(f"no account {missing[0]!r} is in the roster: trueup account list", "ACCOUNT")
    by_shard: dict[int, list[str]] = {}
    for account_id, shard in known.items():
        by_shard.setdefault(shard, []).append(account_id)

    async def tell(broker: "Broker") -> None:
        for shard, accounts in by_shard.items():
            await broker.hurry(shard, tuple(accounts))

    _with_broker(loaded, tell)
    if invocation.json:
        invocation.data({"hurried": len(known)})
    else:
        invocation.line(f"hurried {counted(len(known), 'account')}")


# -- doing ---------------------------------------------------------------------------------------------------------


def _balance(invocation: Invocation, *, anew: bool) -> None:
    from trueup.service.clock import SystemClock
    from trueup.service.fleet.schedules import balance

    loaded = load(invocation)
    if loaded.config.fleet.url is None:
        raise ConfigError("fleet.url: no broker is configured; workers without one need no schedules")
    service, per_shard = loaded.config.service, loaded.config.fleet.profiles_per_shard
    with open_books(invocation) as books:
        if not invocation.json:
            say(f"sets each shard's schedule at its moment: up to {service.interval_s:g} s")

        async def set_up(broker: "Broker") -> None:
            await broker.set_up()
            done = await balance(
                broker, books.roster, per_shard, service.interval_s, SystemClock(), anew=anew
            )
            if invocation.json:
                invocation.data(done)
                return
            invocation.line(
                f"{counted(done.shards, 'shard')}: {done.scheduled} scheduled, {done.unscheduled} given up;"
                f" {counted(done.moved, 'account')} moved"
            )

        _with_broker(loaded, set_up)


def _with_broker(loaded: "LoadedConfig", call: "Callable[[Broker], Awaitable[None]]") -> None:
    async def within() -> None:
        async with _opened(loaded) as broker:
            await call(broker)

    asyncio.run(within())


@asynccontextmanager
async def _opened(loaded: "LoadedConfig") -> "AsyncIterator[Broker]":
    from trueup.service.fleet.open_fleet import open_broker

    broker = await open_broker(loaded)
    try:
        yield broker
    finally:
        await broker.aclose()


async def _until_gone(books: "Ledger", name: str | None, timeout_s: float) -> list[str]:
    """The workers that are still there after so long."""
    from trueup.service.views.fleet import read_fleet

    loop = asyncio.get_running_loop()
    end = loop.time() + timeout_s
    while True:
        view = read_fleet(books, 1.0, None, None)
        left = [one.worker for one in view.workers if name in (None, one.worker) and not one.lost]
        if not left or loop.time() >= end:
            return left
        await asyncio.sleep(DRAIN_POLL_S)


# -- showing -------------------------------------------------------------------------------------------------------


def _show(invocation: Invocation, view: "FleetView") -> None:
    from trueup.surfaces.cli.terminal import table

    if not view.accounts:
        invocation.line("the roster is empty; next: trueup account add FILE")
        return
    invocation.line(
        f"{counted(view.profiles, 'profile')} on {counted(view.accounts, 'account')} in"
        f" {counted(view.shards, 'shard')}, each every {view.interval_s:g} s"
        + (f", stretched {view.stretch:g} times" if view.stretch > 1 else "")
    )
    late = view.lateness_s
    invocation.line(f"lateness: p50 {late.p50:.1f} s, p99 {late.p99:.1f} s, max {late.max:.1f} s")
    if view.broker_fault is None:
        invocation.line(
            f"broker: {view.scheduled} schedules, {view.pending} pending, {view.in_flight} in flight"
        )
    if view.unscheduled:
        invocation.line(
            f"{counted(view.unscheduled, 'shard')} without a schedule: trueup fleet rebalance", "yellow"
        )
    if view.degraded is not None:
        invocation.line(f"degraded: {view.degraded}; workers go by the due times in the database", "yellow")
    if view.starved_shards:
        named = ", ".join(map(str, view.starved))
        invocation.line(
            f"starved: {counted(view.starved_shards, 'shard')} ({named}): too few workers", "bold red"
        )
    rows = [
        (
            one.worker,
            "lost" if one.lost else "draining" if one.draining else "works",
            f"{one.seen_s:.0f} s ago",
            one.says.version if one.says else "?",
            one.says.shards if one.says else "",
            one.says.runs if one.says else "",
        )
        for one in view.workers
    ]
    if not rows:
        invocation.line("no worker is there: trueup fleet worker", "bold red")
        return
    heads = ("worker", "state", "seen", "version", ">shards", ">runs")
    invocation.show(table("Workers", heads, rows, rows_max=None))
