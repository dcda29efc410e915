"""The example's bot on alpaca-py beside trueup, at one paper server: killed, deaf, unanswered; the books converge."""

import asyncio
import importlib.util
import os
from decimal import Decimal
from pathlib import Path
from types import ModuleType

import pytest

from tests.acceptance.bot_process import BotProcess
from tests.acceptance.database import open_books
from tests.patience import POLL_S
from trueup import AccountReport, ManagedAccount, Recorder, load_config, open_accounts, reconcile_account
from trueup.engine.run.account import RunState
from trueup.model.snapshot import Local, LocalOrder
from trueup.model.vocabulary import LIVE, TRANSITIONAL, Action, PositionSide, Side, Status
from trueup.service.clock import SystemClock
from trueup.sim.market.instruments import FEE_PARTS
from trueup.sim.market.orders import MarketOrder
from trueup.sim.paper.faults import PaperFault
from trueup.sim.paper.json import order_id
from trueup.sim.paper.serve import serving
from trueup.sim.paper.venue import KEY_ID, SECRET, PaperVenue
from trueup.venues.http.reader import ATTEMPTS_MAX

pytestmark = pytest.mark.usefixtures("database")
ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "alpaca_bot"
LIVES = 4
ANSWERS_LATER = 20  # turns of the venue's server: what a killed bot had sent is on its way still, a move, say
ORDERS_A_LIFE = 6
RUNS_MAX = 60
ALL_S = 1e6


@pytest.mark.slow
def test_books_converge_beside_a_bot_that_is_killed_and_deaf(tmp_path: Path) -> None:
    asyncio.run(_converges(tmp_path))


async def _converges(tmp_path: Path) -> None:
    paper = PaperVenue(7, follow=SystemClock(), rates={PaperFault.FRAME_LOST: 0.4})
    async with serving(paper) as url:
        config = _write_config(tmp_path, url)
        for life in range(LIVES):
            if life % 2:  # an order that takes effect while the bot never hears of it
                paper.faults.plan(PaperFault.UNANSWERED_AFTER, method="POST", skip=2)
            await _live(config, paper)
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
    assert SECRET.encode() not in _written(tmp_path)


@pytest.mark.slow
def test_the_bot_does_not_trade_before_its_books_were_read(tmp_path: Path) -> None:
    asyncio.run(_waits(tmp_path))


async def _waits(folder: Path) -> None:
    paper = PaperVenue(7, follow=SystemClock())
    async with serving(paper) as url:
        paper.faults.plan(PaperFault.SERVER_ERROR, times=RUNS_MAX, path="/v2/orders")
        bot = _start(_write_config(folder, url))
        await bot.until(lambda: len(paper.faults.met) >= ATTEMPTS_MAX, paper.tick)
        assert _posts(paper) == []
        paper.faults.heal()
        await bot.until(lambda: len(_posts(paper)) > 0, paper.tick)
        bot.kill()


@pytest.mark.slow
def test_a_cancel_that_a_killed_bot_recorded_and_never_sent_is_sent_by_its_next_life(tmp_path: Path) -> None:
    asyncio.run(_asks_again(tmp_path))


async def _asks_again(folder: Path) -> None:
    """Its word is believed for longer than this test takes: only the bot itself can end the waiting."""
    paper = PaperVenue(7, follow=SystemClock())
    async with serving(paper) as url:
        config = _write_config(folder, url, "transitional_timeout_s = 86400\n")
        order = await _live_order(config, folder, paper)
        async with open_accounts(load_config(str(config)), environ=_environ()) as (account,):
            recorder = Recorder(account.ledger, account.profiles[0].profile)
            recorder.record_cancel_requested(order.client_order_id or "", order.venue_order_id)
        bot = _start(config)
        asked = f"/v2/orders/{order.venue_order_id}"
        await bot.until(lambda: ("DELETE", asked) in _seen(paper), paper.catch_up)
        placed = len(_posts(paper))
        await bot.until(lambda: len(_posts(paper)) > placed, paper.tick)
        bot.kill()


