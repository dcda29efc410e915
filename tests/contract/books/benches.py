"""The books that the suite of `trueup.testing.books` runs on here: the reference table, and mapped ones."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.unit.books.tables.bots import Bot, postgresql_bot, sqlite_bot
from tests.unit.books.tables.desk import MAPPING, order
from trueup.books.tables.mapping import decode_mapping
from trueup.books.tables.tables_books import TablesBooks
from trueup.model.snapshot import Profile
from trueup.ports.foreign_books import BooksSettings, ForeignBooks, WriteMode
from trueup.service.clock import SystemClock
from trueup.testing.books.bench import PROFILE, Bench
from trueup.testing.books.table_books import TableBooks


class TableBench:
    """The reference table, one database file."""

    def __init__(self, path: Path) -> None:
        self.table = TableBooks(path, PROFILE)
        self.books: ForeignBooks = self.table

    def add(self, number: int, venue_order_id: str | None = None) -> None:
        ids = {"client_id": f"c-{number}", "exchange_id": venue_order_id or f"v-{number}"}
        self.table.insert(number, **ids)

    def fill(self, number: int, qty: str) -> None:
        self.table.bot(
            "UPDATE bot_orders SET filled = ?, average = '1000', status = 'part' WHERE id = ?", qty, number
        )

    def end(self, number: int) -> None:
        self.table.bot("UPDATE bot_orders SET status = 'cancelled' WHERE id = ?", number)

    def spoil(self, number: int) -> None:
        self.table.bot("UPDATE bot_orders SET status = 'hm' WHERE id = ?", number)

    def remove(self, number: int) -> None:
        self.table.bot("DELETE FROM bot_orders WHERE id = ?", number)

    def rows(self) -> list[dict[str, object]]:
        return [{"row": row} for row in self.table.connection.execute("SELECT * FROM bot_orders ORDER BY id")]


class TablesBench:
    """A mapping over a bot's own tables, with columns of floats."""

    def __init__(self, bot: Bot, books: TablesBooks) -> None:
        self._bot = bot
        self.books: ForeignBooks = books

    def add(self, number: int, venue_order_id: str | None = None) -> None:
        cells = order(number, done=0.0, avg_px=None, deal="t-1", exch_id=venue_order_id or f"v-{number}")
        self._bot.add("my_orders", **cells)

    def fill(self, number: int, qty: str) -> None:
        self._bot.execute("UPDATE my_orders SET done = ?, avg_px = 1000 WHERE id = ?", float(qty), number)

    def end(self, number: int) -> None:
        self._bot.execute("UPDATE my_orders SET state = 'GONE' WHERE id = ?", number)

    def spoil(self, number: int) -> None:
        self._bot.execute("UPDATE my_orders SET state = 'HM' WHERE id = ?", number)

    def remove(self, number: int) -> None:
        self._bot.execute("DELETE FROM my_orders WHERE id = ?", number)

    def rows(self) -> list[dict[str, object]]:
        return [{"row": tuple(row)} for row in self._bot.execute("SELECT * FROM my_orders ORDER BY id")]


@contextmanager
def table(folder: Path) -> Iterator[Bench]:
    bench = TableBench(folder / "bot.db")
    yield bench
    bench.books.close()


@contextmanager
def tables_sqlite(folder: Path) -> Iterator[Bench]:
    with sqlite_bot(folder) as bot, _opened(bot) as bench:
        yield bench


@contextmanager
def tables_postgresql(_: Path) -> Iterator[Bench]:
    with postgresql_bot() as bot, _opened(bot) as bench:
        yield bench


@contextmanager
def _opened(bot: Bot) -> Iterator[Bench]:
    settings = BooksSettings(
        account_id="a",
        profiles=[Profile(profile_id=PROFILE, venue="sim", account_id="a")],
        source="desk",
        write=WriteMode.TABLES,
        clock=SystemClock(),
    )
    mapping = decode_mapping({"orders": MAPPING["orders"]}, "books.desk")
    books = TablesBooks(settings, mapping, bot.address)
    yield TablesBench(bot, books)
    books.close()
