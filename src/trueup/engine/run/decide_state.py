"""Decides what becomes of one profile's plan: applied, kept dry, blocked, refused as stale, or not worth a write."""

from collections.abc import Iterable

import msgspec

from trueup.core.orders.compare_fills import price_of
from trueup.engine.run.account import RunState
from trueup.engine.run.observe_local import Remembered
from trueup.engine.run.observe_venue import coverage_start
from trueup.model.ids import known_client_id, known_id
from trueup.model.plan import Break, Correction, Plan
from trueup.model.snapshot import NOT_READ, Finding, HistoryRead, Snapshot
from trueup.model.times import NS_PER_S, from_ns, to_ns
from trueup.model.vocabulary import AlertCause, BreakKind, ReadState

WATERMARK_STEP_S = 3600  # a run with nothing else to write moves its watermark at most this often
UNCLASSED = frozenset({BreakKind.UNCOVERED_ORDER, BreakKind.UNMAPPED_INSTRUMENT, BreakKind.MISSING_LOCALLY})
UNRESOLVED = frozenset(
    {BreakKind.FILL_DRIFT, BreakKind.STATUS_DRIFT, BreakKind.PRICE_MISSING, BreakKind.VENUE_BEHIND}
)  # what ends a judgement before the fills that were read are booked
UNRESOLVED_MAX_S = 3600  # how long such a break holds the watermark back: one that lasts is a person's
PRICE_MAX_S = (
    86_400  # how old a fill without a price is when nobody waits for it any more: some venues never tell one
)


def decide_state(plan: Plan, *, apply: bool, approved: Plan | None) -> tuple[RunState, str | None]:
    """The state, and for a blocked plan the reason. `approved`: the plan that a person saw and accepted."""
    if approved is not None:
        return (RunState.APPLIED if same_corrections(plan, approved) else RunState.STALE), None
    if not apply:
        return RunState.DRY, None
    for alert in plan.alerts:
        if alert.cause is AlertCause.CIRCUIT_BREAKER:
            return RunState.BLOCKED, alert.message
    return RunState.APPLIED, None


def same_corrections(plan: Plan, approved: Plan) -> bool:
    """Whether two plans change exactly the same rows in the same way, whenever they were made."""
    return plan.profile_id == approved.profile_id and _changes(plan.corrections) == _changes(
        approved.corrections
    )


def is_news(before: Remembered, plan: Plan, state: RunState) -> bool:
    """Whether the journal has to hear of this run.

    It does when the run changes the books, or a break or a deferral came, went, changed or was counted again.
    """
    return (
        (state is RunState.APPLIED and bool(plan.corrections or plan.lapsed))
        or _breaks(one.found for one in before.breaks) != _breaks(plan.breaks)
        or _findings(before.state.prior) != _findings(plan.findings)
        or {(one.venue_order_id, one.client_order_id, one.reason) for one in before.deferrals}
        != _deferrals(plan)
    )


def is_complete(snapshot: Snapshot, plan: Plan) -> bool:
    """Whether the run saw the whole open side and has no question left."""
    return snapshot.venue.open_orders.state is ReadState.COMPLETE and not plan.queries


def saw_everything(snapshot: Snapshot) -> bool:
    """Whether each read that is made at all was complete: only then does what is not found prove anything."""
    venue = snapshot.venue
    reads = (venue.open_orders, venue.history, venue.positions)
    return all(read.state is ReadState.COMPLETE or read.error == NOT_READ for read in reads)


def history_gap(snapshot: Snapshot, watermark: str | None) -> str | None:
    """What is unproven because the venue's history begins later than it was asked for; null: nothing is."""
    history, policy = snapshot.venue.history, snapshot.policy
    start = coverage_start(watermark, policy)
    if not policy.coverage_enabled or history.state is ReadState.FAILED or _reaches_back(history, start):
        return None
    gap = (
        ": what lies before that"
        if start is None
        else f", but is classed only up to {start}: what lies between"
    )
    return (
        f"the venue's history begins at {history.since}{gap} is unproven;"
        f" compare it by hand, then set coverage_baseline_at = {history.since!r}"
    )


