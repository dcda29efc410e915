"""Tells the log what one profile's run found and changed. Only what was committed is reported as done."""

import logging
from collections.abc import Callable
from typing import Any

from msgspec.structs import asdict

from trueup.engine.events import Event, log_event
from trueup.engine.run.account import ProfileReport, RunState
from trueup.engine.run.said import Said
from trueup.model.plan import Break, Correction, CoverageResult, Plan
from trueup.model.snapshot import NOT_READ, Snapshot
from trueup.model.vocabulary import BreakKind, CorrectionKind, ReadState
from trueup.ports.records import ApplyReport

Fields = dict[str, Any]


Warn = Callable[[Event, Fields, int], None]  # says a warning or an error, once while nothing changes


def report_profile(report: ProfileReport, said: Said, now_ns: int) -> None:
    """Every event of one profile's run, its end last. A failure was logged where it was caught.

    `now_ns`: of a clock that only passes.
    """

    def warn(event: Event, fields: Fields, level: int) -> None:
        said.log(now_ns, event, fields, level=level)

    fields: Fields = {"run_id": report.run_id, "profile_id": report.profile_id}
    if report.state in (RunState.PAUSED, RunState.SKIPPED):
        log_event(Event.RUN_SKIPPED, fields | {"reason": report.error or report.state})
    if report.plan is None or report.snapshot is None:
        return
    fields |= {"user_id": report.snapshot.profile.user_id, "plan_id": report.plan.plan_id}
    _report_reads(report.snapshot, fields, warn)
    if report.history_gap is not None:
        warn(Event.HISTORY_GAP, fields | {"reason": report.history_gap}, logging.WARNING)
    _report_stages(report.plan, fields, warn)
    if report.state is RunState.APPLIED:
        _report_corrections(report.plan, report.applied, fields)
    _report_application(report, fields, warn)
    _report_end(report, report.plan, fields, warn)


def _report_reads(snapshot: Snapshot, fields: Fields, warn: Warn) -> None:
    venue = snapshot.venue
    _report_read("open_orders", venue.open_orders.state, venue.open_orders.error, fields, warn)
    _report_read("history", venue.history.state, venue.history.error, fields, warn)
    if venue.positions.error != NOT_READ:
        _report_read("positions", venue.positions.state, venue.positions.error, fields, warn)


def _report_read(read: str, state: ReadState, error: str | None, fields: Fields, warn: Warn) -> None:
    if state is not ReadState.COMPLETE:
        more = {"read": read, "read_state": state, "reason": error}
        warn(Event.READ_FAILED, fields | more, logging.WARNING)


def _report_stages(plan: Plan, fields: Fields, warn: Warn) -> None:
    result = plan.result
    if result.out_of_scope:
        log_event(Event.SCOPE_FILTERED, fields | {"dropped": result.out_of_scope})
    if _is_worth_a_warning(result.coverage):
        warn(Event.COVERAGE_EVALUATED, fields | asdict(result.coverage), logging.WARNING)
    if result.exit_backfill.proposed or result.exit_backfill.no_go_trades:
        figures = asdict(result.exit_backfill) | {"no_go_reason_counts": result.no_go_reason_counts}
        warn(Event.EXIT_BACKFILL, fields | figures, logging.WARNING)
    if result.sub_tag_repair.unsupported:
        warn(Event.SUB_TAG_UNSUPPORTED, fields, logging.ERROR)
    if result.integrity_watchdog_triggered:
        figures = {"missing_locally": result.missing_locally, "no_go_trades": result.no_go_trades}
        warn(Event.WATCHDOG_TRIGGERED, fields | figures, logging.ERROR)


def _is_worth_a_warning(coverage: CoverageResult) -> bool:
    return bool(
        coverage.missing_locally
        or coverage.inserted
        or coverage.skipped_unmapped_trade
        or coverage.skipped_unmapped_action
    )


def _report_corrections(plan: Plan, applied: ApplyReport | None, fields: Fields) -> None:
    dropped = set(applied.superseded_ids) if applied is not None else set()
    breaks = {one.break_id: one for one in plan.breaks}
    orders = {id_: one for one in plan.projected_orders for id_ in (one.client_order_id, one.venue_order_id)}
    for correction in (one for one in plan.corrections if one.correction_id not in dropped):
        cause = breaks.get(correction.break_id)
        order = orders.get(correction.venue_order_id or correction.client_order_id)
        more = {
            "correction_id": correction.correction_id,
            "kind": correction.kind,
            "reason": correction.reason,
            "break_kind": None if cause is None else cause.kind,
            "symbol": None if cause is None else cause.symbol,
            "client_order_id": correction.client_order_id,
            "venue_order_id": correction.venue_order_id,
            "trade_id": correction.trade_id,
            "status": None if order is None else order.status,
            "action": None if order is None else order.action,
        }
        log_event(_event_of(correction, cause), fields | more)


def _event_of(correction: Correction, cause: Break | None) -> Event:
    if correction.kind is CorrectionKind.INSERT_ORDER:
        return Event.DISCOVERY
    missing = cause is not None and cause.kind is BreakKind.MISSING_AT_VENUE
    return (
        Event.CANCEL_MISSING if missing and correction.kind is CorrectionKind.SET_STATUS else Event.CORRECTION
    )


def _report_application(report: ProfileReport, fields: Fields, warn: Warn) -> None:
    if report.applied is None:
        return
    if report.applied.superseded:
        log_event(Event.CORRECTIONS_SUPERSEDED, fields | {"superseded": report.applied.superseded})
    for conflict in report.applied.conflicts:
        warn(Event.FILLS_CONFLICTED, fields | {"conflict": conflict}, logging.ERROR)


def _report_end(report: ProfileReport, plan: Plan, fields: Fields, warn: Warn) -> None:
    figures: Fields = {
        "state": report.state,
        "breaks": len(plan.breaks),
        "corrections": len(plan.corrections),
        "deferred": len(plan.deferred),
        "queries_open": len(plan.queries),
    }
    if report.state in (RunState.BLOCKED, RunState.STALE):
        reason = report.blocked_reason or "the plan is not the one that was approved"
        warn(Event.RUN_BLOCKED, fields | figures | {"reason": reason}, logging.ERROR)
    else:  # in sync is the normal case, and quiet
        level = logging.INFO if plan.breaks or plan.deferred else logging.DEBUG
        log_event(Event.RUN_COMPLETED, fields | figures, level=level)
