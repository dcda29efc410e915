"""Reads of exchanges that differ from one another: what cannot be had is said, and nothing is concluded from it."""

import asyncio
from typing import Any

import ccxt
import pytest

from tests.unit.venues.ccxt.scripted import scripted, spot, swap, venue_of
from trueup.model.errors import AuthError, ConfigError, RateLimited, VenueError
from trueup.model.snapshot import PositionsRead
from trueup.model.vocabulary import Lists, Outcome, QueryBy, ReadState, Status
from trueup.ports.venue import Hinting, Venue, VenueSettings
from trueup.sim.clock import SimClock
from trueup.venues.ccxt.open_venue import CcxtVenue, open_venue

ETH = spot("ETH-USDT", "ETH", "USDT")
OKX_MISSING = {"code": "51603", "data": [], "msg": "Order does not exist"}


def okx_order(order_id: str, **more: str) -> dict[str, Any]:
    return {
        "ordId": order_id,
        "clOrdId": f"c{order_id}",
        "instId": "ETH-USDT",
        "instType": "SPOT",
        "ordType": "limit",
        "side": "buy",
        "px": "2000",
        "sz": "1",
        "accFillSz": "0",
        "state": "live",
        "cTime": "1795435200000",
        "uTime": "1795435200000",
        **more,
    }


def okx_algo(order_id: str, state: str = "live") -> dict[str, Any]:
    order = okx_order("", algoId=order_id, algoClOrdId=f"c{order_id}", ordType="trigger", state=state)
    return {**order, "clOrdId": f"c{order_id}", "triggerPx": "1900"}


BITGET_STOP = {
    "orderId": "7",
    "clientOid": "c7",
    "symbol": "ETHUSDT",
    "size": "1",
    "triggerPrice": "1900",
    "price": "",
    "side": "sell",
    "tradeSide": "close",
    "orderType": "market",
    "planType": "loss_plan",
    "cTime": "1795435200000",
    "uTime": "1795435200000",
}


def okx(answer: Any) -> CcxtVenue:
    return venue_of(scripted("okx", [ETH], answer), "ETH/USDT")


def test_it_is_a_venue_with_hints() -> None:
    venue: Venue = okx(lambda url: {"code": "0", "data": []})
    assert isinstance(venue, Hinting)


# -- open orders ------------------------------------------------------------------------------------------------------


def test_conditional_orders_are_listed_where_they_are_kept_apart() -> None:
    venue = okx(
        lambda url: {
            "code": "0",
            "data": [okx_algo("7") if "ordType=trigger" in url else okx_order("1")]
            if "algo" not in url or "ordType=trigger" in url
            else [],
        }
    )
    read = asyncio.run(venue.open_orders())
    assert [(row.venue_order_id, row.stop_price) for row in read.rows] == [("1", None), ("7", "1900")]
    assert read.state is ReadState.COMPLETE


def test_a_conditional_listing_that_failed_leaves_the_read_partial() -> None:
    venue = okx(
        lambda url: (
            ccxt.ExchangeNotAvailable("down") if "algo" in url else {"code": "0", "data": [okx_order("1")]}
        )
    )
    read = asyncio.run(venue.open_orders())
    assert [row.venue_order_id for row in read.rows] == ["1"]
    assert read.state is ReadState.PARTIAL
    assert read.error is not None
    assert "conditional orders" in read.error


@pytest.mark.parametrize("answer", [{}, {"code": "0", "msg": ""}, "", "<html>maintenance</html>", None])
def test_an_answer_without_a_list_is_no_empty_list(answer: Any) -> None:
    with pytest.raises(VenueError):
        asyncio.run(okx(lambda url: answer).open_orders())


def test_the_right_answer_with_an_empty_list_is_empty() -> None:
    read = asyncio.run(okx(lambda url: {"code": "0", "data": [], "msg": ""}).open_orders())
    assert (read.state, read.rows) == (ReadState.COMPLETE, [])


