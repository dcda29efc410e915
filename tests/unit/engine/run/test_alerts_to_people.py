"""What people are to be told: committed with the alert, once in the life of a break, by whose routes, after when."""

import asyncio
import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.unit.engine.run.desk import Desk, open_desk
from tests.unit.engine.run.test_alerts import Sink
from trueup.engine.run.alerts import AlertBook, OpenBreak, degraded
from trueup.engine.telling.people import People, Route
from trueup.engine.telling.quiet_hours import QuietHours
from trueup.model.alert_message import MessageKind
from trueup.model.errors import LedgerError
from trueup.model.plan import Break
from trueup.model.times import NS_PER_S
from trueup.model.vocabulary import BreakKind, Severity
from trueup.ports.records import NewDelivery

SLOW = degraded("p", "slow", "slow")
MINUTE_NS = 60 * NS_PER_S
DAY_NS = 1440 * MINUTE_NS
ALL = Route(notifier="phone", severity_min=Severity.INFO)


@pytest.fixture
def desk(tmp_path: Path):
    desk = open_desk(tmp_path)
    desk.account("p")
    yield desk
    desk.ledger.close()


def a_break(name: str = "b", severity: Severity = Severity.ERROR, lacks: str = "3") -> Break:
    return Break(
        break_id=f"{name}-fill_drift", kind=BreakKind.FILL_DRIFT, severity=severity, symbol="ETH/USD",
        client_order_id=None, venue_order_id="v-1", trade_id=None, reason="venue_filled_more",
        message=f"venue reports {lacks} more", local={"filled_qty": "0"},
        venue={"filled_qty": lacks, "filled_avg_price": "100"},
    )  # fmt: skip


def book(desk: Desk, *routes: Route, **settings: Any) -> AlertBook:
    people = People(routes=routes or [ALL], **settings)
    return AlertBook(Sink(), desk.ledger.journal, people=people)


def tell(
    desk: Desk, book: AlertBook, *breaks: Break, alerts: Sequence = (), since: str | None = None, **more: Any
) -> None:
    found = [OpenBreak(found=one, first_seen_at=since or desk.clock.now()) for one in breaks]
    now_ns = desk.clock.now_ns()
    saw: dict[str, Any] = {"saw_everything": True} | more
    asyncio.run(book.update("p", alerts, now_ns, breaks=found, **saw))


def committed(desk: Desk) -> list[tuple[str, str, str]]:
    """Notifier, kind, key; oldest first."""
    rows = desk.ledger.journal.list_deliveries(open_only=False)[::-1]
    return [(one.notifier, one.message.kind.value, one.message.key) for one in rows]


def test_a_break_is_told_once_in_its_life_with_its_money_its_reason_and_the_next_step(desk: Desk) -> None:
    alerts = book(desk, link="https://books.example")
    for _ in range(100):
        tell(desk, alerts, a_break())
        desk.clock.advance(10 * MINUTE_NS)
    (one,) = [row.message for row in desk.ledger.journal.list_deliveries()]
    assert (one.kind, one.key, one.severity) == (MessageKind.RAISED, "b-fill_drift", Severity.ERROR)
    assert one.about.at_stake == "300"
    assert one.reason == "venue reports 3 more (venue_filled_more)"
    assert one.next_step == "trueup explain b-fill_drift"
    assert one.link == "https://books.example/explain/b-fill_drift"
    assert one.since == "2026-11-23T12:00:00Z"


def test_what_is_over_is_told_once_under_the_same_key(desk: Desk) -> None:
    alerts = book(desk)
    tell(desk, alerts, a_break())
    tell(desk, alerts, saw_everything=False)
    tell(desk, alerts)
    tell(desk, book(desk))
    assert committed(desk) == [
        ("phone", "raised", "b-fill_drift"),
        ("phone", "recovered", "b-fill_drift"),
    ]


def test_a_second_life_is_told_again_under_another_id(desk: Desk) -> None:
    alerts = book(desk)
    for _ in range(2):
        tell(desk, alerts, a_break())
        desk.clock.advance(11 * MINUTE_NS)
        tell(desk, alerts)
    rows = desk.ledger.journal.list_deliveries()
    assert len({one.message.message_id for one in rows}) == 4
    assert [kind for _, kind, _ in committed(desk)] == ["raised", "recovered"] * 2


