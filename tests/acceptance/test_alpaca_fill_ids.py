"""Alpaca's stream may name an execution otherwise than its account activities: no source says that both ids are one.

Then a fill that the bot heard comes again under another id. It is booked once, under the venue's, and said.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.acceptance.database import open_books
from trueup import ManagedAccount, ManagedProfile, Policy, Recorder, reconcile_account
from trueup.engine.run.account import ProfileReport
from trueup.ledgers.sql.sql_ledger import SqlLedger
from trueup.model.snapshot import Fill, LocalOrder, Profile
from trueup.model.times import NS_PER_S, from_ns
from trueup.model.vocabulary import Action, PositionSide, Side, Status
from trueup.ports.venue import VenueSettings
from trueup.sim.market.orders import OrderRequest
from trueup.sim.paper.json import order_id, paper_id
from trueup.sim.paper.serve import serving
from trueup.sim.paper.venue import KEY_ID, SECRET, PaperVenue
from trueup.venues.alpaca.venue import open_venue

pytestmark = pytest.mark.usefixtures("database")
HOUR_NS = 3_600 * NS_PER_S
PROFILE = Profile(profile_id="p1", venue="alpaca", account_id="acc-1")
LIMIT = 200_000


class Desk:
    """One order of 1 ETH, of which 0.4 fill; the bot hears all of it under the stream's ids."""

    def __init__(self, paper: PaperVenue, account: ManagedAccount, ledger: SqlLedger) -> None:
        self.paper, self.account, self.ledger = paper, account, ledger
        self.bot = Recorder(ledger, PROFILE)

    async def run(self) -> ProfileReport:
        return (await reconcile_account(self.account, apply=True)).profiles[0]

    def place(self) -> None:
        self.bot.open_trade("t1", "ETH/USD", PositionSide.LONG)
        self.bot.record_order(
            LocalOrder(
                client_order_id="p1-1",
                trade_id="t1",
                symbol="ETH/USD",
                side=Side.BUY,
                action=Action.ENTRY,
                order_type="limit",
                qty="1",
                limit_price="2000",
                status=Status.PENDING_NEW,
            )
        )
        request = OrderRequest(
            client_order_id="p1-1", symbol="ETH/USD", side=Side.BUY, qty=1_000, limit=LIMIT
        )
        self.order = self.paper.market.submit("paper", request, "p1")
        self.bot.record_acknowledgement("p1-1", order_id(self.order))

    def fill(self, steps: int) -> None:
        self.paper.clock.advance(NS_PER_S)
        self.paper.market.match("ETH/USD", LIMIT, steps)

    def hear(self, fill_id: str, qty: str, cumulative_qty: str | None = None) -> None:
        now = from_ns(self.paper.clock.now_ns())
        fill = Fill(
            fill_id=fill_id, venue_order_id=order_id(self.order), qty=qty, price="2000", filled_at=now
        )
        self.bot.record_fill("p1-1", fill, cumulative_qty=cumulative_qty)

    def books(self) -> tuple[str, Status, str]:
        """Filled, status, and what the trade holds."""
        local = self.ledger.books.read("acc-1", ["p1"], 1e6)["p1"]
        (order,), (trade,) = local.orders, local.trades
        return order.filled_qty, order.status, trade.entry_qty

    def fills(self) -> dict[str, str]:
        """What the books hold of each fill."""
        return {row["fill_id"]: row["qty"] for row in self.ledger.export("fills") if row["qty"] != "0"}

    def venue_ids(self) -> list[str]:
        return [paper_id("fill", one.fill_id) for one in self.paper.market.truth_fills("paper")]


@asynccontextmanager
async def _desk(folder: Path) -> AsyncIterator[Desk]:
    paper = PaperVenue()
    async with serving(paper) as url:
        credentials = {"key_id": KEY_ID, "secret_key": SECRET}
        venue = open_venue(
            VenueSettings(
                account_id="acc-1", credentials=credentials, options={"base_url": url}, clock=paper.clock
            )
        )
        ledger = open_books(folder / "books.sqlite", clock_ns=paper.clock.now_ns)
        ledger.journal.ensure_profiles([PROFILE])
        account = ManagedAccount(
            account_id="acc-1",
            profiles=[ManagedProfile(profile=PROFILE, policy=Policy(exit_backfill_enabled=False))],
            venue=venue,
            ledger=ledger,
            clock=paper.clock,
        )
        try:
            yield Desk(paper, account, ledger)
        finally:
            await venue.aclose()
            ledger.close()


