"""In exactly which class an order of the venue's history is, by the first of the rules that holds.

Missing order id, not filled-like, not owned, existing; else null: it is missing here, and may be inserted.
"""

from collections import Counter

from trueup.core.draft.facts import Facts
from trueup.core.draft.local_side import LocalSide
from trueup.core.draft.outcome import RunOutcome
from trueup.core.draft.venue_side import VenueSide
from trueup.core.orders.ask_ledger import asks_whose_number, is_known_elsewhere, unanswered_ids
from trueup.core.orders.claims_a_local_order import claims_a_local_order
from trueup.core.orders.hold_repairs import is_insert_held
from trueup.core.orders.judge_ownership import Owner, judge_ownership
from trueup.core.orders.record_figures import is_filled_like
from trueup.core.orders.wait_for_record import waits_for_predecessor
from trueup.model.reasons import Reason
from trueup.model.snapshot import VenueOrder
from trueup.model.times import to_ns
from trueup.model.vocabulary import BreakKind, Extent

# Until Python 3.12, reading a member through its enum class costs as much as a small function call: read here once.
_US, _FOREIGN, _CONTRADICTING = Owner.US, Owner.FOREIGN, Owner.CONTRADICTING
_ALL = Extent.ALL


def class_of(
    facts: Facts,
    local: LocalSide,
    venue: VenueSide,
    outcome: RunOutcome,
    venue_id: str | None,
    record: VenueOrder,
    counts: Counter[str],
    with_fills: set[str | None],
) -> str | None:
    """The order's class as far as it is final; null: owned, filled-like and missing.

    `with_fills`: ids of orders of which fills were read; they are filled-like where the record has no quantity.
    """
    filled_like = is_filled_like(record) or (record.filled_qty is None and venue_id in with_fills)
    in_scope = facts.in_scope(record.symbol)
    owner = judge_ownership(facts, local, venue, record) if in_scope else _FOREIGN
    counts["filled_like"] += filled_like
    counts["owned"] += owner is _US
    if venue_id is None:
        return "skipped_missing_order_id"
    if not filled_like:
        return "skipped_not_filled_like"
    known = _is_known(local, venue, venue_id)
    if owner is _CONTRADICTING and not known:
        report_uncovered(facts, outcome, record, Reason.OWNERS_CONTRADICT, BreakKind.IDENTITY_CONFLICT)
    if owner is not _US:
        _count_not_owned(facts, record, counts, known=known, in_scope=in_scope)
        return "skipped_not_owned"
    counts["eligible"] += 1
    return "skipped_existing" if known else _class_of_unknown(facts, local, venue, outcome, record, venue_id)


def _class_of_unknown(
    facts: Facts, local: LocalSide, venue: VenueSide, outcome: RunOutcome, record: VenueOrder, venue_id: str
) -> str | None:
    """Of an eligible order that no local order stands for."""
    if venue_id in local.ids_in_local_fills:
        report_uncovered(facts, outcome, record, Reason.KNOWN_FROM_LOCAL_FILL, BreakKind.IDENTITY_CONFLICT)
        return "skipped_existing"
    if claims_a_local_order(local, record):
        report_uncovered(facts, outcome, record, Reason.CLIENT_ID_REUSED, BreakKind.IDENTITY_CONFLICT)
        return "skipped_existing"
    if facts.snapshot.local.extent is not _ALL:
        unanswered = unanswered_ids(facts, record)
        if unanswered:
            outcome.ask_ledger(unanswered)
            return "deferred"
        if asks_whose_number(facts, venue, outcome, record):
            return "deferred"
        if is_known_elsewhere(facts, local, record):
            return "skipped_existing"
    waits = venue_id in outcome.deferred_records or waits_for_predecessor(
        facts, local, venue, outcome, record
    )
    if waits:
        return "deferred"
    return "skipped_undone" if facts.holds and is_insert_held(facts, outcome, record) else None


def _is_known(local: LocalSide, venue: VenueSide, venue_id: str) -> bool:
    if venue_id in local.known_ids or local.local_index(venue_id) is not None:
        return True
    record = venue.by_id.get(venue_id)
    return record is not None and local.holder_of(record) is not None


def _count_not_owned(
    facts: Facts, record: VenueOrder, counts: Counter[str], *, known: bool, in_scope: bool
) -> None:
    baseline = facts.policy.coverage_baseline_at
    before = (
        baseline is not None
        and record.submitted_at is not None
        and to_ns(record.submitted_at) < to_ns(baseline)
    )
    for name, holds in (("legacy_local", known), ("before_baseline", before), ("actionable", in_scope)):
        counts[f"skipped_not_owned_{name}"] += holds


def report_uncovered(
    facts: Facts,
    outcome: RunOutcome,
    record: VenueOrder,
    reason: Reason,
    kind: BreakKind = BreakKind.UNCOVERED_ORDER,
) -> None:
    outcome.add_break(
        facts.order_digest(record),
        kind,
        reason,
        f"{record.side} {record.filled_qty} {record.symbol} in the venue's history is unknown locally: {reason}",
        ids=(record.client_order_id, record.venue_order_id, None),
        symbol=record.symbol,
        venue={"status": record.status, "qty": record.qty, "filled_qty": record.filled_qty},
    )
