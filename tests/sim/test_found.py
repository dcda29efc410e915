"""Snapshots in which worlds once found a bug of the core: each stays quiet when planned again over its projections."""

from pathlib import Path

import pytest

from trueup.core.make_plan import make_plan
from trueup.model.decode import decode_snapshot
from trueup.model.vocabulary import DeferralReason
from trueup.sim.checkers import check_plan, check_replan
from trueup.sim.trials.projection import projected

FOUND = Path(__file__).parent / "found"


@pytest.mark.parametrize("name", sorted(path.stem for path in FOUND.glob("*.json")))
def test_what_was_planned_is_not_planned_again(name):
    snapshot = decode_snapshot((FOUND / f"{name}.json").read_bytes())
    plan = make_plan(snapshot)
    assert check_plan(snapshot, plan) == []
    assert check_replan(make_plan(projected(snapshot, plan))) == []


def test_orders_that_never_were_at_the_venue_do_not_vanish_from_it():
    plan = make_plan(decode_snapshot((FOUND / "four_orders_never_sent.json").read_bytes()))
    assert DeferralReason.MASS_ABSENCE not in {deferral.reason for deferral in plan.deferred}