def _reasons(report: ProfileReport) -> set[str]:
    assert report.plan is not None
    return {one.reason for one in report.plan.breaks}


def test_of_two_fills_the_bot_heard_one_under_an_id_of_the_stream(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with _desk(tmp_path) as desk:
            desk.place()
            desk.fill(400)
            desk.hear("of-the-stream", "0.4")
            desk.fill(300)  # this frame is lost
            desk.paper.clock.advance(HOUR_NS)
            report = await desk.run()
            assert "venue_filled_more" in _reasons(report)
            assert desk.books() == ("0.7", Status.PARTIALLY_FILLED, "0.7")
            assert desk.fills() == dict(zip(desk.venue_ids(), ("0.4", "0.3"), strict=True))
            desk.hear("of-the-stream-2", "0.3")  # after all
            desk.hear("of-the-stream", "0.4")  # and again
            desk.paper.clock.advance(HOUR_NS)
            report = await desk.run()
            assert desk.books() == ("0.7", Status.PARTIALLY_FILLED, "0.7")
            assert report.plan is not None
            assert report.plan.corrections == []

    asyncio.run(scenario())


def test_with_the_order_s_record_the_venue_s_id_takes_the_place(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with _desk(tmp_path) as desk:
            desk.place()
            desk.fill(400)
            desk.hear("of-the-stream", "0.4")
            desk.paper.clock.advance(HOUR_NS)
            report = await desk.run()
            assert _reasons(report) == {"same_execution"}
            assert desk.books() == ("0.4", Status.PARTIALLY_FILLED, "0.4")
            assert desk.fills() == dict.fromkeys(desk.venue_ids(), "0.4")
            desk.paper.clock.advance(HOUR_NS)
            assert _reasons(await desk.run()) == set()

    asyncio.run(scenario())


async def _end_behind_the_watermark(desk: Desk, *fills: int) -> None:
    """The order fills and is canceled long after it was submitted: the history's orders do not hold it any more."""
    desk.place()
    desk.paper.clock.advance(HOUR_NS)
    await desk.run()
    desk.paper.clock.advance(HOUR_NS)
    for steps in fills:
        desk.fill(steps)
    desk.paper.account.cancel(order_id(desk.order))


def test_without_the_order_s_record_it_is_asked_for_first(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with _desk(tmp_path) as desk:
            await _end_behind_the_watermark(desk, 400)
            desk.hear("of-the-stream", "0.4")
            desk.bot.record_canceled("p1-1", order_id(desk.order))
            desk.paper.clock.advance(60 * NS_PER_S)
            report = await desk.run()
            assert _reasons(report) == {"same_execution"}
            assert desk.books() == ("0.4", Status.CANCELED, "0.4")
            assert desk.fills() == dict.fromkeys(desk.venue_ids(), "0.4")

    asyncio.run(scenario())


def test_two_fills_that_are_alike_are_two(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with _desk(tmp_path) as desk:
            await _end_behind_the_watermark(desk, 400, 400)
            heard, _ = desk.paper.market.truth_fills("paper")
            desk.hear(paper_id("fill", heard.fill_id), "0.4")
            desk.bot.record_canceled("p1-1", order_id(desk.order))
            desk.paper.clock.advance(60 * NS_PER_S)
            await desk.run()
            assert desk.books() == ("0.8", Status.CANCELED, "0.8")

    asyncio.run(scenario())


def test_a_frame_with_the_cumulative_quantity_is_not_booked_over_what_trueup_found(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with _desk(tmp_path) as desk:
            desk.place()
            desk.fill(400)
            desk.paper.clock.advance(HOUR_NS)
            await desk.run()
            desk.hear("of-the-stream", "0.4", cumulative_qty="0.4")  # a late frame
            assert desk.books() == ("0.4", Status.PARTIALLY_FILLED, "0.4")

    asyncio.run(scenario())
