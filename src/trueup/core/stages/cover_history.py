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
from trueup.core.orders.class_of_history import class_of, report_uncovered
from trueup.core.orders.derive_action import derive_action, map_trade
from trueup.core.orders.has_told_price import has_told_price
from trueup.core.orders.insert_order import Insertion, draft_order, insert_order
from trueup.core.orders.record_figures import filled_qty
from trueup.core.trades.awaited_entries import awaited_entries
from trueup.model.ids import comparable_ids, known_id, normal_id
from trueup.model.money import amount
from trueup.model.plan import CoverageResult
from trueup.model.reasons import Reason
from trueup.model.snapshot import NOT_READ, HistoryRead, VenueOrder
from trueup.model.vocabulary import BreakKind, ReadState


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
        name = class_of(facts, local, venue, outcome, venue_id, record, counts, with_fills)
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
    submitted_at = (record.submitted_at or "").rstrip("Z")
    if "." in submitted_at:
        submitted_at = submitted_at.rstrip("0").rstrip(".")
    if venue_id is not None:
        return (submitted_at, venue_id, "")
    return (submitted_at, "", normal_id(record.client_order_id or ""))


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
    while True:
        awaited = awaited_entries(facts, local, venue, missing)
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
        report_uncovered(facts, outcome, record, Reason.DRY_RUN)
        return
    counts["inserted"] += 1
    row = draft_order(facts, local, venue, record, trade_id=trade_id)
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
            action=derive_action(facts, local, row, record),
        ),
    )


def _lacks(facts: Facts, venue: VenueSide, record: VenueOrder, reason: Reason) -> bool:
    if reason is Reason.UNMAPPED_ACTION:
        return record.side is None or record.symbol is None
    if record.status is None or facts.is_unmapped(record.symbol):
        return True
    return filled_qty(record) is None or not _has_price(facts, venue, record)


def _has_price(facts: Facts, venue: VenueSide, record: VenueOrder) -> bool:
    if facts.policy.estimate_price_from_limit and amount(record.limit_price) > 0:
        return True
    return has_told_price(venue, record)


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
        report_uncovered(
            facts,
            outcome,
            record,
            Reason.NOT_IN_INSTRUMENTS if kind is BreakKind.UNMAPPED_INSTRUMENT else reason,
            kind,
        )
