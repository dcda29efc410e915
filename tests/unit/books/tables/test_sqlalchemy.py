"""Tables that SQLAlchemy reaches: MariaDB where it is installed, and its SQLite and PostgreSQL dialects always."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tests.mysql.server import mysql_database
from tests.unit.books.tables.bots import Bot, postgresql_bot
from tests.unit.books.tables.desk import MAPPING, T0, TABLES, order
from trueup.books.tables.inserts import order_insert_fault
from trueup.books.tables.mapping import TablesMapping, decode_mapping
from trueup.books.tables.open_tables import open_tables
from trueup.books.tables.read_tables import TablesReader, Wanted
from trueup.books.tables.sqlalchemy import SqlalchemyTables
from trueup.books.tables.tables_books import TablesBooks
from trueup.books.tables.write_rows import write_rows
from trueup.model.errors import Conflict, LedgerError
from trueup.model.snapshot import Fill, LocalOrder, Profile
from trueup.model.vocabulary import Side, Status
from trueup.ports.foreign_books import BooksSettings, WriteBack, WriteMode, WriteOutcome
from trueup.service.clock import SystemClock

NOON = "2025-11-24T12:00:00Z"
WORDS = {"status": {"OPEN": "open", "DONE": "filled", "GONE": "canceled"}, "side": {"BUY": "buy"}}
LIVE = Wanted(live=True)
FILLS = MAPPING["fills"] | {"writable": ["fill_id", "order", "qty", "price", "filled_at"]}


class SqlBot(Bot):
    """Whose tables are read and written through SQLAlchemy, whatever the database is."""

    @contextmanager
    def reader(self, mapped: TablesMapping, owners: tuple[str, ...]) -> Iterator[TablesReader]:
        database = SqlalchemyTables(self.address, writable=True)
        try:
            yield TablesReader(database, mapped, owners)
        finally:
            database.close()


class Cursors:
    """A PyMySQL connection as others are."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def execute(self, text: str, values: tuple[object, ...] = ()) -> Any:
        cursor = self._connection.cursor()
        cursor.execute(text, values)
        return cursor


@contextmanager
def mariadb_bot() -> Iterator[Bot]:
    with mysql_database() as (url, connection):
        made = SqlBot(url, Cursors(connection), "%s")
        for statement in TABLES.split(";\n"):
            made.execute(statement)
        yield made


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def bot(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bot]:
    if request.param == "mariadb":
        with mariadb_bot() as made:
            yield made
    elif request.param == "postgresql":
        with postgresql_bot() as plain:
            url = plain.address.replace("postgresql://", "postgresql+psycopg://")
            yield SqlBot(url, plain._connection, "%s")
    else:  # by the standard library, which SQLAlchemy uses: two copies of SQLite take one another's locks away
        connection = sqlite3.connect(tmp_path / "bot.db", isolation_level=None, check_same_thread=False)
        connection.executescript(TABLES)
        yield SqlBot(f"sqlite:///{tmp_path}/bot.db", connection, "?")
        connection.close()


@pytest.fixture
def mariadb() -> Iterator[Bot]:
    with mariadb_bot() as made:
        yield made


def judged(
    bot: Bot, values: dict[str, Any], key: str = "1", mapped: TablesMapping | None = None
) -> WriteBack:
    with bot.reader(mapped or decode_mapping(MAPPING, "b"), ("mom",)) as reader, reader.database.reading():
        (row,) = reader.read(Wanted(keys=[key])).rows
    return WriteBack(
        sequence=int(key), profile_id="mom", key=key, judged=row.fingerprint, values=values, order=row.order
    )


def test_a_row_is_read_as_it_is_mapped(bot):
    bot.add("my_orders", **order(1))
    bot.add("my_fills", id=1, order_row=1, ext="F1", amount=3.0, price=1000.0, cost_fee=-0.1, at=T0)
    (row,) = bot.read(LIVE).rows
    assert row.order == LocalOrder(
        client_order_id="c-1", venue_order_id="v-1", trade_id="d-1", symbol="ETH/USD", side=Side.BUY,
        order_type="limit", qty="10", limit_price="1000", status=Status.PARTIALLY_FILLED, filled_qty="3",
        filled_avg_price="1000", submitted_at=NOON, last_activity_at=NOON,
    )  # fmt: skip
    assert row.changed_at == NOON
    assert [(one.fill_id, one.qty, one.fee) for one in row.fills or []] == [("F1", "3", "-0.1")]


