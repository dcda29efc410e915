"""Which rows of a list are the same twice, by the ids that tell them apart. Each list by itself."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from trueup.model.errors import InputError
from trueup.model.ids import (
    are_apart,
    bare_identity,
    comparable_client_ids,
    comparable_ids,
    known_client_id,
    known_id,
    normal_id,
    symbol_token,
)
from trueup.model.snapshot import Fill, LocalOrder


def check_duplicates(path: str, rows: Sequence[Any]) -> None:
    """Raises InputError for the first row that is one of the rows before it, by the rules of its list."""
    match path:
        case "$.local.fills":
            _refuse_duplicates(path, "fill_id", list(map(fill_key, rows)))
        case "$.local.trades":
            _refuse_duplicates(path, "trade_id", [known_id(trade.trade_id) for trade in rows])
        case "$.instruments":
            _refuse_duplicates(path, "symbol", [symbol_token(one.symbol) for one in rows])
        case _:
            pass


def check_local_orders(path: str, orders: Sequence[LocalOrder]) -> tuple[str, ...]:
    """Raises InputError for the first order that is one of those before it; returns the shared client order ids.

    A venue order id is one order's of its instrument. A client order id that several orders carry refuses nothing: it
    names none of them.
    """
    client_ids = comparable_client_ids([order.client_order_id for order in orders])
    venue_ids = comparable_ids([order.venue_order_id for order in orders])
    _check_venue_ids(path, orders, venue_ids, client_ids)
    if [1 for order in orders if order.previous_venue_order_ids]:
        _check_previous_ids(orders, venue_ids)
    shared = _shared(client_ids)
    if shared or None in client_ids:
        names_none = {None, *shared}
        bare = [i for i, one in enumerate(client_ids) if one in names_none and venue_ids[i] is None]
        _check_bare_orders(orders, bare)
    return shared


def shared_client_order_ids(orders: list[LocalOrder]) -> tuple[str, ...]:
    """The comparable client order ids that several orders carry, sorted."""
    return _shared(comparable_client_ids([order.client_order_id for order in orders]))


def _shared(client_ids: Sequence[str | None]) -> tuple[str, ...]:
    if len(set(client_ids)) == len(client_ids):
        return ()
    return tuple(sorted(one for one, times in Counter(client_ids).items() if one is not None and times > 1))


def _check_venue_ids(
    path: str,
    orders: Sequence[LocalOrder],
    venue_ids: Sequence[str | None],
    client_ids: Sequence[str | None],
) -> None:
    """One number may be of orders of several instruments, if each of them names its own."""
    if len(set(venue_ids)) == len(venue_ids):
        return
    holders: dict[str, list[int]] = {}
    for index, venue_id in enumerate(venue_ids):
        if venue_id is None:
            continue
        for known in holders.setdefault(venue_id, []):
            if not are_apart(orders[known].symbol, orders[index].symbol):
                is_whole = client_ids[index] is not None and client_ids[index] == client_ids[known]
                field = "client_order_id" if is_whole else "venue_order_id"
                raise InputError(f"duplicate of {path}[{known}].{field}", f"{path}[{index}].{field}")
        holders[venue_id].append(index)


def fill_key(fill: Fill) -> tuple[object, ...]:
    """What no two fills of a snapshot share."""
    return (
        known_id(fill.venue_order_id) or ("client", known_client_id(fill.client_order_id)),
        fill.symbol and symbol_token(fill.symbol),
        known_id(fill.fill_id),
    )


def _check_previous_ids(orders: Sequence[LocalOrder], venue_ids: Sequence[str | None]) -> None:
    """A venue order id that one local order has or had is no other's of its instrument."""
    holders: dict[str, list[int]] = {}
    for index, venue_id in enumerate(venue_ids):
        if venue_id is not None:
            holders.setdefault(venue_id, []).append(index)
    for index, order in enumerate(orders):
        for place, previous in enumerate(order.previous_venue_order_ids):
            having = holders.setdefault(normal_id(previous), [])
            for known in having:
                if known != index and not are_apart(orders[known].symbol, order.symbol):
                    path = f"$.local.orders[{index}].previous_venue_order_ids[{place}]"
                    raise InputError(
                        f"duplicate: $.local.orders[{known}] has or had this venue order id", path
                    )
            having.append(index)


def _check_bare_orders(orders: Sequence[LocalOrder], bare: Sequence[int]) -> None:
    """Orders without either order id: told apart by trade, symbol and side only."""
    seen: dict[tuple[object, ...], int] = {}
    for index in bare:
        order = orders[index]
        if order.trade_id is None and order.sub_tag is None and order.client_order_id is None:
            raise InputError(
                "client_order_id, venue_order_id, trade_id and sub_tag cannot all be null",
                f"$.local.orders[{index}]",
            )
        key = bare_identity(order)
        if seen.setdefault(key, index) != index:
            raise InputError(
                f"duplicate of $.local.orders[{seen[key]}]: no order id of its own, same trade, symbol and side",
                f"$.local.orders[{index}]",
            )


def _refuse_duplicates(path: str, field: str, keys: Sequence[object]) -> None:
    if len(set(keys)) == len(keys):
        return
    seen: dict[object, int] = {}
    for index, key in enumerate(keys):
        if key is not None and seen.setdefault(key, index) != index:
            raise InputError(f"duplicate of {path}[{seen[key]}].{field}", f"{path}[{index}].{field}")
