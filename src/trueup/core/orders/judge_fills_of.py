"""Rules 5 and 6 of the matched pair, and the growth of 8: what the fold books of one order, and what it reports."""

from decimal import Decimal

from trueup.core.draft.draft import Draft
from trueup.core.orders.fold_fills import Fold, fold_fills
from trueup.core.orders.judgement import Judgement, as_amount
from trueup.model.ids import known_id
from trueup.model.money import ZERO, amount, same, text
from trueup.model.reasons import Reason
from trueup.model.snapshot import VenueOrder
from trueup.model.vocabulary import (
    TERMINAL,
    BreakKind,
    Severity,
    Status,
)


def cumulative_of(judgement: Judgement, record: VenueOrder) -> tuple[Decimal | None, bool]:
    """The venue's cumulative quantity (null: says nothing new), and whether the fills may be taken as known."""
    if record.filled_qty is not None:
        return amount(record.filled_qty), True
    if record.status is Status.FILLED:  # without any quantity it means the whole order
        whole = record.qty or judgement.before.qty
        if whole is not None:
            return amount(whole), True
        _report_missing_qty(judgement, record)
        return None, False
    if record.status is Status.PARTIALLY_FILLED:
        _report_missing_qty(judgement, record)
        return None, False
    if record.status in TERMINAL and not judgement.answered and judgement.can_ask:
        judgement.ask(Reason.FILLED_QTY_MISSING)
        return None, False
    return None, True


def _report_missing_qty(judgement: Judgement, record: VenueOrder) -> None:
    judgement.found(
        BreakKind.FILL_DRIFT,
        Reason.FILLED_QTY_MISSING,
        f"venue says {record.status} without a filled quantity: nothing is inferred from it",
        local={"filled_qty": judgement.before.filled_qty},
        venue={"status": record.status, "filled_qty": None},
        detail=".unresolved",
    )


def judge_fills_of(
    judgement: Judgement,
    record: VenueOrder | None,
    *,
    cumulative: Decimal | None,
    terms_are_stale: bool = False,
    book_as: BreakKind | None = None,
) -> Fold:
    """Rules 5, 6 and the growth of 8. `book_as`: the break that the fills belong to, where it was found already."""
    order, draft = judgement.order, judgement.draft
    booked = draft.fills_of.get(judgement.index, ())
    reported = draft.venue_fills_of.get(judgement.index, ())
    if judgement.adopted_fills:
        reported = [*reported, *judgement.adopted_fills]
    filled_qty = amount(order.filled_qty)
    if not booked and not reported and (cumulative is None or cumulative <= filled_qty):
        return Fold(filled_qty=filled_qty, filled_avg_price=as_amount(order.filled_avg_price))
    qty = as_amount(order.qty if order.qty is not None else record.qty if record is not None else None)
    average = as_amount(record.filled_avg_price) if record is not None else None
    fold = fold_fills(
        order,
        booked,
        reported,
        account_id=draft.profile.account_id,
        cumulative_qty=None if cumulative is None else max(cumulative, filled_qty),
        average_price=average if average is not None and average > 0 else None,
        order_qty=qty,
        allow_overfill=draft.policy.allow_overfill,
        estimate_price_from_limit=draft.policy.estimate_price_from_limit,
        inferred_at=_time_of_inferred(draft, record),
    )
    _report_fill_rows(judgement, fold)
    if fold.overfill_to is not None and not (terms_are_stale and judgement.questions):
        judgement.found(
            BreakKind.OVERFILL,
            Reason.EXCEEDS_ORDER_QTY,
            f"the fills would come to {text(fold.overfill_to)} of {order.qty}: not booked",
            local={"qty": order.qty, "filled_qty": order.filled_qty},
            venue={"filled_qty": text(fold.overfill_to)},
        )
    if fold.record_behind:
        wait_for_record(judgement)
    if fold.price_missing:
        judgement.found(
            BreakKind.PRICE_MISSING,
            Reason.NO_PRICE,
            f"{text((cumulative or ZERO) - fold.filled_qty)} filled at the venue without any price: not booked",
            local={"filled_qty": order.filled_qty},
            venue={"filled_qty": None if cumulative is None else text(cumulative), "filled_avg_price": None},
        )
    if fold.bookings and book_as is not None:
        judgement.book(fold, book_as)
    elif fold.bookings:
        _book(judgement, fold, cumulative)
    return fold


