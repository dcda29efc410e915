"""A mapping that contradicts itself is refused with its place."""

from typing import Any

import pytest

from tests.unit.books.tables.desk import MAPPING
from trueup.books.tables.mapping import decode_mapping
from trueup.model.errors import ConfigError

GOOD: dict[str, Any] = {
    "table": "orders",
    "columns": {"venue_order_id": "oid", "status": "st", "side": "sd", "filled_qty": "fq"},
    "writable": ["status", "filled_qty"],
}


def refused(match: str, **changes: Any) -> None:
    with pytest.raises(ConfigError, match=match):
        decode_mapping({"orders": GOOD | changes}, "books.b")


def test_a_mapping_is_read():
    mapping = decode_mapping({"orders": GOOD}, "books.b")
    assert mapping.orders.columns["status"] == "st"
    assert list(mapping.by_name) == ["orders"]


def test_what_is_refused():
    refused(
        r"books\.b\.orders\.columns: statas means nothing here; did you mean status", columns={"statas": "x"}
    )
    refused("no column for status", columns={"venue_order_id": "a"})
    refused("venue_order_id or client_order_id", columns={"status": "a"})
    refused("writable: side means nothing here", writable=["side"])
    refused("writable: sub_tag has no column", writable=["sub_tag"])
    refused("expected one of", words={"status": {"x": "done"}})
    refused(
        "neither s, ms, us, ns nor a time zone; did you mean Europe/Berlin", times={"default": "Europe/Berln"}
    )
    refused("unknown field `tabel`", tabel="x")


def test_a_fixed_value_stands_in_for_a_column():
    decode_mapping({"orders": GOOD | {"fixed": {"symbol": "BTC/USD"}}}, "books.b")


@pytest.mark.parametrize(
    ("name", "writable", "message"),
    [
        ("fills", ["qty"], "a fill is inserted with its fill_id"),
        ("fills", ["fill_id", "qty"], "a fill is inserted with its order"),
        ("trades", ["symbol"], "symbol means nothing here"),
        ("trades", ["exit_qty"], "exit_qty has no column"),
    ],
)
def test_what_of_fills_and_trades_may_be_written(name, writable, message):
    tables = {
        "fills": {"table": "f", "columns": {"fill_id": "a", "qty": "b", "order": "c"}},
        "trades": {
            "table": "t",
            "columns": {"trade_id": "a", "symbol": "b", "status": "c", "entry_qty": "d"},
        },
    }
    with pytest.raises(ConfigError, match=message):
        decode_mapping({"orders": GOOD, name: tables[name] | {"writable": writable}}, "books.b")


def test_a_column_with_two_meanings_is_not_set():
    """Which of them would a repair write?"""
    columns = MAPPING["orders"]["columns"] | {"qty": "done"}
    tree = MAPPING["orders"] | {"columns": columns}
    with pytest.raises(ConfigError, match="done is both filled_qty and qty: which of them does a repair set"):
        decode_mapping({"orders": tree}, "b")
    assert decode_mapping({"orders": tree | {"writable": ["status"]}}, "b").orders.writable == ["status"]
