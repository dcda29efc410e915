# ruff: noqa: E501 - rows of files stand as they are written
"""What a person says of columns, words and symbols, and keeps."""

import json
from typing import Any

import msgspec
import pytest

from tests.unit.exports.test_forms import imported as of_files
from trueup.exports.make_snapshot import Export, Imported, Settings, make_snapshot
from trueup.exports.mapping import Mapping, load_mapping, read_mapping
from trueup.exports.meanings import Source, header_tells, header_token, header_zone
from trueup.model.errors import InputError
from trueup.model.snapshot import Profile

AT = "2026-11-23T12:00:00Z"
LOCAL = "ref,way,what,state,lots,done_lots\nv-1,up,entry,done,2,2\n"
MAPS = ("local.venue_order_id=ref", "local.side=way", "local.action=what", "local.filled_qty=done_lots")


def imported(local: str, *maps: str, **said: Any) -> Imported:
    texts = {
        Source.LOCAL: local,
        Source.VENUE: '[{"id": "v-1", "side": "buy", "symbol": "BTC/USD", "status": "new"}]',
    }
    exports = {source: Export(text.encode(), f"{source}.txt", AT) for source, text in texts.items()}
    return make_snapshot(
        exports, Settings(profile=Profile(profile_id="p"), mapping=read_mapping(maps, **said))
    )


def test_columns_words_and_symbols() -> None:
    values = ("local.status.Done=filled", "local.side.up=buy")
    [order] = imported(LOCAL, *MAPS, values=values).snapshot.local.orders
    assert (order.venue_order_id, order.side, order.action, order.status) == ("v-1", "buy", "entry", "filled")
    assert (order.qty, order.filled_qty) == ("2", "2")
    symbols = imported("id,side,status,symbol\nv-1,buy,new,XXBTZUSD\n", symbols=("xxbtzusd=BTC/USD",))
    assert symbols.snapshot.local.orders[0].symbol == "BTC/USD"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("venue.status.open=fileld", "'fileld' is no status: one of pending_new"),
        ("local.side.up=byu", "'byu' is no side: one of buy, sell"),
        ("local.action.up=in", "'in' is no action: one of entry, exit"),
        ("trades.side.up=buyer", "'buyer' is no side: one of long, short"),
        ("local.symbol.XXBTZUSD=BTC/USD", "--symbol SAID=SYMBOL"),
    ],
)
def test_a_word_that_would_mean_nothing_is_refused(value: str, expected: str) -> None:
    with pytest.raises(InputError) as fault:
        read_mapping(values=(value,))
    assert expected in str(fault.value)
    assert f"--value {value}" in str(fault.value)


@pytest.mark.parametrize("value", ["venue.status.ok=closed", "trades.status.1=open", "positions.side.L=long"])
def test_a_word_of_any_spelling_is_taken(value: str) -> None:
    assert read_mapping(values=(value,)).values


def test_a_mapped_action_must_say_entry_or_exit() -> None:
    with pytest.raises(InputError) as fault:
        imported("id,side,status,why\nv-1,buy,new,signal\n", "local.action=why")
    assert "action words that mean nothing: 'signal' (row 2)" in str(fault.value)
    assert "--value local.action.WORD=entry" in str(fault.value)
    told = imported(
        "id,side,status,why\nv-1,buy,new,signal\n", "local.action=why", values=("local.action.signal=entry",)
    )
    assert told.snapshot.local.orders[0].action == "entry"


def test_an_action_found_by_its_name_may_say_something_else_and_that_is_told() -> None:
    result = imported("id,side,status,action\nv-1,buy,new,signal\n")
    assert result.snapshot.local.orders[0].action is None
    assert any("signal" in note and "--value local.action" in note for note in result.notes)


