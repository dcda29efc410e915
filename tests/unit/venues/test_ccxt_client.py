"""What stands between ccxt and the venue: numbers as they were written, and failures that stay failures."""

import asyncio
from collections.abc import Callable
from typing import Any

import ccxt
import ccxt.async_support
import pytest

from tests.unit.venues.ccxt_scripted import scripted, spot, venue_of
from trueup.model.errors import RateLimited, VenueError, VenueUnavailable
from trueup.model.vocabulary import ReadState
from trueup.sim.clock import SimClock
from trueup.venues.ccxt import CcxtVenue
from trueup.venues.ccxt_client import Client

ETH = spot("ETHUSDT", "ETH", "USDT")
UNIFIED_ORDER = {
    "orderId": "7",
    "clientOid": "c7",
    "category": "SPOT",
    "symbol": "ETHUSDT",
    "orderType": "limit",
    "side": "buy",
    "price": "2000",
    "qty": "1",
    "cumExecQty": "0",
    "orderStatus": "new",
    "createdTime": "1795435200000",
    "updatedTime": "1795435200000",
}


def unified_bitget(mode: Callable[[], Any]) -> CcxtVenue:
    """An account of bitget's unified kind: the classic endpoints know nothing of its orders."""

    def answer(url: str) -> Any:
        if "account/settings" in url:
            return mode()
        if "/v3/" in url:
            return {"code": "00000", "data": {"list": [] if "strategy" in url else [UNIFIED_ORDER]}}
        return {"code": "00000", "data": []}

    return venue_of(scripted("bitget", [ETH], answer), "ETH/USDT")


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (ccxt.RequestTimeout("slow"), VenueUnavailable),
        (ccxt.ExchangeNotAvailable("down"), VenueUnavailable),
        (ccxt.RateLimitExceeded("too many"), RateLimited),
        ({}, VenueUnavailable),  # no answer of bitget's
    ],
)
def test_not_knowing_the_kind_of_account_is_no_empty_list(failure: Any, error: type[VenueError]) -> None:
    with pytest.raises(error):
        asyncio.run(unified_bitget(lambda: failure).open_orders())


def test_what_was_concluded_from_a_failure_is_forgotten() -> None:
    modes: list[Any] = [ccxt.RequestTimeout("slow"), {"code": "00000", "data": {"uid": "1"}}]
    venue = unified_bitget(lambda: modes.pop(0) if len(modes) > 1 else modes[0])
    read = asyncio.run(venue.open_orders())
    assert [row.venue_order_id for row in read.rows] == ["7"]
    assert read.state is ReadState.COMPLETE


def test_a_refusal_is_an_answer() -> None:
    classic = ccxt.ExchangeError('bitget {"code":"25245","msg":"not a unified account"}')
    read = asyncio.run(unified_bitget(lambda: classic).open_orders())
    assert (read.rows, read.state) == ([], ReadState.COMPLETE)


def test_a_number_keeps_all_its_digits() -> None:
    twin = Client(ccxt.async_support.okx(), SimClock()).exchange
    read = twin.on_json_response('{"a": 0.12345678901234567890, "b": 7, "c": [1e-8]}')
    assert read == {"a": "0.12345678901234567890", "b": 7, "c": ["1e-8"]}
