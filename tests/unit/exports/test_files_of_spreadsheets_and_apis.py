# ruff: noqa: E501 - rows of files stand as they are written
"""What a spreadsheet makes of a download, coins that begin with a digit, and answers of exchanges' APIs as bots keep
them. Expected values by hand."""

import json
from typing import Any

import pytest

from trueup.exports.make_snapshot import Export, Imported, Settings, make_snapshot
from trueup.exports.mapping import read_mapping
from trueup.exports.meanings import Source
from trueup.model.errors import InputError
from trueup.model.snapshot import Fill, Profile, VenueOrder

AT = "2026-11-23T12:00:00Z"
LOCAL = "order_id,symbol,side,status,qty,filled\nx-0,BTC/USDT,buy,new,1,0\n"
BINANCE = "Date(UTC),OrderNo,Pair,Type,Side,Order Price,Order Amount,Time,Executed,Average Price,Trading total,Status\n"


def imported(local: str = LOCAL, **files: Any) -> Imported:
    texts = {"local": local} | {
        name: one if isinstance(one, str) else json.dumps(one) for name, one in files.items()
    }
    exports = {
        Source(name.replace("_", "-")): Export(text.encode(), f"{name}.csv", AT)
        for name, text in texts.items()
    }
    return make_snapshot(exports, Settings(profile=Profile(profile_id="p"), mapping=read_mapping()))


def the_order(venue: Any) -> VenueOrder:
    read = imported(venue=venue).snapshot.venue
    [order] = [*read.open_orders.rows, *read.history.orders]
    return order


def the_fill(fills: Any) -> Fill:
    [fill] = imported(fills=fills).snapshot.venue.history.fills
    return fill


def said(value: Any, expected: dict[str, Any]) -> None:
    assert {key: getattr(value, key) for key in expected} == expected


@pytest.mark.parametrize(
    ("pair", "amount", "executed", "qty", "filled_qty"),
    [
        ("1INCHUSDT", "501INCH", "201INCH", "50", "20"),
        ("1INCHUSDT", "50.00000000001INCH", "20.00000000001INCH", "50", "20"),
        ("1000SATSUSDT", "50000.00000000001000SATS", "200001000SATS", "50000", "20000"),
        ("0GUSDT", "1000G", "500G", "100", "50"),
        ("4USDT", "1004", "504", "100", "50"),
        ("ETHUSDT", "1.5ETH", "0.7ETH", "1.5", "0.7"),
        ("TUSDT", "1.5T", "0.7T", "1.5", "0.7"),
        ("币安人生USDT", "1.5币安人生", "0.7币安人生", "1.5", "0.7"),
        ("BTC3LUSDT", "10BTC3L", "7BTC3L", "10", "7"),
    ],
)
def test_coins_that_begin_with_a_digit(
    pair: str, amount: str, executed: str, qty: str, filled_qty: str
) -> None:
    row = f"2026-11-20 10:01:45,11,{pair},LIMIT,SELL,0.54,{amount},2026-11-20 10:05:00,{executed},0.54,25USDT,CANCELED\n"
    said(
        the_order(BINANCE + row),
        {"qty": qty, "filled_qty": filled_qty, "limit_price": "0.54", "filled_avg_price": "0.54"},
    )


def test_money_ordered_of_a_coin_that_begins_with_a_digit() -> None:
    row = (
        "2026-11-20 10:01:45,11,1INCHUSDT,MARKET,BUY,0,25USDT,2026-11-20 10:05:00,501INCH,0.5,25USDT,FILLED\n"
    )
    said(the_order(BINANCE + row), {"qty": None, "filled_qty": "50"})


