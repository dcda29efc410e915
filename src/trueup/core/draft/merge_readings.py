"""Two records of one venue order, made one: the more advanced wins, and takes what it does not say from the other.

More advanced is higher filled, then terminal. But an end that the adapter only derived does not outrank a complete open
list that has the order live and not older.
"""

from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from trueup.model.facts_of import facts_of
from trueup.model.money import ZERO, amount, is_same, same
from trueup.model.snapshot import VenueOrder
from trueup.model.times import to_ns
from trueup.model.vocabulary import LIVE, TERMINAL

_INHERITED = (
    "client_order_id",
    "symbol",
    "side",
    "order_type",
    "qty",
    "limit_price",
    "stop_price",
    "intent",
    "position_side",
    "sub_tag",
    "replaces",
    "replaced_by",
    "parent_venue_order_id",
    "submitted_at",
)  # what a record that does not say it takes from another of the same order


Reading = tuple[VenueOrder, str | None]  # one record, and when the read it stands in was sent


def merge_readings(readings: list[Reading], listed: list[Reading]) -> Reading:
    """One record of one order, and when it was read. `listed`: the rows of a complete open list that has the order."""
    most = max((amount(record.filled_qty) for record, _ in readings), default=ZERO)
    ranked = sorted(_believed(readings, listed, most), key=lambda one: _rank(one, most), reverse=True)
    return _merged([record for record, _ in ranked]), ranked[0][1]


def _believed(readings: list[Reading], listed: list[Reading], most: Decimal) -> list[Reading]:
    """An end that the adapter only derived gives way to a complete open list that has the order live, as new."""
    if not listed:
        return readings
    row, listed_at = max(listed, key=lambda one: _rank(one, most))
    if row.status not in LIVE:
        return readings
    return [
        (replace(one, status=row.status), read_at)
        if one.end_derived and one.status in TERMINAL and not _is_newer((one, read_at), (row, listed_at))
        else (one, read_at)
        for one, read_at in readings
    ]


def _rank(reading: Reading, most: Decimal) -> tuple[Decimal, int, int, int, bytes]:
    """Higher filled, then terminal, then later updated, then later read; then anything, so that the order is total.

    `most`: what any of them says is filled; what is that but for noise is no less.
    """
    record, read_at = reading
    filled = amount(record.filled_qty) if record.filled_qty is not None else Decimal(-1)
    filled = most if is_same(filled, most) else filled
    status = 0 if record.status is None else 2 if record.status in TERMINAL else 1
    updated_ns = -1 if record.updated_at is None else to_ns(record.updated_at)
    return (
        filled,
        status,
        updated_ns,
        -1 if read_at is None else to_ns(read_at),
        facts_of(record),
    )


def _is_newer(reading: Reading, other: Reading) -> bool:
    """By the venue's own time of the order, or where one has none by when it was asked."""
    times = (reading[0].updated_at, other[0].updated_at)
    if None in times:
        times = (reading[1], other[1])
    return times[0] is not None and times[1] is not None and to_ns(times[0]) > to_ns(times[1])


def _merged(ranked: list[VenueOrder]) -> VenueOrder:
    """The most advanced record, with what it does not say taken from the next ones."""
    ahead = ranked[0]
    gaps: dict[str, Any] = {}
    for behind in ranked[1:]:
        for name in _INHERITED:
            if getattr(ahead, name) is None and getattr(behind, name) is not None:
                gaps.setdefault(name, getattr(behind, name))
        if (
            ahead.filled_avg_price is None
            and behind.filled_avg_price is not None
            and same(ahead.filled_qty, behind.filled_qty)
        ):
            gaps.setdefault("filled_avg_price", behind.filled_avg_price)
    return replace(ahead, **gaps) if gaps else ahead
