"""Reads mapped tables: what is live, what changed since, and what a question names. Set-based, in one read transaction.

Live rows are found by every word that may say "live"; rows that the caller knows as live are read again by their keys,
whatever they say now. A table that tells when a row changed is also read from that time on. Nothing else is read: a
million closed rows cost nothing where the bot's own indexes serve.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from trueup.books.tables.database import Cells, Condition, TableDatabase, all_of, any_of
from trueup.books.tables.mapping import TableMapping, TablesMapping
from trueup.books.tables.rows import RowReader, Steps, Unclear, read_fill, read_order, read_trade
from trueup.books.tables.values import cell_text, time_cell
from trueup.books.values import (
    ForeignFill,
    ForeignOrder,
    ForeignRead,
    ForeignTrade,
    RowFault,
    Wanted,
    fingerprint,
    key_cells,
    row_key,
)
from trueup.model.errors import LedgerError
from trueup.model.ids import known_id
from trueup.model.snapshot import LocalOrder
from trueup.model.times import from_ns

ROWS_MAX = 200_000  # of one read: more live rows than any account may have at once
KEY = "\x00key"  # prefix under which key cells are kept beside the mapped ones
_TRADES_OPEN = ("open", "quarantined")
_TRADE_OPEN_SPELLINGS = ("open", "OPEN", "Open", "active", "true", "1", "quarantined")


class TablesReader:
    """Reads one bot's tables. `owners`: the profiles that the table holds; empty: whatever it holds is one's."""

    def __init__(self, database: TableDatabase, mapping: TablesMapping, owners: Sequence[str] = ()) -> None:
        self.database = database
        self.mapping = mapping
        self.owners = owners
        self.steps: Steps = {}
        self._keys: dict[str, list[str]] = {}

    def read(self, wanted: Wanted) -> ForeignRead:
        """Raises LedgerError."""
        database = self.database
        with database.reading():
            read_at = from_ns(database.now_ns())
            orders, faults = self._orders(wanted)
            fills, fill_faults = self._fills(orders)
            trades, trade_faults = self._trades(orders, wanted)
        return ForeignRead(
            read_at=read_at,
            orders=orders,
            fills=fills,
            trades=trades,
            faults=[*faults, *fill_faults, *trade_faults],
        )

    def close(self) -> None:
        self.database.close()

    # -- orders -------------------------------------------------------------------------------------------------------

    def _orders(self, wanted: Wanted) -> tuple[list[ForeignOrder], list[RowFault]]:
        table = self.mapping.orders
        reader = RowReader(table, self.steps)
        orders: list[ForeignOrder] = []
        faults: list[RowFault] = []
        for key, cells in self.select(table, self._wanted(table, wanted)):
            print_ = fingerprint(cells)
            try:
                order = read_order(reader, cells, version_of(print_))
                owner = reader.text(cells, "profile")
            except Unclear as fault:
                faults.append(_fault(table.table, key, str(fault), cells))
                continue
            orders.append(ForeignOrder(key=key, fingerprint=print_, order=order, owner=owner, cells=cells))
        return orders, faults

    def _wanted(self, table: TableMapping, wanted: Wanted) -> Condition:
        parts: list[Condition] = []
        if wanted.live:
            parts.append(self._is_live(table))
        if wanted.changed_since is not None and table.changed_column is not None:
            parts.append(self._changed_since(table, wanted.changed_since))
        if wanted.keys:
            key = self.key_of(table)
            parts.append(
                self.database.is_in(table.table, key, [tuple(key_cells(one)) for one in wanted.keys])
            )
        if wanted.ids:
            spelled = [(form,) for one in wanted.ids for form in _spellings(one)]
            parts += [
                self.database.is_in(table.table, [table.columns[meaning]], spelled)
                for meaning in ("venue_order_id", "client_order_id")
                if meaning in table.columns
            ]
        if wanted.trade_ids and "trade_id" in table.columns:
            named = [(one,) for one in wanted.trade_ids]
            parts.append(self.database.is_in(table.table, [table.columns["trade_id"]], named))
        return any_of(parts)

    def _is_live(self, table: TableMapping) -> Condition:
        if "status" not in table.columns:
            return Condition("1 = 1")
        words = RowReader(table, {}).words("status").live()
        return self.database.is_in(table.table, [table.columns["status"]], [(one,) for one in words])

    def _changed_since(self, table: TableMapping, since: str) -> Condition:
        column = table.changed_column or ""
        newest = self.database.rows(
            f"SELECT {self.database.quoted(column)} FROM {self.database.quoted(table.table)} "
            f"WHERE {self.database.quoted(column)} IS NOT NULL LIMIT 1"
        )
        rule = table.time_rule(next((one for one, name in table.columns.items() if name == column), ""))
        bound = time_cell(since, newest[0][0] if newest else None, rule)
        return Condition(f"{self.database.quoted(column)} >= {self.database.mark}", (bound,))

    # -- fills and trades ---------------------------------------------------------------------------------------------

    def _fills(self, orders: Sequence[ForeignOrder]) -> tuple[list[ForeignFill], list[RowFault]]:
        table = self.mapping.fills
        if table is None or not orders:
            return [], []
        reader = RowReader(table, self.steps)
        by_link = {link: one for one in orders for link in (("order", one.key), *_id_links(one.order))}
        fills: list[ForeignFill] = []
        faults: list[RowFault] = []
        for key, cells in self.select(table, self._of_orders(table, orders)):
            owner = self._order_of(cells, by_link)
            try:
                fill = read_fill(reader, cells, None if owner is None else owner.order)
            except Unclear as fault:
                faults.append(_fault(table.table, key, str(fault), cells))
                continue
            order_key = None if owner is None else owner.key
            fills.append(ForeignFill(key=key, fingerprint=fingerprint(cells), fill=fill, order_key=order_key))
        return fills, faults

    def _of_orders(self, table: TableMapping, orders: Sequence[ForeignOrder]) -> Condition:
        links: Mapping[str, Iterable[Any]] = {
            "order": [key_cells(one.key)[0] for one in orders],
            "venue_order_id": [one.cells.get("venue_order_id") for one in orders],
            "client_order_id": [one.cells.get("client_order_id") for one in orders],
        }
        return any_of(
            self.database.is_in(
                table.table, [table.columns[meaning]], [(one,) for one in set(values) - {None}]
            )
            for meaning, values in links.items()
            if meaning in table.columns
        )

    def _order_of(
        self, cells: Mapping[str, Any], by_link: Mapping[tuple[str, str], ForeignOrder]
    ) -> ForeignOrder | None:
        if (link := cells.get("order")) is not None:
            found = by_link.get(("order", row_key([link])))
            if found is not None:
                return found
        for meaning in ("venue_order_id", "client_order_id"):
            said = cells.get(meaning)
            normal = None if said is None else known_id(cell_text(said))
            if normal is not None and (meaning, normal) in by_link:
                return by_link[meaning, normal]
        return None

    def _trades(
        self, orders: Sequence[ForeignOrder], wanted: Wanted
    ) -> tuple[list[ForeignTrade], list[RowFault]]:
        table = self.mapping.trades
        if table is None:
            return [], []
        reader = RowReader(table, self.steps)
        found: list[ForeignTrade] = []
        faults: list[RowFault] = []
        for key, cells in self.select(table, self._wanted_trades(table, orders, wanted)):
            print_ = fingerprint(cells)
            try:
                trade = read_trade(reader, cells, version_of(print_))
                owner = reader.text(cells, "profile")
            except Unclear as fault:
                faults.append(_fault(table.table, key, str(fault), {}))
                continue
            found.append(ForeignTrade(key=key, fingerprint=print_, trade=trade, owner=owner))
        return found, faults

    def _wanted_trades(
        self, table: TableMapping, orders: Sequence[ForeignOrder], wanted: Wanted
    ) -> Condition:
        parts = []
        named = {one.cells.get("trade_id") for one in orders} - {None}
        if named and "trade_id" in table.columns:
            parts.append(
                self.database.is_in(table.table, [table.columns["trade_id"]], [(one,) for one in named])
            )
        if wanted.live and "status" in table.columns:
            mapped = [said for said, ours in table.words.get("status", {}).items() if ours in _TRADES_OPEN]
            words = [(one,) for one in dict.fromkeys([*mapped, *_TRADE_OPEN_SPELLINGS])]
            parts.append(self.database.is_in(table.table, [table.columns["status"]], words))
        return any_of(parts)

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
        self, table: TableMapping, condition: Condition, *, lock: bool = False
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
        found = database.rows(text + f" LIMIT {ROWS_MAX + 1}" * (not lock), where.values)
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


def version_of(print_: str) -> int:
    """A version that changes with the row: a foreign table has none of its own."""
    return int(print_[:12], 16) + 1


def _spellings(one: str) -> list[str]:
    return list(dict.fromkeys((one, one.strip(), one.lower(), one.upper())))


def _id_links(order: LocalOrder) -> list[tuple[str, str]]:
    ids = {
        "venue_order_id": known_id(order.venue_order_id),
        "client_order_id": known_id(order.client_order_id),
    }
    return [(meaning, one) for meaning, one in ids.items() if one is not None]


def _fault(table: str, key: str, message: str, cells: Mapping[str, Any]) -> RowFault:
    return RowFault(
        table=table,
        key=key,
        message=message,
        venue_order_id=_loose_text(cells.get("venue_order_id")),
        client_order_id=_loose_text(cells.get("client_order_id")),
    )


def _loose_text(cell: Any) -> str | None:
    return None if cell is None else str(cell)
