"""What Alpaca's JSON says, in the model's words. Pure; no row of a list can spoil the others.

Sources: Alpaca's Trading API reference and `alpaca-py` 0.44. Amounts are taken as the text that stands in the body,
quoted or not. A row with an unusable id, amount or time is a fault that the caller reports.
"""

from collections.abc import Callable
from typing import Generic, TypeVar

import msgspec
from msgspec import Raw, Struct, field

from trueup.exports.read_texts import read_amount, read_intent, read_time
from trueup.model.errors import VenueUnavailable
from trueup.model.snapshot import Fill, Position, VenueOrder
from trueup.model.vocabulary import Side, Status

Row = TypeVar("Row", bound=Struct)

# Alpaca's 18 words ("Order lifecycle" of its documentation).
STATUSES: dict[str, Status | None] = {
    "new": Status.PENDING_NEW,
    "partially_filled": Status.PARTIALLY_FILLED,
    "filled": Status.FILLED,
    "done_for_day": Status.PENDING_NEW,  # "will not receive further updates until the next trading day": still live
    "canceled": Status.CANCELED,
    "expired": Status.EXPIRED,
    "replaced": Status.REPLACED,
    "pending_cancel": Status.PENDING_CANCEL,
    "pending_replace": Status.PENDING_REPLACE,
    "pending_review": Status.PENDING_NEW,  # "waiting for review": it may still be accepted
    "accepted": Status.PENDING_NEW,
    "pending_new": Status.PENDING_NEW,
    "accepted_for_bidding": Status.PENDING_NEW,  # "received by exchanges and evaluated for pricing"
    "stopped": Status.PENDING_NEW,  # "a trade is guaranteed … but has not yet occurred": live, it will fill
    "rejected": Status.REJECTED,
    "suspended": Status.SUSPENDED,
    "calculated": None,  # "completed for the day (either filled or done for day)": it may be either, so nothing certain
    "held": Status.PENDING_NEW,  # not in the documentation: a bracket's leg that waits for its parent or its sibling
}
_SIDES = {"buy": Side.BUY, "sell": Side.SELL, "sell_short": Side.SELL}


class OrderRow(Struct, frozen=True, kw_only=True):
    """An order as Alpaca writes it; unknown fields are ignored."""

    id: str
    client_order_id: str | None = None
    symbol: str | None = None
    side: str | None = None
    order_class: str | None = None
    type: str | None = None
    order_type: str | None = None
    position_intent: str | None = None
    status: str | None = None
    subtag: str | None = None
    qty: Raw = field(default_factory=Raw)
    notional: Raw = field(default_factory=Raw)
    limit_price: Raw = field(default_factory=Raw)
    stop_price: Raw = field(default_factory=Raw)
    filled_qty: Raw = field(default_factory=Raw)
    filled_avg_price: Raw = field(default_factory=Raw)
    replaces: str | None = None
    replaced_by: str | None = None
    submitted_at: str | None = None
    updated_at: str | None = None
    legs: list["OrderRow"] | None = None

    @property
    def is_multi_leg(self) -> bool:
        return (self.order_class or "simple") != "simple"


class FillRow(Struct, frozen=True, kw_only=True):
    """An activity of type FILL. `id` is a time, `::` and the execution's own id, which the stream knows it by too."""

    id: str
    order_id: str
    symbol: str | None = None
    side: str | None = None
    qty: Raw = field(default_factory=Raw)
    price: Raw = field(default_factory=Raw)
    transaction_time: str | None = None


class PositionRow(Struct, frozen=True, kw_only=True):
    """`qty` is negative for short positions; `side` says it again."""

    symbol: str
    side: str | None = None
    qty: Raw
    avg_entry_price: Raw = field(default_factory=Raw)
    current_price: Raw = field(default_factory=Raw)


class Rows(Struct, Generic[Row], frozen=True):
    """The rows of a page that can be read, and what is wrong with the others."""

    rows: list[Row]
    faults: list[str]
    count: int


