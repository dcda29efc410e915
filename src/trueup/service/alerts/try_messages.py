"""What `trueup alerts test` sends: one message of each severity, marked as a try, and its end."""

from msgspec.structs import replace

from trueup.model.alert_message import AlertAbout, AlertMessage, MessageKind
from trueup.model.ids import digest
from trueup.model.times import from_ns
from trueup.model.vocabulary import Severity

TEST = "test"


def try_messages(notifier: str, now_ns: int, link: str | None) -> list[AlertMessage]:
    """Each ends at once, so that no incident of a try stays open."""
    now, messages = from_ns(now_ns), []
    for severity in Severity:
        key = f"{TEST}:{notifier}:{severity}:{now}"
        raised = AlertMessage(
            message_id=digest(key),
            key=key,
            kind=MessageKind.TEST,
            severity=severity,
            profile_id=None,
            about=AlertAbout(kind=TEST, at_stake="123.45"),
            title=f"a try of trueup's alerts ({severity})",
            reason="`trueup alerts test` sent this; nothing is wrong",
            since=now,
            next_step="trueup status",
            link=link,
        )
        over = replace(
            raised, message_id=digest(key, "over"), kind=MessageKind.RECOVERED, title=f"over: {raised.title}"
        )
        messages += [raised, over]
    return messages
