"""The integrity watchdog: too much is missing locally, or too many trades cannot be repaired."""

from trueup.core.draft.add_alert import add_alert
from trueup.core.draft.facts import Facts
from trueup.core.draft.outcome import RunOutcome
from trueup.model.vocabulary import AlertCause


def check_watchdog(facts: Facts, outcome: RunOutcome) -> None:
    """Trip on the thresholds, or on a confirmed position mismatch. Throttling the alert is the engine's."""
    policy = facts.policy
    if not policy.watchdog_enabled:
        return
    missing, no_go = outcome.counted("missing_locally"), outcome.counted("no_go_trades")
    by_count = missing >= policy.watchdog_missing_locally_min or no_go >= policy.watchdog_no_go_min
    if not by_count and not outcome.parity.watchdog_triggered:
        return
    outcome.watchdog_triggered = True
    add_alert(
        facts,
        outcome,
        "watchdog",
        f"integrity watchdog: missing locally {missing} (threshold {policy.watchdog_missing_locally_min}),"
        f" no-go trades {no_go} (threshold {policy.watchdog_no_go_min}),"
        f" position mismatches confirmed: {'yes' if outcome.parity.watchdog_triggered else 'no'}",
        cause=AlertCause.WATCHDOG,
    )
