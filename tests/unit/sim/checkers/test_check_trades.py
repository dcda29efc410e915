"""The checker of what plans do to trades bites: a healthy trade quarantined, an exit told before its entry."""

from typing import Any

import pytest

from trueup.model.plan import Correction, Notification, Plan
from trueup.model.snapshot import (
    Fill,
    Local,
    OtherOpenQty,
    OtherTrades,
    Position,
    PositionsRead,
    Profile,
    Snapshot,
    Trade,
    Venue,
)
from trueup.model.vocabulary import CorrectionKind, NotificationKind, PositionSide, ReadState, TradeStatus
from trueup.sim.checkers import check_trades

NOW = "2026-01-01T00:00:00Z"


def trade(trade_id: str, qty: str) -> Trade:
    return Trade(
        trade_id=trade_id, symbol="SPY", side=PositionSide.LONG, status=TradeStatus.OPEN, entry_qty=qty
    )


def snapshot(held: str, *trades: Trade, **local: Any) -> Snapshot:
    read = PositionsRead(state=ReadState.COMPLETE, rows=[Position(symbol="SPY", qty=held)])
    return Snapshot(
        format="trueup.snapshot/1",
        taken_at=NOW,
        profile=Profile(profile_id="p1"),
        local=Local(trades=list(trades), **local),
        venue=Venue(positions=read),
    )


def plan(**keys: Any) -> Plan:
    return Plan(format="trueup.plan/1", plan_id="x", profile_id="p1", taken_at=NOW, **keys)


def quarantining(*trade_ids: str) -> Plan:
    return plan(
        corrections=[
            Correction(
                correction_id=one, break_id=one, kind=CorrectionKind.QUARANTINE_TRADE, reason="venue_holds_less",
                client_order_id=None, venue_order_id=None, trade_id=one, expected_version=1,
            )
            for one in trade_ids
        ]
    )  # fmt: skip


@pytest.mark.parametrize(
    ("held", "touched", "healthy"),
    [
        ("8", ["t2"], []),  # 3 of 11 are missing
        ("8", ["t3"], ["t3"]),
        ("8", ["t2", "t3"], ["t3"]),
        ("0", ["t1", "t2", "t3"], []),
        ("-1", ["t1"], []),  # more than everything
        ("7", ["t2", "t3"], ["t2", "t3"]),  # 4: no set comes to it
    ],
)
def test_a_healthy_trade_that_is_touched_is_found(held, touched, healthy):
    trades = [trade("t1", "6"), trade("t2", "3"), trade("t3", "2")]
    found = check_trades(snapshot(held, *trades), quarantining(*touched))
    assert [one.subject for one in found] == healthy


def test_trades_of_other_profiles_count():
    others = {
        "other_profiles_open_qty": {"SPY": OtherOpenQty(long="4")},
        "other_profiles_trades": {"SPY": OtherTrades(long=("4",))},
    }
    mine = [trade("t1", "6"), trade("t2", "3")]
    assert check_trades(snapshot("9", *mine, **others), quarantining("t2")) != []  # 4 are theirs
    assert check_trades(snapshot("6", *mine, **others), quarantining("t2")) == []  # 7: 3 and 4


def telling(first: str, second: str) -> Plan:
    kinds = {"V1": NotificationKind.ENTRY_FILL, "V2": NotificationKind.EXIT_FILL}
    return plan(
        notifications=[
            Notification(
                notification_id=one, kind=kinds[one], client_order_id=None, venue_order_id=one, trade_id="t1"
            )
            for one in (first, second)
        ],
        projected_fills=[
            Fill(fill_id="F1", venue_order_id="V1", qty="1", filled_at="2026-01-01T00:00:01Z"),
            Fill(fill_id="F2", venue_order_id="V2", qty="1", filled_at="2026-01-01T00:00:01.5Z"),
        ],
    )


def test_an_exit_told_before_its_entry_is_found():
    assert check_trades(snapshot("0"), telling("V1", "V2")) == []
    assert [one.subject for one in check_trades(snapshot("0"), telling("V2", "V1"))] == ["t1"]
