"""Hummingbot's database read; expected values by hand."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw
import pytest

from trueup.books.hummingbot.hummingbot_books import HummingbotBooks, HummingbotOptions, symbol_of
from trueup.books.tables.sqlite import SqliteTables
from trueup.model.errors import LedgerError
from trueup.model.snapshot import Fill, LocalOrder, VenueOrder
from trueup.model.vocabulary import Action, Side, Status
from trueup.ports.foreign_books import ForeignRead, WriteBack, WriteOutcome

# as its models make them on SQLite (model/order.py, order_status.py, trade_fill.py, market_state.py, metadata.py)
TABLES = """
CREATE TABLE "Order" (
  id TEXT NOT NULL, config_file_path TEXT NOT NULL, strategy TEXT NOT NULL, market TEXT NOT NULL, symbol TEXT NOT NULL,
  base_asset TEXT NOT NULL, quote_asset TEXT NOT NULL, creation_timestamp BIGINT NOT NULL, order_type TEXT NOT NULL,
  amount BIGINT NOT NULL, leverage INTEGER NOT NULL, price BIGINT NOT NULL, last_status TEXT NOT NULL,
  last_update_timestamp BIGINT NOT NULL, exchange_order_id TEXT, position TEXT, PRIMARY KEY (id));
CREATE INDEX o_config_timestamp_index ON "Order" (config_file_path, creation_timestamp);
CREATE TABLE "OrderStatus" (
  id INTEGER NOT NULL, order_id TEXT NOT NULL, timestamp BIGINT NOT NULL, status TEXT NOT NULL, PRIMARY KEY (id),
  FOREIGN KEY(order_id) REFERENCES "Order" (id));
CREATE INDEX os_order_id_timestamp_index ON "OrderStatus" (order_id, timestamp);
CREATE TABLE "TradeFill" (
  config_file_path TEXT NOT NULL, strategy TEXT NOT NULL, market TEXT NOT NULL, symbol TEXT NOT NULL,
  base_asset TEXT NOT NULL, quote_asset TEXT NOT NULL, timestamp BIGINT NOT NULL, order_id TEXT NOT NULL,
  trade_type TEXT NOT NULL, order_type TEXT NOT NULL, price BIGINT NOT NULL, amount BIGINT NOT NULL,
  leverage INTEGER NOT NULL, trade_fee JSON NOT NULL, trade_fee_in_quote BIGINT, exchange_trade_id TEXT NOT NULL,
  position TEXT, PRIMARY KEY (market, order_id, exchange_trade_id), FOREIGN KEY(order_id) REFERENCES "Order" (id));
CREATE TABLE "MarketState" (
  id INTEGER NOT NULL, config_file_path TEXT NOT NULL, market TEXT NOT NULL, timestamp BIGINT NOT NULL,
  saved_state JSON NOT NULL, PRIMARY KEY (id));
