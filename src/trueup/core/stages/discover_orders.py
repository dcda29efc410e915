"""Fifth stage: venue orders without a local row. Owned ones are inserted, foreign ones reported, the rest waits.

Judged are the rows of the open-order read, whatever their status, and of the other records those that are live, or
ended with fills by a query's answer. Orders that ended in the history are `cover_history`'s.
"""

from trueup.core.draft.facts import Facts
from trueup.core.draft.local_side import LocalSide
from trueup.core.draft.outcome import RunOutcome
from trueup.core.draft.venue_side import VenueSide
from trueup.core.orders.ask_ledger import asks_whose_number, is_known_elsewhere, local_answer, unanswered_ids
from trueup.core.orders.claims_a_local_order import claims_a_local_order
from trueup.core.orders.hold_repairs import is_insert_held
from trueup.core.orders.insert_order import Insertion, insert_order, is_insertable
from trueup.core.orders.insert_plainly import insert_plainly
from trueup.core.orders.judge_ownership import Owner, judge_ownership
from trueup.core.orders.wait_for_record import ask_for_record, waits_for_predecessor
from trueup.model.facts_of import facts_of
from trueup.model.ids import known_client_id, known_id
from trueup.model.money import amount
from trueup.model.reasons import Reason
from trueup.model.snapshot import Fill, VenueOrder
from trueup.model.vocabulary import (
    LIVE,
    TERMINAL,
    BreakKind,
    DeferralReason,
    Extent,
    Outcome,
    QueryBy,
    Status,
)


def discover_orders(facts: Facts, local: LocalSide, venue: VenueSide, outcome: RunOutcome) -> None:
    """Judge every venue order that no local order took, predecessors before their successors."""
    records, nameless = _unmatched(local, venue)
    if records or nameless or venue.stray_fills:
        _ask_the_ledger(facts, venue, outcome, [*records, *nameless])
    for record in insert_plainly(facts, local, venue, outcome, records):
        _judge(facts, local, venue, outcome, known_id(record.venue_order_id), record)
    for record in nameless:
        _judge(facts, local, venue, outcome, None, record)
    _ask_about_stray_fills(facts, local, venue, outcome)


def _unmatched(local: LocalSide, venue: VenueSide) -> tuple[list[VenueOrder], list[VenueOrder]]:
    """The records that are to be judged here, in turn, and those without a venue order id."""
    if len(local.matched) - local.matched.count(None) == len(venue.by_id) and not venue.nameless:
        return [], []  # every venue order is matched, each once
    known = {known_id(record.venue_order_id) for record in local.matched if record is not None}
    known.update(local.index_by_venue_id, local.known_ids)
    ids = [one for one in venue.by_id if one not in known]
    if venue.open_ids is not None:
        ids = [one for one in ids if _is_ours_to_judge(venue, one)]
    records, turns = [venue.by_id[one] for one in ids], iter(ids)
    records.sort(key=lambda _: next(turns))  # by their ids, which stand in the same order
    if venue.predecessor_of:
        records.sort(key=lambda record: _depth(venue, record))
    return records, sorted((one for one in venue.nameless if local.holder_of(one) is None), key=facts_of)


def _depth(venue: VenueSide, record: VenueOrder) -> int:
    depth, current = 0, venue.predecessor_of.get(known_id(record.venue_order_id) or "")
    while current is not None and depth < len(venue.predecessor_of):
        depth, current = depth + 1, venue.predecessor_of.get(current)
    return depth


def _is_ours_to_judge(venue: VenueSide, venue_id: str) -> bool:
    record = venue.by_id[venue_id]
    if venue.is_open(venue_id) or record.status in LIVE:
        return True
    return venue_id in venue.answered and record.filled_qty is not None and amount(record.filled_qty) > 0


