"""The matched pair, judged: design.md's table. Rules 1, 2 and 6 end the judgement; of the others all apply, in order.

1 recent activity        deferred                      5 more filled, new fills   the fold (`core.fold_fills`)
2 venue filled less      `venue_behind`, untouched     6 beyond the quantity      `overfill`, not booked
3 venue in transition    terms untouched               7 another status           fills, then `set_status`
4 other terms            `amend_order` first           8 local terminal, venue live or more filled
"""

from decimal import Decimal

from trueup.core.draft import Draft
from trueup.core.fold_fills import Fold, fold_fills
from trueup.core.judge_replaced import follow_replacement, wait_for_successor
from trueup.core.judgement import Changes, Judgement, as_amount, ids_text, notify_growth
from trueup.model.ids import known_client_id, known_id, symbol_token
from trueup.model.money import ZERO, amount, canonical, same, text
from trueup.model.reasons import Reason
from trueup.model.snapshot import LocalOrder, VenueOrder
from trueup.model.times import NS_PER_S, is_before, to_ns
from trueup.model.vocabulary import (
    LIVE,
    TERMINAL,
    TRANSITIONAL,
    BreakKind,
    CorrectionKind,
    DeferralReason,
    NotificationKind,
    Severity,
    Status,
)

_TERMS = ("qty", "limit_price", "stop_price")
_ENDED_UNFILLED = frozenset({Status.CANCELED, Status.EXPIRED, Status.REJECTED})


def judge_pair(draft: Draft, index: int, record: VenueOrder) -> None:
    """Judge one local order against the venue's record of it, then commit everything or defer it (rule 1)."""
    if index in draft.frozen:
        return
    judgement = Judgement(draft, index, record)
    if _contradicts(judgement.before, record):
        _report_contradiction(judgement, record)
        return
    _judge(judgement, record)
    _commit_or_defer(judgement, draft.venue.read_at(record))


def judge_fills(draft: Draft, index: int) -> None:
    """A local order of which no record was read, but fills: the local order is known, so they book.

    Unless one may be booked already, under another id: then the record is asked for, which tells how much is filled.
    """
    if index in draft.frozen:
        return
    judgement = Judgement(draft, index)
    if draft.is_unmapped(judgement.before.symbol):
        _report_unmapped(judgement)
    elif _may_be_booked_already(judgement):
        _wait_for_record(judgement)
    else:
        judge_fills_of(judgement, None, cumulative=None)
        notify_growth(judgement)
    _commit_or_defer(judgement, draft.snapshot.venue.history.read_at)


def _commit_or_defer(judgement: Judgement, read_at: str | None) -> None:
    if judgement.is_silent:
        return
    if judgement.breaks and judgement.draft.is_recent(judgement.before, read_at):
        judgement.draft.defer_order(judgement.index, DeferralReason.RECENT_ACTIVITY, judgement.breaks[0][0])
        return
    judgement.commit()


def _judge(judgement: Judgement, record: VenueOrder) -> None:
    draft = judgement.draft
    if record.status is Status.REPLACED:
        if wait_for_successor(judgement, record):
            return
        record = follow_replacement(judgement, record)
    cumulative, is_resolved = cumulative_of(judgement, record)
    if draft.is_unmapped(judgement.before.symbol or record.symbol):
        if _differs(judgement, record, cumulative):
            _report_unmapped(judgement)
        return
    _bind_ids(judgement, record)
    if cumulative is not None and _venue_is_behind(judgement, record, cumulative):
        return
    terms_are_judged = record.status is not None and record.status not in TRANSITIONAL
    terms_are_stale = terms_are_judged and _judge_terms(judgement, record)
    fold = judge_fills_of(judgement, record, cumulative=cumulative, terms_are_stale=terms_are_stale)
    notify_growth(judgement)
    if fold.overfill_to is None and not fold.rows_exceed_booked and not fold.price_missing:
        complete = is_resolved and not fold.record_behind and fold.filled_qty >= (cumulative or ZERO)
        _judge_status(judgement, record, cumulative, fills_are_booked=complete)


