"""The outbox: at least once, in order per trade, one failure holds back its own trade only (invariant I10)."""

import asyncio
from typing import Any

from msgspec.structs import replace

from trueup.engine.run.deliver_outbox import DeliveryReport, deliver_outbox
from trueup.ledgers.journal.outbox import ATTEMPTS_MAX
from trueup.model.plan import Alert, Notification
from trueup.model.vocabulary import Status
from trueup.ports.records import AlertRecord, WaitingCounts
from trueup.testing.ledgers.bench import Bench


def fill_two_trades_twice(bench: Bench) -> None:
    """Four notifications: trade t-1 at 3 and 7, trade t-2 at 3 and 7."""
    bench.record_trade("t-1")
    bench.record_trade("t-2", "BTC/USD")
    bench.record_order("1")
    bench.record_order("2", trade_id="t-2", symbol="BTC/USD")
    for filled in ("3", "7"):
        bench.settle()
        found = {"status": Status.PARTIALLY_FILLED, "filled_qty": filled, "filled_avg_price": "1000"}
        rows = [bench.venue_order("1", **found), bench.venue_order("2", symbol="BTC/USD", **found)]
        bench.commit(bench.plan(rows))


class Executor:
    """Async hooks; refuses the trades it is told to."""

    def __init__(self, *refused: str) -> None:
        self.refused = set(refused)
        self.told: list[tuple[str | None, str | None]] = []

    async def reconcile_entry_fill(self, notification: Notification) -> None:
        await asyncio.sleep(0)
        if notification.trade_id in self.refused:
            raise ConnectionError("the bot is away")
        self.told.append((notification.trade_id, notification.cumulative_qty))

    async def reconcile_exit_fill(self, notification: Notification) -> None:
        raise AssertionError(notification)

    async def reconcile_cancel(self, notification: Notification) -> None:
        raise AssertionError(notification)


class SyncExecutor:
    def __init__(self) -> None:
        self.told: list[str | None] = []

    def reconcile_entry_fill(self, notification: Notification) -> None:
        self.told.append(notification.cumulative_qty)


def deliver(bench: Bench, executor: Any) -> DeliveryReport:
    return asyncio.run(deliver_outbox(bench.ledger.journal, executor))


def test_everything_is_delivered_once_and_in_order_per_trade(bench: Bench) -> None:
    fill_two_trades_twice(bench)
    executor = Executor()
    assert deliver(bench, executor).delivered == 4
    assert [qty for trade, qty in executor.told if trade == "t-1"] == ["3", "7"]
    assert [qty for trade, qty in executor.told if trade == "t-2"] == ["3", "7"]
    assert deliver(bench, executor).delivered == 0
    assert bench.ledger.journal.count_outbox() == (0, 0)


def test_a_failure_holds_back_its_own_trade_until_it_is_due_again(bench: Bench) -> None:
    fill_two_trades_twice(bench)
    executor = Executor("t-1")
    report = deliver(bench, executor)
    assert (report.delivered, report.failed, report.parked) == (2, 1, [])
    assert executor.told == [("t-2", "3"), ("t-2", "7")]
    executor.refused.clear()
    assert deliver(bench, executor).delivered == 0
    bench.clock.pass_s(1)
    assert deliver(bench, executor).delivered == 2
    assert executor.told[2:] == [("t-1", "3"), ("t-1", "7")]


def test_after_the_last_attempt_it_is_parked_and_its_trade_goes_on(bench: Bench) -> None:
    fill_two_trades_twice(bench)
    bench.ledger.journal.mark_delivered(bench.ledger.journal.pending_notifications(10)[1:])
    executor = Executor("t-1")
    for _ in range(ATTEMPTS_MAX - 1):
        assert deliver(bench, executor).parked == []
        bench.clock.pass_s(600)
    (parked,) = deliver(bench, executor).parked
    bench.clock.pass_s(600)
    assert (parked.subject, parked.attempts) == ("t-1", ATTEMPTS_MAX - 1)
    assert bench.ledger.journal.count_outbox() == (0, 1)
    (row,) = [one for one in bench.ledger.export("outbox") if one["parked_at"]]
    assert (row["error"], row["attempts"]) == ("ConnectionError: the bot is away", ATTEMPTS_MAX)
    executor.refused.clear()
    assert bench.ledger.journal.unpark_notifications("mom-1") == 1
    assert deliver(bench, executor).delivered == 1


