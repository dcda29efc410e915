"""Alpaca's JSON in the model's words, row by row. The bodies are those of its documentation, shortened."""

import json
from typing import Any

import pytest
from alpaca.trading.enums import OrderStatus

from trueup.model.errors import VenueUnavailable
from trueup.model.snapshot import VenueOrder
from trueup.model.vocabulary import TERMINAL, Intent, Side, Status
from trueup.venues.alpaca.rows import (
    FILLS,
    ORDERS,
    POSITIONS,
    STATUSES,
    read_all,
    read_fill,
    read_order,
    read_position,
)

ORDER = {
    "id": "61e69015-8549-4bfd-b9c3-01e75843f47d",
    "client_order_id": "eb9e2aaa-f71a-4f51-b5b4-52a6c565dad4",
    "updated_at": "2021-03-16T18:38:01.942282Z",
    "submitted_at": "2021-03-16T18:38:01.937734Z",
    "symbol": "AAPL",
    "qty": "15",
    "filled_qty": "0",
    "filled_avg_price": None,
    "order_class": "",
    "type": "limit",
    "side": "buy",
    "limit_price": "107.50",
    "status": "accepted",
    "legs": None,
}


def _order(**changes: Any) -> VenueOrder:
    return read_order(ORDERS.one(json.dumps(ORDER | changes).encode()))


def test_an_order_by_notional_says_so() -> None:
    assert _order(qty=None, notional="450").by_notional
    assert _order(qty=None, notional="450").qty is None
    assert not _order().by_notional


def test_every_status_that_alpaca_py_knows_is_decided() -> None:
    assert set(STATUSES) == {status.value for status in OrderStatus}
    ended = {word for word, status in STATUSES.items() if status in TERMINAL}
    assert ended == {"filled", "canceled", "expired", "replaced", "rejected"}
    assert [word for word, status in STATUSES.items() if status is None] == ["calculated"]


def test_an_order() -> None:
    order = _order(
        position_intent="buy_to_open", subtag="mom-1", replaces="old", replaced_by="", stop_price=None
    )
    assert (order.side, order.intent, order.sub_tag) == (Side.BUY, Intent.OPEN, "mom-1")
    assert (order.replaces, order.replaced_by, order.parent_venue_order_id) == ("old", None, None)
    assert (order.status, order.raw_status) == (Status.PENDING_NEW, "accepted")
    assert (order.qty, order.limit_price, order.stop_price, order.filled_avg_price) == (
        "15",
        "107.5",
        None,
        None,
    )
    assert order.submitted_at == "2021-03-16T18:38:01.937734Z"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ('"0.1"', "0.1"),
        ("0.1", "0.1"),
        ("0.30000000000000004", "0.30000000000000004"),
        ('"123456789012345678.123456789"', "123456789012345678.123456789"),
        ("1e-9", "0.000000001"),
        ('"1.500"', "1.5"),
        ("null", None),
        ('""', None),
    ],
)
def test_amounts_are_their_own_text(written: str, read: str | None) -> None:
    body = json.dumps(ORDER).replace('"qty": "15"', f'"qty": {written}')
    assert read_order(ORDERS.one(body.encode())).qty == read


def test_an_order_by_notional_has_no_quantity() -> None:
    assert _order(qty=None, notional="500").qty is None


def test_options_with_several_legs_name_no_symbol_or_side() -> None:
    order = _order(order_class="mleg", symbol="", side="", limit_price="-0.35", type="limit")
    assert (order.symbol, order.side, order.limit_price) == (None, None, "-0.35")


def test_a_time_with_an_offset_is_utc() -> None:
    assert (
        _order(updated_at="2021-03-16T14:38:01.942282123-04:00").updated_at
        == "2021-03-16T18:38:01.942282123Z"
    )


@pytest.mark.parametrize(
    "changes", [{"qty": "NaN"}, {"filled_qty": "-1"}, {"qty": "1e999"}, {"submitted_at": "soon"}]
)
def test_what_cannot_be_used_names_the_order(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="61e69015"):
        _order(**changes)


def test_one_bad_row_spoils_no_other() -> None:
    rows = [ORDER, {"id": 7}, ORDER | {"qty": "NaN"}, "text", ORDER | {"id": "b"}]
    orders, faults = read_all(ORDERS.decode(json.dumps(rows).encode()), read_order)
    assert [order.venue_order_id for order in orders] == [ORDER["id"], "b"]
    assert len(faults) == 3


@pytest.mark.parametrize("body", [b"{}", b"<html>", b"", b"[", b'{"code":1}', b"[1,2", b"\xff\xfe"])
def test_what_is_no_list_is_no_answer(body: bytes) -> None:
    with pytest.raises(VenueUnavailable):
        ORDERS.decode(body)


def test_a_fill_is_named_as_the_stream_names_it() -> None:
    body = (
        b'[{"activity_type":"FILL","cum_qty":"1","id":"20190524113406977::8efc7b9a-8b2b-4000-9955-d36e7db0df74",'
        b'"leaves_qty":"0","price":"1.63","qty":"1","side":"sell_short","symbol":"LPCN","type":"fill",'
        b'"transaction_time":"2019-05-24T15:34:06.977Z","order_id":"904837e3-3b76-47ec-b432-046db621571b"}]'
    )
    ((fill,), _) = read_all(FILLS.decode(body), read_fill)
    assert (fill.fill_id, fill.side) == ("8efc7b9a-8b2b-4000-9955-d36e7db0df74", Side.SELL)
    assert (fill.qty, fill.price, fill.filled_at) == ("1", "1.63", "2019-05-24T15:34:06.977Z")


@pytest.mark.parametrize(
    ("qty", "side", "signed"), [("5", "long", "5"), ("-5", "short", "-5"), ("5", "short", "-5")]
)
def test_positions_are_signed(qty: str, side: str, signed: str) -> None:
    body = json.dumps(
        [{"symbol": "BTCUSD", "qty": qty, "side": side, "avg_entry_price": "1", "current_price": "2"}]
    )
    ((position,), _) = read_all(POSITIONS.decode(body.encode()), read_position)
    assert (position.symbol, position.qty, position.mark_price) == ("BTCUSD", signed, "2")
