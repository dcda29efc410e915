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

TRANSFER = (
    "transfer"  # the type of orders by which a person moves a part of a trade: the venue has none of them
)
ENDED = frozenset({"filled", "canceled", "expired", "rejected", "replaced"})


class Violation(Struct, frozen=True, order=True):
    """An invariant that does not hold, of what, and how."""

    invariant: str
    subject: str
    message: str


OrderKey = tuple[str, str]  # what tells an order from others in its account: instrument, venue order id


class RowIndex:
    """A profile's rows by their ids, as the market writes them."""

    def __init__(self, local: Local) -> None:
        rows = local.orders[::-1]
        self._unbound = {(one.client_order_id, one.side): one for one in rows if one.venue_order_id is None}
        self._by_key = {key_of(one.symbol, one.venue_order_id): one for one in rows if one.venue_order_id}
        self.previous = {
            key_of(one.symbol, before) for one in rows for before in one.previous_venue_order_ids
        }
        self._by_trade: dict[str | None, list[LocalOrder]] = defaultdict(list)
        for order in local.orders:
            self._by_trade[order.trade_id].append(order)
        self._fills: dict[tuple[OrderKey | None, str | None], list[Fill]] = defaultdict(list)
        for fill in local.fills:
            if fill.qty == "0":
                continue
            if fill.venue_order_id is not None:
                self._fills[key_of(fill.symbol, fill.venue_order_id), None].append(fill)
            else:
                self._fills[None, fill.client_order_id].append(fill)

    def row_of(self, truth: MarketOrder) -> LocalOrder | None:
        """By its venue order id; else a row that has none yet, by the client order id and the side."""
        bound = self._by_key.get(key_of(truth.symbol, truth.venue_order_id))
        if bound is not None or truth.client_order_id is None:
            return bound
        return self._unbound.get((truth.client_order_id, truth.side))

    def of_trade(self, trade: Trade) -> list[LocalOrder]:
        return self._by_trade.get(trade.trade_id, [])

    def fills_of(self, order: LocalOrder) -> list[Fill]:
        keys: list[tuple[OrderKey | None, str | None]] = [(one, None) for one in keys_of(order)]
        return [fill for key in (*keys, (None, order.client_order_id)) for fill in self._fills.get(key, ())]


class ProfileBooks(Struct, frozen=True, kw_only=True, dict=True):
    """One profile's books as they stand."""

    profile_id: str
    account_id: str
    local: Local
    by_people: frozenset[str] = frozenset()  # ids of orders that people corrected
    closed_by_people: frozenset[str] = frozenset()  # ids of trades: what those hold is not held

    @cached_property
    def rows(self) -> RowIndex:
        return RowIndex(self.local)


def truth_of(market: Market, books: ProfileBooks, order: LocalOrder) -> MarketOrder | None:
    """The market's order of a local one: by its venue order id, else by its client order id."""
    if order.venue_order_id is not None:
        return market.truth_order(books.account_id, plain_id(order.venue_order_id), order.symbol)
    return market.truth_by_client_id(books.account_id, order.client_order_id or "")


def is_beyond_telling(market: Market, books: ProfileBooks, truth: MarketOrder) -> bool:
    """Whether nothing but a shared client order id says whose and which order it is: it is named, not guessed.

    A row without a venue order id is found by its terms where no other order has these: not by its notional. The legs
    of such an order wait with it.
    """
    if truth.client_order_id is None or not market.is_tag(truth.account_id, truth.client_order_id):
        return False
    first = truth.parent or truth
    row = books.rows.row_of(first)
    return row is None or (row.venue_order_id is None and first.request.by_notional)


def name_of(order: LocalOrder) -> str:
    return f"{order.client_order_id} {order.venue_order_id}"


@lru_cache(maxsize=4_096)
def token(symbol: str | None) -> str:
    """An instrument however it is spelled: positions say BTCUSD, orders BTC/USD."""
    return "".join(letter for letter in (symbol or "").lower() if letter.isalnum())


@lru_cache(maxsize=65_536)
def plain_id(venue_order_id: str) -> str:
    """As the market writes it, however a read spelled it."""
    return venue_order_id.strip().upper()


def key_of(symbol: str | None, venue_order_id: str | None) -> OrderKey:
    """A number alone names an order of each instrument that counts its own."""
    return symbol or "", plain_id(venue_order_id or "")


def keys_of(order: LocalOrder) -> set[OrderKey]:
    """The keys that it has, and had before it was replaced."""
    return {
        key_of(order.symbol, one) for one in (order.venue_order_id, *order.previous_venue_order_ids) if one
    }


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


def row_key(order: LocalOrder) -> tuple[OrderKey, str]:
    return key_of(order.symbol, order.venue_order_id), order.client_order_id or ""


def by_client_id(local: Local, order: LocalOrder) -> LocalOrder | None:
    if order.venue_order_id is not None or order.client_order_id is None:
        return None
    return next((one for one in local.orders if one.client_order_id == order.client_order_id), None)


def row_of(
    local: Local, symbol: str | None, venue_order_id: str | None, client_order_id: str | None
) -> LocalOrder | None:
    for order in local.orders:
        if venue_order_id and key_of(order.symbol, order.venue_order_id) == key_of(symbol, venue_order_id):
            return order
    for order in local.orders:
        if client_order_id is not None and order.client_order_id == client_order_id:
            return order
    return None
