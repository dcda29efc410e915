"""What is remembered of the rows of bots' own books: their fingerprints, which are gone, which refused a correction."""

from collections import defaultdict
from collections.abc import Sequence
from typing import cast

import msgspec

from trueup.ledgers.journal.write_backs import Wanted
from trueup.ledgers.sql.database import Database, optional_text, text_value
from trueup.ledgers.sql.known_rows import ROWS_KEPT_MAX
from trueup.ledgers.sql.rows import json_list
from trueup.model.snapshot import LocalFault, LocalOrder
from trueup.model.vocabulary import LocalFaultKind
from trueup.ports.mirror import KnownRow

_ORDER = msgspec.json.Decoder(LocalOrder)
_WANTED = msgspec.json.Decoder(Wanted)


def foreign_cursor(database: Database, account_id: str, source: str) -> str | None:
    rows = database.rows("foreign_cursor", account_id, source)
    return optional_text(rows[0][0]) if rows else None


def known_rows(database: Database, account_id: str, source: str, keys: Sequence[str]) -> dict[str, KnownRow]:
    """By row key; those that are not known are left out."""
    rows = database.rows("foreign_rows_known", account_id, source, json_list(keys))
    return {
        text_value(key): KnownRow(fingerprint=text_value(print_), removed=removed is not None)
        for key, print_, _, _, removed in rows
    }


class LiveRows:
    """Fingerprints by row key, of orders that are live in the mirror and whose rows are there. They are not read again
    where the database tells that nobody wrote since."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[tuple[str, str], tuple[str, dict[str, str]]] = {}  # with the mark of the last read

    def of(self, account_id: str, source: str) -> dict[str, str]:
        database, of = self._database, (account_id, source)
        with database.reading():
            mark, known = database.mark(), self._known.get(of)
            if known is not None and known[0] == mark:
                return dict(known[1])
            found = dict(
                cast("list[tuple[str, str]]", database.rows("foreign_rows_live", account_id, source))
            )
        if mark is not None and len(found) <= ROWS_KEPT_MAX:
            self._known[of] = (mark, found)
        return dict(found)


def row_faults(database: Database, profile_ids: Sequence[str]) -> dict[str, list[LocalFault]]:
    """By profile id; those without any are left out."""
    wanted = json_list(profile_ids)
    found: dict[str, list[LocalFault]] = defaultdict(list)
    for profile_id, key, since, order in database.rows("foreign_rows_removed", wanted):
        found[text_value(profile_id)].append(
            _fault(
                LocalFaultKind.ROW_REMOVED,
                "its row is gone from the bot's books, though it never ended there; nothing is put in its place",
                key=text_value(key),
                order=_ORDER.decode(text_value(order)),
                since=text_value(since),
            )
        )
    for profile_id, key, stored, since, error in database.rows("refused_write_backs", wanted):
        found[text_value(profile_id)].append(
            _fault(
                LocalFaultKind.WRITE_REFUSED,
                f"a correction could not be written to the bot's books: {optional_text(error)}",
                key=optional_text(key),
                order=_WANTED.decode(text_value(stored)).order,
                since=text_value(since),
            )
        )
    return dict(found)


def _fault(
    kind: LocalFaultKind, message: str, *, key: str | None, order: LocalOrder, since: str
) -> LocalFault:
    return LocalFault(
        kind=kind,
        message=message,
        row_key=key,
        client_order_id=order.client_order_id,
        venue_order_id=order.venue_order_id,
        trade_id=order.trade_id,
        symbol=order.symbol,
        since=since,
    )