def test_a_row_that_cannot_be_read_is_left_out_and_named() -> None:
    rows = [okx_order("1"), okx_order("2", sz="-1"), okx_order("3", px="-5")]
    read = asyncio.run(okx(lambda url: {"code": "0", "data": [] if "algo" in url else rows}).open_orders())
    assert [row.venue_order_id for row in read.rows] == ["1"]
    assert read.state is ReadState.PARTIAL
    assert read.error is not None
    assert "2" in read.error
    assert "3" in read.error


def bybit_page(first: int, count: int, cursor: str) -> dict[str, Any]:
    rows = [
        {
            "orderId": str(number),
            "orderLinkId": "",
            "symbol": "BTCUSDT",
            "price": "60000",
            "qty": "0.1",
            "side": "Buy",
            "orderStatus": "New",
            "cumExecQty": "0",
            "cumExecValue": "0",
            "leavesQty": "0.1",
            "orderType": "Limit",
            "tpslMode": "",
            "createdTime": str(1795435200000 + number),
            "updatedTime": str(1795435200000 + number),
        }
        for number in range(first, first + count)
    ]
    return {"retCode": 0, "result": {"nextPageCursor": cursor, "category": "linear", "list": rows}}


def bybit(pages: list[dict[str, Any]]) -> CcxtVenue:
    empty = bybit_page(0, 0, "")

    def answer(url: str) -> Any:
        if "query-api" in url or "account/info" in url:
            return {"retCode": 0, "result": {"uta": 1, "unified": 0, "unifiedMarginStatus": 5, "list": []}}
        return empty if "StopOrder" in url else pages.pop(0)

    return venue_of(scripted("bybit", [swap("BTCUSDT", "BTC", "USDT")], answer), "BTC/USDT:USDT")


def test_pages_are_followed_to_the_end() -> None:
    read = asyncio.run(
        bybit([bybit_page(0, 50, "a"), bybit_page(50, 50, "b"), bybit_page(100, 1, "")]).open_orders()
    )
    assert [row.venue_order_id for row in read.rows] == [str(number) for number in range(101)]
    assert read.state is ReadState.COMPLETE


def test_a_full_page_without_a_next_one_is_not_complete() -> None:
    read = asyncio.run(bybit([bybit_page(0, 50, "")]).open_orders())
    assert (len(read.rows), read.state) == (50, ReadState.PARTIAL)


def deribit(*symbols: str, managed: list[str] | None = None) -> CcxtVenue:
    markets = [swap("BTC_USDC-PERPETUAL", "BTC", "USDC"), swap("ETH_USDC-PERPETUAL", "ETH", "USDC")]
    exchange = scripted("deribit", markets, lambda url: {"jsonrpc": "2.0", "result": []})
    return venue_of(exchange, *symbols, managed=managed, markets=["swap:linear:USDC"])


def test_an_exchange_that_wants_a_symbol_is_asked_for_each() -> None:
    read = asyncio.run(deribit("BTC/USDC:USDC", "eth-usdc-usdc").open_orders())
    assert read.state is ReadState.COMPLETE


def test_symbols_that_do_not_cover_what_is_managed_leave_it_partial() -> None:
    read = asyncio.run(deribit("BTC/USDC:USDC", managed=["BTC/USDC:USDC", "ETH/USDC:USDC"]).open_orders())
    assert read.state is ReadState.PARTIAL


def test_without_any_symbol_it_cannot_be_read() -> None:
    with pytest.raises(VenueError, match="managed_symbols"):
        asyncio.run(deribit().open_orders())


# -- single orders ----------------------------------------------------------------------------------------------------


def find(
    venue: CcxtVenue, by: QueryBy = QueryBy.VENUE_ORDER_ID, order_id: str = "7"
) -> tuple[Outcome, str | None]:
    answer = asyncio.run(venue.find_order(by, order_id, "ETH/USDT"))
    return answer.outcome, None if answer.order is None else answer.order.venue_order_id


