"""Rules 5 and 6 of the matched pair, and the growth of 8: what the fold books of one order, and what it reports."""

from decimal import Decimal

from msgspec.structs import replace

from trueup.core.draft.facts import Facts
from trueup.core.draft.venue_side import VenueSide
from trueup.core.orders.fold_fills import Evidence, Fold, Rules, fold_fills
from trueup.core.orders.is_by_notional import is_by_notional
from trueup.core.orders.judgement import Judgement
from trueup.model.ids import known_id
from trueup.model.money import (
    PLAIN_WIDTH_MAX,
    ROUNDED_AVERAGE,
    ZERO,
    amount,
    amount_or_none,
    exceeds,
    is_zero,
    text,
)
from trueup.model.notional import ordered_qty
from trueup.model.reasons import Reason
from trueup.model.snapshot import Fill, VenueOrder
from trueup.model.times import is_before
from trueup.model.vocabulary import (
    TERMINAL,
    BreakKind,
    CorrectionKind,
    QueryBy,
    Severity,
    Status,
)


def cumulative_of(judgement: Judgement, record: VenueOrder) -> tuple[Decimal | None, bool]:
    """The venue's cumulative quantity (null: says nothing new), and whether the fills may be taken as known."""
    if record.filled_qty is not None:
        symbol = judgement.before.symbol or record.symbol
        return judgement.facts.on_grid(symbol, amount(record.filled_qty)), True
    if record.status is Status.FILLED:  # without any quantity it means the whole order
        ordered = ordered_qty(record) or ordered_qty(judgement.before)
        whole = None if is_by_notional(judgement.before, record) else ordered
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
    order, local = judgement.order, judgement.local
    booked = [fill for fill in local.fills_of.get(judgement.index, ()) if not is_zero(fill.qty)]
    evidence = _evidence(judgement, record, cumulative)
    if not booked and not evidence.fills and not _says_more(judgement, evidence):
        return Fold(
            filled_qty=amount(order.filled_qty), filled_avg_price=amount_or_none(order.filled_avg_price)
        )
    fold = fold_fills(order, booked, evidence, _rules(judgement, record))
    _report_fill_rows(judgement, fold)
    if fold.overfill_to is not None and not (terms_are_stale and judgement.questions):
        judgement.found(
            BreakKind.OVERFILL,
            Reason.EXCEEDS_ORDER_QTY,
            f"the fills would come to {text(fold.overfill_to)} of {order.qty}: not booked",
            local={"qty": order.qty, "filled_qty": order.filled_qty},
            venue={"filled_qty": text(fold.overfill_to)},
        )
    if fold.record_behind or fold.looks_booked:
        wait_for_record(judgement)
    if fold.price_missing:
        judgement.found(
            BreakKind.PRICE_MISSING,
            Reason.NO_PRICE,
            f"{_unpriced(fold, cumulative)} filled at the venue without any price: not booked",
            local={"filled_qty": order.filled_qty},
            venue={"filled_qty": None if cumulative is None else text(cumulative), "filled_avg_price": None},
        )
    if fold.contradiction is not None:
        _report_contradiction(judgement, fold.contradiction, cumulative)
    if fold.bookings and book_as is not None:
        judgement.book(fold, book_as)
    elif fold.bookings:
        _book(judgement, fold, cumulative)
    elif fold.changes_books:
        _amend(judgement, fold, evidence)
    if fold.off_average is not None and evidence.average_price is not None:
        _report_average(judgement, evidence.average_price, fold)
    return fold


def _unpriced(fold: Fold, cumulative: Decimal | None) -> str:
    """How much cannot be booked; without a record, nobody says."""
    return "something" if cumulative is None else text(cumulative - fold.filled_qty)


