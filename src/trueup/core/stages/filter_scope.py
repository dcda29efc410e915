"""First stage: what this run may judge. Not orders of instruments that are not managed.

An order without a symbol stays.
"""

from trueup.core.draft.facts import Facts
from trueup.core.draft.local_side import LocalSide, record_key
from trueup.core.draft.outcome import RunOutcome
from trueup.core.draft.venue_side import VenueSide
from trueup.model.facts_of import facts_of
from trueup.model.ids import are_apart, known_client_id, known_id
from trueup.model.snapshot import LocalOrder
from trueup.model.vocabulary import Outcome


def filter_scope(facts: Facts, local: LocalSide, venue: VenueSide, outcome: RunOutcome) -> None:
    """Narrow both sides to the scope and count what was dropped of the local and the open-order lists."""
    found = _found_orders(facts, local, outcome)
    if found:
        local.orders = local.original_orders = [*local.orders, *found]
    if facts.managed_tokens is None:
        return
    orders = [order for order in local.orders if facts.in_scope(order.symbol)]
    rows = [row for row in venue.open_rows if facts.in_scope(row.symbol)]
    outside = {record_key(row) for row in venue.open_rows if not facts.in_scope(row.symbol)}
    dropped = len(local.orders) - len(orders) + len(outside)
    for order in local.orders:
        if not facts.in_scope(order.symbol):
            local.know_out_of_scope(order)
    local.orders = local.original_orders = orders
    venue.open_rows = rows
    outcome.count("out_of_scope", dropped)


def _found_orders(facts: Facts, local: LocalSide, outcome: RunOutcome) -> list[LocalOrder]:
    """Orders that answers to local queries brought, beyond those the snapshot lists (under any id they have or had)."""
    found: dict[bytes, LocalOrder] = {}
    for answer in facts.snapshot.local.answers:
        if answer.outcome is Outcome.FOUND and answer.order is not None:
            found.setdefault(facts_of(answer.order), answer.order)
    if not found:
        return []
    listed = {one: order.symbol for order in local.orders for one in _ids(order)}
    beyond: list[LocalOrder] = []
    for _, order in sorted(found.items()):
        ids = _ids(order)
        outcome.ids_of_several.update(
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
