"""Binance's spot REST API over the simulated market, on loopback: what the installed ccxt is pointed at.

Real signed requests: the key in its header, HMAC-SHA256 over the query. Every request is written down, and may meet a
planned fault. Orders and fills are the market's truth, in Binance's shapes.
"""

import asyncio
import hashlib
import hmac
from collections.abc import Callable
from decimal import Decimal
from email.utils import formatdate
from random import Random
from typing import Any
from urllib.parse import parse_qsl

import ccxt.async_support
from aiohttp import web
from msgspec import Struct

from trueup.model.times import NS_PER_S
from trueup.model.vocabulary import LIVE, Side, Status
from trueup.ports.clock import Clock
from trueup.sim.clock import SimClock
from trueup.sim.market.instruments import MarketInstrument
from trueup.sim.market.market import Market, Refused
from trueup.sim.market.orders import MarketFill, MarketOrder, OrderRequest
from trueup.sim.paper.faults import PaperFault, PaperFaults

API_KEY = "key-that-no-log-may-hold-5f2c"
SECRET = "secret-that-no-log-may-hold-91ab"
ACCOUNT, UID = "binance", 4711
INSTRUMENT = MarketInstrument(symbol="ETH/USDT", quote="USDT")
MS_NS = 1_000_000
DAY_MS = 86_400_000
PAGE_MAX = 1000  # of allOrders and myTrades
HANG_S = 3600
HTML = "<!doctype html><title>Maintenance</title><h1>We will be back soon</h1>"
PUBLIC = ("exchangeInfo", "time")
_STATUSES = {
    Status.PENDING_NEW: "NEW",
    Status.PARTIALLY_FILLED: "PARTIALLY_FILLED",
    Status.PENDING_CANCEL: "PENDING_CANCEL",
    Status.FILLED: "FILLED",
    Status.CANCELED: "CANCELED",
    Status.EXPIRED: "EXPIRED",
    Status.REJECTED: "REJECTED",
}
Query = dict[str, str]