def test_fees_in_a_coin_that_begins_with_a_digit() -> None:
    trades = "Date(UTC),Pair,Side,Price,Executed,Amount,Fee\n2026-11-20 10:05:00,1INCHUSDT,BUY,0.5,501INCH,25USDT,0.051INCH\n"
    order = "2026-11-20 10:01:45,11,1INCHUSDT,LIMIT,BUY,0.5,501INCH,2026-11-20 10:05:00,501INCH,0.5,25USDT,FILLED\n"
    [fill] = imported(venue=BINANCE + order, fills=trades).snapshot.venue.history.fills
    said(fill, {"venue_order_id": "11", "qty": "50", "fee": "0.05", "fee_currency": "1INCH"})


def test_a_coin_of_digits_alone_takes_no_digit_of_a_quantity_without_a_unit() -> None:
    """Binance's futures write no units; the pair 4USDT itself looked like one, and 14 was read as 1."""
    header = "Uid,Time,Order No,Symbol,Type,Side,Price,Average Price,Amount,Executed Amount,Executed Quote Amount,Status\n"
    order = "7,2026-01-01 10:00:00,o-1,4USDT,LIMIT,SELL,0.05,0.05,14,14,0.7,FILLED\n"
    said(the_order(header + order), {"qty": "14", "filled_qty": "14"})
    trades = "Date(UTC),Symbol,Side,Price,Quantity,Amount,Fee,Realized Profit,Order ID,Trade ID\n"
    fill = the_fill(trades + "2026-01-01 10:00:00,4USDT,BUY,0.05,14,0.7,0.001USDT,0USDT,o-1,t-1\n")
    said(fill, {"qty": "14", "fee": "0.001", "fee_currency": "USDT"})


def test_a_fee_in_a_coin_of_digits_alone() -> None:
    trades = (
        "Date(UTC),Pair,Side,Price,Executed,Amount,Fee\n2026-11-20 10:05:00,4USDT,BUY,2,104,20USDT,0.014\n"
    )
    order = "2026-11-20 10:01:45,11,4USDT,LIMIT,BUY,2,104,2026-11-20 10:05:00,104,2,20USDT,FILLED\n"
    [fill] = imported(venue=BINANCE + order, fills=trades).snapshot.venue.history.fills
    said(fill, {"qty": "10", "fee": "0.01", "fee_currency": "4"})


# -- spreadsheets -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", ["sep=;\n", '"sep=;"\r\n', "SEP=;\n"])
def test_excels_line_of_the_delimiter_is_no_header(line: str) -> None:
    own = line + LOCAL.replace(",", ";")
    result = imported(own, venue="id,side,status\n")
    assert [order.venue_order_id for order in result.snapshot.local.orders] == ["x-0"]
    assert result.columns[0].rows.rows[0].number == 3
    with pytest.raises(InputError, match=r"local\.csv line 4: 1 cells under 6 columns"):
        imported(own + "Total\n", venue="id,side,status\n")


@pytest.mark.parametrize("text", ["sep=;", "sep=;\n", "\ufeff\ufeff", "\ufeff\ufeff\n \n"])
def test_a_file_without_a_header_is_empty(text: str) -> None:
    with pytest.raises(InputError, match=r"local\.csv: empty: expected rows"):
        imported(text, venue="id,side,status\n")


def test_excels_text_of_a_number_is_the_number() -> None:
    own = 'order_id,symbol,side,status,qty,filled\n"=""0581""",BTC/USDT,buy,new,1,0\n'
    [order] = imported(own, venue="id,side,status\n").snapshot.local.orders
    assert order.venue_order_id == "0581"


def test_ids_that_a_spreadsheet_rounded_without_an_exponent_are_none() -> None:
    own = "order_id,symbol,side,status,qty,filled\n{},BTC/USDT,buy,new,1,0\n{},BTC/USDT,buy,new,1,0\n"
    with pytest.raises(InputError, match="every long order_id ends in zeros after 15 digits") as fault:
        imported(own.format("680800019749904000", "680800019749905000"), venue="id,side,status\n")
    assert "(680800019749904000): a spreadsheet rounded them; export it anew, ids as text" in str(fault.value)
    for one, other in (
        ("680800019749904000", "680800019749905001"),
        ("680800019749904000", "17"),
        ("1000000000000000", "17"),
    ):
        assert len(imported(own.format(one, other), venue="id,side,status\n").snapshot.local.orders) == 2


