"""The straight path of a matched pair: a live order that grew, without any fill record, or ended, or both.

Most drift is that. What the table of `core.orders.judge_pair` and the fold decide of any pair comes to the same rows
here, made at once: without a judgement, and with every id read once. Where another rule has a say, there is no
straight path.
"""

from typing import Any

from msgspec.structs import replace

from trueup.core.draft.facts import Facts
from trueup.core.draft.local_side import LocalSide
from trueup.core.draft.outcome import RunOutcome
from trueup.core.draft.venue_side import VenueSide
from trueup.core.orders.infer_fill import Growth, infer_growth
from trueup.core.orders.tell_plainly import tell_plainly
from trueup.model.ids import break_id_of, correction_id_of, known_id
from trueup.model.money import canonical
from trueup.model.plan import Break, Correction
from trueup.model.reasons import Reason
from trueup.model.snapshot import LocalOrder, VenueOrder
from trueup.model.status_steps import IN_WORK
from trueup.model.times import is_before
from trueup.model.vocabulary import (
    CUT_SHORT,
    Action,
    BreakKind,
    CorrectionKind,
    NotificationKind,
    Severity,
    Status,
)

# Texts instead of enum members: the garbage collector need not look at dictionaries that hold texts only.
_WORD = {status: status.value for status in Status}
# Until Python 3.12, reading a member through its enum class costs as much as a small function call: read here once.
_WARN = Severity.WARN
_FILL_DRIFT, _STATUS_DRIFT = BreakKind.FILL_DRIFT, BreakKind.STATUS_DRIFT
_VENUE_FILLED_MORE, _VENUE_STATUS_DIFFERS, _INFERRED_FROM_CUMULATIVE = (
    Reason.VENUE_FILLED_MORE,
    Reason.VENUE_STATUS_DIFFERS,
    Reason.INFERRED_FROM_CUMULATIVE,
)
_BOOK_FILL, _SET_STATUS = CorrectionKind.BOOK_FILL, CorrectionKind.SET_STATUS
_ENTRY_FILL, _EXIT_FILL, _CANCEL = (
    NotificationKind.ENTRY_FILL,
    NotificationKind.EXIT_FILL,
    NotificationKind.CANCEL,
)
_ENTRY = Action.ENTRY
_PARTIALLY_FILLED, _FILLED = Status.PARTIALLY_FILLED, Status.FILLED


def judge_plainly(
    facts: Facts, local: LocalSide, venue: VenueSide, outcome: RunOutcome, index: int, record: VenueOrder
) -> bool:
    """Judge the pair if it is plain. False: it is not, and nothing was done."""
    order = local.orders[index]
    if facts.holds or not _is_plain(facts, local, venue, outcome, index, order, record):
        return False
    growth = None
    if record.filled_qty != order.filled_qty:
        inferred_at = record.updated_at or venue.read_at(record) or facts.snapshot.taken_at
        growth = infer_growth(order, record, account_id=facts.profile.account_id, inferred_at=inferred_at)
        if growth is None:
            return False
    elif record.status is order.status or record.filled_avg_price != order.filled_avg_price:
        return False
    after = _stand(order, record, growth)
    local.change_order(index, after)
    outcome.drifted.add(index)
    digest_id = facts.digest_of_ids(order.symbol, known_id(order.venue_order_id) or "")
    if growth is not None:
        _book(local, outcome, index, order, digest_id, growth)
    if record.status is not order.status:
        _set_status(outcome, order, digest_id, record, is_second=growth is not None)
    _notify(outcome, order, after, digest_id, record, growth)
    return True


def _is_plain(
    facts: Facts,
    local: LocalSide,
    venue: VenueSide,
    outcome: RunOutcome,
    index: int,
    order: LocalOrder,
    record: VenueOrder,
) -> bool:
    """Whether ids, terms and statuses leave nothing to judge but growth and end."""
    status = record.status
    return (
        order.status in IN_WORK
        and (
            status in CUT_SHORT
            or status is _PARTIALLY_FILLED
            or (status is _FILLED and record.filled_qty == record.qty)
        )
        and order.venue_order_id is not None
        and order.venue_order_id == record.venue_order_id
        and order.client_order_id == record.client_order_id
        and order.qty == record.qty
        and order.limit_price == record.limit_price
        and order.stop_price == record.stop_price
        and order.symbol is not None
        and order.symbol == record.symbol
        and order.side is record.side
        and order.action is not None
        and record.filled_qty is not None
        and not order.by_notional
        and not record.by_notional
        and index not in local.fills_of
        and index not in venue.fills_of
        and index not in outcome.frozen
        and index not in local.changed_orders
        and not facts.is_unmapped(order.symbol)
        and (order.last_activity_at or "") < facts.window_start(venue.read_at(record))
    )


