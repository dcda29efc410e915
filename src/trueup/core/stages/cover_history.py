"""Sixth stage: the venue's history, order by order, so that no owned fill stays unknown. Each order is in one class.

Classes, in this order: missing order id, not filled-like, not owned, existing, missing fill data, unmapped action,
unmapped trade, insert limit, inserted (dry run: would insert). Mapping is repeated, oldest submission first, until
nothing more maps, for an inserted entry makes room for its exit.
"""

from collections import Counter

from trueup.core.draft.facts import Facts
from trueup.core.draft.local_side import LocalSide, record_key
from trueup.core.draft.outcome import RunOutcome
from trueup.core.draft.venue_side import VenueSide
from trueup.core.orders.ask_ledger import asks_whose_number, is_known_elsewhere, unanswered_ids
from trueup.core.orders.claims_a_local_order import claims_a_local_order
from trueup.core.orders.compare_fills import price_of
from trueup.core.orders.derive_action import derive_action, map_trade
from trueup.core.orders.hold_repairs import is_insert_held
from trueup.core.orders.insert_order import Insertion, draft_order, insert_order
from trueup.core.orders.judge_ownership import Owner, judge_ownership
from trueup.core.orders.record_figures import filled_qty, is_filled_like
from trueup.core.orders.wait_for_record import waits_for_predecessor
from trueup.core.trades.awaited_entries import awaited_entries
from trueup.model.ids import comparable_ids, known_id, normal_id
from trueup.model.money import ZERO, amount
from trueup.model.plan import CoverageResult
from trueup.model.reasons import Reason
from trueup.model.snapshot import NOT_READ, HistoryRead, VenueOrder
from trueup.model.times import to_ns
from trueup.model.vocabulary import BreakKind, Extent, ReadState

# Until Python 3.12, reading a member through its enum class costs as much as a small function call: read here once.
_US, _FOREIGN, _CONTRADICTING = Owner.US, Owner.FOREIGN, Owner.CONTRADICTING
_ALL = Extent.ALL


def cover_history(facts: Facts, local: LocalSide, venue: VenueSide, outcome: RunOutcome) -> None:
    """Class every order of the history read; insert the owned ones that are missing."""
    skipped = _why_skipped(facts)
    counts: Counter[str] = Counter()
    if skipped is None:
        _cover(facts, local, venue, outcome, counts)
    outcome.count("missing_locally", counts["missing_locally"] - counts["inserted"])
    dry_run = facts.policy.coverage_dry_run
    outcome.coverage = CoverageResult(
        attempted=skipped is None, skipped_reason=skipped, dry_run=dry_run, **counts
    )


def _why_skipped(facts: Facts) -> str | None:
    if not facts.policy.coverage_enabled:
        return "disabled"
    if facts.account_changed:
        return "account_changed"
    return why_unread(facts.snapshot.venue.history, "history")


def why_unread(read: HistoryRead, name: str) -> str | None:
    """Why a read proves nothing; null where it was answered, if only in part."""
    if read.state is not ReadState.FAILED:
        return None
    return f"{name}_not_read" if read.error in (NOT_READ, None) and read.read_at is None else f"{name}_failed"


def _cover(
    facts: Facts, local: LocalSide, venue: VenueSide, outcome: RunOutcome, counts: Counter[str]
) -> None:
    missing: list[VenueOrder] = []
    with_fills = {known_id(fill.venue_order_id) for fill in venue.stray_fills} - {None}
    for venue_id, record in _history_records(facts, venue):
        name = _class_of(facts, local, venue, outcome, venue_id, record, counts, with_fills)
        counts["scanned"] += 1
        if name is None:
            missing.append(record)
        else:
            counts[name] += 1
    counts["missing_locally"] = len(missing)
    _insert_missing(facts, local, venue, outcome, missing, counts)


def _history_records(facts: Facts, venue: VenueSide) -> list[tuple[str | None, VenueOrder]]:
    """Each order of the history once, as merged with the other reads, oldest submission first; by comparable id."""
    records: dict[str, tuple[str | None, VenueOrder]] = {}
    by_id, rows = venue.by_id, facts.snapshot.venue.history.orders
    for venue_id, row in zip(comparable_ids([row.venue_order_id for row in rows]), rows, strict=True):
        if venue_id is None:
            records.setdefault(f"{record_key(row)} {row!r}", (None, row))
        elif venue_id not in records:
            records[venue_id] = (venue_id, by_id.get(venue_id, row))
    return sorted(records.values(), key=_submission)