def test_ccxts_record_of_the_exchange_is_not_called_out() -> None:
    row = {
        "id": "v-1",
        "side": "buy",
        "status": "open",
        "info": {"orderId": "1", "price": "2"},
        "lots_done": "1",
    }
    read = imported(json.dumps([row]))
    assert list(read.columns[0].ignored_but_telling) == ["lots_done"]
    assert "info.orderId" in read.columns[0].ignored


def test_what_is_kept_comes_again_and_what_is_typed_comes_first() -> None:
    first = read_mapping(("local.side=a", "local.qty=b"), ("local.status.x=new",), ("A=B",), assume_utc=True)
    again = load_mapping(msgspec.json.encode(first), "kept.json")
    assert again == first
    both = read_mapping(("local.side=c",), ("local.status.y=filled",), kept=again)
    assert both == Mapping(
        columns={"local.side": "c", "local.qty": "b"}, values={"local.status": {"x": "new", "y": "filled"}},
        symbols={"A": "B"}, assume_utc=True,
    )  # fmt: skip


@pytest.mark.parametrize(
    "data", [b"", b"{", b'{"format": "other/1"}', b'{"columns": {"local.nothing": "a"}}', b'{"x": 1}']
)
def test_a_file_that_is_no_mapping(data: bytes) -> None:
    with pytest.raises(InputError):
        load_mapping(data, "kept.json")


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("values", "local.status=filled"), ("values", "local.status.done"), ("values", "local.nothing.a=b"),
        ("values", "where.status.a=b"), ("symbols", "BTC"), ("symbols", "=BTC"), ("symbols", "BTC="),
    ],
)  # fmt: skip
def test_what_is_said_badly(kind: str, text: str) -> None:
    with pytest.raises(InputError):
        read_mapping(**{kind: (text,)})  # type: ignore[arg-type]


def test_what_a_file_does_not_say_takes_the_venues_figure() -> None:
    local = "id,side,status,qty\nv-1,buy,canceled,10\nv-2,buy,new,5\nv-3,buy,filled,10\nv-4,buy,rejected,10\n"
    venue = (
        "id,side,status,qty,filled_qty,filled_avg_price\n"
        "v-1,buy,canceled,10,7,1000\nv-2,buy,new,5,0,\nv-3,buy,filled,10,10,1001\n"
    )
    result = of_files(local, venue=venue)
    assert [(one.filled_qty, one.filled_avg_price) for one in result.snapshot.local.orders] == [
        ("7", "1000"), ("0", None), ("10", "1001"), ("0", None),
    ]  # fmt: skip
    assert any(note.startswith("2 local orders do not say what filled") for note in result.notes)


def test_the_bots_own_fills_say_it_before_the_venue_does() -> None:
    local = "id,side,status,qty\nv-1,buy,canceled,10\n"
    venue = "id,side,status,qty,filled_qty\nv-1,buy,canceled,10,7\n"
    fills = "fill_id,order_id,qty\nf-1,v-1,2\nf-2,v-1,3\n"
    assert of_files(local, venue=venue, local_fills=fills).snapshot.local.orders[0].filled_qty == "5"


def test_ignored_columns_that_mean_something_are_told_apart() -> None:
    result = imported("id,side,status,note,px_done,taker_fee,userId,batch no\nv-1,buy,new,x,1,2,3,4\n")
    local = result.columns[0]
    assert local.ignored == ["note", "px_done", "taker_fee", "userId", "batch no"]
    assert local.ignored_but_telling == {"px_done": "quantity", "taker_fee": "fee", "batch no": "id"}


def test_headers() -> None:
    assert header_token("Order Time(UTC+08:00)") == "ordertime"
    zones = ("Date(UTC)", "Time (UTC+8)", "T(UTC-03:30)", "time", "T(UTC+0)")
    assert [header_zone(one) for one in zones] == ["Z", "+08:00", "-03:30", None, "Z"]
    assert [header_tells(one) for one in ("Executed Qty", "avgPx", "Order No.", "Quotes", "orderRef")] == [
        "quantity", "price", "id", None, "id",
    ]  # fmt: skip


