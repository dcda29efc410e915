"""What a triggered stop placed is the stop's own order for books that keep both as one row (`local.stops_keep_id`).

At some exchanges a stop ends when it triggers, and the order that it places has an id of its own: the venue has two
orders, the second of which replaces the first. freqtrade goes on in the stop's row, under the stop's id. So the second
one's record and fills are read under the first one's id before anything is judged; one that was not read is asked for.
"""

from collections.abc import Callable, Iterable

from msgspec.structs import replace

from trueup.model.ids import are_apart, known_id
from trueup.model.snapshot import Fill, LocalOrder, Snapshot, VenueAnswer, VenueOrder


def as_one_order(snapshot: Snapshot) -> Snapshot:
    """The snapshot without what the books' stops placed; the stops have it instead."""
    if not snapshot.local.stops_keep_id:
        return snapshot
    venue = snapshot.venue
    answered = [one.order for one in venue.answers if one.order is not None]
    records = [*venue.history.orders, *answered, *venue.open_orders.rows]
    stops = {known_id(one.venue_order_id): one for one in snapshot.local.orders}
    child_of = _children(stops, records)
    if not child_of:
        return snapshot
    parent_of = {child: stop for stop, child in child_of.items()}
    newest = {known_id(one.venue_order_id): one for one in records}

    def told(one: VenueOrder) -> VenueOrder | None:
        """Null: it is told under the stop's id."""
        own = known_id(one.venue_order_id)
        if own in parent_of and not are_apart(stops[parent_of[own]].symbol, one.symbol):
            return None
        child = newest.get(child_of.get(own or ""))
        return one if child is None or one.replaced_by is None else _under(one, child)

    def all_told(rows: Iterable[VenueOrder]) -> list[VenueOrder]:
        return [one for one in map(told, rows) if one is not None]

    present = {known_id(one.venue_order_id) for one in records}
    alone = [
        _under(replace(newest[child], venue_order_id=stops[stop].venue_order_id), newest[child])
        for stop, child in child_of.items()
        if stop not in present
    ]
    history = replace(
        venue.history,
        orders=[*all_told(venue.history.orders), *alone],
        fills=[_fill(one, parent_of, stops) for one in venue.history.fills],
    )
    opened = replace(venue.open_orders, rows=all_told(venue.open_orders.rows))
    answers = [one for one in (_answer(each, told) for each in venue.answers) if one is not None]
    return replace(snapshot, venue=replace(venue, history=history, open_orders=opened, answers=answers))


def _children(stops: dict[str | None, LocalOrder], records: Iterable[VenueOrder]) -> dict[str, str]:
    """What each stop of the books placed, where its record was read: stop's id → its order's id."""
    read = {known_id(one.venue_order_id) for one in records}
    found: dict[str, str] = {}
    for one in records:
        own, next_, before = known_id(one.venue_order_id), known_id(one.replaced_by), known_id(one.replaces)
        if own in stops and own is not None and next_ in read and next_ is not None and next_ not in stops:
            found[own] = next_
        if before in stops and before is not None and own is not None and own not in stops:
            found[before] = own
    return found


def _under(stop: VenueOrder, child: VenueOrder) -> VenueOrder:
    """The child as the stop's own record; what a stop is asked for stays the stop's."""
    return replace(
        child,
        venue_order_id=stop.venue_order_id,
        client_order_id=stop.client_order_id,
        order_type=stop.order_type,
        limit_price=stop.limit_price,
        stop_price=stop.stop_price,
        submitted_at=stop.submitted_at,
        replaces=None,
    )


def _answer(answer: VenueAnswer, told: Callable[[VenueOrder], VenueOrder | None]) -> VenueAnswer | None:
    """Null: it is the child's own, whose record is the stop's now."""
    if answer.order is None:
        return answer
    order = told(answer.order)
    return None if order is None else replace(answer, order=order)


def _fill(fill: Fill, parent_of: dict[str, str], stops: dict[str | None, LocalOrder]) -> Fill:
    stop = stops.get(parent_of.get(known_id(fill.venue_order_id) or ""))
    if stop is None or are_apart(stop.symbol, fill.symbol):
        return fill
    return replace(fill, venue_order_id=stop.venue_order_id, client_order_id=None)
