"""Last stage: what a person has to be told now. De-duplicated by key; throttling and delivery are the engine's."""

from trueup.core.check_limits import check_limits
from trueup.core.draft.add_alert import add_alert
from trueup.core.draft.facts import Facts
from trueup.core.draft.outcome import RunOutcome
from trueup.model.reasons import Reason
from trueup.model.times import NS_PER_S, to_ns
from trueup.model.vocabulary import AlertCause, BreakKind, DeferralReason, ReadFault, Severity

# Kinds that become a break of their own once they have stood long enough: no alert about a long deferral beside it.
_TOLD_IN_TIME: frozenset[BreakKind] = frozenset({BreakKind.END_UNKNOWN})
DEFERRAL_AGE_MAX_S = 60  # design.md, "Order of reads": an older deferral raises an alert


def raise_alerts(facts: Facts, outcome: RunOutcome) -> None:
    """Alerts for what persists or endangers: mass absence, a changed account, a venue that stays behind, the limits."""
    if facts.account_changed:
        recorded, answered = facts.snapshot.venue.recorded_account_id, facts.snapshot.venue.account_id
        add_alert(
            facts,
            outcome,
            "account_changed",
            f"account {recorded} was recorded, {answered} answered: nothing it lacks counts",
        )
    if outcome.mass_absence is not None:
        vanished, live = outcome.mass_absence
        add_alert(
            facts,
            outcome,
            "mass_absence",
            f"{vanished} of {live} live orders vanished at once: their absence does not count",
        )
    behind, error = BreakKind.VENUE_BEHIND, Severity.ERROR
    for one in [each for each in outcome.open_breaks if each.kind is behind and each.severity is error]:
        add_alert(
            facts,
            outcome,
            f"venue_behind:{one.break_id}",
            f"{one.message} (order {one.venue_order_id or one.client_order_id})",
        )
    reads = facts.snapshot.venue
    for stage, skipped, read in (
        ("coverage", outcome.coverage.skipped_reason, reads.history),
        ("exit_backfill", outcome.exit_backfill.skipped_reason, reads.positions),
    ):
        if read.fault is ReadFault.NOT_GIVEN and skipped != "disabled":
            continue  # who audits files knows which of them there are
        if skipped is not None and not facts.account_changed:  # the changed account has an alert of its own
            severity = "ERROR" if skipped == "disabled" else "WARN"
            add_alert(facts, outcome, f"{stage}:{skipped}", f"stage {stage} was skipped: {skipped}", severity)
    _alert_long_deferrals(facts, outcome)
    reason = check_limits(outcome.corrections, facts.policy, _quotes(facts, outcome))
    if reason is not None:
        add_alert(
            facts,
            outcome,
            "circuit_breaker",
            f"{reason}: nothing is applied until a person does (trueup apply)",
            cause=AlertCause.CIRCUIT_BREAKER,
        )


def _alert_long_deferrals(facts: Facts, outcome: RunOutcome) -> None:
    """One alert per reason for what has been deferred, or waited for an answer, for too long."""
    waiting: dict[str, list[str]] = {}
    known, unanswered = outcome.break_versions, Reason.LIVE_LOCALLY_NOT_IN_OPEN_ORDERS
    rows = [
        (reason, break_id, kind, ids)
        for reason, break_id, kind, ids, _ in outcome.waiting
        if break_id not in known and kind not in _TOLD_IN_TIME
    ]
    rows += [
        (
            DeferralReason.QUERY_OPEN,
            one.break_id,
            one.kind,
            (one.client_order_id, one.venue_order_id, one.trade_id),
        )
        for one in outcome.open_breaks
        if one.reason == unanswered
    ]
    for reason, break_id, kind, ids in rows:
        prior = facts.prior_of(break_id, kind, ids)
        if prior is not None and facts.now_ns - to_ns(prior.first_seen_at) > DEFERRAL_AGE_MAX_S * NS_PER_S:
            waiting.setdefault(reason, []).append(ids[1] or ids[0] or "")
    for why, orders in waiting.items():
        add_alert(
            facts,
            outcome,
            f"deferred:{why}",
            f"{len(orders)} orders deferred ({why}) for more than {DEFERRAL_AGE_MAX_S} s, first {min(orders)}",
        )


def _quotes(facts: Facts, outcome: RunOutcome) -> dict[str, str | None]:
    """The quote currency of each order that grows, by break id; asked for only where the notional is limited."""
    if facts.policy.notional_max_usd is None:
        return {}
    symbols = {one.break_id: one.symbol for one in outcome.breaks}
    return {break_id: facts.quote_currency(symbol) for break_id, symbol in symbols.items()}
