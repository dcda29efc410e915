"""Rule 4 of the matched pair: other terms. Amended, if the venue's record is not the older one; else asked about."""

from decimal import Decimal

from trueup.core.orders.is_by_notional import base_qty, is_by_notional, is_money_beside
from trueup.core.orders.judgement import Judgement
from trueup.core.orders.pending import Changes
from trueup.model.money import amount, canonical, exceeds, same, text
from trueup.model.notional import ordered_qty
from trueup.model.reasons import Reason
from trueup.model.snapshot import LocalOrder, VenueOrder
from trueup.model.times import is_before
from trueup.model.vocabulary import (
    TERMINAL,
    BreakKind,
    CorrectionKind,
    NotificationKind,
    Severity,
    Status,
)

_TERMS = ("qty", "limit_price", "stop_price")
_OF_ESTIMATE = ".notional"  # tells this break of the terms from that of others


def judge_terms(judgement: Judgement, record: VenueOrder, *, is_rebound: bool) -> bool:
    """Rule 4. Returns whether the venue's terms differ but its record is not known to be the newer one.

    A row that is bound to its successor now has its predecessor's terms and time: any record of the successor is newer.
    """
    order = judgement.order
    changes: Changes = {}
    for name in _TERMS:
        if name == "qty" and is_by_notional(order, record):
            continue  # the bot's figure is an estimate, or an amount of money: see `take_notional_qty`
        local, venue = getattr(order, name), getattr(record, name)
        if local != venue and not _is_none(local) and not _is_none(venue) and not same(local, venue):
            changes[name] = canonical(venue)
    if "qty" in changes and _qty_is_below_filled(judgement, record):
        del changes["qty"]
    if not changes:
        return False
    local = {name: getattr(order, name) for name in changes}
    stale = not is_rebound and _is_older(record, order)
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


def take_notional_qty(judgement: Judgement, record: VenueOrder, cumulative: Decimal | None) -> None:
    """Of an order by notional the quantity is the venue's once it ended; before, an estimate too low is raised."""
    order = judgement.order
    if not is_by_notional(order, record):
        return
    is_told = record.status in TERMINAL and ordered_qty(record) is not None
    is_money = order.qty is not None and is_money_beside(record, order.qty)
    known = base_qty(record) if is_told and not is_money else None
    if record.status is Status.FILLED:
        known = known if cumulative is None else text(cumulative)
    if known is None and cumulative is not None and order.qty is not None:
        known = text(cumulative) if exceeds(cumulative, amount(order.qty)) else None
    changes: Changes = {}
    if known is not None and order.qty is not None and not same(known, order.qty):
        changes["qty"] = canonical(known)
    if not order.by_notional and (changes or record.by_notional):
        changes["by_notional"] = True
    if not changes:
        return
    judgement.found(
        BreakKind.TERMS_DRIFT,
        Reason.ESTIMATED_QTY,
        "ordered by an amount of money: the recorded quantity was an estimate",
        local={name: getattr(order, name) for name in changes},
        venue=changes,
        corrected=True,
        severity=Severity.INFO,
        detail=_OF_ESTIMATE,
    )
    judgement.correct(
        CorrectionKind.AMEND_ORDER,
        BreakKind.TERMS_DRIFT,
        Reason.ESTIMATED_QTY,
        changes=changes,
        detail=_OF_ESTIMATE,
    )
    judgement.notify(NotificationKind.AMENDED, Reason.ESTIMATED_QTY)


def _is_none(term: str | None) -> bool:
    """A zero stop (or price, or quantity) is none; absent is not different."""
    return term is None or amount(term) == 0


def _qty_is_below_filled(judgement: Judgement, record: VenueOrder) -> bool:
    order = judgement.order
    if not exceeds(amount(order.filled_qty), amount(record.qty)):
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
