"""When each alert was last told, and whether it still stands: what must survive a restart. Decides nothing."""

from collections.abc import Sequence

import msgspec

from trueup.ledgers.sql.database import Database, read_document, text_value
from trueup.model.plan import Alert
from trueup.ports.records import AlertRecord

_ALERT = msgspec.json.Decoder(Alert)


def list_alerts(database: Database, profile_id: str | None) -> list[AlertRecord]:
    return [
        AlertRecord(
            profile_id=text_value(owner),
            alert=read_document(_ALERT, alert),
            raised_at=text_value(raised_at),
            stands=bool(stands),
        )
        for owner, raised_at, stands, alert in database.rows("alerts", profile_id)
    ]


def keep_alerts(database: Database, alerts: Sequence[AlertRecord]) -> None:
    rows = [
        (
            one.profile_id,
            one.alert.dedupe_key,
            one.raised_at,
            int(one.stands),
            msgspec.json.encode(one.alert).decode(),
        )
        for one in alerts
    ]
    with database.transaction():
        database.write_many("set_alert", rows)
