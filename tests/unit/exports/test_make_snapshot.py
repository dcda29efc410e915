"""Exports made into a snapshot, and what is refused. Each refusal names the file, the row and what settles it."""

import json
from typing import Any

import pytest

from trueup.exports.make_snapshot import Export, Imported, Settings, make_snapshot
from trueup.exports.mapping import read_mapping
from trueup.exports.meanings import Source
from trueup.model.errors import InputError
from trueup.model.snapshot import Profile
from trueup.model.vocabulary import ReadState, Side, Status

AT = "2026-11-23T12:00:00Z"
LOCAL = "order_id,side,status,qty,filledQty\nv-1,buy,new,10,0\n"
VENUE = '[{"id": "v-1", "side": "buy", "status": "new", "qty": "10", "filled_qty": "0"}]'


def imported(local: str = LOCAL, venue: str = VENUE, *maps: str, **settings: Any) -> Imported:
    more = {Source(name.replace("_", "-")): settings.pop(name) for name in list(settings) if name in _FILES}
    texts = {Source.LOCAL: local, Source.VENUE: venue} | more
    exports = {source: Export(text.encode(), f"{source}.txt", AT) for source, text in texts.items()}
    said = {name: settings.pop(name) for name in ("values", "symbols", "assume_utc") if name in settings}
    chosen = Settings(profile=Profile(profile_id="p"), mapping=read_mapping(maps, **said), **settings)
    return make_snapshot(exports, chosen)


_FILES = ("fills", "local_fills", "positions", "trades")


def refused(*texts: str, **settings: Any) -> str:
    with pytest.raises(InputError) as fault:
        imported(*texts, **settings)
    return str(fault.value)


def test_loose_rows_of_the_reference() -> None:
    local = (
        "order_id,clientOrderId,tradeId,symbol_name,side,type,amount,requestedPrice,status,filledQty,avg_price\n"
        "v-1,c-1,t-1,ETH/USD,BUY,Limit,10,1000,partially-filled,3.0,999.5\n"
        "v-2,c-2,,BTC/USD,short,market,2,50000,filled,,\n"
    )
    first, second = imported(local).snapshot.local.orders
    assert (first.venue_order_id, first.client_order_id, first.trade_id) == ("v-1", "c-1", "t-1")
    assert (first.symbol, first.side, first.order_type) == ("ETH/USD", Side.BUY, "limit")
    assert (first.qty, first.limit_price, first.filled_qty, first.filled_avg_price) == (
        "10",
        "1000",
        "3",
        "999.5",
    )
    assert first.status is Status.PARTIALLY_FILLED
    # filled without a figure is all of it; a market order's price is what it filled at, not a limit
    assert (second.side, second.filled_qty) == (Side.SELL, "2")
    assert (second.limit_price, second.filled_avg_price) == (None, "50000")


def test_alpaca_orders_with_legs() -> None:
    parent = {
        "id": "v-1", "client_order_id": "c-1", "created_at": "2026-11-23T10:00:00.1Z",
        "submitted_at": "2026-11-23T10:00:00.2Z", "updated_at": "2026-11-23T10:05:00Z", "symbol": "AAPL",
        "qty": None, "notional": "500", "filled_qty": "0", "filled_avg_price": None, "order_type": "limit",
        "type": "limit", "side": "buy", "limit_price": "100.50", "stop_price": "0", "status": "done_for_day",
        "position_intent": "buy_to_open", "subtag": "bot-7", "replaces": None,
        "legs": [{"id": "v-2", "symbol": "AAPL", "side": "sell", "qty": "5", "status": "held", "legs": None}],
    }  # fmt: skip
    orders = imported(venue=json.dumps([parent])).snapshot.venue.open_orders.rows
    assert [(order.venue_order_id, order.parent_venue_order_id) for order in orders] == [
        ("v-1", None),
        ("v-2", "v-1"),
    ]
    assert orders[0].submitted_at == "2026-11-23T10:00:00.2Z"
    assert (orders[0].qty, orders[0].limit_price, orders[0].stop_price) == (None, "100.5", None)
    assert (orders[0].status, orders[0].raw_status) == (Status.PENDING_NEW, "done_for_day")
    assert (orders[0].intent, orders[0].sub_tag) == ("open", "bot-7")


