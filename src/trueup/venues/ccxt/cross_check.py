"""Whether what ccxt makes of one order agrees with itself: its unit, its side, its fills. What does not is refused.

ccxt translates orders, fills and positions in different places, and at some exchanges differently. Rules: a quantity of
contracts is the exchange's own figure, not multiplied by the contract size; an order's fills are on its side; together
they are not what it filled times or over the contract size; a position's notional is that of its contracts, not of as
much of the base currency. It books nothing and mends nothing: a row that is refused is missing from its read, which
says so. Pure.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from msgspec import Struct

from trueup.model.ids import known_id
from trueup.model.money import AMOUNT_DIGITS_MAX, ZERO, add, amount, multiply
from trueup.model.snapshot import Fill, VenueOrder
from trueup.venues.ccxt.texts import Row, read_info
from trueup.venues.ccxt.traits import CONTRACTS_OF_ORDER, family

ContractSize = Callable[[str | None], Decimal | None]  # of a symbol; null where it is one, or no contract
_QTY_KEY = re.compile(
    r"(?i)(qty|quantity|amount|size|vol|contracts|filled|executed|^sz$|^[qa]$|^pos(itionamt)?$)"
)
_OTHER_KEY = re.compile(r"(?i)(contract_?size|tick|step|min|max|quote|value|notional|lever|margin|price|fee)")
_DEPTH_MAX = 4  # of a record's objects in objects
_PRICES_APART = Decimal(
    "0.1"
)  # of the larger: contracts of 0.9 to 1.1 of the base currency are none but those of 1
_NOISE = Decimal("1e-9")  # of the larger: amounts that differ by less are the same


def check_unit(row: Row, key: str, exchange_id: str, contract_size: ContractSize) -> None:
    """Raises ValueError where `row[key]` is the exchange's own number of contracts, turned into base currency."""
    size, said = contract_size(row.get("symbol")), row.get(key)
    if size is None or said in (None, "") or family(exchange_id) in CONTRACTS_OF_ORDER:
        return
    qty = _told(said)
    own = set(_own_quantities(read_info(row), _DEPTH_MAX))
    if qty and qty not in own and any(one and _same(multiply(one, size), qty) for one in own):
        raise ValueError(
            f"{row.get('id') or 'one'} of {row.get('symbol')}: ccxt gives {said} of the base currency"
            f" where the exchange counts contracts of {size:f}; not used"
        )


def check_notional(row: Row, contract_size: ContractSize) -> None:
    """Raises ValueError where a linear position's notional says that its `contracts` are of the base currency."""
    size = contract_size(row.get("symbol"))
    qty, notional, price = (_told(row.get(key)) for key in ("contracts", "notional", "markPrice"))
    price = price or _told(row.get("entryPrice"))
    if size is None or not qty or not notional or not price:
        return
    of_base = qty * price
    if _is_near(notional, of_base) and not _is_near(notional, of_base * size):
        raise ValueError(
            f"a position in {row.get('symbol')}: {qty:f} at {price:f} with a notional of {notional:f} is of the base"
            f" currency, not contracts of {size:f}; not used"
        )


def _told(said: object) -> Decimal:
    """0 where nothing that can be read was told."""
    try:
        value = abs(Decimal(str(said)))
    except InvalidOperation:
        return ZERO
    return value if value.is_finite() and len(value.as_tuple().digits) <= AMOUNT_DIGITS_MAX else ZERO


def _is_near(one: Decimal, other: Decimal) -> bool:
    """The same amount of money: at the mark, last or entry price, which a position's row may mix."""
    return abs(one - other) <= _PRICES_APART * max(one, other)


def _own_quantities(record: Any, depth: int) -> Iterator[Decimal]:
    if not isinstance(record, Mapping) or depth == 0:
        return
    for name, value in record.items():
        if isinstance(value, Mapping):
            yield from _own_quantities(value, depth - 1)
        elif _QTY_KEY.search(str(name)) and not _OTHER_KEY.search(str(name)):
            try:
                yield abs(Decimal(str(value)))
            except InvalidOperation:
                continue


class Agreed(Struct, frozen=True):
    """What agrees, and why the rest was refused."""

    orders: list[VenueOrder]
    fills: list[Fill]
    refusals: list[str]


def keep_agreeing(orders: Sequence[VenueOrder], fills: Sequence[Fill], contract_size: ContractSize) -> Agreed:
    """Orders and fills of one read, without those that contradict each other."""
    fills_of: dict[tuple[str | None, str | None], list[Fill]] = {}
    for fill in fills:
        fills_of.setdefault((fill.symbol, known_id(fill.venue_order_id)), []).append(fill)
    lost_orders: set[int] = set()
    lost_fills: set[int] = set()
    refusals = []
    for index, order in enumerate(orders):
        of_order = fills_of.get((order.symbol, known_id(order.venue_order_id)), [])
        fault = _fault(order, of_order, contract_size(order.symbol)) if of_order else None
        if fault is None:
            continue
        refusals.append(f"left out: order {order.venue_order_id} of {order.symbol}: {fault}")
        lost_orders.add(index)
        lost_fills.update(map(id, of_order))
    return Agreed(
        [order for index, order in enumerate(orders) if index not in lost_orders],
        [fill for fill in fills if id(fill) not in lost_fills],
        refusals,
    )


def _fault(order: VenueOrder, fills: Sequence[Fill], size: Decimal | None) -> str | None:
    other = next((one for one in fills if order.side and one.side and one.side is not order.side), None)
    if other is not None:
        return f"its fill {other.fill_id} says {other.side}, the order {order.side}"
    filled, total = amount(order.filled_qty), ZERO
    for fill in fills:
        total = add(total, amount(fill.qty))
    if size is None or not filled or not total:
        return None
    if _same(multiply(total, size), filled) or _same(multiply(filled, size), total):
        return f"{filled:f} filled, {total:f} in its fills: one counts contracts of {size:f}, the other base currency"
    return None


def _same(one: Decimal, other: Decimal) -> bool:
    return abs(one - other) <= _NOISE * max(abs(one), abs(other))
