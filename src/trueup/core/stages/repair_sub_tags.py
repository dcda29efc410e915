"""The stage that writes the venue's sub-tag onto local orders that have none."""

from operator import itemgetter

from trueup.core.draft.facts import Facts
from trueup.core.draft.local_side import LocalSide
from trueup.core.draft.outcome import RunOutcome
from trueup.core.draft.venue_side import VenueSide
from trueup.core.orders.judgement import Judgement, turn_of
from trueup.model.ids import known_id
from trueup.model.plan import SubTagRepairResult
from trueup.model.reasons import Reason
from trueup.model.snapshot import VenueOrder
from trueup.model.vocabulary import BreakKind, CorrectionKind, LedgerFeature


def repair_sub_tags(facts: Facts, local: LocalSide, venue: VenueSide, outcome: RunOutcome) -> None:
    """Repair every matched order that is neither recent nor in conflict; say so of a ledger without the column."""
    if not facts.policy.sub_tag_repair_enabled:
        return
    if LedgerFeature.SUB_TAG in facts.snapshot.local.unsupported:
        outcome.sub_tag_repair = SubTagRepairResult(unsupported=True)
        return
    if not venue.has_sub_tags:
        outcome.sub_tag_repair = SubTagRepairResult(repaired=0)
        return
    records = local.matched
    if local.rebound:
        records = [local.rebound.get(index, record) for index, record in enumerate(local.matched)]
    wanting = [
        (turn_of(local.orders[index]), index, record)
        for index, record in enumerate(records)
        if record is not None
        and record.sub_tag
        and not local.orders[index].sub_tag
        and known_id(record.sub_tag)
    ]
    repaired = 0
    for _, index, record in sorted(wanting, key=itemgetter(0)):
        repaired += _repair(facts, local, venue, outcome, index, record)
    outcome.sub_tag_repair = SubTagRepairResult(repaired=repaired)


def _repair(
    facts: Facts, local: LocalSide, venue: VenueSide, outcome: RunOutcome, index: int, record: VenueOrder
) -> bool:
    if index in outcome.frozen or index in outcome.deferred_orders:
        return False
    if facts.is_recent(local.original_orders[index], venue.read_at(record)):
        return False
    judgement = Judgement(facts, local, venue, outcome, index, record)
    changes = {"sub_tag": record.sub_tag}
    judgement.found(
        BreakKind.SUB_TAG_MISSING,
        Reason.SUB_TAG_AT_VENUE,
        f"the venue attributes the order to {record.sub_tag}",
        local={"sub_tag": None},
        venue=changes,
        corrected=True,
    )
    judgement.correct(
        CorrectionKind.SET_SUB_TAG, BreakKind.SUB_TAG_MISSING, Reason.SUB_TAG_AT_VENUE, changes=changes
    )
    judgement.commit()
    return True
