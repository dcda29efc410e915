"""The matched pair, judged: design.md's table. Rules 1, 2 and 6 end the judgement; of the others all apply, in order.

1 recent activity        deferred                      5 more filled, new fills   the fold (`core.orders.fold_fills`)
2 venue filled less      `venue_behind`, untouched     6 beyond the quantity      `overfill`, not booked
3 venue in transition    terms untouched               7 another status           fills, then `set_status`
4 other terms            `amend_order` first           8 local terminal, venue live or more filled

Rule 4 stands in `core.orders.judge_terms`, 5 and 6 in `core.orders.judge_fills_of`, 7 and 8 in
`core.orders.judge_status`; most pairs that drifted are plain, and take `core.orders.judge_plainly` to the same end.
"""

from decimal import Decimal

from trueup.core.draft.facts import Facts
from trueup.core.draft.local_side import LocalSide
from trueup.core.draft.outcome import RunOutcome
from trueup.core.draft.venue_side import VenueSide
from trueup.core.orders.find_ids_of_several import ask_whether_several, is_of_several
from trueup.core.orders.is_free import is_free_everywhere
from trueup.core.orders.judge_fills_of import (
    cumulative_of,
    judge_fills_of,
)
from trueup.core.orders.judge_replaced import follow_replacement, wait_for_successor
from trueup.core.orders.judge_status import judge_status, set_status
from trueup.core.orders.judge_terms import judge_terms, take_notional_qty
from trueup.core.orders.judgement import Judgement, notify_growth
from trueup.core.orders.pending import Changes
from trueup.model.ids import contradict, known_client_id, known_id
from trueup.model.money import ZERO, amount, exceeds, text
from trueup.model.reasons import Reason
from trueup.model.snapshot import VenueOrder
from trueup.model.status_steps import STEPS, Step
from trueup.model.vocabulary import (
    TERMINAL,
    TRANSITIONAL,
    BreakKind,
    CorrectionKind,
    DeferralReason,
    Severity,
    Status,
)


def judge_pair(
    facts: Facts, local: LocalSide, venue: VenueSide, outcome: RunOutcome, index: int, record: VenueOrder
) -> None:
    """Judge one local order against the venue's record of it, then commit everything or defer it (rule 1)."""
    if index in outcome.frozen:
        return
    judgement = Judgement(facts, local, venue, outcome, index, record)
    if contradict(judgement.before, record):
        if is_of_several(local, judgement.before, record):
            outcome.ids_of_several.add(known_id(record.venue_order_id) or "")
        else:
            _report_contradiction(judgement, record)
        return
    _judge(judgement, record)
    _commit_or_defer(judgement, venue.read_at(record))


def judge_fills(facts: Facts, local: LocalSide, venue: VenueSide, outcome: RunOutcome, index: int) -> None:
    """A local order of which no record was read, but fills: the local order is known, so they book.

    Unless one may be booked already, under another id: then the record is asked for, which tells how much is filled.
    """
    if index in outcome.frozen:
        return
    judgement = Judgement(facts, local, venue, outcome, index)
    if facts.is_unmapped(judgement.before.symbol):
        _report_unmapped(judgement)
    else:
        judge_fills_of(judgement, None, cumulative=None)
        notify_growth(judgement)
    _commit_or_defer(judgement, facts.snapshot.venue.history.read_at)


def _commit_or_defer(judgement: Judgement, read_at: str | None) -> None:
    if judgement.is_silent:
        return
    if judgement.breaks and judgement.facts.is_recent(judgement.before, read_at):
        judgement.outcome.defer_order(
            judgement.index,
            judgement.local.orders[judgement.index],
            DeferralReason.RECENT_ACTIVITY,
            judgement.breaks[0].kind,
        )
        return
    judgement.commit()


def _judge(judgement: Judgement, record: VenueOrder) -> None:
    facts, matched = judgement.facts, record
    if matched.status is Status.REPLACED:
        if wait_for_successor(judgement, matched):
            return
        record = follow_replacement(judgement, matched)
    is_rebound = record is not matched
    cumulative, is_resolved = cumulative_of(judgement, record)
    if facts.is_unmapped(judgement.before.symbol or record.symbol):
        if _differs(judgement, record, cumulative):
            _report_unmapped(judgement)
        return
    _bind_ids(judgement, record)
    if cumulative is not None and _venue_is_behind(judgement, record, cumulative):
        return
    take_notional_qty(judgement, record, cumulative)
    terms_are_judged = is_rebound or (record.status is not None and record.status not in TRANSITIONAL)
    terms_are_stale = terms_are_judged and judge_terms(judgement, record, is_rebound=is_rebound)
    fold = judge_fills_of(judgement, record, cumulative=cumulative, terms_are_stale=terms_are_stale)
    notify_growth(judgement)
    if not fold.is_refused:
        booked_all = not exceeds(cumulative or ZERO, fold.filled_qty)
        complete = is_resolved and not fold.record_behind and booked_all
        judge_status(judgement, record, cumulative, fills_are_booked=complete)


# -- identity ---------------------------------------------------------------------------------------------------------


def _report_contradiction(judgement: Judgement, record: VenueOrder) -> None:
    order = judgement.before
    judgement.found(
        BreakKind.IDENTITY_CONFLICT,
        Reason.SYMBOL_OR_SIDE_CONTRADICTS,
        f"the ids say one order, but {order.side} {order.symbol} locally is {record.side} {record.symbol} at the venue",
        local={"symbol": order.symbol, "side": order.side},
        venue={"symbol": record.symbol, "side": record.side},
    )
    ask_whether_several(judgement, record.venue_order_id, order.symbol, record.symbol)
    judgement.commit()
    judgement.outcome.frozen.add(judgement.index)


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
    local, venue, outcome, order = judgement.local, judgement.venue, judgement.outcome, judgement.order
    if order.venue_order_id == record.venue_order_id and order.client_order_id == record.client_order_id:
        return
    changes: Changes = {}
    if known_id(order.venue_order_id) is None and known_id(record.venue_order_id) is not None:
        changes["venue_order_id"] = record.venue_order_id
    client_id = known_client_id(record.client_order_id)
    lacks_client_id = known_client_id(order.client_order_id) is None
    if lacks_client_id and client_id is not None and is_free_everywhere(local, venue, outcome, client_id):
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


def _venue_is_behind(judgement: Judgement, record: VenueOrder, cumulative: Decimal) -> bool:
    """Rule 2: the quantity stays untouched; a terminal status confirmed by a query is still set."""
    order = judgement.order
    booked = amount(order.filled_qty)
    if not exceeds(booked, cumulative):
        return False
    if (
        record.status in TERMINAL or order.status in TERMINAL
    ) and booked - cumulative <= judgement.facts.tolerance(order.symbol):
        return False
    prior = judgement.facts.prior_of(
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
    if record.status is not None and STEPS[order.status, record.status] is Step.ENDS:
        if judgement.answered:
            set_status(judgement, record, BreakKind.STATUS_DRIFT, Reason.VENUE_STATUS_DIFFERS, record.status)
        else:
            judgement.ask(Reason.VENUE_FILLED_LESS)
    return True
