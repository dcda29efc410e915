"""What is known of single exchanges holds for the installed ccxt; each of its exchanges says what it offers."""

import asyncio
from typing import Any

import ccxt.async_support
import pytest

from tests.unit.venues.ccxt.scripted import scripted, spot, swap, venue_of
from trueup.model.vocabulary import QueryBy
from trueup.sim.clock import SimClock
from trueup.venues.ccxt import traits as ccxt_traits
from trueup.venues.ccxt.client import Client
from trueup.venues.ccxt.groups import MARKET_TYPES, MarketGroup
from trueup.venues.ccxt.listings import conditional_parameters, history_methods

EXCHANGES = ccxt.async_support.exchanges
METHODS = (
    "fetchOpenOrders",
    "fetchOrder",
    "fetchOrders",
    "fetchClosedOrders",
    "fetchMyTrades",
    "fetchPositions",
)


def _client(exchange_id: str) -> Any:
    return Client(getattr(ccxt.async_support, exchange_id)(), SimClock()).exchange


def test_every_exchange_that_is_named_exists() -> None:
    named = {
        *ccxt_traits.CLIENT_ID_LOOKUP,
        *ccxt_traits.CLIENT_ID_LOOKUP_SPOT,
        *ccxt_traits.FORGETS_ENDED,
        *ccxt_traits.HISTORY_METHODS,
        *ccxt_traits.NEEDLESS_CREDENTIALS,
        *ccxt_traits.READS_BY_POST,
        *ccxt_traits.WRITES_BY_POST,
        *ccxt_traits.LISTED_BY_ID,
        *ccxt_traits.OPEN_ORDERS_NEXT,
        *ccxt_traits.OPEN_ORDERS_UNPAGED,
        *ccxt_traits.WHOLE_WITHOUT_SYMBOL,
        *ccxt_traits.UNTIL_WORKS,
        *ccxt_traits.NEWEST_WITHOUT_SINCE,
        *ccxt_traits.ACCOUNT_ID,
        *ccxt_traits.PLACED_QTY_FIELD,
        *ccxt_traits.FILLED_FIELD,
        *ccxt_traits.QTY_IS_ADDED_UP,
        *ccxt_traits.ORDERED_IN_QUOTE,
        *ccxt_traits.COST_IS_ORDERED,
        *ccxt_traits.SPENT_FIELDS,
        *ccxt_traits.FEE_IN_COST,
        *ccxt_traits.SUBMITTED_FIELD,
        *ccxt_traits.TYPE_FIELD,
        *ccxt_traits.SIDE_WITH_OFFSET,
        *ccxt_traits.FILL_FIELDS,
        *ccxt_traits.CLIENT_ID_FIELD,
        *ccxt_traits.SAME_ID_WHEN_TRIGGERED,
        *(exchange_id for exchange_id, *_ in ccxt_traits.WINDOW_DAYS),
    }
    assert named - set(EXCHANGES) == set()


@pytest.mark.parametrize("exchange_id", sorted(ccxt_traits.ACCOUNT_ID))
def test_the_call_for_an_account_s_id_exists(exchange_id: str) -> None:
    assert callable(getattr(_client(exchange_id), ccxt_traits.ACCOUNT_ID[exchange_id][0]))


@pytest.mark.parametrize("exchange_id", sorted(ccxt_traits.CLIENT_ID_LOOKUP))
def test_who_is_asked_by_client_id_can_be_asked_for_an_order(exchange_id: str) -> None:
    assert _client(exchange_id).has["fetchOrder"]


SEALED = frozenset(
    {"aster", "grvt", "modetrade", "paradex", "woofipro"}
)  # they ask for more before: keys, a log-in


@pytest.mark.parametrize(
    "exchange_id", sorted(ccxt_traits.CLIENT_ID_LOOKUP | ccxt_traits.CLIENT_ID_LOOKUP_SPOT)
)
@pytest.mark.parametrize("market", [spot("ETHUSDT", "ETH", "USDT"), swap("ETHUSDT", "ETH", "USDT")])
def test_the_client_s_id_is_what_is_asked_for(exchange_id: str, market: dict[str, Any]) -> None:
    if exchange_id in SEALED:
        pytest.skip(f"{exchange_id} asks for keys or a log-in before it is asked for anything else")
    if not _client(exchange_id).has.get(market["type"]):
        pytest.skip(f"{exchange_id} has no {market['type']} markets")
    asked: list[str] = []

    def answer(url: str) -> Any:
        asked.append(url)
        return ccxt.async_support.ExchangeError("heard")

    wallet = {"walletAddress": "0x" + "22" * 20, "accountId": "1", "privateKey": "0x" + "11" * 32}
    exchange = scripted(exchange_id, [market], answer, options={"uta": False}, **wallet)
    asyncio.run(
        venue_of(exchange, market["symbol"]).find_order(QueryBy.CLIENT_ORDER_ID, "c-0815-x", market["symbol"])
    )
    may_ask = market["type"] == "spot" or exchange_id in ccxt_traits.CLIENT_ID_LOOKUP
    assert any("c-0815-x" in url for url in asked) is may_ask


def test_every_exchange_says_what_it_offers() -> None:
    for exchange_id in EXCHANGES:
        exchange = _client(exchange_id)
        for market_type in MARKET_TYPES:
            for sub_type in ("linear", "inverse"):
                group = MarketGroup(exchange=exchange, market_type=market_type, sub_type=sub_type)
                assert isinstance(history_methods(group), list)
                assert all(isinstance(parameters, dict) for parameters in conditional_parameters(group))
                for method in METHODS:
                    rules = group.page_rules(method)
                    assert rules.limit is None or rules.limit > 0
                    assert rules.window_ms is None or rules.window_ms > 0
                    assert group.needs_symbol(method) in (True, False)


@pytest.mark.parametrize(
    ("exchange_id", "market_type", "kept_apart"),
    [
        ("binance", "spot", False),
        ("binance", "swap", True),
        ("okx", "spot", True),
        ("bybit", "swap", True),
        ("bitget", "spot", True),
        ("kucoin", "spot", True),
        ("gate", "swap", True),
        ("htx", "swap", True),
        ("kraken", "spot", False),
        ("coinbase", "spot", False),
    ],
)
def test_who_keeps_conditional_orders_apart(exchange_id: str, market_type: str, kept_apart: bool) -> None:
    group = MarketGroup(exchange=_client(exchange_id), market_type=market_type, sub_type="linear")
    assert bool(conditional_parameters(group)) is kept_apart
