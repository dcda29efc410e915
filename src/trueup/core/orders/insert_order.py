"""How a venue order that has no local row becomes one: the row, then its fills, then what the executor is told.

Used by discovery, coverage and exit backfill; what may be inserted is theirs to decide.
"""

from msgspec import Struct
from msgspec.structs import replace

from trueup.core.draft.facts import Facts
from trueup.core.draft.local_side import LocalSide
from trueup.core.draft.outcome import RunOutcome
from trueup.core.draft.venue_side import VenueSide
from trueup.core.orders.derive_action import derive_action, map_trade
from trueup.core.orders.is_by_notional import base_qty
from trueup.core.orders.is_free import is_free
from trueup.core.orders.judge_fills_of import cumulative_of, judge_fills_of
from trueup.core.orders.judgement import Judgement, notify_growth
from trueup.model.errors import InvariantError
from trueup.model.ids import contradict, known_client_id, known_id
from trueup.model.money import ZERO, amount, amount_or_none, exceeds, is_zero
from trueup.model.plan import Standing
from trueup.model.reasons import Reason
from trueup.model.snapshot import LocalOrder, VenueOrder
from trueup.model.vocabulary import (
    CUT_SHORT,
    Action,
    BreakKind,
    CorrectionKind,
    NotificationKind,
    Status,
)


class Insertion(Struct, frozen=True, kw_only=True):
    """What the caller decided of the new row. `trade_id` and `action` null: derived here, where they can be."""

    break_kind: BreakKind
    correction_kind: CorrectionKind = CorrectionKind.INSERT_ORDER
    reason: Reason
    message: str
    trade_id: str | None = None
    action: Action | None = None
    notify_discovery: bool = True


def insert_order(
    facts: Facts,
    local: LocalSide,
    venue: VenueSide,
    outcome: RunOutcome,
    record: VenueOrder,
    insertion: Insertion,
) -> int:
    """Insert the order, book its fills, notify. Returns the new order's index."""
    order = _new_order(facts, local, venue, record, insertion)
    index = local.add_order(order)
    if venue.stray_fills:
        _adopt_fills(venue, index, record)
    judgement = Judgement(facts, local, venue, outcome, index, record)
    judgement.found(
        insertion.break_kind,
        insertion.reason,
        insertion.message,
        venue=Standing(record.status, record.qty, record.filled_qty),
        corrected=True,
    )
    judgement.correct(insertion.correction_kind, insertion.break_kind, insertion.reason, changes=order)
    if record.filled_qty is None:
        filled = record.status is not Status.PENDING_NEW
    else:
        filled = not is_zero(record.filled_qty)
    if filled or index in venue.fills_of:
        cumulative, _ = cumulative_of(judgement, record)
        judge_fills_of(judgement, record, cumulative=cumulative, book_as=insertion.break_kind)
    if insertion.notify_discovery:
        judgement.notify(NotificationKind.DISCOVERED, insertion.reason)
    notify_growth(judgement)
    if record.status in CUT_SHORT and insertion.notify_discovery:
        judgement.notify(NotificationKind.CANCEL, record.status_reason or record.status)
    judgement.commit()
    return index


def is_insertable(record: VenueOrder) -> bool:
    """Whether the record says enough to make a row of it."""
    return record.symbol is not None and record.side is not None and record.status is not None


def draft_order(
    facts: Facts,
    local: LocalSide,
    venue: VenueSide,
    record: VenueOrder,
    *,
    trade_id: str | None = None,
    action: Action | None = None,
    sub_tag: str | None = None,
) -> LocalOrder:
    """The row that an insertable record becomes; without its client order id where another order has that."""
    if record.side is None or record.status is None:
        raise InvariantError(f"order {record.venue_order_id} is not insertable")
    client_id = known_client_id(record.client_order_id)
    taken = client_id is None or not is_free(local, venue, client_id)
    return LocalOrder(
        client_order_id=None if taken else record.client_order_id,
        venue_order_id=record.venue_order_id,
        trade_id=trade_id,
        sub_tag=record.sub_tag or sub_tag,
        symbol=record.symbol,
        side=record.side,
        action=action,
        order_type=record.order_type,
        qty=base_qty(record),
        limit_price=record.limit_price,
        stop_price=record.stop_price,
        status=_status(facts, record, record.status),
        submitted_at=record.submitted_at,
        venue_updated_at=record.updated_at,
        position_side=record.position_side,
        by_notional=record.by_notional,
    )


def _new_order(
    facts: Facts, local: LocalSide, venue: VenueSide, record: VenueOrder, insertion: Insertion
) -> LocalOrder:
    """The row with its trade and action: the caller's, else its predecessor's, else derived."""
    before = _predecessor(local, venue, record) if venue.predecessor_of else None
    trade_id = insertion.trade_id or (before.trade_id if before is not None else None)
    action = insertion.action or (before.action if before is not None else None)
    row = draft_order(
        facts,
        local,
        venue,
        record,
        trade_id=trade_id,
        action=action,
        sub_tag=before.sub_tag if before is not None else None,
    )
    if trade_id is None:
        mapped = map_trade(facts, local, venue, row, record)
        row = row if mapped is None else replace(row, trade_id=mapped)
    return row if action is not None else replace(row, action=derive_action(facts, local, row, record))


def _predecessor(local: LocalSide, venue: VenueSide, record: VenueOrder) -> LocalOrder | None:
    index = local.local_index(venue.predecessor_of.get(known_id(record.venue_order_id) or ""))
    return None if index is None else local.orders[index]


def _status(facts: Facts, record: VenueOrder, status: Status) -> Status:
    """The venue's status, unless it says more, or less, than its own quantities do."""
    filled = amount_or_none(record.filled_qty)
    if filled is None or status not in (Status.PENDING_NEW, Status.FILLED):
        return status
    qty = None if record.by_notional else base_qty(record)
    below = qty is not None and exceeds(amount(qty) - facts.tolerance(record.symbol), filled)
    if status is Status.FILLED and not below:
        return status
    return Status.PARTIALLY_FILLED if filled > ZERO else Status.PENDING_NEW


def _adopt_fills(venue: VenueSide, index: int, record: VenueOrder) -> None:
    venue_id = known_id(record.venue_order_id)
    mine = [
        fill
        for fill in venue.stray_fills
        if venue_id is not None and known_id(fill.venue_order_id) == venue_id and not contradict(fill, record)
    ]
    if mine:
        venue.fills_of[index] = mine
        venue.stray_fills = [fill for fill in venue.stray_fills if known_id(fill.venue_order_id) != venue_id]