# -- identity ---------------------------------------------------------------------------------------------------------


def _contradicts(order: LocalOrder, record: VenueOrder) -> bool:
    if order.side is not record.side and record.side is not None:
        return True
    if order.symbol == record.symbol or order.symbol is None or record.symbol is None:
        return False
    return symbol_token(order.symbol) != symbol_token(record.symbol)


def _report_contradiction(judgement: Judgement, record: VenueOrder) -> None:
    order = judgement.before
    judgement.found(
        BreakKind.IDENTITY_CONFLICT,
        Reason.SYMBOL_OR_SIDE_CONTRADICTS,
        f"the ids say one order, but {order.side} {order.symbol} locally is {record.side} {record.symbol} at the venue",
        local={"symbol": order.symbol, "side": order.side},
        venue={"symbol": record.symbol, "side": record.side},
    )
    judgement.commit()
    judgement.draft.frozen.add(judgement.index)


def _report_unmapped(judgement: Judgement) -> None:
    symbol = judgement.before.symbol or (judgement.record.symbol if judgement.record else None)
    judgement.found(
        BreakKind.UNMAPPED_INSTRUMENT,
        Reason.NOT_IN_INSTRUMENTS,
        f"{symbol} is not in the instruments list: nothing of the order is booked",
    )


def _differs(judgement: Judgement, record: VenueOrder, cumulative: Decimal | None) -> bool:
    order = judgement.before
    more = cumulative is not None and cumulative != amount(order.filled_qty)
    return more or (record.status is not None and record.status is not order.status)


def _bind_ids(judgement: Judgement, record: VenueOrder) -> None:
    """Take over the order id that the local row lacks, where it names this order alone."""
    draft, order = judgement.draft, judgement.order
    if order.venue_order_id == record.venue_order_id and order.client_order_id == record.client_order_id:
        return
    changes: Changes = {}
    if known_id(order.venue_order_id) is None and known_id(record.venue_order_id) is not None:
        changes["venue_order_id"] = record.venue_order_id
    client_id = known_client_id(record.client_order_id)
    lacks_client_id = known_client_id(order.client_order_id) is None
    if lacks_client_id and client_id is not None and draft.is_free_everywhere(client_id):
        changes["client_order_id"] = record.client_order_id
    if changes:
        judgement.found(
            BreakKind.IDS_INCOMPLETE,
            Reason.IDS_MISSING_LOCALLY,
            f"the venue knows the order as {', '.join(map(str, changes.values()))}",
            local=dict.fromkeys(changes),
            venue=changes,
            corrected=True,
        )
        judgement.correct(
            CorrectionKind.BIND_IDS, BreakKind.IDS_INCOMPLETE, Reason.IDS_MISSING_LOCALLY, changes=changes
        )


# -- quantities -------------------------------------------------------------------------------------------------------


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


def _venue_is_behind(judgement: Judgement, record: VenueOrder, cumulative: Decimal) -> bool:
    """Rule 2: the quantity stays untouched; a terminal status confirmed by a query is still set."""
    order = judgement.order
    booked = amount(order.filled_qty)
    if cumulative >= booked:
        return False
    if (
        record.status in TERMINAL or order.status in TERMINAL
    ) and booked - cumulative <= judgement.draft.tolerance(order.symbol):
        return False
    prior = judgement.draft.prior_of(
        f"{judgement.digest}-{BreakKind.VENUE_BEHIND}", BreakKind.VENUE_BEHIND, judgement.ids
    )
    judgement.found(
        BreakKind.VENUE_BEHIND,
        Reason.VENUE_FILLED_LESS,
        f"venue reports {text(cumulative)} filled, local {text(booked)}: the booked quantity stays",
        local={"filled_qty": order.filled_qty},
        venue={"filled_qty": record.filled_qty},
        severity=Severity.ERROR if prior is not None else Severity.WARN,
        confirmations=1 + (prior.confirmations if prior is not None else 0),
    )
    if record.status in TERMINAL and record.status is not order.status and order.status not in TERMINAL:
        if judgement.answered:
            _set_status(judgement, record, BreakKind.STATUS_DRIFT, Reason.VENUE_STATUS_DIFFERS, record.status)
        else:
            judgement.ask(Reason.VENUE_FILLED_LESS)
    return True


