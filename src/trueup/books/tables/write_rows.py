"""Writes repairs into mapped tables: compared with what was judged, set, read back, all in one transaction.

Rules: a row that still has the fingerprint that was judged is set; one that has what would be set already is
delivered; any other has moved, and nothing is written. Values are set, never added; only columns that the mapping marks
writable; a status only by a word of the bot's own. What the database made of it is read in the same transaction: a row
that it kept as it was, or whose filled quantity came no nearer to what was wanted (a trigger that adds), is refused and
taken back. Of several rows one that the database refuses spoils no other.
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from trueup.books.tables.cells import CellWriter, Columns
from trueup.books.tables.database import RowRefused, TableDatabase
from trueup.books.tables.mapping import ORDER_AMOUNTS
from trueup.books.tables.read_tables import OrderCells, TablesReader, Wanted
from trueup.books.tables.statements import insert_row, set_rows
from trueup.books.tables.values import loose_text
from trueup.books.tables.write_kin import KinMoved, KinWriter
from trueup.model.errors import Conflict
from trueup.model.ids import known_client_id
from trueup.model.money import same
from trueup.model.snapshot import LocalOrder
from trueup.model.vocabulary import Side
from trueup.ports.foreign_books import ForeignRow, SetRow, WriteBack, WriteOutcome, WriteResult


class _Update(Struct, gc=False):
    write: WriteBack
    key: str
    columns: Columns
    standing: OrderCells


def write_rows(
    reader: TablesReader, database: TableDatabase, writes: Sequence[WriteBack]
) -> list[WriteResult]:
    """One result for each write, in their order. The caller holds the write transaction."""
    results = _Writing(reader, database).write(writes)
    return [results[one.sequence] for one in writes]


def has_values(order: LocalOrder, values: Mapping[str, Any]) -> bool:
    """Whether the row says all of it already."""
    return all(
        same(getattr(order, meaning), value) if meaning in ORDER_AMOUNTS else getattr(order, meaning) == value
        for meaning, value in values.items()
    )


class _Writing:
    def __init__(self, reader: TablesReader, database: TableDatabase) -> None:
        self._reader = reader
        self._database = database
        self._orders = CellWriter(reader.mapping.orders, database)
        self._kin = KinWriter(reader, database)

    def write(self, writes: Sequence[WriteBack]) -> dict[int, WriteResult]:
        results: dict[int, WriteResult] = {}
        keys = [one.key for one in writes if one.key is not None]
        found = self._reader.order_cells(Wanted(keys=keys), lock=True) if keys else []
        standing = {one.key: one for one in found}
        updates: list[_Update] = []
        for write in writes:
            judged = self._insert(write) if write.key is None else self._judge(write, standing.get(write.key))
            if isinstance(judged, WriteResult):
                results[write.sequence] = judged
            else:
                updates.append(judged)
        return results | self._update(updates)

    def _judge(self, write: WriteBack, standing: OrderCells | None) -> WriteResult | _Update:
        """What to set, or why nothing is."""
        if standing is None:
            return _result(write, WriteOutcome.MOVED, "the row is gone")
        if self._reader.fingerprint(standing) != write.judged:
            row = self._reader.row_of(standing)
            if (
                isinstance(row, ForeignRow)
                and (write.values or write.fills)  # else its trade is meant
                and has_values(row.order, write.values)
                and self._kin.has(write, row)
            ):
                return _result(write, WriteOutcome.DELIVERED)
            return _result(write, WriteOutcome.MOVED, "the bot changed it")
        write = self._without_tag(write, standing)
        try:
            columns = self._orders.to_set(write.values, standing.cells)
        except ValueError as fault:
            return _result(write, WriteOutcome.REFUSED, str(fault))
        return _Update(write, standing.key, columns, standing)

    def _without_tag(self, write: WriteBack, standing: OrderCells) -> WriteBack:
        """A text that several rows have is the bot's tag, or another column: it names no order, and stays."""
        said = loose_text(standing.cells.get("client_order_id"))
        wanted = write.values.get("client_order_id")
        if wanted is None or said is None or known_client_id(said) in (None, known_client_id(wanted)):
            return write
        if len(self._with_ids([said])) < 2:
            return write
        kept = {meaning: value for meaning, value in write.values.items() if meaning != "client_order_id"}
        return replace(write, values=kept)

    # -- rows that are there ------------------------------------------------------------------------------------------

    def _update(self, updates: Sequence[_Update]) -> dict[int, WriteResult]:
        results: dict[int, WriteResult] = {}
        for group in _groups(updates):
            try:
                with self._database.savepoint():
                    results |= self._set_together(group)
            except (RowRefused, KinMoved):
                for one in group:
                    results[one.write.sequence] = self._set_alone(one)
        return results

    def _set_alone(self, one: _Update) -> WriteResult:
        try:
            with self._database.savepoint():
                return self._set_together([one])[one.write.sequence]
        except KinMoved as fault:
            return _result(one.write, WriteOutcome.MOVED, str(fault))
        except (RowRefused, ValueError) as fault:
            return _result(one.write, WriteOutcome.REFUSED, str(fault))

    def _set_together(self, group: Sequence[_Update]) -> dict[int, WriteResult]:
        table, names = self._reader.mapping.orders, sorted(group[0].columns)
        if names:
            rows = [(one.key, [one.columns[name] for name in names]) for one in group]
            changed = set_rows(self._database, table.table, self._reader.key_of(table), names, rows)
            if changed < len(group) and self._database.name not in (
                "mysql",
                "mariadb",
            ):  # they count what differs
                raise Conflict(f"a row of {table.table} moved in the midst of a write: nothing was written")
        left = {one.key: self._kin.write(one.write, one.key) for one in group}
        after = {one.key: one for one in self._reader.order_cells(Wanted(keys=[one.key for one in group]))}
        return {one.write.sequence: self._read_back(one, after.get(one.key), left[one.key]) for one in group}

    def _read_back(self, one: _Update, after: OrderCells | None, left: str | None) -> WriteResult:
        """`left`: what of its trade was left alone. Raises RowRefused where the database did something else."""
        if after is None:
            return _result(one.write, WriteOutcome.DELIVERED, "it cannot be read back")
        print_ = self._reader.fingerprint(after)
        if print_ == one.write.judged and not self._says(after, one.write):
            raise RowRefused(
                "the row is as it was: its columns cannot hold the values, or a trigger keeps it"
            )
        if _came_no_nearer(one, after):
            said, wanted = after.cells.get("filled_qty"), one.write.values.get("filled_qty")
            raise RowRefused(f"filled_qty became {said} where {wanted} was set: a trigger changes it")
        kept = SetRow(key=one.key, fingerprint=print_)
        return WriteResult(sequence=one.write.sequence, outcome=WriteOutcome.DELIVERED, row=kept, error=left)

    def _says(self, found: OrderCells, write: WriteBack) -> bool:
        row = self._reader.row_of(found)
        return isinstance(row, ForeignRow) and has_values(row.order, write.values)

    # -- rows that are new --------------------------------------------------------------------------------------------

    def _insert(self, write: WriteBack) -> WriteResult:
        """A row of the bot's own that came meanwhile is the bot's word: the insert has moved."""
        ids = [one for one in (write.order.venue_order_id, write.order.client_order_id) if one is not None]
        if self._with_ids(ids) or self._reader.has_spelled_otherwise(ids):
            return _result(write, WriteOutcome.MOVED, "the bot has it now")
        if self._reader.left_out(ids):
            return _result(write, WriteOutcome.REFUSED, "it stands in a row that the mapping leaves out")
        try:
            columns = self._orders.to_insert(_new_values(self._orders, write))
            with self._database.savepoint():
                insert_row(self._database, self._reader.mapping.orders.table, columns)
                for made in self._with_ids(ids):
                    self._kin.write(write, made.key)
        except (RowRefused, KinMoved, ValueError) as fault:
            came = isinstance(fault, KinMoved) or bool(self._with_ids(ids))
            return _result(write, WriteOutcome.MOVED if came else WriteOutcome.REFUSED, str(fault))
        found = self._with_ids(ids)
        kept = SetRow(key=found[0].key, fingerprint=self._reader.fingerprint(found[0])) if found else None
        return WriteResult(sequence=write.sequence, outcome=WriteOutcome.DELIVERED, row=kept)

    def _with_ids(self, ids: Sequence[str]) -> list[OrderCells]:
        return self._reader.order_cells(Wanted(ids=ids))


