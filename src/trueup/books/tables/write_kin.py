"""What goes with a repaired order in a bot's tables of fills and trades, in the order's own write transaction.

Fills: real ones that are booked and that the bot has not; one that came meanwhile is the bot's word, and the order has
moved. Inferred fills are trueup's own, and are no rows of the bot's. Trades: quantities and status are set where the
row still has what the mirror had before; it may have what is wanted already; a row with anything else is left alone,
and told. Only columns that the mapping marks writable.
"""

from collections.abc import Mapping
from typing import Any

from trueup.books.keys import key_cells
from trueup.books.tables.cells import CellWriter
from trueup.books.tables.database import RowRefused, TableDatabase
from trueup.books.tables.mapping import AMOUNTS, TableMapping
from trueup.books.tables.read_tables import TablesReader
from trueup.books.tables.rows import Unclear
from trueup.books.tables.statements import insert_row, set_rows
from trueup.model.ids import normal_id
from trueup.model.money import amount, same, text
from trueup.model.snapshot import Fill, Trade
from trueup.model.vocabulary import TradeStatus
from trueup.ports.foreign_books import ForeignRow, WriteBack


class KinMoved(Exception):
    """The bot wrote a fill of this order meanwhile."""


class KinWriter:
    """Of one write transaction."""

    def __init__(self, reader: TablesReader, database: TableDatabase) -> None:
        self._reader = reader
        self._database = database
        self._fills = _writer(reader.mapping.fills, database)
        self._trades = _writer(reader.mapping.trades, database)

    def has(self, write: WriteBack, row: ForeignRow) -> bool:
        """Whether the row has the fills already."""
        if self._fills is None:
            return True
        known = {normal_id(one.fill_id) for one in row.fills or ()}
        return all(normal_id(one.fill_id) in known for one in _real(write))

    def write(self, write: WriteBack, key: str) -> str | None:
        """Returns what was left alone, and why. Raises KinMoved, RowRefused, ValueError."""
        if self._fills is not None and (wanted := _real(write)):
            known = self._known_fills(key)
            for fill in wanted:
                if normal_id(fill.fill_id) not in known:
                    self._insert_fill(self._fills, fill, key)
        if self._trades is not None and write.trade_before is not None and write.trade_after is not None:
            return self._set_trade(self._trades, write.trade_before, write.trade_after)
        return None

    # -- fills --------------------------------------------------------------------------------------------------------

    def _known_fills(self, key: str) -> set[str]:
        return {normal_id(one) for one in self._reader.fill_ids(key)}

    def _insert_fill(self, writer: CellWriter, fill: Fill, key: str) -> None:
        said = {meaning: getattr(fill, meaning, None) for meaning in writer.table.writable}
        if "order" in said:
            said["order"] = key_cells(key)[0]
        try:
            with self._database.savepoint():
                insert_row(self._database, writer.table.table, writer.to_insert(said))
        except RowRefused as fault:
            if normal_id(fill.fill_id) in self._known_fills(key):
                raise KinMoved("the bot wrote one of its fills") from fault
            raise

    # -- trades -------------------------------------------------------------------------------------------------------

    def _set_trade(self, writer: CellWriter, before: Trade, after: Trade) -> str | None:
        table = writer.table
        changed = [one for one in table.writable if not _alike(one, _value(before, one), _value(after, one))]
        if after.status is TradeStatus.QUARANTINED and not _has_word(writer, after.status):
            changed = [
                one for one in changed if one != "status"
            ]  # trueup's own mark: the bot asks for it elsewhere
        found = self._reader.trade_cells(after.trade_id) if changed else []
        if len(found) != 1:
            return f"{table.table} has {len(found)} rows of trade {after.trade_id}" if changed else None
        key, cells = found[0]
        try:
            said = {one: self._said(one, cells, after.symbol) for one in changed}
        except Unclear as fault:
            return f"trade {after.trade_id}: {fault}"
        due = [one for one in changed if not _alike(one, said[one], _value(after, one))]
        for one in due:
            if not _alike(one, said[one], _value(before, one)):
                wanted = f"{_value(before, one)} nor {_value(after, one)}"
                return (
                    f"trade {after.trade_id} has {one} {said[one]}, neither {wanted}: its row was left alone"
                )
        columns = writer.to_set({one: _value(after, one) for one in due}, cells)
        if columns:
            names = sorted(columns)
            values = [columns[name] for name in names]
            set_rows(self._database, table.table, self._reader.key_of(table), names, [(key, values)])
        return None

    def _said(self, meaning: str, cells: Mapping[str, Any], symbol: str) -> str | None:
        reader = self._reader.rows_of("trades")
        if meaning == "status":
            said = reader.word(cells, meaning, reader.words(meaning).trade_status)
            return None if said is None else said.value
        if meaning == "entry_avg_price":
            return reader.price(cells, meaning, symbol, is_average=True)
        return reader.qty(cells, meaning, symbol, signed=True) or "0"


def _writer(table: TableMapping | None, database: TableDatabase) -> CellWriter | None:
    return None if table is None or not table.writable else CellWriter(table, database)


def _real(write: WriteBack) -> list[Fill]:
    return [one for one in write.fills if not one.inferred and amount(one.qty) > 0]


def _value(trade: Trade, meaning: str) -> str | None:
    value = text(trade.open_qty) if meaning == "open_qty" else getattr(trade, meaning)
    return None if value is None else str(value)


def _alike(meaning: str, one: str | None, other: str | None) -> bool:
    return same(one, other) if meaning in AMOUNTS else one == other


def _has_word(writer: CellWriter, status: TradeStatus) -> bool:
    return status.value in writer.table.words.get("status", {}).values()