def test_only_what_is_asked_for_is_read(bot):
    bot.add("my_orders", **order(1))
    bot.add("my_orders", **order(2, state="DONE"))
    bot.add("my_orders", **order(3, state="GONE", upd=T0 + 5_000))

    def ids(wanted: Wanted) -> list[str]:
        return sorted(str(one.order.venue_order_id) for one in bot.read(wanted).rows)

    assert ids(LIVE) == ["v-1"]
    assert ids(Wanted(live=True, changed_since="2025-11-24T12:00:01Z")) == ["v-1", "v-3"]
    assert ids(Wanted(keys=["2"])) == ["v-2"]
    assert ids(Wanted(ids=["V-2", "c-3", "x' OR 1 = 1 --"])) == ["v-2", "v-3"]
    assert ids(Wanted(trade_ids=["d-1"])) == ["v-1", "v-2", "v-3"]


def test_a_text_that_begins_with_a_number_is_no_row_of_that_number(bot):
    """MySQL would compare `7x` with a column of numbers as 7."""
    bot.execute("CREATE TABLE numbered (id integer PRIMARY KEY, st varchar(9), exch bigint)")
    bot.execute("INSERT INTO numbered VALUES (1, 'OPEN', 7)")
    tree = {
        "table": "numbered",
        "columns": {"venue_order_id": "exch", "status": "st"},
        "fixed": {"side": "buy"},
    }
    with bot.reader(decode_mapping({"orders": tree}, "b"), ("p",)) as reader, reader.database.reading():
        assert len(reader.read(Wanted(ids=["7"])).rows) == 1
        assert reader.read(Wanted(ids=["7x", "x"])).rows == []


def test_values_are_set_where_the_row_did_not_move(bot):
    bot.add("my_orders", **order(1))
    write = judged(bot, {"filled_qty": "7", "filled_avg_price": "999.5", "status": Status.PARTIALLY_FILLED})
    (result,) = bot.write(write)
    assert (result.outcome, result.error) == (WriteOutcome.DELIVERED, None)
    assert (bot.value("done"), bot.value("avg_px"), bot.value("state")) == (7.0, 999.5, "OPEN")
    assert result.row.fingerprint == bot.read(LIVE).rows[0].fingerprint
    assert bot.write(write)[0].outcome is WriteOutcome.DELIVERED  # it has it already
    bot.execute("UPDATE my_orders SET done = 5.0")
    assert bot.write(write)[0].outcome is WriteOutcome.MOVED
    bot.execute("DELETE FROM my_orders")
    assert bot.write(write)[0].outcome is WriteOutcome.MOVED


def test_a_discovered_order_is_inserted_once(bot):
    bot.execute("CREATE UNIQUE INDEX one_venue_id ON my_orders (exch_id)")
    _number_rows(bot, "my_orders")
    found = LocalOrder(client_order_id="c-9", venue_order_id="v-9", symbol="ETH/USD", side=Side.BUY, qty="2",
                       status=Status.FILLED, filled_qty="2", filled_avg_price="900", submitted_at=NOON)  # fmt: skip
    insert = WriteBack(sequence=9, profile_id="mom", key=None, judged=None, values={}, order=found)
    (result,) = bot.write(insert, words=WORDS)
    assert (result.outcome, result.error) == (WriteOutcome.DELIVERED, None)
    (again,) = bot.write(replace(insert, order=replace(found, venue_order_id="V-9")), words=WORDS)
    assert again.outcome is WriteOutcome.MOVED
    assert bot.execute("SELECT count(*) FROM my_orders")[0][0] == 1
    with bot.reader(decode_mapping(MAPPING, "b"), ("mom",)) as reader:
        assert order_insert_fault(reader.database, reader.mapping.orders) is None


def _number_rows(bot: Bot, table: str) -> None:
    if "mysql" in bot.address:
        bot.execute(f"ALTER TABLE {table} MODIFY id integer AUTO_INCREMENT")
    elif "postgresql" in bot.address:
        bot.execute(f"CREATE SEQUENCE {table}_numbers START 100")
        bot.execute(f"ALTER TABLE {table} ALTER id SET DEFAULT nextval('{table}_numbers')")


def test_a_fill_is_inserted_with_its_order_and_taken_back_with_it(bot):
    bot.execute("CREATE UNIQUE INDEX one_fill ON my_fills (order_row, ext)")
    _number_rows(bot, "my_fills")
    bot.add("my_orders", **order(1))
    bot.add("my_orders", **order(2))
    mapped = decode_mapping(MAPPING | {"fills": FILLS}, "b")
    new = Fill(fill_id="F2", venue_order_id="v-1", symbol="ETH/USD", side=Side.BUY, qty="4", price="999",
               filled_at=NOON)  # fmt: skip
    one = replace(judged(bot, {"filled_qty": "7"}, "1", mapped), fills=[new])
    bad = replace(judged(bot, {"filled_qty": "7"}, "2", mapped), fills=[replace(new, fill_id="F" * 99)])
    with bot.reader(mapped, ("mom",)) as reader, reader.database.writing():
        results = write_rows(reader, reader.database, [one, bad])
    assert results[0].outcome is WriteOutcome.DELIVERED
    if "sqlite" not in bot.address:  # its columns have no length
        assert results[1].outcome is WriteOutcome.REFUSED
        assert (bot.value("done", 1), bot.value("done", 2)) == (7.0, 3.0)
        assert bot.execute("SELECT count(*) FROM my_fills")[0][0] == 1


