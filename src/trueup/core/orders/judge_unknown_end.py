"""A live order on no complete open list, of which the venue does not say how it ended: a break in every run.

Either its answer has no known status, or has it live although the list does not, for longer than a list may lag.
"""

from trueup.core.draft.facts import Facts
from trueup.core.draft.local_side import LocalSide
from trueup.core.draft.outcome import RunOutcome
from trueup.core.draft.venue_side import VenueSide
from trueup.core.orders.judgement import Judgement
from trueup.model.ids import known_id
from trueup.model.reasons import Reason
from trueup.model.times import NS_PER_S, to_ns
from trueup.model.vocabulary import (
    LIVE,
    TERMINAL,
    BreakKind,
)


def judge_unknown_end(
    facts: Facts, local: LocalSide, venue: VenueSide, outcome: RunOutcome, index: int
) -> None:
    """A live order on no complete open list, whose answer has no known status; or has it live, for too long."""
    order, record = local.orders[index], local.matched[index]
    if (
        record is None
        or order.status not in LIVE
        or index in outcome.frozen
        or index in outcome.deferred_orders
    ):
        return
    if known_id(record.venue_order_id) not in venue.answered or record.status in TERMINAL:
        return
    judgement = Judgement(facts, local, venue, outcome, index, record)
    outcome.unsettle(order.symbol)
    if record.status is None:
        _report_unknown_end(
            judgement,
            Reason.STATUS_NOT_KNOWN,
            f"the venue calls it {record.raw_status!r}, which is not known",
        )
    elif _has_stood(judgement):
        _report_unknown_end(judgement, Reason.LIVE_BUT_NOT_LISTED, f"asked, the venue has it {record.status}")
    else:  # the list may be older than the order: the finding tells the next run since when
        outcome.wait(BreakKind.END_UNKNOWN, judgement.digest, judgement.ids, judgement.before.version)


def _has_stood(judgement: Judgement) -> bool:
    kind = BreakKind.END_UNKNOWN
    prior = judgement.facts.prior_of(f"{judgement.digest}-{kind}", kind, judgement.ids)
    timeout_ns = round(judgement.facts.policy.transitional_timeout_s * NS_PER_S)
    return prior is not None and judgement.facts.now_ns - to_ns(prior.first_seen_at) >= timeout_ns


def _report_unknown_end(judgement: Judgement, reason: Reason, said: str) -> None:
    record = judgement.record
    judgement.found(
        BreakKind.END_UNKNOWN,
        reason,
        f"live locally, not in the venue's complete list of open orders; {said}: how it ended is not known",
        local={"status": judgement.before.status},
        venue={"status": record and record.status, "raw_status": record and record.raw_status},
    )
    judgement.commit()
