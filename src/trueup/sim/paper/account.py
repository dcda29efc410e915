"""One account of the simulated market as Alpaca's REST API shows it: orders in, JSON out.

Decides what Alpaca would answer: which orders a listing holds, in which order and how many; what is refused and with
which code. Must not know HTTP, faults or time: every call is about now.
"""

from collections.abc import Callable
from typing import TypeVar

from msgspec import Struct

from trueup.exports.read_texts import read_time
from trueup.model.ids import symbol_token
from trueup.model.times import to_ns
from trueup.sim.market.instruments import MarketInstrument
from trueup.sim.market.market import Market, Refused
from trueup.sim.market.orders import MarketOrder
from trueup.sim.market.records import Event
from trueup.sim.paper.json import (
    Json,
    fill_json,
    order_id,
    order_json,
    paper_id,
    position_json,
    update_json,
)
from trueup.sim.paper.requests import NOT_FOUND, UNPROCESSABLE, Declined, order_request, steps, ticks

ORDERS_LIMIT, ORDERS_LIMIT_MAX = 50, 500  # Alpaca's default and maximum
FILLS_LIMIT_MAX = 100
FOREVER = 1 << 62
T = TypeVar("T")


class OrderQuery(Struct, frozen=True, kw_only=True):
    """The parameters of `GET /v2/orders`."""

    status: str = "open"
    limit: int = ORDERS_LIMIT
    after: str | None = None
    until: str | None = None
    direction: str = "desc"
    nested: bool = False
    symbols: str | None = None
    side: str | None = None


class FillQuery(Struct, frozen=True, kw_only=True):
    """The parameters of `GET /v2/account/activities/FILL`."""

    page_size: int = FILLS_LIMIT_MAX
    page_token: str | None = None
    after: str | None = None
    until: str | None = None
    direction: str = "desc"


