"""Worlds whose bots record into a real SQLite ledger and whose accounts the real engine reconciles.

All in simulated time, in one thread; the bots go on while a run reads, plans and commits.
`TRUEUP_ENGINE_WORLDS=200` tries more of them.
"""

import asyncio
import os
from collections.abc import Iterator
from fractions import Fraction
from random import Random
from typing import TypeVar

import pytest
from msgspec import Struct, convert, structs

from trueup.engine.account import AccountReport, RunState
from trueup.engine.recorder import Recorder
from trueup.engine.run_account import reconcile_account
from trueup.ledgers.sqlite import SqliteLedger
from trueup.model.snapshot import Fill, Local, LocalOrder, Trade
from trueup.model.vocabulary import BreakKind
from trueup.sim.checkers import ProfileBooks, Violation, check_books, check_converged
from trueup.sim.clock import SimClock, run_simulated
from trueup.sim.faults import Faults
from trueup.sim.managed import managed_account
from trueup.sim.trial import draw_shape
from trueup.sim.world import World

WORLDS = int(os.environ.get("TRUEUP_ENGINE_WORLDS", "12"))
RUN_EVERY_S = 31
Row = TypeVar("Row", bound=Struct)


@pytest.fixture
def clock() -> SimClock:
    return SimClock()


@pytest.fixture
def ledger(clock: SimClock) -> Iterator[SqliteLedger]:
    ledger = SqliteLedger(":memory:", clock_ns=clock.now_ns)
    yield ledger
    ledger.close()


def rows_of(ledger: SqliteLedger, table: str, profile_id: str, kind: type[Row]) -> list[Row]:
    """Every row of a table, whatever a read would leave out."""
    fields = structs.fields(kind)
    rows = [
        {field.name: row[field.name] for field in fields if field.name in row}
        for row in ledger.export(table, profile_id)
    ]
    return [convert(row, kind) for row in rows]


def books_of(world: World, ledger: SqliteLedger, profile_id: str, overrun: set[str]) -> ProfileBooks:
    local = Local(
        orders=rows_of(ledger, "orders", profile_id, LocalOrder),
        fills=rows_of(ledger, "fills", profile_id, Fill),
        trades=rows_of(ledger, "trades", profile_id, Trade),
    )
    return ProfileBooks(
        profile_id=profile_id,
        account_id=world.profiles[profile_id].account.account_id,
        local=local,
        overrun_trades=frozenset(overrun | exited_whole(local.trades)),
    )


def exited_whole(trades: list[Trade]) -> set[str]:
    """Trades that hold nothing: what a bot recorded of exits beyond that is on the orders only, and not reported."""
    return {
        trade.trade_id
        for trade in trades
        if Fraction(trade.entry_qty) - Fraction(trade.fee_base_qty) <= Fraction(trade.exit_qty)
    }


def overrun_trades(report: AccountReport) -> set[str]:
    plans = [one.plan for one in report.profiles if one.plan is not None]
    return {one.trade_id or "" for plan in plans for one in plan.breaks if one.kind.value == "trade_overrun"}


@pytest.mark.parametrize("seed", range(WORLDS))
def test_books_in_sqlite_stay_safe_and_converge(seed, clock, ledger):
    world = World(
        seed,
        shape=draw_shape(Random(seed)),
        faults=Faults.busy(),
        clock=clock,
        make_books=lambda profile: Recorder(ledger, profile),
    )
    account = managed_account(world, "acc1", ledger)
    overrun: set[str] = set()

    def violations() -> list[Violation]:
        return [
            one
            for profile_id in world.profiles
            for one in check_books(world.market, books_of(world, ledger, profile_id, overrun))
        ]

    async def run_beside_the_bots(seconds: int) -> AccountReport:
        living = asyncio.create_task(world.live_for(seconds))
        report = await reconcile_account(account, apply=True)
        overrun.update(overrun_trades(report))
        await living
        return report

    async def storm_and_heal() -> AccountReport:
        for _ in range(10):
            await run_beside_the_bots(17)
            assert violations() == []
        world.heal()
        world.rest()
        for _ in range(8):
            await run_beside_the_bots(RUN_EVERY_S)
            assert violations() == []
        return await run_beside_the_bots(RUN_EVERY_S)

    report = run_simulated(clock, storm_and_heal())
    assert len(report.profiles) == len(world.profiles)
    for one in report.profiles:
        assert one.plan is not None
        counted = any(found.kind is BreakKind.POSITION_MISMATCH for found in one.plan.breaks)
        assert (
            one.state is RunState.UNCHANGED or counted
        )  # a mismatch by a person's hand is counted in every run
        books = books_of(world, ledger, one.profile_id, overrun)
        assert check_converged(world.market, books, one.plan, coverage=world.shape.coverage) == []
        bot = world.profiles[one.profile_id].bot
        assert len(bot.effects) > 0
        assert bot.deliveries >= len(bot.effects)
