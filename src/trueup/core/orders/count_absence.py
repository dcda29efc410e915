"""An order that the venue does not know: counted run by run, and ended by the policy once that is confirmed.

One absent answer is one confirmation, of one version of the order. Enough of them over the least age end the order
(`rejected` where the venue never acknowledged it, else `canceled` with its fills), unless something speaks against it:
a question that is open, a fill in the history, a history that does not reach back, a request of the bot's own.
"""

from trueup.core.draft.facts import Facts
from trueup.core.draft.venue_side import VenueSide
from trueup.core.orders.has_question import has_question
from trueup.core.orders.judgement import Judgement
from trueup.model.ids import known_id
from trueup.model.money import amount
from trueup.model.reasons import Reason
from trueup.model.snapshot import NOT_READ, Finding, LocalOrder
from trueup.model.status_steps import CANCELABLE
from trueup.model.times import NS_PER_S, to_ns
from trueup.model.vocabulary import (
    BreakKind,
    CorrectionKind,
    NotificationKind,
    OnConfirmedAbsence,
    ReadState,
    Severity,
    Status,
)


def _break_id(judgement: Judgement) -> str:
    return f"{judgement.digest}-{BreakKind.MISSING_AT_VENUE}"


def prior_absence(judgement: Judgement) -> Finding | None:
    """The earlier confirmations, where they are of this very version."""
    found = judgement.facts.prior_of(_break_id(judgement), BreakKind.MISSING_AT_VENUE, judgement.ids)
    version = judgement.local.original_version(judgement.index)
    return found if found is not None and found.version == version and found.confirmations > 0 else None


def report_waiting(judgement: Judgement, prior: Finding | None) -> None:
    """A question is open: nothing is proven yet; the finding keeps what was counted, and since when it waits."""
    judgement.found(
        BreakKind.MISSING_AT_VENUE,
        Reason.LIVE_LOCALLY_NOT_IN_OPEN_ORDERS,
        "live locally, not in the venue's open orders: the venue is asked what became of it",
        local={"status": judgement.before.status},
        severity=Severity.INFO,
        confirmations=0 if prior is None else prior.confirmations,
    )


def report_unanswered(judgement: Judgement, prior: Finding | None) -> None:
    judgement.found(
        BreakKind.MISSING_AT_VENUE,
        Reason.QUERY_UNANSWERED,
        "live locally, not in the venue's open orders, and the venue did not say what became of it: unchanged",
        local={"status": judgement.before.status},
        confirmations=0 if prior is None else prior.confirmations,
    )


def report_discounted(judgement: Judgement) -> None:
    changed = judgement.facts.account_changed
    judgement.found(
        BreakKind.MISSING_AT_VENUE,
        Reason.ACCOUNT_CHANGED if changed else Reason.MASS_ABSENCE,
        "absent at the venue, but "
        + ("another account answered" if changed else "so are most live orders")
        + ": it does not count",
        local={"status": judgement.before.status},
        severity=Severity.ERROR,
        restarted=True,
    )


def count_absence(judgement: Judgement, prior: Finding | None) -> None:
    facts, venue, outcome, order = judgement.facts, judgement.venue, judgement.outcome, judgement.before
    policy = facts.policy
    confirmations = min(1 + (0 if prior is None else prior.confirmations), policy.absence_confirmations)
    age_ns = 0 if prior is None else facts.now_ns - to_ns(prior.first_seen_at)
    enough = confirmations >= policy.absence_confirmations and age_ns >= round(
        policy.absence_min_age_s * NS_PER_S
    )
    reason, message = (
        Reason.ABSENT_UNCONFIRMED,
        f"absent at the venue, confirmed {confirmations} of {policy.absence_confirmations} times",
    )
    if enough and has_question(venue, outcome, order):
        reason, message = (
            Reason.ABSENT_QUESTION_OPEN,
            "absence is confirmed; a question about the order is open",
        )
    elif enough:
        refusal = _refusal(facts, venue, judgement.index, order)
        if refusal is None:
            _end_by_policy(judgement, confirmations)
            return
        reason, message = refusal
    judgement.found(
        BreakKind.MISSING_AT_VENUE,
        reason,
        message,
        local={"status": order.status},
        severity=Severity.ERROR if enough else Severity.WARN,
        confirmations=confirmations,
        restarted=prior is None,
    )


def _refusal(facts: Facts, venue: VenueSide, index: int, order: LocalOrder) -> tuple[Reason, str] | None:
    """Why confirmed absence does not end the order; null where it may."""
    if facts.policy.on_confirmed_absence is OnConfirmedAbsence.HOLD:
        return Reason.ABSENT_HELD, "absence is confirmed; the policy holds the order for a person"
    if order.status not in CANCELABLE:  # a request of the bot's own is under way
        return Reason.ABSENT_IN_TRANSITION, f"absence is confirmed; locally {order.status}: left for a person"
    history = facts.snapshot.venue.history
    if index in venue.fills_of:
        return Reason.ABSENT_BUT_FILLED, "absence is confirmed, but the venue's history holds a fill of it"
    if history.state is ReadState.FAILED and history.error == NOT_READ:
        return None  # this venue's fill history cannot be read: there is nothing that could contradict
    if not facts.fills_are_complete_since(order.submitted_at):
        return (
            Reason.ABSENT_HISTORY_INCOMPLETE,
            "absence is confirmed, but the fill history is not complete since the order's submission",
        )
    return None


def _end_by_policy(judgement: Judgement, confirmations: int) -> None:
    order = judgement.before
    never_acknowledged = known_id(order.venue_order_id) is None and amount(order.filled_qty) == 0
    status = Status.REJECTED if never_acknowledged else Status.CANCELED
    judgement.found(
        BreakKind.MISSING_AT_VENUE,
        Reason.ABSENT_BY_POLICY,
        f"absent at the venue {confirmations} times over the policy's age: {status} by policy, not venue-confirmed",
        local={"status": order.status},
        corrected=True,
        confirmations=confirmations,
    )
    judgement.correct(
        CorrectionKind.SET_STATUS,
        BreakKind.MISSING_AT_VENUE,
        Reason.ABSENT_BY_POLICY,
        changes={"status": status},
    )
    judgement.notify(NotificationKind.CANCEL, Reason.ABSENT_BY_POLICY)
