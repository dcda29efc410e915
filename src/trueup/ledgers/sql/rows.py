"""The rows of the books as values, and values as bound rows. Column order is that of the named statements.

Knows nothing of plans, leases or databases.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import compress
from operator import is_not
from typing import Any, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import astuple, fields, replace

from trueup.ledgers.sql.database import Row, Value, read_document
from trueup.model.ids import known_client_id, known_id, normal_id, symbol_token
from trueup.model.money import canonical
from trueup.model.snapshot import Fill, LocalOrder, Trade
from trueup.ports.book_rows import FillIdentity, FillRow, OrderRow, TradeRow

_PLACE_OF = {field.name: place for place, field in enumerate(fields(LocalOrder))}
_PREVIOUS, _BY_NOTIONAL = _PLACE_OF["previous_venue_order_ids"], _PLACE_OF["by_notional"]
_ORDER_AMOUNTS = ("qty", "limit_price", "stop_price", "filled_qty", "filled_avg_price")
_ORDER_KEYS = tuple(f.name for f in fields(LocalOrder))[:-1]  # all but `version`, which a row carries
_TRADE_KEYS = tuple(f.name for f in fields(Trade))[:-1]
Document = TypeVar("Document")
Stored = TypeVar("Stored", LocalOrder, Fill, Trade)


ORDER_ROWS = msgspec.json.Decoder(list[OrderRow])
FILL_ROWS = msgspec.json.Decoder(list[FillRow])
TRADE_ROWS = msgspec.json.Decoder(list[TradeRow])


def one_document(rows: list[Row], decoder: "msgspec.json.Decoder[Document]") -> Document:
    """The single JSON value that a statement answered."""
    return read_document(decoder, rows[0][0])


def json_list(values: Iterable[object]) -> str:
    """A list as it is bound."""
    return msgspec.json.encode(list(values)).decode()


def order_identity(order: LocalOrder, venue_order_id: str | None = None) -> str:
    """What a fill calls its order: the venue order id, else the client's, else the trade's."""
    venue_id = known_id(venue_order_id) or known_id(order.venue_order_id)
    if venue_id is not None:
        return venue_id
    client_id = known_client_id(order.client_order_id)
    return f"client:{client_id}" if client_id is not None else f"trade:{order.trade_id}:{order.side}"


def fill_identity(fill: Fill, order: LocalOrder) -> FillIdentity:
    """A fill is one fact per account, instrument, venue order id and fill id (invariant I1)."""
    symbol = fill.symbol or order.symbol
    token = "" if symbol is None else symbol_token(symbol)
    return (token, order_identity(order, fill.venue_order_id), normal_id(fill.fill_id))


def canonical_order(order: LocalOrder) -> LocalOrder:
    """The order with canonical amounts: what is stored and logged."""
    return _canonical(order, _ORDER_AMOUNTS)


def canonical_amounts(changes: Mapping[str, Any], keys: tuple[str, ...] = _ORDER_AMOUNTS) -> dict[str, str]:
    """Of the changed keys (of an order) the amounts that are not canonical, as they should be."""
    return {
        key: better
        for key in keys
        if (one := changes.get(key)) is not None and (better := _canonical_text(one)) != one
    }


def canonical_fill(fill: Fill) -> Fill:
    return _canonical(fill, ("qty", "price", "fee"))


def canonical_trade(trade: Trade) -> Trade:
    return _canonical(trade, ("entry_qty", "exit_qty", "entry_avg_price", "fee_base_qty"))


def _canonical(value: Stored, keys: tuple[str, ...]) -> Stored:
    better = canonical_amounts({key: getattr(value, key) for key in keys}, keys)
    return replace(value, **better) if better else value


@lru_cache(maxsize=65_536)
def _canonical_text(amount_text: str) -> str:
    return canonical(amount_text)


def order_values(order: LocalOrder) -> tuple[Value, ...]:
    """Every column of formats' local order, in the order of the statements, which is that of the value."""
    values = astuple(order)
    previous = order.previous_venue_order_ids
    return (
        *values[:_PREVIOUS],
        json_list(previous) if previous else "[]",
        *values[_PREVIOUS + 1 : _BY_NOTIONAL],
        int(order.by_notional),
        *values[_BY_NOTIONAL + 1 :],
    )


def fill_values(fill: Fill) -> tuple[Value, ...]:
    return (*astuple(fill)[:-2], int(fill.inferred), int(fill.price_estimated))


def amendable_values(fill: Fill) -> tuple[Value, ...]:
    """What may change of a fill that is booked."""
    return (fill.qty, fill.price, fill.fee, fill.fee_currency, int(fill.price_estimated))


def trade_values(trade: Trade) -> tuple[Value, ...]:
    return astuple(trade)[1:]


def order_changes(before: LocalOrder | None, after: LocalOrder) -> dict[str, Any]:
    """The keys that differ, with their new values; all of them where nothing was before. Not the version."""
    return _changed(before, after, _ORDER_KEYS)


def trade_changes(before: Trade | None, after: Trade) -> dict[str, Any]:
    """The same of a trade."""
    return _changed(before, after, _TRADE_KEYS)


def _changed(before: Struct | None, after: Struct, keys: Sequence[str]) -> dict[str, Any]:
    if before is None:
        return {key: getattr(after, key) for key in keys}
    old, new = astuple(before), astuple(after)
    others = compress(range(len(keys)), map(is_not, old, new))  # most are the very values they were
    return {keys[at]: new[at] for at in others if old[at] != new[at]}
