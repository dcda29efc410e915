"""What happened in a world, as lines that a person can read: the market, the runs and their plans, people, faults.

Decides only how it is told. `!` marks a fault, `?` a question, `~` what was deferred.
"""

from collections import Counter
from collections.abc import Iterable

from trueup.engine.run.account import ProfileReport
from trueup.model.plan import Correction, Plan
from trueup.model.times import NS_PER_S, from_ns
from trueup.sim.checkers import Violation
from trueup.sim.trials.fleet import Fleet


def write_trace(fleet: Fleet, violations: Iterable[Violation], faults: Counter[str]) -> bytes:
    """Everything that happened, in the order of happening, with the violations at the end."""
    skew_ns = fleet.shape.world.venue_skew_s * NS_PER_S
    lines = [(event.ns - skew_ns, event.line().partition(" ")[2]) for event in fleet.world.market.events]
    lines += [(ns, one if isinstance(one, str) else _of_plan(one)) for ns, one in fleet.notes]
    lines = [(ns, what) for ns, what in lines if what]
    told = [f"{from_ns(ns)[11:19]} {what}" for ns, what in sorted(lines, key=lambda one: one[0])]
    told += [f"fault {name} {count}" for name, count in sorted(faults.items())]
    told += [f"VIOLATED {one.invariant} {one.subject}: {one.message}" for one in violations]
    return ("\n".join(told) + "\n").encode()


def _of_plan(report: ProfileReport) -> str:
    steps = [] if report.plan is None else list(_steps(report.plan))
    return f"  {report.profile_id} {', '.join(steps)}" if steps else ""


def _steps(plan: Plan) -> Iterable[str]:
    for one in plan.corrections:
        yield f"{one.kind.value} {one.client_order_id or one.venue_order_id or one.trade_id}{_what(one)}"
    for query in plan.queries:
        yield f"?{query.reason} {query.id or query.since or ''}"
    for deferral in plan.deferred:
        yield f"~{deferral.reason.value} {deferral.client_order_id or deferral.venue_order_id}"


def _what(one: Correction) -> str:
    if one.fill is not None:
        return f" {one.fill.qty}@{one.fill.price}{' inferred' if one.fill.inferred else ''}"
    if isinstance(one.changes, dict) and "status" in one.changes:
        return f" {one.changes['status']}"
    return ""
