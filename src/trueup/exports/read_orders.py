"""Rows of orders as the model's orders, local and the venue's.

A local row must be certain: a status word that is not known, or a missing side, is refused. A venue's row may say less:
an unknown status word becomes null and keeps its `raw_status`, so that only its fills are judged.
"""

from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import TypeVar

from trueup.exports import read_texts
from trueup.exports.columns import Columns
from trueup.exports.read_rows import Row
from trueup.exports.read_texts import read_amount, read_time
from trueup.model.errors import InputError
from trueup.model.snapshot import LocalOrder, VenueOrder
from trueup.model.vocabulary import Intent, Status

_UNKNOWN_SHOWN_MAX = 5
_ROWS_SHOWN_MAX = 5
Word = TypeVar("Word")


def read_local_orders(columns: Columns, *, assume_utc: bool) -> list[LocalOrder]:
    """Raises InputError for what is not certain; unknown status words are listed with all their rows."""
    if columns.rows.rows:
        _need(columns, "side", "status")
        _need_an_id(columns, "venue_order_id", "client_order_id", "trade_id", "sub_tag")
    unknown: dict[str, list[int]] = {}
    orders = []
    for row in columns.rows.rows:
        order = _local_order(columns, row, partial(read_time, assume_utc=assume_utc), unknown)
        if order is not None:
            orders.append(order)
    if unknown:
        raise InputError(_unknown_words(unknown), columns.rows.name)
    return orders


def _local_order(
    columns: Columns, row: Row, time: Callable[[str], str], unknown: dict[str, list[int]]
) -> LocalOrder | None:
    text = partial(columns.text, row)
    qty, said = text("qty", read_amount), text("status")
    status = _local_status(columns, row, said, unknown)
    if status is None:
        return None
    limit_price, average = _prices(columns, row)
    side = read_word(columns, row, "side", read_texts.read_side)
    if side is None:
        raise InputError("no side: buy or sell?", columns.place(row))
    return LocalOrder(
        client_order_id=text("client_order_id"),
        venue_order_id=text("venue_order_id"),
        trade_id=text("trade_id"),
        sub_tag=text("sub_tag"),
        symbol=text("symbol"),
        side=side,
        action=read_word(columns, row, "action", read_texts.read_action),
        order_type=_order_type(columns, row),
        qty=qty,
        limit_price=limit_price,
        stop_price=_price(columns, row, "stop_price"),
        status=status,
        filled_qty=_local_filled(columns, row, status, qty),
        filled_avg_price=average,
        submitted_at=text("submitted_at", time),
        last_activity_at=text("last_activity_at", time),
        venue_updated_at=text("venue_updated_at", time),
        previous_venue_order_ids=tuple((text("previous_venue_order_ids") or "").replace(",", " ").split()),
        position_side=read_word(columns, row, "position_side", read_texts.read_position_side),
        version=read_version(columns, row),
    )


def _local_status(
    columns: Columns, row: Row, said: str | None, unknown: dict[str, list[int]]
) -> Status | None:
    """Null, and the word noted, where it is not certain."""
    status = _status(
        said, columns.text(row, "qty", read_amount), columns.text(row, "filled_qty", read_amount)
    )
    if status is None:
        unknown.setdefault(said or "", []).append(row.number)
    return status


def _local_filled(columns: Columns, row: Row, status: Status, qty: str | None) -> str:
    """Booked quantity. Without a figure, `filled` means all of it and a partial fill cannot be told."""
    filled = columns.text(row, "filled_qty", read_amount)
    if filled is not None:
        return filled
    if status is Status.FILLED and qty is not None:
        return qty
    if status is Status.PARTIALLY_FILLED:
        raise InputError("partially filled, but no filled quantity", columns.place(row))
    return "0"


def _unknown_words(unknown: dict[str, list[int]]) -> str:
    words = [
        f"{said!r} ({'row' if len(rows) == 1 else 'rows'} {', '.join(map(str, rows[:_ROWS_SHOWN_MAX]))}"
        f"{' …' if len(rows) > _ROWS_SHOWN_MAX else ''})"
        for said, rows in list(unknown.items())[:_UNKNOWN_SHOWN_MAX]
    ]
    more = len(unknown) - len(words)
    shown = ", ".join(words) + (f" and {more} more" if more > 0 else "")
    return f"status words that say nothing certain: {shown}; write one of {', '.join(Status)}"


