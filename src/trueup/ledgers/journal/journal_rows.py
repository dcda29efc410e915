"""Rows of the journal that both writers make: a run, and a bot's or a person's write. A list is written as it stands in
the plan, as JSON, in one statement.
"""

from collections.abc import Collection

import msgspec

from trueup.ledgers.sql.database import Database
from trueup.ledgers.sql.rows import json_list

encode = msgspec.json.Encoder(order="deterministic").encode


def write_breaks(
    database: Database,
    profile_id: str,
    breaks: bytes,
    seen_at: str,
    writer: str,
    left: Collection[str] | None = None,
) -> None:
    """`left`: ids of those that stay open where all others were corrected; null: none was."""
    database.write("see_breaks", profile_id, breaks.decode(), seen_at, writer, int(left is not None))
    if left:
        database.write("leave_breaks_open", profile_id, json_list(left))


def write_notifications(
    database: Database, profile_id: str, notifications: bytes, committed_at: str, writer: str
) -> None:
    database.write("insert_notifications", profile_id, notifications.decode(), committed_at, writer)
