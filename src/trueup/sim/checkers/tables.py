"""The raw tables of a ledger, read by plain SQL of the checkers' own, which SQLite and PostgreSQL both take.

Decides nothing; only puts rows into the model's values. Shares no statement with the ledger that wrote them.
"""

from collections.abc import Iterable
from typing import Any, Protocol

import msgspec

from trueup.model.snapshot import Fill, Local, LocalOrder, Trade
from trueup.model.vocabulary import Action, PositionSide, QuarantinedBy, Side, Status, TradeStatus

ORDER_COLUMNS = (
    "client_order_id",
    "venue_order_id",
    "trade_id",
    "sub_tag",
    "symbol",
    "side",
    "action",
    "order_type",
    "qty",
    "limit_price",
    "stop_price",
    "status",
    "filled_qty",
    "filled_avg_price",
    "submitted_at",
    "last_activity_at",
    "venue_updated_at",
    "previous_venue_order_ids",
    "position_side",
    "by_notional",
    "version",
)
FILL_COLUMNS = (
    "fill_id",
    "venue_order_id",
    "client_order_id",
    "symbol",
    "side",
    "qty",
    "price",
    "fee",
    "fee_currency",
    "filled_at",
    "inferred",
    "price_estimated",
)
TRADE_COLUMNS = (
    "trade_id",
    "symbol",
    "side",
    "status",
    "entry_qty",
    "exit_qty",
    "entry_avg_price",
    "fee_base_qty",
    "quarantined_by",
    "opened_at",
    "version",
)
_ORDERS = f"SELECT {', '.join(ORDER_COLUMNS)} FROM orders WHERE profile_id = ? ORDER BY order_key"  # noqa: S608
_SYMBOL = "COALESCE(f.symbol, o.symbol)"  # a fill is of its order's instrument
_FILLS = f"""SELECT {", ".join(_SYMBOL if one == "symbol" else "f." + one for one in FILL_COLUMNS)}
FROM fills f JOIN orders o ON o.order_key = f.order_key WHERE o.profile_id = ? ORDER BY f.order_key, f.fill_id"""  # noqa: S608
_TRADES = f"SELECT {', '.join(TRADE_COLUMNS)} FROM trades WHERE profile_id = ? ORDER BY trade_id"  # noqa: S608


class Tables(Protocol):
    """A connection past the ledger: `?` for a value, amounts and times as their text."""

    def execute(self, statements: str, bindings: Any, /) -> Iterable[Any]: ...


def read_local(tables: Tables, profile_id: str) -> Local:
    """All orders, fills and trades of one profile."""
    return Local(
        orders=[_order(row) for row in tables.execute(_ORDERS, (profile_id,))],
        fills=[_fill(row) for row in tables.execute(_FILLS, (profile_id,))],
        trades=[_trade(row) for row in tables.execute(_TRADES, (profile_id,))],
    )


def rows(tables: Tables, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    return list(tables.execute(sql, values))


def _named(columns: Iterable[str], row: tuple[Any, ...]) -> dict[str, Any]:
    return dict(zip(columns, row, strict=True))


def _order(row: tuple[Any, ...]) -> LocalOrder:
    values = _named(ORDER_COLUMNS, row)
    values["side"] = Side(values["side"])
    values["action"] = None if values["action"] is None else Action(values["action"])
    values["status"] = Status(values["status"])
    values["previous_venue_order_ids"] = msgspec.json.decode(
        values["previous_venue_order_ids"], type=list[str]
    )
    values["by_notional"] = bool(values["by_notional"])
    if values["position_side"] is not None:
        values["position_side"] = PositionSide(values["position_side"])
    return LocalOrder(**values)


def _fill(row: tuple[Any, ...]) -> Fill:
    values = _named(FILL_COLUMNS, row)
    values["side"] = None if values["side"] is None else Side(values["side"])
    values["inferred"] = bool(values["inferred"])
    values["price_estimated"] = bool(values["price_estimated"])
    return Fill(**values)


def _trade(row: tuple[Any, ...]) -> Trade:
    values = _named(TRADE_COLUMNS, row)
    values["side"], values["status"] = PositionSide(values["side"]), TradeStatus(values["status"])
    if values["quarantined_by"] is not None:
        values["quarantined_by"] = QuarantinedBy(values["quarantined_by"])
    return Trade(**values)


class _Shown(msgspec.Struct):
    client_order_id: str | None = None
    venue_order_id: str | None = None


class _ShownChange(msgspec.Struct):
    before: _Shown | None = None
    after: _Shown | None = None


class _ShownTrade(msgspec.Struct):
    trade_id: str


class _ShownTradeChange(msgspec.Struct):
    after: _ShownTrade | None = None


class _ShownCorrection(msgspec.Struct):
    """What of a person's correction is read: the orders and trades that it was about."""

    kind: str
    orders: list[_ShownChange] = []
    trades: list[_ShownTradeChange] = []


_SHOWN = msgspec.json.Decoder(_ShownCorrection)


def corrected_by_people(tables: Tables) -> frozenset[str]:
    """Ids of every order that a person corrected, or whose repair they took back."""
    documents = rows(tables, "SELECT document FROM person_corrections")
    changes = [change for (text,) in documents for change in _SHOWN.decode(text).orders]
    sides = [side for change in changes for side in (change.before, change.after) if side is not None]
    ids = {one for side in sides for one in (side.client_order_id, side.venue_order_id)}
    return frozenset(one for one in ids if one is not None)


def closed_by_people(tables: Tables) -> frozenset[str]:
    """Ids of every trade that a person closed by its status alone, or whose closing they took back."""
    documents = rows(tables, "SELECT document FROM person_corrections")
    made = [
        one for one in (_SHOWN.decode(text) for (text,) in documents) if one.kind in ("close_trade", "undo")
    ]
    return frozenset(
        change.after.trade_id for one in made for change in one.trades if change.after is not None
    )
