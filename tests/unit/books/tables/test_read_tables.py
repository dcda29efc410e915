"""Mapped tables read: what is live, changed, named; in SQLite here, in PostgreSQL in `tests/postgres`."""

import sqlite3
from pathlib import Path

import pytest

from tests.unit.books.tables.desk import T0, TABLES, mapping, order
from trueup.books.tables.open_tables import open_tables
from trueup.books.tables.read_tables import TablesReader
from trueup.books.values import ForeignRead, Wanted
from trueup.model.errors import LedgerError
from trueup.model.snapshot import Fill, LocalOrder, Trade
from trueup.model.vocabulary import PositionSide, Side, Status, TradeStatus

NOON = "2025-11-24T12:00:00Z"


class Bot:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.connection = sqlite3.connect(path, isolation_level=None)
        self.connection.execute("PRAGMA journal_mode = WAL")
        self.connection.executescript(TABLES)

    def add(self, table: str, **cells: object) -> None:
        marks = ", ".join("?" * len(cells))
        self.connection.execute(
            f"INSERT INTO {table} ({', '.join(cells)}) VALUES ({marks})", [*cells.values()]
        )

    def read(self, wanted: Wanted, owners: tuple[str, ...] = (), **orders: object) -> ForeignRead:
        reader = TablesReader(open_tables(str(self.path)), mapping(**orders), owners)
        try:
            return reader.read(wanted)
        finally:
            reader.close()


@pytest.fixture
def bot(tmp_path: Path) -> Bot:
    return Bot(tmp_path / "bot.db")


def ids(read: ForeignRead) -> list[str]:
    return sorted(str(one.order.venue_order_id) for one in read.orders)


LIVE = Wanted(live=True)


def test_a_row_is_read_as_it_is_mapped(bot):
    bot.add("my_orders", **order(1))
    bot.add("my_fills", id=1, order_row=1, ext="F1", amount=3.0, price=1000.0, cost_fee=-0.1, at=T0)
    bot.add("my_deals", id="d-1", pair="ETH/USD", open=1, bought=3.0, sold=0.0)
    read = bot.read(LIVE)
    (one,) = read.orders
    assert one.order == LocalOrder(
        client_order_id="c-1", venue_order_id="v-1", trade_id="d-1", symbol="ETH/USD", side=Side.BUY,
        order_type="limit", qty="10", limit_price="1000", status=Status.PARTIALLY_FILLED, filled_qty="3",
        filled_avg_price="1000",
        submitted_at=NOON, last_activity_at=NOON, version=one.order.version,
    )  # fmt: skip
    assert (one.key, one.owner) == ("1", "mom")
    (fill,) = read.fills
    assert fill.order_key == "1"
    assert fill.fill == Fill(
        fill_id="F1", venue_order_id="v-1", client_order_id="c-1", symbol="ETH/USD", side=Side.BUY, qty="3",
        price="1000", fee="-0.1", filled_at=NOON,
    )  # fmt: skip
    (trade,) = read.trades
    assert trade.trade == Trade(
        trade_id="d-1",
        symbol="ETH/USD",
        side=PositionSide.LONG,
        status=TradeStatus.OPEN,
        entry_qty="3",
        version=trade.trade.version,
    )
    assert read.faults == []


def test_only_live_rows_are_read_and_those_that_were_asked_for(bot):
    bot.add("my_orders", **order(1))
    bot.add("my_orders", **order(2, state="DONE", done=10.0))
    bot.add("my_orders", **order(3, state="GONE", upd=T0 + 5_000))
    bot.add("my_orders", **order(4, state="NEW", done=None))
    assert ids(bot.read(LIVE)) == ["v-1", "v-4"]
    assert ids(bot.read(Wanted(live=True, changed_since="2025-11-24T12:00:01Z"))) == ["v-1", "v-3", "v-4"]
    assert ids(bot.read(Wanted(keys=["2"]))) == ["v-2"]
    assert ids(bot.read(Wanted(ids=["V-2", "c-3"]))) == ["v-2", "v-3"]
    assert ids(bot.read(Wanted())) == []


def test_the_fingerprint_and_version_move_with_any_mapped_value(bot):
    bot.add("my_orders", **order(1))
    before = bot.read(LIVE).orders[0]
    assert bot.read(LIVE).orders[0] == before
    bot.connection.execute("UPDATE my_orders SET done = 4.0")
    after = bot.read(LIVE).orders[0]
    assert after.fingerprint != before.fingerprint
    assert after.order.version != before.order.version


def test_profiles_and_where_choose_rows(bot):
    bot.add("my_orders", **order(1, bot="mom"))
    bot.add("my_orders", **order(2, bot="arb"))
    bot.add("my_orders", **order(3, bot="old"))
    assert [one.owner for one in bot.read(LIVE, owners=("mom", "arb")).orders] == ["mom", "arb"]
    words = {"status": {"OPEN": "open"}, "profile": {"arb": "bot-2"}}
    assert [one.owner for one in bot.read(LIVE, owners=("bot-2",), words=words).orders] == ["bot-2"]
    assert ids(bot.read(LIVE, where={"bot": ["old", "arb"]})) == ["v-2", "v-3"]


def test_a_row_that_says_nothing_certain_is_a_fault_with_its_ids(bot):
    bot.add("my_orders", **order(1, state="OPEN", direction="sideways"))
    bot.add("my_orders", **order(2, state="OPEN", size="ten"))
    read = bot.read(LIVE)
    assert read.orders == []
    assert [(one.table, one.key, one.venue_order_id) for one in read.faults] == [
        ("my_orders", "1", "v-1"),
        ("my_orders", "2", "v-2"),
    ]
    assert "sideways" in read.faults[0].message


def test_names_and_values_cannot_break_out_of_a_statement(bot):
    evil = 'x"; DROP TABLE my_orders; --'
    bot.connection.execute(
        'CREATE TABLE "x""; DROP TABLE my_orders; --" (id integer primary key, "a""b" text, st text)'
    )
    bot.connection.execute('INSERT INTO "x""; DROP TABLE my_orders; --" VALUES (1, ?, \'OPEN\')', ["v'; --"])
    from trueup.books.tables.mapping import decode_mapping

    tree = {"table": evil, "columns": {"venue_order_id": 'a"b', "status": "st"}, "fixed": {"side": "buy"}}
    reader = TablesReader(open_tables(str(bot.path)), decode_mapping({"orders": tree}, "b"))
    assert ids(reader.read(Wanted(ids=["v'; --"]))) == ["v'; --"]
    assert bot.connection.execute("SELECT count(*) FROM my_orders").fetchone() == (0,)


def test_the_file_is_not_written_and_not_made(bot, tmp_path):
    with pytest.raises(LedgerError, match="no such file"):
        open_tables(str(tmp_path / "none.db"))
    assert not (tmp_path / "none.db").exists()
    database = open_tables(str(bot.path))
    with pytest.raises(LedgerError), database.writing():
        database.write("DELETE FROM my_orders")


def test_a_table_without_a_key_needs_one_said(bot):
    bot.connection.execute("CREATE VIEW seen AS SELECT * FROM my_orders")
    bot.add("my_orders", **order(1))
    with pytest.raises(LedgerError, match="no primary key: say key"):
        bot.read(LIVE, table="seen")
    assert ids(bot.read(LIVE, table="seen", key=["id"])) == ["v-1"]
