"""The straight path of discovery: an acknowledged order of which nothing, or a plain part, was filled.

Most discovered orders are such. What the stages decide of any order (`discover_orders`, `insert_order`, the fold) comes
to the same rows here, made at once: without a judgement, and with every id read once. Where anything else has a say (an
ownership rule, a pattern, a trade, a stray fill, a replacement, a person), the plan has no straight path at all.
"""

from msgspec.structs import replace

from trueup.core.draft import Draft
from trueup.core.infer_fill import Growth, infer_growth
from trueup.model.plan import Break, Correction, Notification
from trueup.model.reasons import Reason
from trueup.model.snapshot import LocalOrder, VenueOrder
from trueup.model.vocabulary import (
    Action,
    BreakKind,
    CorrectionKind,
    Extent,
    NotificationKind,
    Severity,
    Side,
    Status,
)

_BREAK_OF = "-" + BreakKind.MISSING_LOCALLY
# plain text in what a break shows: the garbage collector need not look at it
_WORD = {one: one.value for one in (*Side, *Status)}
# read once: until Python 3.12 a member read through its class costs as much as a small function
_MISSING_LOCALLY = BreakKind.MISSING_LOCALLY
_WARN = Severity.WARN
_NOT_KNOWN_LOCALLY, _INFERRED_FROM_CUMULATIVE = Reason.NOT_KNOWN_LOCALLY, Reason.INFERRED_FROM_CUMULATIVE
_INSERT_ORDER, _BOOK_FILL = CorrectionKind.INSERT_ORDER, CorrectionKind.BOOK_FILL
_DISCOVERED = NotificationKind.DISCOVERED
_ENTRY_FILL, _EXIT_FILL = NotificationKind.ENTRY_FILL, NotificationKind.EXIT_FILL
_ENTRY, _EXIT = Action.ENTRY, Action.EXIT
_BUY, _SELL = Side.BUY, Side.SELL
_PENDING_NEW, _PARTIALLY_FILLED = Status.PENDING_NEW, Status.PARTIALLY_FILLED


def symbols_inserted_plainly(draft: Draft, records: list[VenueOrder]) -> frozenset[str]:
    """The symbols whose unmatched records may take the straight path: none where more than the records has a say."""
    local, venue = draft.snapshot.local, draft.venue
    others = (
        draft.account_changed,
        draft.policy.has_ownership_rule,
        draft.pattern,
        draft.trades,
        draft.stray_fills,
        draft.ids_in_local_fills,
        draft.known_client_ids,
        local.decisions,
        venue.predecessor_of,
        venue.read_at_of,
    )
    if local.extent is not Extent.ALL or any(others):
        return frozenset()
    symbols = {record.symbol for record in records}
    return frozenset(one for one in symbols if one is not None and not draft.is_unmapped(one))


def insert_plainly(draft: Draft, venue_id: str, client_id: str, record: VenueOrder) -> bool:
    """Insert the order, by its comparable ids, if it is plain. False: it is not, and nothing was done."""
    if not _is_plain(draft, client_id, record):
        return False
    order = _row_of(record)
    growth = None
    if record.status is _PARTIALLY_FILLED:
        inferred_at = record.updated_at or draft.venue.open_read_at or draft.snapshot.taken_at
        growth = infer_growth(order, record, account_id=draft.profile.account_id, inferred_at=inferred_at)
        if growth is None:
            return False
    digest_id = draft.digest_of_venue_id(venue_id)
    break_id = digest_id + _BREAK_OF
    _insert(draft, order, digest_id, break_id, record.filled_qty)
    if growth is None:
        draft.add_named_order(order, venue_id, client_id)
        draft.correction_count[digest_id] = 1
        _tell(draft, order, digest_id + "-0-discovered-0", _DISCOVERED)
    else:
        filled_qty, average = growth.filled_qty, growth.filled_avg_price
        order = replace(order, filled_qty=filled_qty, filled_avg_price=average)
        index = draft.add_named_order(order, venue_id, client_id)
        draft.add_fill(index, growth.row)
        draft.correction_count[digest_id] = 2
        _book(draft, order, digest_id, break_id, growth)
    return True