@pytest.mark.parametrize(
    ("ordinary", "conditional", "outcome"),
    [
        ({"code": "0", "data": [okx_order("7")]}, OKX_MISSING, Outcome.FOUND),
        (OKX_MISSING, {"code": "0", "data": [okx_algo("7")]}, Outcome.FOUND),
        (OKX_MISSING, OKX_MISSING, Outcome.ABSENT),
        (OKX_MISSING, ccxt.RequestTimeout("slow"), Outcome.UNKNOWN),
        (OKX_MISSING, ccxt.ExchangeError("odd"), Outcome.UNKNOWN),
        (ccxt.NetworkError("reset"), OKX_MISSING, Outcome.UNKNOWN),
        (ccxt.AuthenticationError("revoked"), OKX_MISSING, Outcome.UNKNOWN),
        (ccxt.RateLimitExceeded("too many"), OKX_MISSING, Outcome.UNKNOWN),
        ({"code": "0", "data": []}, OKX_MISSING, Outcome.UNKNOWN),
        ({"code": "0", "data": [okx_order("8")]}, OKX_MISSING, Outcome.UNKNOWN),
    ],
)
def test_absent_only_where_every_endpoint_says_so(ordinary: Any, conditional: Any, outcome: Outcome) -> None:
    venue = okx(lambda url: conditional if "algo" in url else ordinary)
    assert find(venue)[0] is outcome


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ({"code": 0, "msg": "", "data": []}, Outcome.ABSENT),
        ({"code": 0, "msg": ""}, Outcome.UNKNOWN),  # ccxt says OrderNotFound here too
    ],
)
def test_what_ccxt_concludes_from_an_answer_without_content_is_no_absence(
    answer: Any, outcome: Outcome
) -> None:
    phemex = venue_of(scripted("phemex", [spot("sETHUSDT", "ETH", "USDT")], lambda url: answer), "ETH/USDT")
    assert find(phemex)[0] is outcome


def test_by_client_id_at_both_endpoints() -> None:
    venue = okx(
        lambda url: {"code": "0", "data": [okx_algo("7")]} if "algoClOrdId=c7" in url else OKX_MISSING
    )
    assert find(venue, QueryBy.CLIENT_ORDER_ID, "c7") == (Outcome.FOUND, "7")


def test_no_look_up_by_client_id_is_unknown() -> None:
    kraken = venue_of(scripted("kraken", [ETH], lambda url: {"error": [], "result": {}}), "ETH/USDT")
    assert find(kraken, QueryBy.CLIENT_ORDER_ID, "c7") == (Outcome.UNKNOWN, None)


def test_no_look_up_at_all_is_unknown() -> None:
    cex = scripted("cex", [ETH], lambda url: pytest.fail(f"asked {url}"))
    assert not cex.has["fetchOrder"]
    assert find(venue_of(cex, "ETH/USDT")) == (Outcome.UNKNOWN, None)


@pytest.mark.parametrize(
    ("exchange_id", "nothing"),
    [
        ("krakenfutures", {"result": "success", "orders": []}),  # only what is open, or ended seconds ago
        ("bitflyer", []),  # among the newest hundred
        ("bitfinex", []),  # only what is open
    ],
)
def test_an_endpoint_that_forgets_what_ended_says_nothing_by_its_silence(
    exchange_id: str, nothing: Any
) -> None:
    venue = venue_of(scripted(exchange_id, [ETH], lambda url: nothing), "ETH/USDT")
    assert find(venue) == (Outcome.UNKNOWN, None)


def test_such_an_endpoint_is_no_history_either() -> None:
    asked: list[str] = []

    def answer(url: str) -> Any:
        asked.append(url)
        return {"result": "success", "orders": [], "elements": [], "fills": []}

    venue = venue_of(scripted("krakenfutures", [ETH], answer), "ETH/USDT")
    asyncio.run(venue.history("2026-11-23T00:00:00Z"))
    assert [url for url in asked if "history/v2/orders" in url or "history/v3/orders" in url]
    assert not [url for url in asked if "orders/status" in url]


