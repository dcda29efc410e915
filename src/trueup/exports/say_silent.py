"""What a bot's file does not say is not zero: it takes the venue's figure, so that nothing is judged of it.

A quantity comes from the bot's own fills where they were given, else from the venue's record of that order, else from
the venue's fills of it; an average price, where the file has no column for one, from the record of the same quantity.
Pure.
"""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal

from msgspec.structs import replace

from trueup.exports.read_orders import LocalRows
from trueup.model.errors import InputError
from trueup.model.ids import known_client_id, known_id
from trueup.model.money import ZERO, add, amount, same, text
from trueup.model.snapshot import Fill, LocalOrder, VenueOrder
from trueup.model.vocabulary import Status


def say_silent(
    local: LocalRows,
    local_fills: Sequence[Fill],
    venue_orders: Sequence[VenueOrder],
    venue_fills: Sequence[Fill],
    *,
    tells_average: bool,
    place: Callable[[int], str],
) -> list[LocalOrder]:
    """The orders, complete. Raises InputError for one that is partly filled and nobody knows by how much."""
    orders = list(local.orders)
    if not local.silent and tells_average:
        return orders
    record_of = _Records(venue_orders)
    own, venues = _sums(local_fills), _sums(venue_fills)
    for index in local.silent:
        order = orders[index]
        record = record_of.find(order)
        filled = own.get(_id(order)) or (record.filled_qty if record is not None else venues.get(_id(order)))
        if not amount(filled) and order.status is Status.PARTIALLY_FILLED:
            raise InputError("partially filled, but no filled quantity", place(index))
        orders[index] = replace(order, filled_qty=filled or "0")
    return orders if tells_average else [_with_average(order, record_of.find(order)) for order in orders]


class _Records:
    """The venue's orders by their ids; a client id that several have names none."""

    def __init__(self, orders: Sequence[VenueOrder]) -> None:
        self._by_id = {known_id(one.venue_order_id): one for one in orders}
        self._by_client_id: dict[str | None, VenueOrder | None] = {}
        for one in orders:
            client_id = known_client_id(one.client_order_id)
            self._by_client_id[client_id] = None if client_id in self._by_client_id else one

    def find(self, order: LocalOrder) -> VenueOrder | None:
        venue_id, client_id = known_id(order.venue_order_id), known_client_id(order.client_order_id)
        if venue_id is not None:
            return self._by_id.get(venue_id)
        return None if client_id is None else self._by_client_id.get(client_id)


def _with_average(order: LocalOrder, record: VenueOrder | None) -> LocalOrder:
    if record is None or order.filled_avg_price is not None or not same(order.filled_qty, record.filled_qty):
        return order
    return replace(order, filled_avg_price=record.filled_avg_price)


def _id(order: LocalOrder | Fill) -> str | None:
    return known_id(order.venue_order_id) or known_client_id(order.client_order_id)


def _sums(fills: Iterable[Fill]) -> dict[str | None, str]:
    sums: dict[str | None, Decimal] = {}
    for fill in fills:
        sums[_id(fill)] = add(sums.get(_id(fill), ZERO), amount(fill.qty))
    return {one: text(total) for one, total in sums.items()}
