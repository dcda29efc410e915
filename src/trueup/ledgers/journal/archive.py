"""Reads what the journal keeps: runs, breaks over time, deferrals, the timeline of one order. And its retention."""

from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from trueup.ledgers.journal.order_log import BOT, BY_RUN, PERSON
from trueup.ledgers.sql.database import (
    Database,
    Row,
    Value,
    int_value,
    optional_text,
    read_document,
    seconds_after,
    stamp,
    text_value,
)
from trueup.ledgers.sql.pack_run import unpacked
from trueup.ledgers.sql.rows import ORDER_ROWS, json_list, one_document
from trueup.model.errors import InputError
from trueup.model.ids import known_client_id, known_id, normal_id
from trueup.model.plan import Break
from trueup.model.snapshot import LocalOrder
from trueup.ports.records import BreakRecord, DeferralRecord, LoggedOrder, RunRecord, TimelineEntry

_BREAK = msgspec.json.Decoder(Break)
_OBJECT = msgspec.json.Decoder(dict[str, Any])
WATERMARKS_KEPT = 100  # per profile: how far back a restored backup may lie


def list_runs(database: Database, profile_id: str | None, limit: int) -> list[RunRecord]:
    """Newest first."""
    return [_run_record(row) for row in database.rows("list_runs", profile_id, limit)]


def load_run(database: Database, run_id: str) -> tuple[RunRecord, bytes, bytes]:
    """The run with the bytes of its snapshot and its plan."""
    rows = database.rows("load_run", run_id)
    if not rows:
        raise InputError(
            f"run {run_id} is not kept here (any more): `trueup status` lists those that are", "run"
        )
    *record, snapshot, plan = rows[0]
    return _run_record(tuple(record)), unpacked(snapshot, run_id), unpacked(plan, run_id)


def _run_record(row: Row) -> RunRecord:
    run_id, profile_id, taken_at, state, plan_id, error = row
    return RunRecord(
        run_id=text_value(run_id),
        profile_id=text_value(profile_id),
        taken_at=text_value(taken_at),
        state=text_value(state),
        plan_id=text_value(plan_id),
        error=optional_text(error),
    )


def list_breaks(database: Database, profile_id: str | None, *, open_only: bool) -> list[BreakRecord]:
    if profile_id is not None and open_only:
        return open_breaks(database, [profile_id]).get(profile_id, [])
    return [_break_record(row) for row in database.rows("list_breaks", profile_id, int(open_only))]


def open_break_texts(database: Database, profile_id: str | None) -> list[tuple[str, str]]:
    rows = database.rows("open_break_texts", profile_id)
    return [(text_value(owner), text_value(found)) for owner, found in rows]


def open_breaks(database: Database, profile_ids: Sequence[str]) -> dict[str, list[BreakRecord]]:
    """One statement for all, as in every run, however many breaks there ever were."""
    found: dict[str, list[BreakRecord]] = {}
    for row in database.rows("open_breaks", json_list(profile_ids)):
        found.setdefault(text_value(row[0]), []).append(_break_record(row))
    return found


def _break_record(row: Row) -> BreakRecord:
    profile_id, found, first_seen_at, last_seen_at, occurrences, resolution, resolved_at, run_id = row
    return BreakRecord(
        profile_id=text_value(profile_id),
        found=replace(read_document(_BREAK, found), corrected=resolution == "corrected"),
        first_seen_at=text_value(first_seen_at),
        last_seen_at=text_value(last_seen_at),
        occurrences=int_value(occurrences),
        resolution=optional_text(resolution),
        resolved_at=optional_text(resolved_at),
        run_id=text_value(run_id),
    )


def _decoded(document: Value) -> dict[str, Any] | None:
    return None if document is None else read_document(_OBJECT, document)


def list_deferrals(database: Database, profile_id: str) -> list[DeferralRecord]:
    return deferrals(database, [profile_id]).get(profile_id, [])


