"""Puts the two sides of a snapshot together from exports, and notes everything that was decided on the way.

What a file cannot prove is not claimed: the venue's history counts as partial unless the user says since when it is
whole, a page that looks cut off makes the open orders partial, and what was not given is a read that failed.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from trueup.exports.columns import Columns, take_columns
from trueup.exports.freqtrade import is_dump, orders_of, with_sums
from trueup.exports.kraken import described
from trueup.exports.link_fills import link_fills
from trueup.exports.mapping import Mapping as Mapped
from trueup.exports.meanings import Source
from trueup.exports.read_holdings import quote_rows, read_fills, read_positions, read_trades
from trueup.exports.read_orders import LocalRows, read_local_orders, read_venue_orders
from trueup.exports.read_rows import Parts, read_rows, with_legs
from trueup.exports.read_texts import read_action
from trueup.exports.say_silent import say_silent
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
    VenueAnswer,
    VenueOrder,
)
from trueup.model.times import to_ns
from trueup.model.vocabulary import LIVE, TERMINAL, Extent, Outcome, QueryBy, ReadFault, ReadState

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
    mapping: Mapped = Mapped()
    extent: Extent = Extent.ALL
    open_orders_state: ReadState | None = None  # null: judged by the page's size
    history_since: str | None = None  # since when the venue's files are whole


class Imported(Struct, frozen=True):
    """The snapshot, what each file's columns were taken for, and what a person should know."""

    snapshot: Snapshot
    columns: list[Columns]
    notes: list[str]


def make_snapshot(exports: Mapping[Source, Export], settings: Settings) -> Imported:
    """Needs a local and a venue's file. Raises InputError with the file and row for whatever is not certain."""
    columns = {
        source: take_columns(
            source, read_rows(export.data, export.name, _PARTS.get(source, _rows_in)), settings.mapping
        )
        for source, export in exports.items()
    }
    notes = [note for one in columns.values() for note in one.notes]
    _note_sides(columns, notes)
    venue = _venue(columns, exports, settings, notes)
    local = _local(columns, exports, settings, venue, notes)
    snapshot = Snapshot(
        format=SNAPSHOT_FORMAT,
        taken_at=settings.taken_at or max(export.read_at for export in exports.values()),
        profile=settings.profile,
        policy=settings.policy,
        instruments=settings.instruments,
        local=local,
        venue=venue,
    )
    _note_order_of_reads(exports, snapshot.local, notes)
    _note_matches(snapshot, notes)
    return Imported(_checked(snapshot, columns), list(columns.values()), notes)


def _orders_in(item: dict[str, Any]) -> Iterator[dict[str, Any]]:
    return orders_of(item) if is_dump(item) else _rows_in(item)


