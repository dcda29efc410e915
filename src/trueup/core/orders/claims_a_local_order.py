"""Whether a venue order that nobody here matched may be a row of the books after all: then it is told, not inserted.

A row without a venue order id may be any order that carries its client order id. One that several orders carry (a
user's tag) names none of them: there the row may be each of its instrument and side.
"""

from trueup.core.draft.local_side import LocalSide
from trueup.model.ids import contradict, known_client_id, known_id, normal_id, plain_id
from trueup.model.snapshot import LocalOrder, VenueOrder
from trueup.model.vocabulary import TERMINAL


def claims_a_local_order(local: LocalSide, record: VenueOrder) -> bool:
    """A local row without a venue order id has this client order id, but could not be matched to this order alone."""
    client_id = known_client_id(record.client_order_id)
    if client_id is None:
        return _may_be_a_tagged_row(local, record)
    index = local.index_by_client_id.get(client_id)
    if index is None or local.is_inserted(index):
        return False
    return known_id(local.orders[index].venue_order_id) is None


def _may_be_a_tagged_row(local: LocalSide, record: VenueOrder) -> bool:
    tag = record.client_order_id
    if tag is None or plain_id(tag) == tag:
        return False
    return any(
        _is_unbound(local.orders[index])
        and normal_id(local.orders[index].client_order_id or "") == normal_id(tag)
        for index in range(len(local.original_orders))
        if local.matched[index] is None and not contradict(local.orders[index], record)
    )


def _is_unbound(order: LocalOrder) -> bool:
    return known_id(order.venue_order_id) is None and order.status not in TERMINAL
