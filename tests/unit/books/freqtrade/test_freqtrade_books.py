"""freqtrade's database read whole, in SQLite and in PostgreSQL; what it refuses."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import psycopg
import pytest

from tests.postgres.databases import empty_database
from tests.unit.books.freqtrade.tables import TABLES, order, trade
from tests.unit.books.tables.bots import Bot, url_of_dsn
from trueup.books.freqtrade.freqtrade_books import FreqtradeBooks, FreqtradeOptions
from trueup.books.freqtrade.open_books import open_books
from trueup.books.tables.open_tables import open_tables
from trueup.model.errors import ConfigError, LedgerError
from trueup.model.snapshot import LocalOrder, Profile, VenueOrder
from trueup.model.vocabulary import Action, Side, Status
from trueup.ports.foreign_books import BooksSettings, WriteBack, WriteMode, WriteOutcome
from trueup.service.clock import SystemClock

UPDATED = {"order_update_date": "2026-11-20 12:05:00.000000"}


@pytest.fixture(params=["sqlite", "postgresql"])
def bot(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bot]:
    if request.param == "sqlite":
        connection = apsw.Connection(str(tmp_path / "tradesv3.sqlite"))
        made = Bot(str(tmp_path / "tradesv3.sqlite"), connection, "?")
        for text in TABLES:
            made.execute(text)
        yield made
        connection.close()
        return
    with empty_database() as dsn, psycopg.connect(dsn, autocommit=True) as server:
        made = Bot(url_of_dsn(dsn), server, "%s")
        for text in TABLES:
            made.execute(text)
        yield made


def opened(bot: Bot, **options: str) -> FreqtradeBooks:
    chosen = FreqtradeOptions(**({"exchange": "binance"} | options))  # type: ignore[arg-type]
    return FreqtradeBooks(open_tables(bot.address), chosen, source="ft", profile_id="p")


def test_open_trades_with_all_their_orders_and_nothing_else(bot):
    bot.add("trades", **trade())
    bot.add("trades", **trade(id=2, pair="BTC/USDT", is_open=False))
    bot.add("orders", **order() | UPDATED)
    bot.add("orders", **order(id=2, order_id="1002", ft_is_open=False, status="closed", filled=0.3) | UPDATED)
    bot.add(
        "orders",
        **order(id=3, order_id="2001", ft_trade_id=2, ft_pair="BTC/USDT", ft_is_open=False) | UPDATED,
    )
    books = opened(bot)
    read = books.read(None, 600)
    assert [one.key for one in read.rows] == ["ETH/USDT 1001", "ETH/USDT 1002"]
    assert [(one.trade.trade_id, one.trade.entry_qty) for one in read.trades] == [("1-ETH/USDT", "0.4")]
    assert [one.key for one in books.find(ids=["2001"]).rows] == ["BTC/USDT 2001"]
    assert [one.key for one in books.find(keys=["ETH/USDT 1002"]).rows] == ["ETH/USDT 1002"]
    assert [one.key for one in books.find(trade_ids=["1-ETH/USDT"]).rows] == [
        "ETH/USDT 1001",
        "ETH/USDT 1002",
    ]
    books.close()


def test_a_poll_changes_no_fingerprint_and_a_fill_does(bot):
    bot.add("trades", **trade())
    bot.add("orders", **order() | UPDATED)
    books = opened(bot)
    before = books.read(None, 600).rows[0]
    bot.execute("UPDATE orders SET order_update_date = '2026-11-20 12:06:00.000000'")
    again = books.read(None, 600).rows[0]
    assert again.fingerprint == before.fingerprint
    assert (before.changed_at, again.changed_at) == ("2026-11-20T12:05:00Z", "2026-11-20T12:06:00Z")
    bot.execute("UPDATE orders SET filled = 0.2")
    assert books.read(None, 600).rows[0].fingerprint != before.fingerprint
    books.close()


def test_two_pairs_may_share_an_order_id(bot):
    bot.add("trades", **trade())
    bot.add("trades", **trade(id=2, pair="BTC/USDT"))
    bot.add("orders", **order() | UPDATED)
    bot.add("orders", **order(id=2, ft_trade_id=2, ft_pair="BTC/USDT") | UPDATED)
    books = opened(bot)
    assert [one.key for one in books.read(None, 0).rows] == ["ETH/USDT 1001", "BTC/USDT 1001"]
    books.close()


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ({"trades": trade(exchange="kraken")}, "is of kraken spot, not binance spot"),
        ({"trades": trade(trading_mode="FUTURES")}, "is of binance futures"),
        ({"trades": trade(), "orders": order(order_id="dry_run_buy_1") | UPDATED}, "dry run"),
    ],
)
def test_what_is_not_this_bots_is_refused(bot, rows, why):
    for table, cells in rows.items():
        bot.add(table, **cells)
    books = opened(bot)
    with pytest.raises(LedgerError, match=why):
        books.read(None, 600)
    books.close()


def test_another_schema_is_refused(bot):
    bot.add("trades", **trade(record_version=3))
    with pytest.raises(LedgerError, match="version 3, not 2"):
        opened(bot)
    bot.execute("ALTER TABLE orders DROP COLUMN ft_fee_base")
    with pytest.raises(LedgerError, match="no column ft_fee_base"):
        opened(bot)


def test_nothing_is_ever_written(bot):
    bot.add("trades", **trade())
    books = opened(bot)
    write = WriteBack(
        sequence=1, profile_id="p", key="x", judged="y", values={},
        order=LocalOrder(side=Side.BUY, status=Status.FILLED)
    )  # fmt: skip
    assert [one.outcome for one in books.write_back([write])] == [WriteOutcome.REFUSED]
    assert books.traits.writable_keys == frozenset()
    books.close()


def test_a_trade_that_says_nothing_certain_is_told_and_spoils_no_other(tmp_path):
    connection = apsw.Connection(
        str(tmp_path / "tradesv3.sqlite")
    )  # which stores a text where a time belongs
    for text in TABLES:
        connection.execute(text)
    bot = Bot(str(tmp_path / "tradesv3.sqlite"), connection, "?")
    bot.add("trades", **trade(open_date="yesterday"))
    bot.add("trades", **trade(id=2, pair="BTC/USDT"))
    books = opened(bot)
    read = books.read(None, 600)
    assert [one.trade.trade_id for one in read.trades] == ["2-BTC/USDT"]
    assert [one.message for one in read.unclear] == [
        "freqtrade trade 1: 'yesterday' is not a time such as 2026-11-23T12:00:00Z"
    ]
    books.close()
    connection.close()


def test_what_a_restart_would_take_for_canceled_is_named_before_it(bot):
    bot.add("trades", **trade())
    bot.add("orders", **order() | UPDATED)
    bot.add("orders", **order(id=2, order_id="1002") | UPDATED)
    books = opened(bot)
    listed = [
        VenueOrder(venue_order_id="1002", symbol="ETH/USDT", side=Side.BUY, qty="0.3", limit_price="100")
    ]
    told = [one.message for one in books.check(listed, complete=True) if "restart" in one.message]
    assert len(told) == 1
    assert told[0].startswith("open for freqtrade and not at the exchange: 1001;")
    incomplete = [one.message for one in books.check(listed, complete=False)]
    assert not any("restart" in one for one in incomplete)
    books.close()


def test_an_order_that_freqtrade_has_not_sent_has_its_rows_number_for_a_key(bot):
    bot.add("trades", **trade())
    bot.add("orders", **order(id=7, order_id=None) | UPDATED)
    books = opened(bot)
    (row,) = books.read(None, 600).rows
    assert (row.key, row.order.venue_order_id) == ("ETH/USDT row 7", None)
    assert [one.key for one in books.find(keys=["ETH/USDT row 7"]).rows] == ["ETH/USDT row 7"]
    books.close()


def test_only_an_entry_that_filled_nothing_may_be_gone(bot):
    books = opened(bot)
    sent: dict[str, Any] = {"status": Status.CANCELED, "venue_order_id": "1001"}
    entry = LocalOrder(side=Side.BUY, action=Action.ENTRY, **sent)
    assert books.is_removal_normal(entry)
    assert not books.is_removal_normal(LocalOrder(side=Side.BUY, action=Action.ENTRY, filled_qty="1", **sent))
    assert not books.is_removal_normal(LocalOrder(side=Side.SELL, action=Action.EXIT, **sent))
    assert books.is_removal_normal(
        LocalOrder(side=Side.SELL, status=Status.PENDING_NEW, action=Action.EXIT)
    )  # unsent
    books.close()


@pytest.mark.parametrize(
    ("write", "options", "why"),
    [
        (WriteMode.TABLES, {}, "never written"),
        (WriteMode.ASK, {}, "options.api"),
        (WriteMode.ASK, {"api": "http://example.com:8080"}, "plain HTTP to another machine"),
        (WriteMode.NEVER, {"exchnge": "x"}, "exchnge"),
    ],
)
def test_a_configuration_that_cannot_be(tmp_path, write, options, why):
    settings = BooksSettings(
        account_id="a", profiles=[Profile(profile_id="p")], source="ft", write=write,
        options={"database": "x.sqlite", "exchange": "binance"} | options, folder=str(tmp_path), clock=SystemClock(),
    )  # fmt: skip
    with pytest.raises(ConfigError, match=why):
        open_books(settings)
