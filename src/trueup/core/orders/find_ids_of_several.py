"""Finds the venue order ids that orders of several instruments have: at some exchanges each counts by itself.

Two rows with one id and different symbols are two orders where they stand on one side, where their client order ids
differ, or where the venue was asked about one of the instruments and answered. Else it cannot be told whether the books
have the symbol wrong: that is an `identity_conflict`, about which the venue is asked.
"""

from trueup.core.draft.draft import Draft
from trueup.core.orders.judgement import Judgement
from trueup.model.ids import are_apart, known_client_id, known_id, normal_id
from trueup.model.reasons import Reason
from trueup.model.snapshot import Fill, LocalOrder, VenueAnswer, VenueOrder
from trueup.model.vocabulary import Outcome, QueryBy


def find_ids_of_several(draft: Draft) -> None:
    """Note those that show before anything is compared: in the venue's records, and among local orders."""
    draft.ids_of_several |= draft.venue.ids_of_several
    if draft.index_by_venue_id:  # building that index has found the numbers that two local orders have
        draft.ids_of_several |= draft.venue_ids_twice
    for order in draft.bound_before:
        _find_previous(draft, order)
    for venue_id, order in draft.out_of_scope.items():
        _find_out_of_scope(draft, venue_id, order)
    for record in draft.venue.linked:
        _find_kin(draft, record)
    for answer in draft.snapshot.venue.answers:
        if answer.symbol is not None and answer.by is QueryBy.VENUE_ORDER_ID:
            _find_answered(draft, answer, answer.symbol)


def _find_previous(draft: Draft, order: LocalOrder) -> None:
    """What replaced an order is of its instrument: who has its former id in another one is another order."""
    for venue_id in map(normal_id, order.previous_venue_order_ids):
        index = draft.local_index(venue_id)
        others = (draft.venue.by_id.get(venue_id), None if index is None else draft.orders[index])
        if any(one is not None and are_apart(one.symbol, order.symbol) for one in others):
            draft.ids_of_several.add(venue_id)


def _find_kin(draft: Draft, record: VenueOrder) -> None:
    """A parent or predecessor is of the same instrument: who has its id in another one is not meant.

    A predecessor whose record was read is no predecessor where it contradicts (`link_replacements`).
    """
    parent_id, before_id = known_id(record.parent_venue_order_id), known_id(record.replaces)
    if parent_id is not None and _is_of_another(draft, parent_id, record):
        draft.ids_of_several.add(parent_id)
    if before_id is None or before_id in draft.venue.by_id:
        return
    if _is_of_another(draft, before_id, record):
        draft.ids_of_several.add(before_id)


def _is_of_another(draft: Draft, venue_id: str, record: VenueOrder) -> bool:
    """Whether who has this id, here or at the venue, is of another instrument than the record."""
    index = draft.local_index(venue_id)
    holders = (draft.venue.by_id.get(venue_id), None if index is None else draft.orders[index])
    return any(one is not None and are_apart(one.symbol, record.symbol) for one in holders)


def _find_out_of_scope(draft: Draft, venue_id: str, order: LocalOrder) -> None:
    record, index = draft.venue.by_id.get(venue_id), draft.local_index(venue_id)
    if index is not None or (record is not None and are_two_orders(order, record)):
        draft.ids_of_several.add(venue_id)


def _find_answered(draft: Draft, answer: VenueAnswer, symbol: str) -> None:
    """The venue knows, or does not know, this instrument's order; who has the id is another instrument's."""
    venue_id = normal_id(answer.id)
    if answer.order is not None and are_apart(answer.order.symbol, symbol):
        return  # it knows one order of this id, whatever the instrument
    if answer.outcome is Outcome.UNKNOWN:
        return
    index = draft.local_index(venue_id)
    holders = (draft.venue.by_id.get(venue_id), None if index is None else draft.orders[index])
    if any(one is not None and are_apart(one.symbol, symbol) for one in holders):
        draft.ids_of_several.add(venue_id)


def is_of_several(draft: Draft, order: LocalOrder, record: VenueOrder) -> bool:
    """Whether a matched pair that contradicts itself is two orders of two instruments."""
    if not are_apart(order.symbol, record.symbol):
        return False
    return are_two_orders(order, record) or known_id(order.venue_order_id) in draft.venue_ids_twice


def are_two_orders(one: LocalOrder | VenueOrder, other: VenueOrder | Fill) -> bool:
    """Of different instruments, with client order ids that differ, too."""
    client_ids = (known_client_id(one.client_order_id), known_client_id(other.client_order_id))
    return are_apart(one.symbol, other.symbol) and None not in client_ids and client_ids[0] != client_ids[1]


def ask_whether_several(
    judgement: Judgement, venue_order_id: str | None, symbol: str | None, other: str | None
) -> None:
    """Ask whether this symbol's instrument has an order of this id, where another one's is known to."""
    if venue_order_id is None or symbol is None or not are_apart(symbol, other):
        return
    for answer in judgement.draft.snapshot.venue.answers:
        is_of_id = answer.by is QueryBy.VENUE_ORDER_ID and normal_id(answer.id) == normal_id(venue_order_id)
        if is_of_id and answer.symbol is not None and not are_apart(answer.symbol, symbol):
            return
    judgement.ask(Reason.SYMBOL_OR_SIDE_CONTRADICTS, order_id=venue_order_id, of_symbol=symbol)
