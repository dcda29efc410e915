"""The straight path of discovery: an acknowledged order of which nothing, or a plain part, was filled.

Most discovered orders are such. What the stages decide of any order (`discover_orders`, `insert_order`, the fold) comes
to the same rows here, made at once: without a judgement, and with every id read once. Where anything else has a say (an
ownership rule, a pattern, a trade, a stray fill, a replacement, a person), the plan has no straight path at all.
"""

from collections import Counter
from collections.abc import Sequence

from msgspec.structs import replace

from trueup.core.draft import Draft
from trueup.core.infer_fill import Growth, infer_growth
from trueup.core.tell_plainly import tell_plainly
from trueup.model.ids import comparable_client_ids
from trueup.model.plan import Break, Correction
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


class StraightPath:
    """What decides, for all unmatched records of a plan, whether one of them is plain."""

    def __init__(self, draft: Draft, records: Sequence[VenueOrder], client_ids: Sequence[str | None]) -> None:
        self._draft = draft
        symbols = {record.symbol for record in records} if records and _records_alone_decide(draft) else ()
        self._symbols = {one for one in symbols if one is not None and not draft.is_unmapped(one)}
        self._shared = _shared_client_ids(draft, client_ids) if self._symbols else set()
        self._window_start = draft.window_start(draft.venue.open_read_at)

    def insert(self, venue_id: str, client_id: str | None, record: VenueOrder) -> bool:
        """Insert the order, by its comparable ids, if it is plain. False: it is not, and nothing was done."""
        if client_id is None or not self._is_plain(client_id, record):
            return False
        draft, order = self._draft, _row_of(record)
        if record.status is not _PARTIALLY_FILLED:
            _insert(draft, venue_id, client_id, order, record.filled_qty)
            return True
        inferred_at = record.updated_at or draft.venue.open_read_at or draft.snapshot.taken_at
        growth = infer_growth(order, record, account_id=draft.profile.account_id, inferred_at=inferred_at)
        if growth is None:
            return False
        _insert_with_growth(draft, venue_id, client_id, order, record.filled_qty, growth)
        return True

    def _is_plain(self, client_id: str, record: VenueOrder) -> bool:
        status, filled_qty, submitted_at = record.status, record.filled_qty, record.submitted_at
        return (
            record.symbol in self._symbols
            and (
                status is _PARTIALLY_FILLED
                or (status is _PENDING_NEW and (filled_qty == "0" or filled_qty is None))
            )
            and record.side is not None
            and record.intent is None
            and record.position_side is None
            and record.parent_venue_order_id is None
            and (submitted_at is None or submitted_at < self._window_start)
            and client_id not in self._draft.index_by_client_id
            and client_id not in self._shared
        )


def _records_alone_decide(draft: Draft) -> bool:
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


def _shared_client_ids(draft: Draft, client_ids: Sequence[str | None]) -> set[str | None]:
    """Those of these client order ids that name several venue orders."""
    others = [one.client_order_id for one in (*draft.matched, *draft.venue.nameless) if one is not None]
    shared = set(client_ids).intersection(comparable_client_ids(others))
    if len(set(client_ids)) < len(client_ids):
        shared.update(one for one, count in Counter(client_ids).items() if count > 1)
    return shared


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


def _insert(draft: Draft, venue_id: str, client_id: str, order: LocalOrder, filled_qty: str | None) -> None:
    """An order of which nothing was filled."""
    digest_id = draft.digest_of_venue_id(venue_id)
    draft.add_named_order(order, venue_id, client_id)
    _find(draft, order, digest_id, filled_qty)
    tell_plainly(draft, order, digest_id, 0, _DISCOVERED, "0", reason=_NOT_KNOWN_LOCALLY)


def _insert_with_growth(
    draft: Draft, venue_id: str, client_id: str, order: LocalOrder, filled_qty: str | None, growth: Growth
) -> None:
    """An order of which a part was filled: the row with nothing booked, then one inferred fill."""
    digest_id = draft.digest_of_venue_id(venue_id)
    after = replace(order, filled_qty=growth.filled_qty, filled_avg_price=growth.filled_avg_price)
    draft.add_fill(draft.add_named_order(after, venue_id, client_id), growth.row)
    _find(draft, order, digest_id, filled_qty)
    _book(draft, order, digest_id, growth)
    kind = _ENTRY_FILL if order.action is _ENTRY else _EXIT_FILL
    tell_plainly(draft, after, digest_id, 0, _DISCOVERED, after.filled_qty, reason=_NOT_KNOWN_LOCALLY)
    tell_plainly(draft, after, digest_id, 0, kind, after.filled_qty, growth=growth)


def _find(draft: Draft, order: LocalOrder, digest_id: str, filled_qty: str | None) -> None:
    """The break and the correction that mends it. No later stage has more to correct of such an order."""
    break_id = digest_id + _BREAK_OF
    side, status = _WORD[order.side], _WORD[order.status]
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


def _book(draft: Draft, order: LocalOrder, digest_id: str, growth: Growth) -> None:
    draft.corrections.append(
        Correction(
            correction_id=digest_id + "-0.2",
            break_id=digest_id + _BREAK_OF,
            kind=_BOOK_FILL,
            reason=_INFERRED_FROM_CUMULATIVE,
            client_order_id=order.client_order_id,
            venue_order_id=order.venue_order_id,
            trade_id=None,
            expected_version=0,
            fill=growth.change,
        )
    )
