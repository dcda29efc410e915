"""Messages reach their notifiers, each at its own pace, and what is refused waits longer and longer."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.unit.engine.run.desk import Desk, open_desk
from trueup.engine.telling.deliver import ATTEMPTS_MAX, Teller
from trueup.model.alert_message import AlertAbout, AlertMessage, MessageKind
from trueup.model.errors import LedgerError
from trueup.model.times import NS_PER_S, from_ns
from trueup.model.vocabulary import Severity
from trueup.ports.notifier import NotTold
from trueup.ports.records import NewDelivery

HOUR_S = 3600


class Phone:
    def __init__(self, at_a_time: int = 1) -> None:
        self.at_a_time = at_a_time
        self.calls: list[list[tuple[str, bool]]] = []
        self.fault: Exception | None = None

    async def tell(self, messages: Sequence[AlertMessage]) -> None:
        self.calls.append([(one.key, one.possibly_repeated) for one in messages])
        if self.fault is not None:
            raise self.fault

    async def aclose(self) -> None: ...


class Hanging(Phone):
    async def tell(self, messages: Sequence[AlertMessage]) -> None:
        await super().tell(messages)
        await asyncio.Event().wait()


@pytest.fixture
def desk(tmp_path: Path):
    desk = open_desk(tmp_path)
    yield desk
    desk.ledger.close()


def delivery(desk: Desk, key: str, notifier: str = "phone") -> NewDelivery:
    message = AlertMessage(
        message_id=key, key=key, kind=MessageKind.RAISED, severity=Severity.WARN, profile_id="p",
        about=AlertAbout(kind="other"), title="t", reason="r", since="2026-11-23T12:00:00Z",
    )  # fmt: skip
    return NewDelivery(
        delivery_id=f"{key}@{notifier}",
        notifier=notifier,
        message=message,
        not_before=from_ns(desk.clock.now_ns()),
    )


def commit(desk: Desk, *keys: str, notifier: str = "phone") -> None:
    desk.ledger.journal.keep_alerts([], [delivery(desk, key, notifier) for key in keys])


def deliver(desk: Desk, **notifiers: Phone) -> None:
    asyncio.run(Teller(desk.ledger.journal, notifiers, desk.clock, 0.05).deliver_due())


def test_what_is_due_together_is_one_call_where_a_notifier_takes_several(desk: Desk) -> None:
    commit(desk, "a", "b", "c")
    commit(desk, "a", "b", notifier="hook")
    phone, hook = Phone(at_a_time=2), Phone()
    deliver(desk, phone=phone, hook=hook)
    assert phone.calls == [[("a", False), ("b", False)], [("c", False)]]
    assert hook.calls == [[("a", False)], [("b", False)]]
    deliver(desk, phone=phone, hook=hook)
    assert len(phone.calls) + len(hook.calls) == 4


def test_a_notifier_that_keeps_refusing_is_logged_once_in_ten_minutes(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    commit(desk, "a")
    phone = Phone()
    phone.fault = NotTold("503")
    teller = Teller(desk.ledger.journal, {"phone": phone}, desk.clock, 0.05)

    async def try_for_20_minutes() -> None:
        for _ in range(20 * 60 + 1):  # seconds 0 to 1,200
            await teller.deliver_due()
            desk.clock.advance(NS_PER_S)

    asyncio.run(try_for_20_minutes())
    assert len(phone.calls) > 10  # after 1, 3, 7 … 1023 s
    logged = [one for one in caplog.records if one.message == "reconciliation_alert_failed"]
    assert len(logged) == 2  # at 0 s, and at 1,023 s


def test_a_refusal_waits_1_2_4_seconds_and_is_no_repeat(desk: Desk) -> None:
    commit(desk, "a")
    phone = Phone()
    phone.fault = NotTold("busy")
    for wait_s in (1, 2, 4):
        deliver(desk, phone=phone)
        calls = len(phone.calls)
        desk.clock.advance(wait_s * NS_PER_S - 1)
        deliver(desk, phone=phone)
        assert len(phone.calls) == calls
        desk.clock.advance(1)
    assert phone.calls == [[("a", False)]] * 3


def test_what_the_other_side_asks_for_is_waited_for(desk: Desk) -> None:
    commit(desk, "a")
    phone = Phone()
    phone.fault = NotTold("busy", retry_after_s=90)
    deliver(desk, phone=phone)
    desk.clock.advance(89 * NS_PER_S)
    deliver(desk, phone=phone)
    assert len(phone.calls) == 1


def test_a_call_that_hangs_ends_and_may_have_arrived(desk: Desk) -> None:
    commit(desk, "a")
    commit(desk, "b", notifier="hook")
    hanging, hook = Hanging(), Phone()
    deliver(desk, phone=hanging, hook=hook)
    desk.clock.advance(NS_PER_S)
    phone = Phone()
    deliver(desk, phone=phone)
    assert hook.calls == [[("b", False)]]
    assert phone.calls == [[("a", True)]]


def test_one_that_is_never_taken_is_given_up_and_the_log_says_so(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    commit(desk, "a")
    phone = Phone()
    phone.fault = NotTold("no such number")
    for _ in range(ATTEMPTS_MAX + 5):
        deliver(desk, phone=phone)
        desk.clock.advance(HOUR_S * NS_PER_S)
    assert len(phone.calls) == ATTEMPTS_MAX
    errors = [record for record in caplog.records if record.levelname == "ERROR"]
    assert [record.__dict__["trueup"] for record in errors] == [{"notifier": "phone", "given_up": 1}]
    (kept,) = desk.ledger.journal.list_deliveries()
    assert (kept.outcome, kept.error) == ("refused", "no such number")


def test_without_a_journal_it_is_told_at_once_and_what_was_not_is_handed_back(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone, hook = Phone(), Phone()
    hook.fault = NotTold("busy")
    teller = Teller(desk.ledger.journal, {"phone": phone, "hook": hook}, desk.clock, 0.05)
    wanted = [delivery(desk, "a"), delivery(desk, "b", "hook"), delivery(desk, "c", "gone")]
    left = asyncio.run(teller.tell_unwritten(wanted))
    assert phone.calls == [[("a", False)]]
    assert [one.message.key for one in left] == ["b", "c"]

    def refuse(*_: object) -> None:
        raise LedgerError("the disk is full")

    monkeypatch.setattr(desk.ledger.journal, "claim_deliveries", refuse)
    asyncio.run(teller.deliver_due())  # says so in the log, and raises nothing
