# ruff: noqa: E501 - rows of files stand as they are written
"""What is said of an export where a snapshot was expected."""

import gzip

import pytest

from trueup.exports.advise import advise


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"id,side,status\nv-1,buy,new\n", "an export, not a snapshot; type: trueup snapshot --local x.csv --venue VENUE.csv |"),
        (b'[{"id": "1"}]', "trueup snapshot --local x.csv"),
        (b'{"id": "1", "symbol": "BTC/USD"}', "trueup snapshot --local x.csv"),
        (gzip.compress(b"a,b\n1,2\n", mtime=0), "trueup snapshot --local x.csv"),
        (b"txid,ordertxid,pair,time,type,price,cost,fee,vol\nT,O,XX", "Kraken's trades, not a snapshot"),
        (b"txid,ordertxid,pair,time,type,price,cost,fee,vol\nT,O,XX", "--local BOT.csv --venue VENUE.csv --fills x.csv |"),
        (b"exchange_trade_id,config_file_path,symbol,timestamp,order_id,trade_type,price,amount,trade_fee\n", "--local-fills x.csv"),
        (b'[{"id": "f-1", "order": "v-1", "symbol": "BTC/USD", "takerOrMaker": "maker"}]', "--venue VENUE.csv --fills x.csv |"),
        (b"PK\x03\x04", "this is a spreadsheet or zip; export it as CSV"),
        (b"SQLite format 3\0", "this is an SQLite database"),
        (b"\xff\xfei\0d\0", "this is UTF-16; save it as UTF-8"),
        (b"orderno,pair,side,orderprice,orderamount,executed,status\n", "--local BOT.csv --venue x.csv | trueup plan --snap"),
    ],
)  # fmt: skip
def test_an_export(head: bytes, expected: str) -> None:
    assert expected in (advise(head, "x.csv") or "")


@pytest.mark.parametrize(
    "head",
    [
        b'{"format": "trueup.snapshot/1"}',
        b'{"venue": {"open_orders": {"rows": [{"symbol": "A"}]}}}',
        b"{}",
        b"nonsense",
        b"",
        b'  {"x": "y"}',
        b"[]",
        b"[[[",
    ],
)
def test_what_may_be_a_snapshot(head: bytes) -> None:
    assert advise(head, "x") is None