def _judge_terms(judgement: Judgement, record: VenueOrder) -> bool:
    """Rule 4. Returns whether the venue's terms differ but its record is not known to be the newer one."""
    order = judgement.order
    changes: Changes = {}
    for name in _TERMS:
        local, venue = getattr(order, name), getattr(record, name)
        if local != venue and not _is_none(local) and not _is_none(venue) and not same(local, venue):
            changes[name] = canonical(venue)
    if "qty" in changes and _qty_is_below_filled(judgement, record):
        del changes["qty"]
    if not changes:
        return False
    local = {name: getattr(order, name) for name in changes}
    stale = _is_older(record, order)
    if stale:
        if judgement.can_ask:
            judgement.ask(Reason.VENUE_RECORD_OLDER)
            return True
        judgement.found(
            BreakKind.TERMS_DRIFT,
            Reason.VENUE_RECORD_OLDER,
            "the venue's terms differ, but its record is older than the one the bot recorded",
            local=local,
            venue=changes,
        )
        return True
    listed = ", ".join(f"{name} {local[name]} → {value}" for name, value in changes.items())
    judgement.found(
        BreakKind.TERMS_DRIFT,
        Reason.VENUE_TERMS_DIFFER,
        f"venue has other terms: {listed}",
        local=local,
        venue=changes,
        corrected=True,
    )
    judgement.correct(
        CorrectionKind.AMEND_ORDER, BreakKind.TERMS_DRIFT, Reason.VENUE_TERMS_DIFFER, changes=changes
    )
    judgement.notify(NotificationKind.AMENDED, Reason.VENUE_TERMS_DIFFER)
    return False


def _is_none(term: str | None) -> bool:
    """A zero stop (or price, or quantity) is none; absent is not different."""
    return term is None or amount(term) == 0


def _qty_is_below_filled(judgement: Judgement, record: VenueOrder) -> bool:
    order = judgement.order
    if amount(record.qty) >= amount(order.filled_qty):
        return False
    if record.status is Status.FILLED and (record.filled_qty is None or same(record.filled_qty, record.qty)):
        return False
    judgement.found(
        BreakKind.TERMS_DRIFT,
        Reason.VENUE_QTY_BELOW_FILLED,
        f"venue has a quantity of {record.qty}, but {order.filled_qty} are booked as filled",
        local={"qty": order.qty, "filled_qty": order.filled_qty},
        venue={"qty": record.qty},
        severity=Severity.ERROR,
        detail=".qty",
    )
    return True


def _is_older(record: VenueOrder, order: LocalOrder) -> bool:
    """Whether the venue's record is older than the one the bot recorded, or cannot be told to be as new."""
    if order.venue_updated_at is None:
        return False
    return record.updated_at is None or is_before(record.updated_at, order.venue_updated_at)


# -- fills ------------------------------------------------------------------------------------------------------------


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
        _wait_for_record(judgement)
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


def _may_be_booked_already(judgement: Judgement) -> bool:
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


def _wait_for_record(judgement: Judgement) -> None:
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


# -- status -----------------------------------------------------------------------------------------------------------


def _judge_status(
    judgement: Judgement, record: VenueOrder, cumulative: Decimal | None, *, fills_are_booked: bool
) -> None:
    """Rules 7 and 8, and what rule 3 says of a local transition."""
    before, venue_status = judgement.before.status, record.status
    if venue_status is Status.PENDING_NEW and amount(judgement.order.filled_qty) > 0:
        venue_status = Status.PARTIALLY_FILLED
    if venue_status is None or venue_status is before:
        return
    if venue_status is Status.FILLED and _is_filled_below(judgement, record, cumulative):
        return
    if venue_status in TERMINAL and not fills_are_booked:
        return
    if before in TERMINAL and venue_status in LIVE:
        _judge_reopening(judgement, record, venue_status)
        return
    if before in TRANSITIONAL and venue_status in LIVE and _is_believed(judgement):
        return
    reason = (
        Reason.TRANSITION_TIMED_OUT
        if before in TRANSITIONAL and venue_status in LIVE
        else Reason.VENUE_STATUS_DIFFERS
    )
    resurrected = before in TERMINAL and judgement.growth_qty > 0
    kind = BreakKind.RESURRECTED if resurrected else BreakKind.STATUS_DRIFT
    _set_status(judgement, record, kind, reason, venue_status)


