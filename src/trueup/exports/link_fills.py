"""Fills of a form that names no order (Binance's, Coinbase's and Kraken's ledgers), given to the orders they are of.

An order's fills are those of its symbol and side within its time, and only where together they are exactly what it
filled, and where no other order could have them. Everything else stays out, counted: the order's own cumulative record
is then all that is known. Pure.
"""

import heapq
from collections.abc import Iterator, Sequence
from decimal import Decimal

from msgspec.structs import replace

from trueup.model.ids import digest, symbol_token
from trueup.model.money import ZERO, add, amount
from trueup.model.snapshot import Fill, VenueOrder
from trueup.model.times import NS_PER_S, to_ns
from trueup.model.vocabulary import Side

_CLOCK_NS = NS_PER_S  # exports write whole seconds: a fill may seem so much outside its order's time
_NEVER_NS = 1 << 63
_Key = tuple[str, Side | None]


def name_fills(fills: Sequence[Fill], name: str) -> list[Fill]:
    """A fill without an id has one made of its row's content, and of how often that occurred before."""
    seen: dict[str, int] = {}
    named = []
    for fill in fills:
        if fill.fill_id:
            named.append(fill)
            continue
        content = digest(
            *map(str, (fill.venue_order_id, fill.symbol, fill.side, fill.qty, fill.price, fill.filled_at))
        )
        seen[content] = seen.get(content, 0) + 1
        named.append(replace(fill, fill_id=f"{name}:{content[:16]}-{seen[content]}"))
    return named


def link_fills(fills: Sequence[Fill], orders: Sequence[VenueOrder]) -> tuple[list[Fill], int]:
    """The fills whose order is certain, and how many were left out."""
    linked = [one for one in fills if one.venue_order_id is not None or one.client_order_id is not None]
    if len(linked) == len(fills):
        return linked, 0
    nameless: dict[_Key, list[Fill]] = {}
    for fill in fills:
        if fill.venue_order_id is None and fill.client_order_id is None:
            nameless.setdefault(_key(fill), []).append(fill)
    filled: dict[_Key, list[VenueOrder]] = {}
    for order in orders:
        if order.venue_order_id is not None and amount(order.filled_qty) > ZERO:
            filled.setdefault(_key(order), []).append(order)
    for key, of_key in nameless.items():
        linked += _whole(of_key, filled.get(key, []))
    return linked, len(fills) - len(linked)


def _whole(fills: Sequence[Fill], orders: Sequence[VenueOrder]) -> Iterator[Fill]:
    """The fills of orders that they make whole."""
    fills_of: dict[int, list[Fill]] = {}
    for fill, index in _pairs(fills, orders):
        fills_of.setdefault(index, []).append(fill)
    for index, of_order in fills_of.items():
        if _sum(of_order) == amount(orders[index].filled_qty):
            yield from (replace(fill, venue_order_id=orders[index].venue_order_id) for fill in of_order)


def _pairs(fills: Sequence[Fill], orders: Sequence[VenueOrder]) -> Iterator[tuple[Fill, int]]:
    """Each fill with the only order within whose time it is: one walk along the time."""
    coming = sorted(range(len(orders)), key=lambda index: _ns(orders[index].submitted_at, 0), reverse=True)
    active: list[tuple[int, int]] = []  # heap of (end, index)
    for fill in sorted(fills, key=lambda one: _ns(one.filled_at, 0)):
        at_ns = _ns(fill.filled_at, 0)
        while coming and _ns(orders[coming[-1]].submitted_at, 0) - _CLOCK_NS <= at_ns:
            index = coming.pop()
            heapq.heappush(active, (_ns(orders[index].updated_at, _NEVER_NS), index))
        while active and active[0][0] + _CLOCK_NS < at_ns:
            heapq.heappop(active)
        if fill.filled_at is not None and len(active) == 1:
            yield fill, active[0][1]


def _key(traded: Fill | VenueOrder) -> _Key:
    return symbol_token(traded.symbol or ""), traded.side


def _ns(time: str | None, unknown_ns: int) -> int:
    return unknown_ns if time is None else to_ns(time)


def _sum(fills: Sequence[Fill]) -> Decimal:
    total = ZERO
    for fill in fills:
        total = add(total, amount(fill.qty))
    return total
