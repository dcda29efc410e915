"""Which alerts reach a person: raised on change, at a throttled pace, recovered once, over restarts."""

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.unit.engine.run.desk import Desk, local_order, open_desk
from trueup.engine.run.alerts import AlertBook, degraded
from trueup.engine.run.run_account import reconcile_account
from trueup.model.errors import LedgerError
from trueup.model.plan import Alert
from trueup.model.snapshot import OrdersRead
from trueup.model.vocabulary import AlertCause, ReadState
from trueup.sim.clock import run_simulated

SLOW, FAST = degraded("p", "slow", "slow"), degraded("p", "fast", "fast")
MINUTE_NS = 60_000_000_000


class Sink:
    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []

    async def alert(self, profile_id: str, alert: Alert) -> None:
        self.seen.append((alert.type.removeprefix("RECONCILIATION_"), alert.dedupe_key))


@pytest.fixture
def desk(tmp_path: Path):
    desk = open_desk(tmp_path)
    desk.account("p")
    yield desk
    desk.ledger.close()


def book(desk: Desk, throttle_s: float = 600) -> tuple[AlertBook, Sink]:
    sink = Sink()
    return AlertBook(sink, desk.ledger.journal, throttle_s), sink


def tell(desk: Desk, book: AlertBook, *alerts: Alert, saw_everything: bool = True) -> None:
    asyncio.run(book.update("p", alerts, desk.clock.now_ns(), saw_everything=saw_everything))


def test_raised_once_while_it_stands_and_again_after_the_throttle(desk: Desk):
    alerts, sink = book(desk)
    for _ in range(11):
        tell(desk, alerts, SLOW)
        desk.clock.advance(MINUTE_NS)
    assert sink.seen == [("DEGRADED", "p:slow"), ("DEGRADED", "p:slow")]


def test_one_told_later_than_now_may_be_told(desk: Desk):
    alerts, sink = book(desk)
    two_days_ns = 2 * 1440 * MINUTE_NS
    asyncio.run(alerts.update("p", [SLOW], desk.clock.now_ns() + two_days_ns, saw_everything=True))
    tell(desk, alerts, SLOW)
    tell(desk, alerts, SLOW)
    assert sink.seen == [("DEGRADED", "p:slow"), ("DEGRADED", "p:slow")]


def test_it_recovers_once_and_only_by_a_run_that_saw_everything(desk: Desk):
    alerts, sink = book(desk)
    tell(desk, alerts, SLOW, FAST)
    tell(desk, alerts, FAST, saw_everything=False)
    tell(desk, alerts, FAST)
    tell(desk, alerts, FAST)
    assert sink.seen == [("DEGRADED", "p:slow"), ("DEGRADED", "p:fast"), ("RECOVERED", "p:slow")]


def test_one_that_flaps_is_quiet_within_its_throttle(desk: Desk):
    alerts, sink = book(desk)
    for _ in range(3):
        tell(desk, alerts, SLOW)
        tell(desk, alerts)
    assert sink.seen == [("DEGRADED", "p:slow"), ("RECOVERED", "p:slow")]


def test_a_restart_neither_raises_it_again_nor_forgets_that_it_recovers(desk: Desk):
    before, _ = book(desk)
    tell(desk, before, SLOW)
    after, sink = book(desk)
    tell(desk, after, SLOW)
    assert sink.seen == []
    tell(desk, book(desk)[0], SLOW)
    last, sink = book(desk)
    tell(desk, last)
    assert sink.seen == [("RECOVERED", "p:slow")]
    tell(desk, book(desk)[0])
    assert [(one.alert.dedupe_key, one.stands) for one in desk.ledger.journal.list_alerts("p")] == [
        ("p:slow", False)
    ]


def test_the_watchdog_has_a_throttle_of_its_own(desk: Desk):
    sink = Sink()
    alerts = AlertBook(sink, desk.ledger.journal, throttle_s=600, watchdog_throttle_s=60)
    for _ in range(3):
        told = replace(degraded("p", "watchdog", "two trades"), cause=AlertCause.WATCHDOG)
        tell(desk, alerts, SLOW, told)
        desk.clock.advance(MINUTE_NS)
    assert [key for _, key in sink.seen] == ["p:slow", "p:watchdog", "p:watchdog", "p:watchdog"]


