"""The log events of the reference service: each in the situation that it stands for, with its fields."""

import logging
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tests.unit.engine.run.desk import Desk, filled, local_order, open_desk, profile, venue_order
from trueup.engine.recorder.recorder import Recorder
from trueup.engine.run.run_account import reconcile_account
from trueup.model.policy import Policy
from trueup.model.snapshot import Fill, Local, Position, PositionsRead
from trueup.model.times import NS_PER_S
from trueup.model.vocabulary import Action, LedgerFeature, PositionSide, ReadState, Side, Status
from trueup.sim.clock import run_simulated


@pytest.fixture
def desk(tmp_path: Path):
    desk = open_desk(tmp_path)
    yield desk
    desk.ledger.close()


class Log:
    """The events of the runs so far, by name: their level and fields."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO, "trueup")
        self._caplog = caplog

    def of(self, event: str) -> list[dict[str, Any]]:
        found = [one for one in self._caplog.records if one.message == event]
        return [{"level": one.levelname} | one.trueup for one in found]  # type: ignore[attr-defined]


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Log:
    return Log(caplog)


def run(desk: Desk, policy: Policy | None = None) -> None:
    account = desk.account(policy=policy)
    run_simulated(desk.clock, reconcile_account(account, apply=True))


def test_orders_of_symbols_that_are_not_managed_are_told_once(desk: Desk, log: Log):
    desk.account()
    desk.record(local_order("a"))
    desk.venue.opened = [venue_order("a"), venue_order("b")]
    run(desk, Policy(managed_symbols=("BTC/USD",)))
    (event,) = log.of("reconciliation_symbol_scope_filtered")
    assert (event["dropped"], event["profile_id"], event["user_id"]) == (3, "mom-1", "u-1")


def test_a_correction_is_told_with_its_order_trade_status_and_action(desk: Desk, log: Log):
    desk.account()
    Recorder(desk.ledger, profile("mom-1")).open_trade("t-1", "ETH/USD", PositionSide.LONG)
    desk.record(local_order("a", trade_id="t-1", action=Action.ENTRY))
    desk.venue.opened = [filled("a", "4")]
    run(desk)
    (booked, _) = log.of("reconciliation_correction")
    keys = ("kind", "client_order_id", "venue_order_id", "trade_id", "status", "action", "user_id")
    assert [booked[key] for key in keys] == [
        "book_fill",
        "a",
        "v-a",
        "t-1",
        "partially_filled",
        "entry",
        "u-1",
    ]


def test_what_was_superseded_is_not_told_as_corrected(desk: Desk, log: Log):
    desk.account()
    desk.record(local_order("a"))
    open_orders = desk.venue.open_orders

    async def bot_writes_meanwhile() -> Any:
        desk.record(replace(desk.books()["a"], stop_price="1"))
        return await open_orders()

    desk.venue.opened = [filled("a", "4")]
    desk.venue.open_orders = bot_writes_meanwhile  # type: ignore[method-assign]
    run(desk)
    assert log.of("reconciliation_correction") == []
    assert log.of("reconciliation_corrections_superseded")[0]["superseded"] == 2


def test_an_order_closed_because_the_venue_does_not_know_it(desk: Desk, log: Log):
    desk.account()
    desk.record(local_order("a"))
    run(desk, Policy(absence_confirmations=1, absence_min_age_s=0))
    (event,) = log.of("reconciliation_cancel_missing_exchange")
    assert (event["client_order_id"], event["status"]) == ("a", "canceled")


def test_an_order_that_was_unknown_here(desk: Desk, log: Log):
    desk.venue.opened = [venue_order("a")]
    run(desk)
    (event,) = log.of("reconciliation_exchange_discovery")
    assert (event["client_order_id"], event["kind"]) == ("a", "insert_order")


def test_coverage_warns_only_when_something_was_missing_inserted_or_unmapped(desk: Desk, log: Log):
    desk.account()
    run(desk)
    assert log.of("reconciliation_order_coverage_evaluated") == []
    desk.venue.past = [filled("a", "10", Status.FILLED)]
    run(desk)
    (event,) = log.of("reconciliation_order_coverage_evaluated")
    assert (event["level"], event["missing_locally"], event["skipped_unmapped_trade"]) == ("WARNING", 1, 1)


def test_exit_backfill_warns_with_proposals_or_no_gos(desk: Desk, log: Log):
    desk.account()
    Recorder(desk.ledger, profile("mom-1")).open_trade("t-1", "ETH/USD", PositionSide.LONG)
    desk.record(
        local_order(
            "a", trade_id="t-1", action=Action.ENTRY, status=Status.FILLED, filled_qty="10", side=Side.BUY
        )
    )
    desk.venue.positions_read = PositionsRead(
        state=ReadState.COMPLETE, rows=[Position(symbol="ETH/USD", qty="10", mark_price="1000")]
    )
    run(desk)
    assert log.of("reconciliation_exit_backfill_profile") == []
    recorder = Recorder(desk.ledger, profile("mom-1"))
    recorder.record_order(local_order("b", venue_order_id=None, trade_id="t-1", action=Action.ENTRY, qty="5"))
    recorder.record_fill("b", Fill(fill_id="F9", venue_order_id="v-b", qty="5", price="1000"))
    desk.clock.advance(3_600_000_000_000)
    desk.venue.positions_read = PositionsRead(
        state=ReadState.COMPLETE, rows=[Position(symbol="ETH/USD", qty="0", mark_price="1000")]
    )
    run(desk)
    (event,) = log.of("reconciliation_exit_backfill_profile")
    assert (event["level"], event["no_go_reason_counts"]) == ("WARNING", {"no_exit_found": 1})


def test_a_ledger_without_sub_tags_is_an_error_where_one_is_missing(desk: Desk, log: Log, monkeypatch: Any):
    read_local = desk.ledger.books.read_accounts

    def without_sub_tags(*args: Any) -> dict[str, dict[str, Local]]:
        return {
            account_id: {
                key: replace(one, unsupported=(LedgerFeature.SUB_TAG,)) for key, one in found.items()
            }
            for account_id, found in read_local(*args).items()
        }

    desk.account()
    desk.record(local_order("a"))
    desk.venue.opened = [venue_order("a", sub_tag="mom")]
    monkeypatch.setattr(desk.ledger.books, "read_accounts", without_sub_tags)
    run(desk)
    assert [one["level"] for one in log.of("reconciliation_sub_tag_unsupported")] == ["ERROR"]
    assert desk.books()["a"].sub_tag is None


def test_the_watchdog_is_told_with_its_figures(desk: Desk, log: Log):
    desk.venue.past = [filled("a", "10", Status.FILLED)]
    run(desk)
    (event,) = log.of("reconciliation_integrity_watchdog_triggered")
    assert (event["level"], event["missing_locally"], event["no_go_trades"]) == ("ERROR", 1, 0)


def test_what_stands_is_said_on_change_and_again_after_the_throttle(desk: Desk, log: Log):
    desk.venue.past = [filled("a", "10", Status.FILLED)]
    account = desk.account(policy=Policy(coverage_dry_run=True))

    def levels() -> list[str]:
        run_simulated(desk.clock, reconcile_account(account, apply=True))
        desk.clock.advance(60 * NS_PER_S)
        return [one["level"] for one in log.of("reconciliation_integrity_watchdog_triggered")]

    assert levels() == ["ERROR"]
    assert levels() == ["ERROR"], "nothing changed"
    desk.venue.past = [filled("a", "10", Status.FILLED), filled("b", "10", Status.FILLED)]
    assert levels() == ["ERROR"] * 2, "two are missing now"
    assert levels() == ["ERROR"] * 2
    desk.clock.advance(600 * NS_PER_S)
    assert levels() == ["ERROR"] * 3, "it stands since ten minutes"


def test_in_sync_is_silent(desk: Desk, caplog: pytest.LogCaptureFixture, log: Log):
    desk.account()
    desk.record(local_order("a"))
    desk.venue.opened = [venue_order("a")]
    run(desk)
    assert caplog.records == []
