"""Our clock and the venue's: too far apart nothing is committed, and somebody is told."""

from pathlib import Path

import pytest

from tests.unit.engine.run.desk import Desk, filled, local_order, names, open_desk
from trueup.engine.run.alerts import AlertBook
from trueup.engine.run.decide_state import next_watermark
from trueup.engine.run.run_account import reconcile_account
from trueup.model.plan import CoverageResult, Plan, Result
from trueup.model.snapshot import SNAPSHOT_FORMAT, HistoryRead, Local, Profile, Snapshot, Venue
from trueup.model.times import NS_PER_S
from trueup.model.vocabulary import ReadState
from trueup.sim.clock import run_simulated


class Sink:
    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []

    async def alert(self, profile_id: str, alert) -> None:
        self.seen.append((alert.dedupe_key, alert.message))


@pytest.fixture
def desk(tmp_path: Path):
    desk = open_desk(tmp_path)
    yield desk
    desk.ledger.close()


def drifted(desk: Desk, skew_s: float | None):
    account = desk.account()
    desk.record(local_order("a"))
    desk.venue.opened = [filled("a", "4")]
    desk.venue.skew_ns = None if skew_s is None else round(skew_s * NS_PER_S)
    sink = Sink()
    alerts = AlertBook(sink, desk.ledger.journal)
    report = run_simulated(desk.clock, reconcile_account(account, apply=True, alerts=alerts))
    return report, sink


@pytest.mark.parametrize(("skew_s", "words"), [(31, "31 s ahead of"), (-172_800, "172800 s behind")])
def test_too_far_apart_nothing_is_committed_and_an_alert_says_so(desk: Desk, skew_s: float, words: str):
    report, sink = drifted(desk, skew_s)
    assert [one.state.value for one in report.profiles] == ["failed"]
    assert names(desk.log, "commit") == []
    assert desk.books()["a"].filled_qty == "0"
    ((key, message),) = sink.seen
    assert key == "mom-1:clock"
    assert words in message


@pytest.mark.parametrize("skew_s", [None, 0, 29, -29])
def test_within_the_bound_runs_go_on(desk: Desk, skew_s: float | None):
    report, _ = drifted(desk, skew_s)
    assert [one.state.value for one in report.profiles] == ["applied"]


def test_the_ledgers_own_clock_counts(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    """The venue agrees with this machine, and the database is an hour ahead of both."""
    now_ns = desk.ledger.database.now_ns
    monkeypatch.setattr(desk.ledger.database, "now_ns", lambda: now_ns() + 3600 * NS_PER_S)
    report, _ = drifted(desk, 0)
    assert [one.state.value for one in report.profiles] == ["failed"]


@pytest.mark.parametrize(("ahead_s", "stored"), [(20, "11:59:40"), (0, "12:00:00"), (-20, "12:00:00")])
def test_a_watermark_is_never_later_than_the_venues_clock(ahead_s: int, stored: str):
    noon = "2026-11-23T12:00:00Z"
    history = HistoryRead(state=ReadState.COMPLETE, read_at=noon)
    snapshot = Snapshot(
        format=SNAPSHOT_FORMAT,
        taken_at=noon,
        profile=Profile(profile_id="mom-1"),
        local=Local(),
        venue=Venue(history=history),
    )
    result = Result(coverage=CoverageResult(attempted=True))
    plan = Plan(format="trueup.plan/1", plan_id="", profile_id="mom-1", taken_at=noon, result=result)
    assert next_watermark(snapshot, plan, None, ahead_s * NS_PER_S) == f"2026-11-23T{stored}Z"
