"""Which rows of a list are the same twice, by the ids that tell them apart. Each list by itself."""

from collections.abc import Sequence
from typing import Any

from trueup.model.errors import InputError
from trueup.model.ids import (
    comparable_client_ids,
    comparable_ids,
    known_client_id,
    known_id,
    symbol_token,
)
from trueup.model.snapshot import Fill, LocalOrder


def check_duplicates(path: str, rows: Sequence[Any]) -> None:
    """Raises InputError for the first row that is one of the rows before it, by the rules of its list."""
    match path:
        case "$.local.orders":
            _check_order_ids(path, rows)
        case "$.local.fills":
            _refuse_duplicates(path, "fill_id", list(map(_fill_key, rows)))
        case "$.local.trades":
            _refuse_duplicates(path, "trade_id", [known_id(trade.trade_id) for trade in rows])
        case "$.instruments":
            _refuse_duplicates(path, "symbol", [symbol_token(one.symbol) for one in rows])
        case _:
            pass


def _check_order_ids(path: str, orders: Sequence[LocalOrder]) -> None:
    client_ids = comparable_client_ids([order.client_order_id for order in orders])
    venue_ids = comparable_ids([order.venue_order_id for order in orders])
    _refuse_duplicates(path, "client_order_id", client_ids)
    _refuse_duplicates(path, "venue_order_id", venue_ids)
    if [1 for order in orders if order.previous_venue_order_ids]:
        _check_previous_ids(orders, venue_ids)
    if None in client_ids:
        bare = [index for index, one in enumerate(client_ids) if one is None and venue_ids[index] is None]
        _check_bare_orders(orders, bare)


def _fill_key(fill: Fill) -> tuple[object, ...]:
    return (
        known_id(fill.venue_order_id) or ("client", known_client_id(fill.client_order_id)),
        fill.symbol and symbol_token(fill.symbol),
        known_id(fill.fill_id),
    )


def _check_previous_ids(orders: Sequence[LocalOrder], venue_ids: Sequence[str | None]) -> None:
    """A venue order id that one local order has or had is no other's."""
    holder: dict[str, int] = {one: index for index, one in enumerate(venue_ids) if one is not None}
    for index, order in enumerate(orders):
        for place, previous in enumerate(order.previous_venue_order_ids):
            known = holder.setdefault(previous.strip().lower(), index)
            if known != index:
                path = f"$.local.orders[{index}].previous_venue_order_ids[{place}]"
                raise InputError(f"duplicate: $.local.orders[{known}] has or had this venue order id", path)


def _check_bare_orders(orders: Sequence[LocalOrder], bare: Sequence[int]) -> None:
    """Orders without either order id: told apart by trade, symbol and side only."""
    seen: dict[tuple[object, ...], int] = {}
    for index in bare:
        order = orders[index]
        if order.trade_id is None and order.sub_tag is None:
            raise InputError(
                "client_order_id, venue_order_id, trade_id and sub_tag cannot all be null",
                f"$.local.orders[{index}]",
            )
        key = (known_id(order.trade_id), order.symbol and symbol_token(order.symbol), order.side)
        if seen.setdefault(key, index) != index:
            raise InputError(
                f"duplicate of $.local.orders[{seen[key]}]: no order id, same trade, symbol and side",
                f"$.local.orders[{index}]",
            )


def _refuse_duplicates(path: str, field: str, keys: Sequence[object]) -> None:
    if len(set(keys)) == len(keys):
        return
    seen: dict[object, int] = {}
    for index, key in enumerate(keys):
        if key is not None and seen.setdefault(key, index) != index:
            raise InputError(f"duplicate of {path}[{seen[key]}].{field}", f"{path}[{index}].{field}")
