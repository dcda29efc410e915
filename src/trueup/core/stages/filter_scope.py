"""First stage: what this run may judge. Not the rows of a read that failed, nor orders of instruments not managed.

An order without a symbol stays.
"""

from msgspec.structs import replace

from trueup.core.draft.draft import Draft, record_key
from trueup.model.facts_of import facts_of
from trueup.model.ids import are_apart, known_client_id, known_id
from trueup.model.snapshot import LocalAnswer, LocalOrder, Snapshot
from trueup.model.vocabulary import Outcome, ReadState


def filter_scope(draft: Draft) -> None:
    """Narrow both sides to the scope and count what was dropped of the local and the open-order lists."""
    draft.snapshot = _without_failed_rows(draft.snapshot)
    local, venue = draft.snapshot.local, draft.snapshot.venue
    draft.open_rows = venue.open_orders.rows
    draft.trades = {known_id(trade.trade_id) or "": trade for trade in local.trades}
    found = _found_orders(draft, local.answers, local.orders)
    if found:
        draft.orders = draft.original_orders = [*local.orders, *found]
    if draft.managed_tokens is None:
        return
    orders = [order for order in draft.orders if draft.in_scope(order.symbol)]
    rows = [row for row in venue.open_orders.rows if draft.in_scope(row.symbol)]
    outside = {record_key(row) for row in venue.open_orders.rows if not draft.in_scope(row.symbol)}
    dropped = len(draft.orders) - len(orders) + len(outside)
    for order in draft.orders:
        if not draft.in_scope(order.symbol):
            draft.know_out_of_scope(order)
    draft.orders = draft.original_orders = orders
    draft.open_rows = rows
    draft.count("out_of_scope", dropped)


def _without_failed_rows(snapshot: Snapshot) -> Snapshot:
    """The snapshot without the rows of reads that failed: nothing follows from them, whoever left them there."""
    venue, failed = snapshot.venue, ReadState.FAILED
    opened, history, positions = venue.open_orders, venue.history, venue.positions
    if opened.state is failed and opened.rows:
        venue = replace(venue, open_orders=replace(opened, rows=[]))
    if history.state is failed and (history.orders or history.fills):
        venue = replace(venue, history=replace(history, orders=[], fills=[]))
    if positions.state is failed and positions.rows:
        venue = replace(venue, positions=replace(positions, rows=[]))
    return snapshot if venue is snapshot.venue else replace(snapshot, venue=venue)


def _found_orders(draft: Draft, answers: list[LocalAnswer], orders: list[LocalOrder]) -> list[LocalOrder]:
    """Orders that answers to local queries brought, beyond those the snapshot lists (under any id they have or had)."""
    found: dict[bytes, LocalOrder] = {}
    for answer in answers:
        if answer.outcome is Outcome.FOUND and answer.order is not None:
            found.setdefault(facts_of(answer.order), answer.order)
    if not found:
        return []
    listed = {one: order.symbol for order in orders for one in _ids(order)}
    beyond: list[LocalOrder] = []
    for _, order in sorted(found.items()):
        ids = _ids(order)
        draft.ids_of_several.update(
            raw for kind, raw in ids if kind == "venue" and are_apart(listed.get((kind, raw)), order.symbol)
        )
        if listed.keys().isdisjoint(ids):
            listed |= dict.fromkeys(ids, order.symbol)
            beyond.append(order)
    return beyond


def _ids(order: LocalOrder) -> list[tuple[str, str]]:
    venue_ids = (known_id(order.venue_order_id), *map(known_id, order.previous_venue_order_ids))
    client_id = known_client_id(order.client_order_id)
    named = [("venue", one) for one in venue_ids if one is not None]
    return [*named, ("client", client_id)] if client_id is not None else named
