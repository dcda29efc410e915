"""Which of a plan's corrections stand or fall together."""

from typing import Any

import pytest

from trueup.ledgers.sql.plan_index import PlanIndex
from trueup.model.errors import InvariantError
from trueup.model.plan import PLAN_FORMAT, Correction, Notification, Plan
from trueup.model.snapshot import Fill, LocalOrder, Trade
from trueup.model.vocabulary import CorrectionKind, NotificationKind, PositionSide, Side, Status, TradeStatus


def order(name: str, symbol: str | None = "ETH/USD", **keys: Any) -> LocalOrder:
    given: dict[str, Any] = {"client_order_id": f"b-{name}", "venue_order_id": f"v-{name}", "version": 2}
    return LocalOrder(symbol=symbol, side=Side.BUY, status=Status.CANCELED, **{**given, **keys})


def trade(trade_id: str, symbol: str = "ETH/USD") -> Trade:
    return Trade(
        trade_id=trade_id, symbol=symbol, side=PositionSide.LONG, status=TradeStatus.CLOSED, version=2
    )


def correction(
    number: int, kind: CorrectionKind = CorrectionKind.SET_STATUS, **ids: str | None
) -> Correction:
    given: dict[str, Any] = {"client_order_id": None, "venue_order_id": None, "trade_id": None, **ids}
    return Correction(
        correction_id=f"c-{number}",
        break_id=f"k-{number}",
        kind=kind,
        reason="r",
        expected_version=1,
        **given,
    )


def index(**parts: Any) -> PlanIndex:
    return PlanIndex(
        Plan(format=PLAN_FORMAT, plan_id="p", profile_id="mom-1", taken_at="2026-11-23T12:00:00Z", **parts)
    )


def kins(found: PlanIndex) -> list[str]:
    return [found.kin_of_correction(one) for one in found.plan.corrections]


def test_one_instrument_is_one_kin_however_it_is_written() -> None:
    found = index(
        projected_orders=[order("1"), order("2", "eth-usd"), order("3", "BTC/USD")],
        corrections=[correction(n, venue_order_id=f" V-{n}") for n in (1, 2, 3)],
    )
    assert kins(found) == ["ethusd", "ethusd", "btcusd"]


def test_an_order_without_a_symbol_is_its_trades_kin_else_its_own() -> None:
    found = index(
        projected_orders=[order("1", None, trade_id="t-1"), order("2", None), order("3", None), order("4")],
        projected_trades=[trade("t-1")],
        corrections=[correction(n, venue_order_id=f"v-{n}") for n in (1, 2, 3, 4)],
    )
    first, second, third, fourth = kins(found)
    assert first == fourth == "ethusd"
    assert len({first, second, third}) == 3


def test_a_trade_joins_two_instruments() -> None:
    found = index(
        projected_orders=[order("1", "ETH/USD"), order("2", "ETH/USDT", trade_id="t-1")],
        projected_trades=[trade("t-1", "ETH/USD")],
        corrections=[correction(1, venue_order_id="v-1"), correction(2, venue_order_id="v-2")],
    )
    assert len(set(kins(found))) == 1


def test_the_venues_id_names_an_order_before_the_clients() -> None:
    """Two orders of a replaced chain may have carried one client order id."""
    found = index(
        projected_orders=[order("1", "ETH/USD"), order("2", "BTC/USD", client_order_id=None)],
        corrections=[
            correction(1, client_order_id="b-1", venue_order_id="v-2"),
            correction(2, client_order_id="B-1 "),
        ],
    )
    assert kins(found) == ["btcusd", "ethusd"]


def test_a_previous_id_names_its_order_unless_another_has_it_now() -> None:
    found = index(
        projected_orders=[
            order("2", "ETH/USD", previous_venue_order_ids=("v-1", "v-0")),
            order("1", "BTC/USD"),
        ],
        corrections=[correction(1, venue_order_id="v-0"), correction(2, venue_order_id="v-1")],
    )
    assert kins(found) == ["ethusd", "btcusd"]
    assert sorted(found.wanted().venue_ids) == ["v-0", "v-1", "v-2"]


def test_a_correction_of_a_trade_belongs_to_the_trade() -> None:
    found = index(
        projected_orders=[order("1", "BTC/USD", client_order_id=None, venue_order_id=None, trade_id="t-2")],
        projected_trades=[trade("t-1"), trade("t-2", "BTC/USD")],
        corrections=[
            correction(1, CorrectionKind.CLOSE_TRADE, trade_id="t-1"),
            correction(2, trade_id="t-2"),
        ],
    )
    assert kins(found) == ["ethusd", "btcusd"]
    assert [one.correction_id for one in found.trades["t-1"].corrections] == ["c-1"]


def test_notifications_go_with_their_order_else_their_trade() -> None:
    told = {
        "v-1": ("v-1", None),
        "t-1": (None, "t-1"),
        "v-9": ("v-9", None),
    }
    found = index(
        projected_orders=[order("1", "BTC/USD")],
        projected_trades=[trade("t-1")],
        notifications=[
            Notification(
                notification_id=name,
                kind=NotificationKind.CANCEL,
                client_order_id=None,
                venue_order_id=venue_id,
                trade_id=trade_id,
            )
            for name, (venue_id, trade_id) in told.items()
        ],
    )
    kin = {one.notification_id: found.kin_of_notification(one) for one in found.plan.notifications}
    assert kin == {"v-1": "btcusd", "t-1": "ethusd", "v-9": None}


@pytest.mark.parametrize(
    "parts",
    [
        {"corrections": [correction(1, venue_order_id="v-9")]},
        {"corrections": [correction(1, CorrectionKind.CLOSE_TRADE, trade_id="t-9")]},
        {"projected_fills": [Fill(fill_id="F1", venue_order_id="v-9", qty="1")]},
    ],
)
def test_what_names_nothing_that_is_projected_is_refused(parts: dict[str, Any]) -> None:
    with pytest.raises(InvariantError, match="make a new"):
        index(projected_orders=[order("1")], **parts)
