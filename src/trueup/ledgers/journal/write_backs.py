"""What corrections want of the bots' own rows, until it is set there, moved or refused for good.

At most one is open for an order: a later correction widens it, and is still judged by what the first was judged on.
Notifications of an order wait for its write-back, and go with it where the row moved.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

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

# set together or not at all: a quantity beside another price, or a status beside another quantity, is worse than none
_OF_ONE_PIECE = frozenset({"status", "qty", "filled_qty", "filled_avg_price"})
REFUSED = WriteOutcome.REFUSED.value


class Wanted(Struct, frozen=True, kw_only=True):
    """What is stored of one. `unwritable`: what a correction wants besides, of columns that may not be written."""

    values: dict[str, Any]
    unwritable: dict[str, Any] = {}
    order: LocalOrder
    fills: list[Fill] = []
    trade_before: Trade | None = None
    trade_after: Trade | None = None

    @property
    def is_writable(self) -> bool:
        """Whether there is anything to be tried: not where the rest would contradict what may not be written."""
        if self.unwritable.keys() & _OF_ONE_PIECE:
            return False
        return not self.unwritable or bool(self.values or self.fills or self.trade_after)


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
    database: Database,
    account_id: str,
    source: str,
    run_id: str,
    now: str,
    backs: Sequence[NewWriteBack],
    writable: frozenset[str],
) -> None:
    """Inside the run's transaction. What may not be written stands as refused, and holds nothing else back."""
    orders = json_list(one.order_key for one in backs)
    known = {
        int_value(order_key): (int_value(sequence), _WANTED.decode(text_value(wanted)))
        for sequence, order_key, _, _, wanted in (database.rows("open_write_backs", orders) if backs else [])
    }
    for one in backs:
        if one.order_key in known:
            sequence, before = known[one.order_key]
            wanted = _widened(before, one.wanted, None if one.row_key is None else writable)
            outcome, error = _refused_beforehand(one, wanted)
            database.write(
                "widen_write_back", sequence, _text(wanted), _subject(wanted.order), outcome, error
            )
            continue
        place = (account_id, source, one.profile_id, one.order_key, one.row_key, one.judged)
        outcome, error = _refused_beforehand(one, one.wanted)
        subject = _subject(one.wanted.order)
        database.write("insert_write_back", *place, _text(one.wanted), subject, run_id, now, outcome, error)


def _refused_beforehand(back: NewWriteBack, wanted: Wanted) -> tuple[str | None, str | None]:
    """Outcome and error."""
    error = back.error or (None if wanted.is_writable else _told(wanted.unwritable))
    return (None if error is None else REFUSED), error


def rest_of(back: NewWriteBack, result: WriteResult) -> list[NewWriteBack]:
    """What stands as refused after the rest of it was written."""
    wanted = back.wanted
    if not wanted.unwritable:
        return []
    judged = back.judged if result.row is None else result.row.fingerprint
    rest = Wanted(values={}, unwritable=wanted.unwritable, order=wanted.order)
    return [
        NewWriteBack(
            profile_id=back.profile_id,
            order_key=back.order_key,
            row_key=back.row_key,
            judged=judged,
            wanted=rest,
            error=_told(wanted.unwritable),
        )
    ]


def _told(unwritable: Iterable[str]) -> str:
    return f"{', '.join(sorted(unwritable))} may not be written"


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
        refused = sum(_settle(database, one, now) for one in results)
        return refused + _keep_rests(database, results, now)


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


def _keep_rests(database: Database, results: Sequence[WriteResult], now: str) -> int:
    """Of what was delivered just now, what may not be written: it stands as refused."""
    delivered = {one.sequence: one for one in results if one.outcome is WriteOutcome.DELIVERED}
    rows = database.rows("write_backs_with_rest", json_list(delivered), now) if delivered else []
    for sequence, account_id, source, profile_id, order_key, row_key, judged, run_id, wanted in rows:
        back = NewWriteBack(
            profile_id=text_value(profile_id),
            order_key=int_value(order_key),
            row_key=optional_text(row_key),
            judged=optional_text(judged),
            wanted=_WANTED.decode(text_value(wanted)),
        )
        rests = rest_of(back, delivered[int_value(sequence)])
        place = (text_value(account_id), text_value(source), text_value(run_id))
        keep(database, *place, now, rests, frozenset())
    return len(rows)


def retry(database: Database, profile_id: str | None) -> int:
    """What was refused is due again, whole, by what it was judged on; returns how many."""
    with database.transaction():
        rows = database.rows("refused_to_retry", profile_id)
        for sequence, stored in rows:
            wanted = _WANTED.decode(text_value(stored))
            whole = replace(wanted, values=wanted.unwritable | wanted.values, unwritable={})
            database.write(
                "widen_write_back", int_value(sequence), _text(whole), _subject(whole.order), None, None
            )
    return len(rows)


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


def _widened(before: Wanted, after: Wanted, writable: frozenset[str] | None) -> Wanted:
    """`writable`: the keys that may be set now; null: of a row to be inserted, which is written whole."""
    whole = before.unwritable | before.values | after.unwritable | after.values
    unwritable = {} if writable is None else {key: whole[key] for key in whole.keys() - writable}
    fills = {one.fill_id: one for one in [*before.fills, *after.fills]}
    return Wanted(
        values={key: one for key, one in whole.items() if key not in unwritable},
        unwritable=unwritable,
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
