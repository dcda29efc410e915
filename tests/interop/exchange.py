"""A local exchange in the shapes of Binance's spot API, as far as freqtrade asks it. What it answers, a test decides.

Run as a process of its own: `python -m tests.interop.exchange PORT`. Besides the exchange's paths: `POST /_set` changes
an order (`{"orderId": 1, "executedQty": "1", …}`), `POST /_placing` says what becomes of the answer to the next order
(`{"lost": true}`, `{"late_s": 3}`), and `GET /_orders` gives all of them.
"""

import asyncio
import sys
import time
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

PRICE = "100.00"
SYMBOL = {
    "symbol": "ETHUSDT", "status": "TRADING", "baseAsset": "ETH", "quoteAsset": "USDT", "baseAssetPrecision": 8,
    "quotePrecision": 8, "quoteAssetPrecision": 8, "orderTypes": ["LIMIT", "MARKET", "STOP_LOSS_LIMIT"],
    "isSpotTradingAllowed": True, "isMarginTradingAllowed": False, "permissions": ["SPOT"],
    "permissionSets": [["SPOT"]],
    "filters": [
        {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "100000", "tickSize": "0.01"},
        {"filterType": "LOT_SIZE", "minQty": "0.001", "maxQty": "9000", "stepSize": "0.001"},
        {"filterType": "NOTIONAL", "minNotional": "5", "applyMinToMarket": True, "maxNotional": "900000"},
    ],
}  # fmt: skip


class Exchange:
    def __init__(self) -> None:
        self.orders: dict[int, dict[str, Any]] = {}
        self.next_id = 1001
        self.placing: dict[str, Any] = {}  # what becomes of the answer to the next order

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self.answer)
        return app

    async def answer(self, request: web.Request) -> web.Response:
        path = request.path
        body = (
            dict(parse_qsl(await request.text()))
            if request.can_read_body and not path.startswith("/_")
            else {}
        )
        given = {**dict(request.query), **body}
        if path == "/_orders":
            return web.json_response(list(self.orders.values()))
        if path == "/_set":
            changes = await request.json()
            self.orders[changes.pop("orderId")] |= changes
            return web.json_response({})
        if path == "/_placing":
            self.placing = await request.json()
            return web.json_response({})
        name = path.rpartition("/")[2]
        if name == "order" and request.method == "GET" and int(given.get("orderId", 0)) not in self.orders:
            return web.json_response({"code": -2013, "msg": "Order does not exist."}, status=400)
        answer = web.json_response(self._api(request.method, name, given))
        if name == "order" and request.method == "POST":
            await self._meet(request)
        return answer

    async def _meet(self, request: web.Request) -> None:
        """The order stands; its answer is late, or never arrives."""
        placing, self.placing = self.placing, {}
        await asyncio.sleep(placing.get("late_s", 0))
        if placing.get("lost") and request.transport is not None:
            request.transport.abort()

    def _api(self, method: str, name: str, given: dict[str, str]) -> Any:
        now = int(time.time() * 1000)
        if name == "order":
            return self._order(method, given, now)
        answers: dict[str, Any] = {
            "exchangeInfo": {"timezone": "UTC", "serverTime": now, "symbols": [SYMBOL], "rateLimits": []},
            "time": {"serverTime": now},
            "ping": {},
            "account": self._account(now),
            "openOrders": [
                one for one in self.orders.values() if one["status"] in ("NEW", "PARTIALLY_FILLED")
            ],
            "allOrders": list(self.orders.values()),
            "myTrades": self._fills(given),
            "depth": {"lastUpdateId": 1, "bids": [[PRICE, "50"]], "asks": [["100.01", "50"]]},
            "bookTicker": {
                "symbol": "ETHUSDT",
                "bidPrice": PRICE,
                "bidQty": "50",
                "askPrice": "100.01",
                "askQty": "50",
            },
            "klines": [self._candle(now, number) for number in range(500)],
        }
        ticker = {"symbol": "ETHUSDT", "lastPrice": PRICE, "closeTime": now, "openTime": now - 86_400_000,
                  "bidPrice": PRICE, "askPrice": "100.01", "quoteVolume": "1000000", "volume": "10000"}  # fmt: skip
        if name in ("24hr", "price"):
            return ticker if "symbol" in given else [ticker]
        return answers.get(name, [])

    def _fills(self, given: dict[str, str]) -> list[dict[str, Any]]:
        """One for each order, with its fee: what freqtrade asks for once, and not again."""
        return [
            {
                "symbol": "ETHUSDT", "id": one["orderId"] * 10, "orderId": one["orderId"], "price": PRICE,
                "qty": one["executedQty"], "quoteQty": one["cummulativeQuoteQty"], "commission": "0.03",
                "commissionAsset": "USDT", "time": one["time"], "isBuyer": True, "isMaker": True, "isBestMatch": True,
            }
            for one in self.orders.values()
            if float(one["executedQty"]) and given.get("orderId", str(one["orderId"])) == str(one["orderId"])
        ]  # fmt: skip

    def _candle(self, now: int, number: int) -> list[Any]:
        begun = (now // 300_000 - 499 + number) * 300_000
        return [begun, PRICE, PRICE, PRICE, PRICE, "10", begun + 299_999, "1000", 5, "5", "500", "0"]

    def _account(self, now: int) -> dict[str, Any]:
        sign = {"BUY": 1, "SELL": -1}
        bought = sum(sign[one["side"]] * float(one["executedQty"]) for one in self.orders.values())
        free = [("USDT", "10000"), ("ETH", f"{bought:.3f}")]
        balances = [{"asset": asset, "free": qty, "locked": "0"} for asset, qty in free]
        return {
            "makerCommission": 10,
            "takerCommission": 10,
            "balances": balances,
            "updateTime": now,
            "canTrade": True,
        }

    def _order(self, method: str, given: dict[str, str], now: int) -> Any:
        if method == "POST":
            number, self.next_id = self.next_id, self.next_id + 1
            self.orders[number] = {
                "symbol": "ETHUSDT", "orderId": number, "orderListId": -1,
                "clientOrderId": given.get("newClientOrderId", ""),
                "price": given.get("price", "0"), "origQty": given["quantity"], "executedQty": "0.000",
                "cummulativeQuoteQty": "0", "status": "NEW", "timeInForce": "GTC", "type": given["type"],
                "side": given["side"], "stopPrice": given.get("stopPrice", "0"), "time": now, "updateTime": now,
                "transactTime": now, "isWorking": True, "fills": [],
            }  # fmt: skip
            return self.orders[number]
        found = self.orders[int(given["orderId"])]
        if method == "DELETE" and found["status"] in ("NEW", "PARTIALLY_FILLED"):
            found["status"] = "CANCELED"
        return found


def main() -> None:
    web.run_app(Exchange().app(), host="127.0.0.1", port=int(sys.argv[1]), print=None)


if __name__ == "__main__":
    main()
