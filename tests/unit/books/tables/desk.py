"""A bot's own tables, as some bot might have made them, in whatever database a test opens."""

from typing import Any

from trueup.books.tables.mapping import TablesMapping, decode_mapping

TABLES = """
CREATE TABLE my_orders (
  id integer PRIMARY KEY, bot varchar(20), exch_id varchar(40), cid varchar(40), pair varchar(20), direction varchar(8),
  size double precision, done double precision, avg_px double precision, px double precision, kind varchar(10),
  state varchar(20), deal varchar(20), created bigint, upd bigint
);
CREATE INDEX my_orders_state ON my_orders (state);
CREATE TABLE my_fills (
  id integer PRIMARY KEY, order_row integer, ext varchar(40), amount double precision, price double precision,
  cost_fee double precision, at bigint
);
CREATE TABLE my_deals (id varchar(20) PRIMARY KEY, pair varchar(20), open integer, bought double precision,
  sold double precision)
"""
MAPPING: dict[str, Any] = {
    "orders": {
        "table": "my_orders",
        "columns": {
            "profile": "bot", "venue_order_id": "exch_id", "client_order_id": "cid", "symbol": "pair",
            "side": "direction", "qty": "size", "filled_qty": "done", "filled_avg_price": "avg_px",
            "limit_price": "px", "order_type": "kind", "status": "state", "trade_id": "deal",
            "submitted_at": "created", "last_activity_at": "upd",
        },
        "times": {"default": "ms"},
        "words": {"status": {"OPEN": "open", "DONE": "filled", "GONE": "canceled"}},
        "writable": ["status", "filled_qty", "filled_avg_price", "venue_order_id"],
    },
    "fills": {
        "table": "my_fills",
        "columns": {"fill_id": "ext", "order": "order_row", "qty": "amount", "price": "price", "fee": "cost_fee",
                    "filled_at": "at"},
        "times": {"default": "ms"},
    },
    "trades": {
        "table": "my_deals",
        "columns": {"trade_id": "id", "symbol": "pair", "status": "open", "entry_qty": "bought", "exit_qty": "sold"},
    },
}  # fmt: skip
T0 = 1_763_985_600_000  # 2025-11-24T12:00:00Z, ms


def mapping(**orders: Any) -> TablesMapping:
    return decode_mapping(MAPPING | {"orders": MAPPING["orders"] | orders}, "books.b")


def order(number: int, **cells: Any) -> dict[str, Any]:
    """A row of my_orders: a live buy of 10, of which 3 are done."""
    return {
        "id": number, "bot": "mom", "exch_id": f"v-{number}", "cid": f"c-{number}", "pair": "ETH/USD",
        "direction": "BUY", "size": 10.0, "done": 3.0, "avg_px": 1000.0, "px": 1000.0, "kind": "LIMIT",
        "state": "OPEN", "deal": "d-1", "created": T0, "upd": T0,
    } | cells  # fmt: skip