def _stand(order: LocalOrder, record: VenueOrder, growth: Growth | None) -> LocalOrder:
    """The order as it will stand."""
    updated_at, known_at = record.updated_at, order.venue_updated_at
    if updated_at is None or (known_at is not None and not is_before(known_at, updated_at)):
        updated_at = known_at
    version, status = order.version + 1, record.status or order.status
    if growth is None:
        return replace(order, status=status, version=version, venue_updated_at=updated_at)
    return replace(
        order,
        status=status,
        filled_qty=growth.filled_qty,
        filled_avg_price=growth.filled_avg_price,
        version=version,
        venue_updated_at=updated_at,
    )


def _book(
    local: LocalSide, outcome: RunOutcome, index: int, order: LocalOrder, digest_id: str, growth: Growth
) -> None:
    break_id = digest_id + "-" + _FILL_DRIFT
    _append_break(
        outcome,
        order,
        break_id,
        _FILL_DRIFT,
        _VENUE_FILLED_MORE,
        f"venue reports {growth.filled_qty} of {order.qty} filled, local {order.filled_qty}",
        {"filled_qty": order.filled_qty, "filled_avg_price": order.filled_avg_price},
        {"filled_qty": growth.filled_qty},
    )
    outcome.corrections.append(
        Correction(
            correction_id=correction_id_of(digest_id, order.version, 1),
            break_id=break_id,
            kind=_BOOK_FILL,
            reason=_INFERRED_FROM_CUMULATIVE,
            client_order_id=order.client_order_id,
            venue_order_id=order.venue_order_id,
            trade_id=order.trade_id,
            expected_version=order.version,
            fill=growth.change,
        )
    )
    outcome.correction_count[digest_id] = 1
    local.add_fill(index, growth.row)
    if local.trades and order.action is not None:
        local.trade_moves.note(local, index, order.action, growth_qty=growth.qty, growth_cost=growth.cost)


def _set_status(
    outcome: RunOutcome, order: LocalOrder, digest_id: str, record: VenueOrder, *, is_second: bool
) -> None:
    before, after = _WORD[order.status], _WORD[record.status or order.status]
    break_id = break_id_of(digest_id, _STATUS_DRIFT)
    _append_break(
        outcome,
        order,
        break_id,
        _STATUS_DRIFT,
        _VENUE_STATUS_DIFFERS,
        f"{order.client_order_id or order.venue_order_id} is {before} locally, {after} at the venue",
        {"status": before},
        {"status": after},
    )
    outcome.corrections.append(
        Correction(
            correction_id=correction_id_of(digest_id, order.version, 2 if is_second else 1),
            break_id=break_id,
            kind=_SET_STATUS,
            reason=record.status_reason or _VENUE_STATUS_DIFFERS,
            client_order_id=order.client_order_id,
            venue_order_id=order.venue_order_id,
            trade_id=order.trade_id,
            expected_version=order.version,
            changes={"status": after},
        )
    )
    outcome.correction_count[digest_id] = 2 if is_second else 1


def _append_break(
    outcome: RunOutcome,
    order: LocalOrder,
    break_id: str,
    kind: BreakKind,
    reason: Reason,
    message: str,
    local: dict[str, Any],
    venue: dict[str, Any],
) -> None:
    outcome.break_versions[break_id] = order.version
    outcome.breaks.append(
        Break(
            break_id=break_id,
            kind=kind,
            severity=_WARN,
            symbol=order.symbol,
            client_order_id=order.client_order_id,
            venue_order_id=order.venue_order_id,
            trade_id=order.trade_id,
            reason=reason,
            message=message,
            local=local,
            venue=venue,
            corrected=True,
        )
    )


def _notify(
    outcome: RunOutcome,
    before: LocalOrder,
    after: LocalOrder,
    digest_id: str,
    record: VenueOrder,
    growth: Growth | None,
) -> None:
    """The growth, then the end."""
    version, cumulative_qty = before.version, canonical(after.filled_qty)
    if growth is not None:
        kind = _ENTRY_FILL if before.action is _ENTRY else _EXIT_FILL
        tell_plainly(outcome, after, digest_id, version, kind, cumulative_qty, growth=growth)
    if record.status in CUT_SHORT:
        reason = record.status_reason or record.status
        tell_plainly(outcome, after, digest_id, version, _CANCEL, cumulative_qty, reason=reason)