def _evidence(judgement: Judgement, record: VenueOrder | None, cumulative: Decimal | None) -> Evidence:
    """What the venue says of the order. An average of less than is booked says nothing of what is."""
    facts, venue, booked_qty = judgement.facts, judgement.venue, amount(judgement.order.filled_qty)
    listed = [*venue.fills_of.get(judgement.index, ()), *judgement.adopted_fills]
    reported = [_without_noise(facts, fill) for fill in listed]
    average = amount_or_none(record.filled_avg_price) if record is not None else None
    if average is not None and (average <= 0 or cumulative is None or exceeds(booked_qty, cumulative)):
        average = None
    submitted_at = judgement.order.submitted_at or (record.submitted_at if record is not None else None)
    return Evidence(
        fills=reported,
        cumulative_qty=None if cumulative is None else max(cumulative, booked_qty),
        average_price=average,
        lists_all=bool(reported) and facts.fills_are_complete_since(submitted_at),
        is_fresh=record is not None and judgement.answered and _is_after_fills(facts, venue, record),
    )


def _without_noise(facts: Facts, fill: Fill) -> Fill:
    if len(fill.qty) <= PLAIN_WIDTH_MAX:
        return fill
    return replace(fill, qty=text(facts.on_grid(fill.symbol, amount(fill.qty))))


def _is_after_fills(facts: Facts, venue: VenueSide, record: VenueOrder) -> bool:
    answer = venue.asked.get((QueryBy.VENUE_ORDER_ID, known_id(record.venue_order_id) or ""))
    read_at = venue.read_at(record) if answer is None else answer.read_at
    fills_read_at = facts.snapshot.venue.history.read_at
    return read_at is None or fills_read_at is None or not is_before(read_at, fills_read_at)


def _rules(judgement: Judgement, record: VenueOrder | None) -> Rules:
    facts, venue, order = judgement.facts, judgement.venue, judgement.order
    instrument = facts.instrument(order.symbol)
    qty = ordered_qty(order) or (None if record is None else ordered_qty(record))
    has_ended = record is not None and record.status in TERMINAL
    return Rules(
        account_id=facts.profile.account_id,
        order_qty=None if is_by_notional(order, record) else amount_or_none(qty),
        qty_step=ZERO if instrument is None else amount(instrument.qty_step),
        price_tick=ZERO if instrument is None else amount(instrument.price_tick),
        overfill_tolerance=facts.tolerance(order.symbol) if has_ended else ZERO,
        allow_overfill=facts.policy.allow_overfill,
        estimate_price_from_limit=facts.policy.estimate_price_from_limit,
        inferred_at=_time_of_inferred(facts, venue, record),
    )


def _says_more(judgement: Judgement, evidence: Evidence) -> bool:
    """Whether the record says more than is booked, or another average of it."""
    order, cumulative_qty, average = judgement.order, evidence.cumulative_qty, evidence.average_price
    if cumulative_qty is None:
        return False
    if exceeds(cumulative_qty, amount(order.filled_qty)):
        return True
    if average is None or order.filled_avg_price is None or is_zero(order.filled_qty):
        return False
    return judgement.facts.averages_differ(order.symbol, amount(order.filled_avg_price), average)


def _time_of_inferred(facts: Facts, venue: VenueSide, record: VenueOrder | None) -> str:
    read_at = venue.read_at(record) if record is not None else None
    return (record.updated_at if record is not None else None) or read_at or facts.snapshot.taken_at


def _book(judgement: Judgement, fold: Fold, cumulative: Decimal | None) -> None:
    before = judgement.order
    total = text(fold.filled_qty if cumulative is None else cumulative)
    kind, reason = BreakKind.FILL_DRIFT, Reason.NEW_FILL_RECORDS
    message = f"fill records for {before.filled_qty} that was booked without them"
    if fold.growth_qty > 0:
        kind, reason = BreakKind.FILL_DRIFT, Reason.VENUE_FILLED_MORE
        message = f"venue reports {total} of {before.qty or 'an order by notional'} filled, local {before.filled_qty}"
        if before.status in TERMINAL:
            kind, reason = BreakKind.RESURRECTED, Reason.FILLED_AFTER_ALL
    elif all(one.reason is Reason.SAME_EXECUTION for one in fold.bookings):
        reason = Reason.SAME_EXECUTION
        message = "the venue lists under other ids what is booked: one execution, booked once"
    judgement.found(
        kind,
        reason,
        message,
        local={"filled_qty": before.filled_qty, "filled_avg_price": before.filled_avg_price},
        venue={"filled_qty": total},
        corrected=True,
    )
    judgement.book(fold, kind)