class Declined(Exception):
    """A refusal in Binance's own words."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.body = status, {"code": code, "msg": message}


class Seen(Struct, frozen=True):
    """One request as it arrived."""

    at_ns: int
    method: str
    path: str
    query: Query


class BinanceServer:
    """One account. `faults` meet requests by path (`openOrders`, …); `meanwhile` happens after the next answer.

    `follow`: another clock that this one keeps up with; null: time passes only where a test says so.
    """

    def __init__(self, clock: SimClock, market: Market | None = None, *, follow: Clock | None = None) -> None:
        self.clock = clock
        self._follow = follow
        self.market = market or Market(clock, [INSTRUMENT])
        self.faults = PaperFaults(Random(1))
        self.seen: list[Seen] = []
        self.meanwhile: list[Callable[[], object]] = []
        self.url = ""
        self._limited_until_ns = 0
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> "BinanceServer":
        app = web.Application()
        app.router.add_route("*", "/api/v3/{path}", self._answer)
        app.on_response_prepare.append(self._tell_time)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}/api/v3"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _tell_time(self, _: web.Request, response: web.StreamResponse) -> None:
        response.headers["Date"] = formatdate(self.clock.now_ns() // NS_PER_S, usegmt=True)

    def exchange(self, **config: Any) -> Any:
        """The installed ccxt's own binance, pointed at this server; only its pace is faster than ccxt's."""
        made = ccxt.async_support.binance(
            {"apiKey": API_KEY, "secret": SECRET, "rateLimit": 0.01, "timeout": 2000, **config}
        )
        made.options |= {"fetchMarkets": {"types": ["spot"]}, "fetchCurrencies": False, "fetchMargins": False}
        made.urls["api"] = {"public": self.url, "private": self.url}
        made.timeout_on_exit = 0
        return made

    def catch_up(self) -> None:
        if self._follow is not None:
            self.clock.advance(max(0, self._follow.now_ns() - self.clock.now_ns()))
        self.market.settle()

    def asked(self, path: str) -> list[Query]:
        """The queries of the requests for this path."""
        return [seen.query for seen in self.seen if seen.path == path]

    # -- one request --------------------------------------------------------------------------------------------------

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.catch_up()
        raw = await request.text() if request.method == "POST" else request.rel_url.raw_query_string
        path, query = request.match_info["path"], dict(parse_qsl(raw, keep_blank_values=True))
        self.seen.append(Seen(self.clock.now_ns(), request.method, path, query))
        fault = self.faults.meet(request.method, path)
        if fault is not None and (refused := await self._refused(request, fault)) is not None:
            return refused
        if self.clock.now_ns() < self._limited_until_ns:
            return self._too_many(with_time=True)
        try:
            body = self._perform(request, raw, path, query)
        except Declined as declined:
            return web.json_response(declined.body, status=declined.status)
        if self.meanwhile:
            self.meanwhile.pop(0)()
        if fault is PaperFault.UNANSWERED_AFTER:
            await asyncio.sleep(HANG_S)
        return web.json_response(_altered(body, fault))

    async def _refused(self, request: web.Request, fault: PaperFault) -> web.StreamResponse | None:
        """What is answered without doing anything."""
        match fault:
            case PaperFault.RATE_LIMITED:
                minute_ns = 60 * NS_PER_S
                self._limited_until_ns = (self.clock.now_ns() // minute_ns + 1) * minute_ns
                return self._too_many(with_time=True)
            case PaperFault.RATE_LIMITED_BARE:
                return self._too_many(with_time=False)
            case PaperFault.SERVER_ERROR:
                return web.json_response({"code": -1000, "msg": "An unknown error occurred"}, status=500)
            case PaperFault.HTML:
                return web.Response(text=HTML, content_type="text/html")
            case PaperFault.EMPTY:
                return web.Response(content_type="application/json")
            case PaperFault.TRUNCATED:
                return await _cut_off(request)
            case PaperFault.UNANSWERED_BEFORE:
                await asyncio.sleep(HANG_S)
            case PaperFault.NOT_FOUND_HTML:
                return web.Response(status=404, text=HTML, content_type="text/html")
            case PaperFault.NOT_FOUND_FOREIGN:
                return web.json_response({"error": {"message": "no route"}}, status=404)
            case _:
                return None
        return None

    def _too_many(self, *, with_time: bool) -> web.Response:
        left_s = -(-(self._limited_until_ns - self.clock.now_ns()) // NS_PER_S)
        headers = {"Retry-After": str(left_s)} if with_time else {}
        return web.json_response({"code": -1003, "msg": "Too many requests"}, status=429, headers=headers)

    def _perform(self, request: web.Request, raw: str, path: str, query: Query) -> Any:
        if path not in PUBLIC and not _is_signed(request, raw):
            raise Declined(401, -2015, "Invalid API-key, IP, or permissions for action.")
        action = getattr(self, f"_{request.method.lower()}_{path}", None)
        if action is None:
            raise Declined(404, -1, f"no such path: {path}")
        return action(query)

    # -- what Binance answers -----------------------------------------------------------------------------------------

    def _get_exchangeInfo(self, query: Query) -> Any:
        return {"timezone": "UTC", "serverTime": self._now_ms(), "symbols": [_market_json(INSTRUMENT)]}

    def _get_time(self, query: Query) -> Any:
        return {"serverTime": self._now_ms()}

    def _get_account(self, query: Query) -> Any:
        held = INSTRUMENT.parts_text(self.market.truth_position(ACCOUNT, INSTRUMENT.symbol))
        balance = {"asset": INSTRUMENT.base, "free": held, "locked": "0.00000000"}
        return {"uid": UID, "accountType": "SPOT", "updateTime": self._now_ms(), "balances": [balance]}

    def _get_openOrders(self, query: Query) -> Any:
        return [_order_json(order) for order in self.market.live_orders(ACCOUNT)]

    def _get_allOrders(self, query: Query) -> Any:
        orders = [_order_json(order) for order in self.market.truth_orders(ACCOUNT)]
        return _page(orders, _span(query), query)

    def _get_myTrades(self, query: Query) -> Any:
        return _page([_fill_json(fill) for fill in self.market.truth_fills(ACCOUNT)], _span(query), query)

    def _get_order(self, query: Query) -> Any:
        return _order_json(self._find(query))

    def _post_order(self, query: Query) -> Any:
        request = OrderRequest(
            client_order_id=query["newClientOrderId"],
            symbol=INSTRUMENT.symbol,
            side=Side(query["side"].lower()),
            qty=int(Decimal(query["quantity"]).scaleb(INSTRUMENT.qty_decimals)),
            limit=int(Decimal(query["price"]).scaleb(INSTRUMENT.price_decimals)),
        )
        try:
            return _order_json(self.market.submit(ACCOUNT, request, "client"))
        except Refused as refused:
            raise Declined(400, -2010, str(refused)) from refused

    def _delete_order(self, query: Query) -> Any:
        order = self._find(query)
        try:
            self.market.cancel(ACCOUNT, order.venue_order_id)
        except Refused as refused:
            raise Declined(400, -2011, "Unknown order sent.") from refused
        return _order_json(order)

    def _find(self, query: Query) -> MarketOrder:
        for order in self.market.truth_orders(ACCOUNT):
            if "origClientOrderId" in query:
                found = order.client_order_id == query["origClientOrderId"]
            else:
                found = str(order.number) == query.get("orderId")
            if found:
                return order
        raise Declined(400, -2013, "Order does not exist.")

    def _now_ms(self) -> int:
        return self.clock.now_ns() // MS_NS


def _is_signed(request: web.Request, raw: str) -> bool:
    """By the key in its header and the HMAC of what was sent: the query, or the form of a POST."""
    signed, _, signature = raw.rpartition("&signature=")
    wanted = hmac.new(SECRET.encode(), signed.encode(), hashlib.sha256).hexdigest()
    return request.headers.get("X-MBX-APIKEY") == API_KEY and hmac.compare_digest(signature, wanted)


def _span(query: Query) -> tuple[int, int]:
    start, end = int(query.get("startTime", 0)), int(query.get("endTime", 1 << 60))
    if "startTime" in query and "endTime" in query and end - start > DAY_MS:
        raise Declined(400, -1127, "More than 24 hours between startTime and endTime.")
    return start, min(end, start + DAY_MS) if "startTime" in query else end


def _page(rows: list[dict[str, Any]], span: tuple[int, int], query: Query) -> list[dict[str, Any]]:
    """The oldest of a span that has a start; without one, the newest."""
    limit = min(int(query.get("limit", 500)), PAGE_MAX)
    within = [row for row in rows if span[0] <= row["time"] <= span[1]]
    return within[:limit] if "startTime" in query else within[-limit:]


def _altered(body: Any, fault: PaperFault | None) -> Any:
    rows = body if isinstance(body, list) else [body]
    if fault is PaperFault.UNKNOWN_FIELD:
        rows = [{**row, "neverHeardOf": {"a": 1}} for row in rows]
    elif fault is PaperFault.UNKNOWN_STATUS:
        rows = [{**row, "status": "on_the_moon"} if "status" in row else row for row in rows]
    elif fault is PaperFault.OTHER_ORDER:
        rows = [{**row, "orderId": 99_999, "clientOrderId": "somebody-else-s"} for row in rows]
    return rows if isinstance(body, list) else rows[0]


async def _cut_off(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "1000", "Content-Type": "application/json"})
    await response.prepare(request)
    await response.write(b'[{"symbol": "ETHUSDT", "orderId": 1')
    assert request.transport is not None
    request.transport.close()
    return response


def _market_json(instrument: MarketInstrument) -> dict[str, Any]:
    return {
        "symbol": instrument.symbol.replace("/", ""),
        "status": "TRADING",
        "baseAsset": instrument.base,
        "quoteAsset": instrument.quote,
        "baseAssetPrecision": 8,
        "quoteAssetPrecision": 8,
        "orderTypes": ["LIMIT", "MARKET"],
        "isSpotTradingAllowed": True,
        "permissions": ["SPOT"],
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "100000", "tickSize": "0.01"},
            {"filterType": "LOT_SIZE", "minQty": "0.001", "maxQty": "9000", "stepSize": "0.001"},
        ],
    }


def _order_json(order: MarketOrder) -> dict[str, Any]:
    view, instrument = order.view(), order.instrument
    assert view.qty is not None
    return {
        "symbol": instrument.symbol.replace("/", ""),
        "orderId": order.number,
        "orderListId": -1,
        "clientOrderId": order.client_order_id,
        "price": view.limit_price or "0.00000000",
        "origQty": view.qty,
        "executedQty": view.filled_qty,
        "cummulativeQuoteQty": _cost_text(instrument, order.cost),
        "status": _STATUSES[order.status],
        "timeInForce": "GTC",
        "type": (view.order_type or "limit").upper(),
        "side": order.side.value.upper(),
        "stopPrice": view.stop_price or "0.00000000",
        "time": order.submitted_ns // MS_NS,
        "updateTime": order.versions[-1].updated_ns // MS_NS,
        "isWorking": order.status in LIVE,
        "origQuoteOrderQty": "0.00000000",
    }


def _fill_json(fill: MarketFill) -> dict[str, Any]:
    view, instrument = fill.view(), fill.order.instrument
    return {
        "symbol": instrument.symbol.replace("/", ""),
        "id": int(fill.fill_id.removeprefix("F-")),
        "orderId": fill.order.number,
        "orderListId": -1,
        "price": view.price,
        "qty": view.qty,
        "quoteQty": _cost_text(instrument, fill.qty * fill.price),
        "commission": view.fee or "0.00000000",
        "commissionAsset": view.fee_currency or instrument.quote,
        "time": fill.filled_ns // MS_NS,
        "isBuyer": fill.order.side is Side.BUY,
        "isMaker": True,
        "isBestMatch": True,
    }


def _cost_text(instrument: MarketInstrument, cost: int) -> str:
    return format(Decimal(cost).scaleb(-instrument.qty_decimals - instrument.price_decimals), "f")