def _submission(found: tuple[str | None, VenueOrder]) -> tuple[str, str, str]:
    """Oldest first: times without their `Z` sort as text, however long their fractions."""
    venue_id, record = found
    whole, _, fraction = (record.submitted_at or "").rstrip("Z").partition(".")
    return (whole + fraction.rstrip("0"), venue_id or "", normal_id(record.client_order_id or ""))


# -- classes ----------------------------------------------------------------------------------------------------------


def _class_of(
    facts: Facts,
    local: LocalSide,
    venue: VenueSide,
    outcome: RunOutcome,
    venue_id: str | None,
    record: VenueOrder,
    counts: Counter[str],
    with_fills: set[str | None],
) -> str | None:
    """The order's class as far as it is final; null: owned, filled-like and missing.

    `with_fills`: ids of orders of which fills were read; they are filled-like where the record has no quantity.
    """
    filled_like = is_filled_like(record) or (record.filled_qty is None and venue_id in with_fills)
    in_scope = facts.in_scope(record.symbol)
    owner = judge_ownership(facts, local, venue, record) if in_scope else _FOREIGN
    counts["filled_like"] += filled_like
    counts["owned"] += owner is _US
    if venue_id is None:
        return "skipped_missing_order_id"
    if not filled_like:
        return "skipped_not_filled_like"
    known = _is_known(local, venue, venue_id)
    if owner is _CONTRADICTING and not known:
        _report(facts, outcome, record, Reason.OWNERS_CONTRADICT, BreakKind.IDENTITY_CONFLICT)
    if owner is not _US:
        _count_not_owned(facts, record, counts, known=known, in_scope=in_scope)
        return "skipped_not_owned"
    counts["eligible"] += 1
    return "skipped_existing" if known else _class_of_unknown(facts, local, venue, outcome, record, venue_id)


def _class_of_unknown(
    facts: Facts, local: LocalSide, venue: VenueSide, outcome: RunOutcome, record: VenueOrder, venue_id: str
) -> str | None:
    """Of an eligible order that no local order stands for."""
    if venue_id in local.ids_in_local_fills:
        _report(facts, outcome, record, Reason.KNOWN_FROM_LOCAL_FILL, BreakKind.IDENTITY_CONFLICT)
        return "skipped_existing"
    if claims_a_local_order(local, record):
        _report(facts, outcome, record, Reason.CLIENT_ID_REUSED, BreakKind.IDENTITY_CONFLICT)
        return "skipped_existing"
    if facts.snapshot.local.extent is not _ALL:
        unanswered = unanswered_ids(facts, record)
        if unanswered:
            outcome.ask_ledger(unanswered)
            return "deferred"
        if asks_whose_number(facts, venue, outcome, record):
            return "deferred"
        if is_known_elsewhere(facts, local, record):
            return "skipped_existing"
    waits = venue_id in outcome.deferred_records or waits_for_predecessor(
        facts, local, venue, outcome, record
    )
    if waits:
        return "deferred"
    return "skipped_undone" if facts.holds and is_insert_held(facts, outcome, record) else None


def _is_known(local: LocalSide, venue: VenueSide, venue_id: str) -> bool:
    if venue_id in local.known_ids or local.local_index(venue_id) is not None:
        return True
    record = venue.by_id.get(venue_id)
    return record is not None and local.holder_of(record) is not None


def _count_not_owned(
    facts: Facts, record: VenueOrder, counts: Counter[str], *, known: bool, in_scope: bool
) -> None:
    baseline = facts.policy.coverage_baseline_at
    before = (
        baseline is not None
        and record.submitted_at is not None
        and to_ns(record.submitted_at) < to_ns(baseline)
    )
    for name, holds in (("legacy_local", known), ("before_baseline", before), ("actionable", in_scope)):
        counts[f"skipped_not_owned_{name}"] += holds


# -- inserting --------------------------------------------------------------------------------------------------------


