"""One alert of the plan, under the key by which it is told once. When it is told again, the engine says."""

from trueup.core.draft.draft import Draft
from trueup.model.ids import alert_key
from trueup.model.plan import DEGRADED, Alert
from trueup.model.vocabulary import AlertCause


def add_alert(
    draft: Draft, key: str, message: str, severity: str = "ERROR", *, cause: AlertCause = AlertCause.OTHER
) -> None:
    draft.alerts.append(
        Alert(
            type=DEGRADED,
            severity=severity,
            message=f"{draft.profile.profile_id}: {message}",
            dedupe_key=alert_key(draft.profile.profile_id, key),
            cause=cause,
        )
    )
