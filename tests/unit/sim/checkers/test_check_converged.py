"""What a healed world may leave to people: legs of an order whose trade nobody's configuration told."""

import pytest

from trueup.model.plan import Break, Plan
from trueup.model.reasons import Reason
from trueup.model.snapshot import Fill, Local, LocalOrder
from trueup.model.vocabulary import Action, BreakKind, Severity, Side, Status
from trueup.sim.checkers import ProfileBooks, check_converged
from trueup.sim.clock import SimClock
from trueup.sim.market.instruments import MarketInstrument
from trueup.sim.market.market import Market
from trueup.sim.market.orders import OrderRequest

NOW = "2026-01-01T00:00:00Z"


@pytest.fixture
def market() -> Market:
    """An entry V-000001 that filled, its limit leg V-000002 that filled, its stop leg V-000003 canceled by that."""
    market = Market(SimClock(NOW), [MarketInstrument(symbol="SPY", qty_decimals=0, start_ticks=1000)])
    leg = OrderRequest(client_order_id=None, symbol="SPY", side=Side.SELL, qty=5, limit=1100)
    stop = OrderRequest(client_order_id=None, symbol="SPY", side=Side.SELL, qty=5, stop=900)
    entry = OrderRequest(client_order_id="c1", symbol="SPY", side=Side.BUY, qty=5, legs=(leg, stop))
    market.submit("acc", entry, "p1")
    market.match("SPY", 1000, 5)
    market.match("SPY", 1100, 5)
    return market


@pytest.mark.parametrize(
    ("trade_id", "reason", "is_well"),
    [
        (None, Reason.UNMAPPED_TRADE, True),
        ("t1", Reason.UNMAPPED_TRADE, False),
        (None, Reason.INSERT_LIMIT, False),
    ],
)
def test_a_filled_leg_waits_for_a_person_only_where_its_parent_has_no_trade(
    market, trade_id, reason, is_well
):
    row = LocalOrder(
        client_order_id="c1",
        venue_order_id="V-000001",
        trade_id=trade_id,
        symbol="SPY",
        side=Side.BUY,
        action=Action.ENTRY,
        qty="5",
        status=Status.FILLED,
        filled_qty="5",
        filled_avg_price="10",
    )
    fill = Fill(
        fill_id="F-000001", venue_order_id="V-000001", symbol="SPY", side=Side.BUY, qty="5", price="10"
    )
    books = ProfileBooks(
        profile_id="p1", account_id="acc", local=Local(read_at=NOW, orders=[row], fills=[fill])
    )
    told = Break(
        break_id="b",
        kind=BreakKind.UNCOVERED_ORDER,
        severity=Severity.WARN,
        symbol="SPY",
        client_order_id=None,
        venue_order_id="V-000002",
        trade_id=None,
        reason=reason,
        message="",
    )
    plan = Plan(format="trueup.plan/1", plan_id="x", profile_id="p1", taken_at=NOW, breaks=[told])
    assert (check_converged(market, books, plan, coverage=True) == []) is is_well
