"""One snapshot in, one plan out: the stages, in their order. The same snapshot gives the same plan, byte for byte."""

from collections.abc import Callable
from decimal import localcontext
from inspect import signature
from operator import attrgetter

from trueup.core.as_cut_off import as_cut_off
from trueup.core.as_one_order import as_one_order
from trueup.core.doubts.doubt_mapping import mapping_doubts
from trueup.core.draft.draft import begin_draft
from trueup.core.finish_plan import finish_plan
from trueup.core.own_ids import as_tags, as_they_are, of_their_instruments
from trueup.core.stages.apply_decisions import apply_decisions
from trueup.core.stages.backfill_exits import backfill_exits
from trueup.core.stages.check_parity import check_parity
from trueup.core.stages.check_watchdog import check_watchdog
from trueup.core.stages.cover_history import cover_history
from trueup.core.stages.diff_orders import diff_orders
from trueup.core.stages.discover_orders import discover_orders
from trueup.core.stages.doubt_rows import doubt_rows
from trueup.core.stages.filter_scope import filter_scope
from trueup.core.stages.match_orders import match_orders
from trueup.core.stages.move_trades import move_trades
from trueup.core.stages.raise_alerts import raise_alerts
from trueup.core.stages.repair_sub_tags import repair_sub_tags
from trueup.core.stages.report_rows import report_rows
from trueup.core.stages.resolve_missing import resolve_missing
from trueup.core.stages.tell_undone import tell_undone
from trueup.model.ids import plain_id
from trueup.model.last_results import LastResults
from trueup.model.money import CONTEXT
from trueup.model.plan import Plan
from trueup.model.snapshot import Snapshot

# A stage is given what its parameters name: `facts`, `local`, `venue`, `outcome`. It says there what it reads; what it
# decides it lays onto the local side, and adds to the outcome.
Stage = Callable[..., None]

STAGES: tuple[Stage, ...] = (
    filter_scope,
    match_orders,
    report_rows,
    diff_orders,
    resolve_missing,
    discover_orders,
    apply_decisions,
    cover_history,
    backfill_exits,
    move_trades,
    repair_sub_tags,
    check_parity,
    tell_undone,
    check_watchdog,
    raise_alerts,
)


# what is left of them where the rows cannot be what their mapping says: nothing is judged
STAGES_IN_DOUBT: tuple[Stage, ...] = (filter_scope, match_orders, doubt_rows, raise_alerts)

_GIVEN = {stage: attrgetter(*signature(stage).parameters) for stage in (*STAGES, *STAGES_IN_DOUBT)}


def make_plan(snapshot: Snapshot, results: LastResults | None = None) -> Plan:
    """Everything one run would find, change, ask and tell. Total: a checked snapshot never raises.

    `results`: of this profile's last plan. What was reckoned of rows that stay equal is not reckoned again.
    """
    results = results or LastResults()
    with localcontext(CONTEXT):
        snapshot = as_cut_off(as_one_order(snapshot))
        shared = frozenset(snapshot.local.shared_client_order_ids)
        if shared:
            plan = as_they_are(_plan(as_tags(snapshot, shared), results, has_own_ids=True))
        else:
            plan = _plan(snapshot, results)
        is_quiet = not (plan.breaks or plan.corrections or plan.queries)
        if not snapshot.local.mapped or is_quiet or not mapping_doubts(snapshot):
            return plan
        return _plan(snapshot, results, STAGES_IN_DOUBT)


def _plan(
    snapshot: Snapshot,
    results: LastResults,
    stages: tuple[Stage, ...] = STAGES,
    *,
    has_own_ids: bool = False,
) -> Plan:
    """Starts again, with ids of their own, where a stage found that orders of several instruments have one id."""
    draft = begin_draft(snapshot, results, has_own_ids=has_own_ids)
    for stage in stages:
        stage(*_GIVEN[stage](draft))
        several = frozenset(one for one in draft.outcome.ids_of_several if plain_id(one) == one)
        if several:
            own = of_their_instruments(snapshot, several)
            return as_they_are(_plan(own, results, stages, has_own_ids=True))
    return finish_plan(draft.facts, draft.local, draft.venue, draft.outcome)
