"""Rows of the books by what they were read as: most are as they were at the last read, and not decoded again.

A row comes as one text, an array of its columns, or as the columns themselves: whichever the database makes faster
(SQLite the text, PostgreSQL the columns). Equal ones are equal rows, whatever became of the database in between. Knows
neither statements nor judgements.
"""

from collections.abc import Sequence
from typing import Any, Generic, cast

import msgspec
from msgspec import Struct

from trueup.ledgers.sql.database import Row, read_document, text_value
from trueup.ledgers.sql.rows import Stored
from trueup.model.errors import RESTORE, LedgerDamaged
from trueup.model.snapshot import Fill, LocalOrder, Trade
from trueup.model.vocabulary import Action, PositionSide, Side, Status

Written = str | Row
ROWS_KEPT_MAX = 10_000  # of a kind and account: 2 KiB each, and not held twice while a larger list is read


class _OrderColumns(Struct, frozen=True, gc=False, array_like=True):
    """A row as SQL gives it: half the text of an object with keys, which takes half the time to make and read.

    In the order of the statements: what is a list stands last, for most orders have none.
    """

    client_order_id: str | None
    venue_order_id: str | None
    trade_id: str | None
    sub_tag: str | None
    symbol: str | None
    side: Side
    action: Action | None
    order_type: str | None
    qty: str | None
    limit_price: str | None
    stop_price: str | None
    status: Status
    filled_qty: str
    filled_avg_price: str | None
    submitted_at: str | None
    last_activity_at: str | None
    venue_updated_at: str | None
    position_side: PositionSide | None
    by_notional: bool
    version: int
    previous_venue_order_ids: tuple[str, ...] = ()


class _FillColumns(Fill, frozen=True, gc=False, kw_only=True, array_like=True):
    pass


class _TradeColumns(Trade, frozen=True, gc=False, kw_only=True, array_like=True):
    pass


def written(rows: Sequence[Row], start: int) -> list[Written]:
    """What each row of a statement is known by: its text in column `start`, or all columns from there on."""
    if rows and len(rows[0]) == start + 1:
        return [row[start] for row in cast("Sequence[tuple[str, ...]]", rows)]
    return [row[start:] for row in rows]


class KnownRows(Generic[Stored]):
    """The last read's rows of one kind. `columns`: the same, in an array; `ends_in_list`: a list, as a JSON text."""

    def __init__(self, kind: type[Stored], columns: type[Struct], *, ends_in_list: bool = False) -> None:
        self._kind = list[kind]  # type: ignore[valid-type]
        self._columns = list[columns]  # type: ignore[valid-type]
        self._decoder = msgspec.json.Decoder(self._columns)
        self._ends_in_list = ends_in_list
        self._rows: Sequence[Written] = []
        self._found: list[Stored] = []
        self._index: dict[Written, Stored] | None = None  # of both; null: not made yet

    def decode(self, rows: Sequence[Written]) -> list[Stored]:
        """A read of the whole list, which is the known one from now on."""
        if rows == self._rows:  # cheaper than to look each of them up
            return list(self._found)
        found = self.look_up(rows)
        is_kept = len(rows) <= ROWS_KEPT_MAX
        self._rows, self._found = (rows, found) if is_kept else ([], [])
        self._index = None
        return list(found)

    def look_up(self, rows: Sequence[Written]) -> list[Stored]:
        """Some rows, read between two reads of the whole."""
        if not self._rows:
            return self._read(rows)
        if self._index is None:
            self._index = dict(zip(self._rows, self._found, strict=True))
        known = self._index
        new = [one for one in rows if one not in known]
        if new:
            known = known | dict(zip(new, self._read(new), strict=True))
        return [known[one] for one in rows]

    def _read(self, rows: Sequence[Written]) -> list[Stored]:
        if not rows:
            return []
        if isinstance(rows[0], str):
            columns = read_document(self._decoder, f"[{','.join(cast('list[str]', rows))}]")
        else:
            columns = self._read_columns(cast("list[Row]", rows))
        stored: list[Stored] = msgspec.convert(columns, self._kind, from_attributes=True)
        return stored

    def _read_columns(self, rows: Sequence[Row]) -> list[Struct]:
        told: Sequence[tuple[Any, ...]] = rows
        try:
            if self._ends_in_list:  # an empty one is left out
                told = [row[:-1] if row[-1] == "[]" else _with_list(row) for row in rows]
            read: list[Struct] = msgspec.convert(told, self._columns)
        except msgspec.MsgspecError as fault:
            raise LedgerDamaged(f"a row of the ledger is {RESTORE} ({fault})") from fault
        return read


def _with_list(row: Row) -> tuple[Any, ...]:
    return (*row[:-1], msgspec.json.decode(text_value(row[-1])))


class KnownBooks:
    """The last read of one account's books."""

    def __init__(self) -> None:
        self.orders = KnownRows(LocalOrder, _OrderColumns, ends_in_list=True)
        self.fills = KnownRows(Fill, _FillColumns)
        self.trades = KnownRows(Trade, _TradeColumns)
