"""Rows of the books by what they were read as: most are as they were at the last read, and not decoded again.

A row begins with its account and profile. Then comes one text, an array of its columns, or the columns themselves:
whichever the database makes faster (SQLite the text, PostgreSQL the columns). Equal ones are equal rows, whatever
became of the database in between. The database itself marks its rows (`Database.marks`): an account whose mark is that
of its last read is not read again at all. Where a mark is of one account's rows, their texts are not kept besides.
Knows neither statements nor judgements.
"""

from collections.abc import Sequence
from operator import attrgetter
from typing import Any, Generic, cast

import msgspec
from msgspec import Struct
from msgspec.structs import fields, replace

from trueup.ledgers.sql.database import Row, read_document
from trueup.ledgers.sql.rows import Stored
from trueup.model.errors import RESTORE, LedgerDamaged
from trueup.model.last_results import between_same, with_new
from trueup.model.snapshot import Fill, LocalOrder, Trade
from trueup.model.times import NS_PER_S, to_ns

ROWS_KEPT_MAX = 10_000  # of a kind and account: 2 KiB each, and not held twice while a larger list is read
MARK_S = (
    3600  # marks are believed for so long: transactions are numbered anew after four thousand million of them
)
ROWS_PER_INDEX = 20  # known ones for each that is looked up: beyond, reading it takes less than to index them
HEAD = 2  # columns that say whose a row is
_LISTS = frozenset(
    {"previous_venue_order_ids"}
)  # columns that are JSON lists, null where empty: they stand last


class _Reader(Generic[Stored]):
    """How rows of one kind are read, whatever the account."""

    def __init__(self, kind: type[Stored]) -> None:
        self.lists = [one.name for one in fields(kind) if one.name in _LISTS]
        # as one array: half the text of an object with keys, which takes half the time to make and read
        text: list[tuple[str, Any]] = [(one.name, one.type) for one in fields(kind)]
        # as a statement gives it; its lists have another name, so that the value's own are empty at first
        columns: list[tuple[str, Any]] = [("account_id", str), ("owner", str)]
        columns += [one for one in text if one[0] not in _LISTS]
        columns += [(f"{name}_", str | None) for name in self.lists]
        self._kind = list[kind]  # type: ignore[valid-type]
        self._columns = list[_array("Columns", columns)]  # type: ignore[misc]
        self._texts = msgspec.json.Decoder(list[_array("Text", text)])  # type: ignore[misc]

    def read(self, rows: Sequence[Row]) -> list[Stored]:
        """Raises LedgerDamaged."""
        if not rows:
            return []
        if len(rows[0]) == HEAD + 1:
            texts = [cast("str", row[HEAD]) for row in rows]
            return self._plain(read_document(self._texts, f"[{','.join(texts)}]"))
        try:
            read = msgspec.convert(rows, self._columns)
            stored = self._plain(read)
            return self._with_lists(read, stored) if self.lists else stored
        except msgspec.MsgspecError as fault:
            raise LedgerDamaged(f"a row of the ledger is {RESTORE} ({fault})") from fault

    def _plain(self, read: Sequence[Struct]) -> list[Stored]:
        stored: list[Stored] = msgspec.convert(read, self._kind, from_attributes=True)
        return stored

    def _with_lists(self, read: Sequence[Struct], stored: list[Stored]) -> list[Stored]:
        """Few rows have any."""
        for name in self.lists:
            texts = list(map(attrgetter(f"{name}_"), read))
            for place in [at for at, text in enumerate(texts) if text is not None]:
                told = msgspec.json.decode(texts[place], type=tuple[str, ...])
                stored[place] = replace(stored[place], **{name: told})
        return stored


def _array(name: str, columns: list[tuple[str, Any]]) -> type[Struct]:
    return msgspec.defstruct(name, columns, frozen=True, gc=False, array_like=True)


class KnownRows(Generic[Stored]):
    """The last read's rows of one kind."""

    def __init__(self, reader: _Reader[Stored]) -> None:
        self._reader: _Reader[Stored] = reader
        self._rows: Sequence[Row] = []
        self._found: list[Stored] = []
        self._index: dict[Row, Stored] | None = None  # of both; null: not made yet

    def decode(self, rows: Sequence[Row]) -> list[Stored]:
        """A read of the whole list, which is the known one from now on."""
        if rows == self._rows:
            return list(self._found)
        new = between_same(self._rows, rows)  # cheaper than to look each of them up
        found = with_new(self._found, self.look_up(rows[new.start : new.stop]), new, len(rows))
        is_kept = len(rows) <= ROWS_KEPT_MAX
        self._rows, self._found = (rows, found) if is_kept else ([], [])
        self._index = None
        return list(found)

    def forget(self) -> None:
        """The rows are known by their mark."""
        self._rows, self._found, self._index = [], [], None

    def look_up(self, rows: Sequence[Row]) -> list[Stored]:
        """Some rows, read between two reads of the whole."""
        if not self._rows or len(rows) * ROWS_PER_INDEX < len(self._rows):
            return self._reader.read(rows)
        if self._index is None:
            self._index = dict(zip(self._rows, self._found, strict=True))
        known: dict[Row, Stored] = self._index
        new = [one for one in rows if one not in known]
        if new:
            known = known | dict(zip(new, self._reader.read(new), strict=True))
        return [known[one] for one in rows]


_ORDERS, _FILLS, _TRADES = _Reader(LocalOrder), _Reader(Fill), _Reader(Trade)


Mark = frozenset[Row]  # of an account's rows, and of what all accounts share


class Books(Struct, frozen=True, kw_only=True):
    """One account's rows as they were read, by profile id. `has_older`: it has others, which were not."""

    orders: dict[str, list[LocalOrder]]
    fills: dict[str, list[Fill]]
    trades: dict[str, list[Trade]]
    has_older: bool


class KnownBooks:
    """The last read of one account's books."""

    def __init__(self) -> None:
        self.orders = KnownRows(_ORDERS)
        self.fills = KnownRows(_FILLS)
        self.trades = KnownRows(_TRADES)
        self._marked: tuple[Mark, str, Books] | None = None

    def of(self, mark: Mark | None, read_at: str) -> Books | None:
        """The rows that were read under this mark, if that was not long ago; null: they have to be read."""
        if self._marked is None or self._marked[0] != mark:
            return None
        age_ns = to_ns(read_at) - to_ns(self._marked[1])
        return self._marked[2] if 0 <= age_ns <= MARK_S * NS_PER_S else None

    def keep(self, mark: Mark | None, read_at: str, books: Books, *, with_rows: bool) -> None:
        """What was read, in the same transaction as its mark; null: the database could not tell. `with_rows`: others'
        writes change the mark, too, and then rows are known by what they were read as."""
        if mark is None:
            return
        for rows in () if with_rows else (self.orders, self.fills, self.trades):
            rows.forget()
        is_kept = sum(map(len, books.orders.values())) <= ROWS_KEPT_MAX
        self._marked = (mark, read_at, books) if is_kept else None