def _judge(
    facts: Facts,
    local: LocalSide,
    venue: VenueSide,
    outcome: RunOutcome,
    venue_id: str | None,
    record: VenueOrder,
) -> None:
    if facts.account_changed:
        outcome.defer_record(record, DeferralReason.ACCOUNT_CHANGED)
    elif venue_id is None:
        _report(
            facts,
            outcome,
            record,
            BreakKind.IDENTITY_CONFLICT,
            Reason.ORDER_WITHOUT_ID,
            "a venue order without a venue order id: nothing can be booked of it",
        )
    elif venue_id in local.ids_in_local_fills:
        _report(
            facts,
            outcome,
            record,
            BreakKind.IDENTITY_CONFLICT,
            Reason.KNOWN_FROM_LOCAL_FILL,
            "a local fill names this order, but no local order has its id: not inserted",
        )
    elif _waits(facts, local, venue, outcome, record) or is_known_elsewhere(facts, local, record):
        return
    elif _is_recently_submitted(facts, venue, record):
        outcome.defer_record(record, DeferralReason.RECENTLY_SUBMITTED)
    else:
        _judge_owned(facts, local, venue, outcome, record)


def _waits(facts: Facts, local: LocalSide, venue: VenueSide, outcome: RunOutcome, record: VenueOrder) -> bool:
    """Whether something has to be read, or judged, before this order can be. Defers it."""
    if known_id(record.venue_order_id) in outcome.deferred_records:
        return True
    if facts.snapshot.local.extent is not Extent.ALL and local_answer(facts, local, record) in (
        None,
        Outcome.UNKNOWN,
    ):
        outcome.defer_record(record, DeferralReason.QUERY_OPEN)
        return True
    if asks_whose_number(facts, venue, outcome, record):
        return True
    if record.status in TERMINAL and record.status is not Status.FILLED and record.filled_qty is None:
        return ask_for_record(
            facts, venue, outcome, record, known_id(record.venue_order_id), Reason.FILLED_QTY_MISSING
        )
    return waits_for_predecessor(facts, local, venue, outcome, record)


def _is_recently_submitted(facts: Facts, venue: VenueSide, record: VenueOrder) -> bool:
    return facts.is_within_window(record.submitted_at, venue.read_at(record))


def _judge_owned(
    facts: Facts, local: LocalSide, venue: VenueSide, outcome: RunOutcome, record: VenueOrder
) -> None:
    owner = judge_ownership(facts, local, venue, record)
    if owner is Owner.FOREIGN:
        outcome.count("foreign_orders")
        _report(
            facts,
            outcome,
            record,
            BreakKind.FOREIGN_ORDER,
            Reason.NOT_OWNED,
            "not placed by this profile's bot: left alone",
        )
    elif owner is Owner.CONTRADICTING:
        _report(
            facts,
            outcome,
            record,
            BreakKind.IDENTITY_CONFLICT,
            Reason.OWNERS_CONTRADICT,
            "its client order id and its sub-tag name different profiles: not inserted",
        )
    elif facts.is_unmapped(record.symbol):
        outcome.count("missing_locally")
        _report(
            facts,
            outcome,
            record,
            BreakKind.UNMAPPED_INSTRUMENT,
            Reason.NOT_IN_INSTRUMENTS,
            f"{record.symbol} is not in the instruments list: nothing of the order is booked",
        )
    elif claims_a_local_order(local, record):
        _report(
            facts,
            outcome,
            record,
            BreakKind.IDENTITY_CONFLICT,
            Reason.CLIENT_ID_REUSED,
            "its client order id is a local order's that may be this one or another: not inserted",
        )
    else:
        outcome.count("missing_locally")
        if not is_insertable(record):
            _report(
                facts,
                outcome,
                record,
                BreakKind.MISSING_LOCALLY,
                Reason.RECORD_INCOMPLETE,
                "unknown locally; the venue's record lacks a symbol, a side or a known status"
                f" ({record.raw_status}): not inserted",
            )
            return
        if facts.holds and is_insert_held(facts, outcome, record):
            return
        is_successor = known_id(record.venue_order_id) in venue.predecessor_of
        reason = Reason.SUCCESSOR_OF_REPLACED if is_successor else Reason.NOT_KNOWN_LOCALLY
        insert_order(
            facts,
            local,
            venue,
            outcome,
            record,
            Insertion(
                break_kind=BreakKind.MISSING_LOCALLY,
                reason=reason,
                message=f"unknown locally: {record.side} {record.qty} {record.symbol} {record.status} at the venue",
            ),
        )