@pytest.mark.parametrize(
    "order_id", ['"1,23457E+17"', "1.23457E+11", "#########", "#N/A", "123456789012345680.0"]
)
def test_what_a_spreadsheet_made_of_an_id_is_none(order_id: str) -> None:
    with pytest.raises(InputError, match=r"export it anew, ids as text"):
        imported(venue=f"order_id,side,status,filled\n{order_id},buy,new,0\n")


def test_an_id_of_hexadecimal_digits_is_no_rounded_number() -> None:
    the = the_order("order_id,side,status,filled\n5e1234567890123456789012,buy,new,0\n")
    assert the.venue_order_id == "5e1234567890123456789012"


def test_an_apostrophe_that_keeps_digits_is_not_of_the_id() -> None:
    assert the_order("order_id,side,status,filled\n'0123,buy,new,0\n").venue_order_id == "0123"


def test_what_programs_write_for_nothing_is_no_id() -> None:
    the = the_order("order_id,client_order_id,side,status,filled\nv-1,nan,buy,new,0\n")
    assert the.client_order_id is None


def test_a_line_of_totals_is_no_order() -> None:
    read = imported(venue="order_id,symbol,side,status,qty,filled\nv-1,BTC/USDT,buy,new,1,0\nTotal,,,,1,0\n")
    assert [one.venue_order_id for one in read.snapshot.venue.open_orders.rows] == ["v-1"]
    assert not read.snapshot.venue.answers
    assert any("no symbol, side or status: 1 of its rows" in note for note in read.notes)


def test_a_word_that_is_none_says_how_to_give_it_a_meaning() -> None:
    with pytest.raises(
        InputError, match=r"row 2: 'Long' is none of buy, sell; say --value venue\.side\.Long=MEANT"
    ):
        imported(venue="id,side,status\nv-1,Long,new\n")


# -- Interactive Brokers ----------------------------------------------------------------------------------------------

ACTIVITY = (
    "Statement,Header,Field Name,Field Value\nStatement,Data,BrokerName,Interactive Brokers\n"
    "Trades,Header,DataDiscriminator,Asset Category,Currency,Symbol,Date/Time,Quantity,T. Price\n"
)
FLEX = '"Symbol","DateTime","Quantity","TradePrice","Buy/Sell","IBOrderID"\n"AAPL","20261120;093105","-10","189.5","SELL","7001"\n'


@pytest.mark.parametrize("source", ["venue", "fills", "positions"])
@pytest.mark.parametrize(("text", "name"), [(ACTIVITY, "activity statement"), (FLEX, "Flex query")])
def test_interactive_brokers_files_are_refused_by_their_name(source: str, text: str, name: str) -> None:
    files = {"venue": "id,side,status\n"} | {source: text}
    with pytest.raises(InputError, match=f"this is Interactive Brokers' {name}: .* give that as --fills"):
        imported(**files)


def test_interactive_brokers_words_of_a_side() -> None:
    fills = "exec_id,order_id,symbol,side,qty,price,time\ne-1,7,AAPL,BOT,10,189.5,2026-11-20T14:31:05Z\ne-2,8,AAPL,SLD,4,190,2026-11-20T14:31:06Z\n"
    read = imported(fills=fills).snapshot.venue.history.fills
    assert [(one.side, one.qty) for one in read] == [("buy", "10"), ("sell", "4")]


# -- amounts of money in what APIs answer -----------------------------------------------------------------------------

BITGET = {"symbol": "BTCUSDT", "orderId": "111", "clientOid": "c", "price": "0", "size": "20.0", "orderType": "market",
          "side": "buy", "status": "filled", "priceAvg": "13000", "baseVolume": "0.0015", "quoteVolume": "19.5"}  # fmt: skip