def test_conditional_orders_that_cannot_be_asked_for_one_by_one_leave_it_unknown() -> None:
    missing = {"code": "43001", "msg": "The order does not exist", "data": []}

    def answer(url: str) -> Any:
        return missing if "orderInfo" in url else {"code": "00000", "data": {"orderList": []}}

    assert find(venue_of(scripted("bitget", [ETH], answer), "ETH/USDT"))[0] is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("status", "more", "expected", "placed"),
    [
        ("cancelled", {}, Status.CANCELED, None),
        ("executed", {"executeOrderId": "9"}, Status.REPLACED, "9"),
        ("live", {}, Status.PENDING_NEW, None),
    ],
)
def test_a_conditional_order_that_ended_is_found_where_it_cannot_be_asked_for(
    status: str, more: dict[str, str], expected: Status, placed: str | None
) -> None:
    listing = "orders-plan-pending" if status == "live" else "orders-plan-history"

    def answer(url: str) -> Any:
        if "order/detail" in url:
            return {"code": "40109", "msg": "The data of the order cannot be found", "data": None}
        found = listing in url and "planType=profit_loss" in url and "clientOid=c7" in url
        rows = [{**BITGET_STOP, "planStatus": status, **more}] if found else []
        return {"code": "00000", "data": {"entrustedList": rows, "endId": None}}

    bitget = scripted("bitget", [swap("ETHUSDT", "ETH", "USDT")], answer, options={"uta": False})
    venue = venue_of(bitget, "ETH/USDT:USDT")
    told = asyncio.run(venue.find_order(QueryBy.CLIENT_ORDER_ID, "c7", "ETH/USDT:USDT"))
    assert told.order is not None
    assert (told.outcome, told.order.venue_order_id) == (Outcome.FOUND, "7")
    assert (told.order.status, told.order.replaced_by) == (expected, placed)
    nobody = asyncio.run(venue.find_order(QueryBy.CLIENT_ORDER_ID, "c8", "ETH/USDT:USDT"))
    assert (nobody.outcome, nobody.order) == (Outcome.UNKNOWN, None)


def test_an_exchange_that_lists_by_id_is_asked_wherever_it_can_be() -> None:
    venue = bybit([bybit_page(0, 0, ""), bybit_page(7, 1, ""), bybit_page(0, 0, "")])
    answer = asyncio.run(venue.find_order(QueryBy.VENUE_ORDER_ID, "7", "BTCUSDT:USDT"))
    assert answer.outcome is Outcome.FOUND
    absent = asyncio.run(
        bybit([bybit_page(0, 0, "")] * 2).find_order(QueryBy.VENUE_ORDER_ID, "7", "BTC/USDT:USDT")
    )
    assert absent.outcome is Outcome.ABSENT


# -- history and holdings ---------------------------------------------------------------------------------------------


def test_fills_without_orders_are_a_partial_history() -> None:
    trade = {
        "id": 9,
        "order_id": 7,
        "type": "2",
        "datetime": "2026-11-23 12:00:01.000000",
        "eth": "0.5",
        "usdt": "-1000",
        "eth_usdt": "2000",
        "fee": "1",
    }
    bitstamp = scripted(
        "bitstamp",
        [{**spot("ethusdt", "ETH", "USDT"), "baseId": "eth", "quoteId": "usdt"}],
        lambda url: [trade],
    )
    read = asyncio.run(venue_of(bitstamp, "ETH/USDT").history("2026-11-23T12:00:00Z"))
    assert [(fill.fill_id, fill.venue_order_id, fill.qty, fill.price) for fill in read.fills] == [
        ("9", "7", "0.5", "2000")
    ]
    assert read.state is ReadState.PARTIAL
    assert read.error is not None
    assert "no orders of the past" in read.error


def test_orders_without_fills_are_a_partial_history() -> None:
    upbit = scripted("upbit", [spot("USDT-ETH", "ETH", "USDT")], lambda url: [])
    assert not upbit.has["fetchMyTrades"]
    read = asyncio.run(venue_of(upbit, "ETH/USDT").history("2026-11-23T11:00:00Z"))
    assert read.state is ReadState.PARTIAL
    assert "fetchMyTrades" in (read.error or "")


def test_spot_holdings_are_the_base_currency_of_each_managed_symbol() -> None:
    balances = {
        "error": [],
        "result": {"XETH": {"balance": "1.50", "hold_trade": "0.25"}, "ZUSD": {"balance": "10"}},
    }
    markets = [spot("XETHZUSD", "ETH", "USD"), spot("SOLUSD", "SOL", "USD")]
    exchange = scripted("kraken", markets, lambda url: balances)
    read = asyncio.run(venue_of(exchange, "ETH/USD", "SOL/USD").positions())
    assert [(row.symbol, row.qty) for row in read.rows] == [("ETH/USD", "1.5")]
    assert read.state is ReadState.COMPLETE


