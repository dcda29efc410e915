"""Which rows of the mapped tables are meant, as conditions that the bot's own indexes serve, and their statement.

Live rows are found by every word that may say "live", those of a question by every usual spelling of an id. Rows are as
the driver gives them: the key's cells, then those of the mapped columns in their order.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from trueup.books.keys import key_cells
from trueup.books.tables.database import Cells, Condition, TableDatabase, all_of, any_of
from trueup.books.tables.mapping import TableMapping, TablesMapping
from trueup.books.tables.values import time_cell
from trueup.books.tables.words import Words
from trueup.model.errors import LedgerError
from trueup.model.ids import normal_id

ROWS_MAX = 200_000  # of one read: more live rows than any account may have at once
_IDS = ("venue_order_id", "client_order_id")
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


class RowFinder:
    """`owners`: the profiles whose rows are meant; of one alone every row is its own."""

    def __init__(self, database: TableDatabase, mapping: TablesMapping, owners: Sequence[str]) -> None:
        self._database = database
        self._mapping = mapping
        self._owners = owners
        self._keys: dict[str, list[str]] = {}
        self._live: Condition | None = None
        self._changed_like: Any = None  # a value of the column that tells when a row changed

    def key_of(self, table: TableMapping) -> list[str]:
        """The columns that name a row. Raises LedgerError where neither mapping nor database says."""
        if table.table not in self._keys:
            key = list(table.key) or self._database.primary_key(table.table)
            if not key:
                raise LedgerError(f"{table.table} has no primary key: say key = ['COLUMN', …] in its mapping")
            self._keys[table.table] = key
        return self._keys[table.table]

    def rows(
        self,
        table: TableMapping,
        condition: Condition,
        *,
        lock: bool = False,
        most: int | None = None,
        limited: bool = True,
    ) -> list[Cells]:
        """`limited` false: also rows that the mapping's `where` and the profiles leave out. Raises LedgerError, also
        where there are more than a run may hold."""
        where = all_of([condition, *(self._limits(table) if limited else [])])
        end = ""
        if lock and self._database.name != "sqlite":
            end += " FOR UPDATE"
        if most is not None:
            end += f" {self._database.most(most)}"
        return self._select(table, self._columns(table), where, end)

    def texts(
        self, table: TableMapping, condition: Condition, *, with_cells: bool = False
    ) -> list[Cells] | None:
        """The key of each row, or all of its cells, and these as one text; null where this database has none."""
        columns = self._columns(table)
        text = self._database.row_text(columns)
        if text is None:
            return None
        shown = columns if with_cells else columns[: len(self.key_of(table))]
        return self._select(table, [*shown, text], all_of([condition, *self._limits(table)]))

    def _columns(self, table: TableMapping) -> list[str]:
        return list(map(self._database.quoted, [*self.key_of(table), *table.columns.values()]))

    def _select(
        self, table: TableMapping, columns: Sequence[str], where: Condition, end: str = ""
    ) -> list[Cells]:
        name = self._database.quoted_table(table.table)
        text = f"SELECT {', '.join(columns)} FROM {name} WHERE {where.text}{end}"
        found = self._database.rows(text, where.values)
        if len(found) > ROWS_MAX:
            raise LedgerError(
                f"{table.table} has more than {ROWS_MAX:,} live or changed rows: does a status word mean what the "
                "mapping says?"
            )
        return found

    # -- conditions ---------------------------------------------------------------------------------------------------

    def orders(self, wanted: Wanted) -> Condition:
        table, parts = self._mapping.orders, []
        if wanted.live:
            parts.append(self._is_live(table))
        if wanted.changed_since is not None and table.changed_column is not None:
            parts.append(self._changed_since(table, table.changed_column, wanted.changed_since))
        if wanted.keys:
            keys = map(key_cells, wanted.keys)
            parts.append(self._database.is_in(table.table, self.key_of(table), keys))
        if wanted.ids:
            spelled = [form for one in wanted.ids for form in _spellings(one)]
            parts += [self.among(table, meaning, spelled) for meaning in _IDS if meaning in table.columns]
        if wanted.trade_ids and "trade_id" in table.columns:
            parts.append(self.among(table, "trade_id", wanted.trade_ids))
        return any_of(parts)

    def spelled_otherwise(self, ids: Sequence[str]) -> Condition:
        """Rows that have one of these ids in whatever spelling. No index serves it: for what is asked seldom."""
        table, database = self._mapping.orders, self._database
        known = database.columns(table.table)
        columns = [column for meaning in _IDS if (column := table.columns.get(meaning)) is not None]
        return any_of(
            Condition(f"lower(trim({database.quoted(column)})) = {database.mark}", (normal_id(one),))
            for column in columns
            if _is_text(known[column].type)
            for one in ids
        )

    def trades(self, table: TableMapping, wanted: Wanted) -> Condition:
        """Those that are named and, with `live`, those that are open."""
        parts = []
        if wanted.trade_ids and "trade_id" in table.columns:
            parts.append(self.among(table, "trade_id", wanted.trade_ids))
        if wanted.live and "status" in table.columns:
            mapped = [said for said, ours in table.words.get("status", {}).items() if ours in _TRADES_OPEN]
            parts.append(self.among(table, "status", dict.fromkeys([*mapped, *_OPEN_SPELLINGS])))
        return any_of(parts)

    def linked(self, table: TableMapping, links: Mapping[str, set[Any]]) -> Condition:
        """Rows of another table by what they name an order with: meaning → cells."""
        return any_of(self.among(table, meaning, cells - {None}) for meaning, cells in links.items())

    def among(self, table: TableMapping, meaning: str, cells: Any) -> Condition:
        return self._database.is_in(table.table, [table.columns[meaning]], [(one,) for one in cells])

    def _is_live(self, table: TableMapping) -> Condition:
        if "status" not in table.columns:
            return Condition("1 = 1")
        if self._live is None:
            self._live = self.among(table, "status", Words(table.words.get("status", {})).live())
        return self._live

    def _changed_since(self, table: TableMapping, column: str, since: str) -> Condition:
        database = self._database
        quoted = database.quoted(column)
        if self._changed_like is None:
            known = database.rows(
                f"SELECT {quoted} FROM {database.quoted_table(table.table)} WHERE {quoted} IS NOT NULL "
                f"{database.most(1)}"
            )
            if not known:
                return Condition("1 = 0")
            self._changed_like = known[0][0]
        rule = table.time_rule(next((one for one, name in table.columns.items() if name == column), ""))
        cell = time_cell(
            since, self._changed_like, rule, is_zoned=database.columns(table.table)[column].is_zoned
        )
        return Condition(f"{quoted} >= {database.mark}", (cell,))

    def _limits(self, table: TableMapping) -> list[Condition]:
        """The mapping's `where`, and the profiles that are read."""
        limits = []
        for column, value in table.where.items():
            values = value if isinstance(value, list) else [value]
            limits.append(self._database.is_in(table.table, [column], [(one,) for one in values]))
        if self._owners and "profile" in table.columns:
            words = Words(table.words.get("profile", {}))
            limits.append(
                self.among(table, "profile", [raw for owner in self._owners for raw in words.raw_of(owner)])
            )
        return limits


def _is_text(kind: str) -> bool:
    """A column type that holds texts; SQLite's may hold any, and say nothing."""
    return not kind or any(word in kind for word in ("char", "text", "clob", "string"))


def _spellings(one: str) -> list[str]:
    """How a column may hold this id: an index serves these, where a function over the column would read all of it."""
    bare = one.strip()
    return list(dict.fromkeys((one, bare, bare.lower(), bare.upper())))