def _is_plain(draft: Draft, client_id: str, record: VenueOrder) -> bool:
    submitted_at, filled_qty = record.submitted_at, record.filled_qty
    return (
        record.side is not None
        and (
            record.status is _PARTIALLY_FILLED
            or (record.status is _PENDING_NEW and (filled_qty == "0" or filled_qty is None))
        )
        and record.intent is None
        and record.position_side is None
        and (submitted_at is None or submitted_at < draft.window_start(draft.venue.open_read_at))
        and client_id not in draft.index_by_client_id
    )


def _row_of(record: VenueOrder) -> LocalOrder:
    """The row to insert, with nothing booked."""
    side = record.side or _BUY  # a plain record has one
    return LocalOrder(
        client_order_id=record.client_order_id,
        venue_order_id=record.venue_order_id,
        sub_tag=record.sub_tag,
        symbol=record.symbol,
        side=side,
        action=_EXIT if side is _SELL else _ENTRY,
        order_type=record.order_type,
        qty=record.qty,
        limit_price=record.limit_price,
        stop_price=record.stop_price,
        status=record.status or _PENDING_NEW,
        submitted_at=record.submitted_at,
        venue_updated_at=record.updated_at,
    )


def _insert(draft: Draft, order: LocalOrder, digest_id: str, break_id: str, filled_qty: str | None) -> None:
    side, status = _WORD[order.side], _WORD[order.status]
    draft.break_versions[break_id] = 1
    draft.breaks.append(
        Break(
            break_id=break_id,
            kind=_MISSING_LOCALLY,
            severity=_WARN,
            symbol=order.symbol,
            client_order_id=order.client_order_id,
            venue_order_id=order.venue_order_id,
            trade_id=None,
            reason=_NOT_KNOWN_LOCALLY,
            message=f"unknown locally: {side} {order.qty} {order.symbol} {status} at the venue",
            venue={"status": status, "qty": order.qty, "filled_qty": filled_qty},
            corrected=True,
        )
    )
    draft.corrections.append(
        Correction(
            correction_id=digest_id + "-0.1",
            break_id=break_id,
            kind=_INSERT_ORDER,
            reason=_NOT_KNOWN_LOCALLY,
            client_order_id=order.client_order_id,
            venue_order_id=order.venue_order_id,
            trade_id=None,
            expected_version=0,
            changes=order,
        )
    )


def _book(draft: Draft, order: LocalOrder, digest_id: str, break_id: str, growth: Growth) -> None:
    """What was filled, as one inferred fill; `order` as it stands with it."""
    draft.corrections.append(
        Correction(
            correction_id=digest_id + "-0.2",
            break_id=break_id,
            kind=_BOOK_FILL,
            reason=_INFERRED_FROM_CUMULATIVE,
            client_order_id=order.client_order_id,
            venue_order_id=order.venue_order_id,
            trade_id=None,
            expected_version=0,
            fill=growth.change,
        )
    )
    kind = _ENTRY_FILL if order.action is _ENTRY else _EXIT_FILL
    _tell(draft, order, f"{digest_id}-0-discovered-{order.filled_qty}", _DISCOVERED)
    _tell(draft, order, f"{digest_id}-0-{kind}-{order.filled_qty}", kind, growth)


def _tell(
    draft: Draft,
    order: LocalOrder,
    notification_id: str,
    kind: NotificationKind,
    growth: Growth | None = None,
) -> None:
    draft.notifications.append(
        Notification(
            notification_id=notification_id,
            kind=kind,
            client_order_id=order.client_order_id,
            venue_order_id=order.venue_order_id,
            trade_id=None,
            qty=None if growth is None else growth.row.qty,
            price=None if growth is None else growth.price,
            cumulative_qty=order.filled_qty,
            cumulative_avg_price=order.filled_avg_price,
            reason=_NOT_KNOWN_LOCALLY if growth is None else None,
        )
    )