@pytest.mark.parametrize(
    ("told", "status"), [("0", Status.CANCELED), ("0.00", Status.CANCELED), ("0.2", Status.PENDING_NEW)]
)
def test_an_end_with_fills_that_were_not_heard_is_left_to_the_next_run(
    tmp_path: Path, told: str, status: Status
) -> None:
    """Else the books hold what was sold already, and the bot sells it again: more leaves the trade than entered."""
    asyncio.run(_hears_of_an_end(tmp_path, told, status))


async def _hears_of_an_end(folder: Path, told: str, status: Status) -> None:
    config = load_config(str(_write_config(folder, "http://127.0.0.1:9")))  # nobody is asked
    async with open_accounts(config, environ=_environ()) as (account,):
        bot = _example().Bot(None, account, "ETH/USD", Decimal(2500))
        bot.recorder.open_trade("t1", "ETH/USD", PositionSide.LONG)
        bot.recorder.record_order(
            LocalOrder(
                client_order_id="dip-1",
                trade_id="t1",
                symbol="ETH/USD",
                side=Side.SELL,
                action=Action.EXIT,
                qty="0.5",
                status=Status.PENDING_NEW,
            )
        )
        bot.recorder.record_acknowledgement("dip-1", "v-1")
        order = {"client_order_id": "dip-1", "id": "v-1", "filled_qty": told}
        order["updated_at"] = "2026-11-23T12:00:00Z"
        await bot.hear({"data": {"event": "canceled", "order": order}})
        (row,) = _books(folder).orders
    assert row.status is status


def _example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("alpaca_bot", EXAMPLE / "bot.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


async def _live_order(config: Path, folder: Path, paper: PaperVenue) -> LocalOrder:
    """What the books and the venue have live after a bot was killed: the market does not move, so that it stays."""
    found: list[LocalOrder] = []

    def waits() -> bool:
        rests = {order_id(one) for one in paper.market.truth_orders("paper") if one.status in LIVE}
        live = [one for one in _books(folder).orders if one.venue_order_id in rests]
        found[:] = [one for one in live if one.status is Status.PENDING_NEW]
        return bool(found)

    while not found:
        bot = _start(config)
        await bot.until(waits, paper.catch_up)
        bot.kill()
        for _ in range(ANSWERS_LATER):
            await asyncio.sleep(POLL_S)
            paper.catch_up()
        waits()
    return found[0]


async def _live(config: Path, paper: PaperVenue) -> None:
    """One life of the bot, ended by SIGKILL once it placed some orders or waits for an answer that never comes."""
    placed = len(_posts(paper))
    unanswered = PaperFault.UNANSWERED_AFTER
    hung = paper.faults.met.count(unanswered)
    bot = _start(config)
    await bot.until(
        lambda: len(_posts(paper)) >= placed + ORDERS_A_LIFE or paper.faults.met.count(unanswered) > hung,
        paper.tick,
    )
    bot.kill()


def _start(config: Path) -> BotProcess:
    arguments = ["--config", str(config), "--pause", "0.02"]
    return BotProcess(EXAMPLE / "bot.py", arguments, _environ(), config.parent / "printed.txt")


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


def _write_config(folder: Path, url: str, policy: str = "transitional_timeout_s = 1\n") -> Path:
    """The example's own, with short times."""
    text = (EXAMPLE / "trueup.toml").read_text()
    text = text.replace("http://127.0.0.1:8642", url)
    text = text.replace("interval_s = 10", "interval_s = 0.3\nlease_ttl_s = 1")
    text += "recent_activity_window_s = 0.2\nabsence_min_age_s = 0.5\n" + policy
    path = folder / "trueup.toml"
    path.write_text(text)
    return path


def _environ() -> dict[str, str]:
    return {**os.environ, "APCA_API_KEY_ID": KEY_ID, "APCA_API_SECRET_KEY": SECRET}


def _posts(paper: PaperVenue) -> list[str]:
    return [path for method, path in _seen(paper) if method == "POST"]


def _seen(paper: PaperVenue) -> list[tuple[str, str]]:
    return [(seen.method, seen.path) for seen in paper.seen]


def _written(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())


def _books(folder: Path) -> Local:
    ledger = open_books(folder / "bot.sqlite")
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
