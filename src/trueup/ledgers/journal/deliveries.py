"""What people are told, from the commit to the arrival: claimed by one process at a time, retried, given up.

A claim that ran out leaves open whether the message arrived: told again, it says so. No stored time is believed that
is later than any that is ever stored.
"""

from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from trueup.ledgers.sql.database import (
    Database,
    int_value,
    optional_text,
    read_document,
    seconds_after,
    stamp,
    text_value,
)
from trueup.ledgers.sql.rows import json_list
from trueup.model.alert_message import AlertMessage
from trueup.ports.records import Delivery, DeliveryRecord

PUT_OFF_MAX_S = 2 * 86_400.0  # quiet hours end within a day, a retry is due within the hour
_MESSAGE = msgspec.json.Decoder(AlertMessage)


def claim(database: Database, notifier: str, limit: int, claim_s: float) -> list[Delivery]:
    with database.transaction():
        now = stamp(database.now_ns())
        until = seconds_after(now, claim_s)
        rows = database.rows("due_deliveries", notifier, now, limit, seconds_after(now, PUT_OFF_MAX_S), until)
        claimed = [
            Delivery(
                sequence=int_value(sequence),
                delivery_id=text_value(delivery_id),
                message=replace(read_document(_MESSAGE, message), possibly_repeated=bool(perhaps_told)),
                attempts=int_value(attempts) + 1,
            )
            for sequence, delivery_id, message, attempts, perhaps_told in rows
        ]
        database.write_many("claim_delivery", [(one.sequence, until) for one in claimed])
    return claimed


def settle(database: Database, told: Sequence[Delivery]) -> None:
    """By sequence and id: a restored backup gives sequences again, to other deliveries."""
    with database.transaction():
        now = stamp(database.now_ns())
        database.write_many("settle_delivery", [(one.sequence, now, one.delivery_id) for one in told])


def give_back(
    database: Database,
    missed: Sequence[Delivery],
    error: str,
    wait_s: float,
    *,
    is_certain: bool,
    attempts_max: int,
) -> int:
    with database.transaction():
        now = stamp(database.now_ns())
        again_at = seconds_after(now, wait_s)
        given_up = [one.attempts >= attempts_max for one in missed]
        rows = [
            (
                one.sequence,
                again_at,
                error,
                int(not is_certain),
                "refused" if is_last else None,
                now if is_last else None,
                one.delivery_id,
            )
            for one, is_last in zip(missed, given_up, strict=True)
        ]
        database.write_many("return_delivery", rows)
    return sum(given_up)


def next_at(database: Database, notifiers: Sequence[str]) -> str | None:
    return optional_text(database.rows("next_delivery", json_list(notifiers))[0][0])


def list_deliveries(database: Database, *, open_only: bool, limit: int) -> list[DeliveryRecord]:
    return [
        DeliveryRecord(
            delivery_id=text_value(delivery_id),
            notifier=text_value(notifier),
            message=read_document(_MESSAGE, message),
            committed_at=text_value(committed_at),
            not_before=text_value(not_before),
            attempts=int_value(attempts),
            outcome=optional_text(outcome),
            settled_at=optional_text(settled_at),
            error=optional_text(error),
        )
        for (
            delivery_id,
            notifier,
            message,
            committed_at,
            not_before,
            attempts,
            outcome,
            settled_at,
            error,
        ) in database.rows("list_deliveries", int(open_only), limit)
    ]
