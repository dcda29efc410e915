"""What the ledger knows of a venue order beyond the orders that the snapshot lists, and which ids it was not asked for.

Only where the snapshot does not hold the whole ledger: then an order counts as unknown only when the ledger says so.
"""

from trueup.core.draft.facts import Facts
from trueup.core.draft.local_side import LocalSide
from trueup.core.draft.outcome import RunOutcome
from trueup.core.draft.venue_side import VenueSide
from trueup.core.orders.wait_for_record import ask_for_record
from trueup.model.ids import are_apart, known_client_id, known_id
from trueup.model.reasons import Reason
from trueup.model.snapshot import VenueOrder
from trueup.model.vocabulary import Extent, Outcome, QueryBy


def unanswered_ids(facts: Facts, record: VenueOrder) -> list[str]:
    """The order's ids that the ledger was not asked for yet."""
    ids = _ids(record)
    if record.replaces is not None:  # the ledger may know what it replaced, and so whose it is
        ids.append((QueryBy.VENUE_ORDER_ID, record.replaces))
    return [raw for by, raw in ids if (by, raw.strip().lower()) not in facts.local_answers]


def _ids(record: VenueOrder) -> list[tuple[QueryBy, str]]:
    ids = []
    if record.venue_order_id is not None and known_id(record.venue_order_id) is not None:
        ids.append((QueryBy.VENUE_ORDER_ID, record.venue_order_id))
    if record.client_order_id is not None and known_client_id(record.client_order_id) is not None:
        ids.append((QueryBy.CLIENT_ORDER_ID, record.client_order_id))
    return ids


def local_answer(facts: Facts, local: LocalSide, record: VenueOrder) -> Outcome | None:
    """What the ledger said of this order's ids: null while one is unanswered, absent only where every one is.

    An order found by its client order id but under another venue order id is another order.
    """
    outcomes = [facts.local_answers.get((by, raw.strip().lower())) for by, raw in _ids(record)]
    if outcomes and outcomes[0] is Outcome.FOUND:
        return Outcome.FOUND
    if None in outcomes:
        return None
    if Outcome.UNKNOWN in outcomes:
        return Outcome.UNKNOWN
    other = Outcome.FOUND in outcomes and not _is_of_another_order(local, record)
    return Outcome.FOUND if other else Outcome.ABSENT


def _is_of_another_order(local: LocalSide, record: VenueOrder) -> bool:
    client_id = known_client_id(record.client_order_id)
    index = local.index_by_client_id.get(client_id or "")
    theirs = None if index is None else known_id(local.orders[index].venue_order_id)
    return theirs is not None and theirs != known_id(record.venue_order_id)


def asks_whose_number(facts: Facts, venue: VenueSide, outcome: RunOutcome, record: VenueOrder) -> bool:
    """Whether it has to be told first if the ledger's order of this id is this one. Asks the venue.

    The ledger has the number in other instruments only. It is another order's there, or that row has a wrong symbol: if
    the venue says what the other instrument has, `find_ids_of_several` hears it.
    """
    venue_id = known_id(record.venue_order_id) or ""
    others = facts.known_symbols.get(venue_id, [])
    if not all(are_apart(one, record.symbol) for one in others):
        return False
    return any(
        ask_for_record(
            facts,
            venue,
            outcome,
            record,
            venue_id,
            Reason.SYMBOL_OR_SIDE_CONTRADICTS,
            of_symbol=symbol,
        )
        for symbol in sorted({one for one in others if one is not None})
    )


def is_known_elsewhere(facts: Facts, local: LocalSide, record: VenueOrder) -> bool:
    """Whether the ledger has the order beyond what the snapshot lists (another profile's, or long closed)."""
    return (
        facts.snapshot.local.extent is not Extent.ALL and local_answer(facts, local, record) is Outcome.FOUND
    )