def _amend(judgement: Judgement, fold: Fold, evidence: Evidence) -> None:
    """No fill to book: what the books lack of those they have is taken over, and the cost that the venue knows."""
    before, reasons = judgement.order, {one.reason for one in fold.amendments}
    average = None if fold.filled_avg_price is None else text(fold.filled_avg_price)
    if reasons - {Reason.VENUE_AVERAGE_DIFFERS}:
        is_dear = Reason.PRICE_BECAME_KNOWN in reasons
        judgement.found(
            BreakKind.FILL_DRIFT,
            Reason.PRICE_BECAME_KNOWN if is_dear else Reason.FEE_MISSING_LOCALLY,
            f"the venue tells {'a price that was estimated' if is_dear else 'fees that the books lack'}: taken over",
            local={"filled_avg_price": before.filled_avg_price} if is_dear else None,
            venue={"filled_avg_price": average} if is_dear else None,
            corrected=True,
            severity=None if is_dear else Severity.INFO,
        )
    if reasons <= {Reason.FEE_MISSING_LOCALLY, Reason.VENUE_AVERAGE_DIFFERS} and fold.recost:
        judgement.found(
            BreakKind.AVERAGE_DRIFT,
            Reason.VENUE_AVERAGE_DIFFERS,
            f"{before.filled_qty} at {before.filled_avg_price} by the books, at {average} by the venue's record",
            local={"filled_avg_price": before.filled_avg_price},
            venue={"filled_avg_price": text(evidence.average_price or ZERO)},
            corrected=True,
        )
        if Reason.VENUE_AVERAGE_DIFFERS not in reasons:  # booked without any fill: only the order has a price
            judgement.correct(
                CorrectionKind.AMEND_ORDER,
                BreakKind.AVERAGE_DRIFT,
                Reason.VENUE_AVERAGE_DIFFERS,
                changes={"filled_avg_price": average},
            )
    of_average = BreakKind.FILL_DRIFT if Reason.PRICE_BECAME_KNOWN in reasons else BreakKind.AVERAGE_DRIFT
    judgement.book(fold, BreakKind.FILL_DRIFT, amend_kind=of_average)


def _report_average(judgement: Judgement, average: Decimal, fold: Fold) -> None:
    """Real fills, or what is booked, come to another average than the venue's: a bot rounds, or a fill is wrong."""
    off = fold.off_average or ZERO
    booked = text(average - off)
    judgement.found(
        BreakKind.AVERAGE_DRIFT,
        Reason.FILLS_OFF_AVERAGE,
        f"the venue's average is {text(average)}, that of what is booked {booked}: no fill record mends it",
        local={"filled_avg_price": booked},
        venue={"filled_avg_price": text(average)},
        severity=Severity.INFO if abs(off) < average * ROUNDED_AVERAGE else Severity.WARN,
    )


def _report_contradiction(judgement: Judgement, reason: Reason, cumulative: Decimal | None) -> None:
    said = (
        "an execution was corrected at the venue: a booked fill is no longer listed, another of its quantity is"
        if reason is Reason.EXECUTION_CORRECTED
        else "the fills come to more than a record that was read after them"
    )
    filled = None if cumulative is None else text(cumulative)
    judgement.found(
        BreakKind.FILLS_CONTRADICT,
        reason,
        f"{said}: nothing is booked, compare the order with the venue",
        local={"filled_qty": judgement.before.filled_qty},
        venue={"filled_qty": filled},
    )


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
    for booked, reported in fold.fees_differing:
        judgement.found(
            BreakKind.FILL_DRIFT,
            Reason.FEE_DIFFERS,
            f"fill {booked.fill_id} cost a fee of {booked.fee} {booked.fee_currency or ''} as booked,"
            f" of {reported.fee} {reported.fee_currency or ''} as now reported: what is booked stays",
            local={"fill_id": booked.fill_id, "fee": booked.fee, "fee_currency": booked.fee_currency},
            venue={"fill_id": reported.fill_id, "fee": reported.fee, "fee_currency": reported.fee_currency},
            detail=f".fee.{known_id(booked.fill_id)}",
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
