"""What corrections want of the bots' own rows, until it is set there, moved or refused for good.

At most one is open for an order: a later correction widens it, and is still judged by what the first was judged on.
Notifications of an order wait for its write-back, and go with it where the row moved.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from trueup.ledgers.journal.leases import renew
from trueup.ledgers.journal.outbox import ATTEMPTS_MAX, FIRST_WAIT_S, WAIT_MAX_S
from trueup.ledgers.sql.database import (
    Database,
    int_value,
    optional_text,
    seconds_after,
    stamp,
    text_value,
)
from trueup.ledgers.sql.rows import json_list
from trueup.model.snapshot import Fill, LocalOrder, Trade
from trueup.ports.foreign_books import WriteBack, WriteOutcome, WriteResult
from trueup.ports.records import Lease

REFUSED = WriteOutcome.REFUSED.value


class Wanted(Struct, frozen=True, kw_only=True):
    """What is stored of one."""

    values: dict[str, Any]
    order: LocalOrder
    fills: list[Fill] = []
    trade_before: Trade | None = None
    trade_after: Trade | None = None


class NewWriteBack(Struct, frozen=True, kw_only=True):
    """One to be committed. `error`: it is refused before it was tried, and why."""

    profile_id: str
    order_key: int
    row_key: str | None
    judged: str | None
    wanted: Wanted
    error: str | None = None


_WANTED = msgspec.json.Decoder(Wanted)


def keep(
    database: Database, account_id: str, source: str, run_id: str, now: str, backs: Sequence[NewWriteBack]
) -> None:
    """Inside the run's transaction."""
    orders = json_list(one.order_key for one in backs)
    known = {
        int_value(order_key): (int_value(sequence), _WANTED.decode(text_value(wanted)))
        for sequence, order_key, _, _, wanted in (database.rows("open_write_backs", orders) if backs else [])
    }
    for one in backs:
        outcome = None if one.error is None else REFUSED
        if one.order_key in known:
            sequence, before = known[one.order_key]
            wanted = _widened(before, one.wanted)
            database.write(
                "widen_write_back", sequence, _text(wanted), _subject(wanted.order), outcome, one.error
            )
            continue
        place = (account_id, source, one.profile_id, one.order_key, one.row_key, one.judged)
        subject = _subject(one.wanted.order)
        database.write(
            "insert_write_back", *place, _text(one.wanted), subject, run_id, now, outcome, one.error
        )


def waiting(database: Database, account_id: str, source: str, limit: int) -> list[WriteBack]:
    """Due ones, oldest first. A retry later than the longest wait was set by a clock that has been put back since."""
    now = stamp(database.now_ns())
    rows = database.rows(
        "waiting_write_backs", account_id, source, now, seconds_after(now, WAIT_MAX_S), limit
    )
    return [
        write_back(int_value(sequence), text_value(owner), optional_text(key), optional_text(judged), stored)
        for sequence, owner, key, judged, wanted in rows
        for stored in [_WANTED.decode(text_value(wanted))]
    ]


def write_back(
    sequence: int, profile_id: str, key: str | None, judged: str | None, wanted: Wanted
) -> WriteBack:
    return WriteBack(
        sequence=sequence,
        profile_id=profile_id,
        key=key,
        judged=judged,
        values=wanted.values,
        order=wanted.order,
        fills=wanted.fills,
        trade_before=wanted.trade_before,
        trade_after=wanted.trade_after,
    )


def settle(database: Database, lease: Lease, results: Sequence[WriteResult]) -> int:
    """What became of them, in one fenced transaction. Returns how many are refused for good now."""
    with database.transaction():
        renew(database, lease)
        now = stamp(database.now_ns())
        return sum(_settle(database, one, now) for one in results)


def _settle(database: Database, result: WriteResult, now: str) -> bool:
    if result.outcome is WriteOutcome.FAILED and not _was_last(database, result.sequence):
        attempts = int_value(database.rows("write_back_attempts", result.sequence)[0][0])
        wait_s = min(FIRST_WAIT_S * 2**attempts, WAIT_MAX_S)
        database.write("delay_write_back", result.sequence, seconds_after(now, wait_s), result.error)
        return False
    failed = result.outcome in (WriteOutcome.FAILED, WriteOutcome.REFUSED)
    outcome = REFUSED if failed else result.outcome.value
    rows = database.rows("settle_write_back", result.sequence, outcome, now, result.error)
    for account_id, source, profile_id, order_key in rows:  # none where it was settled already
        if result.outcome is WriteOutcome.MOVED:
            database.write("drop_held_notifications", result.sequence)
        if not failed and result.row is None:  # not set by us: whatever it says next is the bot's word
            database.write("doubt_foreign_row", order_key)
        if result.outcome is WriteOutcome.DELIVERED and result.row is not None:
            row = result.row
            place = (account_id, source, row.key, profile_id, order_key)
            database.write("remember_foreign_row", *place, row.fingerprint)
    return failed and bool(rows)


def _was_last(database: Database, sequence: int) -> bool:
    rows = database.rows("write_back_attempts", sequence)
    return not rows or int_value(rows[0][0]) + 1 >= ATTEMPTS_MAX


def supersede(database: Database, order_keys: Iterable[int], now: str) -> None:
    """The bot's rows of these orders moved: what was wanted of them is judged afresh."""
    keys = list(order_keys)
    for (sequence,) in database.rows("supersede_write_backs", json_list(keys), now) if keys else []:
        database.write("drop_held_notifications", sequence)


def found(database: Database, order_keys: Iterable[int], now: str) -> None:
    """The bot's rows of these orders say what the mirror says: what was wanted of them is there."""
    keys = list(order_keys)
    if keys:
        database.write("found_write_backs", json_list(keys), now)


def _widened(before: Wanted, after: Wanted) -> Wanted:
    fills = {one.fill_id: one for one in [*before.fills, *after.fills]}
    return Wanted(
        values=before.values | after.values,
        order=after.order,
        fills=list(fills.values()),
        trade_before=before.trade_before or after.trade_before,
        trade_after=after.trade_after or before.trade_after,
    )


def _subject(order: LocalOrder) -> str:
    """As the outbox names it: the trade, else the order."""
    return order.trade_id or order.client_order_id or order.venue_order_id or ""


def _text(wanted: Wanted) -> str:
    return msgspec.json.encode(wanted).decode()
