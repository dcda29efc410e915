"""Mapped tables as somebody else's books (`ports.foreign_books`): read at one moment, written by compare-and-set."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from msgspec.structs import replace

from trueup.books.checks import BookCheck
from trueup.books.tables.check_tables import check_tables
from trueup.books.tables.database import TableDatabase
from trueup.books.tables.inserts import fill_insert_fault, order_insert_fault
from trueup.books.tables.mapping import TableMapping, TablesMapping
from trueup.books.tables.open_tables import open_tables, sqlite_path
from trueup.books.tables.read_tables import TablesReader, Wanted
from trueup.books.tables.sqlite import SqliteTables
from trueup.books.tables.write_rows import write_rows
from trueup.model.errors import Conflict, LedgerError
from trueup.model.plan import Plan
from trueup.model.snapshot import Instrument, LocalOrder, Snapshot, VenueOrder
from trueup.model.times import NS_PER_S, from_ns, is_before, to_ns
from trueup.ports.foreign_books import (
    FILLS,
    BooksSettings,
    BooksTraits,
    ForeignRead,
    RepairAsked,
    WriteBack,
    WriteMode,
    WriteOutcome,
    WriteResult,
)

FAILURES_MAX = 3  # in a row: a table that is locked, or gone, costs seconds for each row that waits for it
OVERLAP_S = 60  # a bot's transaction may stamp a row well before it commits
_KEPT = ("profile", "price")  # meanings that are no key of an order


class TablesBooks:
    """Implements `ForeignBooks`."""

    def __init__(
        self, settings: BooksSettings, mapping: TablesMapping, address: str, *, accepted: bool = False
    ) -> None:
        """`accepted`: a person said that rows are meant as they look, however implausible."""
        writable = settings.write is WriteMode.TABLES
        self._address, self._folder, self._writable = address, settings.folder, writable
        self._database = open_tables(address, settings.folder, writable=writable)
        owners = [one.profile_id for one in settings.profiles]
        self._reader = TablesReader(self._database, mapping, owners)
        self._traits = BooksTraits(
            kind="tables",
            source=settings.source,
            profile_ids=frozenset(owners),
            write=settings.write,
            order_keys=order_keys(mapping.orders),
            writable_keys=writable_keys(self._database, mapping) if writable else frozenset(),
            trade_keys=frozenset(mapping.trades.writable if writable and mapping.trades is not None else ()),
            inserts=writable and order_insert_fault(self._database, mapping.orders) is None,
            mapped=not accepted,
            together=writable and is_same_database(address, settings.ledger_url, settings.folder),
        )

    @property
    def traits(self) -> BooksTraits:
        return self._traits

    @property
    def reader(self) -> TablesReader:
        """For those who look at the tables themselves: `connect`, `doctor`."""
        return self._reader

    @property
    def knows_instruments(self) -> bool:
        return self._reader.knows_instruments

    def know_instruments(self, instruments: Sequence[Instrument]) -> None:
        self._reader.know_instruments(instruments)

    def read(self, since: str | None, recent_s: float) -> ForeignRead:
        with self._database.reading():
            now_ns = self._database.now_ns()
            recent = from_ns(now_ns - round(recent_s * NS_PER_S))
            start = recent
            if since is not None:
                overlapped = from_ns(to_ns(since) - OVERLAP_S * NS_PER_S)
                start = overlapped if is_before(overlapped, recent) else recent
            read = self._reader.read_live(start)
        can_tell = self._reader.mapping.orders.changed_column is not None
        return replace(read, cursor=from_ns(now_ns) if can_tell else None)

    def find(
        self, *, keys: Sequence[str] = (), ids: Sequence[str] = (), trade_ids: Sequence[str] = ()
    ) -> ForeignRead:
        with self._database.reading():
            return self._reader.read(Wanted(keys=keys, ids=ids, trade_ids=trade_ids))

    def is_removal_normal(self, order: LocalOrder) -> bool:
        return False

    def lock(self, keys: Sequence[str], within: Any) -> dict[str, str]:
        with self._within(within) as reader:
            found = reader.order_cells(Wanted(keys=keys), lock=True)
            return {one.key: reader.fingerprint(one) for one in found}

    def write_back(self, writes: Sequence[WriteBack], within: Any = None) -> list[WriteResult]:
        if within is not None:
            with self._within(within) as reader:
                return write_rows(reader, reader.database, writes)
        results, in_a_row = list[WriteResult](), 0
        for one in writes:
            results.append(self._write_alone(one))
            in_a_row = in_a_row + 1 if results[-1].outcome is WriteOutcome.FAILED else 0
            if in_a_row == FAILURES_MAX:
                break
        return results

    def _write_alone(self, write: WriteBack) -> WriteResult:
        try:
            with self._database.writing():
                (result,) = write_rows(self._reader, self._database, [write])
                return result
        except (Conflict, LedgerError) as fault:
            return WriteResult(sequence=write.sequence, outcome=WriteOutcome.FAILED, error=str(fault))

    @contextmanager
    def _within(self, connection: Any) -> Iterator[TablesReader]:
        """These tables through the connection of the ledger's transaction, which may search other schemas."""
        own, address = self._database, self._address
        database: TableDatabase
        if isinstance(own, SqliteTables):
            database = SqliteTables(sqlite_path(address, self._folder), within=connection)
            yield self._reader_of(database)
            return
        from trueup.books.tables.postgresql import PostgresqlTables

        database = PostgresqlTables(address, writable=True, within=connection)
        path = own.search_path() if isinstance(own, PostgresqlTables) else ""
        with database.searching(path):
            yield self._reader_of(database)

    def _reader_of(self, database: TableDatabase) -> TablesReader:
        reader = TablesReader(database, self._reader.mapping, self._reader.owners)
        reader.know_instruments(self._reader.instruments)
        return reader

    def ask(self, snapshot: Snapshot, plan: Plan) -> list[RepairAsked]:
        return []

    def check(self, opened: Sequence[VenueOrder], *, complete: bool) -> list[BookCheck]:
        return list(check_tables(self._reader, self._traits, opened, complete=complete))

    def close(self) -> None:
        self._database.close()


def order_keys(table: TableMapping) -> frozenset[str]:
    """What rows of this table say of an order."""
    keys = {one for one in (*table.columns, *table.fixed) if one not in _KEPT}
    if "price" in table.columns:
        keys |= {"limit_price", "filled_avg_price"}
    return frozenset(keys | {"side", "status", "filled_qty"})


def writable_keys(database: TableDatabase, mapping: TablesMapping) -> frozenset[str]:
    """With `fills` where they may be inserted."""
    keys, fills = frozenset(mapping.orders.writable), mapping.fills
    takes = fills is not None and fills.writable and fill_insert_fault(database, fills) is None
    return keys | {FILLS} if takes else keys


def is_same_database(address: str, ledger_url: str, folder: str) -> bool:
    """Whether books and journal can change in one transaction."""
    if not ledger_url:
        return False
    ours = urlsplit(ledger_url)
    if ours.scheme.startswith("sqlite"):
        is_file = "://" not in address or address.startswith("sqlite:")
        return is_file and _resolved(sqlite_path(address, folder)) == _resolved(
            sqlite_path(ledger_url, folder)
        )
    theirs = urlsplit(address)
    if not (ours.scheme.startswith("postgres") and theirs.scheme.startswith("postgres")):
        return False
    return (ours.hostname, ours.port or 5432, ours.path) == (
        theirs.hostname,
        theirs.port or 5432,
        theirs.path,
    )


def _resolved(path: Path) -> Path:
    return path.expanduser().resolve()