GATE = {"id": "185", "currency_pair": "DOGE_USDT", "type": "market", "side": "buy", "amount": "20", "status": "closed",
        "filled_amount": "80", "avg_deal_price": "0.25", "filled_total": "20", "create_time": "1795165200"}  # fmt: skip
HTX = {"id": 59378, "symbol": "btcusdt", "amount": "1000", "price": "0", "type": "buy-market", "field-amount": "0.01",
       "field-cash-amount": "1000", "state": "filled", "created-at": 1795165200000}  # fmt: skip


@pytest.mark.parametrize(
    ("order", "filled_qty", "average"),
    [(BITGET, "0.0015", "13000"), (GATE, "80", "0.25"), (HTX, "0.01", None)],
)
def test_money_of_a_market_buy_is_no_quantity(
    order: dict[str, Any], filled_qty: str, average: str | None
) -> None:
    said(
        the_order([order]),
        {"qty": None, "by_notional": True, "filled_qty": filled_qty, "filled_avg_price": average},
    )


CCXT = {"id": "v-1", "symbol": "BTC/USDT", "side": "buy", "type": "market", "price": None, "amount": 600}


@pytest.mark.parametrize(
    ("more", "qty", "by_notional", "status"),
    [
        ({"filled": 0.01, "cost": 600, "average": 60000, "status": "closed"}, None, True, "filled"),
        ({"filled": 0.01, "cost": None, "average": 60000, "status": "closed"}, None, True, "filled"),
        ({"filled": 0.005, "cost": 300, "average": 60000, "status": "closed"}, None, False, "canceled"),
        ({"filled": 0, "cost": 0, "average": None, "status": "open"}, None, False, "pending_new"),
        ({"filled": 0, "cost": 0, "average": None, "status": "canceled"}, None, False, "canceled"),
        ({"filled": 0, "cost": 0, "average": None, "status": "open", "side": "sell"}, "600", False, "pending_new"),
        ({"filled": 0, "cost": 0, "average": None, "status": "open", "type": "limit"}, "600", False, "pending_new"),
        ({"filled": 4, "cost": 240000, "average": 60000, "status": "closed"}, "600", False, "canceled"),
        ({"filled": 600, "cost": 30, "average": 0.05, "status": "closed"}, "600", False, "filled"),
        ({"filled": 0, "cost": 0, "average": None, "status": "open", "notional": None}, "600", False, "pending_new"),
    ],
)  # fmt: skip
def test_a_quantity_of_a_market_buy_that_may_be_money_is_not_certain(
    more: dict[str, Any], qty: str | None, by_notional: bool, status: str
) -> None:
    """A filled buy of 600 USDT was canceled by it, for 600 of BTC had not filled; an open one's quantity became 600."""
    said(the_order([CCXT | more]), {"qty": qty, "by_notional": by_notional, "status": status})


def test_what_filled_of_money_that_nobody_counted_says_no_end() -> None:
    rows = [CCXT | {"filled": 0.01, "cost": None, "average": None, "status": "closed"}]
    [answer] = imported(venue=rows).snapshot.venue.answers
    assert answer.order is not None
    said(answer.order, {"qty": None, "by_notional": False, "status": None, "filled_qty": "0.01"})


def test_a_bots_market_buy_whose_quantity_is_what_it_cost() -> None:
    own = json.dumps([CCXT | {"filled": 0.01, "cost": 600, "average": 60000, "status": "closed"}])
    [order] = imported(local=own, venue=[]).snapshot.local.orders
    said(order, {"qty": None, "by_notional": True, "status": "filled", "filled_qty": "0.01"})


def test_a_market_order_in_base_currency_keeps_its_quantity() -> None:
    bought = BITGET | {"size": "0.0015"}
    assert the_order([bought]).qty == "0.0015"
    partly = BITGET | {"size": "0.0030", "status": "cancelled"}
    assert the_order([partly]).qty == "0.003"
    assert the_order([BITGET | {"side": "sell", "size": "2", "baseVolume": "2"}]).qty == "2"


