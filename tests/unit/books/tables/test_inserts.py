"""Rows are inserted only where the bot's own late one is refused, and where nothing that a row must say is missing."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.books.tables.bots import Bot, postgresql_bot, sqlite_bot
from tests.unit.books.tables.desk import MAPPING
from trueup.books.tables.inserts import fill_insert_fault, order_insert_fault
from trueup.books.tables.mapping import decode_mapping
from trueup.books.tables.open_tables import open_tables

BARE = "no unique key"


@pytest.fixture(params=["sqlite", "postgresql"])
def bot(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bot]:
    with sqlite_bot(tmp_path) if request.param == "sqlite" else postgresql_bot() as made:
        yield made


def faults(bot: Bot, table: str) -> tuple[str, str]:
    """Of orders and of fills in a table of that name; empty where they may be inserted."""
    orders = {"table": table, "columns": {"venue_order_id": "exch", "symbol": "pair", "status": "st"}}
    fills = {"table": table, "columns": {"fill_id": "exch", "qty": "qty", "venue_order_id": "pair"},
             "writable": ["fill_id", "qty", "venue_order_id"]}  # fmt: skip
    mapping = decode_mapping({"orders": orders, "fills": fills}, "b")
    database = open_tables(bot.address)
    try:
        assert mapping.fills is not None
        found = order_insert_fault(database, mapping.orders), fill_insert_fault(database, mapping.fills)
        return found[0] or "", found[1] or ""
    finally:
        database.close()


def test_a_unique_key_on_the_id(bot):
    serial = "serial" if bot.address.startswith("postgres") else "integer"
    bot.execute(
        f"CREATE TABLE t (id {serial} PRIMARY KEY, exch varchar(9), pair varchar(9), st varchar(9), qty real)"
    )
    assert [BARE in one for one in faults(bot, "t")] == [True, True]
    bot.execute("CREATE UNIQUE INDEX by_other ON t (exch, qty)")  # the bot's row may say another quantity
    assert [BARE in one for one in faults(bot, "t")] == [True, True]
    bot.execute("CREATE UNIQUE INDEX by_id ON t (exch, pair)")
    assert faults(bot, "t") == ("", "")


def test_a_column_that_a_row_must_say(bot):
    serial = "serial" if bot.address.startswith("postgres") else "integer"
    bot.execute(f"CREATE TABLE t (id {serial} PRIMARY KEY, exch varchar(9) UNIQUE, pair varchar(9), st varchar(9), "
                "qty real, made integer NOT NULL DEFAULT 0, owner varchar(9) NOT NULL)")  # fmt: skip
    assert faults(bot, "t") == ("a new row needs owner, which nothing is mapped to",) * 2


def test_a_column_that_the_database_computes(bot):
    stored = "STORED" if bot.address.startswith("postgres") else ""
    bot.execute(f"CREATE TABLE t (exch varchar(9) PRIMARY KEY, pair varchar(9), n integer, qty real, "
                f"st varchar(9) GENERATED ALWAYS AS ('open') {stored})")  # fmt: skip
    assert faults(bot, "t") == ("st is computed by the database", "")


def test_a_key_that_nobody_numbers(bot):
    bot.execute("CREATE TABLE t (id varchar(9) NOT NULL PRIMARY KEY, exch varchar(9) UNIQUE, pair varchar(9), "
                "st varchar(9), qty real)")  # fmt: skip
    assert faults(bot, "t") == ("a new row needs id, which nothing is mapped to",) * 2


def test_the_desk_s_orders_have_no_such_key(bot):
    database = open_tables(bot.address)
    assert BARE in str(order_insert_fault(database, decode_mapping(MAPPING, "b").orders))
    database.close()
