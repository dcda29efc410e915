"""PagerDuty's Events API v2: an incident for each alert, under its key, resolved when it is over.

https://developer.pagerduty.com/docs/events-api-v2: `dedup_key` has at most 255 characters, `summary` 1024. The same
event twice is one incident there.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from trueup.model.alert_message import AlertMessage, MessageKind
from trueup.model.harmless import visible
from trueup.model.ids import digest
from trueup.model.vocabulary import Severity
from trueup.notifiers.settings import only, read
from trueup.ports.notifier import Notifier, NotifierSettings
from trueup.webhooks.post import Poster, check_url

EVENTS_URL = "https://events.pagerduty.com/v2/enqueue"
KEY_CHARS_MAX = 255
SUMMARY_CHARS_MAX = 1024
_SEVERITIES: Mapping[Severity, str] = {
    Severity.INFO: "info",
    Severity.WARN: "warning",
    Severity.ERROR: "error",
}
_ENDING = (MessageKind.RECOVERED,)


class PagerDutyNotifier:
    """Implements `ports.notifier.Notifier`."""

    at_a_time = 1

    def __init__(self, url: str, routing_key: str, source: str, poster: Poster) -> None:
        self._url = url
        self._routing_key = routing_key
        self._source = source
        self._poster = poster

    async def tell(self, messages: Sequence[AlertMessage]) -> None:
        for one in messages:
            await self._poster.post(self._url, msgspec.json.encode(self._event(one)), {})

    async def aclose(self) -> None:
        await self._poster.aclose()

    def _event(self, one: AlertMessage) -> dict[str, Any]:
        key = one.key if len(one.key) <= KEY_CHARS_MAX else digest(one.key)
        event: dict[str, Any] = {
            "routing_key": self._routing_key,
            "event_action": "resolve" if one.kind in _ENDING else "trigger",
            "dedup_key": key,
        }
        if one.kind in _ENDING:
            return event
        details = {
            "reason": visible(one.reason),
            "at_stake": one.about.at_stake,
            "profile": one.profile_id,
            "next_step": one.next_step,
            "message_id": one.message_id,
            "possibly_repeated": one.possibly_repeated,
        }
        payload = {
            "summary": visible(f"{one.title}: {one.reason}")[:SUMMARY_CHARS_MAX],
            "source": self._source,
            "severity": _SEVERITIES[one.severity],
            "timestamp": one.since,
            "component": one.profile_id,
            "class": one.about.kind,
            "custom_details": {name: value for name, value in details.items() if value is not None},
        }
        links = [] if one.link is None else [{"href": one.link, "text": "trueup"}]
        return event | {"client": "trueup", "payload": payload, "links": links}


def open_notifier(settings: NotifierSettings) -> Notifier:
    """Raises ConfigError."""
    only(settings, options=("url", "source"), credentials=("routing_key",))
    url = check_url(read(settings, "url", EVENTS_URL), f"alerts.to.{settings.name}.url")
    source = read(settings, "source", "trueup")
    return PagerDutyNotifier(url, read(settings, "routing_key"), source, Poster(settings.timeout_s))