def test_waits_double_up_to_a_limit(bench: Bench) -> None:
    fill_two_trades_twice(bench)
    item = bench.ledger.journal.pending_notifications(1)[0]
    bench.ledger.journal.mark_failed(item, "x")
    (again,) = [one for one in bench.ledger.export("outbox") if one["sequence"] == item.sequence]
    assert again["next_attempt_at"] == "2026-11-23T12:02:01.000000000Z"
    bench.clock.pass_s(1)
    retried = bench.ledger.journal.pending_notifications(1)[0]
    assert (retried.sequence, retried.attempts) == (item.sequence, 1)
    bench.ledger.journal.mark_failed(retried, "x")
    (again,) = [one for one in bench.ledger.export("outbox") if one["sequence"] == item.sequence]
    assert again["next_attempt_at"] == "2026-11-23T12:02:03.000000000Z"


def test_only_the_profiles_that_are_asked_for(bench: Bench) -> None:
    fill_two_trades_twice(bench)
    assert bench.ledger.journal.pending_notifications(10, ["mean-2"]) == []
    assert len(bench.ledger.journal.pending_notifications(10, ["mean-2", "mom-1"])) == 4
    assert len(bench.ledger.journal.pending_notifications(3)) == 3


def test_an_executor_may_be_sync_and_lack_a_hook(bench: Bench) -> None:
    fill_two_trades_twice(bench)
    executor = SyncExecutor()
    assert deliver(bench, executor).delivered == 4
    assert sorted(executor.told, key=str) == ["3", "3", "7", "7"]
    bench.settle()
    bench.commit(
        bench.plan([bench.venue_order("1", status=Status.CANCELED, filled_qty="7", filled_avg_price="1000")])
    )
    assert deliver(bench, executor).delivered == 1


def test_what_is_parked_is_counted_by_profile(bench: Bench) -> None:
    fill_two_trades_twice(bench)
    assert bench.ledger.journal.parked_notifications(["mom-1", "mean-2"]) == {}
    for _ in range(ATTEMPTS_MAX):
        bench.ledger.journal.mark_failed(bench.ledger.journal.pending_notifications(1)[0], "x")
        bench.clock.pass_s(600)
    assert bench.ledger.journal.parked_notifications(["mom-1", "mean-2"]) == {"mom-1": 1}
    assert bench.ledger.journal.parked_notifications(["mean-2"]) == {}
    assert bench.ledger.journal.count_waiting() == {"mom-1": WaitingCounts(deferred=0, waiting=3, parked=1)}


def test_alerts_are_kept_as_they_were_last_told(bench: Bench) -> None:
    alert = Alert(type="RECONCILIATION_DEGRADED", severity="ERROR", message="x", dedupe_key="mom-1:slow")
    told = AlertRecord(profile_id="mom-1", alert=alert, raised_at="2026-11-23T12:00:00Z", stands=True)
    bench.ledger.journal.keep_alerts([told, replace(told, profile_id="mean-2")])
    over = replace(told, stands=False)
    bench.ledger.journal.keep_alerts([over])
    assert bench.ledger.journal.list_alerts("mom-1") == [over]
    assert {one.profile_id: one.stands for one in bench.ledger.journal.list_alerts()} == {
        "mom-1": False,
        "mean-2": True,
    }


def test_what_was_taken_before_a_backup_was_restored_marks_nothing_else(bench: Bench) -> None:
    """The sequence was given again, to another notification (simulator's seed 47)."""
    fill_two_trades_twice(bench)
    item = bench.ledger.journal.pending_notifications(1)[0]
    other = replace(
        item, notification=replace(item.notification, notification_id="of a future that was lost")
    )
    bench.ledger.journal.mark_delivered([other])
    assert not bench.ledger.journal.mark_failed(other, "the bot is away")
    assert bench.ledger.journal.pending_notifications(1) == [item]
