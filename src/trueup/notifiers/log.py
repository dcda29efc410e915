"""The first sink of alerts: the log, at once."""

import logging

from trueup.engine.events import Event, log_event
from trueup.model.plan import Alert

_LEVELS = {"INFO": logging.INFO, "WARN": logging.WARNING}


class LogNotifier:
    """Implements `ports.notifier.AlertLog`."""

    async def alert(self, profile_id: str, alert: Alert) -> None:
        fields = {
            "profile_id": profile_id,
            "type": alert.type,
            "severity": alert.severity,
            "alert": alert.message,
            "dedupe_key": alert.dedupe_key,
        }
        log_event(Event.ALERT, fields, level=_LEVELS.get(alert.severity, logging.ERROR))
