"""Reads every document of the journal as what it was written as.

A database's own check proves its pages, not the texts in them; the order log has hashes, and the books are held
against it (`verify_log`). Decides nothing, stops at a bound, holds one row at a time.
"""

from collections.abc import Callable, Iterator
from functools import partial

import msgspec
from msgspec import Struct

from trueup.ledgers.journal.leases import read_state
from trueup.ledgers.sql.database import Database, Row, Value, read_document, text_value
from trueup.ledgers.sql.pack_run import check_packed
from trueup.model.alert_message import AlertAbout, AlertMessage
from trueup.model.errors import RESTORE, LedgerDamaged
from trueup.model.plan import Alert, Break, Notification
from trueup.model.snapshot import Decision, Finding
from trueup.model.times import to_ns
from trueup.ports.people import PersonCorrection

FOUND_MAX = 20
ALL_ROWS = 2**62
_BREAK = msgspec.json.Decoder(Break)
_ALERT = msgspec.json.Decoder(Alert)
_ABOUT = msgspec.json.Decoder(AlertAbout)
_MESSAGE = msgspec.json.Decoder(AlertMessage)
_FINDINGS = msgspec.json.Decoder(list[Finding])


class _Told(Struct, frozen=True):
    notification: Notification
    committed_at: str


class _Decided(Struct, frozen=True):
    decision: Decision


class _Audited(Struct, frozen=True):
    audited_at: str


_TOLD = msgspec.json.Decoder(_Told)
_DECIDED = msgspec.json.Decoder(_Decided)
_CORRECTED = msgspec.json.Decoder(PersonCorrection)
_AUDITED = msgspec.json.Decoder(_Audited)


def find_damaged_texts(database: Database) -> list[str]:
    """A line for each text that cannot be read, at most `FOUND_MAX`."""
    found: list[str] = []
    for what, statement, values, read in TABLES:
        try:
            for row in _rows(database, statement, values):
                found += _fault(what, partial(read, row))
                if len(found) >= FOUND_MAX:
                    return found
        except LedgerDamaged as fault:  # the statement itself could not read a row
            found.append(f"{what}: {fault}")
    return found


def _rows(database: Database, statement: str, values: tuple[Value, ...]) -> Iterator[Row]:
    with database.reading():
        yield from database.stream(statement, *values)


def _fault(what: str, read: Callable[[], object]) -> list[str]:
    try:
        read()
    except LedgerDamaged as fault:
        return [f"{what}: {fault}"]
    except ValueError as fault:  # a time that is none
        return [f"{what}: {RESTORE} ({fault})"]
    return []


def _read_break(row: Row) -> None:
    read_document(_BREAK, row[1])
    to_ns(text_value(row[2]))
    to_ns(text_value(row[3]))


def _read_outbox(row: Row) -> None:
    to_ns(read_document(_TOLD, row[0]).committed_at)


def _read_alert(row: Row) -> None:
    to_ns(text_value(row[1]))
    read_document(_ALERT, row[3])
    if row[6] is not None:
        read_document(_ABOUT, row[6])


def _read_delivery(row: Row) -> None:
    read_document(_MESSAGE, row[2])
    to_ns(text_value(row[4]))


def _read_run(row: Row) -> None:
    run_id, taken_at, _, snapshot, plan = row
    to_ns(text_value(taken_at))
    check_packed(snapshot, text_value(run_id))
    check_packed(plan, text_value(run_id))


def _read_audit(row: Row) -> None:
    to_ns(read_document(_AUDITED, row[0]).audited_at)


def _read_decision(row: Row) -> None:
    to_ns(read_document(_DECIDED, row[0]).decision.decided_at)


def _read_correction(row: Row) -> None:
    to_ns(text_value(row[6]))
    read_document(_CORRECTED, row[10])


def _read_lease(row: Row) -> None:
    lease = read_state(row)
    if lease.epoch < 0:
        raise LedgerDamaged(f"the epoch of {lease.account_id} is {lease.epoch}; {RESTORE}")
    for time in (lease.expires_at, lease.next_due_at, lease.failing_since):
        if time is not None:
            to_ns(time)


def _read_findings(row: Row) -> None:
    for finding in read_document(_FINDINGS, row[0]):
        to_ns(finding.first_seen_at)


TABLES: tuple[tuple[str, str, tuple[Value, ...], Callable[[Row], None]], ...] = (
    ("a break", "list_breaks", (None, 0), _read_break),
    ("a notification", "export_outbox", (None,), _read_outbox),
    ("an alert", "alerts", (None,), _read_alert),
    ("what people are told", "list_deliveries", (0, ALL_ROWS), _read_delivery),
    ("a run", "stored_runs", (), _read_run),
    ("an audited exit", "export_exit_audit", (None,), _read_audit),
    ("a decision", "list_decisions", (None,), _read_decision),
    ("a person's correction", "person_corrections", (None,), _read_correction),
    ("a lease", "leases", (), _read_lease),
    ("a profile's findings", "stored_findings", (), _read_findings),
)