def _reaches_back(history: HistoryRead, start: str | None) -> bool:
    return history.since is None or (start is not None and to_ns(history.since) <= to_ns(start))


def next_watermark(snapshot: Snapshot, plan: Plan, watermark: str | None, ahead_ns: int = 0) -> str | None:
    """How far this run has finally classed the venue's history; null where it stands as it is.

    `ahead_ns`: how far our clock is ahead of the venue's; it never moves beyond either.
    It moves up to the first order that is not finally classed, or whose fills are not booked yet, or to the first fill
    whose price the venue has not told yet (what is booked of it is an estimate, and gives way to the price once it is
    read), and not at all while anything is deferred or asked.
    """
    history, coverage = snapshot.venue.history, plan.result.coverage
    covered = coverage.attempted or not snapshot.policy.coverage_enabled
    if not covered or coverage.dry_run or coverage.skipped_missing_order_id or plan.deferred or plan.queries:
        return None
    if history.state is not ReadState.COMPLETE or history.read_at is None:
        return None
    read_at = from_ns(to_ns(history.read_at) - max(0, ahead_ns))
    limits = [read_at, *_unclassed_since(snapshot, plan), *_unresolved_since(snapshot, plan)]
    limits += _unpriced_since(snapshot)
    if None in limits or not _reaches_back(history, coverage_start(watermark, snapshot.policy)):
        return None
    first = min((one for one in limits if one is not None), key=to_ns)
    return first if watermark is None or to_ns(first) > to_ns(watermark) else None


def _unclassed_since(snapshot: Snapshot, plan: Plan) -> list[str | None]:
    """When the history's orders were submitted that this run neither knew nor inserted."""
    open_ids = {
        known_id(one.venue_order_id) for one in plan.breaks if one.kind in UNCLASSED and not one.corrected
    }
    orders = snapshot.venue.history.orders if open_ids else []
    return [order.submitted_at for order in orders if known_id(order.venue_order_id) in open_ids]


def _unresolved_since(snapshot: Snapshot, plan: Plan) -> list[str | None]:
    """When known orders were submitted whose fills this run could not book; null where their record was not read."""
    seen_at = {one.break_id: one.first_seen_at for one in plan.findings}
    oldest_ns = to_ns(plan.taken_at) - UNRESOLVED_MAX_S * NS_PER_S
    open_ids = {
        known_id(one.venue_order_id)
        for one in plan.breaks
        if one.kind in UNRESOLVED
        and not one.corrected
        and to_ns(seen_at.get(one.break_id, plan.taken_at)) >= oldest_ns
    }
    orders = snapshot.venue.history.orders if open_ids else []
    submitted_at = {known_id(order.venue_order_id): order.submitted_at for order in orders}
    return [submitted_at.get(venue_id) for venue_id in open_ids]


def _unpriced_since(snapshot: Snapshot) -> list[str | None]:
    """When the fills were executed whose price the history does not tell yet."""
    oldest_ns = to_ns(snapshot.taken_at) - PRICE_MAX_S * NS_PER_S
    return [
        fill.filled_at
        for fill in snapshot.venue.history.fills
        if price_of(fill) is None and fill.filled_at is not None and to_ns(fill.filled_at) >= oldest_ns
    ]


def is_due(watermark: str | None, next_: str | None) -> bool:
    """Whether moving the watermark is worth a write of its own."""
    if next_ is None:
        return False
    return watermark is None or to_ns(next_) - to_ns(watermark) >= WATERMARK_STEP_S * NS_PER_S


def _changes(corrections: Iterable[Correction]) -> set[bytes]:
    """Content, not ids: an order's correction keeps its id while its figures move."""
    return {msgspec.json.encode(one, order="sorted") for one in corrections}


def _breaks(breaks: Iterable[Break]) -> set[tuple[str, str]]:
    return {(one.break_id, one.message) for one in breaks}


def _findings(findings: Iterable[Finding]) -> set[tuple[object, ...]]:
    return {(one.break_id, one.confirmations, one.version) for one in findings}


def _deferrals(plan: Plan) -> set[tuple[str | None, str | None, str]]:
    return {
        (known_id(one.venue_order_id), known_client_id(one.client_order_id), one.reason.value)
        for one in plan.deferred
    }
