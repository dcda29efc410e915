"""Whether a client order id is free to be taken over from a venue order: no other order has it, anywhere."""

from trueup.core.draft.local_side import LocalSide
from trueup.core.draft.outcome import RunOutcome
from trueup.core.draft.venue_side import VenueSide
from trueup.model.vocabulary import QueryBy


def is_free(local: LocalSide, venue: VenueSide, client_id: str) -> bool:
    """Whether no local order has this comparable client order id, and the venue no two orders with it."""
    if client_id in local.index_by_client_id or client_id in local.known_client_ids:
        return False
    return not venue.is_shared(client_id)


def is_free_everywhere(local: LocalSide, venue: VenueSide, outcome: RunOutcome, client_id: str) -> bool:
    """Free, and not known to the ledger beyond the snapshot either; asks the ledger where that is not answered."""
    return is_free(local, venue, client_id) and outcome.ledger_lacks((QueryBy.CLIENT_ORDER_ID, client_id))
