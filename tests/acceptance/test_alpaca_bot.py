"""The example's bot on alpaca-py beside trueup, at one paper server: killed, deaf, unanswered; the books converge."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from trueup import AccountReport, ManagedAccount, load_config, open_accounts, reconcile_account
from trueup.engine.run.account import RunState
from trueup.ledgers.sqlite import open_sqlite
from trueup.model.snapshot import Local, LocalOrder
from trueup.model.vocabulary import LIVE, Action, Status
from trueup.service.clock import SystemClock
from trueup.sim.market.instruments import FEE_PARTS
from trueup.sim.market.orders import MarketOrder
from trueup.sim.paper.faults import PaperFault
from trueup.sim.paper.json import order_id
from trueup.sim.paper.serve import serving
from trueup.sim.paper.venue import KEY_ID, SECRET, PaperVenue
from trueup.venues.http.reader import ATTEMPTS_MAX

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "alpaca_bot"
LIVES = 4
ORDERS_A_LIFE = 6
TICK_S = 0.02
LIFE_MAX_S = 60.0
RUNS_MAX = 60
ALL_S = 1e6


@pytest.mark.slow
def test_books_converge_beside_a_bot_that_is_killed_and_deaf(tmp_path: Path) -> None:
    asyncio.run(_converges(tmp_path))


async def _converges(tmp_path: Path) -> None:
    paper = PaperVenue(7, follow=SystemClock(), rates={PaperFault.FRAME_LOST: 0.4})
    output = b""
    async with serving(paper) as url:
        config = _write_config(tmp_path, url)
        for life in range(LIVES):
            if life % 2:  # an order that takes effect while the bot never hears of it
                paper.faults.plan(PaperFault.UNANSWERED_AFTER, method="POST", skip=2)
            output += await _live(config, paper)
        paper.faults.heal()
        async with open_accounts(load_config(str(config)), environ=_environ()) as (account,):
            last = await _run_until_true(account)
            asked = len(paper.seen)
            again = await reconcile_account(account, apply=True)
        books = _books(tmp_path)
    assert last.processed
    assert again.profiles[0].state is RunState.UNCHANGED
    assert not [
        seen.path
        for seen in paper.seen[asked:]
        if seen.path.startswith("/v2/orders") and seen.path != "/v2/orders"
    ]
    _check_orders(paper, books)
    _check_trades(paper, books)
    assert paper.faults.met.count(PaperFault.UNANSWERED_AFTER) == LIVES // 2
    assert paper.faults.met.count(PaperFault.FRAME_LOST) > 0
    assert SECRET.encode() not in output + _written(tmp_path)


@pytest.mark.slow
def test_the_bot_does_not_trade_before_its_books_were_read(tmp_path: Path) -> None:
    asyncio.run(_waits(tmp_path))


async def _waits(folder: Path) -> None:
    paper = PaperVenue(7, follow=SystemClock())
    async with serving(paper) as url:
        paper.faults.plan(PaperFault.SERVER_ERROR, times=RUNS_MAX, path="/v2/orders")
        bot = await _start(_write_config(folder, url))
        await _until(paper, bot, lambda: len(paper.faults.met) >= ATTEMPTS_MAX)
        assert _posts(paper) == []
        paper.faults.heal()
        await _until(paper, bot, lambda: len(_posts(paper)) > 0)
        await _kill(bot)


async def _live(config: Path, paper: PaperVenue) -> bytes:
    """One life of the bot, ended by SIGKILL once it placed some orders or waits for an answer that never comes."""
    placed = len(_posts(paper))
    unanswered = PaperFault.UNANSWERED_AFTER
    hung = paper.faults.met.count(unanswered)
    bot = await _start(config)
    await _until(
        paper,
        bot,
        lambda: len(_posts(paper)) >= placed + ORDERS_A_LIFE or paper.faults.met.count(unanswered) > hung,
    )
    return await _kill(bot)


async def _start(config: Path) -> Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, str(EXAMPLE / "bot.py"), "--config", str(config), "--pause", "0.02"),
        env=_environ(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )


async def _until(paper: PaperVenue, bot: Process, reached: Callable[[], bool]) -> None:
    """The market goes on meanwhile. A bot that ended is found by `_kill`."""
    async with asyncio.timeout(LIFE_MAX_S):
        while not reached() and bot.returncode is None:
            await asyncio.sleep(TICK_S)
            paper.tick()


async def _kill(bot: Process) -> bytes:
    """What it printed. It must still have been running."""
    if bot.returncode is None:
        bot.send_signal(signal.SIGKILL)
    output, _ = await bot.communicate()
    assert bot.returncode == -signal.SIGKILL, output.decode()
    return output


async def _run_until_true(account: ManagedAccount) -> AccountReport:
    report = None
    for _ in range(RUNS_MAX):
        report = await reconcile_account(account, apply=True)
        plan = report.profiles[0].plan
        if report.profiles[0].state is RunState.UNCHANGED and plan is not None and not plan.findings:
            return report
        await asyncio.sleep(0.25)  # the lease of a killed bot expires; absence must be old enough
    raise AssertionError(f"not true after {RUNS_MAX} runs: {report}")


def _write_config(folder: Path, url: str) -> Path:
    """The example's own, with short times."""
    text = (EXAMPLE / "trueup.toml").read_text()
    text = text.replace("http://127.0.0.1:8642", url)
    text = text.replace("interval_s = 10", "interval_s = 0.3\nlease_ttl_s = 1")
    text += "recent_activity_window_s = 0.2\nabsence_min_age_s = 0.5\n"
    path = folder / "trueup.toml"
    path.write_text(text)
    return path