class RowDecoder(Generic[Row]):
    """Decodes a page at once, or row by row where a row does not fit."""

    def __init__(self, kind: type[Row]) -> None:
        self._page: msgspec.json.Decoder[list[Row]] = msgspec.json.Decoder(list[kind])  # type: ignore[valid-type]
        self._row: msgspec.json.Decoder[Row] = msgspec.json.Decoder(kind)
        self._raw = msgspec.json.Decoder(list[Raw])

    def decode(self, body: bytes) -> Rows[Row]:
        """Raises VenueUnavailable where the body is not a JSON list."""
        try:
            rows = self._page.decode(body)
            return Rows(rows, [], len(rows))
        except (msgspec.ValidationError, UnicodeDecodeError, RecursionError):
            return self._decode_rows(body)
        except msgspec.DecodeError as error:
            raise VenueUnavailable(f"the venue's answer is not JSON: {error}") from error

    def one(self, body: bytes) -> Row:
        """A body that is one row. Raises VenueUnavailable."""
        try:
            return self._row.decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise VenueUnavailable(f"the venue's answer is not the documented one: {error}") from error

    def _decode_rows(self, body: bytes) -> Rows[Row]:
        try:
            raws = self._raw.decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise VenueUnavailable(f"the venue's answer is not a JSON list: {error}") from error
        rows: list[Row] = []
        faults: list[str] = []
        for number, raw in enumerate(raws):
            try:
                rows.append(self._row.decode(raw))
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
                faults.append(f"row {number}: {error}")
        return Rows(rows, faults, len(raws))


ORDERS = RowDecoder(OrderRow)
FILLS = RowDecoder(FillRow)
POSITIONS = RowDecoder(PositionRow)


def read_order(row: OrderRow, parent: str | None = None) -> VenueOrder:
    """One order. Raises ValueError that names the order and what of it cannot be used."""
    return VenueOrder(
        venue_order_id=row.id,
        client_order_id=row.client_order_id or None,
        symbol=row.symbol or None,
        side=_SIDES.get(row.side or ""),
        order_type=row.type or row.order_type or None,
        qty=_amount(row, "qty"),
        limit_price=_amount(
            row, "limit_price", signed=True
        ),  # options' spreads are priced below zero for a credit
        stop_price=_amount(row, "stop_price"),
        status=STATUSES.get(row.status or ""),
        raw_status=row.status,
        intent=None if not row.position_intent else read_intent(row.position_intent),
        filled_qty=_amount(row, "filled_qty"),
        filled_avg_price=_amount(row, "filled_avg_price", signed=True),
        sub_tag=row.subtag or None,
        replaces=row.replaces or None,
        replaced_by=row.replaced_by or None,
        parent_venue_order_id=parent,
        by_notional=_amount(row, "notional") is not None,
        submitted_at=_time(row.id, row.submitted_at),
        updated_at=_time(row.id, row.updated_at),
    )


def read_fill(row: FillRow) -> Fill:
    """One execution. Raises ValueError."""
    qty = _amount(row, "qty")
    if qty is None:
        raise ValueError(f"{row.id}: a fill without a quantity")
    return Fill(
        fill_id=row.id.rpartition("::")[2] or row.id,
        venue_order_id=row.order_id,
        symbol=row.symbol or None,
        side=_SIDES.get(row.side or ""),
        qty=qty,
        price=_amount(row, "price", signed=True),
        filled_at=_time(row.id, row.transaction_time),
    )


def read_position(row: PositionRow) -> Position:
    """One position, its quantity signed. Raises ValueError."""
    qty = _text(row.symbol, "qty", row.qty, signed=True)
    if qty is None:
        raise ValueError(f"{row.symbol}: a position without a quantity")
    if row.side == "short" and not qty.startswith("-") and qty != "0":
        qty = f"-{qty}"
    return Position(
        symbol=row.symbol,
        qty=qty,
        avg_entry_price=_text(row.symbol, "avg_entry_price", row.avg_entry_price, signed=True),
        mark_price=_text(row.symbol, "current_price", row.current_price, signed=True),
    )


Value = TypeVar("Value")


def read_all(page: Rows[Row], read: Callable[[Row], Value]) -> tuple[list[Value], list[str]]:
    """Every row that can be used, and the faults of the others."""
    values: list[Value] = []
    faults = list(page.faults)
    for row in page.rows:
        try:
            values.append(read(row))
        except ValueError as error:
            faults.append(str(error))
    return values, faults


def utc_text(text: str) -> str:
    """A time of Alpaca's, which may carry New York's offset, as UTC. Raises ValueError."""
    return read_time(text, assume_utc=False)


def _amount(row: OrderRow | FillRow, name: str, *, signed: bool = False) -> str | None:
    return _text(row.id, name, getattr(row, name), signed=signed)


def _text(row_id: str, name: str, raw: Raw, *, signed: bool) -> str | None:
    """The exact text of a JSON string or number; null and the empty text are no amount."""
    plain = bytes(raw).decode(errors="replace").strip('"')
    if plain in ("", "null"):
        return None
    try:
        return read_amount(plain, signed=signed)
    except ValueError as error:
        raise ValueError(f"{row_id[:60]}: {name}: {error}") from error


def _time(row_id: str, text: str | None) -> str | None:
    try:
        return utc_text(text) if text else None
    except ValueError as error:
        raise ValueError(f"{row_id[:60]}: {error}") from error