def test_without_the_journal_this_process_remembers(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object) -> None:
        raise LedgerError("the disk is full")

    alerts, sink = book(desk)
    monkeypatch.setattr(desk.ledger.journal, "list_alerts", refuse)
    monkeypatch.setattr(desk.ledger.journal, "keep_alerts", refuse)
    for _ in range(3):
        tell(desk, alerts, SLOW)
    tell(desk, alerts)
    assert sink.seen == [("DEGRADED", "p:slow"), ("RECOVERED", "p:slow")]


def test_a_journal_that_can_be_read_and_not_written_repeats_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    def refuse(*_: object) -> None:
        raise LedgerError("the disk is full")

    alerts, sink = book(desk)
    with monkeypatch.context() as full:
        full.setattr(desk.ledger.journal, "keep_alerts", refuse)
        for _ in range(11):
            tell(desk, alerts, SLOW)
            desk.clock.advance(MINUTE_NS)
    assert sink.seen == [("DEGRADED", "p:slow"), ("DEGRADED", "p:slow")]
    tell(desk, alerts, SLOW, FAST)
    after, sink = book(desk)
    tell(desk, after, SLOW, FAST)
    assert sink.seen == []


def test_a_throttle_of_zero_raises_it_every_time(desk: Desk):
    alerts, sink = book(desk, 0)
    tell(desk, alerts, SLOW)
    tell(desk, alerts, SLOW)
    assert len(sink.seen) == 2


class Broken:
    async def alert(self, profile_id: str, alert: Alert) -> None:
        raise ConnectionError("no network")


def test_a_sink_that_fails_is_logged_and_told_again_with_the_next_run(
    desk: Desk, caplog: pytest.LogCaptureFixture
):
    tell(desk, AlertBook(Broken(), desk.ledger.journal), SLOW)
    assert [record.message for record in caplog.records] == ["reconciliation_alert_failed"]
    alerts, sink = book(desk)
    tell(desk, alerts, SLOW)
    assert sink.seen == [("DEGRADED", "p:slow")]


def test_a_sink_that_keeps_failing_is_logged_once_a_throttle_and_on_change(
    desk: Desk, caplog: pytest.LogCaptureFixture
):
    alerts = AlertBook(Broken(), desk.ledger.journal, 600)
    for _ in range(11):  # minutes 0 to 10
        tell(desk, alerts, SLOW)
        desk.clock.advance(MINUTE_NS)
    assert [record.message for record in caplog.records] == ["reconciliation_alert_failed"] * 2
    tell(desk, alerts, SLOW, FAST)
    assert len(caplog.records) == 3


def test_a_journal_that_takes_no_alert_is_logged_once_a_throttle(
    desk: Desk, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    def full(*_: object) -> None:
        raise LedgerError("the disk is full")

    monkeypatch.setattr(desk.ledger.journal, "keep_alerts", full)
    alerts = AlertBook(Sink(), desk.ledger.journal, 600)
    for one in range(11):
        tell(desk, alerts, degraded("p", f"cause-{one}", "slow"))
        desk.clock.advance(MINUTE_NS)
    assert [record.message for record in caplog.records] == ["reconciliation_alert_failed"] * 2


def test_a_deferral_that_lasts_is_told_and_recovers(desk: Desk):
    account = desk.account("p")
    desk.record(local_order("a"), "p")
    alerts, sink = book(desk)
    desk.venue.opened = OrdersRead(state=ReadState.PARTIAL, error="page 2 is missing")
    for _ in range(3):
        run_simulated(desk.clock, reconcile_account(account, alerts=alerts))
        desk.clock.advance(MINUTE_NS)
    assert sink.seen == [("DEGRADED", "p:deferred:open_orders_incomplete")]
    desk.venue.opened = []
    run_simulated(desk.clock, reconcile_account(account, alerts=alerts))
    assert sink.seen[1:] == [("RECOVERED", "p:deferred:open_orders_incomplete")]
