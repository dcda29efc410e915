"""The straight path of discovery: an acknowledged order of which nothing was filled, and that nothing else speaks of.

Most discovered orders are such. What the stages decide of any order (`discover_orders`, `insert_order`) comes to the
same rows here, made at once: without a judgement, and with every id read once. Where anything else has a say (an
ownership rule, a pattern, a trade, a stray fill, a replacement, a person), the plan has no straight path at all.
"""

from collections.abc import Sequence

from trueup.core.draft import SEVERITY_OF, Draft
from trueup.model.ids import comparable_client_ids, known_client_id
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

_KIND, _REASON = BreakKind.MISSING_LOCALLY, Reason.NOT_KNOWN_LOCALLY
_SEVERITY = SEVERITY_OF.get(_KIND, Severity.WARN)


def _has_straight_path(draft: Draft) -> bool:
    """Whether records alone decide what becomes of unmatched orders."""
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
    return local.extent is Extent.ALL and not any(others)


def find_plain(draft: Draft, records: Sequence[VenueOrder]) -> list[bool]:
    """Which of the unmatched records the straight path can take; read column by column, once."""
    if not records or not _has_straight_path(draft):
        return [False] * len(records)
    venue, known = draft.venue, draft.index_by_client_id
    client_ids = comparable_client_ids([record.client_order_id for record in records])
    symbols = {one for one in {record.symbol for record in records} if one and not draft.is_unmapped(one)}
    window_start = draft.window_start(venue.open_read_at)
    return [
        record.status is Status.PENDING_NEW
        and (record.filled_qty == "0" or record.filled_qty is None)
        and record.symbol in symbols
        and record.side is not None
        and record.intent is None
        and record.position_side is None
        and (record.submitted_at is None or record.submitted_at < window_start)
        and client_id is not None
        and client_id not in known
        and not venue.is_shared(client_id)
        for client_id, record in zip(client_ids, records, strict=True)
    ]


def insert_plainly(draft: Draft, venue_id: str, record: VenueOrder) -> None:
    """Insert the order, by its comparable id, with its break, correction and notification."""
    side = record.side or Side.BUY  # a plain record has one
    order = _row_of(record, side)
    draft.add_named_order(order, venue_id, known_client_id(record.client_order_id))
    _tell(draft, order, record, draft.digest_of_venue_id(venue_id))


def _row_of(record: VenueOrder, side: Side) -> LocalOrder:
    return LocalOrder(
        client_order_id=record.client_order_id,
        venue_order_id=record.venue_order_id,
        sub_tag=record.sub_tag,
        symbol=record.symbol,
        side=side,
        action=Action.EXIT if side is Side.SELL else Action.ENTRY,
        order_type=record.order_type,
        qty=record.qty,
        limit_price=record.limit_price,
        stop_price=record.stop_price,
        status=Status.PENDING_NEW,
        submitted_at=record.submitted_at,
        venue_updated_at=record.updated_at,
    )


def _tell(draft: Draft, order: LocalOrder, record: VenueOrder, digest_id: str) -> None:
    break_id = digest_id + "-" + _KIND
    draft.break_versions[break_id] = order.version
    draft.correction_count[digest_id] = 1
    draft.breaks.append(
        Break(
            break_id=break_id,
            kind=_KIND,
            severity=_SEVERITY,
            symbol=order.symbol,
            client_order_id=order.client_order_id,
            venue_order_id=order.venue_order_id,
            trade_id=None,
            reason=_REASON,
            message=f"unknown locally: {order.side} {order.qty} {order.symbol} {order.status} at the venue",
            venue={"status": record.status, "qty": record.qty, "filled_qty": record.filled_qty},
            corrected=True,
        )
    )
    draft.corrections.append(
        Correction(
            correction_id=digest_id + "-0.1",
            break_id=break_id,
            kind=CorrectionKind.INSERT_ORDER,
            reason=_REASON,
            client_order_id=order.client_order_id,
            venue_order_id=order.venue_order_id,
            trade_id=None,
            expected_version=0,
            changes=order,
        )
    )
    draft.notifications.append(
        Notification(
            notification_id=digest_id + "-0-discovered-0",
            kind=NotificationKind.DISCOVERED,
            client_order_id=order.client_order_id,
            venue_order_id=order.venue_order_id,
            trade_id=None,
            cumulative_qty="0",
            reason=_REASON,
        )
    )