def test_nothing_is_written_while_reading(bot):
    bot.add("my_orders", **order(1))
    database = SqlalchemyTables(bot.address)
    with pytest.raises(LedgerError), database.writing():
        pass
    with pytest.raises(LedgerError), database.reading():
        database.write("DELETE FROM my_orders")
    database.close()
    assert bot.value("cid") == "c-1"


# -- MariaDB alone ----------------------------------------------------------------------------------------------------


def test_its_address_opens_it(mariadb):
    mariadb.add("my_orders", **order(1))
    database = open_tables(mariadb.address)
    assert (database.name, database.tables()) == ("mysql", ["my_deals", "my_fills", "my_orders"])
    database.close()


def test_its_own_types_are_read(mariadb):
    mariadb.execute("CREATE TABLE typed (id bigint AUTO_INCREMENT PRIMARY KEY, exch varchar(40), "
                    "st enum('OPEN', 'DONE'), qty decimal(20, 8), sent datetime(6), live tinyint(1))")  # fmt: skip
    mariadb.execute("INSERT INTO typed (exch, st, qty, sent, live) VALUES ('v-1', 'OPEN', 0.30000000, "
                    "'2025-11-24 12:00:00.250000', 1)")  # fmt: skip
    tree = {
        "table": "typed", "fixed": {"side": "buy"}, "times": {"default": "UTC"},
        "columns": {"venue_order_id": "exch", "status": "st", "qty": "qty", "submitted_at": "sent"},
    }  # fmt: skip
    with mariadb.reader(decode_mapping({"orders": tree}, "b"), ("p",)) as reader, reader.database.reading():
        (row,) = reader.read(LIVE).rows
    assert (row.order.qty, row.order.submitted_at) == ("0.3", "2025-11-24T12:00:00.25Z")


def test_what_the_bot_commits_between_comparing_and_setting_is_seen(mariadb):
    """The row is locked from the comparison on: the bot's write waits, and nothing of it is lost."""
    mariadb.add("my_orders", **order(1))
    write = judged(mariadb, {"filled_qty": "7"})
    with mariadb.reader(decode_mapping(MAPPING, "b"), ("mom",)) as reader, reader.database.writing():
        reader.order_cells(Wanted(keys=["1"]), lock=True)
        mariadb.execute("SET SESSION innodb_lock_wait_timeout = 1")
        with pytest.raises(Exception, match="Lock wait timeout"):
            mariadb.execute("UPDATE my_orders SET done = 5.0")
        (result,) = write_rows(reader, reader.database, [write])
    assert result.outcome is WriteOutcome.DELIVERED
    mariadb.execute("UPDATE my_orders SET done = 5.0")
    assert mariadb.value("done") == 5.0


def test_a_row_that_the_bot_holds_waits_for_another_time(mariadb):
    mariadb.add("my_orders", **order(1))
    write = judged(mariadb, {"filled_qty": "7"})
    mariadb.execute("BEGIN")
    mariadb.execute("UPDATE my_orders SET done = 4.0")
    settings = BooksSettings(
        account_id="a",
        profiles=[Profile(profile_id="mom")],
        source="b",
        write=WriteMode.TABLES,
        clock=SystemClock(),
    )
    books = TablesBooks(settings, decode_mapping(MAPPING, "b"), mariadb.address)
    (result,) = books.write_back([write])
    assert (result.outcome, "lock" in str(result.error)) == (WriteOutcome.FAILED, True)
    mariadb.execute("COMMIT")
    (result,) = books.write_back([write])
    assert result.outcome is WriteOutcome.MOVED
    assert mariadb.value("done") == 4.0
    books.close()


def test_a_trigger_that_refuses_has_refused(mariadb):
    mariadb.add("my_orders", **order(1))
    mariadb.execute("CREATE TRIGGER no BEFORE UPDATE ON my_orders FOR EACH ROW "
                    "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'not you'")  # fmt: skip
    (result,) = mariadb.write(judged(mariadb, {"filled_qty": "7"}))
    assert (result.outcome, "not you" in str(result.error)) == (WriteOutcome.REFUSED, True)


def test_a_password_is_in_no_message(mariadb):
    del mariadb
    with pytest.raises(LedgerError) as fault:
        open_tables("mysql+pymysql://root:s3cret@127.0.0.1:1/none").tables()
    assert "s3cret" not in str(fault.value)
    assert not isinstance(fault.value, Conflict)
