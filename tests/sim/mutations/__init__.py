"""Named mistakes in product code, made at run time in this process: each must be caught by the simulator's checkers."""

from collections.abc import Callable

from tests.sim.mutations import books, evidence, parity, telling, watermarks
from tests.sim.mutations.evidence import Mutation

MUTATIONS: tuple[Callable[[], Mutation], ...] = (
    books.no_fence,
    books.no_unique_fill_key,
    books.a_fill_is_known_by_its_id_alone,
    books.inferred_fill_not_superseded,
    books.two_ids_are_two_executions,
    books.one_number_is_one_order,
    books.a_shared_client_id_names_an_order,
    books.noise_is_a_quantity,
    books.an_estimate_is_believed,
    books.version_not_compared,
    books.log_not_chained,
    books.corrections_not_kept,
    books.trades_not_moved,
    books.a_trade_opened_late_is_empty,
    books.an_exit_stays_off_its_trade,
    evidence.absence_without_confirmation,
    evidence.partial_read_taken_as_complete,
    evidence.venue_read_sent_before_the_local_read,
    evidence.predecessors_fills_forgotten_on_a_replace,
    evidence.replacement_looks_like_a_cancel,
    evidence.unknown_answer_counts_as_absent,
    evidence.everybody_is_ours,
    evidence.questions_never_asked,
    evidence.another_account_is_believed,
    evidence.recent_activity_is_judged,
    evidence.fills_take_the_orders_price,
    evidence.a_dry_coverage_inserts,
    watermarks.watermark_advanced_on_any_run,
    watermarks.watermark_passes_unbooked_fills,
    watermarks.watermark_holds_for_any_scope,
    parity.parity_never_releases,
    parity.parity_never_acts,
    parity.every_trade_within_the_shortfall_is_quarantined,
    telling.outbox_key_per_attempt,
    telling.outbox_never_delivered,
    telling.a_failed_delivery_counts,
    telling.told_before_the_commit,
    telling.the_growth_is_told_as_the_whole,
    telling.told_in_the_order_of_ids,
    telling.an_undone_repair_is_made_again,
)

# What makes a mistake show soon: rates that replace the seed's own.
PROVOKING: dict[str, dict[str, float]] = {
    "an_undone_repair_is_made_again": {"person_undoes": 0.2},
    "no_fence": {"paused": 0.6, "killed": 0.0, "reply_slow": 0.0, "reply_lost": 0.0},
    "version_not_compared": {"thread_late": 0.1},
    "partial_read_taken_as_complete": {"read_truncated": 0.5},
    "watermark_passes_unbooked_fills": {
        "precision_wrong": 0.9,
        "answer_unknown": 0.95,
        "read_truncated": 0.0,
        "read_failed": 0.0,
        "history_expired": 0.0,
    },
    "watermark_holds_for_any_scope": {"config_changed": 0.3},
    "another_account_is_believed": {"account_swapped": 0.6, "reply_slow": 0.0},
    "a_trade_opened_late_is_empty": {"backup_restored": 0.03, "database_cut": 0.03},
    "two_ids_are_two_executions": {"fill_renamed": 0.9, "frame_lost": 0.1},
    "a_shared_client_id_names_an_order": {
        "client_id_shared": 0.9,
        "crash_after_send": 0.6,
        "frame_lost": 0.9,
    },
    "noise_is_a_quantity": {"amount_noisy": 0.9, "precision_wrong": 0.0},
    "a_dry_coverage_inserts": {"config_changed": 0.3},
    "recent_activity_is_judged": {"reply_slow": 0.6, "read_stale": 0.5},
    "venue_read_sent_before_the_local_read": {"reply_slow": 0.9, "read_failed": 0.0},
    "unknown_answer_counts_as_absent": {"answer_unknown": 0.8, "order_hidden": 0.6},
}

# What a world needs for a mistake to show, beside faults.
SHAPES: dict[str, dict[str, bool]] = {
    "an_estimate_is_believed": {"notional": True},
    "one_number_is_one_order": {"order_ids_repeat": True},
    "a_shared_client_id_names_an_order": {"brackets": True},
}

# What is lost behind a watermark is lost when a night lies between: these always have one.
NIGHTLY = (
    "partial_read_taken_as_complete",
    "another_account_is_believed",
    "a_dry_coverage_inserts",
    "watermark_advanced_on_any_run",
    "watermark_holds_for_any_scope",
)
