"""One run of an account on a real SQLite ledger: what is read, written, reported; what a failure costs the others."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.unit.engine.run.desk import ACCOUNT, Desk, Told, filled, local_order, names, open_desk, venue_order
from trueup.engine.run.account import AccountReport, ManagedAccount, RunState
from trueup.engine.run.answer_queries import Answers
from trueup.engine.run.plan_account import plan_account
from trueup.engine.run.run_account import reconcile_account
from trueup.engine.run.share_orders import SharedOrders
from trueup.model.errors import LedgerError, VenueUnavailable
from trueup.model.plan import Query
from trueup.model.policy import Policy
from trueup.model.snapshot import SNAPSHOT_FORMAT, Local, OrdersRead, Profile, Snapshot, Venue
from trueup.model.vocabulary import BreakKind, QueryBy, QuerySide, ReadState, Status
from trueup.sim.clock import run_simulated


@pytest.fixture
def desk(tmp_path: Path):
    desk = open_desk(tmp_path)
    yield desk
    desk.ledger.close()


def run(desk: Desk, account: ManagedAccount, **options: Any) -> AccountReport:
    desk.log.clear()
    return run_simulated(desk.clock, reconcile_account(account, **options))


def states(report: AccountReport) -> dict[str, str]:
    return {one.profile_id: one.state.value for one in report.profiles}


# -- the order of things -------------------------------------------------------------------------------------


def test_local_reads_end_before_the_venue_is_asked_and_commits_come_last(desk: Desk):
    account = desk.account()
    desk.record(local_order("a"))
    desk.venue.opened = [filled("a", "4")]
    run(desk, account, apply=True)
    assert desk.log == [
        "local",
        "venue open orders",
        "venue history",
        "venue positions",
        "venue account",
        "venue instruments",
        "commit applied",
    ]


def test_a_missed_fill_is_booked_and_the_next_run_writes_nothing(desk: Desk):
    account = desk.account()
    desk.record(local_order("a"))
    desk.venue.opened = [filled("a", "4")]
    first = run(desk, account, apply=True)
    assert states(first) == {"mom-1": "applied"}
    assert first.profiles[0].run_id is not None
    assert (desk.books()["a"].filled_qty, desk.books()["a"].status) == ("4", Status.PARTIALLY_FILLED)
    second = run(desk, account, apply=True)
    assert states(second) == {"mom-1": "unchanged"}
    assert names(desk.log, "commit") == []


def test_dry_by_default_and_the_same_drift_is_written_once(desk: Desk):
    account = desk.account()
    desk.record(local_order("a"))
    desk.venue.opened = [filled("a", "4")]
    assert states(run(desk, account)) == {"mom-1": "dry"}
    assert desk.books()["a"].filled_qty == "0"
    assert states(run(desk, account)) == {"mom-1": "unchanged"}
    desk.venue.opened = [filled("a", "5")]
    assert states(run(desk, account)) == {"mom-1": "dry"}


def test_a_break_that_mends_itself_is_closed_in_the_journal(desk: Desk):
    account = desk.account()
    desk.record(local_order("a"))
    desk.venue.opened = [filled("a", "4")]
    run(desk, account)
    assert [one.found.kind for one in desk.ledger.journal.list_breaks("mom-1")] == [
        BreakKind.FILL_DRIFT,
        BreakKind.STATUS_DRIFT,
    ]
    desk.venue.opened = [venue_order("a")]
    run(desk, account)
    assert desk.ledger.journal.list_breaks("mom-1") == []


def test_the_executor_is_told_once_and_only_of_what_was_committed(desk: Desk):
    told = Told()
    account = desk.account(executor=told)
    desk.record(local_order("a"))
    desk.venue.opened = [filled("a", "4")]
    run(desk, account)
    assert told.notifications == []
    run(desk, account, apply=True)
    run(desk, account, apply=True)
    assert [(one.kind, one.qty, one.cumulative_qty) for one in told.notifications] == [
        ("entry_fill", "4", "4")
    ]


def test_planning_alone_takes_no_lease_and_writes_nothing(desk: Desk):
    account = desk.account()
    desk.record(local_order("a"))
    desk.venue.opened = [filled("a", "4")]
    desk.ledger.journal.acquire_lease(ACCOUNT, "somebody", 30)
    (report,) = run_simulated(desk.clock, plan_account(account))
    assert report.plan is not None
    assert [one.kind for one in report.plan.corrections] == ["book_fill", "set_status"]
    assert names(desk.log, "commit") == []


# -- reads that fail -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", [VenueUnavailable("503"), "hang"])
@pytest.mark.parametrize("part", ["opened", "past", "whose", "steps"])
def test_a_read_that_fails_or_hangs_changes_nothing(desk: Desk, part, what):
    account = desk.account()
    desk.record(local_order("a"))
    desk.venue.opened = []
    setattr(desk.venue, part, desk.venue.HANG if what == "hang" else what)
    for _ in range(4):
        desk.clock.advance(60_000_000_000)
        run(desk, account, apply=True)
    report = run(desk, account, apply=True)
    assert report.processed
    assert desk.books()["a"].status is Status.PENDING_NEW
    snapshot = report.profiles[0].snapshot
    assert snapshot is not None
    reads = {
        one.error
        for one in (snapshot.venue.open_orders, snapshot.venue.history)
        if one.state is ReadState.FAILED
    }
    (error,) = reads
    assert ("no answer within 5 s" if what == "hang" else "VenueUnavailable: 503") in str(error)


def test_an_order_that_vanished_is_asked_for_and_booked_from_the_answer(desk: Desk):
    account = desk.account()
    desk.record(local_order("a"))
    desk.venue.answers["v-a"] = filled("a", "10", Status.FILLED)
    assert states(run(desk, account, apply=True)) == {"mom-1": "applied"}
    assert desk.books()["a"].status is Status.FILLED
    assert names(desk.log, "venue venue_order_id") == ["venue venue_order_id v-a"]


def test_a_reply_to_another_request_is_no_answer(desk: Desk):
    account = desk.account()
    desk.record(local_order("a"))
    desk.venue.answers["v-a"] = filled("b", "10", Status.FILLED)
    report = run(desk, account, apply=True)
    assert desk.books()["a"].status is Status.PENDING_NEW
    snapshot = report.profiles[0].snapshot
    assert snapshot is not None
    assert [one.error for one in snapshot.venue.answers] == ["the reply was to another request"]


def test_absence_is_confirmed_over_runs_and_then_cancels(desk: Desk):
    account = desk.account()
    desk.record(local_order("a"))
    outcomes = []
    for _ in range(4):
        desk.clock.advance(40_000_000_000)
        run(desk, account, apply=True)
        outcomes.append(desk.books()["a"].status.value)
    assert outcomes == ["pending_new", "pending_new", "canceled", "canceled"]


# -- several profiles ----------------------------------------------------------------------------------------


def test_one_profile_that_cannot_be_judged_spoils_no_other(desk: Desk, monkeypatch):
    account = desk.account("mom", "rev")
    desk.record(local_order("mom-1"), "mom")
    desk.record(local_order("rev-1"), "rev")
    desk.venue.opened = [filled("mom-1", "4"), filled("rev-1", "4")]
    monkeypatch.setattr("trueup.engine.run.plan_profiles.make_plan", failing_for("mom"))
    report = run(desk, account, apply=True)
    assert states(report) == {"mom": "failed", "rev": "applied"}
    assert report.profiles[0].error == "ZeroDivisionError: a fault of ours"
    assert desk.books("rev")["rev-1"].filled_qty == "4"
    (kept,) = desk.ledger.journal.list_runs("mom")
    assert (kept.state, kept.error) == ("failed", "ZeroDivisionError: a fault of ours")


def failing_for(profile_id: str) -> Any:
    from trueup.core.make_plan import make_plan

    def plan(snapshot: Any, results: Any) -> Any:
        if snapshot.profile.profile_id == profile_id:
            raise ZeroDivisionError("a fault of ours")
        return make_plan(snapshot, results)

    return plan


def test_a_profile_that_waits_for_an_answer_delays_no_other(desk: Desk):
    account = desk.account("mom", "rev")
    desk.record(local_order("mom-1"), "mom")
    desk.record(local_order("rev-1"), "rev")
    desk.venue.opened = [filled("rev-1", "4")]
    desk.venue.answers["v-mom-1"] = desk.venue.HANG
    report = run(desk, account, apply=True)
    assert desk.log.index("commit applied") < desk.log.index("venue venue_order_id v-mom-1")
    assert states(report)["rev"] == "applied"
    assert desk.books("mom")["mom-1"].status is Status.PENDING_NEW


def test_a_question_of_two_profiles_is_asked_once(desk: Desk):
    account = desk.account("mom", "rev")
    for number in range(2):
        desk.record(local_order(f"mom-{number}"), "mom")
    desk.record(local_order("rev-1"), "rev")
    run(desk, account)
    asked = names(desk.log, "venue venue_order_id")
    assert sorted(asked) == sorted(set(asked))


def test_a_paused_profile_is_skipped_and_the_venue_not_even_asked(desk: Desk):
    account = desk.account()
    desk.ledger.journal.pause_profile("mom-1", "maintenance")
    report = run(desk, account, apply=True)
    assert states(report) == {"mom-1": "paused"}
    assert report.profiles[0].error == "maintenance"
    assert names(desk.log, "venue") == []


# -- the lease -----------------------------------------------------------------------------------------------


def test_a_lease_held_elsewhere_is_a_contention_and_reads_nothing(desk: Desk):
    account = desk.account()
    desk.ledger.journal.acquire_lease(ACCOUNT, "somebody", 30)
    report = run(desk, account, apply=True)
    assert (report.processed, report.contended, states(report)) == (False, True, {"mom-1": "skipped"})
    assert report.profiles[0].result.processed is False
    assert desk.log == []


def test_the_lease_is_free_after_the_run_and_says_what_completed(desk: Desk):
    account = desk.account()
    run(desk, account)
    (lease,) = desk.ledger.journal.lease_states()
    assert lease.holder is None
    assert list(lease.completed) == ["mom-1"]


def test_an_incomplete_run_does_not_count_as_completed(desk: Desk):
    account = desk.account()
    desk.venue.opened = OrdersRead(state=ReadState.PARTIAL, error="page 2 is missing")
    run(desk, account)
    assert desk.ledger.journal.lease_states()[0].completed == {}


def test_a_lease_taken_over_in_mid_run_writes_nothing(desk: Desk):
    account = desk.account(lease_ttl_s=1.0)
    desk.record(local_order("a"))
    desk.venue.opened = [filled("a", "4")]

    async def slow_open_orders() -> OrdersRead:
        desk.clock.advance(2_000_000_000)
        assert desk.ledger.journal.acquire_lease(ACCOUNT, "somebody", 30) is not None
        return OrdersRead(state=ReadState.COMPLETE, rows=[filled("a", "4")])

    desk.venue.open_orders = slow_open_orders  # type: ignore[method-assign]
    report = run(desk, account, apply=True)
    assert (report.processed, states(report)) == (False, {"mom-1": "skipped"})
    assert desk.books()["a"].filled_qty == "0"
    assert desk.ledger.journal.lease_states()[0].holder == "somebody"


def test_a_database_that_fails_is_a_report_not_an_exception(desk: Desk, monkeypatch):
    account = desk.account()

    def refuse(*_: Any, **__: Any) -> Any:
        raise LedgerError("the disk is full")

    monkeypatch.setattr(desk.ledger.journal, "acquire_lease", refuse)
    report = run(desk, account, apply=True)
    assert (report.processed, report.error) == (False, "LedgerError: the disk is full")


def test_cancelling_a_run_waits_for_its_transaction_and_frees_the_lease(desk: Desk):
    account = desk.account()
    desk.venue.opened = desk.venue.HANG

    async def cancelled() -> None:
        task = asyncio.create_task(reconcile_account(account))
        await asyncio.sleep(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run_simulated(desk.clock, cancelled())
    assert desk.ledger.journal.lease_states()[0].holder is None


# -- limits and people ---------------------------------------------------------------------------------------


def test_a_plan_over_the_limit_waits_for_a_person_who_may_approve_it(desk: Desk):
    policy = Policy(corrections_max=1)
    account = desk.account(policy=policy)
    for name in ("a", "b"):
        desk.record(local_order(name))
    desk.venue.opened = [filled("a", "4"), filled("b", "4")]
    report = run(desk, account, apply=True)
    assert states(report) == {"mom-1": "blocked"}
    assert "corrections_max" in str(report.profiles[0].blocked_reason)
    assert desk.books()["a"].filled_qty == "0"
    plan = report.profiles[0].plan
    assert plan is not None
    assert states(run(desk, account, approved={"mom-1": plan})) == {"mom-1": "applied"}
    assert {one.filled_qty for one in desk.books().values()} == {"4"}


def test_an_approved_plan_that_is_no_longer_the_plan_is_stale(desk: Desk):
    account = desk.account()
    desk.record(local_order("a"))
    desk.venue.opened = [filled("a", "4")]
    (seen,) = run_simulated(desk.clock, plan_account(account))
    assert seen.plan is not None
    desk.venue.opened = [filled("a", "5")]
    assert states(run(desk, account, approved={"mom-1": seen.plan})) == {"mom-1": RunState.STALE}
    assert desk.books()["a"].filled_qty == "0"


def test_what_another_account_lacks_is_not_believed(desk: Desk):
    account = desk.account()
    desk.record(local_order("a"))
    desk.venue.opened = [venue_order("a")]
    run(desk, account, apply=True)
    assert desk.ledger.journal.recorded_venue_account(ACCOUNT) == "venue-acc"
    desk.venue.whose, desk.venue.opened = "another-acc", []
    for _ in range(4):
        desk.clock.advance(60_000_000_000)
        run(desk, account, apply=True)
    report = run(desk, account, apply=True)
    assert desk.books()["a"].status is Status.PENDING_NEW
    assert report.profiles[0].plan is not None
    assert [one.dedupe_key for one in report.profiles[0].plan.alerts] == ["mom-1:account_changed"]


def test_a_question_is_asked_once_and_both_profiles_are_told(desk: Desk):
    """Two profiles of one account ask for one order; whoever asked second was never told (simulator's seed 2703)."""
    answers = Answers(desk.account("mom", "rev"))
    query = Query(side=QuerySide.VENUE, by=QueryBy.VENUE_ORDER_ID, id="v-1", reason="not_known_locally")
    desk.venue.answers["v-1"] = venue_order("1")
    run_simulated(desk.clock, answers.ask({"mom": [query]}))
    run_simulated(desk.clock, answers.ask({"rev": [query]}))
    assert [one for one in desk.log if one.endswith(" v-1")] == ["venue venue_order_id v-1"]
    for profile_id in ("mom", "rev"):
        assert answers.untold(profile_id, [query]) == [query]
        seen = answers.add_to(
            bare_snapshot(profile_id), [query], "2026-11-23T12:00:00Z", SharedOrders(Venue(), {})
        )
        assert [answer.id for answer in seen.venue.answers] == ["v-1"]
        assert answers.untold(profile_id, [query]) == []


def bare_snapshot(profile_id: str) -> Snapshot:
    return Snapshot(
        format=SNAPSHOT_FORMAT,
        taken_at="2026-11-23T12:00:00Z",
        profile=Profile(profile_id=profile_id),
        local=Local(),
    )