def _result(write: WriteBack, outcome: WriteOutcome, error: str | None = None) -> WriteResult:
    return WriteResult(sequence=write.sequence, outcome=outcome, error=error)


def _groups(updates: Sequence[_Update]) -> Iterator[list[_Update]]:
    """Those that set the same columns go in one statement."""
    by_columns: dict[tuple[str, ...], list[_Update]] = {}
    for one in updates:
        by_columns.setdefault(tuple(sorted(one.columns)), []).append(one)
    yield from by_columns.values()


def _came_no_nearer(one: _Update, after: OrderCells) -> bool:
    """Whether what is filled now is as far from what was wanted as it was: a column that rounds comes nearer."""
    wanted, cell = one.write.values.get("filled_qty"), after.cells.get("filled_qty")
    if wanted is None or cell is None or str(cell) == wanted:
        return False
    now, target = _number(cell), Decimal(wanted)
    return now != target and abs(now - target) >= abs(_number(one.standing.cells.get("filled_qty")) - target)


def _number(cell: Any) -> Decimal:
    return abs(Decimal(str(cell or 0)))


def _new_values(writer: CellWriter, write: WriteBack) -> dict[str, Any]:
    """Raises ValueError where the row could not say what it is."""
    table = writer.table
    if not writer.has_side and write.order.side is Side.SELL:
        raise ValueError(f"{table.table} has no column for the side of an order that is inserted")
    values = {one: write.values.get(one, getattr(write.order, one, None)) for one in table.columns}
    if "price" in table.columns and "limit_price" not in table.columns:
        values["price"] = write.order.limit_price
    return values | {"profile": write.profile_id}