def test_an_answer_without_balances_is_no_empty_account() -> None:
    with pytest.raises(VenueError, match="no balances"):
        asyncio.run(okx(lambda url: {"code": "0", "msg": ""}).positions())
    read = asyncio.run(okx(lambda url: {"code": "0", "data": [{"details": []}]}).positions())
    assert (read.state, read.rows) == (ReadState.COMPLETE, [])


def test_a_balance_that_two_symbols_share_is_neither_s() -> None:
    balances = {"error": [], "result": {"XETH": {"balance": "1.50", "hold_trade": "0"}}}
    markets = [spot("XETHZUSD", "ETH", "USD"), spot("XETHZEUR", "ETH", "EUR")]
    read = asyncio.run(
        venue_of(scripted("kraken", markets, lambda url: balances), "ETH/USD", "ETH/EUR").positions()
    )
    assert (read.rows, read.state) == ([], ReadState.PARTIAL)


# -- the bot's own object, and configuration --------------------------------------------------------------------------


def test_the_bot_s_own_object_is_neither_changed_nor_rounded() -> None:
    exact = "0.12345678901234567890"
    own = scripted(
        "okx", [ETH], lambda url: {"code": "0", "data": [] if "algo" in url else [okx_order("1", sz=exact)]}
    )
    assert own.number is float
    before = dict(vars(own))
    read = asyncio.run(venue_of(own, "ETH/USDT").open_orders())
    assert [row.qty for row in read.rows] == ["0.1234567890123456789"]
    assert {key: value for key, value in vars(own).items() if before.get(key) is not value} == {}


def test_a_pause_that_the_exchange_asks_for_is_kept() -> None:
    venue = okx(lambda url: ccxt.RateLimitExceeded("too many"))
    with pytest.raises(RateLimited):
        asyncio.run(venue.open_orders())


@pytest.mark.parametrize(
    ("says", "quote"),
    [
        ({}, "USDT"),
        ({"contractSize": "0.01"}, None),
        ({"contractSize": None}, None),
        ({"linear": False, "inverse": True}, None),
    ],
)
def test_contracts_that_are_not_one_of_the_base_currency_have_no_known_notional(
    says: dict[str, Any], quote: str | None
) -> None:
    market = swap("ETH-USDT-SWAP", "ETH", "USDT") | says
    venue = venue_of(scripted("okx", [market], lambda url: {}), "ETH/USDT:USDT")
    assert [one.quote for one in asyncio.run(venue.instruments())] == [quote]


def test_the_synchronous_object_is_refused() -> None:
    with pytest.raises(ConfigError, match="async"):
        CcxtVenue(ccxt.okx(), clock=SimClock())


def test_an_unknown_symbol_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="ETH/USDT"):
        asyncio.run(venue_of(scripted("okx", [ETH], lambda url: {}), "ETH/USDTT").instruments())


GOOD = {"exchange": "kraken", "live": True}
KEYS = {"apiKey": "k-1234567", "secret": "c2VjcmV0LTEyMzQ1Njc4"}


@pytest.mark.parametrize(
    ("options", "credentials", "allow_live", "message"),
    [
        ({}, KEYS, True, "exchange"),
        ({"exchange": "nosuch", "live": True}, KEYS, True, "nosuch"),
        (GOOD, {**KEYS, "key_id": "x"}, True, "key_id"),
        (GOOD, KEYS, False, "TRUEUP_ALLOW_LIVE"),
        ({"exchange": "kraken"}, KEYS, True, "sandbox = true or live = true"),
        ({"exchange": "kraken", "sandbox": True}, KEYS, True, "no sandbox"),
        ({"exchange": "okx", "live": True}, {**KEYS, "password": "p"}, True, "say which"),
        ({**GOOD, "markets": ["spots"]}, KEYS, True, "spots"),
        ({**GOOD, "calls_per_minute": 0}, KEYS, True, "calls_per_minute"),
    ],
)
def test_configuration_that_cannot_be_meant_is_refused(
    options: dict[str, Any], credentials: dict[str, str], allow_live: bool, message: str
) -> None:
    settings = VenueSettings(
        account_id="a", credentials=credentials, options=options, allow_live=allow_live, clock=SimClock()
    )
    with pytest.raises(ConfigError, match=message) as raised:
        open_venue(settings)
    assert KEYS["secret"] not in str(raised.value)


