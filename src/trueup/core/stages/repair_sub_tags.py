"""The stage that writes the venue's sub-tag onto local orders that have none."""

from operator import itemgetter

from trueup.core.draft.draft import Draft
from trueup.core.orders.judgement import Judgement, turn_of
from trueup.model.ids import known_id
from trueup.model.plan import SubTagRepairResult
from trueup.model.reasons import Reason
from trueup.model.snapshot import VenueOrder
from trueup.model.vocabulary import BreakKind, CorrectionKind, LedgerFeature


def repair_sub_tags(draft: Draft) -> None:
    """Repair every matched order that is neither recent nor in conflict; say so of a ledger without the column."""
    if not draft.policy.sub_tag_repair_enabled:
        return
    if LedgerFeature.SUB_TAG in draft.snapshot.local.unsupported:
        draft.sub_tag_repair = SubTagRepairResult(unsupported=True)
        return
    records = draft.matched
    if draft.rebound:
        records = [draft.rebound.get(index, record) for index, record in enumerate(draft.matched)]
    wanting = [
        (turn_of(draft.orders[index]), index, record)
        for index, record in enumerate(records)
        if record is not None
        and record.sub_tag
        and not draft.orders[index].sub_tag
        and known_id(record.sub_tag)
    ]
    repaired = 0
    for _, index, record in sorted(wanting, key=itemgetter(0)):
        repaired += _repair(draft, index, record)
    draft.sub_tag_repair = SubTagRepairResult(repaired=repaired)


def _repair(draft: Draft, index: int, record: VenueOrder) -> bool:
    if index in draft.frozen or index in draft.deferred_orders:
        return False
    if draft.is_recent(draft.original_orders[index], draft.venue.read_at(record)):
        return False
    judgement = Judgement(draft, index, record)
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
