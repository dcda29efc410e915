"""What is kept of a run: it can be planned again, and explained."""

from pathlib import Path

import msgspec
import pytest

from tests.unit.engine.run.desk import Desk, filled, local_order, open_desk
from trueup.engine.people.explain import explain
from trueup.engine.run.replay_run import replay_run
from trueup.engine.run.run_account import reconcile_account
from trueup.ledgers.sql.sql_ledger import SqlLedger
from trueup.model.errors import InputError
from trueup.model.plan import Plan
from trueup.sim.clock import run_simulated


@pytest.fixture
def desk(tmp_path: Path):
    desk = open_desk(tmp_path)
    account = desk.account()
    desk.record(local_order("a"))
    desk.venue.opened = [filled("a", "4")]
    run_simulated(desk.clock, reconcile_account(account, apply=True))
    yield desk
    desk.ledger.close()


def run_id(ledger: SqlLedger) -> str:
    return ledger.journal.list_runs("mom-1")[0].run_id


def test_a_kept_run_gives_the_same_plan_byte_for_byte(desk: Desk):
    replay = replay_run(desk.ledger.journal, run_id(desk.ledger))
    assert replay.same
    assert replay.changed == []
    assert replay.stored == replay.replayed


class ChangedJournal:
    """A journal whose stored plan was made by other rules."""

    def __init__(self, ledger: SqlLedger) -> None:
        self._ledger = ledger

    def load_run(self, run_id: str):
        run, snapshot, plan = self._ledger.journal.load_run(run_id)
        return run, snapshot, plan.replace(b'"qty":"4"', b'"qty":"5"')


def test_a_plan_made_by_other_rules_is_told_by_its_keys(desk: Desk):
    replay = replay_run(ChangedJournal(desk.ledger), run_id(desk.ledger))  # type: ignore[arg-type]
    assert not replay.same
    assert "corrections" in replay.changed
    assert "breaks" not in replay.changed


def test_a_run_is_explained_by_its_plan(desk: Desk):
    (one,) = explain(desk.ledger, run_id(desk.ledger))
    assert one.run is not None
    assert one.run.state == "applied"
    assert isinstance(one.plan, Plan)
    assert sorted(record.found.kind for record in one.breaks) == ["fill_drift", "status_drift"]


@pytest.mark.parametrize("reference", ["a", "V-A ", "v-a"])
def test_an_order_is_explained_by_either_id(desk: Desk, reference: str):
    (one,) = explain(desk.ledger, reference)
    assert one.order is not None
    assert (one.order.client_order_id, one.order.filled_qty) == ("a", "4")
    assert {entry.source for entry in one.timeline} >= {"log", "correction"}
    assert [entry.at for entry in one.timeline] == sorted(entry.at for entry in one.timeline)


def test_a_break_is_explained_by_its_id_or_the_beginning_of_it(desk: Desk):
    records = desk.ledger.journal.list_breaks(open_only=False)
    (record,) = [one for one in records if one.found.kind == "fill_drift"]
    (one,) = explain(desk.ledger, record.found.break_id)
    assert one.breaks == [record]
    assert one.order is not None
    assert one.timeline
    (both,) = explain(desk.ledger, record.found.break_id[:12])
    assert both.breaks == records


def test_an_unknown_id_is_refused_with_where_to_look(desk: Desk):
    with pytest.raises(InputError, match="trueup breaks"):
        explain(desk.ledger, "nothing")
    with pytest.raises(InputError, match="not kept"):
        replay_run(desk.ledger.journal, "nothing")


def test_a_failed_run_has_no_plan_to_replay(desk: Desk, monkeypatch):
    monkeypatch.setattr("trueup.engine.run.plan_profiles.make_plan", lambda *_: msgspec.json.decode(b""))
    run_simulated(desk.clock, reconcile_account(desk.account()))
    with pytest.raises(InputError, match="the run failed"):
        replay_run(desk.ledger.journal, run_id(desk.ledger))