def read_venue_orders(columns: Columns, *, assume_utc: bool) -> list[VenueOrder]:
    """Raises InputError for amounts and times that are none; a status may stay unknown."""
    if columns.rows.rows:
        _need_an_id(columns, "venue_order_id", "client_order_id")
    time = partial(read_time, assume_utc=assume_utc)
    return [_venue_order(columns, row, time) for row in columns.rows.rows]


def _venue_order(columns: Columns, row: Row, time: Callable[[str], str]) -> VenueOrder:
    text = partial(columns.text, row)
    said = text("status")
    qty, filled_qty = text("qty", read_amount), text("filled_qty", read_amount)
    limit_price, average = _prices(columns, row)
    return VenueOrder(
        venue_order_id=text("venue_order_id"),
        client_order_id=text("client_order_id"),
        symbol=text("symbol"),
        side=read_word(columns, row, "side", read_texts.read_side),
        order_type=_order_type(columns, row),
        qty=qty,
        limit_price=limit_price,
        stop_price=_price(columns, row, "stop_price"),
        status=_status(said, qty, filled_qty),
        raw_status=said,
        status_reason=text("status_reason"),
        intent=_intent(columns, row),
        position_side=read_word(columns, row, "position_side", read_texts.read_position_side),
        filled_qty=filled_qty,
        filled_avg_price=average,
        sub_tag=text("sub_tag"),
        replaces=text("replaces"),
        replaced_by=text("replaced_by"),
        parent_venue_order_id=text("parent_venue_order_id"),
        submitted_at=text("submitted_at", time),
        updated_at=text("updated_at", time),
    )


def _status(said: str | None, qty: str | None, filled_qty: str | None) -> Status | None:
    """The canonical status; null where the word is missing, not known, or says nothing certain."""
    try:
        return None if said is None else read_texts.read_status(said, qty, filled_qty)
    except KeyError:
        return None


def _intent(columns: Columns, row: Row) -> Intent | None:
    if is_true(columns, row, "reduce_only"):
        return Intent.CLOSE
    return read_word(columns, row, "intent", read_texts.read_intent)


# -- shared -----------------------------------------------------------------------------------------------------------


def read_word(columns: Columns, row: Row, meaning: str, read: Callable[[str], Word]) -> Word | None:
    """A word of a closed vocabulary; null where the row has none."""
    said = columns.text(row, meaning)
    try:
        return None if said is None else read(said)
    except ValueError as fault:
        raise InputError(str(fault), columns.place(row)) from fault


def is_true(columns: Columns, row: Row, meaning: str) -> bool:
    return (columns.text(row, meaning) or "").lower() in ("true", "1")  # Python writes `True` into a CSV


def read_version(columns: Columns, row: Row) -> int:
    text = columns.text(row, "version") or "1"
    if not text.isdigit() or len(text) > 18:
        raise InputError(f"{text[:40]!r} is no version: expected a whole number", columns.place(row))
    return int(text)


def _order_type(columns: Columns, row: Row) -> str | None:
    said = columns.text(row, "order_type")
    return None if said is None else read_texts.word(said)


def _prices(columns: Columns, row: Row) -> tuple[str | None, str | None]:
    """Limit and average price. A column called just `price` is the limit of an order that has one, and otherwise
    the average of an order that filled (ccxt writes it so for market orders)."""
    limit, average = _price(columns, row, "limit_price"), _price(columns, row, "filled_avg_price")
    price = _price(columns, row, "price")
    if price is None:
        return limit, average
    if (_order_type(columns, row) or "limit").endswith("limit"):
        return limit or price, average
    return limit, average or price


def _price(columns: Columns, row: Row, meaning: str) -> str | None:
    """A price of zero is none: venues write it where there is no limit, stop or fill."""
    text = columns.text(row, meaning, partial(read_amount, signed=True))
    return None if text is None or Decimal(text) == 0 else text


def _need(columns: Columns, *meanings: str) -> None:
    for meaning in meanings:
        if meaning not in columns.taken:
            raise InputError(
                f"no column for {meaning} among {', '.join(columns.rows.columns)}; "
                f"say --map {columns.source}.{meaning}=COLUMN",
                columns.rows.name,
            )


def _need_an_id(columns: Columns, *meanings: str) -> None:
    if not any(meaning in columns.taken for meaning in meanings):
        _need(columns, meanings[0])
