"""When each alert was last told, and whether it still stands: what must survive a restart.

What people are told is committed with it. Decides only that what was put off, and is over before anybody tried to tell
it, is told no more.
"""

from collections.abc import Iterator, Sequence

import msgspec

from trueup.ledgers.sql.database import Database, Value, optional_text, read_document, stamp, text_value
from trueup.ledgers.sql.rows import json_list
from trueup.model.alert_message import AlertAbout
from trueup.model.plan import Alert
from trueup.model.times import padded
from trueup.ports.records import AlertRecord, NewDelivery

_ALERT = msgspec.json.Decoder(Alert)
_ABOUT = msgspec.json.Decoder(AlertAbout)


def list_alerts(database: Database, profile_ids: Sequence[str] | None) -> list[AlertRecord]:
    """Null: of all profiles."""
    wanted = None if profile_ids is None else json_list(profile_ids)
    return [
        AlertRecord(
            profile_id=text_value(owner),
            alert=read_document(_ALERT, alert),
            raised_at=text_value(raised_at),
            stands=bool(stands),
            began_at=optional_text(began_at),
            told_at=optional_text(told_at),
            about=None if about is None else read_document(_ABOUT, about),
        )
        for owner, raised_at, stands, alert, began_at, told_at, about in database.rows("alerts", wanted)
    ]


def alerts_of(database: Database, profile_ids: Sequence[str]) -> dict[str, list[AlertRecord]]:
    """By profile id; those without any are left out."""
    found: dict[str, list[AlertRecord]] = {}
    for one in list_alerts(database, profile_ids):
        found.setdefault(one.profile_id, []).append(one)
    return found


def keep_alerts(
    database: Database, alerts: Sequence[AlertRecord], deliveries: Sequence[NewDelivery] = ()
) -> None:
    with database.transaction():
        database.write_many("set_alert", [_row(one) for one in alerts])
        database.write_many("insert_delivery", list(_rows_of(database, deliveries)))


def _row(one: AlertRecord) -> tuple[Value, ...]:
    return (
        one.profile_id,
        one.alert.dedupe_key,
        one.raised_at,
        int(one.stands),
        msgspec.json.encode(one.alert).decode(),
        one.began_at,
        one.told_at,
        None if one.about is None else msgspec.json.encode(one.about).decode(),
    )


def _rows_of(database: Database, deliveries: Sequence[NewDelivery]) -> Iterator[tuple[Value, ...]]:
    now = stamp(database.now_ns()) if deliveries else ""
    for one in deliveries:
        key = one.message.key
        if one.ends_untold and database.write("withdraw_deliveries", one.notifier, key, now):
            continue
        message = msgspec.json.encode(one.message).decode()
        yield one.delivery_id, one.notifier, key, message, now, padded(one.not_before)
