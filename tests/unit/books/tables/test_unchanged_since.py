"""A row that does not say when it changed did so no later than anybody wrote its file."""

import os
from pathlib import Path

import apsw
import pytest

from trueup.books.tables.sqlite import SqliteTables

MINUTE_NS = 60_000_000_000
THEN_NS = 1_795_435_200_000_000_000


@pytest.fixture
def bot_file(tmp_path: Path) -> Path:
    path = tmp_path / "bot.db"
    connection = apsw.Connection(str(path))
    connection.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY)")
    connection.close()
    os.utime(path, ns=(THEN_NS, THEN_NS))
    return path


def test_the_file_s_own_time(bot_file: Path) -> None:
    books = SqliteTables(bot_file)
    assert books.unchanged_since_ns() == THEN_NS
    books.close()


def test_what_is_committed_may_stand_in_the_log_beside_it_alone(bot_file: Path) -> None:
    books = SqliteTables(bot_file)
    log = bot_file.with_name("bot.db-wal")
    log.touch()
    os.utime(log, ns=(THEN_NS + MINUTE_NS, THEN_NS + MINUTE_NS))
    assert books.unchanged_since_ns() == THEN_NS + MINUTE_NS
    books.close()


def test_a_write_moves_it(bot_file: Path) -> None:
    bot = apsw.Connection(str(bot_file))
    bot.execute("PRAGMA journal_mode = WAL")
    os.utime(bot_file, ns=(THEN_NS, THEN_NS))
    books = SqliteTables(bot_file)
    bot.execute("INSERT INTO orders VALUES (1)")
    assert (books.unchanged_since_ns() or 0) > THEN_NS
    books.close()
    bot.close()


def test_in_a_transaction_of_somebody_else_s_it_is_not_known(bot_file: Path) -> None:
    connection = apsw.Connection(str(bot_file))
    assert SqliteTables(bot_file, within=connection).unchanged_since_ns() is None
    connection.close()