def test_what_stands_is_told_again_after_a_day_and_says_so(desk: Desk) -> None:
    alerts = book(desk)
    for _ in range(3 * 24 + 1):
        tell(desk, alerts, a_break(), alerts=[SLOW])
        desk.clock.advance(60 * MINUTE_NS)
    kinds = [kind for _, kind, key in committed(desk) if key == "p:slow"]
    assert kinds == ["raised", "again", "again", "again"]
    assert [kind for _, kind, key in committed(desk) if key == "b-fill_drift"] == kinds
    silent = book(desk, remind_after_s=0)
    tell(desk, silent, a_break(), alerts=[SLOW])
    assert len(committed(desk)) == 8


def test_a_route_takes_what_is_severe_enough_of_its_profiles_and_kinds(desk: Desk) -> None:
    routes = (
        Route(notifier="errors", severity_min=Severity.ERROR),
        Route(notifier="others", profiles=frozenset({"q"})),
        Route(notifier="kinds", kinds=frozenset({"fill_drift"})),
    )
    tell(desk, book(desk, *routes), a_break(severity=Severity.WARN), alerts=[SLOW])
    assert committed(desk) == [("errors", "raised", "p:slow"), ("kinds", "raised", "b-fill_drift")]


def test_info_is_not_told_singly(desk: Desk) -> None:
    tell(desk, book(desk), alerts=[degraded("p", "small", "small", "INFO")])
    assert committed(desk) == [("phone", "raised", "p:small")]


def test_of_many_breaks_the_worst_are_told_and_the_others_counted(desk: Desk) -> None:
    many = [a_break(f"{n:02}", Severity.WARN, str(n)) for n in range(1, 13)] + [a_break("e", lacks="1")]
    alerts = book(desk)
    tell(desk, alerts, *many)
    keys = [key for *_, key in committed(desk)]
    assert keys[0] == "e-fill_drift"
    assert keys[1:10] == [f"{n:02}-fill_drift" for n in range(12, 3, -1)]
    assert keys[10:] == ["p:more_breaks"]
    tell(desk, alerts, *many, a_break("worse", lacks="999"))  # does not end what was told
    assert len(committed(desk)) == 11


def test_a_break_that_has_not_stood_long_enough_waits(desk: Desk) -> None:
    alerts, since = book(desk, breaks_after_s=120), desk.clock.now()
    tell(desk, alerts, a_break(), since=since)
    assert committed(desk) == []
    desk.clock.advance(2 * MINUTE_NS)
    tell(desk, alerts, a_break(), since=since)
    assert len(committed(desk)) == 1


def test_quiet_hours_put_a_warning_off_and_what_is_over_by_then_is_not_told(desk: Desk) -> None:
    hours = QuietHours(begin=dt.time(11), end=dt.time(13), zone=ZoneInfo("UTC"))
    alerts = book(desk, Route(notifier="phone", quiet_hours=hours))
    tell(desk, alerts, a_break("w", Severity.WARN), a_break("e"))
    waits = {one.message.key: one.not_before for one in desk.ledger.journal.list_deliveries()}
    assert waits["w-fill_drift"].startswith("2026-11-23T13:00:00")
    assert waits["e-fill_drift"].startswith("2026-11-23T12:00:00")
    tell(desk, alerts)
    rows = desk.ledger.journal.list_deliveries(open_only=False)[::-1]
    assert [(one.message.key, one.message.kind.value, one.outcome) for one in rows] == [
        ("e-fill_drift", "raised", None),
        ("w-fill_drift", "raised", "withdrawn"),
        ("e-fill_drift", "recovered", None),
    ]


class Direct:
    def __init__(self) -> None:
        self.told: list[str] = []
        self.takes = True

    async def tell_unwritten(self, deliveries: Sequence[NewDelivery]) -> list[NewDelivery]:
        self.told += [one.message.key for one in deliveries if self.takes]
        return [] if self.takes else list(deliveries)


def test_what_the_journal_cannot_take_is_told_at_once_or_kept(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise LedgerError("the disk is full")

    direct = Direct()
    alerts = AlertBook(Sink(), desk.ledger.journal, people=People(routes=[ALL]), unwritten=direct)
    with monkeypatch.context() as full:
        full.setattr(desk.ledger.journal, "keep_alerts", refuse)
        tell(desk, alerts, alerts=[SLOW])
        direct.takes = False
        tell(desk, alerts, a_break(), alerts=[SLOW])
    assert direct.told == ["p:slow"]
    tell(desk, alerts, a_break(), alerts=[SLOW])
    assert committed(desk) == [("phone", "raised", "b-fill_drift")]