def test_a_market_buy_of_which_nothing_says_what_filled_has_no_certain_quantity() -> None:
    order = "id,symbol,side,type,status,qty\nv-1,BTC/USDT,{},{},filled,20\n"
    assert the_order(order.format("buy", "market")).qty is None
    assert the_order(order.format("sell", "market")).qty == "20"
    assert the_order(order.format("buy", "limit")).qty == "20"
    in_base = "id,symbol,side,type,status,qty,marketUnit\nv-1,BTC/USDT,buy,market,filled,20,baseCoin\n"
    assert the_order(in_base).qty == "20"


# -- frames ------------------------------------------------------------------------------------------------------------

KRAKEN_OPEN = {
    "status": "open", "opentm": 1795165200.5, "vol": "1.25", "vol_exec": "0.25", "price": "60000",
    "descr": {"pair": "XBTUSD", "type": "sell", "ordertype": "limit", "price": "60000", "price2": "0"},
}  # fmt: skip


@pytest.mark.parametrize("frame", ["{}", '{{"error": [], "result": {}}}', '{{"result": {}}}'])
def test_a_frame_is_no_order_though_nothing_stands_beside_it(frame: str) -> None:
    text = frame.replace("{}", '{{"open": {}}}').format(json.dumps({"O-1": KRAKEN_OPEN}))
    [order] = imported(venue=text).snapshot.venue.open_orders.rows
    said(order, {"venue_order_id": "O-1", "symbol": "BTC/USD", "qty": "1.25", "filled_qty": "0.25"})
    empty = imported(venue=frame.replace("{}", '{{"open": {{}}}}').format()).snapshot.venue
    assert (empty.open_orders.state, empty.open_orders.rows, empty.answers) == ("complete", [], [])


def test_a_bots_orders_by_id_within_a_frame() -> None:
    own = json.dumps(
        {"orders": {"v-7": {"symbol": "BTC/USDT", "side": "buy", "status": "open", "qty": 1, "filled": 0}}}
    )
    [order] = imported(own, venue="id,side,status\n").snapshot.local.orders
    said(order, {"venue_order_id": "v-7", "symbol": "BTC/USDT", "qty": "1", "status": "pending_new"})


def test_rows_two_deep_with_nothing_beside_them() -> None:
    assert the_order({"result": {"list": [BITGET]}}).venue_order_id == "111"
    assert the_order({"data": {"entrustedList": [BITGET], "endId": "1"}}).venue_order_id == "111"


# -- APIs' fills and words ---------------------------------------------------------------------------------------------


def test_a_fee_that_okxs_api_took_is_no_rebate() -> None:
    fill = {"side": "buy", "fillSz": "0.0019", "fillPx": "51858", "fee": "-0.0000019", "ordId": "o-1", "billId": "b-1",
            "tradeId": "t-1", "feeCcy": "BTC", "ts": "1795165200000", "instId": "BTC-USDT", "clOrdId": ""}  # fmt: skip
    said(
        the_fill({"code": "0", "data": [fill]}),
        {"fill_id": "t-1", "venue_order_id": "o-1", "qty": "0.0019", "price": "51858", "fee": "0.0000019",
         "fee_currency": "BTC", "filled_at": "2026-11-20T09:00:00Z"},
    )  # fmt: skip
    assert the_fill([fill | {"fee": "0.0000001"}]).fee == "-0.0000001"  # a maker's rebate


