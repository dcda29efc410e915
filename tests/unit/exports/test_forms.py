# ruff: noqa: E501, ISC004 - rows of files stand as they are written
"""Downloads of venues and bots, as their headers stand in them, with nothing to map. Expected values by hand."""

import json
from typing import Any

import pytest

from trueup.exports.forms import FORMS, recognise
from trueup.exports.make_snapshot import Export, Imported, Settings, make_snapshot
from trueup.exports.mapping import read_mapping
from trueup.exports.meanings import Source
from trueup.model.errors import InputError
from trueup.model.snapshot import Profile

AT = "2026-11-23T12:00:00Z"
LOCAL = "order_id,symbol,side,status,qty,filled\nx-0,BTC/USDT,buy,new,1,0\n"


def imported(local: str = LOCAL, *, assume_utc: bool = False, **files: str) -> Imported:
    texts = {"local": local} | files
    exports = {
        Source(name.replace("_", "-")): Export(text.encode(), f"{name}.csv", AT)
        for name, text in texts.items()
    }
    mapping = read_mapping(assume_utc=assume_utc)
    return make_snapshot(exports, Settings(profile=Profile(profile_id="p"), mapping=mapping))


def said(value: Any, expected: dict[str, Any]) -> None:
    assert {key: getattr(value, key) for key in expected} == expected


