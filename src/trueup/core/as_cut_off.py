"""What a bot's books cut off is not known to them: where the venue's figure is theirs cut off, the venue's is read.

Some bots store amounts with so many decimal places and drop the rest (`local.decimals`): what differs less than one
unit of the last place says nothing. So those figures are taken for the venue's before anything is judged, and a
difference beyond them is judged as ever.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from msgspec.structs import replace

from trueup.model.ids import known_client_id, known_id, normal_id
from trueup.model.money import amount, cut_off, divide
from trueup.model.snapshot import Fill, LocalOrder, Snapshot, VenueOrder

_TERMS = ("qty", "limit_price", "stop_price")


def as_cut_off(snapshot: Snapshot) -> Snapshot:
    """The snapshot with the venue's figures where the books have them cut off."""
    local, venue = snapshot.local, snapshot.venue
    if local.decimals is None:
        return snapshot
    unit = Decimal(1).scaleb(-local.decimals)
    answered = [one.order for one in venue.answers if one.order is not None]
    records = [*venue.history.orders, *answered, *venue.open_orders.rows]
    by_id = {known_id(one.venue_order_id): one for one in records}
    by_client = {known_client_id(one.client_order_id): one for one in records}
    told = {_identity(one): one for one in venue.history.fills}
    fills = [_fill(one, told.get(_identity(one)), unit) for one in local.fills]
    counts = _counts(local.fills)
    orders = [
        _order(one, record, unit, counts.get(known_id(one.venue_order_id), 1))
        if (record := _record_of(one, by_id, by_client)) is not None
        else one
        for one in local.orders
    ]
    return replace(snapshot, local=replace(local, orders=orders, fills=fills))


def _record_of(
    order: LocalOrder, by_id: dict[str | None, VenueOrder], by_client: dict[str | None, VenueOrder]
) -> VenueOrder | None:
    venue_id, client_id = known_id(order.venue_order_id), known_client_id(order.client_order_id)
    if venue_id is not None:
        return by_id.get(venue_id)
    return None if client_id is None else by_client.get(client_id)


def _identity(fill: Fill) -> tuple[str | None, str]:
    return known_id(fill.venue_order_id), normal_id(fill.fill_id)


def _counts(fills: Iterable[Fill]) -> dict[str | None, int]:
    counts: dict[str | None, int] = {}
    for one in fills:
        counts[known_id(one.venue_order_id)] = counts.get(known_id(one.venue_order_id), 0) + 1
    return counts


def _order(order: LocalOrder, record: VenueOrder, unit: Decimal, fills: int) -> LocalOrder:
    """`fills`: how many rows its quantity is the sum of, each of them cut off."""
    changes = {
        name: getattr(record, name)
        for name in _TERMS
        if _is_cut_off(getattr(order, name), getattr(record, name), unit)
    }
    if _is_within(order.filled_qty, record.filled_qty, unit * fills):
        changes["filled_qty"] = record.filled_qty
        if _is_average(order, record, unit, fills):
            changes["filled_avg_price"] = record.filled_avg_price
    return replace(order, **changes) if changes else order


def _is_average(order: LocalOrder, record: VenueOrder, unit: Decimal, fills: int) -> bool:
    """Each fill's price and quantity may be short of one unit: of the average so much that it is not told apart."""
    if order.filled_avg_price is None or record.filled_avg_price is None or not amount(order.filled_qty):
        return False
    price, filled = amount(record.filled_avg_price), amount(order.filled_qty)
    room = unit + divide(unit * 2 * fills * price, filled)
    return abs(amount(order.filled_avg_price) - price) <= room


def _fill(fill: Fill, told: Fill | None, unit: Decimal) -> Fill:
    if told is None:
        return fill
    names: Sequence[str] = ("qty", "price")
    changes = {
        name: getattr(told, name)
        for name in names
        if _is_cut_off(getattr(fill, name), getattr(told, name), unit)
    }
    return replace(fill, **changes) if changes else fill


def _is_cut_off(ours: str | None, theirs: str | None, unit: Decimal) -> bool:
    if ours is None or theirs is None:
        return False
    return cut_off(amount(theirs), unit) == amount(ours)


def _is_within(ours: str, theirs: str | None, room: Decimal) -> bool:
    return theirs is not None and 0 <= amount(theirs) - amount(ours) < room
