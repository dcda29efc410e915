"""How long orders have been deferred, by reason: from the journal's records before the run, and the run's plan."""

from trueup.engine.observe import Remembered
from trueup.model.ids import known_client_id, known_id
from trueup.model.plan import Plan
from trueup.model.times import NS_PER_S, to_ns


def deferral_ages(before: Remembered, plan: Plan) -> dict[str, int]:
    """Whole seconds of the oldest deferral of each reason in this plan; new ones are 0 s old."""
    since = {
        (one.venue_order_id, one.client_order_id): to_ns(one.first_deferred_at) for one in before.deferrals
    }
    now_ns = to_ns(plan.taken_at)
    ages: dict[str, int] = {}
    for one in plan.deferred:
        first_ns = since.get((known_id(one.venue_order_id), known_client_id(one.client_order_id)), now_ns)
        ages[one.reason] = max(ages.get(one.reason, 0), (now_ns - first_ns) // NS_PER_S)
    return ages
