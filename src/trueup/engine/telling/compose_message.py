"""One alert in words: a title, the reason in a sentence, the next command, the page.

Decides what a person can do next, by what the alert is about. Venue text stays as it is: who shows it escapes it.
"""

from typing import assert_never
from urllib.parse import quote

from trueup.model.alert_message import AlertAbout, AlertMessage, MessageKind
from trueup.model.ids import break_reference, digest
from trueup.model.vocabulary import AlertCause, Severity
from trueup.ports.records import AlertChange, AlertRecord

_ABOUT_ALL = AlertAbout(kind=AlertCause.OTHER.value)


def compose_message(change: AlertChange, link: str | None) -> AlertMessage:
    """`link`: the dashboard's address; null: there is none to point to."""
    record, kind = change.record, change.kind
    about, key = record.about or _ABOUT_ALL, record.alert.dedupe_key
    since = record.began_at or record.raised_at
    facts = [record.profile_id, key, since, kind.value]
    if kind is MessageKind.AGAIN:
        facts.append(record.told_at or "")
    return AlertMessage(
        message_id=digest(*facts),
        key=about.break_id or key,
        kind=kind,
        severity=Severity(record.alert.severity.lower()),
        profile_id=record.profile_id,
        about=about,
        title=_title(record, about, kind),
        reason=record.alert.message,
        since=since,
        next_step=_next_step(record, about, kind),
        link=_link(record, about, link),
    )


def _title(record: AlertRecord, about: AlertAbout, kind: MessageKind) -> str:
    what = about.kind.replace("_", " ") if about.kind != AlertCause.OTHER.value else "not kept true"
    name = f"{record.profile_id}: {what}" + (f" {about.symbol}" if about.symbol else "")
    match kind:
        case MessageKind.RECOVERED:
            return f"over: {name}"
        case MessageKind.AGAIN:
            return f"again: {name}"
        case MessageKind.RAISED | MessageKind.DIGEST | MessageKind.TEST:
            return name
        case _:
            assert_never(kind)


def _next_step(record: AlertRecord, about: AlertAbout, kind: MessageKind) -> str | None:
    if kind is MessageKind.RECOVERED:
        return None
    if about.break_id is not None:
        return f"trueup explain {break_reference(about.break_id)}"
    if about.kind == AlertCause.CIRCUIT_BREAKER.value:
        return f"trueup apply --profile {record.profile_id}"
    return f"trueup breaks --profile {record.profile_id}"


def _link(record: AlertRecord, about: AlertAbout, link: str | None) -> str | None:
    if link is None:
        return None
    if about.break_id is not None:
        return f"{link}/explain/{quote(about.break_id, safe='')}"
    return f"{link}/profile/{quote(record.profile_id, safe='')}"
