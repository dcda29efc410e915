"""A bot's write of one order, its fills and its trade, with their rows of the order log, in one transaction; or a
person's. What it reports and tells is committed with it.

What changes is decided by the caller's pure function; this finds, compares, writes. A write that changes nothing writes
nothing, so that a repeated message is harmless.
"""

from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from trueup.ledgers.journal.journal_rows import encode, write_breaks, write_notifications
from trueup.ledgers.journal.order_log import BOT, PERSON
from trueup.ledgers.journal.write_log import SqlOrderLog
from trueup.ledgers.sql.database import Database
from trueup.ledgers.sql.home import home_of
from trueup.ledgers.sql.rows import (
    FILL_ROWS,
    ORDER_ROWS,
    TRADE_ROWS,
    amendable_values,
    canonical_fill,
    canonical_order,
    canonical_trade,
    fill_identity,
    json_list,
    one_document,
)
from trueup.model.errors import Conflict
from trueup.model.ids import are_apart, known_client_id, known_id, normal_id
from trueup.model.snapshot import Fill, LocalOrder
from trueup.ports.book_rows import FillIdentity, FillRow, OrderRow, OrderWrite, Place, TradeRow, TradeWrite
from trueup.ports.books import Books, LocalRecord

Change = Callable[[LocalRecord, str], LocalRecord]


class _Found(Struct):
    order: OrderRow | None
    fills: list[FillRow]
    trade: TradeRow | None
    record: LocalRecord


def write_record(
    database: Database,
    books: Books,
    profile_id: str,
    event: str,
    change: Change,
    *,
    client_order_id: str | None,
    venue_order_id: str | None,
    trade_id: str | None,
    symbol: str | None = None,
    author: str | None = None,
    reason: str | None = None,
) -> LocalRecord:
    """Raises Conflict where the ids name two orders, one of another profile, or a fill of another order."""
    with database.transaction():
        home = home_of(database, profile_id)
        place = home.place
        order = _find_order(database, place, client_order_id, venue_order_id, symbol)
        is_trade_alone = client_order_id is None and venue_order_id is None
        found = _find(database, place, order, trade_id, is_trade_alone=is_trade_alone)
        wanted = change(found.record, place.now)
        orders = _order_writes(database, place, found, wanted)
        trades = _trade_writes(found, wanted)
        if not orders and not trades:
            return found.record
        written_by = BOT if author is None else PERSON + author
        noted = reason or "; ".join(one.message for one in wanted.breaks) or None
        log = SqlOrderLog(database, home, event=event, written_by=written_by, reason=noted)
        books.write(place, orders, trades, log)
        _report(database, place, wanted, written_by)
        after = orders[0].after if orders else found.record.order
        trade = trades[0].after if trades else found.record.trade
        return LocalRecord(order=after, fills=wanted.fills, trade=trade)


def _report(database: Database, place: Place, wanted: LocalRecord, written_by: str) -> None:
    if wanted.breaks:
        write_breaks(database, place.profile_id, encode(wanted.breaks), place.now, written_by)
    if wanted.notifications:
        write_notifications(database, place.profile_id, encode(wanted.notifications), place.now, written_by)


def _find_order(
    database: Database,
    place: Place,
    client_order_id: str | None,
    venue_order_id: str | None,
    symbol: str | None,
) -> OrderRow | None:
    """By the venue order id, in the symbol's instrument; else by the client's, unless that order is bound to another
    venue order.
    """
    client_id, venue_id = known_client_id(client_order_id), known_id(venue_order_id)
    wanted = json_list([venue_id] if venue_id else []), json_list([client_id] if client_id else [])
    rows = one_document(database.rows("orders_by_ids", place.account_id, *wanted), ORDER_ROWS)
    of_client = next(
        (r for r in rows if client_id and known_client_id(r.order.client_order_id) == client_id), None
    )
    instrument = symbol or (None if of_client is None else of_client.order.symbol)
    named = [r for r in rows if venue_id and venue_id in _venue_ids(r.order)]
    of_venue = _of_instrument([r for r in named if not are_apart(r.order.symbol, instrument)], venue_order_id)
    if of_client is None and of_venue is not None and client_id is not None:
        _refuse_another(of_venue.order, client_id, venue_id)
    found = of_venue or of_client
    if found is not None and found.profile_id != place.profile_id:
        raise Conflict(
            f"order {venue_order_id or client_order_id!r} of account {place.account_id} belongs to profile "
            f"{found.profile_id}, not {place.profile_id}: give each bot its own client order id prefix"
        )
    unclear = of_client is not None and of_client is not of_venue and venue_id is not None
    if (
        of_client is not None
        and unclear
        and (of_venue is None) == (of_client.order.venue_order_id is not None)
    ):
        raise Conflict(
            f"client order id {client_order_id!r} is recorded with venue order {of_client.order.venue_order_id!r}, "
            f"not {venue_order_id!r}: record a replacement with record_replaced, or compare both with the venue"
        )
    return found