def _report(
    facts: Facts, outcome: RunOutcome, record: VenueOrder, kind: BreakKind, reason: Reason, message: str
) -> None:
    outcome.add_break(
        facts.order_digest(record),
        kind,
        reason,
        message,
        ids=(record.client_order_id, record.venue_order_id, None),
        symbol=record.symbol,
        venue={"status": record.status, "qty": record.qty, "filled_qty": record.filled_qty},
    )


# -- what the ledger, and the venue, have to say first ----------------------------------------------------------------


def _ask_the_ledger(facts: Facts, venue: VenueSide, outcome: RunOutcome, found: list[VenueOrder]) -> None:
    """One set-based local query for all ids, where the snapshot does not hold the whole ledger."""
    if facts.snapshot.local.extent is Extent.ALL:
        return
    stray = [_named_by(fill) for fill in venue.stray_fills]
    outcome.ask_ledger(one for record in (*found, *stray) for one in unanswered_ids(facts, record))


def _named_by(fill: Fill) -> VenueOrder:
    """The order that a fill names, by the id that counts."""
    by, _ = _order_of(fill)
    if by is QueryBy.VENUE_ORDER_ID:
        return VenueOrder(venue_order_id=fill.venue_order_id)
    return VenueOrder(venue_order_id=None, client_order_id=fill.client_order_id)


def _ask_about_stray_fills(facts: Facts, local: LocalSide, venue: VenueSide, outcome: RunOutcome) -> None:
    """A fill whose order's record was not read asks for it first."""
    fills_of: dict[tuple[QueryBy, str], list[Fill]] = {}
    for fill in venue.stray_fills if not facts.account_changed else ():
        fills_of.setdefault(_order_of(fill), []).append(fill)
    for by, order_id in sorted(fills_of):
        if not (order_id in venue.by_id or order_id in local.ids_in_local_fills):
            _ask_about_order_of(
                facts, venue, outcome, by, order_id, min(fills_of[by, order_id], key=facts_of)
            )


def _order_of(fill: Fill) -> tuple[QueryBy, str]:
    """What a fill calls its order: the venue order id, else the client order id."""
    venue_id = known_id(fill.venue_order_id)
    if venue_id is not None:
        return QueryBy.VENUE_ORDER_ID, venue_id
    return QueryBy.CLIENT_ORDER_ID, known_client_id(fill.client_order_id) or ""


def _ask_about_order_of(
    facts: Facts, venue: VenueSide, outcome: RunOutcome, by: QueryBy, order_id: str, fill: Fill
) -> None:
    record = VenueOrder(
        venue_order_id=fill.venue_order_id, client_order_id=fill.client_order_id, symbol=fill.symbol
    )
    if facts.snapshot.local.extent is not Extent.ALL:
        known = facts.local_answers.get((by, order_id))
        if known is not Outcome.ABSENT:
            if known is not Outcome.FOUND:
                outcome.defer_record(record, DeferralReason.QUERY_OPEN)
            return
    if venue.asked.get((by, order_id)) is None:
        ask_for_record(facts, venue, outcome, record, order_id, Reason.UNKNOWN_FILL_ORDER, by=by)
    else:
        _report(
            facts,
            outcome,
            record,
            BreakKind.UNCOVERED_ORDER,
            Reason.UNKNOWN_FILL_ORDER,
            f"fill {fill.fill_id} is of an order that is neither local nor to be had from the venue: not booked",
        )