def test_ccxt_orders() -> None:
    order = {
        "id": "v-1", "clientOrderId": "c-1", "timestamp": 1795435200250, "datetime": "2026-11-23T12:00:00.250Z",
        "lastTradeTimestamp": 1795435201000, "symbol": "ETH/USDT", "type": "limit", "side": "sell", "price": 1000.10,
        "average": 1000.25, "amount": 10, "filled": 4, "remaining": 6, "status": "closed", "reduceOnly": True,
        "fee": {"cost": 0.1, "currency": "USDT"}, "trades": [{"id": "F1"}], "info": {"id": "other", "x": [1]},
    }  # fmt: skip
    venue = imported(venue=json.dumps([order, order | {"id": "v-2", "status": None}])).snapshot.venue
    [closed], [answer] = venue.history.orders, venue.answers
    assert (closed.status, closed.raw_status, closed.filled_qty) == (Status.CANCELED, "closed", "4")
    assert (closed.limit_price, closed.filled_avg_price, closed.intent) == ("1000.1", "1000.25", "close")
    assert (closed.submitted_at, closed.updated_at) == ("2026-11-23T12:00:00.25Z", "2026-11-23T12:00:01Z")
    # a word that is not known is on no list: neither open nor ended
    assert (answer.id, answer.outcome) == ("v-2", "found")
    assert answer.order is not None
    assert answer.order.status is None
    assert venue.history.state is ReadState.PARTIAL


def test_numbers_keep_their_text() -> None:
    venue = '{"id": "v-1", "qty": 0.12345678901234567890123, "side": "buy", "status": "open"}'
    assert imported(venue=venue).snapshot.venue.open_orders.rows[0].qty == "0.12345678901234567890123"


def test_every_form_of_file_gives_the_same_rows() -> None:
    rows = [{"order_id": "v-1", "side": "buy", "status": "new", "qty": "10"}]
    forms = [
        json.dumps(rows),
        json.dumps(rows, indent=1),
        json.dumps({"orders": rows, "next": None}),
        json.dumps(rows[0]) + "\n" + json.dumps(rows[0] | {"order_id": "v-2"}),
        "order_id;side;status;qty\nv-1;buy;new;10\n",
        "\ufefforder_id\tside\tstatus\tqty\r\nv-1\tbuy\tnew\t10\r\n",
    ]
    orders = [imported(form).snapshot.local.orders[0] for form in forms]
    assert {order.venue_order_id for order in orders} == {"v-1"}
    assert {order.qty for order in orders} == {"10"}


@pytest.mark.parametrize("nothing", ["[]", '{"orders": [], "next": null}', "order_id,side,status,qty\n"])
def test_a_file_without_rows_says_that_there_is_nothing(nothing: str) -> None:
    assert imported(nothing).snapshot.local.orders == []
    assert imported(venue=nothing).snapshot.venue.open_orders.rows == []


def test_what_pandas_writes() -> None:
    local = "\torder_id\tside\tstatus\tqty\ttimestamp\n0\tv-1\tbuy\tnew\t10.0\t1795431600000.0\n"
    [order] = imported(local).snapshot.local.orders  # a nameless index, whole numbers as floats
    assert (order.venue_order_id, order.qty, order.submitted_at) == ("v-1", "10", "2026-11-23T11:00:00Z")
    venue = "id,side,status,amount,reduceOnly\nv-1,sell,open,10.0,True\n"
    assert imported(venue=venue).snapshot.venue.open_orders.rows[0].intent == "close"


def test_only_live_rows_are_an_open_order_list() -> None:
    venue = imported().snapshot.venue
    assert venue.open_orders.state is ReadState.COMPLETE
    assert venue.history.state is ReadState.FAILED


def test_a_full_page_is_not_taken_for_everything() -> None:
    rows = [{"id": f"v-{n}", "side": "buy", "status": "new", "qty": "1"} for n in range(50)]
    result = imported(venue=json.dumps(rows))
    assert result.snapshot.venue.open_orders.state is ReadState.PARTIAL
    assert "--open-orders complete" in result.notes[0]
    said = imported(venue=json.dumps(rows), open_orders_state=ReadState.COMPLETE)
    assert said.snapshot.venue.open_orders.state is ReadState.COMPLETE


def test_history_is_whole_only_where_the_user_says_so() -> None:
    fills = '[{"id": "F1", "order_id": "v-1", "qty": "1", "price": "5", "transaction_time": "2026-11-23T11:00:00Z"}]'
    assert imported(fills=fills).snapshot.venue.history.state is ReadState.PARTIAL
    history = imported(fills=fills, history_since="2026-11-01T00:00:00Z").snapshot.venue.history
    assert (history.state, history.since) == (ReadState.COMPLETE, "2026-11-01T00:00:00Z")
    assert (history.fills[0].fill_id, history.fills[0].filled_at) == ("F1", "2026-11-23T11:00:00Z")