ORDERS: dict[str, tuple[str, dict[str, Any]]] = {
    "Binance": (
        "Date(UTC),OrderNo,Pair,Type,Side,Order Price,Order Amount,Time,Executed,Average Price,Trading total,Status\n"
        '2026-11-20 10:01:45,5823499001,ETHUSDT,LIMIT,SELL,"2,600.00","1,500.5000000000ETH",2026-11-20 10:05:00,0.7000000000ETH,'
        '2600.00,"1,820.00000000USDT",CANCELED\n',
        {"venue_order_id": "5823499001", "symbol": "ETHUSDT", "side": "sell", "order_type": "limit", "qty": "1500.5",
         "limit_price": "2600", "filled_qty": "0.7", "filled_avg_price": "2600", "status": "canceled",
         "submitted_at": "2026-11-20T10:01:45Z", "updated_at": "2026-11-20T10:05:00Z"},
    ),
    "Binance, ordered for an amount of USDT": (
        "Date(UTC),OrderNo,Pair,Type,Side,Order Price,Order Amount,Time,Executed,Average Price,Trading total,Status\n"
        "2026-11-20 10:01:45,7,ETHUSDT,MARKET,BUY,0.00,100.00000000USDT,2026-11-20 10:01:45,0.0400000000ETH,2500.00,"
        "100.00000000USDT,FILLED\n",
        {"qty": None, "filled_qty": "0.04", "filled_avg_price": "2500", "limit_price": None, "status": "filled"},
    ),
    "Binance, before 2021": (
        "Date(UTC),OrderNo,Pair,Type,Order Price,Order Amount,AvgTrading Price,Filled,Total,status\n"
        "2020-05-12 06:02:54,509120020,CAKEUSDT,BUY,1.787,22.38,1.787,22.38,39.99306,Filled\n",
        {"venue_order_id": "509120020", "side": "buy", "qty": "22.38", "filled_qty": "22.38", "status": "filled",
         "submitted_at": "2020-05-12T06:02:54Z"},
    ),
    "Binance, futures": (
        "Uid,Time,Order No,Symbol,Type,Side,Price,Average Price,Amount,Executed Amount,Executed Quote Amount,Stop Price,"
        "Status,Update Time\n"
        "7,26-01-01 10:00:00,o-1,BTCUSDT,LIMIT,SELL,42000,42010,0.5,0.2,8402,0,CANCELED,26-01-01 10:02:00\n",
        {"venue_order_id": "o-1", "symbol": "BTCUSDT", "side": "sell", "qty": "0.5", "filled_qty": "0.2",
         "limit_price": "42000", "filled_avg_price": "42010", "stop_price": None, "status": "canceled",
         "submitted_at": "2026-01-01T10:00:00Z", "updated_at": "2026-01-01T10:02:00Z"},
    ),
    "KuCoin": (
        "UID,Account Type,Order ID,Order Time(UTC+08:00),Symbol,Side,Order Type,Order Price,Order Amount,Avg. Filled Price,"
        "Filled Amount,Filled Volume,Filled Volume (USDT),Filled Time(UTC+08:00),Fee,Fee Currency,Tax,Status\n"
        "****1,mainAccount,o-1,2026-01-01 10:00:00,BTC-USDT,BUY,LIMIT,42000,0.1,41990,0.1,4199,4199,2026-01-01 10:01:00,"
        "4.2,USDT,,deal\n",
        {"venue_order_id": "o-1", "symbol": "BTC-USDT", "side": "buy", "qty": "0.1", "filled_qty": "0.1",
         "limit_price": "42000", "filled_avg_price": "41990", "status": "filled",
         "submitted_at": "2026-01-01T02:00:00Z", "updated_at": "2026-01-01T02:01:00Z"},
    ),
    "OKX": (
        "Order ID,Order Time,Instrument,Symbol,Lvg,Side,Order Type,Order Amount,Filled Amount,Amount Unit,Order Price,"
        "Avg. Filled Price,Price Unit,PNL,Fee,Fee Unit,Status,Bot ID\n"
        "77,2026-01-01 10:00:00Z,Spot,BTC-USDT,,Sell,Limit,0.5,0.2,BTC,60000,60001,USDT,0,-1,USDT,Partially filled,\n",
        {"venue_order_id": "77", "symbol": "BTC-USDT", "side": "sell", "qty": "0.5", "filled_qty": "0.2",
         "limit_price": "60000", "filled_avg_price": "60001", "status": "partially_filled"},
    ),
    "OKX, ordered for an amount of USDT": (
        "Order ID,Order Time,Instrument,Symbol,Lvg,Side,Order Type,Order Amount,Filled Amount,Amount Unit,Order Price,"
        "Avg. Filled Price,Price Unit,PNL,Fee,Fee Unit,Status,Bot ID\n"
        "78,2026-01-01 10:00:00Z,Spot,BTC-USDT,,Buy,Market,100,100,USDT,,60000,USDT,0,-1,BTC,Filled,\n",
        {"qty": None, "filled_qty": None, "status": None, "raw_status": "Filled"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ORDERS)
def test_orders(name: str) -> None:
    text, expected = ORDERS[name]
    result = imported(venue=text)
    venue = result.snapshot.venue
    answered = [answer.order for answer in venue.answers]
    [order] = [*venue.open_orders.rows, *venue.history.orders, *filter(None, answered)]
    said(order, expected)
    assert result.columns[1].form is not None


FILLS: dict[str, tuple[str, dict[str, Any]]] = {
    "Kraken": (
        '"txid","ordertxid","pair","time","type","ordertype","price","cost","fee","vol","margin","misc","ledgers"\n'
        '"T-1","O-1","XXBTZUSD","2026-11-20 13:14:15.1234","buy","limit","60010.10000","600.10100","0.96016","0.01000000",'
        '"0.00000","","L-1,L-2"\n',
        {"fill_id": "T-1", "venue_order_id": "O-1", "symbol": "BTC/USD", "side": "buy", "qty": "0.01", "price": "60010.1",
         "fee": "0.96016", "fee_currency": "USD", "filled_at": "2026-11-20T13:14:15.1234Z"},
    ),
    "Alpaca": (
        "id,activity_type,transaction_time,type,price,qty,side,symbol,leaves_qty,order_id,cum_qty,order_status\n"
        "20261120::d74,FILL,2026-11-20T14:31:05.000Z,partial_fill,189.00,4,sell_short,AAPL,6,61e6,4,partially_filled\n",
        {"fill_id": "20261120::d74", "venue_order_id": "61e6", "symbol": "AAPL", "side": "sell", "qty": "4", "price": "189",
         "filled_at": "2026-11-20T14:31:05Z"},
    ),
    "Coinbase, Advanced Trade": (
        json.dumps({"fills": [{
            "entry_id": "e-1", "trade_id": "t-1", "order_id": "o-1", "trade_time": "2026-11-20T14:31:05.5Z",
            "trade_type": "FILL", "price": "3000", "size": "0.5", "commission": "1.5", "product_id": "ETH-USD",
            "sequence_timestamp": "2026-11-20T14:31:05Z", "liquidity_indicator": "TAKER", "size_in_quote": False,
            "user_id": "u", "side": "BUY"}], "cursor": ""}),
        {"fill_id": "t-1", "venue_order_id": "o-1", "symbol": "ETH-USD", "side": "buy", "qty": "0.5", "price": "3000",
         "fee": "1.5", "filled_at": "2026-11-20T14:31:05.5Z"},
    ),
    "Bybit, spot": (
        "Spot Pairs,Order Type,Direction,feeCoin,ExecFeeV2,Filled Value,Filled Price,Filled Quantity,Fees,Transaction ID,"
        "Order No.,Timestamp (UTC)\n"
        "BTCUSDT,LIMIT,BUY,BTC,,600,60000,0.01,0.00001,x-1,o-1,2026-11-20 14:31:05\n",
        {"fill_id": "x-1", "venue_order_id": "o-1", "symbol": "BTCUSDT", "side": "buy", "qty": "0.01", "price": "60000",
         "fee": "0.00001", "fee_currency": "BTC", "filled_at": "2026-11-20T14:31:05Z"},
    ),
    "Bybit, transaction log": (
        "Uid,Currency,Contract,Type,Direction,Quantity,Position,Filled Price,Funding,Fee Paid,Cash Flow,Change,Wallet Balance,"
        "Fee Rate,Trade ID,Order ID,Time(UTC)\n"
        "1,USDT,BTCUSDT,SETTLEMENT,BUY,0.01,0.01,60000,-0.1,0,0,-0.1,99,0,,,2026-11-20 16:00:00\n"
        "1,USDT,BTCUSDT,TRADE,SELL,-0.01,0,60000,0,0.33,0,-0.33,98,0,x-2,o-2,2026-11-20 16:01:00\n",
        {"fill_id": "x-2", "venue_order_id": "o-2", "side": "sell", "qty": "0.01", "fee": "0.33", "fee_currency": "USDT"},
    ),
    "OKX": (
        "id,Order ID,Time,Trade Type,Symbol,Action,Amount,Trading Unit,Filled Price,PnL,Fee,Fee Unit,Position Change,"
        "Position Balance,Balance Change,Balance,Balance Unit\n"
        "f-1,o-1,2026-11-20 14:31:05Z,Spot,BTC-USDT,Buy,0.01,BTC,60000,0,-0.00001,BTC,0,0,0.00999,0.00999,BTC\n",
        {"fill_id": "f-1", "venue_order_id": "o-1", "side": "buy", "qty": "0.01", "price": "60000", "fee": "0.00001",
         "fee_currency": "BTC"},
    ),
    "Binance, with order numbers": (
        "Order No,Time,Pair,Side,Price,Executed,Amount,Fee,AOR Conversion Pair,AOR Conversion Rate\n"
        "o-1,2026-11-20 14:31:05,ETHUSDT,SELL,2600,0.7ETH,1820USDT,1.82USDT,,\n",
        {"venue_order_id": "o-1", "symbol": "ETHUSDT", "qty": "0.7", "price": "2600", "fee": "1.82", "fee_currency": "USDT"},
    ),
    "KuCoin": (
        "UID,Account Type,Order ID,Symbol,Side,Order Type,Avg. Filled Price,Filled Amount,Filled Volume,Filled Volume (USDT),"
        "Filled Time(UTC),Fee,Tax,Maker/Taker,Fee Currency\n"
        "1,main,o-1,BTC-USDT,BUY,LIMIT,42000,0.1,4200,4200,2026-01-01 10:01:00,4.2,,TAKER,USDT\n",
        {"venue_order_id": "o-1", "qty": "0.1", "price": "42000", "fee": "4.2", "filled_at": "2026-01-01T10:01:00Z"},
    ),
    "KuCoin, before 2022": (
        "tradeCreatedAt,orderId,symbol,side,price,size,funds,fee,liquidity,feeCurrency,orderType\n"
        "2021-06-01 10:00:00Z,o-1,ETH-BTC,sell,0.07,2,0.14,0.00014,taker,BTC,limit\n",
        {"venue_order_id": "o-1", "symbol": "ETH-BTC", "side": "sell", "qty": "2", "price": "0.07", "fee_currency": "BTC"},
    ),
    "Binance's futures, as they are now": (
        "Uid,Time,Symbol,Side,Price,Quantity,Amount,Fee,Realized Profit,Buyer,Maker,Trade ID,Order ID\n"
        "7,26-11-20 14:31:05,BTCUSDC,BUY,60000,0.01,600,0.24000000 USDC,0.3,true,false,419,491\n",
        {"fill_id": "419", "venue_order_id": "491", "qty": "0.01", "price": "60000", "fee": "0.24",
         "fee_currency": "USDC", "filled_at": "2026-11-20T14:31:05Z"},
    ),
    "Binance's futures": (
        "Date(UTC),Pair,Side,Price,Quantity,Amount,Fee,Realized Profit,Order ID,Trade ID\n"
        "2026-11-20 14:31:05,BTCUSDT,SELL,60000,0.01,600,0.24USDT,5USDT,o-1,9\n",
        {"fill_id": "9", "venue_order_id": "o-1", "qty": "0.01", "price": "60000", "fee": "0.24", "fee_currency": "USDT"},
    ),
    "Bybit, spot, with the minute before the day": (
        "Spot Pairs,Order Type,Direction,feeCoin,ExecFeeV2,Filled Value,Filled Price,Filled Quantity,Fees,Transaction ID,"
        "Order No.,Timestamp (UTC)\n"
        "BTCUSDT,MARKET,SELL,USDT,0.6,600,60000,0.01,--,x-1, o-1,14:31 2026-11-20\n",
        {"venue_order_id": "o-1", "side": "sell", "qty": "0.01", "fee": "0.6", "fee_currency": "USDT",
         "filled_at": "2026-11-20T14:31:00Z"},
    ),
    "Bybit, derivatives": (
        "Market,Filled Type,Filled Quantity,Filled Price,Order Price,Fee Rate,Trading Fee,feeCoin,ExecFeeV2,Direction,"
        "Order Type,Trasaction ID,Order No.,Transaction Time(UTC+0)\n"
        "BTCUSDT,Funding,2,108,0,0.0001,0.02,USDT,0.02,Long,--,f-1,g-1,08:00 2026-11-20\n"
        "BTCUSDT,Trade,2,100,100,0.0005,0.11,USDT,0.11,Short,Market,x-2,o-2,14:31 2026-11-20\n",
        {"fill_id": "x-2", "venue_order_id": "o-2", "side": "sell", "qty": "2", "price": "100", "fee": "0.11"},
    ),
    "OKX, contracts": (
        "id,Order id,Time,Trade Type,Symbol,Action,Amount,Trading Unit,Filled Price,PnL,Fee,Fee Unit,Position Change,"
        "Position Balance,Balance Change,Balance,Balance Unit\n"
        "7,o-7,2026-11-20 14:31:05Z,Swap,BTC-USDT-SWAP,Close short,98,cont,204,1,-0.5,USDT,98,0,0.5,100,USDT\n"
        "8,,2026-11-20 16:00:00Z,Swap,BTC-USDT-SWAP,Funding fee expense,98,cont,204,-1,0,USDT,0,0,-1,99,USDT\n",
        {"fill_id": "7", "side": "buy", "qty": "98", "price": "204", "fee": "0.5", "fee_currency": "USDT"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FILLS)
def test_fills(name: str) -> None:
    text, expected = FILLS[name]
    result = imported(fills=text)
    [fill] = result.snapshot.venue.history.fills
    said(fill, expected)
    assert fill.fill_id
    assert not result.columns[-1].ignored  # everything is taken, or known to say nothing more


def test_every_form_is_tried_here() -> None:
    texts = [text for text, _ in (*ORDERS.values(), *FILLS.values())]
    found = {form.name for text in texts if (form := recognise(_header(text))) is not None}
    elsewhere = {
        "Binance's trade history", "Binance's trade history (before 2021)", "Kraken's ledgers", "Coinbase's fills",
        "freqtrade's orders", "freqtrade's orders, as its trades list them", "freqtrade's trades",
        "Coinbase's transaction report", "Binance's transaction records", "Binance's trade history (with quote assets)",
        "OKX's fills (its API)", "BitMEX's executions", "Bybit's executions (its API)", "Bitget's fills (its API)", "Hummingbot's trades", "Interactive Brokers' activity statement",
        "Interactive Brokers' Flex query",
    }  # fmt: skip
    assert found | elsewhere == {form.name for form in FORMS}


def _header(text: str) -> list[str]:
    if text.startswith("{"):
        return list(json.loads(text)["fills"][0])
    return text.split("\n")[0].replace('"', "").split(",")


def test_fills_given_as_orders_are_called_fills() -> None:
    text, _ = FILLS["Alpaca"]
    with pytest.raises(InputError) as fault:
        imported(venue=text)
    assert str(fault.value) == (
        "venue.csv: this is Alpaca's account activities: fills, not orders; give it as --fills venue.csv"
    )
    with pytest.raises(InputError, match=r"--venue fills\.csv"):
        imported(fills=ORDERS["KuCoin"][0])
    with pytest.raises(InputError, match=r"--local-fills local\.csv"):
        imported(FILLS["Kraken"][0], venue="id,side,status\nv-1,buy,new\n")


@pytest.mark.parametrize(
    "header",
    [
        "order_id,pair,side,type,price,amount,executed,fee,status",
        "order_id,market,side,type,price,amount,filled,total,fee,fee_coin,status",
    ],
)
def test_a_bots_table_that_looks_like_a_download_has_a_status(header: str) -> None:
    row = dict.fromkeys(header.split(","), "1") | {"side": "buy", "type": "limit", "status": "open"}
    text = f"{header}\n{','.join(row.values())}\n"
    [order] = imported(text, venue="id,side,status\n").snapshot.local.orders
    said(order, {"side": "buy", "qty": "1", "filled_qty": "1", "status": "partially_filled"})


def test_a_venues_download_given_as_the_bots_is_pointed_out() -> None:
    text, _ = ORDERS["Binance"]
    notes = imported(text, venue="id,side,status\n").notes
    assert any("Binance's order history, the venue's own word, given as the bot's" in note for note in notes)
    assert not any("given as the bot's" in note for note in imported(venue=text).notes)


def test_a_file_of_fills_alone_says_nothing_of_what_is_open() -> None:
    venue = imported(fills=FILLS["Alpaca"][0]).snapshot.venue
    assert (venue.open_orders.state, venue.open_orders.error) == ("failed", "not read")
    assert venue.history.state == "partial"


def test_rows_of_other_activities_are_left_out_and_counted() -> None:
    header, row = FILLS["Alpaca"][0].splitlines()
    dividend = "20261121::1,DIV,2026-11-21T00:00:00Z,,,,,AAPL,,,,"
    result = imported(fills="\n".join([header, dividend, row]))
    assert len(result.snapshot.venue.history.fills) == 1
    assert "left out of fills.csv, for activity_type is not fill: 1 of its rows" in result.notes


@pytest.mark.parametrize(
    "above", ["UID: 7,Account Type: Trading\n", "Fills\n\nUser,someone@example.org,1\n\n"]
)
def test_lines_above_a_known_header_are_passed_over(above: str) -> None:
    text, expected = FILLS["Binance, with order numbers"]
    result = imported(fills=above + text)
    [fill] = result.snapshot.venue.history.fills
    said(fill, expected)
    broken = above + text.splitlines()[0] + "\nonly,two\n"
    with pytest.raises(InputError, match=r"2 cells under \d+ columns") as fault:
        imported(fills=broken)
    assert f"line {above.count(chr(10)) + 2}" in str(fault.value)


def test_okxs_times_are_in_a_zone_that_only_its_user_knows() -> None:
    text, _ = ORDERS["OKX"]
    with pytest.raises(
        InputError, match=r"say --assume-utc if it is UTC\. OKX writes them in the zone chosen"
    ):
        imported(venue=text.replace("10:00:00Z", "10:00:00"))


_OKX_HEADER = (
    "id,Order id,Time,Trade Type,Symbol,Action,Amount,Trading Unit,Filled Price,PnL,Fee,Fee Unit,Position Change,"
    "Position Balance,Balance Change,Balance,Balance Unit\n"
)


def test_okxs_two_rows_of_a_spot_fill_are_one_in_the_zone_that_the_file_names() -> None:
    rows = (
        "501,o-1,2026-11-20 18:00:00,Spot,BTC-USDT,Sell,20000,BTC,40000,0,0,USDT,0,0,-20000,1,USDT\n"
        "101,o-1,2026-11-20 18:00:00,Spot,BTC-USDT,Buy,0.5,USDT,40000,0,-0.0005,BTC,0,0,0.4995,0.4995,BTC\n"
        "102,o-2,2026-11-20 18:05:00,Spot,BTC-USDT,Sell,1.5,BTC,40000,0,0,BTC,0,0,-1.5,1,BTC\n"
        "502,o-2,2026-11-20 18:05:00,Spot,BTC-USDT,Buy,60000,BTC,40000,0,-60,USDT,0,0,59940,1,USDT\n"
        "109,o-9,2026-11-20 18:06:00,Transfer,,Transfer out,0,cont,0,0,0,BTC,0,0,-0.1,0,BTC\n"
    )
    lines = f"UID:1,\ufeffAccount Type:Main,\ufeffTime Zone:UTC+8\n{_OKX_HEADER}{rows}".splitlines()
    result = imported(fills="\n".join(f"\ufeff{line}" for line in lines))
    bought, sold = result.snapshot.venue.history.fills
    said(bought, {"fill_id": "101", "side": "buy", "qty": "0.5", "fee": "0.0005", "fee_currency": "BTC"})
    said(sold, {"fill_id": "102", "side": "sell", "qty": "1.5", "fee": "60", "fee_currency": "USDT"})
    assert bought.filled_at == "2026-11-20T10:00:00Z"
    assert any("1 of its rows" in note for note in result.notes)


def test_okxs_legs_that_are_no_pairs_have_no_fee_of_another() -> None:
    rows = (
        "101,o-1,2026-11-20 18:00:00Z,Spot,BTC-USDT,Sell,0.5,BTC,40000,0,0,BTC,0,0,-0.5,1,BTC\n"
        "102,o-1,2026-11-20 18:00:00Z,Spot,BTC-USDT,Sell,0.7,BTC,40000,0,0,BTC,0,0,-0.7,1,BTC\n"
        "501,o-1,2026-11-20 18:00:00Z,Spot,BTC-USDT,Buy,48000,BTC,40000,0,-48,USDT,0,0,47952,1,USDT\n"
    )
    fills = imported(fills=_OKX_HEADER + rows).snapshot.venue.history.fills
    assert [(one.qty, one.fee) for one in fills] == [("0.5", "0"), ("0.7", "0")]


_BINANCE_NOW = (
    "\ufeffTime,OrderNo,Pair,Type¹,Side,Order Price,Order Amount,Time,Executed²,Average Price,Trading total³,Status\n"
    "26-11-20 10:00:00,o-1,BTCUSDT,Limit,BUY,40000,0.5BTC,26-11-20 10:01:00,0.5BTC,39900,19950USDT,FILLED\n"
)


@pytest.mark.parametrize(
    ("name", "created", "updated"),
    [
        (
            "Binance-Spot-Order-History-202611301805(UTC+2).csv",
            "2026-11-20T08:00:00Z",
            "2026-11-20T08:01:00Z",
        ),
        (
            "Binance-Spot-Order-History-202611301805(UTC--6)_ab.csv",
            "2026-11-20T16:00:00Z",
            "2026-11-20T16:01:00Z",
        ),
        ("orders.csv", "2026-11-20T10:00:00Z", "2026-11-20T10:01:00Z"),
    ],
)
def test_binances_order_history_as_it_is_now(name: str, created: str, updated: str) -> None:
    exports = {
        Source.LOCAL: Export(LOCAL.encode(), "local.csv", AT),
        Source.VENUE: Export(_BINANCE_NOW.encode(), f"/home/me/{name}", AT),
    }
    [order] = make_snapshot(exports, Settings(profile=Profile(profile_id="p"))).snapshot.venue.history.orders
    said(order, {"venue_order_id": "o-1", "qty": "0.5", "filled_qty": "0.5", "limit_price": "40000",
                 "filled_avg_price": "39900", "submitted_at": created, "updated_at": updated})  # fmt: skip


def test_a_file_that_says_that_it_has_no_rows() -> None:
    text = _BINANCE_NOW.split("\n")[0] + "\nNo data matches the criteria.\n"
    venue = imported(venue=text).snapshot.venue
    assert (venue.open_orders.state, venue.open_orders.rows) == ("complete", [])


def test_binances_trades_with_their_quote_assets() -> None:
    fills = (
        "Date(UTC),Symbol,Side,Price,Quantity,Amount,Fee,Fee Coin,Quote Asset\n"
        "2026-11-20 10:00:30,BTCUSDT,BUY,39900.00,0.5,19950.00,0.0005,BTC,USDT\n"
    )
    [fill] = imported(venue=_BINANCE_NOW, fills=fills).snapshot.venue.history.fills
    said(fill, {"venue_order_id": "o-1", "qty": "0.5", "fee": "0.0005", "fee_currency": "BTC"})


@pytest.mark.parametrize(
    ("header", "instead"),
    [
        (
            "ID,Timestamp,Transaction Type,Asset,Quantity Transacted,Price Currency,Price at Transaction",
            "fills",
        ),
        ("User_ID,UTC_Time,Account,Operation,Coin,Change,Remark", "trade history"),
    ],
)
def test_statements_name_no_orders(header: str, instead: str) -> None:
    text = f"Transactions\n{header}\n{','.join('1' for _ in header.split(','))}\n"
    with pytest.raises(InputError, match=f"it names no orders; download .*{instead}"):
        imported(venue=text)
    with pytest.raises(InputError, match=f"it names no orders; download .*{instead}"):
        imported(fills=text)


def test_kucoins_part_deal_is_neither_live_nor_an_end() -> None:
    text = ORDERS["KuCoin"][0]
    assert "deal\n" in text
    [answer] = imported(venue=text.replace("deal\n", "part_deal\n")).snapshot.venue.answers
    assert answer.order is not None
    assert (answer.order.status, answer.order.raw_status) == (None, "part_deal")


def test_a_quantity_in_quote_currency_is_no_quantity() -> None:
    text = FILLS["Coinbase, Advanced Trade"][0].replace('"size_in_quote": false', '"size_in_quote": true')
    result = imported(fills=text)
    assert result.snapshot.venue.history.fills == []
    assert any("quote currency" in note for note in result.notes)


# -- freqtrade --------------------------------------------------------------------------------------------------------

FREQTRADE = (
    "id,ft_trade_id,ft_order_side,ft_pair,ft_is_open,ft_amount,ft_price,order_id,status,symbol,order_type,side,price,"
    "average,amount,filled,remaining,cost,stop_price,order_date,order_update_date{more}\n"
    "1,7,sell,BTC/USDT,0,0.01,60000.0,581,closed,BTC/USDT,limit,sell,60000.0,59990.0,0.01,0.01,0,599,,2026-11-20 09:12:11.5,"
    "2026-11-20 09:13:03{said}\n"
    "2,7,stoploss,BTC/USDT,1,0.01,60000.0,582,open,BTC/USDT,stop_loss_limit,,60000.0,,0.01,0.0,0.01,0,61000.0,"
    "2026-11-20 09:14:00,2026-11-20 09:14:01{said}\n"
)


@pytest.mark.parametrize("true", ["1", "True", "t"])  # SQLite's, Python's and PostgreSQL's
def test_freqtrade_orders_of_a_dump_with_is_short(true: str) -> None:
    short = FREQTRADE.format(more=",is_short", said=f",{true}")
    entry, stop = imported(short, venue="id,side,status\n").snapshot.local.orders
    said(entry, {"venue_order_id": "581", "trade_id": "7", "action": "entry", "side": "sell", "filled_qty": "0.01",
                 "filled_avg_price": "59990", "status": "filled", "submitted_at": "2026-11-20T09:12:11.5Z"})  # fmt: skip
    said(stop, {"venue_order_id": "582", "action": "exit", "side": "buy", "stop_price": "61000", "filled_qty": "0",
                "status": "pending_new", "last_activity_at": "2026-11-20T09:14:01Z"})  # fmt: skip


def test_freqtrade_orders_without_is_short_say_no_more_than_they_know() -> None:
    text = FREQTRADE.format(more="", said="").replace("stop_loss_limit,,", "stop_loss_limit,sell,")
    entry, stop = imported(text, venue="id,side,status\n").snapshot.local.orders
    assert (entry.action, stop.action) == (None, "exit")


def test_freqtrade_trades_with_their_orders_are_both() -> None:
    order = {"pair": "ETH/USDT", "order_type": "limit", "order_date": "2026-11-20 09:00:00", "status": "closed",
             "ft_tag": None, "order_timestamp": 1795165200000}  # fmt: skip
    trade = {
        "trade_id": 3, "pair": "ETH/USDT", "is_open": True, "is_short": False, "amount": 0.5, "stake_amount": 100.0,
        "open_rate": 2600.0, "open_date": "2026-11-20 09:00:00", "open_timestamp": 1795165200000, "orders": [
            order | {"order_id": "a", "ft_order_side": "buy", "ft_is_entry": True, "amount": 1.5, "filled": 1.5,
                     "average": 2600.0, "ft_fee_base": 0.001},
            order | {"order_id": "b", "ft_order_side": "sell", "ft_is_entry": False, "amount": 1.0, "filled": 1.0,
                     "average": 2700.0},
        ],
    }  # fmt: skip
    dump = json.dumps({"trades": [trade], "trades_count": 1})
    local = imported(dump, venue="id,side,status\n", trades=dump).snapshot.local
    assert [(one.venue_order_id, one.side, one.action, one.filled_qty) for one in local.orders] == [
        ("a", "buy", "entry", "1.5"), ("b", "sell", "exit", "1"),
    ]  # fmt: skip
    assert {one.trade_id for one in local.orders} == {"3"}
    said(local.trades[0], {"trade_id": "3", "side": "long", "status": "open", "entry_qty": "1.5", "exit_qty": "1",
                           "fee_base_qty": "0.001", "entry_avg_price": "2600"})  # fmt: skip


@pytest.mark.parametrize(("yes", "no"), [("1", "0"), ("True", "False"), ("t", "f")])
def test_freqtrade_trades_by_themselves(yes: str, no: str) -> None:
    trades = (
        "id,pair,is_open,is_short,amount,stake_amount,open_rate,open_date\n"
        f"1,BTC/USDT,{no},{yes},0.5,100,60000,2026-11-20 09:00:00\n"
        f"2,BTC/USDT,{yes},{no},0.2,100,60000,2026-11-20 09:00:00\n"
    )
    closed, opened = imported(venue="id,side,status\n", trades=trades).snapshot.local.trades
    said(closed, {"side": "short", "status": "closed", "entry_qty": "0.5", "exit_qty": "0.5"})
    said(opened, {"side": "long", "status": "open", "entry_qty": "0.2", "exit_qty": "0"})
