"""Puts the two sides of a snapshot together from exports, and notes everything that was decided on the way.

What a file cannot prove is not claimed: the venue's history counts as partial unless the user says since when it is
whole, a page that looks cut off makes the open orders partial, and what was not given is a read that failed.
"""

import re
from collections.abc import Mapping

from msgspec import Struct

from trueup.exports.columns import Columns, Overrides, Source, take_columns
from trueup.exports.read_holdings import read_fills, read_positions, read_trades
from trueup.exports.read_orders import read_local_orders, read_venue_orders
from trueup.exports.read_rows import read_rows
from trueup.model.check_snapshot import check_snapshot
from trueup.model.errors import InputError
from trueup.model.ids import known_client_id, known_id
from trueup.model.policy import Policy
from trueup.model.snapshot import (
    NOT_READ,
    SNAPSHOT_FORMAT,
    Fill,
    HistoryRead,
    Instrument,
    Local,
    LocalOrder,
    OrdersRead,
    PositionsRead,
    Profile,
    Snapshot,
    Venue,
    VenueOrder,
)
from trueup.model.times import to_ns
from trueup.model.vocabulary import LIVE, TERMINAL, Extent, ReadState

_PAGE_SIZES = frozenset({50, 100, 500, 1000})  # Alpaca's default and maximum, ccxt exchanges' usual ones
_ROW_PATH = re.compile(r"\$\.local\.(orders|fills|trades)\[(\d+)\]\.?(.*)", re.DOTALL)
_ROW_SOURCES = {"orders": Source.LOCAL, "fills": Source.LOCAL_FILLS, "trades": Source.TRADES}


class Export(Struct, frozen=True):
    """One file: its bytes, the name to call it by, and when it was read (RFC 3339)."""

    data: bytes
    name: str
    read_at: str


class Settings(Struct, frozen=True, kw_only=True):
    """What files cannot say. `taken_at` null: when the last of them was read."""

    profile: Profile
    taken_at: str | None = None
    policy: Policy = Policy()
    instruments: list[Instrument] = []
    overrides: Overrides = {}
    assume_utc: bool = False
    extent: Extent = Extent.ALL
    open_orders_state: ReadState | None = None  # null: judged by the page's size
    history_since: str | None = None  # since when the venue's files are whole


class Imported(Struct, frozen=True):
    """The snapshot, what each file's columns were taken for, and what a person should know."""

    snapshot: Snapshot
    columns: list[Columns]
    notes: list[str]


def make_snapshot(exports: Mapping[Source, Export], settings: Settings) -> Imported:
    """Needs a local and a venue file. Raises InputError with the file and row for whatever is not certain."""
    columns = {
        source: take_columns(source, read_rows(export.data, export.name), settings.overrides)
        for source, export in exports.items()
    }
    notes: list[str] = []
    snapshot = Snapshot(
        format=SNAPSHOT_FORMAT,
        taken_at=settings.taken_at or max(export.read_at for export in exports.values()),
        profile=settings.profile,
        policy=settings.policy,
        instruments=settings.instruments,
        local=_local(columns, exports, settings),
        venue=_venue(columns, exports, settings, notes),
    )
    _note_order_of_reads(exports, snapshot.local, notes)
    _note_matches(snapshot, notes)
    return Imported(_checked(snapshot, columns), list(columns.values()), notes)


def _local(columns: Mapping[Source, Columns], exports: Mapping[Source, Export], settings: Settings) -> Local:
    utc = settings.assume_utc
    return Local(
        read_at=exports[Source.LOCAL].read_at,
        extent=settings.extent,
        orders=read_local_orders(columns[Source.LOCAL], assume_utc=utc),
        fills=read_fills(columns[Source.LOCAL_FILLS], assume_utc=utc)
        if Source.LOCAL_FILLS in columns
        else [],
        trades=read_trades(columns[Source.TRADES], assume_utc=utc) if Source.TRADES in columns else [],
    )


def _venue(
    columns: Mapping[Source, Columns], exports: Mapping[Source, Export], settings: Settings, notes: list[str]
) -> Venue:
    orders = read_venue_orders(columns[Source.VENUE], assume_utc=settings.assume_utc)
    fills = (
        read_fills(columns[Source.FILLS], assume_utc=settings.assume_utc) if Source.FILLS in columns else []
    )
    _note_unknown_statuses(orders, notes)
    # a status that is not known can be either: beside ended orders it is history, else an open one
    ended = any(order.status in TERMINAL for order in orders)
    live = [order for order in orders if order.status in LIVE or (order.status is None and not ended)]
    past = [order for order in orders if order.status in TERMINAL or (order.status is None and ended)]
    state = settings.open_orders_state or _judged_state(len(orders), notes)
    read_at = exports[Source.VENUE].read_at
    return Venue(
        open_orders=OrdersRead(state=state, read_at=read_at, rows=live),
        history=_history(past, fills, state, read_at, settings.history_since),
        positions=_positions(columns, exports),
    )