def test_a_time_is_no_quantity() -> None:
    headers = ("filled_at", "Filled Time", "Price at Transaction", "Time(GMT+8)")
    assert [header_tells(one) for one in headers] == [None, None, "price", None]
    assert (header_token("Executed²"), header_zone("Time(GMT+8)")) == ("executed", "+08:00")


@pytest.mark.parametrize("said", ["1.23457E+11", "1e18", "1234567890123456.0"])
def test_an_id_that_a_program_rounded_is_none(said: str) -> None:
    with pytest.raises(InputError, match="a program rounded, no id"):
        imported(f"order_id,side,status\n{said},buy,new\n")


def test_a_whole_number_is_its_id_without_the_point_that_pandas_adds() -> None:
    orders = imported("order_id,clientOrderId,side,status\n1001.0,12.5,buy,new\n").snapshot.local.orders
    assert [(one.venue_order_id, one.client_order_id) for one in orders] == [("1001", "12.5")]


@pytest.mark.parametrize(
    ("order_type", "expected"),
    [
        ("LIMIT_MAKER", ("100", None)),
        ("post_only", ("100", None)),
        ("fok", ("100", None)),
        ("STOP_LOSS_LIMIT", ("100", None)),
        ("market", (None, None)),  # nothing filled: a price is no average
        ("STOP_MARKET", (None, None)),
    ],
)
def test_whose_price_is_a_limit(order_type: str, expected: tuple[str | None, str | None]) -> None:
    [order] = imported(
        f"order_id,side,type,status,price,filled\nv-1,buy,{order_type},new,100,0.0\n"
    ).snapshot.local.orders
    assert (order.limit_price, order.filled_avg_price) == expected


@pytest.mark.parametrize("word", ["quote_ccy", "quoteCoin"])
def test_an_amount_that_the_row_says_is_of_quote_is_no_quantity(word: str) -> None:
    row = {
        "orderId": "v-1",
        "side": "buy",
        "symbol": "BTCUSDT",
        "orderType": "Market",
        "qty": "56000",
        "tgtCcy": word,
    }
    ended = {"orderStatus": "PartiallyFilledCanceled", "cumExecQty": "1", "avgPrice": "41000"}
    local = json.dumps([row | ended])
    [order] = imported(local).snapshot.local.orders
    assert (order.qty, order.by_notional, order.filled_qty) == (None, True, "1")
    [record] = of_files(venue=local).snapshot.venue.history.orders
    assert (record.qty, record.by_notional, record.filled_qty) == (None, True, "1")


def test_what_was_spent_tells_the_average() -> None:
    row = {"orderId": 7, "symbol": "BTCUSDT", "side": "SELL", "type": "MARKET", "price": "0.00", "origQty": "1.50",
           "executedQty": "1.50", "cummulativeQuoteQty": "61500.00", "status": "FILLED"}  # fmt: skip
    [order] = of_files(venue=json.dumps([row])).snapshot.venue.history.orders
    assert (order.qty, order.filled_qty, order.filled_avg_price) == ("1.5", "1.5", "41000")


_ROW = {"orderId": "v-1", "side": "buy", "status": "open"}


@pytest.mark.parametrize(
    "frame",
    [
        {"retCode": 0, "result": {"category": "spot", "list": [_ROW]}},
        {"code": "0", "data": [_ROW]},
        {"code": "200000", "data": {"currentPage": 1, "items": [_ROW]}},
        {"error": [], "result": {"open": {"v-1": {"side": "buy", "status": "open"}}, "count": 1}},
    ],
)
def test_an_exchanges_answer_is_a_frame_around_rows(frame: dict[str, Any]) -> None:
    assert [one.venue_order_id for one in imported(json.dumps(frame)).snapshot.local.orders] == ["v-1"]


