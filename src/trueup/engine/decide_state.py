"""Decides what becomes of one profile's plan: applied, kept dry, blocked, refused as stale, or not worth a write."""

from collections.abc import Sequence

from trueup.engine.account import RunState
from trueup.engine.circuit_breaker import judge_size
from trueup.model.plan import Correction, Plan
from trueup.model.snapshot import Finding, Snapshot
from trueup.model.times import NS_PER_S, to_ns
from trueup.model.vocabulary import ReadState

WATERMARK_STEP_S = 3600  # a run with nothing else to write moves its watermark at most this often


def decide_state(
    snapshot: Snapshot, plan: Plan, *, apply: bool, approved: Plan | None
) -> tuple[RunState, str | None]:
    """The state, and for a blocked plan the reason. `approved`: the plan that a person saw and accepted."""
    if approved is not None:
        return (RunState.APPLIED if same_corrections(plan, approved) else RunState.STALE), None
    if not apply:
        return RunState.DRY, None
    reason = judge_size(snapshot, plan) if plan.corrections else None
    return (RunState.APPLIED, None) if reason is None else (RunState.BLOCKED, reason)


def same_corrections(plan: Plan, approved: Plan) -> bool:
    """Whether two plans change exactly the same rows in the same way, whenever they were made."""
    return plan.profile_id == approved.profile_id and _changes(plan.corrections) == _changes(
        approved.corrections
    )


def is_news(snapshot: Snapshot, plan: Plan) -> bool:
    """Whether the journal has to hear of this run: it changes something, or an open break came, went or counted."""
    return bool(plan.corrections) or _standing(plan.findings) != _standing(snapshot.prior)


def is_complete(snapshot: Snapshot, plan: Plan) -> bool:
    """Whether the run saw the whole open side and has no question left."""
    return snapshot.venue.open_orders.state is ReadState.COMPLETE and not plan.queries


def next_watermark(snapshot: Snapshot, plan: Plan, watermark: str | None) -> str | None:
    """How far this run has finally classed the venue's history; null where it stands as it is.

    It moves only past orders finally classed: not while anything is deferred, asked or left uncovered.
    """
    history, coverage = snapshot.venue.history, plan.result.coverage
    unclassed = (
        coverage.deferred
        + coverage.skipped_missing_order_id
        + coverage.skipped_missing_fill_data
        + coverage.skipped_unmapped_action
        + coverage.skipped_unmapped_trade
        + coverage.skipped_insert_limit
        + coverage.would_insert
    )
    covered = coverage.attempted or not snapshot.policy.coverage_enabled
    if not covered or unclassed or plan.deferred or plan.queries or coverage.dry_run:
        return None
    if history.state is not ReadState.COMPLETE or history.read_at is None:
        return None
    reaches_back = history.since is None or (
        watermark is not None and to_ns(history.since) <= to_ns(watermark)
    )
    return history.read_at if reaches_back else None


def is_due(watermark: str | None, next_: str | None) -> bool:
    """Whether moving the watermark is worth a write of its own."""
    if next_ is None:
        return False
    return watermark is None or to_ns(next_) - to_ns(watermark) >= WATERMARK_STEP_S * NS_PER_S


def _changes(corrections: Sequence[Correction]) -> set[tuple[str, int]]:
    return {(one.correction_id, one.expected_version) for one in corrections}


def _standing(findings: Sequence[Finding]) -> set[tuple[object, ...]]:
    return {
        (
            one.break_id,
            one.kind,
            one.venue_order_id,
            one.client_order_id,
            one.trade_id,
            one.confirmations,
            one.version,
        )
        for one in findings
    }