def deferrals(database: Database, profile_ids: Sequence[str]) -> dict[str, list[DeferralRecord]]:
    """One statement for all."""
    found: dict[str, list[DeferralRecord]] = {}
    for row in database.rows("list_deferrals", json_list(profile_ids)):
        profile_id, client_id, venue_id, reason, since = row
        record = DeferralRecord(
            client_order_id=optional_text(client_id),
            venue_order_id=optional_text(venue_id),
            reason=text_value(reason),
            first_deferred_at=text_value(since),
        )
        found.setdefault(text_value(profile_id), []).append(record)
    return found


def repaired_orders(database: Database, since: str, profile_id: str | None) -> list[LoggedOrder]:
    return [
        LoggedOrder(
            profile_id=text_value(owner),
            order_key=int_value(order_key),
            logged_at=text_value(logged_at),
            written_by=text_value(written_by),
            payload=text_value(payload),
        )
        for owner, order_key, logged_at, written_by, payload in database.rows(
            "repaired_orders", profile_id, since
        )
    ]


def bot_writes(database: Database, since: str, profile_id: str) -> list[str]:
    return [text_value(row[0]) for row in database.rows("bot_writes", profile_id, since, BOT)]


def order_timeline(database: Database, profile_id: str, order: LocalOrder) -> list[TimelineEntry]:
    """Writes, breaks, corrections, notifications and decisions of one order, in order of time."""
    venue_id, client_id = known_id(order.venue_order_id), known_client_id(order.client_order_id)
    with database.reading():
        keys = [
            int_value(row[0])
            for row in database.rows("order_key", profile_id, venue_id, client_id, order.symbol)
        ]
        rows = [row for key in keys for row in database.rows("timeline_log", key)]
        return _timeline(database, profile_id, rows, json_list(_ids_of(order)), None)


def trade_timeline(database: Database, profile_id: str, trade_id: str) -> list[TimelineEntry]:
    """The same of one trade and of its orders."""
    trade = normal_id(trade_id)
    with database.reading():
        ids = [one for order in _orders_of_trade(database, profile_id, trade_id) for one in _ids_of(order)]
        rows = database.rows("timeline_trade_log", profile_id, trade)
        return _timeline(database, profile_id, rows, json_list(ids), trade)


def _timeline(
    database: Database,
    profile_id: str,
    logged: Iterable[Row],
    ids: str,
    trade_id: str | None,
) -> list[TimelineEntry]:
    entries = [entry for row in logged for entry in _logged(row)]
    superseded = database.rows("timeline_superseded", profile_id, ids, trade_id)
    entries += [_corrected(at, _decoded(one) or {}, "superseded", run_id) for at, one, run_id in superseded]
    breaks = [_broken(row) for row in database.rows("timeline_breaks", profile_id, ids, trade_id)]
    break_ids = json_list(one.detail["break_id"] for one in breaks)
    entries += breaks
    for row in database.rows("timeline_notifications", profile_id, ids, trade_id):
        entries += _notified(row)
    for row in database.rows("timeline_decisions", profile_id, ids, trade_id, break_ids):
        entries += _decided(row)
    return sorted(entries, key=lambda entry: entry.at)


def _ids_of(order: LocalOrder) -> list[str]:
    ids = (known_id(order.venue_order_id), known_client_id(order.client_order_id))
    previous = [normal_id(one) for one in order.previous_venue_order_ids]
    return [one for one in ids if one is not None] + previous


def _orders_of_trade(database: Database, profile_id: str, trade_id: str) -> list[LocalOrder]:
    rows = one_document(database.rows("orders_of_trade", profile_id, normal_id(trade_id)), ORDER_ROWS)
    return [row.order for row in rows]


def _decided(row: Row) -> Iterator[TimelineEntry]:
    at, kind, author, reason, trade_id, until, decision_id, revoked_at, revoked_by, revoke_reason = row
    detail = {"reason": reason, "trade_id": trade_id, "until": until, "decision_id": decision_id}
    yield TimelineEntry(
        at=str(at), source="decision", what=str(kind), by=PERSON + text_value(author), detail=detail
    )
    if revoked_at is not None:
        yield TimelineEntry(
            at=str(revoked_at),
            source="decision",
            what=f"revoked {text_value(kind)}",
            by=PERSON + text_value(revoked_by),
            detail={"reason": revoke_reason, "decision_id": decision_id},
        )


