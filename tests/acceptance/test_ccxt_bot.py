"""The example's bot on the installed ccxt beside trueup, at a server of Binance's shape: killed, inattentive,
unanswered; the books converge."""

import asyncio
import os
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from tests.acceptance.bot_process import BotProcess
from tests.contract.venues.ccxt_server import ACCOUNT, API_KEY, INSTRUMENT, SECRET, BinanceServer
from trueup import AccountReport, ManagedAccount, load_config, open_accounts, reconcile_account
from trueup.engine.run.account import RunState
from trueup.model.snapshot import Local, LocalOrder
from trueup.model.times import from_ns
from trueup.model.vocabulary import LIVE, TRANSITIONAL, Action
from trueup.service.clock import SystemClock
from trueup.sim.clock import SimClock
from trueup.sim.market.instruments import FEE_PARTS
from trueup.sim.paper.faults import PaperFault
from trueup.venues.ccxt.client import ATTEMPTS_MAX
from trueup.venues.ccxt.open_venue import CcxtVenue

pytestmark = pytest.mark.usefixtures("database")
EXAMPLE = Path(__file__).parents[2] / "examples" / "ccxt_bot"
LIVES = 4
ORDERS_A_LIFE = 6
PRICE_TICKS = 250_000
RUNS_MAX = 60
ALL_S = 1e6


@pytest.mark.slow
def test_books_converge_beside_a_bot_that_is_killed_and_inattentive(tmp_path: Path) -> None:
    asyncio.run(_converges(tmp_path))


async def _converges(folder: Path) -> None:
    walk = Random(7)
    async with BinanceServer(SimClock(from_ns(time.time_ns())), follow=SystemClock()) as server:
        config = _write_config(folder)
        for life in range(LIVES):
            if life % 2:  # an order that takes effect while the bot never hears of it
                server.faults.plan(PaperFault.UNANSWERED_AFTER, method="POST", skip=2, path="order")
            await _live(config, server, walk)
        server.faults.heal()
        venues = {"binance-testnet": _venue(server)}
        async with open_accounts(load_config(str(config)), venues=venues) as (account,):
            last = await _run_until_true(account)
            asked = len(server.seen)
            again = await reconcile_account(account, apply=True)
            books = account.ledger.books.read(account.account_id, ["dip"], ALL_S)["dip"]
    assert last.processed
    assert again.profiles[0].state is RunState.UNCHANGED
    assert [seen.path for seen in server.seen[asked:] if seen.path == "order"] == []
    assert server.faults.met.count(PaperFault.UNANSWERED_AFTER) == LIVES // 2
    _check_orders(server, books)
    _check_trades(server, books)
    written = _written(folder)
    for secret in (SECRET, API_KEY):
        assert secret.encode() not in written


@pytest.mark.slow
def test_the_bot_does_not_trade_before_its_books_were_read(tmp_path: Path) -> None:
    asyncio.run(_waits(tmp_path))


async def _waits(folder: Path) -> None:
    walk = Random(7)
    async with BinanceServer(SimClock(from_ns(time.time_ns())), follow=SystemClock()) as server:
        server.faults.plan(PaperFault.SERVER_ERROR, times=RUNS_MAX, path="openOrders")
        bot, go_on = _start(_write_config(folder), server), _market(server, walk)
        await bot.until(lambda: len(server.faults.met) >= ATTEMPTS_MAX, go_on)
        assert _placed(server) == 0
        server.faults.heal()
        await bot.until(lambda: _placed(server) > 0, go_on)
        bot.kill()


async def _live(config: Path, server: BinanceServer, walk: Random) -> None:
    """One life of the bot, ended by SIGKILL once it placed some orders or waits for an answer that never comes."""
    unanswered = PaperFault.UNANSWERED_AFTER
    placed, hung = _placed(server), server.faults.met.count(unanswered)
    bot = _start(config, server)
    await bot.until(
        lambda: _placed(server) >= placed + ORDERS_A_LIFE or server.faults.met.count(unanswered) > hung,
        _market(server, walk),
    )
    bot.kill()


