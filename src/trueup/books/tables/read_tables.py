"""Reads mapped tables: what is live, changed since, of an open trade, or named by a question. Set-based.

Live rows are found by every word that may say "live". Nothing else is read: a million closed rows cost nothing where
the bot's own indexes serve. The caller holds the read transaction.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from trueup.books.keys import fingerprint, key_cells, row_key
from trueup.books.tables.database import Cells, Condition, TableDatabase, all_of, any_of
from trueup.books.tables.mapping import LINKS, TableMapping, TablesMapping
from trueup.books.tables.rows import RowReader, Unclear, read_fill, read_order, read_trade
from trueup.books.tables.values import cell_text, time_cell
from trueup.model.errors import LedgerError
from trueup.model.ids import known_id, normal_id, symbol_token
from trueup.model.snapshot import Fill, Instrument, LocalOrder
from trueup.ports.foreign_books import ForeignRead, ForeignRow, ForeignTrade, UnclearRow

SEEN_MAX = 200_000  # rows that are kept as they were understood
ROWS_MAX = 200_000  # of one read: more live rows than any account may have at once
_TRADES_OPEN = ("open", "quarantined")
_OPEN_SPELLINGS = ("open", "OPEN", "Open", "active", "true", "1", "quarantined")


class Wanted(Struct, frozen=True, kw_only=True):
    """Which orders are asked for, any of: live rows, those changed since (RFC 3339), by key, by either id, by trade.

    With `live` also every order of a trade that is open.
    """

    live: bool = False
    changed_since: str | None = None
    keys: Sequence[str] = ()
    ids: Sequence[str] = ()
    trade_ids: Sequence[str] = ()


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
        self._keys: dict[str, list[str]] = {}
        self._readers = {name: RowReader(table, {}) for name, table in mapping.by_name.items()}
        self._seen: dict[str, tuple[OrderCells, ForeignRow]] = {}  # rows as they were understood last, by key

    def know_instruments(self, instruments: Sequence[Instrument]) -> None:
        """Rows are understood anew where they are others than before."""
        self.knows_instruments = True
        if instruments != self.instruments:
            self.instruments = instruments
            steps = {symbol_token(one.symbol): one for one in instruments}
            self._readers = {name: RowReader(table, steps) for name, table in self.mapping.by_name.items()}
            self._seen.clear()

    def fingerprint(self, found: OrderCells) -> str:
        """Of the row with its fills, as it is read: by other steps its floats may be other amounts."""
        seen = self._seen.get(found.key)
        if seen is not None and seen[0] == found:
            return seen[1].fingerprint
        grid = self._readers["orders"].grid(found.cells)
        fills = sorted(fingerprint(cells) for _, cells in found.fills)
        return fingerprint(found.cells, *fills, *([] if grid is None else [grid]))

    def read(self, wanted: Wanted) -> ForeignRead:
        """Raises LedgerError."""
        trades, unclear = self._trades(wanted) if wanted.live else ([], [])
        if trades and "trade_id" in self.mapping.orders.columns:
            open_ids = [one.trade.trade_id for one in trades]
            wanted = replace(wanted, trade_ids=[*wanted.trade_ids, *open_ids])
        rows: list[ForeignRow] = []
        for found in self.order_cells(wanted):
            row = self.row_of(found)
            rows.append(row) if isinstance(row, ForeignRow) else unclear.append(row)
        if not wanted.live and rows:
            named = sorted({one.order.trade_id for one in rows if one.order.trade_id is not None})
            trades, more = self._trades(Wanted(trade_ids=named)) if named else ([], [])
            unclear += more
        return ForeignRead(rows=rows, trades=trades, unclear=unclear)

    def rows_of(self, name: str) -> RowReader:
        """What reads the cells of one of the mapped tables."""
        return self._readers[name]

    # -- orders -------------------------------------------------------------------------------------------------------

    def order_cells(self, wanted: Wanted, *, lock: bool = False) -> list[OrderCells]:
        """The rows as they stand, with their fills."""
        table = self.mapping.orders
        found = [
            OrderCells(key, cells, [])
            for key, cells in self.select(table, self._wanted(table, wanted), lock=lock)
        ]
        self._add_fills(found)
        return found

    def has_spelled_otherwise(self, ids: Sequence[str]) -> bool:
        """Whether a row has one of these ids in another spelling. No index serves it: for what is asked seldom."""
        table, database = self.mapping.orders, self.database
        known = database.columns(table.table)
        wanted = [normal_id(one) for one in ids]
        alike = [
            Condition(f"lower(trim({database.quoted(column)})) = {database.mark}", (one,))
            for meaning in ("venue_order_id", "client_order_id")
            if (column := table.columns.get(meaning)) and _is_text(known[column].type)
            for one in wanted
        ]
        return bool(alike) and bool(self.select(table, any_of(alike), most=1))

    def some(self, count: int) -> list[OrderCells]:
        """Any rows, for a person to look at."""
        table = self.mapping.orders
        found = [OrderCells(key, cells, []) for key, cells in self.select(table, Condition(""), most=count)]
        self._add_fills(found)
        return found

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

    def _wanted(self, table: TableMapping, wanted: Wanted) -> Condition:
        database = self.database
        parts: list[Condition] = []
        if wanted.live:
            parts.append(self._is_live(table))
        if wanted.changed_since is not None and table.changed_column is not None:
            parts.append(self._changed_since(table, wanted.changed_since))
        if wanted.keys:
            parts.append(database.is_in(table.table, self.key_of(table), map(key_cells, wanted.keys)))
        if wanted.ids:
            spelled = [(form,) for one in wanted.ids for form in _spellings(one)]
            parts += [
                database.is_in(table.table, [table.columns[meaning]], spelled)
                for meaning in ("venue_order_id", "client_order_id")
                if meaning in table.columns
            ]
        if wanted.trade_ids and "trade_id" in table.columns:
            named = [(one,) for one in wanted.trade_ids]
            parts.append(database.is_in(table.table, [table.columns["trade_id"]], named))
        return any_of(parts)

    def _is_live(self, table: TableMapping) -> Condition:
        if "status" not in table.columns:
            return Condition("1 = 1")
        words = self._readers["orders"].words("status").live()
        return self.database.is_in(table.table, [table.columns["status"]], [(one,) for one in words])

    def _changed_since(self, table: TableMapping, since: str) -> Condition:
        database, column = self.database, table.changed_column or ""
        quoted = database.quoted(column)
        known = database.rows(
            f"SELECT {quoted} FROM {database.quoted(table.table)} WHERE {quoted} IS NOT NULL LIMIT 1"
        )
        rule = table.time_rule(next((one for one, name in table.columns.items() if name == column), ""))
        return Condition(
            f"{quoted} >= {database.mark}", (time_cell(since, known[0][0] if known else None, rule),)
        )

    # -- fills and trades ---------------------------------------------------------------------------------------------

    def _add_fills(self, orders: Sequence[OrderCells]) -> None:
        table = self.mapping.fills
        if table is None or not orders:
            return
        found = self.select(table, self._of_orders(table, orders))
        by_link = {link: one for one in orders for link in _links(one)} if found else {}
        for key, cells in found:
            owner = next((by_link[link] for link in _fill_links(cells) if link in by_link), None)
            if owner is not None:
                owner.fills.append((key, cells))

    def _of_orders(self, table: TableMapping, orders: Sequence[OrderCells]) -> Condition:
        return any_of(
            self.database.is_in(
                table.table,
                [column],
                [(one,) for one in {_link(order, meaning) for order in orders} - {None}],
            )
            for meaning in LINKS
            if (column := table.columns.get(meaning)) is not None
        )

    def _trades(self, wanted: Wanted) -> tuple[list[ForeignTrade], list[UnclearRow]]:
        table = self.mapping.trades
        if table is None:
            return [], []
        reader = self._readers["trades"]
        found: list[ForeignTrade] = []
        unclear: list[UnclearRow] = []
        for key, cells in self.select(table, self._wanted_trades(table, wanted)):
            try:
                trade = read_trade(reader, cells)
                owner = reader.text(cells, "profile") or (self.owners[0] if self.owners else "")
            except Unclear as fault:
                unclear.append(_unclear(table.table, key, str(fault), {}))
                continue
            found.append(ForeignTrade(profile_id=owner, trade=trade))
        return found, unclear

    def _wanted_trades(self, table: TableMapping, wanted: Wanted) -> Condition:
        database = self.database
        parts = []
        if wanted.trade_ids and "trade_id" in table.columns:
            named = [(one,) for one in wanted.trade_ids]
            parts.append(database.is_in(table.table, [table.columns["trade_id"]], named))
        if wanted.live and "status" in table.columns:
            mapped = [said for said, ours in table.words.get("status", {}).items() if ours in _TRADES_OPEN]
            words = [(one,) for one in dict.fromkeys([*mapped, *_OPEN_SPELLINGS])]
            parts.append(database.is_in(table.table, [table.columns["status"]], words))
        return any_of(parts)

    def fill_ids(self, key: str) -> list[str]:
        """Of the fills that the row has now."""
        found = self.order_cells(Wanted(keys=[key]))
        ids = (_loose_text(cells.get("fill_id")) for one in found for _, cells in one.fills)
        return [one for one in ids if one is not None]

    def trade_cells(self, trade_id: str) -> list[tuple[str, dict[str, Any]]]:
        """The rows of a trade, by key, locked until the end of the write transaction."""
        table = self.mapping.trades
        if table is None or "trade_id" not in table.columns:
            return []
        named = self.database.is_in(table.table, [table.columns["trade_id"]], [(trade_id,)])
        return self.select(table, named, lock=True)

    # -- any table ----------------------------------------------------------------------------------------------------

    def key_of(self, table: TableMapping) -> list[str]:
        """The columns that name a row. Raises LedgerError where neither mapping nor database says."""
        if table.table not in self._keys:
            key = list(table.key) or self.database.primary_key(table.table)
            if not key:
                raise LedgerError(f"{table.table} has no primary key: say key = ['COLUMN', …] in its mapping")
            self._keys[table.table] = key
        return self._keys[table.table]

    def select(
        self, table: TableMapping, condition: Condition, *, lock: bool = False, most: int | None = None
    ) -> list[tuple[str, dict[str, Any]]]:
        """Rows by key: meaning → cell. Raises LedgerError where there are more than a run may hold."""
        database, key = self.database, self.key_of(table)
        meanings = list(table.columns)
        names = [*key, *(table.columns[meaning] for meaning in meanings)]
        where = all_of([condition, *self._limits(table)])
        text = (
            f"SELECT {', '.join(map(database.quoted, names))} FROM {database.quoted(table.table)} "
            f"WHERE {where.text}"
        )
        if lock and database.name != "sqlite":
            text += " FOR UPDATE"
        if most is not None:
            text += f" LIMIT {most}"
        found = database.rows(text, where.values)
        if len(found) > ROWS_MAX:
            raise LedgerError(
                f"{table.table} has more than {ROWS_MAX:,} live or changed rows: does a status word mean what the "
                "mapping says?"
            )
        return [_keyed(row, len(key), meanings) for row in found]

    def _limits(self, table: TableMapping) -> list[Condition]:
        """The mapping's `where`, and the profiles that are read."""
        limits = []
        for column, value in table.where.items():
            values = value if isinstance(value, list) else [value]
            limits.append(self.database.is_in(table.table, [column], [(one,) for one in values]))
        if self.owners and "profile" in table.columns:
            words = RowReader(table, {}).words("profile")
            values = [raw for owner in self.owners for raw in words.raw_of(owner)]
            limits.append(
                self.database.is_in(table.table, [table.columns["profile"]], [(one,) for one in values])
            )
        return limits


