"""Rows of the journal that both writers make: a run, and a bot's or a person's write. A list is written as it stands in
the plan, as JSON, in one statement.
"""

from collections.abc import Collection

import msgspec

from trueup.ledgers.database import Database
from trueup.ledgers.rows import json_list

encode = msgspec.json.Encoder(order="deterministic").encode


def write_breaks(
    database: Database,
    profile_id: str,
    breaks: bytes,
    seen_at: str,
    writer: str,
    *,
    corrected: bool = False,
    superseded: Collection[str] = (),
) -> None:
    """`corrected`: what the plan corrects was, but for the breaks that are `superseded`."""
    values = (profile_id, breaks.decode(), seen_at, writer, int(corrected), json_list(superseded))
    database.write("see_breaks", *values)


def write_notifications(
    database: Database, profile_id: str, notifications: bytes, committed_at: str, writer: str
) -> None:
    database.write("insert_notifications", profile_id, notifications.decode(), committed_at, writer)
