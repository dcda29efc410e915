"""A venue order that waits for a record: its predecessor's, or one more of its own. Asked for, or deferred till then.

Nothing is decided here of the order itself: the stages judge it once nothing is waited for.
"""

from trueup.core.draft.facts import Facts
from trueup.core.draft.local_side import LocalSide
from trueup.core.draft.outcome import RunOutcome
from trueup.core.draft.venue_side import VenueSide
from trueup.model.ids import known_id
from trueup.model.money import amount
from trueup.model.reasons import Reason
from trueup.model.snapshot import LocalOrder, VenueOrder
from trueup.model.times import to_ns
from trueup.model.vocabulary import LIVE, BreakKind, DeferralReason, Outcome, QueryBy


def waits_for_predecessor(
    facts: Facts, local: LocalSide, venue: VenueSide, outcome: RunOutcome, record: VenueOrder
) -> bool:
    """A successor waits until its predecessor's record was read and judged. Defers it, or asks."""
    if not venue.predecessor_of:
        return False
    before = venue.predecessor_of.get(known_id(record.venue_order_id) or "")
    if before is None:
        return False
    index = local.local_index(before)
    if index is not None and local.orders[index].status not in LIVE and index not in outcome.deferred_orders:
        return False
    if before not in venue.by_id:
        if index is None and facts.is_known_locally(before):
            return False  # what it replaced is another profile's
        return ask_for_record(facts, venue, outcome, record, before, Reason.PREDECESSOR_NOT_READ)
    recent = index in outcome.deferred_orders
    if index is None or (not recent and _keeps_its_row(local.orders[index], before)):
        return False
    outcome.defer_record(record, DeferralReason.RECENT_ACTIVITY if recent else DeferralReason.QUERY_OPEN)
    return True


def _keeps_its_row(order: LocalOrder, before: str) -> bool:
    """Whether the predecessor's row will not be bound to this order: something is booked in it, or it is another's."""
    return amount(order.filled_qty) > 0 or known_id(order.venue_order_id) != before


def ask_for_record(
    facts: Facts,
    venue: VenueSide,
    outcome: RunOutcome,
    record: VenueOrder,
    order_id: str | None,
    reason: Reason,
    *,
    by: QueryBy = QueryBy.VENUE_ORDER_ID,
    of_symbol: str | None = None,
) -> bool:
    """Ask for a record this order waits for; an absent answer ends the wait, an unknown one does not.

    `of_symbol`: the record that the order's id has in this other instrument.
    """
    if order_id is None:
        return False
    if of_symbol is None:
        answer = venue.asked.get((by, order_id))
    else:
        answer = facts.answer_of_instrument(order_id, of_symbol)
    if answer is not None and answer.outcome is not Outcome.UNKNOWN:
        return False
    asked = answer is None and outcome.ask(
        by,
        _raw_id(record, order_id),
        reason,
        asked=venue.asked,
        waited_since_ns=_waited_since_ns(facts, record),
        ids=(record.client_order_id, record.venue_order_id, None),
        symbol=of_symbol or record.symbol,
        of_this_instrument=of_symbol is not None,
    )
    outcome.defer_record(record, None if asked else DeferralReason.QUERY_OPEN)
    return True


def _waited_since_ns(facts: Facts, record: VenueOrder) -> tuple[int, int]:
    """Since when this order waits for an answer: since it was last judged, else since its submission."""
    kind, ids = BreakKind.MISSING_LOCALLY, (record.client_order_id, record.venue_order_id, None)
    prior = facts.prior_of(f"{facts.order_digest(record)}-{kind}", kind, ids)
    if prior is not None:
        return to_ns(prior.last_seen_at), to_ns(prior.first_seen_at)
    submitted_ns = 0 if record.submitted_at is None else to_ns(record.submitted_at)
    return submitted_ns, submitted_ns


def _raw_id(record: VenueOrder, order_id: str) -> str:
    """The id as the venue writes it."""
    for raw in (record.venue_order_id, record.replaces, record.replaced_by, record.client_order_id):
        if raw is not None and known_id(raw) == order_id:
            return raw
    return order_id
