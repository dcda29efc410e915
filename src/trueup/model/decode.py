"""Bytes to a checked snapshot, or an `InputError` that names the place. Nothing half-read is ever returned.

The fast path lets msgspec decode straight into the values and checks the texts in bulk. A document that does not fit
is read again by the slow path, which accepts what the public document also allows (amounts as JSON numbers, by their
exact text; nulls for optional keys; exponents) and otherwise says where the fault is.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from operator import attrgetter
from typing import Any, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from trueup.model.check_texts import (
    amount_fault,
    amounts_are_good,
    amounts_are_plain,
    time_fault,
    times_are_good,
)
from trueup.model.checked_rows import CheckedRows
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
from trueup.model.snapshot import SNAPSHOT_FORMAT, Fill, LocalOrder, Snapshot, VenueOrder
from trueup.model.tree import normalize_tree, parse_tree
from trueup.model.vocabulary import Outcome, Status

Order = TypeVar("Order", LocalOrder, VenueOrder)
Part = TypeVar("Part", bound=Struct)

_SNAPSHOTS = msgspec.json.Decoder(Snapshot)
_PLANS = msgspec.json.Decoder(Plan)
_PATH_IN_MESSAGE = re.compile(r"^(?P<message>.*?) - at `(?P<path>.*)`$", re.DOTALL)
_FIELD_IN_MESSAGE = re.compile(r"(?:unknown field|required field) `([^`]+)`")

_USELESS_LEN_MAX = max(map(len, USELESS_CLIENT_ORDER_IDS))


def decode_snapshot(data: bytes | str) -> Snapshot:
    """One `trueup.snapshot/1` document. Raises InputError with the JSON path of the first fault found."""
    raw = data.encode() if isinstance(data, str) else data
    try:
        return check_snapshot(_SNAPSHOTS.decode(raw))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, InputError):
        return check_snapshot(_decode_slowly(raw))


def check_snapshot(snapshot: Snapshot, checked: CheckedRows | None = None) -> Snapshot:
    """The same checks and readings for a snapshot made in memory, so that its bytes decode to exactly this value.

    `checked`: the profile's lists as they were checked last; only those that differ are gone through, and then kept.
    """
    if snapshot.format != SNAPSHOT_FORMAT:
        raise InputError(f"expected {SNAPSHOT_FORMAT!r}, got {snapshot.format[:60]!r}", "$.format")
    known = checked or CheckedRows()
    read: dict[str, Sequence[Any]] = {}
    new = []
    for path, rows in _rows(snapshot):
        if (found := known.find(path, rows)) is not None:
            read[path] = found
        elif rows:
            new.append((path, rows))
    for path, rows in new:
        _check_rows(path, rows)
        if path.endswith(".answers"):
            _check_answers(path, rows)
    _check_single_values(snapshot)
    for path, rows in new:
        _check_duplicates(path, rows)
    for path, rows in new:
        read[path] = _read(path, rows)
        known.keep(path, rows, read[path])
    return _with_rows(snapshot, read)


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


_IS_SIGNED = {
    "qty": False,
    "filled_qty": False,
    "limit_price": True,
    "stop_price": True,
    "filled_avg_price": True,
}
_AMOUNT_FIELDS = {
    "LocalOrder": _IS_SIGNED,
    "VenueOrder": _IS_SIGNED,
    "Fill": {"qty": False, "price": True, "fee": True},
    "Trade": {"entry_qty": False, "exit_qty": False, "fee_base_qty": False, "entry_avg_price": True},
    "Instrument": {"qty_step": False, "price_tick": False},
    "Position": {"qty": True, "avg_entry_price": True, "mark_price": True},
}  # and whether the amount may be negative
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
_AMOUNTS_OF = {kind: attrgetter(*fields) for kind, fields in _AMOUNT_FIELDS.items()}
_TIMES_OF = {kind: [(one, attrgetter(one)) for one in fields] for kind, fields in _TIME_FIELDS.items()}
_CHECKED_AT_ONCE = (
    512  # rows: measured at 100,000, checks whose texts stay in the cache cost half of whole columns
)


def _check_rows(path: str, rows: Sequence[Struct]) -> None:
    for start in range(0, len(rows), _CHECKED_AT_ONCE):
        _check_some(path, rows[start : start + _CHECKED_AT_ONCE], start)


def _check_some(path: str, rows: Sequence[Struct], start: int) -> None:
    """All amounts of these rows at once; by their columns where one of them is not plain."""
    kind = type(rows[0]).__name__
    get_amounts = _AMOUNTS_OF.get(kind)
    if get_amounts is not None and not amounts_are_plain(map(get_amounts, rows)):
        for field, is_signed in _AMOUNT_FIELDS[kind].items():
            if not amounts_are_good(map(attrgetter(field), rows), signed=is_signed):
                _raise_first(path, rows, start, field, partial(amount_fault, signed=is_signed))
    for field, get_time in _TIMES_OF.get(kind, ()):
        if not times_are_good(map(get_time, rows)):
            _raise_first(path, rows, start, field, time_fault)


def _raise_first(
    path: str, rows: Iterable[Struct], start: int, field: str, fault_of: Callable[[str], str | None]
) -> None:
    for index, row in enumerate(rows, start):
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


def _check_duplicates(path: str, rows: Sequence[Any]) -> None:
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


# -- readings ---------------------------------------------------------------------------------------------------------


def _read(path: str, rows: Sequence[Any]) -> Sequence[Any]:
    """The rows as they are read; the same list where none has to change."""
    if path in ("$.local.orders", "$.venue.open_orders.rows", "$.venue.history.orders"):
        return _read_orders(rows)
    if not path.endswith(".answers"):
        return rows
    return [one if one.order is None else replace(one, order=_read_orders([one.order])[0]) for one in rows]


def _with_rows(snapshot: Snapshot, read: Mapping[str, Sequence[Any]]) -> Snapshot:
    get, local, venue = read.get, snapshot.local, snapshot.venue
    history = venue.history
    return _with(
        snapshot,
        instruments=get("$.instruments"),
        prior=get("$.prior"),
        local=_with(
            local,
            orders=get("$.local.orders"),
            fills=get("$.local.fills"),
            trades=get("$.local.trades"),
            answers=get("$.local.answers"),
            decisions=get("$.local.decisions"),
        ),
        venue=_with(
            venue,
            open_orders=_with(venue.open_orders, rows=get("$.venue.open_orders.rows")),
            history=_with(history, orders=get("$.venue.history.orders"), fills=get("$.venue.history.fills")),
            positions=_with(venue.positions, rows=get("$.venue.positions.rows")),
            answers=get("$.venue.answers"),
        ),
    )


def _with(value: Part, **changes: Any) -> Part:
    """The value with what is new: the same where nothing is. Null: nothing to change."""
    new = {key: one for key, one in changes.items() if one is not None and one is not getattr(value, key)}
    return replace(value, **new) if new else value


def _read_orders(orders: Sequence[Order]) -> Sequence[Order]:
    """The rows as they are read, the same list where none has to change: most need no closer look than this."""
    new, len_max = Status.PENDING_NEW, _USELESS_LEN_MAX
    odd = [
        index
        for index, order in enumerate(orders)
        if (order.status is new and order.filled_qty != "0")
        or len(order.client_order_id or "") <= len_max
        or not order.venue_order_id
    ]
    if not odd:
        return orders
    read = list(orders)
    for index in odd:
        read[index] = _read_order(orders[index])
    return read


def _read_order(order: Order) -> Order:
    """`pending_new` with something filled is `partially_filled`; an id that says nothing is null."""
    changes: dict[str, Any] = {}
    if order.status is Status.PENDING_NEW and (order.filled_qty or "").strip("0.") != "":
        changes["status"] = Status.PARTIALLY_FILLED
    if order.client_order_id is not None and known_client_id(order.client_order_id) is None:
        changes["client_order_id"] = None
    if order.venue_order_id is not None and known_id(order.venue_order_id) is None:
        changes["venue_order_id"] = None
    return replace(order, **changes) if changes else order
