"""Which alerts reach a person, and when: raised on change, reminded of at a throttled pace, recovered once.

An alert's key stays raised while each run of its profile raises it again.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from trueup.engine.events import Event, log_event
from trueup.engine.in_thread import in_thread
from trueup.model.errors import LedgerError
from trueup.model.plan import Alert
from trueup.model.times import NS_PER_S
from trueup.ports import Journal, Notifier

THROTTLE_S = 600.0  # the reference service's 10 minutes
DEFERRAL_AGE_MAX_S = 60  # design.md, "Order of reads"
DEGRADED = "RECONCILIATION_DEGRADED"
RECOVERED = "RECONCILIATION_RECOVERED"


@dataclass(slots=True)
class _Raised:
    alert: Alert
    sent_ns: int
    standing: bool = True  # raised by the profile's last judged run


class AlertBook:
    """What was raised for every profile, kept over the runs of one process; the journal throttles over restarts."""

    def __init__(self, notifier: Notifier, journal: Journal, throttle_s: float = THROTTLE_S) -> None:
        self._notifier = notifier
        self._journal = journal
        self._throttle_s = throttle_s
        self._raised: dict[tuple[str, str], _Raised] = {}

    async def update(self, profile_id: str, alerts: Sequence[Alert], now_ns: int, *, judged: bool) -> None:
        """Takes the alerts of one run of a profile: sends the new and the due ones.

        What is not raised again has recovered, but only where the run judged the profile to its end.
        """
        current = {alert.dedupe_key: alert for alert in alerts}
        due = [alert for alert in current.values() if self._is_due(profile_id, alert, now_ns)]
        for alert in await self._admitted(profile_id, due):
            await self._send(profile_id, alert)
        for (owner, key), raised in self._raised.items() if judged else ():
            if owner == profile_id and raised.standing and key not in current:
                raised.standing = False
                await self._send(profile_id, _recovery(raised.alert))

    def _is_due(self, profile_id: str, alert: Alert, now_ns: int) -> bool:
        """New, or raised long enough ago; one that flaps is not raised again within its throttle."""
        raised = self._raised.get((profile_id, alert.dedupe_key))
        if raised is not None and now_ns - raised.sent_ns < self._throttle_s * NS_PER_S:
            return False
        self._raised[profile_id, alert.dedupe_key] = _Raised(alert, now_ns)
        return True

    async def _admitted(self, profile_id: str, due: Sequence[Alert]) -> Sequence[Alert]:
        """Those that no other process, and none before a restart, has raised just now; all without the database."""
        if not due:
            return due
        try:
            return await in_thread(self._journal.admit_alerts, profile_id, due, self._throttle_s)
        except LedgerError:
            return due

    async def _send(self, profile_id: str, alert: Alert) -> None:
        try:
            await self._notifier.alert(profile_id, alert)
        except Exception as error:  # noqa: BLE001 - a sink of somebody else's must not spoil a run
            fields = {"profile_id": profile_id, "type": alert.type, "alert": alert.message}
            log_event(Event.ALERT_FAILED, fields, level=logging.ERROR, error=error)


def degraded(profile_id: str, cause: str, message: str, severity: str = "ERROR") -> Alert:
    """The alert that a profile is not kept true at present; one key per profile and cause."""
    return Alert(type=DEGRADED, severity=severity, message=message, dedupe_key=f"{profile_id}:{cause}")


def deferral_alert(profile_id: str, reason: str, age_s: int) -> Alert | None:
    """Deferring is normal for a moment; one that lasts is told."""
    if age_s <= DEFERRAL_AGE_MAX_S:
        return None
    message = f"orders have been deferred as {reason} for {age_s} s; `trueup explain` shows why"
    return degraded(profile_id, f"deferred:{reason}", message, "WARN")


def _recovery(alert: Alert) -> Alert:
    return Alert(
        type=RECOVERED, severity="INFO", message=f"over: {alert.message}", dedupe_key=alert.dedupe_key
    )
