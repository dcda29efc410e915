"""What stands between ccxt and the venue: only reads pass, numbers as they were written; failures stay failures."""

import asyncio
from collections.abc import Callable
from typing import Any

import ccxt
import ccxt.async_support
import pytest

from tests.unit.venues.ccxt.scripted import scripted, spot, swap, venue_of
from trueup.model.errors import RateLimited, VenueError, VenueUnavailable
from trueup.model.vocabulary import ReadState
from trueup.sim.clock import SimClock
from trueup.venues.ccxt.client import Client
from trueup.venues.ccxt.open_venue import CcxtVenue
from trueup.venues.ccxt.traits import is_read

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


def test_another_answer_s_content_is_no_list_of_orders() -> None:
    """The one that came last has to hold it: what ccxt asks before is about the account."""

    def answer(url: str) -> Any:
        settings = {"code": "00000", "data": {"uid": "1", "symbolConfigList": []}}
        return settings if "account/settings" in url else {"code": "00000", "msg": "success"}

    with pytest.raises(VenueUnavailable, match="maintenance"):
        asyncio.run(venue_of(scripted("bitget", [ETH], answer), "ETH/USDT").open_orders())


def test_a_refusal_is_an_answer() -> None:
    classic = ccxt.ExchangeError('bitget {"code":"25245","msg":"not a unified account"}')
    read = asyncio.run(unified_bitget(lambda: classic).open_orders())
    assert (read.rows, read.state) == ([], ReadState.COMPLETE)


def test_a_number_keeps_all_its_digits() -> None:
    twin = Client(ccxt.async_support.okx(), SimClock()).exchange
    read = twin.on_json_response('{"a": 0.12345678901234567890, "b": 7, "c": [1e-8]}')
    assert read == {"a": "0.12345678901234567890", "b": 7, "c": ["1e-8"]}


WALLET = {"walletAddress": "0x" + "22" * 20, "privateKey": "0x" + "11" * 32, "secret": "11" * 32}


@pytest.mark.parametrize(
    ("exchange_id", "write"), [("hyperliquid", "/exchange"), ("aster", "approveBuilder")]
)
def test_what_ccxt_would_change_from_within_a_read_is_not_sent(exchange_id: str, write: str) -> None:
    """It approves a fee for itself with whatever key it has, and goes on where it may not."""
    asked: list[str] = []

    def answer(url: str) -> Any:
        asked.append(url)
        return {"tokens": [], "universe": [], "status": "ok"} if "spotMeta" in url else []

    exchange = scripted(exchange_id, [swap("ETHUSDT", "ETH", "USDT")], answer, **WALLET)
    exchange.has["fetchCurrencies"] = exchange_id == "hyperliquid"
    asyncio.run(venue_of(exchange, "ETH/USDT:USDT").open_orders())
    assert asked
    assert [url for url in asked if write in url] == []


@pytest.mark.parametrize(
    ("exchange_id", "method", "url", "reads"),
    [
        ("okx", "GET", "https://x/api/v5/trade/order", True),
        ("okx", "POST", "https://x/api/v5/trade/order", False),
        ("kraken", "POST", "https://x/0/private/OpenOrders", True),
        ("kraken", "DELETE", "https://x/0/private/OpenOrders", False),
        ("hyperliquid", "POST", "https://x/info", True),
        ("hyperliquid", "POST", "https://x/exchange", False),
        ("grvt", "POST", "https://x/full/v1/get_authorized_builders", True),
        ("grvt", "POST", "https://x/full/v1/authorize_builder", False),
        ("never heard of", "POST", "https://x/orders", False),
    ],
)
def test_what_counts_as_a_read(exchange_id: str, method: str, url: str, *, reads: bool) -> None:
    assert is_read(exchange_id, method, url) is reads