def test_an_order_file_keyed_by_id_is_its_values() -> None:
    keyed = json.dumps(
        {"v-1": {"id": "v-1", "side": "buy", "status": "open"}, "v-2": {"side": "buy", "status": "open"}}
    )
    assert [one.venue_order_id for one in imported(keyed).snapshot.local.orders] == ["v-1", "v-2"]


def test_a_message_does_not_grow_with_the_file() -> None:
    keyed = json.dumps({f"k{n}": n for n in range(2000)} | {"x" * 5000: 1})
    with pytest.raises(InputError) as fault:
        imported(keyed)
    assert len(str(fault.value)) < 600


def test_of_a_list_of_fees_the_one_in_base_counts() -> None:
    fill = {"id": "f-1", "order": "v-1", "symbol": "LOOM/BTC", "side": "buy", "price": 2.5e-06, "amount": 1600, "fee": None,
            "fees": [{"cost": 0.1, "currency": "BNB"}, {"cost": 1.6, "currency": "LOOM"}]}  # fmt: skip
    [read] = of_files(venue="id,side,status\n", fills=json.dumps([fill])).snapshot.venue.history.fills
    assert (read.fee, read.fee_currency, read.price) == ("1.6", "LOOM", "0.0000025")


@pytest.mark.parametrize(
    ("fees", "expected"),
    [
        ([("0.1", "USD"), ("0.2", "USD")], ("0.3", "USD")),
        (
            [("0.1", "USD"), ("0.2", "BNB"), ("0.3", "USD")],
            ("0.4", "USD"),
        ),  # a fill has one fee: the first one's
        ([("0.1", "BNB"), ("0.01", "ETH"), ("0.02", "ETH")], ("0.03", "ETH")),  # it changes what is held
        ([("0.10", "USD")], ("0.1", "USD")),
    ],
)
def test_fees_in_one_currency_are_one_fee(fees, expected) -> None:
    fill = {"id": "f-1", "order": "v-1", "symbol": "ETH/USD", "side": "buy", "price": 1000, "amount": 3,
            "fees": [{"cost": cost, "currency": currency} for cost, currency in fees]}  # fmt: skip
    [read] = of_files(venue="id,side,status\n", fills=json.dumps([fill])).snapshot.venue.history.fills
    assert (read.fee, read.fee_currency) == expected


def test_an_amount_that_is_a_cost_is_no_quantity() -> None:
    order = {"id": "v-1", "symbol": "XRP/USDT", "type": "market", "side": "buy", "price": 0.4247, "amount": 9.99,
             "filled": 23.52, "average": 0.4247, "cost": 9.988944, "status": "closed"}  # fmt: skip
    [read] = of_files(venue=json.dumps([order])).snapshot.venue.history.orders
    assert (read.qty, read.filled_qty, read.status) == (None, "23.52", "filled")
    # more filled than was ordered, and no cost explains it: it stays what it is
    [read] = of_files(venue=json.dumps([order | {"cost": 50}])).snapshot.venue.history.orders
    assert read.qty == "9.99"


def test_a_client_id_that_several_venue_orders_have_tells_nothing_of_a_silent_row() -> None:
    local = "client_order_id,side,status,qty\nc-1,buy,canceled,10\n"
    venue = "id,client_order_id,side,status,qty,filled_qty\nv-1,c-1,buy,canceled,10,7\nv-2,c-1,buy,canceled,10,3\n"
    assert of_files(local, venue=venue).snapshot.local.orders[0].filled_qty == "0"


def test_an_empty_cell_beside_others_is_a_null_of_a_new_order_only() -> None:
    local = "id,side,status,qty,filled\nv-1,buy,new,10,\nv-2,buy,canceled,10,\nv-3,buy,new,10,4\n"
    venue = "id,side,status,qty,filled\nv-1,buy,filled,10,10\nv-2,buy,canceled,10,7\nv-3,buy,new,10,4\n"
    assert [one.filled_qty for one in of_files(local, venue=venue).snapshot.local.orders] == ["0", "7", "4"]
