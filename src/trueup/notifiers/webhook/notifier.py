"""A signed webhook: each message posted as JSON, with its id, to an address of the person's own.

docs/how-to/alerts.md has the document and how a receiver verifies it.
"""

from collections.abc import Sequence

import msgspec

from trueup.model.alert_message import AlertMessage
from trueup.model.times import NS_PER_S
from trueup.notifiers.settings import only, read
from trueup.ports.clock import Clock
from trueup.ports.notifier import Notifier, NotifierSettings
from trueup.webhooks.post import Poster, check_url
from trueup.webhooks.sign import signed_headers, signing_key

FORMAT = "trueup.alert/1"


class WebhookNotifier:
    """Implements `ports.notifier.Notifier`."""

    at_a_time = 1

    def __init__(self, url: str, key: bytes, poster: Poster, clock: Clock) -> None:
        self._url = url
        self._key = key
        self._poster = poster
        self._clock = clock

    async def tell(self, messages: Sequence[AlertMessage]) -> None:
        for one in messages:
            body = msgspec.json.encode({"format": FORMAT} | msgspec.to_builtins(one))
            now_s = self._clock.now_ns() // NS_PER_S
            await self._poster.post(self._url, body, signed_headers(self._key, one.message_id, now_s, body))

    async def aclose(self) -> None:
        await self._poster.aclose()


def open_notifier(settings: NotifierSettings) -> Notifier:
    """Raises ConfigError."""
    only(settings, options=("url",), credentials=("url", "secret"))
    place = f"alerts.to.{settings.name}"
    url = check_url(read(settings, "url"), f"{place}.url")
    key = signing_key(read(settings, "secret"), f"{place}.secret")
    return WebhookNotifier(url, key, Poster(settings.timeout_s), settings.clock)
