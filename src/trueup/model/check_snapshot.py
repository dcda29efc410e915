"""Checks a snapshot, and reads its orders: what every snapshot went through, however made.

Lists are checked in bulk, each by itself; the first fault is an `InputError` that names the place. Knows no bytes.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from operator import attrgetter
from typing import Any, TypeVar, get_args

from msgspec import Struct
from msgspec.structs import fields, replace

from trueup.model.check_duplicates import check_duplicates, check_local_orders, shared_client_order_ids
from trueup.model.check_texts import (
    amount_fault,
    amounts_are_good,
    amounts_are_plain,
    text_fault,
    texts_are_short,
    time_fault,
    times_are_good,
)
from trueup.model.checked_rows import CheckedRows
from trueup.model.errors import InputError
from trueup.model.id_pattern import BadPattern, IdPattern
from trueup.model.ids import USELESS_CLIENT_ORDER_IDS, known_client_id, known_id
from trueup.model.snapshot import (
    SNAPSHOT_FORMAT,
    Decision,
    Fill,
    Instrument,
    LocalOrder,
    Position,
    Snapshot,
    Text,
    Trade,
    VenueAnswer,
    VenueOrder,
)
from trueup.model.vocabulary import Outcome, Status

Order = TypeVar("Order", LocalOrder, VenueOrder)
Part = TypeVar("Part", bound=Struct)

_LOCAL_ORDERS = "$.local.orders"
_USELESS_LEN_MAX = max(map(len, USELESS_CLIENT_ORDER_IDS))


def check_snapshot(
    snapshot: Snapshot, checked: CheckedRows | None = None, *, is_decoded: bool = False
) -> Snapshot:
    """The same checks and readings for a snapshot made in memory, so that its bytes decode to exactly this value.

    `checked`: the profile's lists as they were checked last; only what differs is gone through, and then kept.
    `is_decoded`: its types have bounded its texts.
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
            new.append((path, *known.adopt(path, rows)))
    for path, rows, changed in new:
        if not is_decoded:
            _check_texts(path, rows, changed)
        _check_rows(path, rows, changed)
        if path.endswith(".answers"):
            _check_answers(path, rows)
    _check_single_values(snapshot)
    shared: tuple[str, ...] | None = None
    for path, rows, _ in new:
        if path == _LOCAL_ORDERS:
            shared = check_local_orders(path, snapshot.local.orders)
        else:
            check_duplicates(path, rows)
    for path, rows, changed in new:
        read[path] = known.keep(path, rows, changed, _read(path, rows[changed.start : changed.stop]))
    if shared is None:  # the rows are those that were checked last
        shared = known.results.of(shared_client_order_ids, snapshot.local.orders)
    return _with_rows(snapshot, read, shared)


# -- checks -----------------------------------------------------------------------------------------------------------


def _rows(snapshot: Snapshot) -> Iterator[tuple[str, Sequence[Struct]]]:
    """Every list of values that carries texts, with its path."""
    local, venue = snapshot.local, snapshot.venue
    yield _LOCAL_ORDERS, local.orders
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
_TEXT_FIELDS = {
    kind.__name__: tuple(one.name for one in fields(kind) if Text in (one.type, *get_args(one.type)))
    for kind in (LocalOrder, VenueOrder, Fill, Trade, Instrument, Position, VenueAnswer, Decision)
}
_TEXTS_OF = {
    kind: attrgetter(*names, names[0]) for kind, names in _TEXT_FIELDS.items()
}  # a tuple, of one too
_AMOUNTS_OF = {kind: attrgetter(*fields) for kind, fields in _AMOUNT_FIELDS.items()}
_TIMES_OF = {kind: [(one, attrgetter(one)) for one in fields] for kind, fields in _TIME_FIELDS.items()}
_CHECKED_AT_ONCE = (
    512  # rows: measured at 100,000, checks whose texts stay in the cache cost half of whole columns
)


def _check_rows(path: str, rows: Sequence[Struct], changed: range) -> None:
    for start in changed[::_CHECKED_AT_ONCE]:
        _check_some(path, rows[start : min(start + _CHECKED_AT_ONCE, changed.stop)], start)


def _check_texts(path: str, rows: Sequence[Struct], changed: range) -> None:
    kind = type(rows[0]).__name__
    get_texts = _TEXTS_OF.get(kind)
    if get_texts is not None and not texts_are_short(map(get_texts, rows[changed.start : changed.stop])):
        for field in _TEXT_FIELDS[kind]:
            _raise_first(path, rows, 0, field, text_fault)


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
        _check_texts("", [order], range(1))
        _check_some("", [order], 0)
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
    for key, trades in (local.other_profiles_trades or {}).items():
        for name, quantities in (("long", trades.long), ("short", trades.short)):
            for place, qty in enumerate(quantities):
                amounts[f"$.local.other_profiles_trades.{key}.{name}[{place}]"] = (qty, True)
    for path, (text, signed) in amounts.items():
        _raise_fault(path, None if text is None else amount_fault(text, signed=signed))
    _check_pattern(policy.client_order_id_pattern)


def _check_pattern(pattern: str | None) -> None:
    if pattern is None:
        return
    try:
        IdPattern(pattern)
    except BadPattern as fault:
        raise InputError(str(fault), "$.policy.client_order_id_pattern") from fault


def _raise_fault(path: str, fault: str | None) -> None:
    if fault is not None:
        raise InputError(fault, path)


# -- readings ---------------------------------------------------------------------------------------------------------


def _read(path: str, rows: Sequence[Any]) -> Sequence[Any]:
    """The rows as they are read; the same list where none has to change."""
    if path in ("$.local.orders", "$.venue.open_orders.rows", "$.venue.history.orders"):
        return _read_orders(rows)
    if not path.endswith(".answers"):
        return rows
    return [one if one.order is None else replace(one, order=_read_orders([one.order])[0]) for one in rows]


def _with_rows(
    snapshot: Snapshot, read: Mapping[str, Sequence[Any]], shared_client_ids: tuple[str, ...]
) -> Snapshot:
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
            shared_client_order_ids=shared_client_ids,
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
