"""Reads mapped tables: what is live, changed since, of an open trade, or named by a question. Set-based.

A row that is as it was at the last read is understood as it was. Nothing else is read: a million closed rows cost
nothing where the bot's own indexes serve. The caller holds the read transaction.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from trueup.books.keys import fingerprint, key_cells, row_key
from trueup.books.tables.database import Cells, Condition, TableDatabase
from trueup.books.tables.find_rows import RowFinder, Wanted
from trueup.books.tables.last_read import LastRead, LastRows
from trueup.books.tables.mapping import LINKS, TableMapping, TablesMapping
from trueup.books.tables.rows import RowReader, Unclear, read_fill, read_order, read_trade
from trueup.books.tables.values import loose_text
from trueup.model.check_texts import TEXT_CHARS_MAX, text_fault
from trueup.model.errors import brief_text
from trueup.model.ids import known_id, symbol_token
from trueup.model.snapshot import Fill, Instrument, LocalOrder
from trueup.ports.foreign_books import ForeignRead, ForeignRow, ForeignTrade, UnclearRow

SEEN_MAX = 200_000  # rows that are kept as they were understood
FEW = 0.25  # of the rows: so many are named by their keys, more are read with the others


class OrderCells(Struct, gc=False):
    """One order row as it was read: meaning → cell, with the cells of its fills."""

    key: str
    cells: dict[str, Any]
    fills: list[tuple[str, dict[str, Any]]] = []


class TablesReader:
    """Reads one bot's tables. `owners`: the profiles whose rows are meant; of one alone every row is its own.

    `instruments`: the venue's, as far as they are known; floats are snapped to their steps.
    """

    instruments: Sequence[Instrument] = ()
    knows_instruments = False

    def __init__(self, database: TableDatabase, mapping: TablesMapping, owners: Sequence[str]) -> None:
        self.database = database
        self.mapping = mapping
        self.owners = owners
        self._rules = _rules(mapping)
        self._finder = RowFinder(database, mapping, owners)
        self._readers = {name: RowReader(table, {}) for name, table in mapping.by_name.items()}
        self._seen: dict[str, tuple[OrderCells, ForeignRow]] = {}  # rows as they were understood last, by key
        self._last_rows = LastRows()
        self._last = LastRead()

    def know_instruments(self, instruments: Sequence[Instrument]) -> None:
        """Rows are understood anew where they are others than before."""
        self.knows_instruments = True
        if instruments != self.instruments:
            self.instruments = instruments
            steps = {symbol_token(one.symbol): one for one in instruments}
            self._readers = {name: RowReader(table, steps) for name, table in self.mapping.by_name.items()}
            self._seen.clear()
            self._last_rows = LastRows()
            self._last = LastRead()

    def fingerprint(self, found: OrderCells) -> str:
        """Of the row with its fills, as it is read: by other steps its floats may be other amounts, by other words and
        times of the mapping it is another order. What a person mends there is read anew from rows that did not move."""
        seen = self._seen.get(found.key)
        if seen is not None and seen[0] == found:
            return seen[1].fingerprint
        grid = self._readers["orders"].grid(found.cells)
        fills = sorted(fingerprint(cells) for _, cells in found.fills)
        return fingerprint(found.cells, *fills, *([] if grid is None else [grid]), *self._rules)

    def read_live(self, since: str) -> ForeignRead:
        """What is live or was changed since, by the mapping's column; more of it where nobody wrote since the last such
        read. Raises LedgerError."""
        state = self.database.state([one.table for one in self.mapping.by_name.values()])
        if not self._last.holds(state, since):
            self._last = LastRead(state, since, self.read(Wanted(live=True, changed_since=since)))
        return replace(self._last.found)

    def read(self, wanted: Wanted) -> ForeignRead:
        """Raises LedgerError."""
        trades, unclear = self._trades(wanted) if wanted.live else ([], [])
        if trades and "trade_id" in self.mapping.orders.columns:
            open_ids = [one.trade.trade_id for one in trades]
            wanted = replace(wanted, trade_ids=[*wanted.trade_ids, *open_ids])
        found = self._rows(wanted)
        rows = [one for one in found if type(one) is ForeignRow]
        if len(rows) < len(found):
            unclear += [one for one in found if isinstance(one, UnclearRow)]
        if not wanted.live and rows:
            named = sorted({one.order.trade_id for one in rows if one.order.trade_id is not None})
            trades, more = self._trades(Wanted(trade_ids=named)) if named else ([], [])
            unclear += more
        return ForeignRead(rows=rows, trades=trades, unclear=unclear)

    def rows_of(self, name: str) -> RowReader:
        """What reads the cells of one of the mapped tables."""
        return self._readers[name]

    # -- orders -------------------------------------------------------------------------------------------------------

    def _rows(self, wanted: Wanted) -> list[ForeignRow | UnclearRow]:
        """Most rows are as they were at the last read, to the last cell: they are what they were."""
        table, condition = self.mapping.orders, self._finder.orders(wanted)
        if self.mapping.fills is not None:
            return [self.row_of(one) for one in self._with_fills(self._finder.rows(table, condition))]
        if not wanted.live:
            return self._rows_of(self._finder.rows(table, condition))
        key_len, texts = len(self.key_of(table)), self._finder.texts(table, condition)
        if texts is None:
            raw = self._finder.rows(table, condition)
            return self._last_rows.understood(raw, key_len, self._rows_of)
        try:
            return self._last_rows.understood(texts, key_len, partial(self._rows_of_texts, texts, condition))
        except _SaysAnother:
            return self._rows_of(self._finder.rows(table, condition))

    def _rows_of(self, raw: Sequence[Cells]) -> list[ForeignRow | UnclearRow]:
        return [self.row_of(self._cells_of(cells)) for cells in raw]

    def _rows_of_texts(
        self, texts: Sequence[Cells], condition: Condition, new: Sequence[Cells]
    ) -> list[ForeignRow | UnclearRow]:
        """The cells of the new ones among these, which the condition finds."""
        table = self.mapping.orders
        if not new:
            return []
        if len(new) < len(texts) * FEW:
            key = self.key_of(table)
            condition = self.database.is_in(table.table, key, [one[: len(key)] for one in new])
        found = self._finder.texts(table, condition, with_cells=True) or []
        by_text = {cells[-1]: cells[:-1] for cells in found}
        if not all(one[-1] in by_text for one in new):
            raise _SaysAnother
        return self._rows_of([by_text[one[-1]] for one in new])

    def order_cells(self, wanted: Wanted, *, lock: bool = False) -> list[OrderCells]:
        """The rows as they stand, with their fills."""
        table = self.mapping.orders
        return self._with_fills(self._finder.rows(table, self._finder.orders(wanted), lock=lock))

    def _with_fills(self, raw: Sequence[Cells]) -> list[OrderCells]:
        found = [self._cells_of(cells) for cells in raw]
        self._add_fills(found)
        return found

    def key_of(self, table: TableMapping) -> list[str]:
        """The columns that name a row. Raises LedgerError where neither mapping nor database says."""
        return self._finder.key_of(table)

    def has_spelled_otherwise(self, ids: Sequence[str]) -> bool:
        """Whether a row has one of these ids in whatever spelling; it reads the whole table."""
        return bool(self._finder.rows(self.mapping.orders, self._finder.spelled_otherwise(ids), most=1))

    def left_out(self, ids: Sequence[str]) -> int:
        """How many rows have one of these ids, and are none of those that the mapping means."""
        table, named = self.mapping.orders, self._finder.orders(Wanted(ids=ids))
        return len(self._finder.rows(table, named, limited=False)) - len(self._finder.rows(table, named))

    def _cells_of(self, cells: Cells) -> OrderCells:
        table = self.mapping.orders
        return OrderCells(*_keyed(cells, len(self.key_of(table)), list(table.columns)))

    def some(self, count: int) -> list[OrderCells]:
        """Any rows, for a person to look at."""
        return self._with_fills(self._finder.rows(self.mapping.orders, Condition(""), most=count))

    def status_words(self, found: Sequence[OrderCells]) -> dict[str, str]:
        """By row key, the bot's own words."""
        said = {one.key: loose_text(one.cells.get("status")) for one in found}
        return {key: one for key, one in said.items() if one is not None}

    def row_of(self, found: OrderCells) -> ForeignRow | UnclearRow:
        """What a row says, or why it says nothing certain. One whose cells are as they were is understood as it was."""
        seen = self._seen.get(found.key)
        if seen is not None and seen[0] == found:
            return seen[1]
        row = self._understood(found)
        if isinstance(row, ForeignRow) and len(self._seen) < SEEN_MAX:
            self._seen[found.key] = (found, row)
        return row

    def _understood(self, found: OrderCells) -> ForeignRow | UnclearRow:
        reader, cells = self._readers["orders"], found.cells
        try:
            order = read_order(reader, cells)
            owner = reader.text(cells, "profile")
            fills = None if self.mapping.fills is None else self._fills_of(found, order)
        except Unclear as fault:
            return _unclear(self.mapping.orders.table, found.key, str(fault), cells)
        if long := text_fault(found.key):
            return _unclear(self.mapping.orders.table, found.key, f"its key is {long}", cells)
        if owner is None and len(self.owners) > 1:
            return _unclear(self.mapping.orders.table, found.key, "profile: whose is it?", cells)
        return ForeignRow(
            key=found.key,
            fingerprint=self.fingerprint(found),
            profile_id=owner or (self.owners[0] if self.owners else ""),
            order=order,
            changed_at=order.last_activity_at,
            fills=fills,
        )

    def _fills_of(self, found: OrderCells, order: LocalOrder) -> list[Fill]:
        return [read_fill(self._readers["fills"], cells, order) for _, cells in found.fills]

    # -- fills and trades ---------------------------------------------------------------------------------------------

    def _add_fills(self, orders: Sequence[OrderCells]) -> None:
        table = self.mapping.fills
        if table is None or not orders:
            return
        links = {one: {_link(order, one) for order in orders} for one in LINKS if one in table.columns}
        found = self._select(table, self._finder.linked(table, links))
        by_link = {link: one for one in orders for link in _links(one)} if found else {}
        for key, cells in found:
            owner = next((by_link[link] for link in _fill_links(cells) if link in by_link), None)
            if owner is not None:
                owner.fills.append((key, cells))

    def _trades(self, wanted: Wanted) -> tuple[list[ForeignTrade], list[UnclearRow]]:
        table = self.mapping.trades
        if table is None:
            return [], []
        reader = self._readers["trades"]
        found: list[ForeignTrade] = []
        unclear: list[UnclearRow] = []
        for key, cells in self._select(table, self._finder.trades(table, wanted)):
            try:
                trade = read_trade(reader, cells)
                owner = reader.text(cells, "profile") or (self.owners[0] if self.owners else "")
            except Unclear as fault:
                unclear.append(_unclear(table.table, key, str(fault), {}))
                continue
            found.append(ForeignTrade(profile_id=owner, trade=trade))
        return found, unclear

    def fill_ids(self, key: str) -> list[str]:
        """Of the fills that the row has now."""
        found = self.order_cells(Wanted(keys=[key]))
        ids = (loose_text(cells.get("fill_id")) for one in found for _, cells in one.fills)
        return [one for one in ids if one is not None]

    def trade_cells(self, trade_id: str) -> list[tuple[str, dict[str, Any]]]:
        """The rows of a trade, by key, locked until the end of the write transaction."""
        table = self.mapping.trades
        if table is None or "trade_id" not in table.columns:
            return []
        return self._select(table, self._finder.among(table, "trade_id", [trade_id]), lock=True)

    def _select(
        self, table: TableMapping, condition: Condition, *, lock: bool = False
    ) -> list[tuple[str, dict[str, Any]]]:
        """Rows by key: meaning → cell."""
        key_len, meanings = len(self.key_of(table)), list(table.columns)
        return [_keyed(row, key_len, meanings) for row in self._finder.rows(table, condition, lock=lock)]