CREATE TABLE "Metadata" ("key" TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY ("key"));
INSERT INTO "Metadata" VALUES ('local_db_version', '20230516');
"""
OF_ALL = {"config_file_path": "conf_pure_mm_1.yml"}
OF_BOTH = OF_ALL | {
    "strategy": "pure_market_making",
    "base_asset": "ETH",
    "quote_asset": "USDT",
    "leverage": 1,
}
T0 = 1_763_985_600_000  # 2025-11-24T12:00:00Z


class Bot:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.connection = apsw.Connection(str(path))
        self.connection.execute(TABLES)

    def order(self, order_id: str = "b-1", *, created: str | None = "BuyOrderCreated", **cells: Any) -> None:
        row = {
            "id": order_id, "market": "binance", "symbol": "ETH-USDT", "order_type": "LIMIT", "amount": 1_500_000,
            "price": 2_000_123_456, "last_status": "BuyOrderCreated", "creation_timestamp": T0,
            "last_update_timestamp": T0, "exchange_order_id": "77", "position": "NIL",
        } | cells  # fmt: skip
        self.insert("Order", OF_BOTH | row)
        if created is not None:
            self.insert("OrderStatus", {"order_id": order_id, "timestamp": T0, "status": created})

    def fill(self, number: str, amount: int, *, order_id: str = "b-1", **cells: Any) -> None:
        fee = {"fee_type": "AddedToCost", "flat_fees": [{"token": "USDT", "amount": "0.12"}]}
        row = {
            "market": "binance", "order_id": order_id, "exchange_trade_id": number, "symbol": "ETH-USDT",
            "trade_type": "BUY", "order_type": "LIMIT", "price": 2_000_000_000, "amount": amount, "timestamp": T0,
            "trade_fee": json.dumps(fee),
        } | cells  # fmt: skip
        self.insert("TradeFill", OF_BOTH | row)

    def insert(self, table: str, row: dict[str, Any]) -> None:
        marks = ", ".join("?" * len(row))
        self.connection.execute(
            f'INSERT INTO "{table}" ({", ".join(row)}) VALUES ({marks})', tuple(row.values())
        )

    def state(self, **orders: dict[str, Any]) -> None:
        """`MarketState`: what the connector follows, as `InFlightOrder.to_json` writes it."""
        saved = {"market": "binance", "timestamp": T0, "saved_state": json.dumps(orders)}
        self.insert("MarketState", OF_ALL | saved)

    @contextmanager
    def books(self, market: str = "binance") -> Iterator[HummingbotBooks]:
        database = SqliteTables(self.path)
        try:
            yield HummingbotBooks(database, HummingbotOptions(market=market), source="hb", profile_id="p")
        finally:
            database.close()

    def read(self, market: str = "binance") -> ForeignRead:
        with self.books(market) as books:
            return books.read(None, 600)


@pytest.fixture
def bot(tmp_path: Path) -> Iterator[Bot]:
    made = Bot(tmp_path / "conf_pure_mm_1.sqlite")
    yield made
    made.connection.close()


def test_a_live_order_with_its_fills(bot):
    bot.order(last_status="OrderFilled")
    bot.fill("f-1", 500_000)
    bot.fill("f-2", 250_000, price=2_003_000_000)
    (row,) = bot.read().rows
    assert row.order == LocalOrder(
        client_order_id="b-1", venue_order_id="77", symbol="ETH/USDT", side=Side.BUY, order_type="limit", qty="1.5",
        limit_price="2000.123456", status=Status.PARTIALLY_FILLED, filled_qty="0.75", filled_avg_price="2001",
        submitted_at="2025-11-24T12:00:00Z",
    )  # fmt: skip
    assert row.fills is not None
    assert row.fills[0] == Fill(
        fill_id="f-1", venue_order_id="77", client_order_id="b-1", symbol="ETH/USDT", side=Side.BUY, qty="0.5",
        price="2000", fee="0.12", fee_currency="USDT", filled_at="2025-11-24T12:00:00Z",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("BuyOrderCompleted", Status.FILLED),
        ("OrderCancelled", Status.CANCELED),
        ("OrderExpired", Status.EXPIRED),
    ],
)
def test_ended_orders(bot, word, status):
    bot.order(last_status=word, last_update_timestamp=4_000_000_000_000)  # recent, whenever the test runs
    assert bot.read().rows[0].order.status is status


def test_a_failure_says_nothing_and_is_named(bot):
    bot.order(last_status="OrderFailure", last_update_timestamp=4_000_000_000_000)
    read = bot.read()
    assert read.rows == []
    assert "may live at the venue" in read.unclear[0].message
    assert read.unclear[0].client_order_id == "b-1"


def test_the_side_is_the_created_ones_else_a_fills(bot):
    bot.order("a", created="SellOrderCreated")
    bot.order("b", created=None)
    bot.fill("f", 1_000, order_id="b", trade_type="SELL")
    bot.order("c", created=None)
    read = bot.read()
    assert {one.key: one.order.side for one in read.rows} == {"a": Side.SELL, "b": Side.SELL}
    assert [one.key for one in read.unclear] == ["c"]


def test_what_was_cut_off_is_unknown_unless_the_connector_saved_it(bot):
    bot.order(amount=0)
    assert "below one millionth" in bot.read().unclear[0].message
    bot.state(**{"b-1": {"client_order_id": "b-1", "amount": "0.00000051", "price": "2000.1234567"}})
    (row,) = bot.read().rows
    assert (row.order.qty, row.order.limit_price) == ("0.00000051", "2000.1234567")


def test_fills_and_the_side_that_the_connector_saved_are_exact(bot):
    bot.order(created=None, amount=1, price=12)
    bot.fill("f-1", 1, price=12, trade_type="SELL")
    fills = {"f-1": {"fill_base_amount": "0.0000015", "fill_price": "0.00001234", "fill_quote_amount": "0"}}
    saved = {"amount": "0.0000019", "price": "0.00001234", "trade_type": "SELL", "order_fills": fills}
    bot.state(**{"b-1": saved})
    (row,) = bot.read().rows
    assert (row.order.qty, row.order.limit_price, row.order.side) == ("0.0000019", "0.00001234", Side.SELL)
    assert (row.order.filled_qty, row.order.filled_avg_price) == ("0.0000015", "0.00001234")


def test_a_new_order_without_a_created_status_takes_the_side_that_the_connector_saved(bot):
    bot.order(created=None)
    bot.state(**{"b-1": {"amount": "1.5", "price": "2000", "trade_type": "SELL"}})
    assert bot.read().rows[0].order.side is Side.SELL


@pytest.mark.parametrize("market", ["binance_PaperTrade", "kucoin_paper_trade"])
def test_a_connector_that_only_simulates_is_refused(bot, market):
    with pytest.raises(LedgerError, match="its orders are at no venue"):
        bot.read(market)


def test_what_a_restart_would_not_follow_is_listed(bot):
    bot.order("b-1")
    bot.order("b-2", exchange_order_id="78")
    bot.state(**{"b-1": {"amount": "1.5", "price": "2000.123456", "trade_type": "BUY"}})
    opened = [at_venue("77", "b-1"), at_venue("78", "b-2"), at_venue("90", None)]
    with bot.books() as books:
        told = [one.message for one in books.check(opened, complete=True) if one.next_step]
    assert told == ["live at the exchange, and not followed after a restart of Hummingbot: 78, 90"]
    with bot.books() as books:
        checks = books.check(opened[:1], complete=True)
    assert [one.message for one in checks if one.next_step] == []


def test_nothing_is_ever_written(bot):
    bot.order()
    filled = LocalOrder(client_order_id="b-1", side=Side.BUY, status=Status.FILLED)
    values = {"status": "filled"}
    write = WriteBack(sequence=1, profile_id="p", key="b-1", judged="f", values=values, order=filled)
    with bot.books() as books:
        (result,) = books.write_back([write])
    assert result.outcome is WriteOutcome.REFUSED


def at_venue(venue_id: str, client_id: str | None) -> VenueOrder:
    return VenueOrder(
        venue_order_id=venue_id, client_order_id=client_id, symbol="ETH/USDT", side=Side.BUY, qty="1.5",
        limit_price="2000.123456", status=Status.PENDING_NEW, filled_qty="0",
    )  # fmt: skip


def test_other_markets_are_other_books(bot):
    bot.order("a", market="kucoin")
    bot.order("b", market="binance_perpetual", position="CLOSE")
    assert bot.read().rows == []
    (row,) = bot.read("binance_perpetual").rows
    assert (row.order.symbol, row.order.action) == ("ETH/USDT:USDT", Action.EXIT)


def test_another_version_is_refused(bot):
    bot.connection.execute("UPDATE \"Metadata\" SET value = '20990101'")
    with pytest.raises(LedgerError, match="version 20990101, not 20230516"):
        bot.read()


def test_symbols():
    assert symbol_of("BTC-USDT", "binance") == "BTC/USDT"
    assert symbol_of("BTC-USDT", "bybit_perpetual") == "BTC/USDT:USDT"


LONG = "x" * 10_000_000


@pytest.mark.parametrize("column", ["exchange_order_id", "symbol", "order_type", "last_status", "position"])
def test_a_text_of_10_mb_is_a_fault_of_its_row_or_nothing_and_is_not_carried_on(bot, column):
    bot.order("a")
    bot.order("b", **{column: LONG}, last_update_timestamp=4_000_000_000_000)
    read = bot.read()
    assert "a" in [one.key for one in read.rows]
    assert len(repr(read)) < 10_000


@pytest.mark.parametrize("cells", [{"trade_type": LONG}, {"trade_fee": LONG}, {"exchange_trade_id": LONG}])
def test_of_a_fill_too(bot, cells):
    bot.order("b")
    bot.fill("f", 1_000, order_id="b", **cells)
    assert len(repr(bot.read())) < 10_000


def test_an_order_whose_own_id_has_10_mb_is_named_by_its_beginning(bot):
    bot.order(LONG)
    (unclear,) = bot.read().unclear
    assert unclear.message.startswith("Hummingbot order xxx")
    assert len(repr(unclear)) < 4000
