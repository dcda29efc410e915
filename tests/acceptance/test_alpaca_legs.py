"""Brackets at the paper venue, as alpaca-py places them: every leg is seen, with its parent."""

import asyncio
from collections.abc import Callable
from typing import Any

from alpaca.trading.client import TradingClient
from alpaca.trading.enums import OrderClass, OrderSide, TimeInForce
from alpaca.trading.requests import LimitOrderRequest, StopLossRequest, TakeProfitRequest

from trueup.model.snapshot import VenueOrder
from trueup.model.vocabulary import ReadState
from trueup.ports.venue import VenueSettings
from trueup.sim.paper.faults import PaperFault
from trueup.sim.paper.serve import serving
from trueup.sim.paper.venue import KEY_ID, SECRET, PaperVenue
from trueup.venues.alpaca.venue import AlpacaVenue, open_venue

PRICE = 2_000_00


def _place_bracket(client: TradingClient) -> tuple[str, set[str]]:
    """Its own id and its legs'."""
    order: Any = client.submit_order(
        LimitOrderRequest(
            symbol="ETH/USD",
            qty=1,
            side=OrderSide.BUY,
            time_in_force=TimeInForce.GTC,
            limit_price=2000,
            order_class=OrderClass.BRACKET,
            take_profit=TakeProfitRequest(limit_price=2500),
            stop_loss=StopLossRequest(stop_price=1500),
        )
    )
    return str(order.id), {str(leg.id) for leg in order.legs}


def _run(scenario: Callable[[PaperVenue, AlpacaVenue, str, set[str]], Any]) -> None:
    async def main() -> None:
        paper = PaperVenue()
        async with serving(paper) as url:
            client = TradingClient(KEY_ID, SECRET, url_override=url)
            parent, legs = await asyncio.to_thread(_place_bracket, client)
            venue = open_venue(
                VenueSettings(
                    account_id="a",
                    credentials={"key_id": KEY_ID, "secret_key": SECRET},
                    options={"base_url": url},
                    clock=paper.clock,
                )
            )
            try:
                await scenario(paper, venue, parent, legs)
            finally:
                await venue.aclose()

    asyncio.run(main())


def _legs(orders: list[VenueOrder], parent: str) -> set[str | None]:
    return {order.venue_order_id for order in orders if order.parent_venue_order_id == parent}


def test_legs_that_are_held_are_open_orders() -> None:
    async def scenario(paper: PaperVenue, venue: AlpacaVenue, parent: str, legs: set[str]) -> None:
        read = await venue.open_orders()
        assert read.state is ReadState.COMPLETE
        assert {order.venue_order_id for order in read.rows} == {parent, *legs}
        assert _legs(read.rows, parent) == legs
        assert {order.raw_status for order in read.rows} == {"new", "held"}

    _run(scenario)


def test_legs_outlive_their_parent() -> None:
    async def scenario(paper: PaperVenue, venue: AlpacaVenue, parent: str, legs: set[str]) -> None:
        paper.market.match("ETH/USD", PRICE, 1_000)
        assert {order.venue_order_id for order in (await venue.open_orders()).rows} == legs
        assert _legs((await venue.history(None)).orders, parent) == legs

    _run(scenario)


def test_without_its_legs_a_listing_is_not_whole() -> None:
    async def scenario(paper: PaperVenue, venue: AlpacaVenue, parent: str, legs: set[str]) -> None:
        paper.faults.plan(PaperFault.SERVER_ERROR, times=3, skip=1)
        read = await venue.open_orders()
        assert (read.state, [order.venue_order_id for order in read.rows]) == (ReadState.PARTIAL, [parent])

    _run(scenario)
