"""Rules 7 and 8 of the matched pair, and what rule 3 says of a local transition: which status the order gets."""

from decimal import Decimal

from trueup.core.orders.is_by_notional import is_by_notional
from trueup.core.orders.judgement import Judgement, ids_text
from trueup.model.money import amount, amount_or_none, exceeds, text
from trueup.model.notional import ordered_qty
from trueup.model.reasons import Reason
from trueup.model.snapshot import VenueOrder
from trueup.model.status_steps import STEPS, Step
from trueup.model.times import NS_PER_S, is_before, to_ns
from trueup.model.vocabulary import (
    CUT_SHORT,
    BreakKind,
    CorrectionKind,
    NotificationKind,
    Status,
)


def judge_status(
    judgement: Judgement, record: VenueOrder, cumulative: Decimal | None, *, fills_are_booked: bool
) -> None:
    """Rules 7 and 8, and what rule 3 says of a local transition."""
    before, venue_status = judgement.before.status, record.status
    if venue_status is Status.PENDING_NEW and amount(judgement.order.filled_qty) > 0:
        venue_status = Status.PARTIALLY_FILLED
    step = Step.SAME if venue_status is None else STEPS[before, venue_status]
    if venue_status is None or step is Step.SAME:
        return
    if venue_status is Status.FILLED and _is_filled_below(judgement, record, cumulative):
        return
    if step in (Step.ENDS, Step.ENDS_OTHERWISE) and not fills_are_booked:
        return
    if step is Step.REOPENS:
        _judge_reopening(judgement, record, venue_status)
        return
    if step is Step.WAITS and _is_believed(judgement):
        return
    reason = Reason.TRANSITION_TIMED_OUT if step is Step.WAITS else Reason.VENUE_STATUS_DIFFERS
    resurrected = step is Step.ENDS_OTHERWISE and judgement.growth_qty > 0
    kind = BreakKind.RESURRECTED if resurrected else BreakKind.STATUS_DRIFT
    set_status(judgement, record, kind, reason, venue_status)


def _is_filled_below(judgement: Judgement, record: VenueOrder, cumulative: Decimal | None) -> bool:
    """`filled` with less than the quantity: queried and flagged, not set."""
    qty = amount_or_none(ordered_qty(record) or ordered_qty(judgement.order))
    if qty is None or cumulative is None or is_by_notional(judgement.order, record):
        return False
    if not exceeds(qty - judgement.facts.tolerance(judgement.before.symbol), cumulative):
        return False
    judgement.found(
        BreakKind.STATUS_DRIFT,
        Reason.FILLED_BELOW_QTY,
        f"venue says filled, but {text(cumulative)} of {text(qty)} are: the status is not set",
        local={"status": judgement.before.status},
        venue={"status": record.status, "filled_qty": record.filled_qty, "qty": record.qty},
    )
    if judgement.can_ask:
        judgement.ask(Reason.FILLED_BELOW_QTY)
    return True


def _judge_reopening(judgement: Judgement, record: VenueOrder, venue_status: Status) -> None:
    """Rule 8: local terminal, live at the venue by its own status."""
    before = judgement.before
    grew = judgement.growth_qty > 0
    kind = BreakKind.RESURRECTED if grew else BreakKind.REOPENED
    local, venue = {"status": before.status}, {"status": record.status}
    now = judgement.order  # its quantity may just have been raised
    complete = not exceeds(amount(ordered_qty(now)), amount(now.filled_qty))
    if before.status is Status.FILLED and complete:
        judgement.found(
            BreakKind.REOPENED,
            Reason.FILLED_NEVER_REOPENED,
            "completely filled locally, live at the venue: never reopened",
            local=local,
            venue=venue,
        )
    elif _is_proven_newer(judgement, record):
        reason = Reason.FILLED_AFTER_ALL if grew else Reason.LIVE_AT_VENUE
        set_status(judgement, record, kind, reason, venue_status)
    elif judgement.can_ask:
        judgement.ask(Reason.LIVE_AT_VENUE)
    else:
        judgement.found(
            BreakKind.REOPENED,
            Reason.VENUE_RECORD_OLDER,
            "live at the venue by a record that is not newer than the local end: left as it is",
            local=local,
            venue=venue,
        )


def _is_proven_newer(judgement: Judgement, record: VenueOrder) -> bool:
    local_at, venue_at = judgement.before.venue_updated_at, record.updated_at
    if venue_at is None:
        return local_at is None and judgement.answered
    return local_at is None or not is_before(venue_at, local_at)


def _is_believed(judgement: Judgement) -> bool:
    """A local transition is believed for a while after the bot's last activity."""
    at = judgement.facts.activity_at(judgement.before)
    timeout_ns = round(judgement.facts.policy.transitional_timeout_s * NS_PER_S)
    return at is not None and judgement.facts.now_ns - to_ns(at) < timeout_ns


def set_status(
    judgement: Judgement, record: VenueOrder, kind: BreakKind, reason: Reason, after: Status
) -> None:
    before = judgement.before.status
    judgement.found(
        kind,
        reason,
        f"{ids_text(judgement.ids)} is {before} locally, {after} at the venue",
        local={"status": before},
        venue={"status": after},
        corrected=True,
    )
    told = record.status_reason or reason
    judgement.correct(CorrectionKind.SET_STATUS, kind, told, changes={"status": after})
    if after in CUT_SHORT:
        judgement.notify(NotificationKind.CANCEL, record.status_reason or after)
    elif kind is BreakKind.REOPENED:
        judgement.notify(NotificationKind.DISCOVERED, reason)
