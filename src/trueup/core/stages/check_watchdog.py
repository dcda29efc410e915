"""The integrity watchdog: too much is missing locally, or too many trades cannot be repaired."""

from trueup.core.draft.add_alert import add_alert
from trueup.core.draft.draft import Draft
from trueup.model.vocabulary import AlertCause


def check_watchdog(draft: Draft) -> None:
    """Trip on the thresholds, or on a confirmed position mismatch. Throttling the alert is the engine's."""
    policy = draft.policy
    if not policy.watchdog_enabled:
        return
    missing, no_go = draft.counted("missing_locally"), draft.counted("no_go_trades")
    by_count = missing >= policy.watchdog_missing_locally_min or no_go >= policy.watchdog_no_go_min
    if not by_count and not draft.parity.watchdog_triggered:
        return
    draft.watchdog_triggered = True
    add_alert(
        draft,
        "watchdog",
        f"integrity watchdog: missing locally {missing} (threshold {policy.watchdog_missing_locally_min}),"
        f" no-go trades {no_go} (threshold {policy.watchdog_no_go_min}),"
        f" position mismatches confirmed: {'yes' if draft.parity.watchdog_triggered else 'no'}",
        cause=AlertCause.WATCHDOG,
    )
