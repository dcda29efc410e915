"""The local side: what the books say, by every id, and as the corrections so far leave it.

Orders are named by their index in `orders`. What a later stage reads here is always as the earlier stages left it;
`original_orders` stay those of the snapshot. Only what a judgement commits changes it (`change_order`, `add_orders`,
`set_fill`, `set_trade`), and each change stands in the plan's projection. Which orders the venue has, `matched` says;
what is found of the two sides is the outcome's.
"""

from collections import Counter
from functools import cached_property

from msgspec import Struct, field
from msgspec.structs import replace

from trueup.core.trades.trade_moves import TradeMoves
from trueup.model.facts_of import facts_of
from trueup.model.ids import comparable_ids, known_client_id, known_id, symbol_token
from trueup.model.last_results import LastResults
from trueup.model.snapshot import Fill, LocalOrder, Trade, VenueOrder


class LocalSide(Struct, dict=True):
    """Orders, fills and trades of the books, in scope, and the ids of those out of it."""

    orders: list[LocalOrder]
    original_orders: list[LocalOrder]  # those in scope, as the snapshot has them
    trades: dict[str, Trade]  # by comparable trade id
    results: LastResults = field(default_factory=LastResults)
    fills_of: dict[int, list[Fill]] = {}
    trade_moves: TradeMoves = field(default_factory=TradeMoves)
    # which venue order each is
    matched: list[VenueOrder | None] = []
    rebound: dict[int, VenueOrder] = {}  # orders bound to the record that replaced theirs
    # ids that are taken, though no order of `orders` has them
    known_ids: set[str] = set()  # venue order ids that count as existing: replaced orders had them
    out_of_scope: dict[str, LocalOrder] = {}  # local orders by their venue order ids
    known_client_ids: set[str] = set()  # of local orders out of scope: not free for others
    ids_in_local_fills: set[str] = set()  # named by a local fill, but no local order has them
    venue_ids_twice: frozenset[str] = frozenset()  # of two local orders
    # the projection: what the corrections changed
    changed_orders: dict[int, None] = {}  # of the snapshot's, in the order in which they changed
    changed_fills: dict[tuple[str | None, ...], Fill] = {}
    changed_trades: set[str] = set()
    recent_tokens: set[str] | None = None  # kept by `positions.recent_symbols`
    _indexed: int | None = None  # how many of `orders` stand in the indexes; null: all (`add_orders`)

    # -- by id --------------------------------------------------------------------------------------------------------

    @cached_property
    def trade_keys(self) -> dict[str, list[str]]:
        """Keys of `trades` by their symbol's token; neither changes once the scope is filtered."""
        keys: dict[str, list[str]] = {}
        for key, trade in self.trades.items():
            keys.setdefault(symbol_token(trade.symbol), []).append(key)
        return keys

    @property
    def venue_ids(self) -> list[str | None]:
        """The venue order id of each of the snapshot's, as it is spelled."""
        return self.results.of(_venue_ids, self.original_orders)

    @property
    def index_by_client_id(self) -> dict[str, int]:
        """Local orders by comparable client order id."""
        if self._indexed is not None:
            self._index_added()
        return self._index_by_client_id

    @property
    def index_by_venue_id(self) -> dict[str, int]:
        """Local orders by every comparable venue order id they have or had; a present one wins over a previous one."""
        if self._indexed is not None:
            self._index_added()
        return self._index_by_venue_id

    @cached_property
    def _index_by_client_id(self) -> dict[str, int]:
        found = ((known_client_id(order.client_order_id), index) for index, order in enumerate(self.orders))
        return {client_id: index for client_id, index in found if client_id is not None}

    @cached_property
    def _index_by_venue_id(self) -> dict[str, int]:
        """Of the snapshot's orders, whatever was corrected before somebody asks."""
        orders, index_of = self.original_orders, dict[str, int]()
        bound = [index for index, order in enumerate(orders) if order.previous_venue_order_ids]
        for index in sorted(bound, key=lambda one: facts_of(orders[one])):
            for previous in orders[index].previous_venue_order_ids:
                index_of.setdefault(previous.strip().lower(), index)
        return index_of | self.results.of(_index_ids, self.venue_ids)

    def local_index(self, venue_id: str | None) -> int | None:
        """The local order that has or had this comparable venue order id, or was matched to it."""
        return None if venue_id is None else self.index_by_venue_id.get(venue_id)

    @cached_property
    def bound_before(self) -> list[LocalOrder]:
        """Local orders in scope that had another venue order id before, as the snapshot has them."""
        return self.results.of(_bound_before, self.original_orders)

    def know_out_of_scope(self, order: LocalOrder) -> None:
        """A local order that is not judged still exists: its ids are nobody else's."""
        venue_ids = (known_id(order.venue_order_id), *map(known_id, order.previous_venue_order_ids))
        self.out_of_scope |= {one: order for one in venue_ids if one is not None}
        self.known_ids.update(one for one in venue_ids if one is not None)
        client_id = known_client_id(order.client_order_id)
        if client_id is not None:
            self.known_client_ids.add(client_id)

    def is_others(self, venue_id: str | None, index: int) -> bool:
        """Whether another local order, in scope or not, has or had this comparable venue order id."""
        if venue_id in self.out_of_scope:
            return True
        return self.local_index(venue_id) not in (None, index)

    # -- the venue order of each --------------------------------------------------------------------------------------

    @cached_property
    def _holders(self) -> dict[str, int]:
        """Which local order each venue order was matched to, by the record's key."""
        return {record_key(record): index for index, record in enumerate(self.matched) if record is not None}

    def holder_of(self, record: VenueOrder) -> int | None:
        return self._holders.get(record_key(record))

    def set_holder(self, record: VenueOrder, index: int) -> None:
        self._holders[record_key(record)] = index
        venue_id = known_id(record.venue_order_id)
        if venue_id is not None:
            self.index_by_venue_id.setdefault(venue_id, index)

    # -- what corrections change --------------------------------------------------------------------------------------

    def set_order(self, index: int, order: LocalOrder, *, venue_updated_at: str | None) -> LocalOrder:
        """The order as it now stands; its version rises once, however much of it changed."""
        if not self.is_changed(index):
            version = self.orders[index].version + 1
            order = replace(order, version=version, venue_updated_at=venue_updated_at)
        elif venue_updated_at != order.venue_updated_at:
            order = replace(order, venue_updated_at=venue_updated_at)
        self.change_order(index, order)
        return order

    def change_order(self, index: int, order: LocalOrder) -> None:
        """`set_order` where the order has its new version already."""
        if self.orders is self.original_orders:
            self.orders = list(self.orders)
        if not self.is_inserted(index):
            self.changed_orders[index] = None
        self.orders[index] = order

    def add_order(self, order: LocalOrder) -> int:
        """A new local order (version 1 once written). Returns its index."""
        self.add_orders([order])
        self._index_added()
        return len(self.orders) - 1

    def add_orders(self, orders: list[LocalOrder]) -> None:
        """New local orders, by whose ids nobody looks yet: they are indexed when someone does."""
        if self.orders is self.original_orders:
            self.orders = list(self.orders)
        if self._indexed is None:
            self._indexed = len(self.orders)
        self.orders += orders
        self.matched += [None] * len(orders)

    def _index_added(self) -> None:
        first, self._indexed = self._indexed or 0, None
        for index in range(first, len(self.orders)):
            order = self.orders[index]
            venue_id, client_id = known_id(order.venue_order_id), known_client_id(order.client_order_id)
            if venue_id is not None:
                self._index_by_venue_id[venue_id] = index
            if client_id is not None:
                self._index_by_client_id[client_id] = index

    def is_inserted(self, index: int) -> bool:
        """Whether this plan adds the order."""
        return index >= len(self.original_orders)

    def is_changed(self, index: int) -> bool:
        """Whether this plan changed or adds the order."""
        return index in self.changed_orders or self.is_inserted(index)

    def projected_orders(self) -> list[LocalOrder]:
        """Every order that the corrections so far change, then every one that they add."""
        changed = [self.orders[index] for index in self.changed_orders]
        return changed + self.orders[len(self.original_orders) :]

    def original_version(self, index: int) -> int:
        """The version of the order that the snapshot has (0: none), which is what everything here was judged on."""
        if self.is_inserted(index):
            return 0
        return self.orders[index].version - (1 if index in self.changed_orders else 0)

    def set_fill(self, index: int, fill: Fill) -> None:
        """A fill of the order as it now stands, new or with what is left of its quantity."""
        fills = self.fills_of.setdefault(index, [])
        key = (fill.venue_order_id, fill.client_order_id, fill.fill_id)
        self.fills_of[index] = [
            one for one in fills if (one.venue_order_id, one.client_order_id, one.fill_id) != key
        ] + [fill]
        self.changed_fills[key] = fill

    def add_fill(self, index: int, fill: Fill) -> None:
        """`set_fill` where no fill of the order is known yet."""
        self.fills_of[index] = [fill]
        self.changed_fills[fill.venue_order_id, fill.client_order_id, fill.fill_id] = fill

    def set_trade(self, trade: Trade) -> None:
        """The trade as it now stands; its version rises once."""
        key = known_id(trade.trade_id) or ""
        if key not in self.changed_trades:
            self.changed_trades.add(key)
            trade = replace(trade, version=self.trades[key].version + 1)
        self.trades[key] = trade


def _bound_before(orders: list[LocalOrder]) -> list[LocalOrder]:
    return [order for order in orders if order.previous_venue_order_ids]


def _venue_ids(orders: list[LocalOrder]) -> list[str | None]:
    return [order.venue_order_id for order in orders]


def _index_ids(spelled: list[str | None]) -> dict[str, int]:
    """Where each comparable id stands."""
    ids = comparable_ids(spelled)
    return {one: index for one, index in zip(ids, range(len(ids)), strict=True) if one is not None}


def ids_twice(spelled: list[str | None]) -> frozenset[str]:
    """The comparable ids of which there are several."""
    ids = comparable_ids(spelled)
    if len(set(ids)) == len(ids):
        return frozenset()
    return frozenset(one for one, times in Counter(ids).items() if one is not None and times > 1)


def record_key(record: VenueOrder) -> str:
    """How one venue order is told from the others: its venue order id, else its client order id."""
    return known_id(record.venue_order_id) or f"client {known_client_id(record.client_order_id)}"
