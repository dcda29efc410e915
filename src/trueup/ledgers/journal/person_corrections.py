"""A person's corrections as they were shown and written: kept for good. Decides nothing."""

import msgspec

from trueup.ledgers.sql.database import Database, Row, int_value, read_document, text_value
from trueup.ports.people import PersonCorrection, PersonRecord

_DOCUMENT = msgspec.json.Decoder(PersonCorrection)
_ENCODER = msgspec.json.Encoder(order="deterministic")


def keep_correction(
    database: Database, made: PersonCorrection, corrected_at: str, first_seq: int | None, last_seq: int | None
) -> None:
    """Inside the transaction that wrote it."""
    database.write(
        "insert_person_correction",
        made.correction_id,
        made.profile_id,
        made.kind,
        made.about,
        made.author,
        made.reason,
        corrected_at,
        first_seq,
        last_seq,
        made.undoes,
        _ENCODER.encode(made).decode(),
    )


def list_corrections(database: Database, profile_id: str | None) -> list[PersonRecord]:
    """Oldest first."""
    return [_record(row) for row in database.rows("person_corrections", profile_id)]


def _record(row: Row) -> PersonRecord:
    *_, corrected_at, first_seq, last_seq, _, document = row
    return PersonRecord(
        correction=read_document(_DOCUMENT, document),
        corrected_at=text_value(corrected_at),
        first_seq=None if first_seq is None else int_value(first_seq),
        last_seq=None if last_seq is None else int_value(last_seq),
    )
