"""An executor over HTTP: every notification as a signed webhook, with the outbox's promises.

At least once, in the order of each trade, under the notification's own id; what is not taken with a 2xx is tried again
by the outbox and holds back its own trade. docs/how-to/webhook.md has the document and two receivers.
"""

import msgspec

from trueup.model.plan import Notification
from trueup.model.times import NS_PER_S
from trueup.ports.clock import Clock
from trueup.ports.records import OutboxItem
from trueup.webhooks.post import Poster
from trueup.webhooks.sign import signed_headers

FORMAT = "trueup.notification/1"
AT_A_TIME = 8


class WebhookExecutor:
    """Implements `ports.executor.RemoteExecutor`."""

    at_a_time = AT_A_TIME

    def __init__(self, url: str, key: bytes, poster: Poster, clock: Clock) -> None:
        self._url = url
        self._key = key
        self._poster = poster
        self._clock = clock

    async def deliver(self, item: OutboxItem) -> None:
        head = {
            "format": FORMAT,
            "profile_id": item.profile_id,
            "run_id": item.run_id,
            "attempt": item.attempts + 1,
        }
        await self._post(item.notification, head)

    async def reconcile_entry_fill(self, notification: Notification) -> None:
        await self._post(notification, {"format": FORMAT})

    reconcile_exit_fill = reconcile_cancel = reconcile_entry_fill

    async def aclose(self) -> None:
        await self._poster.aclose()

    async def _post(self, notification: Notification, head: dict[str, object]) -> None:
        body = msgspec.json.encode(head | msgspec.to_builtins(notification))
        now_s = self._clock.now_ns() // NS_PER_S
        headers = signed_headers(self._key, notification.notification_id, now_s, body)
        await self._poster.post(self._url, body, headers)