def _rows_in(item: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Of a message of Alpaca's stream the order, as it stood then."""
    return with_legs(described(item["order"] if _is_event(item) else item))


def _fills_in(item: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Of a message of Alpaca's stream the execution; none where it told of none."""
    if not _is_event(item):
        yield from with_legs(described(item))
    elif item.get("execution_id") is not None and item.get("qty") is not None:
        order = {key: item["order"].get(key) for key in ("client_order_id", "symbol", "side")}
        told = {key: item.get(key) for key in ("execution_id", "qty", "price", "timestamp")}
        yield order | told | {"order_id": item["order"].get("id")}


def _is_event(item: dict[str, Any]) -> bool:
    return "event" in item and isinstance(item.get("order"), dict)


def _trades_in(item: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield with_sums(item) if is_dump(item) else item


_PARTS: Mapping[Source, Parts] = {
    Source.LOCAL: _orders_in,
    Source.TRADES: _trades_in,
    Source.FILLS: _fills_in,
    Source.LOCAL_FILLS: _fills_in,
}


def _local(
    columns: Mapping[Source, Columns],
    exports: Mapping[Source, Export],
    settings: Settings,
    venue: Venue,
    notes: list[str],
) -> Local:
    utc, own = settings.mapping.assume_utc, columns[Source.LOCAL]
    rows = read_local_orders(own, assume_utc=utc)
    fills, left_out = link_fills(_fills(columns, Source.LOCAL_FILLS, settings), [])
    _note_left_out(left_out, columns.get(Source.LOCAL_FILLS), notes)
    _note_silence(rows, own, notes)
    answered = [answer.order for answer in venue.answers if answer.order is not None]
    orders = say_silent(
        rows,
        fills,
        [*venue.open_orders.rows, *venue.history.orders, *answered],
        venue.history.fills,
        tells_average=bool({"filled_avg_price", "price"} & own.taken.keys()),
        place=lambda index: own.place(own.rows.rows[index]),
    )
    return Local(
        read_at=exports[Source.LOCAL].read_at,
        extent=settings.extent,
        orders=orders,
        fills=fills,
        trades=read_trades(columns[Source.TRADES], assume_utc=utc) if Source.TRADES in columns else [],
    )


def _venue(
    columns: Mapping[Source, Columns], exports: Mapping[Source, Export], settings: Settings, notes: list[str]
) -> Venue:
    utc = settings.mapping.assume_utc
    given = Source.VENUE in columns
    orders = _orders(columns[Source.VENUE], utc, notes) if given else []
    fills, left_out = link_fills(_fills(columns, Source.FILLS, settings), orders)
    _note_left_out(left_out, columns.get(Source.FILLS), notes)
    _note_unknown_statuses(orders, notes)
    state = ReadState.FAILED
    if given:
        state = settings.open_orders_state or _judged_state(len(orders), notes)
    live = [order for order in orders if order.status in LIVE]
    past = [order for order in orders if order.status in TERMINAL]
    read_at = exports[Source.VENUE if given else Source.FILLS].read_at
    return Venue(
        open_orders=OrdersRead(state=state, read_at=read_at, rows=live, error=None if given else NOT_READ),
        history=_history(past, fills, state, read_at, settings.history_since),
        positions=_positions(columns, exports),
        answers=[answer for order in orders if (answer := _answer(order, read_at)) is not None],
    )


def _orders(columns: Columns, utc: bool, notes: list[str]) -> list[VenueOrder]:
    """A row that leaves symbol, side and status empty where the file has all three is a line of totals, no order."""
    orders = read_venue_orders(columns, assume_utc=utc)
    if not {"symbol", "side", "status"} <= columns.taken.keys():
        return orders
    kept = [one for one in orders if one.symbol or one.side or one.raw_status]
    if len(kept) < len(orders):
        notes.append(
            f"left out of {columns.rows.name}, for they have no symbol, side or status: {len(orders) - len(kept)} of "
            "its rows (a line of totals?)"
        )
    return kept


def _answer(order: VenueOrder, read_at: str) -> VenueAnswer | None:
    """An order whose status is not known is on no list: only what it filled is known, as of an order asked for."""
    if order.status is not None:
        return None
    by, order_id = QueryBy.VENUE_ORDER_ID, order.venue_order_id
    if order_id is None:
        by, order_id = QueryBy.CLIENT_ORDER_ID, order.client_order_id
    if order_id is None:
        return None
    return VenueAnswer(by=by, id=order_id, outcome=Outcome.FOUND, read_at=read_at, order=order)


def _fills(columns: Mapping[Source, Columns], source: Source, settings: Settings) -> list[Fill]:
    return read_fills(columns[source], assume_utc=settings.mapping.assume_utc) if source in columns else []


def _history(
    orders: list[VenueOrder], fills: list[Fill], open_state: ReadState, read_at: str, since: str | None
) -> HistoryRead:
    """Whole only where the user says since when; a gap is unproven, never clean."""
    if not orders and not fills and since is None:
        return HistoryRead(error=NOT_READ, fault=ReadFault.NOT_GIVEN)
    whole = since is not None and open_state is ReadState.COMPLETE
    state = ReadState.COMPLETE if whole else ReadState.PARTIAL
    return HistoryRead(state=state, read_at=read_at, since=since, orders=orders, fills=fills)


def _positions(columns: Mapping[Source, Columns], exports: Mapping[Source, Export]) -> PositionsRead:
    if Source.POSITIONS not in columns:
        return PositionsRead(error=NOT_READ, fault=ReadFault.NOT_GIVEN)
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


def _note_silence(rows: LocalRows, columns: Columns, notes: list[str]) -> None:
    if rows.silent:
        notes.append(
            f"{len(rows.silent)} local orders do not say what filled: their filled quantity is not compared; if a "
            "column does, say --map local.filled_qty=COLUMN"
        )
    said = {columns.text(row, "action") for row in columns.rows.rows} - {None}
    unknown = sorted(word for word in said if word is not None and read_action(word) is None)
    if unknown:
        notes.append(
            f"no action is taken from {' and '.join(columns.taken['action'])}: {', '.join(unknown[:10])} say neither "
            "entry nor exit; say --value local.action.WORD=entry"
        )


def _note_left_out(left_out: int, columns: Columns | None, notes: list[str]) -> None:
    if columns is None:
        return
    if left_out:
        notes.append(
            f"left out of {columns.rows.name}, for they name no order and fit none alone and whole: {left_out} of its "
            "fills (give the orders with --venue; their own filled quantity is judged)"
        )
    if (in_quote := quote_rows(columns)) > 0:
        notes.append(
            f"left out of {columns.rows.name}, for their quantity is in quote currency only: {in_quote} of its fills"
        )


def _note_sides(columns: Mapping[Source, Columns], notes: list[str]) -> None:
    """A venue's download as the bot's word is almost always the two files exchanged."""
    for source in (Source.LOCAL, Source.LOCAL_FILLS):
        form = columns[source].form if source in columns else None
        if form is not None and not form.is_bots:
            notes.append(
                f"{columns[source].rows.name} is {form.name}, the venue's own word, given as the bot's: are the files "
                "exchanged?"
            )


def _note_order_of_reads(exports: Mapping[Source, Export], local: Local, notes: list[str]) -> None:
    local_at = exports[Source.LOCAL].read_at
    venue_at = exports[Source.VENUE if Source.VENUE in exports else Source.FILLS].read_at
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
    answered = [answer.order for answer in snapshot.venue.answers if answer.order is not None]
    venue_orders = snapshot.venue.open_orders.rows + snapshot.venue.history.orders + answered
    venue_ids = {known_id(order.venue_order_id) for order in venue_orders} - {None}
    client_ids = {known_client_id(order.client_order_id) for order in venue_orders} - {None}
    orders = snapshot.local.orders
    named = sum(_is_named(order, venue_ids, client_ids) for order in orders)
    if not venue_orders:
        return
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
