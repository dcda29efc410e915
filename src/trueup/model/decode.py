"""Bytes to a checked snapshot, or an `InputError` that names the place. Nothing half-read is ever returned.

The fast path lets msgspec decode straight into the values and checks the texts in bulk. A document that does not fit
is read again by the slow path, which accepts what the public document also allows (amounts as JSON numbers, by their
exact text; nulls for optional keys; exponents) and otherwise says where the fault is.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import attrgetter
from typing import Any, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from trueup.model.check_texts import amount_fault, amounts_are_good, time_fault, times_are_good
from trueup.model.errors import InputError
from trueup.model.ids import (
    USELESS_CLIENT_ORDER_IDS,
    comparable_client_ids,
    comparable_ids,
    known_client_id,
    known_id,
    symbol_token,
)
from trueup.model.plan import PLAN_FORMAT, Plan
from trueup.model.snapshot import SNAPSHOT_FORMAT, LocalOrder, Snapshot, VenueOrder
from trueup.model.tree import normalize_tree, parse_tree
from trueup.model.vocabulary import Outcome, Status

Order = TypeVar("Order", LocalOrder, VenueOrder)

_SNAPSHOTS = msgspec.json.Decoder(Snapshot)
_PLANS = msgspec.json.Decoder(Plan)
_PATH_IN_MESSAGE = re.compile(r"^(?P<message>.*?) - at `(?P<path>.*)`$", re.DOTALL)
_FIELD_IN_MESSAGE = re.compile(r"(?:unknown field|required field) `([^`]+)`")

_USELESS_LEN_MAX = max(map(len, USELESS_CLIENT_ORDER_IDS))
_ORDER_AMOUNTS = ("qty", "filled_qty")
_ORDER_PRICES = ("limit_price", "stop_price", "filled_avg_price")


def decode_snapshot(data: bytes | str) -> Snapshot:
    """One `trueup.snapshot/1` document. Raises InputError with the JSON path of the first fault found."""
    raw = data.encode() if isinstance(data, str) else data
    try:
        snapshot = _SNAPSHOTS.decode(raw)
        _check(snapshot)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, InputError):
        snapshot = _decode_slowly(raw)
        _check(snapshot)
    return _read_statuses(_read_client_ids(snapshot))


def check_snapshot(snapshot: Snapshot) -> Snapshot:
    """The same checks and readings for a snapshot made in memory, so that its bytes decode to exactly this value."""
    _check(snapshot)
    return _read_statuses(_read_client_ids(snapshot))


def decode_plan(data: bytes) -> Plan:
    """One `trueup.plan/1` document, such as `trueup plan -o FILE` wrote."""
    try:
        plan = _PLANS.decode(data)
    except msgspec.ValidationError as fault:
        raise _input_error(fault) from fault
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as fault:
        raise InputError(f"not a JSON plan: {fault}") from fault
    if plan.format != PLAN_FORMAT:
        raise InputError(f"expected {PLAN_FORMAT!r}, got {plan.format[:60]!r}", "$.format")
    return plan


def _decode_slowly(raw: bytes) -> Snapshot:
    tree = parse_tree(raw)
    if not isinstance(tree, dict):
        raise InputError("expected one snapshot object")
    try:
        return msgspec.convert(normalize_tree(tree), Snapshot)
    except msgspec.ValidationError as fault:
        raise _input_error(fault) from fault


def _input_error(fault: msgspec.ValidationError) -> InputError:
    match = _PATH_IN_MESSAGE.match(str(fault))
    message, path = (match["message"], match["path"]) if match is not None else (str(fault), "$")
    named = _FIELD_IN_MESSAGE.search(message)
    return InputError(message, path + (f".{named[1]}" if named else ""))


# -- checks -----------------------------------------------------------------------------------------------------------


def _rows(snapshot: Snapshot) -> Iterator[tuple[str, Sequence[Struct]]]:
    """Every list of values that carries texts, with its path."""
    local, venue = snapshot.local, snapshot.venue
    yield "$.local.orders", local.orders
    yield "$.local.fills", local.fills
    yield "$.local.trades", local.trades
    yield "$.local.answers", local.answers
    yield "$.local.decisions", local.decisions
    yield "$.venue.open_orders.rows", venue.open_orders.rows
    yield "$.venue.history.orders", venue.history.orders
    yield "$.venue.history.fills", venue.history.fills
    yield "$.venue.positions.rows", venue.positions.rows
    yield "$.venue.answers", venue.answers
    yield "$.instruments", snapshot.instruments
    yield "$.prior", snapshot.prior


_QUANTITY_FIELDS = {
    "LocalOrder": _ORDER_AMOUNTS,
    "VenueOrder": _ORDER_AMOUNTS,
    "Fill": ("qty",),
    "Trade": ("entry_qty", "exit_qty", "fee_base_qty"),
    "Instrument": ("qty_step", "price_tick"),
}
_SIGNED_FIELDS = {
    "LocalOrder": _ORDER_PRICES,
    "VenueOrder": _ORDER_PRICES,
    "Fill": ("price", "fee"),
    "Trade": ("entry_avg_price",),
    "Position": ("qty", "avg_entry_price", "mark_price"),
}
_TIME_FIELDS = {
    "LocalOrder": ("submitted_at", "last_activity_at", "venue_updated_at"),
    "VenueOrder": ("submitted_at", "updated_at"),
    "Fill": ("filled_at",),
    "Trade": ("opened_at",),
    "LocalAnswer": ("read_at",),
    "VenueAnswer": ("read_at",),
    "Decision": ("until", "decided_at"),
    "Finding": ("first_seen_at", "last_seen_at"),
}


def _check(snapshot: Snapshot) -> None:
    if snapshot.format != SNAPSHOT_FORMAT:
        raise InputError(f"expected {SNAPSHOT_FORMAT!r}, got {snapshot.format[:60]!r}", "$.format")
    for path, rows in _rows(snapshot):
        _check_rows(path, rows)
        if path.endswith(".answers"):
            _check_answers(path, rows)
    _check_single_values(snapshot)
    _check_duplicates(snapshot)


def _check_rows(path: str, rows: Sequence[Struct]) -> None:
    if not rows:
        return
    kind = type(rows[0]).__name__
    for field in _QUANTITY_FIELDS.get(kind, ()):
        if not amounts_are_good(map(attrgetter(field), rows), signed=False):
            _raise_first(path, rows, field, lambda text: amount_fault(text, signed=False))
    for field in _SIGNED_FIELDS.get(kind, ()):
        if not amounts_are_good(map(attrgetter(field), rows), signed=True):
            _raise_first(path, rows, field, lambda text: amount_fault(text, signed=True))
    for field in _TIME_FIELDS.get(kind, ()):
        if not times_are_good(map(attrgetter(field), rows)):
            _raise_first(path, rows, field, time_fault)


def _raise_first(
    path: str, rows: Iterable[Struct], field: str, fault_of: Callable[[str], str | None]
) -> None:
    for index, row in enumerate(rows):
        value = getattr(row, field)
        fault = None if value is None else fault_of(value)
        if fault is not None:
            raise InputError(fault, f"{path}[{index}].{field}")


def _check_answers(path: str, answers: Sequence[Any]) -> None:
    for index, answer in enumerate(answers):
        if answer.order is not None:
            _check_answer_order(f"{path}[{index}].order", answer.order)
        elif answer.outcome is Outcome.FOUND and path.startswith("$.venue"):
            raise InputError("a found answer needs its order", f"{path}[{index}].order")


def _check_answer_order(path: str, order: Struct) -> None:
    try:
        _check_rows("", [order])
    except InputError as fault:
        raise InputError(fault.message, path + fault.path.removeprefix("[0]")) from fault


def _check_single_values(snapshot: Snapshot) -> None:
    local, venue, policy = snapshot.local, snapshot.venue, snapshot.policy
    times = {
        "$.taken_at": snapshot.taken_at,
        "$.local.read_at": local.read_at,
        "$.venue.open_orders.read_at": venue.open_orders.read_at,
        "$.venue.history.read_at": venue.history.read_at,
        "$.venue.history.since": venue.history.since,
        "$.venue.positions.read_at": venue.positions.read_at,
        "$.policy.coverage_baseline_at": policy.coverage_baseline_at,
    }
    for path, time in times.items():
        _raise_fault(path, None if time is None else time_fault(time))
    amounts: dict[str, tuple[str | None, bool]] = {
        "$.policy.parity_auto_close_notional_max_usd": (policy.parity_auto_close_notional_max_usd, False),
        "$.policy.notional_max_usd": (policy.notional_max_usd, False),
    }
    amounts |= {f"$.policy.usd_rates.{key}": (rate, False) for key, rate in policy.usd_rates.items()}
    amounts |= {
        f"$.policy.position_baseline.{key}": (qty, True) for key, qty in policy.position_baseline.items()
    }
    for key, other in local.other_profiles_open_qty.items():
        amounts[f"$.local.other_profiles_open_qty.{key}.long"] = (other.long, False)
        amounts[f"$.local.other_profiles_open_qty.{key}.short"] = (other.short, False)
    for path, (text, signed) in amounts.items():
        _raise_fault(path, None if text is None else amount_fault(text, signed=signed))
    _check_pattern(policy.client_order_id_pattern)


def _check_pattern(pattern: str | None) -> None:
    path = "$.policy.client_order_id_pattern"
    if pattern is None:
        return
    try:
        groups = re.compile(pattern).groupindex
    except re.error as fault:
        raise InputError(f"not a regular expression: {fault}", path) from fault
    if not groups.keys() & {"profile", "trade", "action"}:
        raise InputError("the expression needs a named group: profile, trade or action", path)


def _raise_fault(path: str, fault: str | None) -> None:
    if fault is not None:
        raise InputError(fault, path)


def _check_duplicates(snapshot: Snapshot) -> None:
    orders = snapshot.local.orders
    client_ids = comparable_client_ids([order.client_order_id for order in orders])
    venue_ids = comparable_ids([order.venue_order_id for order in orders])
    _refuse_duplicates("$.local.orders", "client_order_id", client_ids)
    _refuse_duplicates("$.local.orders", "venue_order_id", venue_ids)
    if any(order.previous_venue_order_ids for order in orders):
        _check_previous_ids(orders, venue_ids)
    bare = [index for index, one in enumerate(client_ids) if one is None and venue_ids[index] is None]
    _check_bare_orders(orders, bare)
    fills = snapshot.local.fills
    _refuse_duplicates(
        "$.local.fills",
        "fill_id",
        [
            (
                known_id(one.venue_order_id) or ("client", known_client_id(one.client_order_id)),
                one.symbol and symbol_token(one.symbol),
                known_id(one.fill_id),
            )
            for one in fills
        ],
    )
    _refuse_duplicates(
        "$.local.trades", "trade_id", [known_id(trade.trade_id) for trade in snapshot.local.trades]
    )
    _refuse_duplicates("$.instruments", "symbol", [symbol_token(one.symbol) for one in snapshot.instruments])


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


# -- readings ---------------------------------------------------------------------------------------------------------


def _replace_orders(snapshot: Snapshot, change: Callable[[list[Any]], list[Any]]) -> Snapshot:
    local, venue = snapshot.local, snapshot.venue
    rows, history = venue.open_orders.rows, venue.history.orders
    new_orders, new_rows, new_history = change(local.orders), change(rows), change(history)
    if new_orders is not local.orders:
        local = replace(local, orders=new_orders)
    if new_rows is not rows:
        venue = replace(venue, open_orders=replace(venue.open_orders, rows=new_rows))
    if new_history is not history:
        venue = replace(venue, history=replace(venue.history, orders=new_history))
    local = _replace_answers(local, change)
    venue = _replace_answers(venue, change)
    if local is snapshot.local and venue is snapshot.venue:
        return snapshot
    return replace(snapshot, local=local, venue=venue)


def _replace_answers(side: Any, change: Callable[[list[Any]], list[Any]]) -> Any:
    if not side.answers:
        return side
    answers = [
        answer if answer.order is None else replace(answer, order=change([answer.order])[0])
        for answer in side.answers
    ]
    return replace(side, answers=answers)


def _read_statuses(snapshot: Snapshot) -> Snapshot:
    """`pending_new` with something filled is read as `partially_filled`."""
    return _replace_orders(snapshot, _read_order_statuses)


def _read_order_statuses(orders: list[Order]) -> list[Order]:
    new = Status.PENDING_NEW
    if not [1 for order in orders if order.status is new and order.filled_qty != "0"]:
        return orders
    return [
        replace(order, status=Status.PARTIALLY_FILLED)
        if order.status is new and (order.filled_qty or "").strip("0.") != ""
        else order
        for order in orders
    ]


def _read_client_ids(snapshot: Snapshot) -> Snapshot:
    """Client order ids that say nothing (`""`, `"0"`, `"api"`) are read as null; so are empty venue order ids."""
    return _replace_orders(snapshot, _read_order_ids)


def _read_order_ids(orders: list[Order]) -> list[Order]:
    if not orders or _all_say_something([order.client_order_id for order in orders]):
        return orders
    return [_read_ids_of(order) for order in orders]


def _all_say_something(client_ids: list[str | None]) -> bool:
    """Whether none of these needs a closer look; longer ids than the longest useless one never do."""
    try:
        return min(map(len, client_ids)) > _USELESS_LEN_MAX  # type: ignore[arg-type]
    except TypeError:  # there are nulls
        return False


def _read_ids_of(order: Order) -> Order:
    nameless = order.client_order_id is not None and known_client_id(order.client_order_id) is None
    unnumbered = order.venue_order_id is not None and known_id(order.venue_order_id) is None
    if not nameless and not unnumbered:
        return order
    client_id, venue_id = order.client_order_id, order.venue_order_id
    return replace(
        order,
        client_order_id=None if nameless else client_id,
        venue_order_id=None if unnumbered else venue_id,
    )