def _keyed(row: Cells, key_len: int, meanings: Sequence[str]) -> tuple[str, dict[str, Any]]:
    return row_key(row[:key_len]), dict(zip(meanings, row[key_len:], strict=True))


def _is_text(kind: str) -> bool:
    """A column type that holds texts; SQLite's may hold any, and say nothing."""
    return not kind or any(word in kind for word in ("char", "text", "clob", "string"))


def _spellings(one: str) -> list[str]:
    """How a column may hold this id: an index serves these, where a function over the column would read all of it."""
    bare = one.strip()
    return list(dict.fromkeys((one, bare, bare.lower(), bare.upper())))


def _link(order: OrderCells, meaning: str) -> Any:
    return key_cells(order.key)[0] if meaning == "order" else order.cells.get(meaning)


def _links(one: OrderCells) -> list[tuple[str, str]]:
    return [("order", one.key), *_id_links(one.cells)]


def _fill_links(cells: Mapping[str, Any]) -> list[tuple[str, str]]:
    link = cells.get("order")
    return [*([] if link is None else [("order", row_key([link]))]), *_id_links(cells)]


def _id_links(cells: Mapping[str, Any]) -> list[tuple[str, str]]:
    ids = {
        meaning: known_id(_loose_text(cells.get(meaning)))
        for meaning in ("venue_order_id", "client_order_id")
    }
    return [(meaning, one) for meaning, one in ids.items() if one is not None]


def _unclear(table: str, key: str, message: str, cells: Mapping[str, Any]) -> UnclearRow:
    return UnclearRow(
        key=key,
        message=f"{table} {key}: {message}",
        venue_order_id=_loose_text(cells.get("venue_order_id")),
        client_order_id=_loose_text(cells.get("client_order_id")),
    )


def _loose_text(cell: Any) -> str | None:
    """An id where it may be none: what is asked only whether it exists."""
    try:
        return cell_text(cell)
    except (ValueError, UnicodeDecodeError):
        return None