def _logged(row: Row) -> Iterator[TimelineEntry]:
    """The row, and the corrections that it was written by."""
    at, event, written_by, version, payload = row
    detail = {**(_decoded(payload) or {}), "version": version}
    corrections = detail.pop("corrections", [])
    is_persons = str(written_by).startswith(PERSON) and bool(corrections)
    if is_persons:  # one row is one correction, which is what the person did
        detail["correction_id"] = corrections[0]["correction_id"]
    what = corrections[0]["kind"] if is_persons else str(event)
    yield TimelineEntry(at=str(at), source="log", what=what, by=str(written_by), detail=detail)
    for one in [] if is_persons else corrections:
        yield _corrected(at, one, "applied", str(written_by).removeprefix(BY_RUN))


def _corrected(at: Value, one: dict[str, Any], state: str, run_id: Value) -> TimelineEntry:
    keys = ("fill", "changes", "reason", "correction_id", "break_id")
    detail = {key: one.get(key) for key in keys} | {"state": state}
    return TimelineEntry(at=str(at), source="correction", what=one["kind"], by=_by(run_id), detail=detail)


def _broken(row: Row) -> TimelineEntry:
    record = _break_record(row)
    found = record.found
    detail = {
        "severity": found.severity,
        "reason": found.reason,
        "message": found.message,
        "local": found.local,
        "venue": found.venue,
        "last_seen_at": record.last_seen_at,
        "occurrences": record.occurrences,
        "resolution": record.resolution,
        "resolved_at": record.resolved_at,
        "break_id": found.break_id,
    }
    by = _by(record.run_id)
    return TimelineEntry(at=record.first_seen_at, source="break", what=found.kind, by=by, detail=detail)


def _notified(row: Row) -> Iterator[TimelineEntry]:
    committed_at, notification, attempts, delivered_at, parked_at, error, run_id = row
    told = _decoded(notification) or {}
    detail = {
        "notification": told,
        "attempts": attempts,
        "delivered_at": delivered_at,
        "parked_at": parked_at,
        "error": error,
    }
    yield TimelineEntry(
        at=str(committed_at),
        source="notification",
        what=str(told.get("kind")),
        by=_by(run_id),
        detail=detail,
    )


def _by(run_id: Value) -> str:
    """Who reported or told it: a run of trueup; or the bot or person whose write it came with."""
    writer = text_value(run_id)
    return writer if writer == BOT or writer.startswith(PERSON) else BY_RUN + writer


def purge(database: Database, older_than_s: float, keep_last: int) -> dict[str, int]:
    """Forget runs (with their snapshots) that are older and not among each profile's newest.

    Also delivered notifications, told alerts and resolved breaks of that age; never the books and the order log.
    Returns how many rows went, by table.
    """
    if older_than_s < 0 or keep_last < 0:
        raise InputError("the age and the number to keep must not be negative", "purge")
    with database.transaction():
        before = seconds_after(stamp(database.now_ns()), -older_than_s)
        return {
            "runs": database.write("purge_runs", before, keep_last),
            "outbox": database.write("purge_outbox", before),
            "alerts": database.write("purge_alerts", before),
            "alert_deliveries": database.write("purge_deliveries", before),
            "breaks": database.write("purge_breaks", before),
            "watermarks": database.write("purge_watermarks", WATERMARKS_KEPT),
        }


EXPORTS = (
    "orders",
    "fills",
    "trades",
    "breaks",
    "corrections",
    "exit_audit",
    "decisions",
    "person_corrections",
    "runs",
    "order_log",
    "outbox",
)


def export(database: Database, table: str, profile_id: str | None) -> Generator[dict[str, Any], None, None]:
    """All rows of one table as plain dictionaries, one by one, in a stable order; blobs are left out."""
    if table not in EXPORTS:
        raise InputError(f"there is no {table!r} to export: one of {', '.join(EXPORTS)}", "export")
    with database.reading():
        for (document,) in database.stream(f"export_{table}", profile_id):
            yield read_document(_OBJECT, document)
