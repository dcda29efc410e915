"""Which alerts reach a person, and when: raised on change, reminded of at a throttled pace, recovered once.

An alert stands from when it was told until a run that saw everything does not raise it any more. What was told is kept
in the journal, so that a restart neither repeats it nor forgets that it has to recover; while the journal cannot be
read or written this process remembers.
"""

import logging
from collections.abc import Sequence
from contextlib import suppress

from msgspec.structs import replace

from trueup.engine.events import Event, log_event
from trueup.engine.in_thread import in_thread
from trueup.model.errors import LedgerError
from trueup.model.ids import alert_key
from trueup.model.plan import Alert
from trueup.model.times import NS_PER_S, from_ns, to_ns
from trueup.model.vocabulary import AlertCause
from trueup.ports.journal import Journal
from trueup.ports.notifier import Notifier
from trueup.ports.records import AlertRecord

THROTTLE_S = 600.0  # the reference service's 10 minutes, per profile, stage and reason
WATCHDOG_THROTTLE_S = 600.0  # the same, per profile
DEGRADED = "RECONCILIATION_DEGRADED"
RECOVERED = "RECONCILIATION_RECOVERED"


class AlertBook:
    """Tells a notifier what it has not heard yet. A throttle of 0: every time."""

    def __init__(
        self,
        notifier: Notifier,
        journal: Journal,
        throttle_s: float = THROTTLE_S,
        watchdog_throttle_s: float = WATCHDOG_THROTTLE_S,
    ) -> None:
        self._notifier = notifier
        self._journal = journal
        self._throttle_s = throttle_s
        self._watchdog_throttle_s = watchdog_throttle_s
        self._known: dict[str, list[AlertRecord]] = {}
        self._unkept: dict[
            str, dict[str, AlertRecord]
        ] = {}  # told, and the journal could not be written since

    async def update(
        self, profile_id: str, alerts: Sequence[Alert], now_ns: int, *, saw_everything: bool
    ) -> None:
        """Takes the alerts of one run of a profile: tells the new, the due and the recovered ones.

        What a run does not raise has recovered only where that run saw everything: a failed read proves nothing.
        """
        known = {one.alert.dedupe_key: one for one in await self._read(profile_id)}
        raised = {alert.dedupe_key: alert for alert in alerts}
        told = [
            AlertRecord(profile_id=profile_id, alert=alert, raised_at=from_ns(now_ns), stands=True)
            for key, alert in raised.items()
            if self._is_due(profile_id, alert, known.get(key), now_ns) and await self._tell(profile_id, alert)
        ]
        over = [
            replace(one, stands=False)
            for key, one in (known.items() if saw_everything else ())
            if one.stands and key not in raised and await self._tell(profile_id, _recovery(one.alert))
        ]
        if told or over:
            await self._keep(profile_id, known, [*told, *over])

    def _is_due(self, profile_id: str, alert: Alert, known: AlertRecord | None, now_ns: int) -> bool:
        """New, or told long enough ago; one that flaps is not told again within its throttle.

        What was told later than now was told by a clock that has been put back since: it may be told.
        """
        is_watchdog = alert.cause is AlertCause.WATCHDOG
        throttle_s = self._watchdog_throttle_s if is_watchdog else self._throttle_s
        if known is None:
            return True
        age_ns = now_ns - to_ns(known.raised_at)
        return age_ns < 0 or age_ns >= round(throttle_s * NS_PER_S)

    async def _read(self, profile_id: str) -> list[AlertRecord]:
        with suppress(LedgerError):  # then the run itself has failed, and that is what has to be told
            kept = {
                one.alert.dedupe_key: one for one in await in_thread(self._journal.list_alerts, profile_id)
            }
            self._known[profile_id] = list((kept | self._unkept.get(profile_id, {})).values())
        return self._known.get(profile_id, [])

    async def _keep(
        self, profile_id: str, known: dict[str, AlertRecord], changed: Sequence[AlertRecord]
    ) -> None:
        self._known[profile_id] = list((known | {one.alert.dedupe_key: one for one in changed}).values())
        unkept = self._unkept.pop(profile_id, {}) | {one.alert.dedupe_key: one for one in changed}
        try:
            await in_thread(self._journal.keep_alerts, list(unkept.values()))
        except LedgerError as error:
            self._unkept[profile_id] = unkept
            log_event(Event.ALERT_FAILED, {"profile_id": profile_id}, level=logging.WARNING, error=error)

    async def _tell(self, profile_id: str, alert: Alert) -> bool:
        """Whether the sink took it; one that it refused is tried again with the next run."""
        try:
            await self._notifier.alert(profile_id, alert)
        except Exception as error:  # noqa: BLE001 - a sink of somebody else's must not spoil a run
            fields = {"profile_id": profile_id, "type": alert.type, "alert": alert.message}
            log_event(Event.ALERT_FAILED, fields, level=logging.ERROR, error=error)
            return False
        return True


def degraded(profile_id: str, cause: str, message: str, severity: str = "ERROR") -> Alert:
    """The alert that a profile is not kept true at present; one key per profile and cause."""
    return Alert(type=DEGRADED, severity=severity, message=message, dedupe_key=alert_key(profile_id, cause))


def _recovery(alert: Alert) -> Alert:
    return Alert(
        type=RECOVERED, severity="INFO", message=f"over: {alert.message}", dedupe_key=alert.dedupe_key
    )