class PaperAccount:
    """What the routes of `serve` ask for."""

    def __init__(self, market: Market, account_id: str, placed_by: str = "client") -> None:
        self.account_id = account_id
        self._market = market
        self._placed_by = placed_by
        self._known: dict[str, MarketOrder] = {}  # by the id that clients know
        self._filled: dict[str, int] = {}  # fill id → the order's cumulative steps then

    # Orders

    def place(self, body: Json) -> Json:
        """`POST /v2/orders`. Raises Declined."""
        instrument = self._instrument(body.get("symbol"))
        request = order_request(body, instrument, self._client_id(body))
        order = _accepted(lambda: self._market.submit(self.account_id, request, self._placed_by))
        return order_json(order, nested=True)

    def replace(self, known_id: str, body: Json) -> Json:
        """`PATCH /v2/orders/{id}`: the order that takes the place of this one. Raises Declined."""
        order = self._order(known_id)
        instrument, limit = order.instrument, order.request.limit
        if "limit_price" in body:
            limit = ticks(body, "limit_price", instrument)
        if limit is None or "stop_price" in body or "trail" in body:
            raise Declined(422, UNPROCESSABLE, "the simulated venue replaces limit orders only")
        qty = steps(body, instrument) if "qty" in body else order.qty
        successor = _accepted(
            lambda: self._market.replace(
                self.account_id, order.venue_order_id, self._client_id(body), qty=qty, limit=limit
            )
        )
        return order_json(successor)

    def cancel(self, known_id: str) -> None:
        """`DELETE /v2/orders/{id}`. Raises Declined."""
        order = self._order(known_id)
        _accepted(lambda: self._market.cancel(self.account_id, order.venue_order_id))

    def cancel_all(self) -> list[Json]:
        """`DELETE /v2/orders`."""
        live = [order for order in self._market.live_orders(self.account_id) if order.parent is None]
        for order in live:
            self.cancel(paper_id("order", order.venue_order_id))
        return [{"id": order_id(order), "status": 200} for order in live]

    def find(self, known_id: str, *, nested: bool = False) -> Json:
        return order_json(self._order(known_id), nested=nested)

    def find_by_client_id(self, client_order_id: str) -> Json:
        order = self._market.truth_by_client_id(self.account_id, client_order_id)
        if order is None:
            raise Declined(404, NOT_FOUND, f"order not found for {client_order_id}")
        return order_json(order)

    def list_orders(self, query: OrderQuery) -> list[Json]:
        """By submission; `after` and `until` exclude their own instant."""
        if not 1 <= query.limit <= ORDERS_LIMIT_MAX:
            raise Declined(422, UNPROCESSABLE, f"limit must be from 1 to {ORDERS_LIMIT_MAX}")
        after, until = _range(query.after, query.until)
        symbols = {symbol_token(one) for one in query.symbols.split(",")} if query.symbols else None
        rows = [
            order
            for order in self._market.truth_orders(self.account_id)
            if after < order.submitted_ns < until
            and _is_listed(order, query)
            and (symbols is None or symbol_token(order.symbol) in symbols)
            and query.side in (None, order.side.value)
        ]
        if query.direction == "desc":
            rows.reverse()
        return [order_json(order, nested=query.nested) for order in rows[: query.limit]]

    # What the account holds

    def account(self) -> Json:
        return {
            "id": paper_id("account", self.account_id),
            "account_number": f"SIM-{self.account_id}",
            "status": "ACTIVE",
            "currency": "USD",
            "cash": "1000000",
            "buying_power": "1000000",
            "portfolio_value": "1000000",
            "equity": "1000000",
            "multiplier": "1",
            "pattern_day_trader": False,
            "trading_blocked": False,
            "account_blocked": False,
            "shorting_enabled": True,
            "created_at": "2026-01-01T00:00:00Z",
        }

    def positions(self) -> list[Json]:
        """Those that are not flat."""
        market, rows = self._market, []
        for symbol, instrument in market.instruments.items():
            parts = market.truth_position(self.account_id, symbol)
            fills = [fill for fill in market.truth_fills(self.account_id) if fill.order.symbol == symbol]
            if parts:
                rows.append(position_json(instrument, parts, fills, market.prices[symbol]))
        return rows

    def list_fills(self, query: FillQuery) -> list[Json]:
        """By execution; a page begins after the row that `page_token` names."""
        if not 1 <= query.page_size <= FILLS_LIMIT_MAX:
            raise Declined(422, UNPROCESSABLE, f"page_size must be from 1 to {FILLS_LIMIT_MAX}")
        after, until = _range(query.after, query.until)
        self._count_fills()
        rows = [
            fill_json(fill, self.account_id, self._filled[fill.fill_id])
            for fill in self._market.truth_fills(self.account_id)
            if after < fill.filled_ns < until
        ]
        if query.direction == "desc":
            rows.reverse()
        ids = [row["id"] for row in rows]
        start = ids.index(query.page_token) + 1 if query.page_token in ids else 0
        return rows[start : start + query.page_size]

    def update(self, event: Event) -> Json | None:
        """The frame by which the stream tells an event; null where it tells nothing of it."""
        self._count_fills()
        return update_json(event, self._filled[event.fill.fill_id] if event.fill is not None else 0)

    # Inside

    def _order(self, known_id: str) -> MarketOrder:
        if known_id not in self._known:
            orders = self._market.truth_orders(self.account_id)
            self._known |= {order_id(order): order for order in orders[len(self._known) :]}
        order = self._known.get(known_id)
        if order is None:
            raise Declined(404, NOT_FOUND, f"order not found for {known_id}")
        return order

    def _instrument(self, symbol: object) -> MarketInstrument:
        for known, instrument in self._market.instruments.items():
            if symbol_token(known) == symbol_token(str(symbol or "")):
                return instrument
        raise Declined(422, UNPROCESSABLE, f"asset {symbol!r} not found")

    def _client_id(self, body: Json) -> str:
        orders = len(self._market.truth_orders(self.account_id))
        return str(body.get("client_order_id") or paper_id("client", f"{self.account_id}/{orders}"))

    def _count_fills(self) -> None:
        """The cumulative quantity of each order as of each fill, counted once."""
        by_order: dict[str, int] = {}
        fills = self._market.truth_fills(self.account_id)
        if len(fills) == len(self._filled):
            return
        for fill in fills:
            number = fill.order.venue_order_id
            by_order[number] = by_order.get(number, 0) + fill.qty
            self._filled[fill.fill_id] = by_order[number]


def _is_listed(order: MarketOrder, query: OrderQuery) -> bool:
    """Alpaca's flat list of open orders hides held legs, its nested one hides the legs of a parent that has ended."""
    if query.nested and order.parent is not None:
        return False
    if query.status == "open":
        return order.is_live and (query.nested or order.parent is None or not order.held)
    return query.status == "all" or not order.is_live


def _range(after: str | None, until: str | None) -> tuple[int, int]:
    try:
        return (
            to_ns(read_time(after, assume_utc=True)) if after else -1,
            to_ns(read_time(until, assume_utc=True)) if until else FOREVER,
        )
    except ValueError as error:
        raise Declined(422, UNPROCESSABLE, str(error)) from error


def _accepted(call: Callable[[], T]) -> T:
    try:
        return call()
    except Refused as error:
        raise Declined(422, UNPROCESSABLE, str(error)) from error