def test_a_page_of_more_is_no_whole_history_either() -> None:
    """Its ended orders are a page's, too: what the file lacks may still have happened."""
    rows = [{"id": f"v-{n}", "side": "buy", "status": "canceled", "qty": "1"} for n in range(50)]
    since = "2026-11-01T00:00:00Z"
    assert (
        imported(venue=json.dumps(rows), history_since=since).snapshot.venue.history.state
        is ReadState.PARTIAL
    )
    said = imported(venue=json.dumps(rows), history_since=since, open_orders_state=ReadState.COMPLETE)
    assert said.snapshot.venue.history.state is ReadState.COMPLETE


def test_positions_are_signed_and_hedged_sides_stay_apart() -> None:
    positions = (
        '[{"symbol": "BTCUSD", "qty": "-2", "side": "short"}, {"symbol": "ETH", "contracts": 3, "side": "short"},'
        ' {"symbol": "SOL", "qty": "1", "side": "long"}, {"symbol": "SOL", "qty": "4", "side": "short"}]'
    )
    rows = imported(positions=positions).snapshot.venue.positions.rows
    assert [(row.symbol, row.qty, row.position_side) for row in rows] == [
        ("BTCUSD", "-2", None),
        ("ETH", "-3", None),
        ("SOL", "1", "long"),
        ("SOL", "-4", "short"),
    ]


def test_trades() -> None:
    trades = "trade_id,symbol,side,is_open,amount,open_rate\nt-1,ETH/USD,long,1,10,1000\n"
    trade = imported(trades=trades).snapshot.local.trades[0]
    assert (trade.trade_id, trade.status, trade.entry_qty, trade.exit_qty) == ("t-1", "open", "10", "0")


def test_columns_that_contradict_each_other_are_refused_until_mapped() -> None:
    local = "id,order_id,side,status,qty\n17,v-1,buy,new,10\n"
    message = refused(local)
    assert "local.txt row 2" in message
    assert "say --map local.venue_order_id=order_id or =id" in message
    order = imported(local, VENUE, "local.venue_order_id=order_id").snapshot.local.orders[0]
    assert order.venue_order_id == "v-1"


def test_columns_that_agree_are_one() -> None:
    local = "id,order_id,side,status,qty,size\nv-1,v-1,buy,new,10,10\n"
    assert imported(local).snapshot.local.orders[0].venue_order_id == "v-1"


def test_unknown_status_words_of_local_rows_are_listed_with_their_rows() -> None:
    local = "order_id,side,status,qty\nv-1,buy,wating,1\nv-2,buy,new,1\nv-3,buy,wating,1\nv-4,buy,,1\n"
    message = refused(local)
    assert "'wating' (rows 2, 4)" in message
    assert "no status in row 5; remove what is no order" in message


def test_unknown_status_words_of_the_venue_judge_fills_only() -> None:
    result = imported(venue='[{"id": "v-1", "side": "buy", "status": "limbo", "qty": "10"}]')
    venue = result.snapshot.venue
    assert (venue.open_orders.rows, venue.history.orders) == ([], [])
    order = venue.answers[0].order
    assert order is not None
    assert (order.status, order.raw_status) == (None, "limbo")
    assert any("limbo" in note for note in result.notes)


@pytest.mark.parametrize(
    ("local", "expected"),
    [
        ("", "local.txt: empty"),
        ("PK\x03\x04zip", "spreadsheet"),
        ("order_id\nv-1\n", "header line"),
        ("order_id,side,status\nv-1,buy\n", "local.txt line 2: 2 cells under 3 columns"),
        ('order_id,side,status\nv-1,"buy,new\n', "cut off"),
        ("order_id,order_id,side\n1,2,buy\n", "two columns are called 'order_id'"),
        ("order_id,status\nv-1,new\n", "--map local.side=COLUMN"),
        ("side,status\nbuy,new\n", "--map local.venue_order_id=COLUMN"),
        ("order_id,side,status,qty\nv-1,buy,new,NaN\n", "row 2, qty: 'NaN' is not an amount"),
        ("order_id,side,status,qty\nv-1,buy,new,-1\n", "row 2, qty: a quantity cannot be negative"),
        ("order_id,side,status,created_at\nv-1,buy,new,2026-11-23 10:00:00\n", "--assume-utc"),
        ("order_id,side,status\nv-1,up,new\n", "row 2: 'up' is none of buy, sell"),
        ("order_id,side,status\nv-1,,new\nv-2,buy,new\n", "row 2: no side"),
        ("order_id,side,status,qty\nv-1,buy,partially_filled,2\n", "no filled quantity"),
        ("order_id,side,status\nv-1,buy,new\nV-1,buy,new\n", "row 3, venue_order_id: duplicate of local.txt row 2"),
        ('[{"order_id": "v-1"', "local.txt: not JSON"),
        ('[1, 2]', "row 1: expected an object"),
        ('{"a": [{"x": 1}], "b": [{"x": 1}]}', "several lists (a, b)"),
        ('[{"order_id": "v-1", "side": "buy", "status": "new", "qty": NaN}]', "'NaN' is not an amount"),
        ("[" * 100000, "nested too deeply"),
    ],
)  # fmt: skip
def test_what_cannot_be_told_is_refused(local: str, expected: str) -> None:
    assert expected in refused(local)


