"""One account through the whole engine at the paper server: what observing costs, and whose account it is."""

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from tests.acceptance.database import open_books
from trueup import ManagedAccount, ManagedProfile, Policy, reconcile_account
from trueup.engine.run.account import RunState
from trueup.model.errors import ConfigError
from trueup.model.snapshot import Profile
from trueup.model.times import NS_PER_S, from_ns
from trueup.model.vocabulary import ReadState, Side
from trueup.ports.venue import VenueSettings
from trueup.sim.market.orders import OrderRequest
from trueup.sim.paper.json import paper_id
from trueup.sim.paper.serve import serving
from trueup.sim.paper.venue import KEY_ID, SECRET, PaperVenue
from trueup.venues.alpaca.venue import open_venue

pytestmark = pytest.mark.usefixtures("database")
ORDERS = 5_000
HOUR_NS = 3_600 * NS_PER_S
PROFILE = Profile(profile_id="p1", venue="alpaca", account_id="acc-1")


@asynccontextmanager
async def _account(folder: Path, paper: PaperVenue, **policy: Any) -> AsyncIterator[ManagedAccount]:
    """The account of the paper venue, its books in `folder`, everything on the venue's clock."""
    async with serving(paper) as url:
        venue = open_venue(
            VenueSettings(
                account_id="acc-1",
                credentials={"key_id": KEY_ID, "secret_key": SECRET},
                options={"base_url": url},
                clock=paper.clock,
            )
        )
        ledger = open_books(folder / "books.sqlite", clock_ns=paper.clock.now_ns)
        ledger.journal.ensure_profiles([PROFILE])
        try:
            yield ManagedAccount(
                account_id="acc-1",
                profiles=[ManagedProfile(profile=PROFILE, policy=Policy(**policy))],
                venue=venue,
                ledger=ledger,
                clock=paper.clock,
            )
        finally:
            await venue.aclose()
            ledger.close()