def _start(config: Path, server: BinanceServer) -> BotProcess:
    arguments = ["--config", str(config), "--url", server.url, "--pause", "0.02"]
    environ = {**os.environ, "CCXT_API_KEY": API_KEY, "CCXT_SECRET": SECRET}
    return BotProcess(EXAMPLE / "bot.py", arguments, environ, config.parent / "printed.txt")


def _market(server: BinanceServer, walk: Random) -> Callable[[], None]:
    def goes_on() -> None:
        server.catch_up()
        drift = walk.randint(-2_000, 2_000)
        server.market.match(INSTRUMENT.symbol, PRICE_TICKS + drift, walk.randint(50, 300))

    return goes_on


def _written(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())


def _placed(server: BinanceServer) -> int:
    return sum(seen.method == "POST" for seen in server.seen)


def _write_config(folder: Path) -> Path:
    """The example's own, with short times."""
    text = (EXAMPLE / "trueup.toml").read_text()
    text = text.replace("interval_s = 10", "interval_s = 0.3\nlease_ttl_s = 1")
    text += "recent_activity_window_s = 0.2\nabsence_min_age_s = 0.5\ntransitional_timeout_s = 1\n"
    path = folder / "trueup.toml"
    path.write_text(text)
    return path


def _venue(server: BinanceServer) -> CcxtVenue:
    symbols = [INSTRUMENT.symbol]
    return CcxtVenue(server.exchange(), clock=SystemClock(), symbols=symbols, managed_symbols=symbols)


async def _run_until_true(account: ManagedAccount) -> AccountReport:
    report = None
    for _ in range(RUNS_MAX):
        report = await reconcile_account(account, apply=True)
        plan = report.profiles[0].plan
        quiet = report.profiles[0].state is RunState.UNCHANGED and plan is not None and not plan.findings
        if quiet and not _transitional(account):
            return report
        await asyncio.sleep(0.25)  # the lease of a killed bot expires; absence must be old enough
    raise AssertionError(f"not true after {RUNS_MAX} runs: {report}")


def _transitional(account: ManagedAccount) -> list[LocalOrder]:
    """What a killed bot recorded last, a request to cancel, is believed for a while: those runs change nothing."""
    books = account.ledger.books.read(account.account_id, ["dip"], ALL_S)["dip"]
    return [order for order in books.orders if order.status in TRANSITIONAL]


def _check_orders(server: BinanceServer, books: Local) -> None:
    """Every order of the venue's is in the books as it is; what is not at the venue is over."""
    at_venue = {str(order.number): order for order in server.market.truth_orders(ACCOUNT)}
    assert len(at_venue) >= LIVES
    local = {order.venue_order_id: order for order in books.orders if order.venue_order_id}
    for venue_id, order in at_venue.items():
        filled = Decimal(INSTRUMENT.qty_text(order.filled))
        assert (local[venue_id].status, Decimal(local[venue_id].filled_qty)) == (order.status, filled)
    for row in books.orders:
        assert row.venue_order_id in at_venue or row.status not in LIVE


def _check_trades(server: BinanceServer, books: Local) -> None:
    """Each fill once, on its order and its trade; all trades together are the venue's position."""
    fills = [fill.view() for fill in server.market.truth_fills(ACCOUNT)]
    assert len(fills) > 0
    assert sum(Decimal(fill.qty) for fill in books.fills) == sum(Decimal(fill.qty) for fill in fills)
    booked: dict[str | None, Decimal] = {}
    for order in books.orders:
        sign = 1 if order.action is Action.ENTRY else -1
        booked[order.trade_id] = booked.get(order.trade_id, Decimal(0)) + sign * Decimal(order.filled_qty)
    held = {trade.trade_id: Decimal(trade.entry_qty) - Decimal(trade.exit_qty) for trade in books.trades}
    assert {trade_id: booked.get(trade_id, Decimal(0)) for trade_id in held} == held
    position = server.market.truth_position(ACCOUNT, INSTRUMENT.symbol)
    assert position % FEE_PARTS == 0
    assert sum(held.values()) == Decimal(INSTRUMENT.parts_text(position))
