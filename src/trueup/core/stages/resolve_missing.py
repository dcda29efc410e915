"""Fourth stage: local orders that are live but not in the venue's open orders. Absence asks a question.

Only the answer changes anything: found → a matched pair (judged by `diff_orders`); unknown → nothing, however often;
absent by every id → one confirmation. Enough confirmations of one version over enough time, and a history that does not
contradict, let the policy end the order locally, marked as not confirmed by the venue.
"""

from trueup.core.draft.facts import Facts
from trueup.core.draft.local_side import LocalSide
from trueup.core.draft.outcome import RunOutcome
from trueup.core.draft.venue_side import VenueSide
from trueup.core.orders.count_absence import (
    count_absence,
    prior_absence,
    report_discounted,
    report_unanswered,
    report_waiting,
)
from trueup.core.orders.judge_unknown_end import judge_unknown_end
from trueup.core.orders.judgement import Judgement, turn_of
from trueup.model.ids import known_client_id, known_id
from trueup.model.reasons import Reason
from trueup.model.snapshot import LocalOrder, VenueOrder
from trueup.model.vocabulary import (
    LIVE,
    TERMINAL,
    BreakKind,
    CorrectionKind,
    DeferralReason,
    Outcome,
    QueryBy,
    ReadState,
    Status,
)

MASS_ABSENCE_LIVE_MIN = 4  # design.md: "more than half of four or more live orders"


def resolve_missing(facts: Facts, local: LocalSide, venue: VenueSide, outcome: RunOutcome) -> None:
    """Defer, ask about, or judge every live local order that the open-order read does not hold."""
    missing = _not_listed(local, venue)
    missing.sort(key=lambda one: turn_of(local.orders[one]))
    read = facts.snapshot.venue.open_orders
    if read.state is not ReadState.COMPLETE:
        for index in missing:
            if _is_unproven(local, venue, outcome, index):
                _defer(local, outcome, index, DeferralReason.OPEN_ORDERS_INCOMPLETE)
        return
    recent = {
        index
        for index in missing
        if _is_unproven(local, venue, outcome, index) and _defer_recent(facts, local, outcome, index)
    }
    settled = [index for index in missing if index not in recent and index not in outcome.deferred_orders]
    outcome.count("missing_at_venue", len(settled))
    vanished = [index for index in settled if _is_unproven(local, venue, outcome, index)]
    outcome.mass_absence = mass = _mass_absence(local, vanished)
    for index in vanished:
        _judge_absence(
            facts, local, venue, outcome, index, nothing_counts=mass is not None or facts.account_changed
        )
    for index in settled:
        judge_unknown_end(facts, local, venue, outcome, index)


def _mass_absence(local: LocalSide, vanished: list[int]) -> tuple[int, int] | None:
    """(vanished, live) where most live orders are gone at once: the venue, not they, may be at fault.

    Acknowledged orders and those that the venue never acknowledged are counted apart; either can be such a mass.
    """
    live = [order for order in local.original_orders if order.status in LIVE] if vanished else []
    for is_acknowledged in (True, False):
        gone = sum(
            1 for index in vanished if _is_acknowledged(local.original_orders[index]) is is_acknowledged
        )
        known = sum(1 for order in live if _is_acknowledged(order) is is_acknowledged)
        if known >= MASS_ABSENCE_LIVE_MIN and 2 * gone > known:
            return gone, known
    return None


def _is_acknowledged(order: LocalOrder) -> bool:
    return order.venue_order_id is not None


def _not_listed(local: LocalSide, venue: VenueSide) -> list[int]:
    """The live ones without a record in the open-order read."""
    matched, orders = local.matched, local.original_orders
    if venue.open_ids is not None:
        absent = [index for index in range(len(orders)) if not _is_listed(venue, matched[index])]
    elif None in matched:
        absent = [index for index in range(len(orders)) if matched[index] is None]
    else:
        return []
    return [index for index in absent if orders[index].status in LIVE]


def _is_listed(venue: VenueSide, record: VenueOrder | None) -> bool:
    if record is None:
        return False
    venue_id = known_id(record.venue_order_id)
    return venue_id is None or venue.is_open(venue_id)


def _is_unproven(local: LocalSide, venue: VenueSide, outcome: RunOutcome, index: int) -> bool:
    """Whether no record that a query answered, and none that ended the order, speaks of it."""
    if index in outcome.frozen or local.orders[index].status not in LIVE:
        return False
    record = local.matched[index]
    if record is None:
        return True
    answered = known_id(record.venue_order_id) in venue.answered
    return not answered and record.status not in TERMINAL


