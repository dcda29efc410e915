"""Checks mapped tables before the first run: columns that are missing, words without a meaning, reads that would scan,
rights that are missing or too wide, and rows that cannot be what the mapping says they are. Reads only.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence

from trueup.books.checks import BookCheck
from trueup.books.plausible import implausible_beside, implausible_rows, unproven_words
from trueup.books.tables.database import TableDatabase
from trueup.books.tables.guess_mapping import COUNTED_MAX, WORDS_MAX
from trueup.books.tables.inserts import computed_columns, fill_insert_fault, order_insert_fault
from trueup.books.tables.mapping import LINKS, TableMapping, TablesMapping
from trueup.books.tables.read_tables import TablesReader, Wanted
from trueup.books.tables.rows import RowReader
from trueup.books.tables.values import cell_text
from trueup.books.tables.words import Words
from trueup.model.ids import known_id
from trueup.model.snapshot import VenueOrder
from trueup.model.times import from_ns
from trueup.model.vocabulary import Status
from trueup.ports.foreign_books import BooksTraits, ForeignRow, WriteMode

LOOKED_AT = 500  # rows
_NO_RIGHTS = (
    "give this user the right to write the file and its folder; a view takes no repairs, map its table"
)
_PLAIN_NAME = re.compile(r"[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?", re.ASCII)  # case is kept only by quotes
_SEARCHED = {  # by the table: what its rows are found by
    "orders": ("status", "venue_order_id", "client_order_id", "trade_id"),
    "fills": LINKS,
    "trades": ("trade_id", "status"),
}
_ENDS = (Status.FILLED, Status.CANCELED, Status.EXPIRED, Status.REJECTED)  # what an order comes to by itself
_NEVER_NEEDED = ("DELETE", "TRUNCATE")
NEEDED_TO_REPAIR = ("status", "filled_qty", "filled_avg_price")  # what nearly every repair sets


def check_tables(
    reader: TablesReader, traits: BooksTraits, opened: Sequence[VenueOrder], *, complete: bool
) -> Iterator[BookCheck]:
    """In the order in which they build on each other; a missing column ends them."""
    missing = list(_missing_columns(reader.database, reader.mapping))
    yield from missing
    if missing:
        return
    orders = reader.mapping.orders
    yield from _words(reader, orders)
    yield from _indexes(reader.database, reader.mapping)
    yield from _writing(reader.database, reader.mapping, traits)
    yield from _rows(reader, traits, opened, complete=complete)


def _missing_columns(database: TableDatabase, mapping: TablesMapping) -> Iterator[BookCheck]:
    for name, table in mapping.by_name.items():
        known = database.columns(table.table)
        if not known:
            yield BookCheck(
                message=f"{name}: there is no table {table.table}",
                next_step="name it in `table`",
                failed=True,
            )
            continue
        wanted = [
            *table.columns.values(),
            *table.key,
            *table.where,
            *([table.changed_at] if table.changed_at else []),
        ]
        for column in (one for one in dict.fromkeys(wanted) if one not in known and one != "rowid"):
            yield BookCheck(
                message=f"{table.table} has no column {column}",
                next_step=f"it has {', '.join(known)}",
                failed=True,
            )


def _words(reader: TablesReader, table: TableMapping) -> Iterator[BookCheck]:
    """Every distinct status word, among the first rows that are looked at."""
    if "status" not in table.columns:
        return
    column = reader.database.quoted(table.columns["status"])
    name = reader.database.quoted_table(table.table)
    rows = reader.database.rows(
        f"SELECT DISTINCT {column} FROM (SELECT {column} FROM {name} {reader.database.most(COUNTED_MAX)}) seen "
        f"{reader.database.most(WORDS_MAX)}"
    )
    words = RowReader(table, {}).words("status")
    said = [text for (cell,) in rows if (text := cell_text(cell)) is not None]
    unknown = [one for one in said if words.status(one, "2", "1") is None]
    if unknown:
        yield BookCheck(
            message=f"status words without a meaning: {', '.join(map(repr, unknown))}; their orders are not judged",
            next_step=f"say words.status: {unknown[0]} = 'filled' (or another of ours)",
        )
    else:
        yield BookCheck(message=f"{len(said)} status words, each with a meaning")


def _indexes(database: TableDatabase, mapping: TablesMapping) -> Iterator[BookCheck]:
    """A read of open rows, and a question for an id, must not scan a large table."""
    for name, table in mapping.by_name.items():
        wanted = [table.columns.get(one) for one in _SEARCHED[name]]
        if name == "orders":
            wanted.insert(-1, table.changed_column)
        indexed = database.indexed_columns(table.table)
        bare = [one for one in dict.fromkeys(wanted) if one is not None and one not in indexed]
        if bare and indexed:
            yield BookCheck(
                message=f"no index begins with {', '.join(bare)}: reading scans {table.table}",
                next_step="fine while it is small; else "
                + "; ".join(_index(database, table, [column]) for column in bare),
            )


def _writing(database: TableDatabase, mapping: TablesMapping, traits: BooksTraits) -> Iterator[BookCheck]:
    """What may be written, and what more this user may do than it needs."""
    is_written = bool(traits.writable_keys)
    if traits.write is WriteMode.TABLES and not is_written:
        names = [one for one in NEEDED_TO_REPAIR if one in mapping.orders.columns]
        yield BookCheck(
            message="write = 'tables', and no column may be set: every repair is refused",
            next_step=f"say writable = {json.dumps(names)} in its table of orders",
            failed=True,
        )
    for table in mapping.by_name.values():
        computed = computed_columns(database, table, table.writable) if is_written else []
        if computed and table is not mapping.fills:
            yield BookCheck(
                message=f"{', '.join(computed)} is computed by the database: repairs of it are refused",
                next_step="map the columns that it is computed from, or take it out of `writable`",
                failed=True,
            )
        columns = [table.columns[one] for one in table.writable] if is_written else []
        rights = database.may_write(table.table, columns)
        wide = [one for one in rights.wide if not is_written or one in _NEVER_NEEDED]
        if wide:
            does = "are only set and inserted" if is_written else "are not written"
            yield BookCheck(
                message=f"the rows of {table.table} {does}, yet this user may {', '.join(wide)}",
                next_step="give trueup a user of its own, with no more rights than the documentation names",
            )
        if is_written and table is not mapping.fills and rights.missing:
            yield _missing_right(database, "UPDATE", table, rights.missing)
    if is_written:
        yield from _inserting(database, mapping, traits)
        yield from _repairs(database, mapping, traits)


def _inserting(database: TableDatabase, mapping: TablesMapping, traits: BooksTraits) -> Iterator[BookCheck]:
    fills = mapping.fills
    if traits.inserts:
        orders = mapping.orders
        lacking = database.may_write(orders.table, list(orders.columns.values()), "INSERT").missing
        if lacking:
            yield _missing_right(database, "INSERT", orders, lacking)
    if fills is None or not fills.writable:
        return
    fault = fill_insert_fault(database, fills)
    if fault is not None:
        key = [fills.columns[one] for one in (*LINKS, "fill_id") if one in fills.columns]
        mend = (
            _index(database, fills, key, "UNIQUE ")
            if "unique key" in fault
            else "map it, or give it a default"
        )
        yield BookCheck(message=f"fills are not inserted: {fault}", next_step=mend)
        return
    lacking = database.may_write(
        fills.table, [fills.columns[one] for one in fills.writable], "INSERT"
    ).missing
    if lacking:
        yield _missing_right(database, "INSERT", fills, lacking)


def _index(database: TableDatabase, table: TableMapping, columns: Sequence[str], kind: str = "") -> str:
    name = re.sub(r"\W+", "_", "_".join([table.table.rpartition(".")[2], *columns]).lower())
    names = ", ".join(_as_typed(database.quoted, one) for one in columns)
    return f"CREATE {kind}INDEX {name} ON {_as_typed(database.quoted_table, table.table)} ({names})"


def _as_typed(quote: Callable[[str], str], name: str) -> str:
    """A name in a statement for a person to run: quoted where it has to be."""
    return name if _PLAIN_NAME.fullmatch(name) else quote(name).replace("%%", "%")


def _missing_right(
    database: TableDatabase, right: str, table: TableMapping, columns: Sequence[str]
) -> BookCheck:
    names = ", ".join(_as_typed(database.quoted, one) for one in columns)
    place = _as_typed(database.quoted_table, table.table)
    grant = f"GRANT {right} ({names}) ON {place} to trueup's user"
    return BookCheck(
        message=f"may not be written: {', '.join(columns)}",
        next_step=_NO_RIGHTS if database.name == "sqlite" else grant,
        failed=True,
    )


def _repairs(database: TableDatabase, mapping: TablesMapping, traits: BooksTraits) -> Iterator[BookCheck]:
    """What the first run would set."""
    orders = mapping.orders
    fault = order_insert_fault(database, orders)
    left_out = [one for one in NEEDED_TO_REPAIR if one in orders.columns and one not in orders.writable]
    if left_out:
        yield BookCheck(
            message=f"{', '.join(left_out)} may not be set: most repairs are refused",
            next_step="add it to `writable`",
        )
    words = Words(orders.words.get("status", {}))
    unsaid = [one for one in _ENDS if words.to_write(one) is None] if "status" in orders.writable else []
    if unsaid:
        yield BookCheck(
            message=f"no word of the bot's says {', '.join(unsaid)}: repairs that set it are refused",
            next_step=f"say words.status: YOUR_WORD = '{unsaid[0]}'",
        )
    columns = [orders.columns[one] for one in orders.writable]
    kin = ["fills are inserted"] if "fills" in traits.writable_keys else []
    if mapping.trades is not None and mapping.trades.writable:
        kin.append(
            f"trades have {', '.join(mapping.trades.columns[one] for one in mapping.trades.writable)} set"
        )
    yield BookCheck(
        message="; ".join(
            [
                f"repairs set {', '.join(columns)}",
                *kin,
                f"orders that only the venue knows are {'inserted' if fault is None else f'not inserted ({fault})'}",
                "a bot that adds to these columns from memory, instead of setting them, does not go together with it",
            ]
        )
    )


def _rows(
    reader: TablesReader, traits: BooksTraits, opened: Sequence[VenueOrder], *, complete: bool
) -> Iterator[BookCheck]:
    with reader.database.reading():
        live = reader.read(Wanted(live=True))
        known = {one.key for one in live.rows}
        some = reader.some(LOOKED_AT)
        words = reader.status_words([*reader.order_cells(Wanted(keys=sorted(known))), *some])
    more = [reader.row_of(one) for one in some if one.key not in known]
    rows = [*live.rows, *(one for one in more if isinstance(one, ForeignRow))]
    faults = implausible_rows(rows, from_ns(reader.database.now_ns()))
    faults += implausible_beside(rows, opened, complete=complete)
    for fault in faults:
        yield BookCheck(
            message=fault,
            next_step="is the mapping right? `trueup connect` shows what it means",
            failed=traits.mapped,
        )
    unproven = [] if faults else unproven_words(rows, words, opened, complete=complete)
    if unproven:
        yield BookCheck(
            message=f"status words that no order of the venue confirms yet: {', '.join(unproven)}",
            next_step="look one of their orders up at the venue before repairs are written",
        )
    yield from _left_out(reader, rows, opened)
    for one in live.unclear[:3]:
        yield BookCheck(
            message=one.message, next_step="it is not judged until the mapping says what it means"
        )
    if not faults:
        yield BookCheck(message=f"{len(live.rows)} live orders, {len(rows)} looked at")


def _left_out(
    reader: TablesReader, rows: Sequence[ForeignRow], opened: Sequence[VenueOrder]
) -> Iterator[BookCheck]:
    """Orders of the venue in rows that are nobody's: `where`, or the words of the profile column, may be wrong."""
    known = {known_id(row.order.venue_order_id) for row in rows}
    records = [one for one in opened[:LOOKED_AT] if known_id(one.venue_order_id) not in known]
    ids = [one for record in records for one in (record.venue_order_id, record.client_order_id) if one]
    with reader.database.reading():
        count = reader.left_out(ids) if ids else 0
    if count:
        yield BookCheck(
            message=f"{count} rows have orders that are open at the venue, and are left out by `where` or the profile",
            next_step="are they another bot's? else mend `where`, or say words.profile: ITS_WORD = 'your profile'",
        )


__all__ = ["NEEDED_TO_REPAIR", "check_tables"]
