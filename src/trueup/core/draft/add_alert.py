"""One alert of the plan, under the key by which it is told once. When it is told again, the engine says."""

from trueup.core.draft.facts import Facts
from trueup.core.draft.outcome import RunOutcome
from trueup.model.ids import alert_key
from trueup.model.plan import DEGRADED, Alert
from trueup.model.vocabulary import AlertCause


def add_alert(
    facts: Facts,
    outcome: RunOutcome,
    key: str,
    message: str,
    severity: str = "ERROR",
    *,
    cause: AlertCause = AlertCause.OTHER,
) -> None:
    outcome.alerts.append(
        Alert(
            type=DEGRADED,
            severity=severity,
            message=f"{facts.profile.profile_id}: {message}",
            dedupe_key=alert_key(facts.profile.profile_id, key),
            cause=cause,
        )
    )
