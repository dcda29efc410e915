"""Storms are drift: no snapshot of a simulated world makes a mapping doubtful, whatever was lost, late or stale."""

import os

import pytest
from msgspec.structs import replace

from trueup.core.doubts.doubt_mapping import mapping_doubts
from trueup.core.make_plan import make_plan
from trueup.model.last_results import LastResults
from trueup.model.plan import Plan
from trueup.model.snapshot import Snapshot
from trueup.sim.trials.campaign import run_seeds

SEEDS = int(os.environ.get("TRUEUP_DOUBT_SEEDS", "8"))


def test_no_storm_makes_a_mapping_doubtful(monkeypatch: pytest.MonkeyPatch) -> None:
    doubted: list[str] = []
    judged = []

    def plan_and_doubt(snapshot: Snapshot, results: LastResults) -> Plan:
        plan = make_plan(snapshot, results)
        if plan.breaks or plan.queries:
            judged.append(plan.plan_id)
            local = replace(snapshot.local, mapped=True)
            doubted.extend(one.message for one in mapping_doubts(replace(snapshot, local=local)))
        return plan

    monkeypatch.setattr("trueup.engine.run.plan_profiles.make_plan", plan_and_doubt)
    run_seeds(1, SEEDS)
    assert judged
    assert doubted == []