def test_opened_from_configuration_it_shows_no_secret() -> None:
    settings = VenueSettings(
        account_id="a",
        credentials=KEYS,
        options={**GOOD, "settings": {"defaultType": "spot"}},
        allow_live=True,
        managed_symbols=["BTC/USD"],
        clock=SimClock(),
    )
    venue = open_venue(settings)
    assert venue.name == "ccxt:kraken"
    for secret in KEYS.values():
        assert secret not in f"{venue!r} {venue._client!r} {settings!r}"


def test_missing_credentials_are_named() -> None:
    settings = VenueSettings(
        account_id="a", credentials={"apiKey": "k"}, options=GOOD, allow_live=True, clock=SimClock()
    )
    with pytest.raises(AuthError, match="secret"):
        open_venue(settings)


def test_a_wallet_s_address_is_enough_to_read() -> None:
    wallet = {"walletAddress": "0x" + "22" * 20}
    options = {"exchange": "hyperliquid", "live": True, "markets": ["swap"]}
    settings = VenueSettings(
        account_id="a", credentials=wallet, options=options, allow_live=True, clock=SimClock()
    )
    venue = open_venue(settings)
    assert asyncio.run(venue.account_id()) == wallet["walletAddress"]
    asyncio.run(venue.aclose())


# -- what contradicts itself -------------------------------------------------------------------------------------------

ETH_SWAP = {**swap("ETH-USDT-SWAP", "ETH", "USDT"), "contractSize": "0.1"}


def okx_swap_order(order_id: str, **more: str) -> dict[str, Any]:
    return okx_order(order_id, instId="ETH-USDT-SWAP", instType="SWAP", sz="40", posSide="net", **more)


def okx_swap_fill(order_id: str, side: str, qty: str) -> dict[str, Any]:
    return {"instId": "ETH-USDT-SWAP", "instType": "SWAP", "tradeId": f"t{order_id}", "ordId": order_id, "side": side,
            "fillPx": "2000", "fillSz": qty, "fee": "-0.1", "feeCcy": "USDT", "execType": "T", "posSide": "net",
            "ts": "1795435200000"}  # fmt: skip


def test_orders_and_fills_that_contradict_each_other_are_left_out_of_history_by_name() -> None:
    done = {"state": "filled", "accFillSz": "40", "avgPx": "2000"}
    orders = [okx_swap_order("1", **done), okx_swap_order("2", **done), okx_swap_order("3", **done)]
    fills = [
        okx_swap_fill("1", "sell", "40"),
        okx_swap_fill("2", "buy", "4"),
        okx_swap_fill("3", "buy", "40"),
    ]

    def answer(url: str) -> Any:
        return {"code": "0", "data": fills if "fills" in url else orders if "orders-history" in url else []}

    venue = venue_of(scripted("okx", [ETH_SWAP], answer), "ETH/USDT:USDT")
    read = asyncio.run(venue.history("2026-11-23T11:00:00Z"))
    assert {row.venue_order_id for row in read.orders} == {"3"}
    assert {row.venue_order_id for row in read.fills} == {"3"}
    assert read.state is ReadState.PARTIAL
    assert read.error is not None
    assert "order 1 of ETH/USDT:USDT: its fill t1 says sell, the order buy" in read.error
    assert "order 2 of ETH/USDT:USDT: 40 filled, 4 in its fills" in read.error