def _is_filled_below(judgement: Judgement, record: VenueOrder, cumulative: Decimal | None) -> bool:
    """`filled` with less than the quantity: queried and flagged, not set."""
    qty = as_amount(record.qty or judgement.order.qty)
    if (
        qty is None
        or cumulative is None
        or cumulative >= qty - judgement.draft.tolerance(judgement.before.symbol)
    ):
        return False
    judgement.found(
        BreakKind.STATUS_DRIFT,
        Reason.FILLED_BELOW_QTY,
        f"venue says filled, but {text(cumulative)} of {text(qty)} are: the status is not set",
        local={"status": judgement.before.status},
        venue={"status": record.status, "filled_qty": record.filled_qty, "qty": record.qty},
    )
    if judgement.can_ask:
        judgement.ask(Reason.FILLED_BELOW_QTY)
    return True


def _judge_reopening(judgement: Judgement, record: VenueOrder, venue_status: Status) -> None:
    """Rule 8: local terminal, live at the venue by its own status."""
    before = judgement.before
    grew = judgement.growth_qty > 0
    kind = BreakKind.RESURRECTED if grew else BreakKind.REOPENED
    local, venue = {"status": before.status}, {"status": record.status}
    complete = before.qty is None or amount(before.filled_qty) >= amount(before.qty)
    if before.status is Status.FILLED and complete:
        judgement.found(
            BreakKind.REOPENED,
            Reason.FILLED_NEVER_REOPENED,
            "completely filled locally, live at the venue: never reopened",
            local=local,
            venue=venue,
        )
    elif _is_proven_newer(judgement, record):
        reason = Reason.FILLED_AFTER_ALL if grew else Reason.LIVE_AT_VENUE
        _set_status(judgement, record, kind, reason, venue_status)
    elif judgement.can_ask:
        judgement.ask(Reason.LIVE_AT_VENUE)
    else:
        judgement.found(
            BreakKind.REOPENED,
            Reason.VENUE_RECORD_OLDER,
            "live at the venue by a record that is not newer than the local end: left as it is",
            local=local,
            venue=venue,
        )


def _is_proven_newer(judgement: Judgement, record: VenueOrder) -> bool:
    local_at, venue_at = judgement.before.venue_updated_at, record.updated_at
    if venue_at is None:
        return local_at is None and judgement.answered
    return local_at is None or not is_before(venue_at, local_at)


def _is_believed(judgement: Judgement) -> bool:
    """A local transition is believed for a while after the bot's last activity."""
    at = judgement.before.last_activity_at
    timeout_ns = round(judgement.draft.policy.transitional_timeout_s * NS_PER_S)
    return at is not None and judgement.draft.now_ns - to_ns(at) < timeout_ns


def _set_status(
    judgement: Judgement, record: VenueOrder, kind: BreakKind, reason: Reason, after: Status
) -> None:
    before = judgement.before.status
    judgement.found(
        kind,
        reason,
        f"{ids_text(judgement.ids)} is {before} locally, {after} at the venue",
        local={"status": before},
        venue={"status": after},
        corrected=True,
    )
    told = record.status_reason or reason
    judgement.correct(CorrectionKind.SET_STATUS, kind, told, changes={"status": after})
    if after in _ENDED_UNFILLED:
        judgement.notify(NotificationKind.CANCEL, record.status_reason or after)
    elif kind is BreakKind.REOPENED:
        judgement.notify(NotificationKind.DISCOVERED, reason)