def test_bitgets_fills_have_their_size_and_a_fee_that_was_paid() -> None:
    fill = {"userId": "1", "symbol": "BTCUSDT", "orderId": "o-1", "tradeId": "t-1", "orderType": "market", "side": "buy",
            "priceAvg": "13000", "size": "0.0007", "amount": "9.1", "tradeScope": "taker", "cTime": "1795165200000",
            "feeDetail": {"deduction": "no", "feeCoin": "BTC", "totalDeductionFee": "", "totalFee": "-0.0000007"}}  # fmt: skip
    result = imported(fills={"code": "00000", "data": [fill]})
    [read] = result.snapshot.venue.history.fills
    said(
        read,
        {"fill_id": "t-1", "venue_order_id": "o-1", "qty": "0.0007", "price": "13000", "fee": "0.0000007",
         "fee_currency": "BTC", "filled_at": "2026-11-20T09:00:00Z"},
    )  # fmt: skip
    assert not result.columns[-1].ignored


def test_bitmexs_executions_have_the_last_price_and_no_fee() -> None:
    text = (
        "execID,orderID,clOrdID,symbol,side,lastQty,lastPx,orderQty,price,execType,ordStatus,commission,transactTime\n"
        "e-0,o-1,c-1,XBTUSD,Sell,,,100,60000,New,New,,2026-11-20T09:59:00.000Z\n"
        "e-1,o-1,c-1,XBTUSD,Sell,40,60001.5,100,60000,Trade,PartiallyFilled,0.00075,2026-11-20T10:00:00.000Z\n"
    )
    said(
        the_fill(text),
        {"fill_id": "e-1", "venue_order_id": "o-1", "side": "sell", "qty": "40", "price": "60001.5", "fee": None,
         "filled_at": "2026-11-20T10:00:00Z"},
    )  # fmt: skip
    assert imported(fills=text).columns[-1].ignored_but_telling == {"commission": "fee"}


def test_messages_of_alpacas_stream() -> None:
    """The quantity of an event is the execution's, not the order's."""
    order = {
        "id": "v-1",
        "client_order_id": "c-1",
        "symbol": "AAPL",
        "side": "buy",
        "type": "limit",
        "qty": "10",
    }
    heard = [
        {"event": "new", "timestamp": "2026-11-20T10:00:00Z", "order": order | {"status": "new", "filled_qty": "0"}},
        {"event": "partial_fill", "execution_id": "e-1", "timestamp": "2026-11-20T10:00:01Z", "qty": "4", "price": "189",
         "order": order | {"status": "partially_filled", "filled_qty": "4", "filled_avg_price": "189"}},
    ]  # fmt: skip
    for lines in (heard, [{"stream": "trade_updates", "data": one} for one in heard]):
        text = "\n".join(map(json.dumps, lines))
        read = imported(venue=text, fills=text).snapshot.venue
        assert [(one.qty, one.filled_qty) for one in read.open_orders.rows] == [("10", "0"), ("10", "4")]
        [fill] = read.history.fills
        said(fill, {"fill_id": "e-1", "venue_order_id": "v-1", "qty": "4", "price": "189", "side": "buy"})


def test_lines_that_are_answers_of_an_api_are_unframed() -> None:
    lines = [
        {"topic": "order", "data": [{"orderId": n, "side": "Buy", "orderStatus": "New", "qty": "1"}]}
        for n in "12"
    ]
    rows = imported(venue="\n".join(map(json.dumps, lines))).snapshot.venue.open_orders.rows
    assert [one.venue_order_id for one in rows] == ["1", "2"]


def test_a_funding_of_bybits_api_is_no_fill() -> None:
    traded = {"symbol": "ETHUSDT", "orderId": "o-1", "orderLinkId": "c-1", "side": "Buy", "execTime": "1795165200000",
              "execFee": "0.07", "execId": "e-1", "execQty": "0.1", "execPrice": "1190.15", "orderPrice": "1236",
              "orderQty": "0.5", "execType": "Trade", "feeCurrency": "USDT"}  # fmt: skip
    funding = traded | {"orderId": "f-1", "execId": "e-2", "execType": "Funding", "execQty": "40"}
    answer = {"retCode": 0, "result": {"category": "linear", "list": [traded, funding]}}
    said(
        the_fill(answer),
        {"fill_id": "e-1", "venue_order_id": "o-1", "client_order_id": "c-1", "side": "buy", "qty": "0.1",
         "price": "1190.15", "fee": "0.07", "fee_currency": "USDT", "filled_at": "2026-11-20T09:00:00Z"},
    )  # fmt: skip
    notes = imported(fills=answer).notes
    assert any("for execType is not" in note and note.endswith("1 of its rows") for note in notes)


