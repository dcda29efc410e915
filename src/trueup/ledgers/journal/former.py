"""What one run, or one person's correction, wrote of each order and trade: as it was before, and what came after.

Folds the order log up to the first row of the writer. Decides nothing about what may be taken back.
"""

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from trueup.ledgers.journal.order_log import BY_RUN, Folded, Logged, fold
from trueup.ledgers.journal.person_corrections import list_corrections
from trueup.ledgers.journal.standing_rows import Writers, standing
from trueup.ledgers.sql.database import Database, Row, int_value, read_document, text_value
from trueup.ledgers.sql.rows import FILL_ROWS, ORDER_ROWS, TRADE_ROWS, Stored, json_list, one_document
from trueup.model.ids import normal_id
from trueup.model.plan import FillChange
from trueup.model.repairs import insert_digest, repair_digest
from trueup.model.snapshot import Fill, LocalOrder, Trade
from trueup.model.vocabulary import CorrectionKind
from trueup.ports.people import Former, LaterRow, OrderChange, TradeChange


class _Correction(Struct, gc=False):
    kind: str
    fill: FillChange | None = None
    changes: object = None


class _Payload(Struct, gc=False):
    fills: list[Fill] = []
    corrections: list[_Correction] = []


class _Row(Struct):
    """A row of one order's or trade's log."""

    seq: int
    at: str
    event: str
    written_by: str
    version: int
    payload: str


class _Span(Struct):
    """One subject's log, cut where the writer began: what was before, what it wrote, what came later."""

    before: Folded | None
    written: list[_Payload]
    later: LaterRow | None
    version: int  # that the log holds


_INSERTS = frozenset({CorrectionKind.INSERT_ORDER, CorrectionKind.INSERT_EXIT})
_PAYLOAD = msgspec.json.Decoder(_Payload)
_LOGGED = msgspec.json.Decoder(list[Logged])


def former_of_run(database: Database, profile_id: str, run_id: str) -> list[Former]:
    return _former(database, profile_id, database.rows("written_by", profile_id, BY_RUN + run_id))


def former_between(database: Database, profile_id: str, first_seq: int, last_seq: int) -> list[Former]:
    return _former(database, profile_id, database.rows("written_between", profile_id, first_seq, last_seq))


def _former(database: Database, profile_id: str, rows: Sequence[Row]) -> list[Former]:
    seqs = {int_value(row[2]) for row in rows}
    writers = Writers(list_corrections(database, profile_id))
    orders = dict.fromkeys(int_value(row[0]) for row in rows if row[0] is not None)
    trades = dict.fromkeys(text_value(row[1]) for row in rows if row[0] is None)
    return [
        *(_of_order(database, profile_id, key, seqs, writers) for key in orders),
        *(_of_trade(database, profile_id, name, seqs, writers) for name in trades),
    ]


def _of_order(
    database: Database, profile_id: str, order_key: int, seqs: set[int], writers: Writers
) -> Former:
    span = _span(database.rows("log_of_order", profile_id, order_key), seqs, writers)
    key = json_list([order_key])
    found = one_document(database.rows("orders_by_key", key), ORDER_ROWS)
    booked = one_document(database.rows("fills_of_orders", key), FILL_ROWS)
    order = found[0].order if found else None
    touched = {one.fill_id for payload in span.written for one in payload.fills}
    was = span.before.fills if span.before is not None else {}
    change = OrderChange(
        before=order,
        after=None if span.before is None else _restored(span.before, LocalOrder),
        fills_before=[row.fill for row in booked if row.fill.fill_id in touched],
        fills_after=[fill for fill_id, fill in was.items() if fill_id in touched],
        evidence=_evidence(span, None if order is None else order.filled_qty),
    )
    return Former(order=change, later=span.later or _past_the_log(order, span))


def _of_trade(database: Database, profile_id: str, trade_id: str, seqs: set[int], writers: Writers) -> Former:
    span = _span(database.rows("log_of_trade", profile_id, trade_id), seqs, writers)
    wanted = json_list([normal_id(trade_id)])
    found = one_document(database.rows("trades_by_id", profile_id, wanted), TRADE_ROWS)
    trade = found[0].trade if found else None
    change = TradeChange(
        before=trade,
        after=None if span.before is None else _restored(span.before, Trade),
        evidence=_evidence(span),
    )
    return Former(trade=change, later=span.later or _past_the_log(trade, span))


def _span(rows: Sequence[Row], seqs: set[int], writers: Writers) -> _Span:
    read = [_row(row) for row in rows]
    first = next(at for at, one in enumerate(read) if one.seq in seqs)
    later = _first_later(read[first:], seqs, writers)
    return _Span(
        before=_fold(read[:first]),
        written=[_PAYLOAD.decode(one.payload) for one in read[first:] if one.seq in seqs],
        later=None if later is None else _later(later),
        version=read[-1].version,
    )


def _first_later(rows: Sequence[_Row], seqs: set[int], writers: Writers) -> _Row | None:
    """The first row that builds on those of `seqs`; where they do not count any more, the last one that was written."""
    counted = standing(rows, writers)
    if not seqs & set(counted):
        return rows[-1]
    return next((one for one in rows if one.seq in counted and one.seq not in seqs), None)


def _row(row: Row) -> _Row:
    seq, at, event, by, version, payload = row
    return _Row(
        int_value(seq),
        text_value(at),
        text_value(event),
        text_value(by),
        int_value(version),
        text_value(payload),
    )


def _later(row: _Row) -> LaterRow:
    return LaterRow(seq=row.seq, at=row.at, event=row.event, written_by=row.written_by)


def _past_the_log(stands: LocalOrder | Trade | None, span: _Span) -> LaterRow | None:
    """Somebody's own statement, which the log has not taken in yet."""
    if stands is None or stands.version == span.version:
        return None
    return LaterRow(seq=None, event="written past the log", written_by="outside")


def _fold(rows: Sequence[_Row]) -> Folded | None:
    texts = (f"[{one.version},{one.payload}]" for one in rows)
    logged = read_document(_LOGGED, f"[{','.join(texts)}]")
    return fold(logged)


def _restored(folded: Folded, kind: type[Stored]) -> Stored:
    return msgspec.convert({**folded.state, "version": folded.version}, kind)


def _evidence(span: _Span, filled_qty: str | None = None) -> tuple[str, ...]:
    """`filled_qty`: of an order as it stood after it was written."""
    made = [one for payload in span.written for one in payload.corrections]
    if any(one.kind in _INSERTS for one in made):
        return (insert_digest(filled_qty),)
    return tuple(dict.fromkeys(repair_digest(one.kind, one.fill, one.changes) for one in made))
