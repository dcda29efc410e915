"""One account through the whole engine and ccxt, at a server of Binance's shape: what observing costs."""

import asyncio
import math
from pathlib import Path

import pytest

from tests.acceptance.database import open_books
from tests.contract.venues.ccxt_server import ACCOUNT, INSTRUMENT, UID, BinanceServer
from trueup import ManagedAccount, ManagedProfile, Policy, reconcile_account
from trueup.engine.run.account import RunState
from trueup.model.snapshot import Profile
from trueup.model.times import NS_PER_S
from trueup.model.vocabulary import ReadState, Side
from trueup.sim.clock import SimClock
from trueup.sim.market.orders import OrderRequest
from trueup.venues.ccxt.open_venue import CcxtVenue

pytestmark = pytest.mark.usefixtures("database")
ORDERS = 5_000
HOUR_NS = 3_600 * NS_PER_S
PROFILE = Profile(profile_id="p1", venue="ccxt", account_id="acc-1")


def _place(server: BinanceServer) -> None:
    for number in range(ORDERS):
        server.clock.advance(NS_PER_S // 1000)
        request = OrderRequest(
            client_order_id=f"p1-{number}", symbol=INSTRUMENT.symbol, side=Side.BUY, qty=1_000, limit=100_000
        )
        server.market.submit(ACCOUNT, request, "p1")
    server.clock.advance(HOUR_NS)


def _policy(server: BinanceServer) -> Policy:
    return Policy(
        managed_symbols=(INSTRUMENT.symbol,),
        coverage_baseline_at=server.clock.now(),
        coverage_inserts_max=ORDERS,
        corrections_max=2 * ORDERS,
    )


def test_five_thousand_open_orders_cost_fourteen_requests_at_most(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with BinanceServer(SimClock()) as server:
            _place(server)
            venue = CcxtVenue(
                server.exchange(),
                clock=server.clock,
                symbols=[INSTRUMENT.symbol],
                managed_symbols=[INSTRUMENT.symbol],
            )
            ledger = open_books(tmp_path / "books.sqlite", clock_ns=server.clock.now_ns)
            ledger.journal.ensure_profiles([PROFILE])
            account = ManagedAccount(
                account_id="acc-1",
                profiles=[ManagedProfile(profile=PROFILE, policy=_policy(server))],
                venue=venue,
                ledger=ledger,
                clock=server.clock,
            )
            try:
                await reconcile_account(account, apply=True)  # the books learn of the orders
                server.clock.advance(HOUR_NS)
                known = len(server.seen)
                report = (await reconcile_account(account, apply=True)).profiles[0]
                paths = [seen.path for seen in server.seen[known:]]
            finally:
                await venue.aclose()
                ledger.close()
        assert report.state is RunState.UNCHANGED
        assert report.snapshot is not None
        assert report.snapshot.venue.account_id == str(UID)
        assert len(report.snapshot.local.orders) == ORDERS
        opened = report.snapshot.venue.open_orders
        assert (opened.state, len(opened.rows)) == (ReadState.COMPLETE, ORDERS)
        assert report.snapshot.venue.history.state is ReadState.COMPLETE
        assert len(paths) <= math.ceil(ORDERS / 500) + 4
        assert "order" not in paths

    asyncio.run(scenario())
