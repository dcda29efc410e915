"""A hundred services by apprise, an extra: what is due together is one message, in plain words.

Decides how a message reads on a phone, and that nothing in it calls anybody: text of a venue may hold "@everyone" or a
tag that a service would follow.
"""

import asyncio
import logging
from collections.abc import Sequence

import apprise

from trueup.model.alert_message import AlertMessage, MessageKind
from trueup.model.errors import ConfigError
from trueup.model.harmless import visible
from trueup.model.vocabulary import Severity
from trueup.notifiers.settings import only, read
from trueup.ports.notifier import Notifier, NotifierSettings
from trueup.webhooks.post import PerhapsTold

AT_A_TIME = 20
_TYPES = {
    Severity.INFO: apprise.NotifyType.INFO,
    Severity.WARN: apprise.NotifyType.WARNING,
    Severity.ERROR: apprise.NotifyType.FAILURE,
}
_CALLING = str.maketrans({"@": "＠", "<": "‹", ">": "›"})


class AppriseNotifier:
    """Implements `ports.notifier.Notifier`."""

    at_a_time = AT_A_TIME

    def __init__(self, sender: apprise.Apprise, timeout_s: float) -> None:
        self._sender = sender
        self._timeout_s = timeout_s

    async def tell(self, messages: Sequence[AlertMessage]) -> None:
        body = "\n\n".join(_text(one) for one in messages)
        try:
            async with asyncio.timeout(self._timeout_s):
                taken = await self._sender.async_notify(
                    body=body,
                    title=_title(messages),
                    notify_type=_type(messages),
                    body_format=apprise.NotifyFormat.TEXT,
                )
        except TimeoutError:
            raise PerhapsTold(f"no answer within {self._timeout_s:g} s") from None
        if not taken:  # it says no more, and what it logs may hold the address
            raise PerhapsTold("the service did not take it")

    async def aclose(self) -> None: ...


def _title(messages: Sequence[AlertMessage]) -> str:
    if len(messages) == 1:
        return _safe(f"{_word(messages[0])} {messages[0].title}")
    errors = sum(one.severity is Severity.ERROR and not _is_over(one) for one in messages)
    over = sum(_is_over(one) for one in messages)
    counts = [
        "1 error" if errors == 1 else f"{errors} errors" if errors else "",
        f"{over} over" if over else "",
    ]
    return f"trueup: {len(messages)} alerts" + "".join(f", {one}" for one in counts if one)


def _text(one: AlertMessage) -> str:
    lines = [_safe(f"{_word(one)} {one.title}"), _safe(one.reason)]
    if one.about.at_stake is not None:
        lines.append(f"at stake: {one.about.at_stake}")
    if one.kind in (MessageKind.RAISED, MessageKind.AGAIN, MessageKind.RECOVERED):
        lines.append(f"since {one.since[:10]} {one.since[11:19]} UTC")
    lines += [f"next: {_safe(one.next_step)}"] if one.next_step else []
    lines += [one.link] if one.link else []
    lines += ["(possibly told before)"] if one.possibly_repeated else []
    return "\n".join(lines)


def _word(one: AlertMessage) -> str:
    return "OK" if _is_over(one) else one.severity.upper()


def _is_over(one: AlertMessage) -> bool:
    return one.kind is MessageKind.RECOVERED


def _type(messages: Sequence[AlertMessage]) -> apprise.NotifyType:
    if all(_is_over(one) for one in messages):
        return apprise.NotifyType.SUCCESS
    worst = max((one.severity for one in messages if not _is_over(one)), key=list(_TYPES).index)
    return _TYPES[worst]


def _safe(text: str) -> str:
    """In one line or as it is laid out, without what a service could take for a call or a tag."""
    return "\n".join(visible(line) for line in text.split("\n")).translate(_CALLING)


def open_notifier(settings: NotifierSettings) -> Notifier:
    """Raises ConfigError, which never holds the address."""
    only(settings, options=(), credentials=("url",))
    logging.getLogger("apprise").setLevel(logging.CRITICAL)  # its warnings hold addresses
    sender = apprise.Apprise()
    if (
        not sender.add(read(settings, "url")) or len(sender) != 1
    ):  # of several, one could miss what another has
        raise ConfigError(
            f"alerts.to.{settings.name}: expected the one address of a service that apprise knows, such as"
            " ntfy://topic; a further service is a further notifier"
        )
    return AppriseNotifier(sender, settings.timeout_s)
