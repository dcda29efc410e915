"""Rows of the journal that both writers make: a run, and a bot's or a person's write. Pure."""

import msgspec

from trueup.ledgers.database import Value
from trueup.model.plan import Break, Notification

encode = msgspec.json.Encoder(order="deterministic").encode


def break_values(profile_id: str, one: Break, seen_at: str, resolved: bool, run_id: str) -> tuple[Value, ...]:
    return (
        profile_id,
        one.break_id,
        one.kind,
        one.severity,
        one.symbol,
        one.client_order_id,
        one.venue_order_id,
        one.trade_id,
        one.reason,
        one.message,
        None if one.local is None else encode(one.local).decode(),
        None if one.venue is None else encode(one.venue).decode(),
        seen_at,
        "corrected" if resolved else None,
        seen_at if resolved else None,
        run_id,
    )


def notification_values(
    profile_id: str, one: Notification, committed_at: str, run_id: str
) -> tuple[Value, ...]:
    return (one.notification_id, profile_id, run_id, _subject(one), encode(one).decode(), committed_at)


def _subject(one: Notification) -> str:
    """What the notifications are in order within: the trade, else the order."""
    return one.trade_id or one.client_order_id or one.venue_order_id or one.notification_id