def _history(
    orders: list[VenueOrder], fills: list[Fill], open_state: ReadState, read_at: str, since: str | None
) -> HistoryRead:
    """Whole only where the user says since when; a gap is unproven, never clean."""
    if not orders and not fills and since is None:
        return HistoryRead(error=NOT_READ)
    whole = since is not None and open_state is ReadState.COMPLETE
    state = ReadState.COMPLETE if whole else ReadState.PARTIAL
    return HistoryRead(state=state, read_at=read_at, since=since, orders=orders, fills=fills)


def _positions(columns: Mapping[Source, Columns], exports: Mapping[Source, Export]) -> PositionsRead:
    if Source.POSITIONS not in columns:
        return PositionsRead(error=NOT_READ)
    rows = read_positions(columns[Source.POSITIONS])
    return PositionsRead(state=ReadState.COMPLETE, read_at=exports[Source.POSITIONS].read_at, rows=rows)


def _judged_state(rows: int, notes: list[str]) -> ReadState:
    if rows not in _PAGE_SIZES:
        return ReadState.COMPLETE
    notes.append(
        f"the venue file holds exactly {rows} orders, a usual page size: taken as one page of more (partial); "
        "say --open-orders complete if it is all"
    )
    return ReadState.PARTIAL


def _note_unknown_statuses(orders: list[VenueOrder], notes: list[str]) -> None:
    words = sorted({order.raw_status or "(none)" for order in orders if order.status is None})
    if words:
        notes.append(f"venue status not certain, only fills are judged: {', '.join(words[:10])}")


def _note_order_of_reads(exports: Mapping[Source, Export], local: Local, notes: list[str]) -> None:
    local_at, venue_at = exports[Source.LOCAL].read_at, exports[Source.VENUE].read_at
    if to_ns(local_at) > to_ns(venue_at):
        notes.append(
            f"the bot's file ({local_at}) is younger than the venue's ({venue_at}): what happened between them looks "
            "like drift; export the bot's side first"
        )
    later = [
        one for one in local.orders if one.last_activity_at and to_ns(one.last_activity_at) > to_ns(venue_at)
    ]
    if later:
        notes.append(
            f"{len(later)} local orders were active after the venue's file was read ({venue_at}) and will not be "
            "judged; if that time is wrong, say --venue-read-at"
        )


def _note_matches(snapshot: Snapshot, notes: list[str]) -> None:
    """Two files that name none of the same orders are almost always one column taken for another."""
    venue_orders = snapshot.venue.open_orders.rows + snapshot.venue.history.orders
    venue_ids = {known_id(order.venue_order_id) for order in venue_orders} - {None}
    client_ids = {known_client_id(order.client_order_id) for order in venue_orders} - {None}
    orders = snapshot.local.orders
    named = sum(_is_named(order, venue_ids, client_ids) for order in orders)
    notes.append(f"{named} of {len(orders)} local orders are named in the venue file")
    if orders and venue_orders and not named:
        notes.append("none at all: is an id column taken for another? say --map local.venue_order_id=COLUMN")


def _is_named(order: LocalOrder, venue_ids: set[str | None], client_ids: set[str | None]) -> bool:
    return known_id(order.venue_order_id) in venue_ids or known_client_id(order.client_order_id) in client_ids


def _checked(snapshot: Snapshot, columns: Mapping[Source, Columns]) -> Snapshot:
    """The document's own checks; a fault in a row is told by the file's row instead of the snapshot's path."""
    try:
        return check_snapshot(snapshot)
    except InputError as fault:
        match = _ROW_PATH.fullmatch(fault.path)
        if match is None:
            raise
        source = columns[_ROW_SOURCES[match[1]]]
        place = source.place(source.rows.rows[int(match[2])])
        raise InputError(
            _rows_for_paths(fault.message, source), f"{place}, {match[3]}".rstrip(", ")
        ) from fault


def _rows_for_paths(message: str, source: Columns) -> str:
    return re.sub(
        r"\$\.local\.\w+\[(\d+)\](\.\w+)?",
        lambda match: source.place(source.rows.rows[int(match[1])]),
        message,
    )
