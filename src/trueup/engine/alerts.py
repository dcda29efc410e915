"""Which alerts reach a person, and when: raised on change, reminded of at a throttled pace, recovered once.

An alert's key stays raised while each run of its profile raises it again. Deferrals become an alert when they last.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from trueup.engine.events import Event, log_event
from trueup.model.plan import Alert, Deferral, Plan
from trueup.model.times import NS_PER_S, to_ns
from trueup.ports import Notifier

THROTTLE_S = 600.0  # the reference service's 10 minutes
DEFERRAL_AGE_MAX_S = 60  # design.md, "Order of reads"
DEGRADED = "RECONCILIATION_DEGRADED"
RECOVERED = "RECONCILIATION_RECOVERED"


@dataclass(slots=True)
class _Raised:
    alert: Alert
    sent_ns: int
    standing: bool = True


class AlertBook:
    """What was raised for every profile, kept over the runs of one process."""

    def __init__(self, notifier: Notifier, throttle_s: float = THROTTLE_S) -> None:
        self._notifier = notifier
        self._throttle_ns = int(throttle_s * NS_PER_S)
        self._raised: dict[tuple[str, str], _Raised] = {}

    async def update(self, profile_id: str, alerts: Sequence[Alert], now_ns: int) -> None:
        """Takes the alerts of one run of a profile: sends the new and the due ones, and the recoveries."""
        current = {alert.dedupe_key: alert for alert in alerts}
        for alert in current.values():
            await self._raise(profile_id, alert, now_ns)
        for (owner, key), raised in self._raised.items():
            if owner == profile_id and raised.standing and key not in current:
                raised.standing = False
                await self._send(Event.ALERT_RECOVERED, profile_id, _recovery(raised.alert))

    async def _raise(self, profile_id: str, alert: Alert, now_ns: int) -> None:
        raised = self._raised.get((profile_id, alert.dedupe_key))
        if raised is not None and now_ns - raised.sent_ns < self._throttle_ns:
            raised.alert = alert
            return  # a flapping alert neither recovers nor is raised again within its throttle
        self._raised[profile_id, alert.dedupe_key] = _Raised(alert, now_ns)
        await self._send(Event.ALERT_RAISED, profile_id, alert)

    async def _send(self, event: Event, profile_id: str, alert: Alert) -> None:
        fields = {"type": alert.type, "severity": alert.severity, "dedupe_key": alert.dedupe_key}
        try:
            await self._notifier.alert(profile_id, alert)
        except Exception as error:  # noqa: BLE001 - a sink of somebody else's must not spoil a run
            log_event(Event.ALERT_FAILED, error=error, profile_id=profile_id, **fields)
            return
        log_event(event, profile_id=profile_id, **fields)


class DeferralAges:
    """Since when each deferred order has been deferred."""

    def __init__(self) -> None:
        self._since: dict[str, dict[Deferral, int]] = {}

    def update(self, profile_id: str, plan: Plan) -> list[Alert]:
        """Takes the deferrals of one run; returns an alert for each reason that has lasted too long."""
        now_ns, before = to_ns(plan.taken_at), self._since.get(profile_id, {})
        since = {deferral: before.get(deferral, now_ns) for deferral in plan.deferred}
        self._since[profile_id] = since
        oldest: dict[str, int] = {}
        for deferral, first_ns in since.items():
            oldest[deferral.reason] = min(first_ns, oldest.get(deferral.reason, now_ns))
        ages = {reason: (now_ns - first_ns) // NS_PER_S for reason, first_ns in oldest.items()}
        return [
            _deferral_alert(profile_id, reason, age)
            for reason, age in ages.items()
            if age > DEFERRAL_AGE_MAX_S
        ]


def degraded(profile_id: str, cause: str, message: str, severity: str = "ERROR") -> Alert:
    """The alert that a profile is not kept true at present; one key per profile and cause."""
    return Alert(type=DEGRADED, severity=severity, message=message, dedupe_key=f"{profile_id}:{cause}")


def _deferral_alert(profile_id: str, reason: str, age_s: int) -> Alert:
    message = f"orders have been deferred as {reason} for {age_s} s; `trueup explain` shows why"
    return degraded(profile_id, f"deferred:{reason}", message, "WARN")


def _recovery(alert: Alert) -> Alert:
    return Alert(
        type=RECOVERED, severity="INFO", message=f"over: {alert.message}", dedupe_key=alert.dedupe_key
    )
