# ruff: noqa: E501 - rows of files stand as they are written
"""Downloads whose fills name no order: each goes to the order that it can only be of, or stays out. By hand."""

import json
from typing import Any

import pytest

from tests.unit.exports.test_forms import LOCAL, imported

BINANCE_ORDERS = (
    "Date(UTC),OrderNo,Pair,Type,Side,Order Price,Order Amount,Time,Executed,Average Price,Trading total,Status\n"
    "2026-11-20 09:12:11,11,BTCUSDT,LIMIT,BUY,60000.00,0.0100000000BTC,2026-11-20 09:13:02,0.0100000000BTC,59990.00,599.90USDT,FILLED\n"
    "2026-11-20 10:01:45,12,ETHUSDT,LIMIT,SELL,2600.00,1.5000000000ETH,2026-11-20 10:05:00,0.7000000000ETH,2600.00,1820.00USDT,CANCELED\n"
    "2026-11-20 10:02:00,13,ETHUSDT,LIMIT,SELL,2600.00,1.0000000000ETH,2026-11-20 10:06:00,1.0000000000ETH,2600.00,2600.00USDT,FILLED\n"
)


def test_binances_trade_history() -> None:
    trades = (
        "Date(UTC),Pair,Side,Price,Executed,Amount,Fee\n"
        "2026-11-20 09:12:30,BTCUSDT,BUY,59980.00,0.0040000000BTC,239.92USDT,0.0000040000BTC\n"
        '2026-11-20 09:13:02,BTCUSDT,BUY,59996.67,0.0060000000BTC,"359.98002000USDT",0.0000060000BTC\n'
        "2026-11-20 10:04:00,ETHUSDT,SELL,2600.00,0.7000000000ETH,1820.00USDT,1.82USDT\n"
    )
    result = imported(venue=BINANCE_ORDERS, fills=trades)
    fills = result.snapshot.venue.history.fills
    assert [(one.venue_order_id, one.qty, one.fee, one.fee_currency) for one in fills] == [
        ("11", "0.004", "0.000004", "BTC"), ("11", "0.006", "0.000006", "BTC"),
    ]  # fmt: skip
    assert len({one.fill_id for one in fills}) == 2
    # two orders in ETHUSDT were at work at that time
    assert any(note.endswith("their own filled quantity is judged)") for note in result.notes)


def test_binances_trade_history_before_2021() -> None:
    trades = (
        "Date(UTC),Market,Type,Price,Amount,Total,Fee,Fee Coin\n"
        "2026-11-20 09:13:00,BTCUSDT,BUY,59990,0.01,599.9,0.00001,BTC\n"
    )
    [fill] = imported(venue=BINANCE_ORDERS, fills=trades).snapshot.venue.history.fills
    assert (fill.venue_order_id, fill.qty, fill.price, fill.fee_currency) == ("11", "0.01", "59990", "BTC")


def test_coinbases_fills() -> None:
    fills = (
        "portfolio,trade id,product,side,created at,size,size unit,price,fee,total,price/fee/total unit\n"
        "default,123,BTC-USDT,BUY,2026-11-20T09:13:00.500Z,0.01,BTC,59990,2.4,-602.3,USDT\n"
    )
    [fill] = imported(venue=BINANCE_ORDERS, fills=fills).snapshot.venue.history.fills
    assert (fill.fill_id, fill.venue_order_id, fill.qty, fill.fee, fill.fee_currency) == (
        "123", "11", "0.01", "2.4", "USDT",
    )  # fmt: skip


def test_krakens_ledgers() -> None:
    orders = "id,symbol,side,status,qty,filled,average,created_at,updated_at\nO-1,BTC/USD,buy,closed,0.01,0.01,60010.1,2026-11-20T13:14:00Z,2026-11-20T13:15:00Z\n"
    ledgers = (
        '"txid","refid","time","type","subtype","aclass","asset","amount","fee","balance"\n'
        '"L1","T-1","2026-11-20 13:14:15","trade","","currency","ZUSD","-600.1010","0.9602","100"\n'
        '"L2","T-1","2026-11-20 13:14:15","trade","","currency","XXBT","0.0100000000","0","0.01"\n'
        '"L3","D-1","2026-11-20 14:00:00","deposit","","currency","ZUSD","50","0","150"\n'
    )
    result = imported(venue=orders, fills=ledgers)
    [fill] = result.snapshot.venue.history.fills
    assert (fill.fill_id, fill.venue_order_id, fill.symbol, fill.qty, fill.price, fill.fee, fill.fee_currency) == (
        "T-1", "O-1", "BTC/USD", "0.01", "60010.1", "0.9602", "USD",
    )  # fmt: skip
    assert "left out of fills.csv, for they are no trade's: 1 of its rows" in result.notes


def test_without_the_venues_orders_such_fills_stay_out() -> None:
    trades = "Date(UTC),Pair,Side,Price,Executed,Amount,Fee\n2026-11-20 09:12:30,BTCUSDT,BUY,59980.00,0.004BTC,1USDT,0BTC\n"
    result = imported(LOCAL, fills=trades)
    assert result.snapshot.venue.history.fills == []
    assert any("give the orders with --venue" in note for note in result.notes)


def coinbase_order(kind: str, sizes: dict[str, str], **more: Any) -> dict[str, Any]:
    """As Coinbase's API lists orders."""
    return {
        "order_id": "v-1", "product_id": "BTC-USDT", "order_configuration": {kind: sizes}, "side": "BUY", "status": "OPEN",
        "filled_size": "0.01", "average_filled_price": "60000", "order_type": "LIMIT", "size_in_quote": False,
        "created_time": "2026-11-20T09:13:00Z",
    } | more  # fmt: skip


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (coinbase_order("limit_limit_gtc", {"base_size": "0.2", "limit_price": "59000"}), ("0.2", False, "59000")),
        (
            coinbase_order("stop_limit_stop_limit_gtd", {"base_size": "0.2", "limit_price": "59000", "stop_price": "1"}),
            ("0.2", False, "59000"),
        ),
        (coinbase_order("market_market_ioc", {"quote_size": "600"}, order_type="MARKET"), (None, True, None)),
        (coinbase_order("limit_limit_gtc", {"quote_size": "600", "limit_price": "59000"}), (None, True, "59000")),
        (
            coinbase_order("market_market_ioc", {"quote_size": "600", "base_size": "0.011"}, size_in_quote=True),
            (None, True, None),
        ),
    ],
)  # fmt: skip
def test_coinbases_orders_have_their_size_in_their_configuration(order, expected) -> None:
    [read] = imported(
        venue=json.dumps({"orders": [order], "has_next": False})
    ).snapshot.venue.open_orders.rows
    assert (read.qty, read.by_notional, read.limit_price) == expected
    assert (read.filled_qty, read.filled_avg_price, read.symbol) == ("0.01", "60000", "BTC-USDT")


def test_a_bots_order_by_notional_is_one() -> None:
    local = (
        "client_order_id,symbol,side,status,qty,notional,filled_qty\n"
        "c-1,BTC/USD,buy,open,,600,0\nc-2,BTC/USD,buy,open,0.01,600,0\nc-3,BTC/USD,buy,open,,,0\n"
    )
    orders = imported(local=local, venue=BINANCE_ORDERS).snapshot.local.orders
    assert [(one.qty, one.by_notional) for one in orders] == [(None, True), ("0.01", False), (None, False)]
