"""Hummingbot's database read; expected values by hand."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

from trueup.books.hummingbot.hummingbot_books import HummingbotBooks, HummingbotOptions, symbol_of
from trueup.books.tables.sqlite import SqliteTables
from trueup.model.errors import LedgerError
from trueup.model.snapshot import Fill, LocalOrder
from trueup.model.vocabulary import Action, Side, Status
from trueup.ports.foreign_books import ForeignRead

TABLES = """
CREATE TABLE "Order" (id text PRIMARY KEY, market text, symbol text, order_type text, amount bigint, price bigint,
  last_status text, creation_timestamp bigint, last_update_timestamp bigint, exchange_order_id text, position text);
CREATE TABLE "OrderStatus" (id integer PRIMARY KEY, order_id text, timestamp bigint, status text);
CREATE TABLE "TradeFill" (market text, order_id text, exchange_trade_id text, symbol text, trade_type text,
  price bigint, amount bigint, timestamp bigint, trade_fee json);
CREATE TABLE "MarketState" (id integer PRIMARY KEY, market text, saved_state json);
CREATE TABLE "Metadata" (key text, value text);
INSERT INTO "Metadata" VALUES ('local_db_version', '20230516');
"""
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
        self.insert("Order", row)
        if created is not None:
            self.insert("OrderStatus", {"order_id": order_id, "timestamp": T0, "status": created})

    def fill(self, number: str, amount: int, *, order_id: str = "b-1", **cells: Any) -> None:
        fee = {"fee_type": "AddedToCost", "flat_fees": [{"token": "USDT", "amount": "0.12"}]}
        row = {
            "market": "binance", "order_id": order_id, "exchange_trade_id": number, "symbol": "ETH-USDT",
            "trade_type": "BUY", "price": 2_000_000_000, "amount": amount, "timestamp": T0,
            "trade_fee": json.dumps(fee),
        } | cells  # fmt: skip
        self.insert("TradeFill", row)

    def insert(self, table: str, row: dict[str, Any]) -> None:
        marks = ", ".join("?" * len(row))
        self.connection.execute(
            f'INSERT INTO "{table}" ({", ".join(row)}) VALUES ({marks})', tuple(row.values())
        )

    def read(self, market: str = "binance") -> ForeignRead:
        books = HummingbotBooks(
            SqliteTables(self.path), HummingbotOptions(market=market), source="hb", profile_id="p"
        )
        try:
            return books.read(None, 600)
        finally:
            books.close()


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
    state = {"b-1": {"client_order_id": "b-1", "amount": "0.00000051", "price": "2000.1234567"}}
    bot.insert("MarketState", {"market": "binance", "saved_state": json.dumps(state)})
    (row,) = bot.read().rows
    assert (row.order.qty, row.order.limit_price) == ("0.00000051", "2000.1234567")


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
