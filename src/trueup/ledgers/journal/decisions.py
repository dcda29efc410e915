"""A person's decisions: kept for good, read as evidence while they stand. Decides nothing itself."""

from collections.abc import Sequence

import msgspec

from trueup.ledgers.sql.database import Database, read_document, stamp, text_value
from trueup.ledgers.sql.rows import json_list
from trueup.model.errors import InputError
from trueup.model.snapshot import Decision
from trueup.model.times import to_ns
from trueup.ports.records import DecisionRecord

_DECISIONS = msgspec.json.Decoder(list[Decision])
_RECORD = msgspec.json.Decoder(DecisionRecord)


def standing_decisions(database: Database, profile_ids: Sequence[str]) -> dict[str, list[Decision]]:
    """Neither revoked nor over by now, by profile id."""
    rows = database.rows("standing_decisions", json_list(profile_ids), stamp(database.now_ns()))
    return {text_value(profile_id): read_document(_DECISIONS, found) for profile_id, found in rows}


def list_decisions(database: Database, profile_id: str | None) -> list[DecisionRecord]:
    return [read_document(_RECORD, row[0]) for row in database.rows("list_decisions", profile_id)]


def add_decision(database: Database, profile_id: str, decision: Decision) -> None:
    with database.transaction():
        write_decision(database, profile_id, decision)


def write_decision(database: Database, profile_id: str, decision: Decision) -> None:
    """Inside a transaction of the caller's."""
    until = None if decision.until is None else stamp(to_ns(decision.until))
    database.write(
        "insert_decision",
        decision.decision_id,
        decision.kind,
        decision.venue_order_id,
        decision.client_order_id,
        decision.trade_id,
        decision.break_id,
        until,
        decision.author,
        decision.reason,
        decision.decided_at,
        profile_id,
        decision.symbol,
        json_list(decision.evidence),
        decision.qty,
        decision.owner,
    )


def revoke_decision(database: Database, decision_id: str, author: str, reason: str) -> None:
    with database.transaction():
        write_revocation(database, decision_id, stamp(database.now_ns()), author, reason)


def write_revocation(database: Database, decision_id: str, now: str, author: str, reason: str) -> None:
    """Inside a transaction of the caller's. Raises InputError where it does not stand."""
    if not database.write("revoke_decision", decision_id, now, author, reason):
        raise InputError(
            f"no decision {decision_id!r} stands: `trueup decide list` shows those that do", "decision"
        )