def _refuse_another(order: LocalOrder, client_id: str, venue_id: str | None) -> None:
    """Whom the caller means was never recorded: the number is that of another order, perhaps of another instrument."""
    own_id = known_client_id(order.client_order_id)
    if own_id not in (None, client_id) and known_id(order.venue_order_id) == venue_id:
        raise Conflict(
            f"venue order {order.venue_order_id!r} is recorded under the client order id {order.client_order_id!r}, "
            f"not {client_id!r}: record each order before it is sent, under the id that it is sent with"
        )


def _of_instrument(rows: list[OrderRow], venue_order_id: str | None) -> OrderRow | None:
    """At some exchanges orders of several instruments have one number: it alone does not say which is meant."""
    if len(rows) > 1:
        raise Conflict(
            f"orders of several instruments have the venue order id {venue_order_id!r}: name the client order id, too"
        )
    return rows[0] if rows else None


def _venue_ids(order: LocalOrder) -> list[str]:
    return [
        normal_id(one) for one in (order.venue_order_id, *order.previous_venue_order_ids) if one is not None
    ]


def _find(
    database: Database, place: Place, order: OrderRow | None, trade_id: str | None, *, is_trade_alone: bool
) -> _Found:
    """The order with its fills; or a trade alone, where it is new with the fills of all orders that name it."""
    named = trade_id if trade_id is not None else order.order.trade_id if order is not None else None
    trades: list[TradeRow] = []
    siblings: list[OrderRow] = []
    if named is not None:
        wanted = json_list([normal_id(named)])
        trades = one_document(database.rows("trades_by_id", place.profile_id, wanted), TRADE_ROWS)
        rows = database.rows("orders_of_trade", place.profile_id, normal_id(named))
        siblings = one_document(rows, ORDER_ROWS)
    counted = siblings if is_trade_alone and not trades else [] if order is None else [order]
    keys = json_list(row.order_key for row in counted)
    fills = one_document(database.rows("fills_of_orders", keys), FILL_ROWS) if counted else []
    record = LocalRecord(
        order=None if order is None else order.order,
        fills=[row.fill for row in fills],
        trade=trades[0].trade if trades else None,
        siblings=[row.order for row in siblings if order is None or row.order_key != order.order_key],
    )
    return _Found(order, fills, trades[0] if trades else None, record)


def _order_writes(database: Database, place: Place, found: _Found, wanted: LocalRecord) -> list[OrderWrite]:
    if wanted.order is None:
        return []
    fills = _fill_changes(database, place, found, wanted)
    version = 1 if found.order is None else found.order.order.version + 1
    before = None if found.order is None else found.order.order
    after = replace(canonical_order(wanted.order), version=version, last_activity_at=place.now)
    if before is not None and not any(fills):
        unstamped = replace(after, version=before.version, last_activity_at=before.last_activity_at)
        if unstamped == before:
            return []
    return [OrderWrite(found.order, after, new_fills=fills[0], amended_fills=fills[1])]


def _fill_changes(
    database: Database, place: Place, found: _Found, wanted: LocalRecord
) -> tuple[list[tuple[FillIdentity, Fill]], list[tuple[FillRow, Fill]]]:
    assert wanted.order is not None  # noqa: S101 - the caller has checked it
    booked = {row.fill_identity: row for row in found.fills}
    new, amended = [], []
    for fill in map(canonical_fill, wanted.fills):
        identity = fill_identity(fill, wanted.order)
        row = booked.get(identity[2])
        if row is None:
            new.append((identity, fill))
        elif amendable_values(row.fill) != amendable_values(fill):
            amended.append((row, fill))
    identities = json_list(identity for identity, _ in new)
    rows = database.rows("fills_by_identity", place.account_id, identities) if new else []
    if rows and (taken := one_document(rows, FILL_ROWS)):
        raise Conflict(
            f"fill {taken[0].fill.fill_id} is booked on another order: nothing was written; compare both"
        )
    return new, amended


def _trade_writes(found: _Found, wanted: LocalRecord) -> list[TradeWrite]:
    if wanted.trade is None:
        return []
    before = None if found.trade is None else found.trade.trade
    after = canonical_trade(replace(wanted.trade, version=1 if before is None else before.version + 1))
    if before is not None and replace(after, version=before.version) == before:
        return []
    return [TradeWrite(found.trade, after)]
