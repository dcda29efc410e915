"""The log events of a run: a closed vocabulary of static names, each with its fields.

Standard-library logging only: a library must not own its host's logging. `service.logs` formats a record as JSON.
The names of the reference service are kept as they were. docs/reference/log-events.md lists them all.
"""

import logging
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

LOGGER = logging.getLogger("trueup")


class Event(StrEnum):
    """Stored and printed by value; a value is never renamed."""

    SCOPE_FILTERED = "reconciliation_symbol_scope_filtered"
    CORRECTION = "reconciliation_correction"
    CANCEL_MISSING = "reconciliation_cancel_missing_exchange"
    DISCOVERY = "reconciliation_exchange_discovery"
    COVERAGE_EVALUATED = "reconciliation_order_coverage_evaluated"
    EXIT_BACKFILL = "reconciliation_exit_backfill_profile"
    SUB_TAG_UNSUPPORTED = "reconciliation_sub_tag_unsupported"
    WATCHDOG_TRIGGERED = "reconciliation_integrity_watchdog_triggered"
    CORRECTIONS_SUPERSEDED = "reconciliation_corrections_superseded"
    FILLS_CONFLICTED = "reconciliation_fills_conflicted"
    HISTORY_GAP = "reconciliation_history_gap"
    READ_FAILED = "reconciliation_read_failed"
    RUN_COMPLETED = "reconciliation_run_completed"
    RUN_BLOCKED = "reconciliation_run_blocked"
    RUN_FAILED = "reconciliation_run_failed"
    RUN_SKIPPED = "reconciliation_run_skipped"
    LEDGER_CREATED = "reconciliation_ledger_created"
    LEASE_CONTENDED = "reconciliation_lease_contended"
    LEASE_LOST = "reconciliation_lease_lost"
    WRITE_BACKS_DELIVERED = "reconciliation_write_backs_delivered"
    WRITE_BACKS_FAILED = "reconciliation_write_backs_failed"
    REPAIR_ASKED = "reconciliation_repair_asked"
    OUTBOX_FAILED = "reconciliation_outbox_failed"
    ALERT = "reconciliation_alert"
    ALERT_FAILED = "reconciliation_alert_failed"
    HINTS_FAILED = "reconciliation_hints_failed"
    SERVICE_STARTED = "reconciliation_service_started"
    SERVICE_STOPPED = "reconciliation_service_stopped"
    FLEET_DEGRADED = "reconciliation_fleet_degraded"
    FLEET_RECOVERED = "reconciliation_fleet_recovered"
    FLEET_STARVED = "reconciliation_fleet_starved"


def log_event(
    event: Event,
    fields: Mapping[str, Any],
    *,
    level: int = logging.INFO,
    error: BaseException | None = None,
) -> None:
    """Writes one event. `error` adds its traceback; null fields are left out."""
    if LOGGER.isEnabledFor(level):
        known = {key: value for key, value in fields.items() if value is not None}
        LOGGER.log(level, event.value, extra={"trueup": known}, exc_info=error)