def _insert_missing(
    facts: Facts,
    local: LocalSide,
    venue: VenueSide,
    outcome: RunOutcome,
    missing: list[VenueOrder],
    counts: Counter[str],
) -> None:
    for name, reason in (
        ("skipped_missing_fill_data", Reason.MISSING_FILL_DATA),
        ("skipped_unmapped_action", Reason.UNMAPPED_ACTION),
    ):
        refused = [one for one in missing if _lacks(facts, venue, one, reason)]
        if refused:
            left_out = set(map(id, refused))
            missing = [one for one in missing if id(one) not in left_out]
        _refuse(facts, outcome, refused, counts, name, reason)
    room = facts.policy.coverage_inserts_max
    limited: list[VenueOrder] = []
    missing, room = _insert_mapped(facts, local, venue, outcome, missing, room, limited, counts)
    _refuse(facts, outcome, limited, counts, "skipped_insert_limit", Reason.INSERT_LIMIT)
    _refuse(facts, outcome, missing, counts, "skipped_unmapped_trade", Reason.UNMAPPED_TRADE)


def _insert_mapped(
    facts: Facts,
    local: LocalSide,
    venue: VenueSide,
    outcome: RunOutcome,
    missing: list[VenueOrder],
    room: int,
    limited: list[VenueOrder],
    counts: Counter[str],
) -> tuple[list[VenueOrder], int]:
    """Insert what maps to a trade, again and again until nothing more does. Returns what never mapped."""
    awaited = awaited_entries(facts, local, venue, missing)
    while True:
        left: list[VenueOrder] = []
        for record in missing:
            row = draft_order(facts, local, venue, record)
            trade_id = map_trade(facts, local, venue, row, record) or awaited.get(id(record))
            if trade_id is None:
                left.append(record)
            elif room == 0:
                limited.append(record)
            else:
                room -= 1
                _insert(facts, local, venue, outcome, record, trade_id, counts)
        if len(left) == len(missing):
            return left, room
        missing = left


def _insert(
    facts: Facts,
    local: LocalSide,
    venue: VenueSide,
    outcome: RunOutcome,
    record: VenueOrder,
    trade_id: str,
    counts: Counter[str],
) -> None:
    if facts.policy.coverage_dry_run:
        counts["would_insert"] += 1
        _report(facts, outcome, record, Reason.DRY_RUN)
        return
    counts["inserted"] += 1
    action = derive_action(facts, local, draft_order(facts, local, venue, record), record)
    insert_order(
        facts,
        local,
        venue,
        outcome,
        record,
        Insertion(
            break_kind=BreakKind.UNCOVERED_ORDER,
            reason=Reason.COVERED_FROM_HISTORY,
            message=f"{record.side} {record.filled_qty} {record.symbol} in the venue's history was unknown locally",
            trade_id=trade_id,
            action=action,
        ),
    )


def _lacks(facts: Facts, venue: VenueSide, record: VenueOrder, reason: Reason) -> bool:
    if reason is Reason.UNMAPPED_ACTION:
        return record.side is None or record.symbol is None
    if record.status is None or facts.is_unmapped(record.symbol):
        return True
    return filled_qty(record) is None or not _has_price(facts, venue, record)


def _has_price(facts: Facts, venue: VenueSide, record: VenueOrder) -> bool:
    if amount(record.filled_avg_price) > 0:
        return True
    if facts.policy.estimate_price_from_limit and amount(record.limit_price) > 0:
        return True
    venue_id = known_id(record.venue_order_id)
    mine = [
        fill
        for fill in venue.stray_fills
        if known_id(fill.venue_order_id) == venue_id and price_of(fill) is not None
    ]
    return sum((amount(fill.qty) for fill in mine), ZERO) >= (filled_qty(record) or ZERO) > 0


def _refuse(
    facts: Facts,
    outcome: RunOutcome,
    refused: list[VenueOrder],
    counts: Counter[str],
    name: str,
    reason: Reason,
) -> None:
    if refused:
        counts[name] = len(refused)
    for record in refused:
        kind = (
            BreakKind.UNMAPPED_INSTRUMENT if facts.is_unmapped(record.symbol) else BreakKind.UNCOVERED_ORDER
        )
        _report(
            facts,
            outcome,
            record,
            Reason.NOT_IN_INSTRUMENTS if kind is BreakKind.UNMAPPED_INSTRUMENT else reason,
            kind,
        )


def _report(
    facts: Facts,
    outcome: RunOutcome,
    record: VenueOrder,
    reason: Reason,
    kind: BreakKind = BreakKind.UNCOVERED_ORDER,
) -> None:
    outcome.add_break(
        facts.order_digest(record),
        kind,
        reason,
        f"{record.side} {record.filled_qty} {record.symbol} in the venue's history is unknown locally: {reason}",
        ids=(record.client_order_id, record.venue_order_id, None),
        symbol=record.symbol,
        venue={"status": record.status, "qty": record.qty, "filled_qty": record.filled_qty},
    )
