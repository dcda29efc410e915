"""Finds the venue order ids that orders of several instruments have: at some exchanges each counts by itself.

Two rows with one id and different symbols are two orders where they stand on one side, where their client order ids
differ, or where the venue was asked about one of the instruments and answered. Else it cannot be told whether the books
have the symbol wrong: that is an `identity_conflict`, about which the venue is asked.
"""

from collections.abc import Sequence

from trueup.core.draft.facts import Facts
from trueup.core.draft.local_side import LocalSide
from trueup.core.draft.outcome import RunOutcome
from trueup.core.draft.venue_side import VenueSide
from trueup.core.orders.judgement import Judgement
from trueup.model.ids import are_apart, known_client_id, known_id, normal_id
from trueup.model.reasons import Reason
from trueup.model.snapshot import Decision, Fill, LocalOrder, VenueAnswer, VenueOrder
from trueup.model.vocabulary import Outcome, QueryBy


def find_ids_of_several(facts: Facts, local: LocalSide, venue: VenueSide, outcome: RunOutcome) -> None:
    """Note those that show before anything is compared: in the venue's records, and among local orders."""
    outcome.ids_of_several |= venue.ids_of_several | local.venue_ids_twice
    for order in local.bound_before:
        _find_previous(local, venue, outcome, order)
    for venue_id, order in local.out_of_scope.items():
        _find_out_of_scope(local, venue, outcome, venue_id, order)
    for record in venue.linked:
        _find_kin(facts, local, venue, outcome, record)
    for answer in facts.snapshot.venue.answers:
        if answer.symbol is not None and answer.by is QueryBy.VENUE_ORDER_ID:
            _find_answered(local, venue, outcome, answer, answer.symbol)
    _find_decided(local, venue, outcome, facts.snapshot.local.decisions)


def _find_previous(local: LocalSide, venue: VenueSide, outcome: RunOutcome, order: LocalOrder) -> None:
    """What replaced an order is of its instrument: who has its former id in another one is another order."""
    for venue_id in map(normal_id, order.previous_venue_order_ids):
        index = local.local_index(venue_id)
        others = (venue.by_id.get(venue_id), None if index is None else local.orders[index])
        if any(one is not None and are_apart(one.symbol, order.symbol) for one in others):
            outcome.ids_of_several.add(venue_id)


def _find_decided(
    local: LocalSide, venue: VenueSide, outcome: RunOutcome, decisions: Sequence[Decision]
) -> None:
    """What a person decided of an order is of its instrument: who has its id in another one is another order."""
    decided: dict[str, str] = {}
    for one in decisions:
        venue_id = known_id(one.venue_order_id)
        if venue_id is None or one.symbol is None:
            continue
        index = local.local_index(venue_id)
        holders = (venue.by_id.get(venue_id), None if index is None else local.orders[index])
        others = (
            decided.setdefault(venue_id, one.symbol),
            *(each.symbol for each in holders if each is not None),
        )
        if any(are_apart(other, one.symbol) for other in others):
            outcome.ids_of_several.add(venue_id)


def _find_kin(
    facts: Facts, local: LocalSide, venue: VenueSide, outcome: RunOutcome, record: VenueOrder
) -> None:
    """A parent, predecessor or successor is of the same instrument: who has its id in another one is not meant.

    A predecessor whose record was read is no predecessor where it contradicts (`link_replacements`).
    """
    parent_id, before_id = known_id(record.parent_venue_order_id), known_id(record.replaces)
    for venue_id in (parent_id, known_id(record.replaced_by)):
        if venue_id is not None and _is_of_another(facts, local, venue, venue_id, record):
            outcome.ids_of_several.add(venue_id)
    if before_id is None or before_id in venue.by_id:
        return
    if _is_of_another(facts, local, venue, before_id, record):
        outcome.ids_of_several.add(before_id)


def _is_of_another(
    facts: Facts, local: LocalSide, venue: VenueSide, venue_id: str, record: VenueOrder
) -> bool:
    """Whether who has this id, here, at the venue or in the rest of the ledger, is of another instrument than the
    record."""
    index = local.local_index(venue_id)
    holders = (venue.by_id.get(venue_id), None if index is None else local.orders[index])
    symbols = [one.symbol for one in holders if one is not None] + facts.known_symbols.get(venue_id, [])
    return any(are_apart(one, record.symbol) for one in symbols)


def _find_out_of_scope(
    local: LocalSide, venue: VenueSide, outcome: RunOutcome, venue_id: str, order: LocalOrder
) -> None:
    record, index = venue.by_id.get(venue_id), local.local_index(venue_id)
    if index is not None or (record is not None and are_two_orders(order, record)):
        outcome.ids_of_several.add(venue_id)


def _find_answered(
    local: LocalSide, venue: VenueSide, outcome: RunOutcome, answer: VenueAnswer, symbol: str
) -> None:
    """The venue knows, or does not know, this instrument's order; who has the id is another instrument's."""
    venue_id = normal_id(answer.id)
    if answer.order is not None and are_apart(answer.order.symbol, symbol):
        return  # it knows one order of this id, whatever the instrument
    if answer.outcome is Outcome.UNKNOWN:
        return
    index = local.local_index(venue_id)
    holders = (venue.by_id.get(venue_id), None if index is None else local.orders[index])
    if any(one is not None and are_apart(one.symbol, symbol) for one in holders):
        outcome.ids_of_several.add(venue_id)


def is_of_several(local: LocalSide, order: LocalOrder, record: VenueOrder) -> bool:
    """Whether a matched pair that contradicts itself is two orders of two instruments."""
    if not are_apart(order.symbol, record.symbol):
        return False
    return are_two_orders(order, record) or known_id(order.venue_order_id) in local.venue_ids_twice


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
    if judgement.facts.answer_of_instrument(venue_order_id, symbol) is None:
        judgement.ask(Reason.SYMBOL_OR_SIDE_CONTRADICTS, order_id=venue_order_id, of_symbol=symbol)