def _place(paper: PaperVenue, count: int, *, at_once: int = 1) -> None:
    """`at_once`: so many carry the same time of submission."""
    for number in range(count):
        if number % at_once == 0:
            paper.clock.advance(NS_PER_S // 1000)
        request = OrderRequest(
            client_order_id=f"p1-{number}", symbol="ETH/USD", side=Side.BUY, qty=1_000, limit=100_000
        )
        paper.market.submit("paper", request, "p1")
    paper.clock.advance(60 * NS_PER_S)


def test_five_thousand_open_orders_cost_fourteen_requests(tmp_path: Path) -> None:
    async def scenario() -> None:
        paper = PaperVenue()
        _place(paper, ORDERS)
        async with _account(
            tmp_path, paper, coverage_inserts_max=ORDERS, corrections_max=2 * ORDERS
        ) as account:
            for _ in range(2):  # the books learn of the orders; an hour later they are no news
                await reconcile_account(account, apply=True)
                paper.clock.advance(HOUR_NS)
            known = len(paper.seen)
            report = (await reconcile_account(account, apply=True)).profiles[0]
            paths = [seen.path for seen in paper.seen[known:]]
        assert report.state is RunState.UNCHANGED
        assert report.snapshot is not None
        assert len(report.snapshot.local.orders) == ORDERS
        opened = report.snapshot.venue.open_orders
        assert (opened.state, len(opened.rows)) == (ReadState.COMPLETE, ORDERS)
        assert len(paths) <= math.ceil(ORDERS / 500) + 4
        assert not [path for path in paths if path.startswith(("/v2/orders/", "/v2/orders:"))]

    asyncio.run(scenario())


def test_orders_of_one_instant_on_both_sides_of_a_page(tmp_path: Path) -> None:
    async def scenario() -> None:
        paper = PaperVenue()
        _place(paper, 1_200, at_once=7)  # 500 = 71 × 7 + 3
        async with _account(tmp_path, paper) as account:
            read = await account.venue.open_orders()
        assert (read.state, len(read.rows)) == (ReadState.COMPLETE, 1_200)

    asyncio.run(scenario())


def test_more_orders_of_one_instant_than_a_page_holds_are_not_read_to_their_end(tmp_path: Path) -> None:
    async def scenario() -> None:
        paper = PaperVenue()
        _place(paper, 1_001, at_once=501)
        async with _account(tmp_path, paper) as account:
            read = await account.venue.open_orders()
        assert (read.state, len(read.rows)) == (ReadState.PARTIAL, 500)
        assert "submitted at once" in (read.error or "")

    asyncio.run(scenario())


def test_fills_are_asked_for_from_a_whole_second_on(tmp_path: Path) -> None:
    async def scenario() -> None:
        paper = PaperVenue()
        _place(paper, 1)
        paper.clock.advance(NS_PER_S // 4)
        since = from_ns(paper.clock.now_ns())
        paper.market.match("ETH/USD", 100_000, 500)
        async with _account(tmp_path, paper) as account:
            history = await account.venue.history(since)
        assert [fill.qty for fill in history.fills] == ["0.5"]
        (query,) = [seen.query for seen in paper.seen if seen.path.endswith("/FILL")]
        assert dict(parse_qsl(query))["after"] == "2026-11-23T12:01:00Z"

    asyncio.run(scenario())


def test_another_account_behind_the_same_key_stops_everything(tmp_path: Path) -> None:
    async def scenario() -> None:
        paper = PaperVenue()
        _place(paper, 1)
        async with _account(tmp_path, paper) as account:
            first = (await reconcile_account(account, apply=True)).profiles[0]
            assert first.snapshot is not None
            assert first.snapshot.venue.account_id == paper_id("account", "paper")
            paper.clock.advance(60 * NS_PER_S)
        other = PaperVenue()
        other.account.account_id = "another"
        other.clock.advance(300 * NS_PER_S)
        async with _account(tmp_path, other) as account:
            report = (await reconcile_account(account, apply=True)).profiles[0]
        assert report.plan is not None
        assert report.plan.corrections == []
        assert "account_changed" in {deferred.reason for deferred in report.plan.deferred}
        assert "ERROR" in {alert.severity for alert in report.plan.alerts}

    asyncio.run(scenario())


def test_the_last_calls_of_a_minute_are_the_bot_s(tmp_path: Path) -> None:
    async def scenario() -> None:
        paper = PaperVenue(per_minute=200)
        paper.clock.advance(45 * NS_PER_S)
        async with _account(tmp_path, paper) as account:
            for _ in range(190):  # the bot is busy
                paper.note("POST", "/v2/orders", "")
            first_ns = paper.clock.now_ns()
            await account.venue.open_orders()  # the reply says that 9 calls are left
            assert paper.clock.now_ns() == first_ns
            await account.venue.open_orders()
            assert paper.clock.now_ns() - first_ns >= 15 * NS_PER_S  # the venue's next minute

    asyncio.run(scenario())


def test_the_words_that_refuse_an_address_hold_no_credentials() -> None:
    settings = VenueSettings(
        account_id="acc-1",
        credentials={"key_id": "k", "secret_key": "s"},
        options={"base_url": "https://me:p4ssw0rd@paper-api.alpaca.markets?key=p4ssw0rd"},
        clock=PaperVenue().clock,
    )
    with pytest.raises(ConfigError, match=r"https://\*\*\*@paper-api.alpaca.markets\?…") as refused:
        open_venue(settings)
    assert "p4ss" not in str(refused.value)


@pytest.mark.parametrize("name", ["key_id", "secret_key"])
def test_a_key_with_a_line_break_is_named_as_such(name: str) -> None:
    credentials = {"key_id": "k", "secret_key": "s"} | {name: "first-half\nsecond-half"}
    settings = VenueSettings(account_id="acc-1", credentials=credentials, clock=PaperVenue().clock)
    with pytest.raises(ConfigError, match=f"the credential {name} holds a line break") as refused:
        open_venue(settings)
    assert "half" not in str(refused.value)


@pytest.mark.parametrize(
    ("options", "allow_live", "message"),
    [
        ({"live": True}, False, "TRUEUP_ALLOW_LIVE"),
        ({"base_url": "https://api.alpaca.markets"}, True, "live = true"),
        ({"base_url": "https://api.alpaca.markets", "live": True}, False, "TRUEUP_ALLOW_LIVE"),
        ({"base_url": "http://paper-api.alpaca.markets"}, True, "https only"),
        ({"base_url": "http://127.0.0.1.evil.example"}, True, "https only"),
        (
            {"base_url": "https://key:secret@paper-api.alpaca.markets", "live": True},
            True,
            "neither credentials",
        ),
        ({"base_url": "https://paper-api.alpaca.markets@evil.example"}, True, "neither credentials"),
        ({"requests_per_minute": 0}, False, "requests_per_minute"),
        ({"timeout_s": 0}, False, "timeout_s"),
        ({"papr": True}, False, "papr"),
    ],
)
def test_what_is_refused_before_anything_is_sent(
    options: dict[str, Any], allow_live: bool, message: str
) -> None:
    settings = VenueSettings(
        account_id="acc-1",
        credentials={"key_id": "k", "secret_key": "s"},
        options=options,
        allow_live=allow_live,
        clock=PaperVenue().clock,
    )
    with pytest.raises(ConfigError, match=message):
        open_venue(settings)


def test_live_needs_both_words() -> None:
    settings = VenueSettings(
        account_id="acc-1",
        credentials={"key_id": "AKIA", "secret_key": "hush"},
        options={"live": True},
        allow_live=True,
        clock=PaperVenue().clock,
    )
    assert open_venue(settings).address == "https://api.alpaca.markets"
    assert "AKIA" not in repr(settings)
    assert "hush" not in repr(settings)
