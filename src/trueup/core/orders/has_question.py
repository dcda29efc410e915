"""Whether this plan has a question about a local order: then nothing final is said of it in this run."""

from trueup.core.draft.facts import shares_id
from trueup.core.draft.outcome import RunOutcome
from trueup.core.draft.venue_side import VenueSide
from trueup.model.ids import known_client_id
from trueup.model.snapshot import LocalOrder


def has_question(venue: VenueSide, outcome: RunOutcome, order: LocalOrder) -> bool:
    """Whether this plan asks about the order, or will about a fill that names its client order id."""
    mine = (order.client_order_id, order.venue_order_id, None)
    if any(shares_id(mine, want.ids) for want in outcome.wants.values()):
        return True
    client_id = known_client_id(order.client_order_id)
    return client_id is not None and any(
        known_client_id(fill.client_order_id) == client_id for fill in venue.stray_fills
    )
