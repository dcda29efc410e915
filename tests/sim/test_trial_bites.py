"""A trial catches a spoiled core: each named fault of judgement is found within a few worlds."""

import pytest
from msgspec import structs

from trueup.core.make_plan import make_plan
from trueup.model.plan import Plan
from trueup.model.snapshot import Snapshot, VenueOrder
from trueup.model.vocabulary import Outcome, Status
from trueup.sim.trial import run_trial

WORLDS_MAX = 60


def unknown_counts_as_absent(snapshot: Snapshot) -> Plan:
    answers = [
        structs.replace(answer, outcome=Outcome.ABSENT) if answer.outcome is Outcome.UNKNOWN else answer
        for answer in snapshot.venue.answers
    ]
    return make_plan(structs.replace(snapshot, venue=structs.replace(snapshot.venue, answers=answers)))


def absence_needs_no_confirmation(snapshot: Snapshot) -> Plan:
    hasty = structs.replace(snapshot.policy, absence_confirmations=1, absence_min_age_s=0)
    return make_plan(structs.replace(snapshot, policy=hasty))


def booked_fills_are_forgotten(snapshot: Snapshot) -> Plan:
    orders = [structs.replace(order, filled_qty="0") for order in snapshot.local.orders]
    return make_plan(
        structs.replace(snapshot, local=structs.replace(snapshot.local, orders=orders, fills=[]))
    )


def fills_are_never_booked(snapshot: Snapshot) -> Plan:
    plan = make_plan(snapshot)
    kept = [one for one in plan.corrections if one.fill is None]
    return structs.replace(plan, corrections=kept, projected_fills=[])


def inferred_fills_stay(snapshot: Snapshot) -> Plan:
    history = structs.replace(snapshot.venue.history, fills=[])
    return make_plan(structs.replace(snapshot, venue=structs.replace(snapshot.venue, history=history)))


def everybody_is_ours(snapshot: Snapshot) -> Plan:
    open_handed = structs.replace(snapshot.policy, owned_client_order_id_prefixes=(), owned_sub_tags=())
    return make_plan(structs.replace(snapshot, policy=open_handed))


def replacements_look_like_cancels(snapshot: Snapshot) -> Plan:
    def unlinked(row: VenueOrder) -> VenueOrder:
        status = Status.CANCELED if row.status is Status.REPLACED else row.status
        return structs.replace(row, status=status, replaces=None, replaced_by=None)

    venue = snapshot.venue
    return make_plan(
        structs.replace(
            snapshot,
            venue=structs.replace(
                venue,
                open_orders=structs.replace(
                    venue.open_orders, rows=[unlinked(row) for row in venue.open_orders.rows]
                ),
                history=structs.replace(
                    venue.history, orders=[unlinked(row) for row in venue.history.orders]
                ),
                answers=[
                    structs.replace(answer, order=unlinked(answer.order))
                    if answer.order is not None
                    else answer
                    for answer in venue.answers
                ],
            ),
        )
    )


def versions_are_not_raised(snapshot: Snapshot) -> Plan:
    plan = make_plan(snapshot)
    orders = [structs.replace(order, version=max(1, order.version - 1)) for order in plan.projected_orders]
    return structs.replace(plan, projected_orders=orders)


def trades_do_not_move(snapshot: Snapshot) -> Plan:
    return structs.replace(make_plan(snapshot), projected_trades=[])


def missing_orders_are_left_alone(snapshot: Snapshot) -> Plan:
    return make_plan(structs.replace(snapshot, policy=structs.replace(snapshot.policy, queries_max=0)))


@pytest.mark.parametrize(
    ("spoiled", "invariants"),
    [
        (unknown_counts_as_absent, {"I4"}),
        (absence_needs_no_confirmation, {"I4"}),
        (booked_fills_are_forgotten, {"I1", "I3", "I11"}),
        (fills_are_never_booked, {"I3", "live"}),
        (inferred_fills_stay, {"live"}),
        (everybody_is_ours, {"I15"}),
        (replacements_look_like_cancels, {"I4"}),
        (versions_are_not_raised, {"I8", "I11"}),
        (trades_do_not_move, {"I3"}),
        (missing_orders_are_left_alone, {"live"}),
    ],
)
def test_a_spoiled_core_is_caught(spoiled, invariants):
    caught: set[str] = set()
    for seed in range(WORLDS_MAX):
        caught |= {violation.invariant for violation in run_trial(seed, spoiled).violations}
        if caught & invariants:
            return
    pytest.fail(f"{WORLDS_MAX} worlds found {caught or 'nothing'} instead of one of {invariants}")