def test_positions_in_the_words_of_okx_and_bybit() -> None:
    okx = [{"instId": "BTC-USDT-SWAP", "posSide": "short", "pos": "3", "avgPx": "60000", "markPx": "60010"}]
    bybit = [{"symbol": "BTCUSDT", "side": "Sell", "size": "0.2", "avgPrice": "60000", "markPrice": "60010"}]
    for rows, qty in ((okx, "-3"), (bybit, "-0.2")):
        [held] = imported(venue="id,side,status\n", positions=rows).snapshot.venue.positions.rows
        said(held, {"qty": qty, "avg_entry_price": "60000", "mark_price": "60010"})
    net = [okx[0] | {"posSide": "net", "pos": "-3"}]
    [held] = imported(venue="id,side,status\n", positions=net).snapshot.venue.positions.rows
    said(held, {"qty": "-3", "position_side": None})


@pytest.mark.parametrize("header", ["direction", "holdSide", "dir", "position_side"])
def test_a_side_by_another_name_makes_a_short_position_short(header: str) -> None:
    [held] = imported(
        venue=[], positions=f"symbol,{header},size\nBTCUSDT,short,0.5\n"
    ).snapshot.venue.positions.rows
    assert held.qty == "-0.5"


def test_a_side_that_nothing_is_taken_from_is_refused() -> None:
    with pytest.raises(InputError, match=r"type says which are short.*--map positions\.side=type"):
        imported(venue=[], positions="symbol,type,qty\nBTCUSDT,short,0.5\nETHUSDT,long,1\n")


def test_positions_that_are_closed_have_no_side() -> None:
    rows = [{"symbol": "A", "side": "None", "size": "0"}, {"symbol": "B", "side": "zero", "size": "0"}]
    assert [one.qty for one in imported(venue=[], positions=rows).snapshot.venue.positions.rows] == ["0", "0"]


def test_a_position_that_stands_twice_is_refused() -> None:
    with pytest.raises(InputError, match=r"row 3: the same as positions\.csv row 2"):
        imported(venue=[], positions="symbol,side,qty\nBTCUSDT,long,0.5\nBTCUSDT,long,0.5\n")


def test_hyperliquids_open_orders() -> None:
    order = {
        "coin": "BTC",
        "limitPx": "29792.0",
        "oid": 91,
        "side": "A",
        "sz": "2.0",
        "origSz": "5.0",
        "cloid": "0x1",
    }
    text = json.dumps([order | {"status": "open"}])
    said(
        the_order(text),
        {
            "venue_order_id": "91",
            "client_order_id": "0x1",
            "side": "sell",
            "qty": "5",
            "limit_price": "29792",
        },
    )