def may_be_booked_already(judgement: Judgement) -> bool:
    """Whether a reported fill has the figures of a booked one, but not its id: a stream may have ids of its own."""
    booked = [fill for fill in judgement.draft.fills_of.get(judgement.index, ()) if not fill.inferred]
    ids = {known_id(fill.fill_id) for fill in booked}
    reported = judgement.draft.venue_fills_of.get(judgement.index, ())
    return any(
        same(one.qty, other.qty) and same(one.price, other.price)
        for one in reported
        if known_id(one.fill_id) not in ids
        for other in booked
    )


def _time_of_inferred(draft: Draft, record: VenueOrder | None) -> str:
    read_at = draft.venue.read_at(record) if record is not None else None
    return (record.updated_at if record is not None else None) or read_at or draft.snapshot.taken_at


def _book(judgement: Judgement, fold: Fold, cumulative: Decimal | None) -> None:
    before = judgement.order
    grew = fold.growth_qty > 0
    kind = BreakKind.RESURRECTED if grew and before.status in TERMINAL else BreakKind.FILL_DRIFT
    reason = Reason.VENUE_FILLED_MORE if grew else Reason.NEW_FILL_RECORDS
    if kind is BreakKind.RESURRECTED:
        reason = Reason.FILLED_AFTER_ALL
    total = fold.filled_qty if cumulative is None else cumulative
    judgement.found(
        kind,
        reason,
        f"venue reports {text(total)} of {before.qty or 'an order by notional'} filled, local {before.filled_qty}"
        if grew
        else f"fill records for {before.filled_qty} that was booked without them",
        local={"filled_qty": before.filled_qty, "filled_avg_price": before.filled_avg_price},
        venue={"filled_qty": text(total)},
        corrected=True,
    )
    judgement.book(fold, kind)


def _report_fill_rows(judgement: Judgement, fold: Fold) -> None:
    for booked, reported in fold.differing:
        judgement.found(
            BreakKind.FILL_DRIFT,
            Reason.FILL_CONTENT_DIFFERS,
            f"fill {booked.fill_id} is {booked.qty} at {booked.price} as known,"
            f" {reported.qty} at {reported.price} as now reported: what is booked stays",
            local={"fill_id": booked.fill_id, "qty": booked.qty, "price": booked.price},
            venue={"fill_id": reported.fill_id, "qty": reported.qty, "price": reported.price},
            severity=Severity.ERROR,
            detail=f".{known_id(booked.fill_id)}",
        )
    if fold.rows_exceed_booked:
        judgement.found(
            BreakKind.FILL_DRIFT,
            Reason.FILL_ROWS_EXCEED_BOOKED,
            f"the local fills add up to more than the order's filled quantity of {judgement.before.filled_qty}",
            local={"filled_qty": judgement.before.filled_qty},
            severity=Severity.ERROR,
            detail=".rows",
        )


def wait_for_record(judgement: Judgement) -> None:
    """The fills are ahead of the record (or there is none): nothing beyond it is booked until a newer one was read."""
    if judgement.ids[1] is not None and judgement.can_ask:
        judgement.ask(Reason.FILLS_AHEAD_OF_RECORD)
        return
    judgement.found(
        BreakKind.FILL_DRIFT,
        Reason.FILLS_AHEAD_OF_RECORD,
        "the venue's fills come to more than its record of the order says: nothing beyond the record is booked",
        local={"filled_qty": judgement.before.filled_qty},
        detail=".ahead",
    )
