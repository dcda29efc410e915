"""A database with freqtrade's columns, as far as they are read; made by hand, one row at a time."""

from typing import Any

from trueup.books.freqtrade.rows import ORDER_COLUMNS, TRADE_COLUMNS

_KINDS = {
    "id": "integer PRIMARY KEY", "ft_trade_id": "integer", "ft_is_open": "boolean", "is_open": "boolean",
    "is_short": "boolean", "order_id": "varchar(255)", "status": "varchar(255)", "ft_pair": "varchar(25)",
    "pair": "varchar(25)", "exchange": "varchar(25)", "order_type": "varchar(50)", "side": "varchar(25)",
    "ft_order_side": "varchar(25)", "trading_mode": "varchar(7)", "order_date": "timestamp", "open_date": "timestamp",
    "order_update_date": "timestamp", "precision_mode": "integer", "precision_mode_price": "integer",
    "record_version": "integer",
}  # fmt: skip


def create(table: str, names: tuple[str, ...]) -> str:
    columns = [f"{name} {_KINDS.get(name, 'double precision')}" for name in names]
    return f"CREATE TABLE {table} ({', '.join(columns)})"


TABLES = [create("orders", ORDER_COLUMNS), create("trades", TRADE_COLUMNS)]


def trade(**cells: Any) -> dict[str, Any]:
    return {
        "id": 1, "exchange": "binance", "pair": "ETH/USDT", "is_open": True, "is_short": False,
        "open_date": "2026-11-20 12:00:00.000000", "trading_mode": "SPOT", "amount_precision": 0.001,
        "price_precision": 0.01, "precision_mode": 4, "precision_mode_price": 4, "contract_size": 1.0,
        "record_version": 2,
    } | cells  # fmt: skip


def order(**cells: Any) -> dict[str, Any]:
    """A live entry of 0.3, of which 0.1 is filled, with the noise that floats have."""
    return {
        "id": 1, "ft_trade_id": 1, "ft_order_side": "buy", "ft_pair": "ETH/USDT", "ft_is_open": True, "ft_amount": 0.3,
        "ft_price": 100.0, "order_id": "1001", "status": "open", "order_type": "limit", "side": "buy", "price": 100.0,
        "average": 100.0, "amount": 0.1 + 0.2, "filled": 0.1 + 0.2 - 0.2, "stop_price": None,
        "order_date": "2026-11-20 12:00:00.000000", "ft_fee_base": None,
    } | cells  # fmt: skip