def test_contracts_that_ccxt_turned_into_base_are_left_out_by_name() -> None:
    exchange = scripted(
        "okx", [ETH_SWAP], lambda url: {"code": "0", "data": [] if "algo" in url else [okx_swap_order("1")]}
    )
    exchange.number = str
    parse = exchange.parse_order
    exchange.parse_order = lambda order, market=None: {
        **parse(order, market),
        "amount": "4",
        "symbol": "ETH/USDT:USDT",
    }
    read = asyncio.run(venue_of(exchange, "ETH/USDT:USDT").open_orders())
    assert (read.rows, read.state) == ([], ReadState.PARTIAL)
    assert "ccxt gives 4 of the base currency" in (read.error or "")
    exchange.parse_order = parse
    assert asyncio.run(venue_of(exchange, "ETH/USDT:USDT").open_orders()).rows[0].qty == "40"


ETH_COIN_SWAP = {
    **swap("ETH-USD-SWAP", "ETH", "ETH"),
    "symbol": "ETH/USD:ETH",
    "quote": "USD",
    "quoteId": "USD",
    "inverse": True,
    "linear": False,
    "contractSize": "10",
}


def positions_of(change: dict[str, Any]) -> PositionsRead:
    """What is read of a long of 40 contracts of 0.1 ETH at 2,000, changed as ccxt might."""
    row = {"symbol": "ETH/USDT:USDT", "contracts": "40", "side": "long", "notional": "8000", "markPrice": "2000",
           "info": {"pos": "40", "posSide": "net"}}  # fmt: skip
    exchange = scripted("okx", [ETH_SWAP, ETH_COIN_SWAP], lambda url: {"code": "0", "data": []})

    async def fetch_positions(*args: Any, **more: Any) -> list[dict[str, Any]]:
        return [row | change]

    exchange.fetch_positions = fetch_positions
    return asyncio.run(venue_of(exchange, "ETH/USDT:USDT", "ETH/USD:ETH").positions())


def test_a_position_of_contracts_is_read() -> None:
    assert {(row.symbol, row.qty) for row in positions_of({}).rows} == {("ETH/USDT:USDT", "40")}
    coin = {"symbol": "ETH/USD:ETH", "notional": "80000", "markPrice": "2000"}  # inverse: 400 USD are 0.2 ETH
    assert {row.qty for row in positions_of(coin).rows} == {"40"}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"contracts": "4"}, "one of ETH/USDT:USDT: ccxt gives 4 of the base currency"),
        (
            {"contracts": "4", "info": {"pos": "4"}},
            "a position in ETH/USDT:USDT: 4 at 2000 with a notional of 8000",
        ),
    ],
)
def test_a_position_in_the_other_unit_is_left_out_by_name(change: dict[str, Any], why: str) -> None:
    read = positions_of(change)
    assert (read.rows, read.state) == ([], ReadState.PARTIAL)
    assert why in (read.error or "")


# -- which lists name only what is held --------------------------------------------------------------------------------

KRAKEN_POSITION = {"side": "short", "symbol": "PF_ETHUSD", "price": "2000", "size": "3"}


@pytest.mark.parametrize(
    ("row", "lists"),
    [
        (KRAKEN_POSITION, Lists.HELD),
        (KRAKEN_POSITION | {"side": None}, Lists.ALL),
    ],  # one is left out: partial
)
def test_of_what_kraken_futures_does_not_list_nothing_is_held(row: dict[str, Any], lists: Lists) -> None:
    markets = [swap("PF_ETHUSD", "ETH", "USD"), swap("PF_XBTUSD", "BTC", "USD")]
    answer = {"result": "success", "openPositions": [row]}
    exchange = scripted("krakenfutures", markets, lambda url: answer)
    read = asyncio.run(venue_of(exchange, "ETH/USD:USD", "BTC/USD:USD").positions())
    assert (read.lists, len(read.rows)) == (lists, 1 if lists is Lists.HELD else 0)


def test_of_an_answer_without_a_list_nothing_follows() -> None:
    markets = [swap("PF_ETHUSD", "ETH", "USD")]
    exchange = scripted("krakenfutures", markets, lambda url: {"result": "success"})
    with pytest.raises(VenueError):
        asyncio.run(venue_of(exchange, "ETH/USD:USD").positions())


def test_elsewhere_a_missing_row_says_nothing() -> None:
    read = asyncio.run(okx(lambda url: {"code": "0", "data": [{"details": []}]}).positions())
    assert (read.state, read.lists) == (ReadState.COMPLETE, Lists.ALL)
