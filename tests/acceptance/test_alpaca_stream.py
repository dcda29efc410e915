"""The stream as a hint, and `trueup sim serve` as a process."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from alpaca.trading.client import TradingClient

from tests.patience import PATIENCE_S
from trueup.model.vocabulary import Side
from trueup.ports.venue import Hinting, VenueSettings
from trueup.sim.market.orders import OrderRequest
from trueup.sim.paper.serve import serving
from trueup.sim.paper.venue import KEY_ID, SECRET, PaperVenue
from trueup.venues.alpaca.venue import AlpacaVenue, open_venue


def _venue(paper: PaperVenue, url: str) -> AlpacaVenue:
    return open_venue(
        VenueSettings(
            account_id="a",
            credentials={"key_id": KEY_ID, "secret_key": SECRET},
            options={"base_url": url},
            clock=paper.clock,
        )
    )


async def _hint_of(hints: AsyncIterator[None], paper: PaperVenue) -> None:
    """Orders are placed until the stream tells of one: who listens too late misses the first."""
    waiting = asyncio.ensure_future(anext(hints))
    async with asyncio.timeout(PATIENCE_S):
        while not waiting.done():
            request = OrderRequest(
                client_order_id=f"c-{len(paper.market.events)}",
                symbol="SPY",
                side=Side.BUY,
                qty=1,
                limit=1,
            )
            paper.market.submit("paper", request, "client")
            paper.publish()
            await asyncio.wait([waiting], timeout=0.05)
    await waiting


def test_the_stream_hints_and_connects_again() -> None:
    async def scenario() -> None:
        paper = PaperVenue()
        async with serving(paper) as url:
            venue = _venue(paper, url)
            assert isinstance(venue, Hinting)
            async with aclosing(venue.hints()) as hints:  # type: ignore[type-var]
                await _hint_of(hints, paper)
                paper.hang_up()
                while paper.streams < 2:  # frames of the first connection may still come
                    await _hint_of(hints, paper)
                await _hint_of(hints, paper)
            await venue.aclose()

    asyncio.run(scenario())


def test_sim_serve_is_a_venue_for_any_bot() -> None:
    async def scenario() -> None:
        process = await asyncio.create_subprocess_exec(
            *(
                sys.executable,
                "-m",
                "trueup",
                "sim",
                "serve",
                "--port",
                "0",
                "--json",
                "--fault",
                "frame_lost=0.5",
            ),
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        try:
            async with asyncio.timeout(PATIENCE_S):
                said = json.loads(await process.stdout.readline())
            client = TradingClient(said["key_id"], said["secret_key"], url_override=said["url"])
            account: Any = await asyncio.to_thread(client.get_account)
            assert account.status == "ACTIVE"
        finally:
            process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0

    asyncio.run(scenario())
