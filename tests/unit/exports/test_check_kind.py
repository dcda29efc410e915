"""Files given as what they are not, by nobody's known form. Each message says what to type instead."""

import json
from typing import Any

import pytest

from trueup.exports.make_snapshot import Export, Imported, Settings, make_snapshot
from trueup.exports.mapping import read_mapping
from trueup.exports.meanings import Source
from trueup.model.errors import InputError
from trueup.model.snapshot import Profile

AT = "2026-11-23T12:00:00Z"
OWN = "id,client_order_id,symbol,side,type,qty,price,status,filled\nv-1,c-1,BTC/USDT,buy,limit,1,100,open,0\n"
CCXT_ORDER = {
    "id": "v-1", "clientOrderId": "c-1", "symbol": "BTC/USDT", "side": "buy", "type": "limit", "price": 100,
    "amount": 1, "average": None, "filled": 0, "remaining": 1, "status": "open", "datetime": "2026-11-20T10:00:00Z",
}  # fmt: skip
CCXT_TRADE = {
    "id": "f-1", "order": "v-1", "symbol": "BTC/USDT", "side": "buy", "takerOrMaker": "maker", "price": 100,
    "amount": 0.5, "datetime": "2026-11-20T10:00:00Z",
}  # fmt: skip
ALPACA_ORDER = {
    "id": "v-1", "client_order_id": "c-1", "symbol": "AAPL", "side": "buy", "type": "limit", "qty": "10",
    "filled_qty": "10", "status": "filled", "filled_at": "2026-11-20T10:00:01Z",
}  # fmt: skip
BINANCE_TRADE = {
    "symbol": "BNBBTC",
    "id": 28457,
    "orderId": 100234,
    "price": "4.1",
    "qty": "12",
    "isMaker": False,
}


def imported(*maps: str, **files: Any) -> Imported:
    texts = {"local": OWN} | {
        name: one if isinstance(one, str) else json.dumps([one]) for name, one in files.items()
    }
    exports = {
        Source(name.replace("_", "-")): Export(text.encode(), "x.json", AT) for name, text in texts.items()
    }
    return make_snapshot(exports, Settings(profile=Profile(profile_id="p"), mapping=read_mapping(maps)))


@pytest.mark.parametrize(
    ("given_as", "file", "what", "instead"),
    [
        ("fills", CCXT_ORDER, "orders, not fills", "--venue x.json"),  # of an open order each row was a fill of it
        ("fills", ALPACA_ORDER, "orders, not fills", "--venue x.json"),
        ("fills", OWN, "orders, not fills", "--venue x.json"),
        ("local_fills", CCXT_ORDER, "orders, not fills", "--local x.json"),
        ("local_fills", "id,client_order_id,side,qty,status\n1,c-1,buy,1,new\n", "orders, not fills", "--local x.json"),
        ("venue", CCXT_TRADE, "fills, not orders", "--fills x.json"),
        ("venue", BINANCE_TRADE, "fills, not orders", "--fills x.json"),
        ("local", CCXT_TRADE, "fills, not orders", "--local-fills x.json"),
        ("trades", OWN, "orders, not trades", "--local x.json"),
        ("positions", CCXT_ORDER, "orders or fills, not positions", "--map positions.qty=COLUMN"),
        ("positions", CCXT_TRADE, "orders or fills, not positions", "--map positions.qty=COLUMN"),
    ],
)  # fmt: skip
def test_a_file_of_another_kind(given_as: str, file: Any, what: str, instead: str) -> None:
    with pytest.raises(InputError) as fault:
        imported(**({"venue": "[]"} | {given_as: file}))
    assert what in str(fault.value)
    assert instead in str(fault.value)


def test_what_a_person_says_is_believed() -> None:
    read = imported("fills.fill_id=id", "fills.qty=filled", venue="[]", fills=OWN.replace("open,0", "open,1"))
    [fill] = read.snapshot.venue.history.fills
    assert (fill.fill_id, fill.qty) == ("v-1", "1")


@pytest.mark.parametrize(
    ("given_as", "file"),
    [
        ("venue", {"oid": 1, "coin": "BTC", "side": "B", "limitPx": "1", "sz": "1", "timestamp": 1795435200000}),
        ("fills", {"trade_id": "f-1", "order_id": "v-1", "qty": "1", "price": "1", "status": "settled"}),
        ("positions", {"posId": "1", "tradeId": "9", "instId": "BTC-USDT-SWAP", "pos": "1", "posSide": "net"}),  # OKX
        ("positions", {"id": None, "symbol": "BTC/USDT:USDT", "contracts": 1, "side": "long", "entryPrice": 100}),
        ("trades", "id,symbol,side,status,type,qty\n1,BTC/USDT,long,open,swing,1\n"),
    ],
)  # fmt: skip
def test_what_may_be_what_it_is_given_as(given_as: str, file: Any) -> None:
    read = imported(**({"venue": "[]"} | {given_as: file}))
    assert len(next(one for one in read.columns if one.source == given_as).rows.rows) == 1