class _SaysAnother(Exception):
    """A view has other rows each time it is read."""


def _rules(mapping: TablesMapping) -> list[str]:
    """What the mapping says of the meaning of cells, as far as it says anything."""
    said = {
        name: [sorted(rule.items()) for rule in (table.times, table.fixed)]
        + [[(meaning, sorted(words.items())) for meaning, words in sorted(table.words.items())]]
        for name, table in mapping.by_name.items()
        if name != "trades"
    }
    return [f"{name} {rules}" for name, rules in said.items() if any(rules)]


def _keyed(row: Cells, key_len: int, meanings: Sequence[str]) -> tuple[str, dict[str, Any]]:
    return row_key(row[:key_len]), dict(zip(meanings, row[key_len:], strict=True))


def _link(order: OrderCells, meaning: str) -> Any:
    return key_cells(order.key)[0] if meaning == "order" else order.cells.get(meaning)


def _links(one: OrderCells) -> list[tuple[str, str]]:
    return [("order", one.key), *_id_links(one.cells)]


def _fill_links(cells: Mapping[str, Any]) -> list[tuple[str, str]]:
    link = cells.get("order")
    return [*([] if link is None else [("order", row_key([link]))]), *_id_links(cells)]


def _id_links(cells: Mapping[str, Any]) -> list[tuple[str, str]]:
    ids = {
        meaning: known_id(loose_text(cells.get(meaning))) for meaning in ("venue_order_id", "client_order_id")
    }
    return [(meaning, one) for meaning, one in ids.items() if one is not None]


def _unclear(table: str, key: str, message: str, cells: Mapping[str, Any]) -> UnclearRow:
    short = brief_text(key, TEXT_CHARS_MAX)
    return UnclearRow(
        key=short,
        message=f"{table} {short}: {message}",
        venue_order_id=loose_text(cells.get("venue_order_id")),
        client_order_id=loose_text(cells.get("client_order_id")),
    )


__all__ = ["OrderCells", "TablesReader", "Wanted"]