def test_hummingbots_trades_name_the_bots_own_order_id() -> None:
    header = (
        "exchange_trade_id,config_file_path,strategy,market,symbol,base_asset,quote_asset,timestamp,order_id,trade_type,"
        "order_type,price,amount,leverage,trade_fee,trade_fee_in_quote,position,age\n"
    )
    fee = '"{""fee_type"": ""AddedToCost"", ""percent"": ""0"", ""flat_fees"": [{""token"": ""BNB"", ""amount"": ""0.001""}]}"'
    row = f"123,conf.yml,pmm,binance,BTC-USDT,BTC,USDT,1795165200000,x-XEK1,BUY,LIMIT,60000.000000,0.010000,1,{fee},0.6,NIL,00:00:12\n"
    other = row.replace("123,", "124,", 1).replace(fee, '"no JSON"')
    venue = "id,side,status\n"
    fills = imported(venue=venue, local_fills=header + row + other).snapshot.local.fills
    said(
        fills[0],
        {"fill_id": "123", "venue_order_id": None, "client_order_id": "x-XEK1", "symbol": "BTC-USDT", "side": "buy",
         "qty": "0.01", "price": "60000", "fee": "0.001", "fee_currency": "BNB", "filled_at": "2026-11-20T09:00:00Z"},
    )  # fmt: skip
    assert (fills[1].fill_id, fills[1].fee) == ("124", None)
    with pytest.raises(
        InputError, match=r"this is Hummingbot's trades: fills, not orders; give it as --local-fills"
    ):
        imported(header + row, venue=venue)


def test_okxs_words_for_what_is_done_to_a_position() -> None:
    text = (
        "Order ID,Order Time,Instrument,Symbol,Lvg,Side,Order Type,Order Amount,Filled Amount,Amount Unit,Order Price,"
        "Avg. Filled Price,Price Unit,PNL,Fee,Fee Unit,Status\n"
        "77,2026-01-01 10:00:00Z,Perpetual,BTC-USDT-SWAP,5,{},Limit,5,2,Cont,60000,60001,USDT,0,-1,USDT,Canceled\n"
    )
    sides = [
        the_order(text.format(word)).side for word in ("Open long", "Close Short", "Open Short", "Close long")
    ]
    assert sides == ["buy", "buy", "sell", "sell"]


def test_a_bots_file_is_not_the_venues_word() -> None:
    hummingbot = (
        "exchange_trade_id,config_file_path,symbol,timestamp,order_id,trade_type,price,amount,trade_fee\n"
        "1,c.yml,BTC-USDT,1795165200000,x-1,BUY,60000,0.01,{}\n"
    )
    freqtrade = "ft_trade_id,ft_order_side,ft_pair,order_id,ft_is_open,status\n1,buy,BTC/USDT,v-1,0,closed\n"
    for source, text, option in (
        ("fills", hummingbot, "local-fills"),
        ("venue", hummingbot, "local-fills"),
        ("venue", freqtrade, "local"),
        ("fills", freqtrade, "local"),
    ):
        expected = rf"the bot's, not the venue's; give it as --{option} {source}\.csv"
        with pytest.raises(InputError, match=expected):
            imported(**{"venue": "id,side,status\n"} | {source: text})


def test_bybits_number_of_a_hedged_side() -> None:
    order = {"orderId": "f-1", "symbol": "ETHUSDT", "qty": "0.1", "side": "Buy", "orderStatus": "Filled", "cumExecQty": "0.1"}  # fmt: skip
    sides = [the_order([order | {"positionIdx": index}]).position_side for index in (0, 1, 2)]
    assert sides == [None, "long", "short"]


def test_states_of_fixs_and_deribits_orders() -> None:
    bitmex = {"orderID": "8d6f", "symbol": "XBTUSD", "side": "Sell", "orderQty": 100, "price": 60000, "ordType": "Limit",
              "ordStatus": "Canceled", "cumQty": 40, "avgPx": 60001.5, "timestamp": "2026-11-20T10:00:00Z"}  # fmt: skip
    said(the_order([bitmex]), {"status": "canceled", "filled_qty": "40", "filled_avg_price": "60001.5"})
    deribit = {"order_id": "ETH-1", "instrument_name": "ETH-PERPETUAL", "direction": "sell", "order_state": "filled",
               "amount": 40, "filled_amount": 40, "price": 118.9, "creation_timestamp": 1795165200000}  # fmt: skip
    said(
        the_order([deribit]),
        {
            "status": "filled",
            "symbol": "ETH-PERPETUAL",
            "filled_qty": "40",
            "submitted_at": "2026-11-20T09:00:00Z",
        },
    )