def _defer(local: LocalSide, outcome: RunOutcome, index: int, reason: DeferralReason) -> None:
    if index not in outcome.deferred_orders:
        outcome.defer_order(index, local.orders[index], reason)


def _defer_recent(facts: Facts, local: LocalSide, outcome: RunOutcome, index: int) -> bool:
    if not facts.is_recent(local.original_orders[index], facts.snapshot.venue.open_orders.read_at):
        return False
    _defer(local, outcome, index, DeferralReason.RECENT_ACTIVITY)
    return True


def _judge_absence(
    facts: Facts, local: LocalSide, venue: VenueSide, outcome: RunOutcome, index: int, *, nothing_counts: bool
) -> None:
    judgement = Judgement(facts, local, venue, outcome, index)
    answer = _ask_by_every_id(judgement)
    prior = prior_absence(judgement)
    if answer is Outcome.ABSENT and local.matched[index] is not None:
        answer = Outcome.UNKNOWN  # a history record contradicts the answer
    if answer is None:
        report_waiting(judgement, None if nothing_counts else prior)
    elif answer is Outcome.UNKNOWN:
        report_unanswered(judgement, prior)
    elif answer is Outcome.ABSENT and nothing_counts:
        report_discounted(judgement)
    elif answer is Outcome.ABSENT:
        count_absence(judgement, prior)
    judgement.commit()
    if judgement.order.status in LIVE:
        outcome.unsettle(judgement.before.symbol)
    if nothing_counts and answer is not Outcome.FOUND:
        changed = facts.account_changed
        _defer(
            local, outcome, index, DeferralReason.ACCOUNT_CHANGED if changed else DeferralReason.MASS_ABSENCE
        )


def _ask_by_every_id(judgement: Judgement) -> Outcome | None:
    """What the answers say together: null while a question is open; absent only where every id is.

    What another account has under the same id is another order.
    """
    facts, venue, order = judgement.facts, judgement.venue, judgement.before
    steps = [
        (QueryBy.VENUE_ORDER_ID, known_id(order.venue_order_id)),
        (QueryBy.CLIENT_ORDER_ID, known_client_id(order.client_order_id)),
    ]
    known = [(by, one) for by, one in steps if one is not None]
    if not known:
        judgement.found(
            BreakKind.MISSING_AT_VENUE,
            Reason.NO_ID_TO_QUERY,
            "live locally, not in the venue's open orders, and without an id to ask by: a person has to look",
        )
        return Outcome.FOUND
    for by, comparable in known:
        answer = venue.asked.get((by, comparable))
        if answer is None:
            raw = order.venue_order_id if by is QueryBy.VENUE_ORDER_ID else order.client_order_id
            judgement.ask(Reason.LIVE_LOCALLY_NOT_IN_OPEN_ORDERS, by, raw)
            return None
        if answer.outcome is Outcome.UNKNOWN:
            return Outcome.UNKNOWN
        if answer.outcome is Outcome.FOUND and not facts.account_changed:
            return _judge_other_order(judgement, comparable)
    return Outcome.ABSENT if facts.account_changed else _absent_or_replaced(judgement)


def _judge_other_order(judgement: Judgement, comparable: str) -> Outcome:
    """An answer was found, but it is not this order's: its client order id carries another venue order."""
    if _absent_or_replaced(judgement) is Outcome.FOUND:
        return Outcome.FOUND
    judgement.found(
        BreakKind.IDENTITY_CONFLICT,
        Reason.CLIENT_ID_REUSED,
        f"the venue has another order under {comparable}; the recorded one is not there",
        local={"venue_order_id": judgement.before.venue_order_id},
    )
    return Outcome.FOUND


def _absent_or_replaced(judgement: Judgement) -> Outcome:
    """Absent, unless a record says that it replaced this very order: that is its end."""
    venue = judgement.venue
    successor = venue.successor_of.get(known_id(judgement.before.venue_order_id) or "")
    record = venue.by_id.get(successor or "")
    if record is None:
        return Outcome.ABSENT
    judgement.found(
        BreakKind.STATUS_DRIFT,
        Reason.REPLACED_AT_VENUE,
        f"replaced at the venue by {record.venue_order_id}; its own record is no longer there",
        local={"status": judgement.before.status},
        venue={"status": Status.REPLACED},
        corrected=True,
    )
    judgement.correct(
        CorrectionKind.SET_STATUS,
        BreakKind.STATUS_DRIFT,
        Reason.REPLACED_AT_VENUE,
        changes={"status": Status.REPLACED},
    )
    return Outcome.FOUND