def test_binary_and_other_encodings_are_named() -> None:
    for data, expected in (
        (b"\xff\xfeo\x00", "UTF-16"),
        (b"order_id,\xe9\n", "not UTF-8 (byte 9)"),
        (b"a,b\n\0,1", "NUL"),
    ):
        exports = {source: Export(data, "x.csv", AT) for source in (Source.LOCAL, Source.VENUE)}
        with pytest.raises(InputError, match=expected.replace("(", r"\(").replace(")", r"\)")):
            make_snapshot(exports, Settings(profile=Profile(profile_id="p")))


def test_a_last_cell_that_may_be_cut_off_is_pointed_out() -> None:
    whole = "order_id,side,status,filled\nv-1,buy,new,10.5\n"
    expected = "the last line of local.txt has no line end: if the file is cut off, its filled may be, too"
    assert expected in imported(whole[:-4]).notes
    assert expected not in imported(whole).notes
    ignored = "order_id,side,status,filled,note\nv-1,buy,new,10.5,x"
    assert not any("no line end" in note for note in imported(ignored).notes)


def test_a_flag_is_no_filled_quantity() -> None:
    """9 of 10 would be booked anew."""
    rows = "order_id,side,status,qty,filled\nv-1,buy,filled,10,{}\nv-2,buy,new,10,{}\n"
    for one, none in (("1", "0"), ("True", "False")):
        message = refused(rows.format(one, none))
        assert "filled says only" in message
        assert "say --map local.filled_qty= if so" in message.replace("Say", "say")
    first, second = imported(rows.format(1, 0), VENUE, "local.filled_qty=").snapshot.local.orders
    assert (first.filled_qty, second.filled_qty) == ("10", "0")
    assert (
        imported(rows.format(1, 0), VENUE, "local.filled_qty=filled").snapshot.local.orders[0].filled_qty
        == "1"
    )
    named = "order_id,side,status,qty,filled_qty\nv-1,buy,filled,10,1\n"
    assert imported(named).snapshot.local.orders[0].filled_qty == "1"
    of_one = "order_id,side,status,qty,filled\nv-1,buy,filled,1,1\nv-2,buy,new,10,0\n"
    assert imported(of_one).snapshot.local.orders[0].filled_qty == "1"


def test_members_of_python_enumerations() -> None:
    row = "v-1,OrderSide.BUY,OrderStatus.PARTIALLY_FILLED,OrderType.LIMIT,9,2\n"
    [order] = imported("order_id,side,status,order_type,qty,filled\n" + row).snapshot.local.orders
    assert (order.side, order.status, order.order_type) == ("buy", Status.PARTIALLY_FILLED, "limit")
    [other] = imported("order_id,side,status\nv-1,<OrderSide.SELL: 'sell'>,new\n").snapshot.local.orders
    assert other.side is Side.SELL


def test_maps_that_name_nothing_are_refused() -> None:
    assert "FILE one of local, venue" in refused(LOCAL, VENUE, "lokal.qty=x")
    assert "MEANING one of venue_order_id" in refused(LOCAL, VENUE, "local.quantity=x")
    assert "no column 'x'; it has order_id" in refused(LOCAL, VENUE, "local.qty=x")


def test_files_that_name_none_of_the_same_orders_are_pointed_out() -> None:
    notes = imported("order_id,side,status,filled\nx-9,buy,new,0\n").notes
    assert notes[0] == "0 of 1 local orders are named in the venue file"
    assert "--map" in notes[1]