def _environ() -> dict[str, str]:
    return {**os.environ, "APCA_API_KEY_ID": KEY_ID, "APCA_API_SECRET_KEY": SECRET}


def _posts(paper: PaperVenue) -> list[str]:
    return [seen.path for seen in paper.seen if seen.method == "POST"]


def _written(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())


def _books(folder: Path) -> Local:
    ledger = open_sqlite(folder / "bot.sqlite")
    try:
        return ledger.books.read("alpaca-paper", ["dip"], ALL_S)["dip"]
    finally:
        ledger.close()


def _check_orders(paper: PaperVenue, books: Local) -> None:
    """Every order of the venue's is in the books as it is; what is not at the venue is over."""
    at_venue = {order_id(order): order for order in paper.market.truth_orders("paper")}
    assert len(at_venue) >= LIVES
    local = {order.venue_order_id: order for order in books.orders if order.venue_order_id}
    rebound = {old for order in books.orders for old in order.previous_venue_order_ids}
    for venue_id, order in at_venue.items():
        if venue_id in rebound:
            assert (order.status, order.filled) == (Status.REPLACED, 0)
        else:
            assert _facts(local[venue_id]) == _truth(order)
    for row in books.orders:
        assert row.venue_order_id in at_venue or row.status not in LIVE


def _facts(order: LocalOrder) -> tuple[Status, Decimal]:
    return order.status, Decimal(order.filled_qty)


def _truth(order: MarketOrder) -> tuple[Status, Decimal]:
    return order.status, Decimal(order.instrument.qty_text(order.filled))


def _check_trades(paper: PaperVenue, books: Local) -> None:
    """Each fill once, on its order and its trade; all trades together are the venue's position."""
    fills = paper.market.truth_fills("paper")
    assert sum(Decimal(fill.qty) for fill in books.fills) == sum(
        (Decimal(fill.view().qty) for fill in fills), Decimal(0)
    )
    by_trade: dict[str, Decimal] = {}
    for order in books.orders:
        sign = 1 if order.action is Action.ENTRY else -1
        by_trade[order.trade_id or ""] = by_trade.get(order.trade_id or "", Decimal(0)) + sign * Decimal(
            order.filled_qty
        )
    held = {trade.trade_id: Decimal(trade.entry_qty) - Decimal(trade.exit_qty) for trade in books.trades}
    assert {trade_id: qty for trade_id, qty in by_trade.items() if trade_id in held} == {
        trade_id: held[trade_id] for trade_id in by_trade if trade_id in held
    }
    position = paper.market.truth_position("paper", "ETH/USD")
    assert sum(held.values()) == Decimal(paper.market.instruments["ETH/USD"].parts_text(position))
    assert position % FEE_PARTS == 0
