"""The outbox: notifications committed with corrections, in order per trade, retried, parked after the last attempt."""

from collections.abc import Sequence

import msgspec

from trueup.ledgers.sql.database import Database, int_value, read_document, seconds_after, stamp, text_value
from trueup.ledgers.sql.rows import json_list
from trueup.model.plan import Notification
from trueup.model.times import NS_PER_S, to_ns
from trueup.ports.records import OutboxItem, OutboxState, WaitingCounts

ATTEMPTS_MAX = 10  # with the waits below about half an hour, then a person is told
FIRST_WAIT_S = 1.0
WAIT_MAX_S = 600.0
_NOTIFICATION = msgspec.json.Decoder(Notification)


def pending(database: Database, limit: int, profile_ids: Sequence[str] | None) -> list[OutboxItem]:
    """Due items, oldest first; those behind a failed item of the same trade are not due.

    A retry later than the longest wait from now was set by a clock that has been put back since: it is due.
    """
    wanted = None if profile_ids is None else json_list(profile_ids)
    now = stamp(database.now_ns())
    return [
        OutboxItem(
            profile_id=text_value(profile_id),
            run_id=text_value(run_id),
            sequence=int_value(sequence),
            notification=read_document(_NOTIFICATION, notification),
            subject=text_value(subject),
            attempts=int_value(attempts),
        )
        for profile_id, run_id, sequence, notification, subject, attempts in database.rows(
            "pending_notifications", now, wanted, limit, seconds_after(now, WAIT_MAX_S)
        )
    ]


def mark_delivered(database: Database, items: Sequence[OutboxItem]) -> None:
    """By sequence and id: a restored backup gives sequences again, to other notifications."""
    with database.transaction():
        now = stamp(database.now_ns())
        rows = [(item.sequence, now, item.notification.notification_id) for item in items]
        database.write_many("mark_delivered", rows)


def mark_failed(database: Database, item: OutboxItem, error: str) -> bool:
    """Returns whether this was the last attempt: then it is parked, and holds back its trade no longer."""
    attempts = item.attempts + 1
    wait_s = min(FIRST_WAIT_S * 2 ** (attempts - 1), WAIT_MAX_S)
    parked = attempts >= ATTEMPTS_MAX
    with database.transaction():
        now = stamp(database.now_ns())
        database.write(
            "mark_failed",
            item.sequence,
            seconds_after(now, wait_s),
            now if parked else None,
            error,
            item.notification.notification_id,
        )
    return parked


def unpark(database: Database, profile_id: str | None) -> int:
    """Parked notifications become due again; returns how many."""
    with database.transaction():
        return database.write("unpark", profile_id)


def parked(database: Database, profile_ids: Sequence[str]) -> dict[str, int]:
    """How many are parked, by profile id; those without any are left out."""
    rows = database.rows("parked_notifications", json_list(profile_ids))
    return {text_value(profile_id): int_value(count) for profile_id, count in rows}


def outbox_state(database: Database) -> OutboxState:
    waiting, parked, oldest = database.rows("outbox_state")[0]
    age_ns = 0 if oldest is None else max(0, database.now_ns() - to_ns(text_value(oldest)))
    return OutboxState(waiting=int_value(waiting), parked=int_value(parked), oldest_age_s=age_ns / NS_PER_S)


def count_outbox(database: Database, profile_id: str | None) -> tuple[int, int]:
    """How many notifications wait, and how many are parked."""
    waiting, parked = database.rows("count_outbox", profile_id)[0]
    return int_value(waiting), int_value(parked)


def count_waiting(database: Database) -> dict[str, WaitingCounts]:
    """Of every profile of which something waits."""
    return {
        text_value(profile_id): WaitingCounts(
            deferred=int_value(deferred),
            waiting=int_value(waiting),
            parked=int_value(refused),
            unwritten=int_value(unwritten),
        )
        for profile_id, deferred, waiting, refused, unwritten in database.rows("count_waiting")
    }
