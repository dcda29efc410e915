"""What the checkers share: a violation, a profile's books, and plain arithmetic of their own in exact fractions.

Decides which rows and market orders belong together. It shares no code with the core or the ledgers, so that one
mistake cannot be made twice.
"""

from collections import defaultdict
from collections.abc import Iterable
from fractions import Fraction
from functools import cached_property, lru_cache

from msgspec import Struct

from trueup.model.snapshot import Fill, Local, LocalOrder, Trade
from trueup.model.vocabulary import Status
from trueup.sim.market.market import Market
from trueup.sim.market.orders import MarketOrder

ENDED = frozenset({"filled", "canceled", "expired", "rejected", "replaced"})


class Violation(Struct, frozen=True, order=True):
    """An invariant that does not hold, of what, and how."""

    invariant: str
    subject: str
    message: str


class RowIndex:
    """A profile's rows by their ids, as the market writes them."""

    def __init__(self, local: Local) -> None:
        self._by_client_id = {one.client_order_id: one for one in reversed(local.orders)}
        self._by_venue_id = {plain_id(one.venue_order_id or ""): one for one in reversed(local.orders)}
        self.previous_ids = {
            plain_id(before) for one in local.orders for before in one.previous_venue_order_ids
        }
        self._by_trade: dict[str | None, list[LocalOrder]] = defaultdict(list)
        for order in local.orders:
            self._by_trade[order.trade_id].append(order)
        self._fills: dict[tuple[str | None, str | None], list[Fill]] = defaultdict(list)
        for fill in local.fills:
            if fill.qty == "0":
                continue
            if fill.venue_order_id is not None:
                self._fills[plain_id(fill.venue_order_id), None].append(fill)
            else:
                self._fills[None, fill.client_order_id].append(fill)

    def row_of(self, venue_order_id: str, client_order_id: str | None) -> LocalOrder | None:
        by_venue_id = self._by_venue_id.get(venue_order_id)
        if by_venue_id is not None or client_order_id is None:
            return by_venue_id
        return self._by_client_id.get(client_order_id)

    def of_trade(self, trade: Trade) -> list[LocalOrder]:
        return self._by_trade.get(trade.trade_id, [])

    def fills_of(self, order: LocalOrder) -> list[Fill]:
        ids = {plain_id(one) for one in (order.venue_order_id, *order.previous_venue_order_ids) if one}
        keys = [*((one, None) for one in ids), (None, order.client_order_id)]
        return [fill for key in keys for fill in self._fills.get(key, ())]


class ProfileBooks(Struct, frozen=True, kw_only=True, dict=True):
    """One profile's books as they stand."""

    profile_id: str
    account_id: str
    local: Local

    @cached_property
    def rows(self) -> RowIndex:
        return RowIndex(self.local)


def truth_of(market: Market, books: ProfileBooks, order: LocalOrder) -> MarketOrder | None:
    """The market's order of a local one: by its venue order id, else by its client order id."""
    if order.venue_order_id is not None:
        return market.truth_order(books.account_id, plain_id(order.venue_order_id))
    return market.truth_by_client_id(books.account_id, order.client_order_id or "")


def name_of(order: LocalOrder) -> str:
    return f"{order.client_order_id} {order.venue_order_id}"


@lru_cache(maxsize=65_536)
def plain_id(venue_order_id: str) -> str:
    """As the market writes it, however a read spelled it."""
    return venue_order_id.strip().upper()


def number(number_text: str | None) -> Fraction | None:
    return None if number_text is None else exact(number_text)


@lru_cache(maxsize=65_536)
def exact(number_text: str) -> Fraction:
    return Fraction(number_text)


@lru_cache(maxsize=65_536)
def _steps(steps: int, decimals: int) -> Fraction:
    return Fraction(steps, 10**decimals)


def units(truth: MarketOrder, steps: int) -> Fraction:
    return _steps(steps, truth.instrument.qty_decimals)


def sum_qty(fills: Iterable[Fill]) -> Fraction:
    return sum((exact(fill.qty) for fill in fills), Fraction(0))


def figures(fill: Fill) -> tuple[Fraction | None, Fraction | None]:
    return number(fill.qty), number(fill.price)


def plain_status(status: Status) -> str:
    """A partially filled order that is being canceled may be called either."""
    return "live" if status.value not in ENDED else status.value


def row_key(order: LocalOrder) -> tuple[str, str]:
    return plain_id(order.venue_order_id or ""), order.client_order_id or ""


def by_client_id(local: Local, order: LocalOrder) -> LocalOrder | None:
    if order.venue_order_id is not None or order.client_order_id is None:
        return None
    return next((one for one in local.orders if one.client_order_id == order.client_order_id), None)


def row_of(local: Local, venue_order_id: str | None, client_order_id: str | None) -> LocalOrder | None:
    for order in local.orders:
        if venue_order_id is not None and plain_id(order.venue_order_id or "") == plain_id(venue_order_id):
            return order
    for order in local.orders:
        if client_order_id is not None and order.client_order_id == client_order_id:
            return order
    return None
