"""What parity must have done: each row of the table is a position that stood still, and trades as they stand then."""

import pytest
from msgspec import structs

from trueup.model.snapshot import Local, Trade
from trueup.model.vocabulary import PositionSide, QuarantinedBy, Side, TradeStatus
from trueup.sim.checkers import ProfileBooks, check_parity
from trueup.sim.clock import SimClock
from trueup.sim.market.instruments import MarketInstrument
from trueup.sim.market.market import Market
from trueup.sim.market.orders import OrderRequest

NOW = "2026-01-01T00:00:00Z"
OPEN = Trade(
    trade_id="t1", symbol="SPY", side=PositionSide.LONG, status=TradeStatus.OPEN, entry_qty="5", version=1
)
QUARANTINED = structs.replace(OPEN, status=TradeStatus.QUARANTINED, quarantined_by=QuarantinedBy.PARITY)
CLOSED = structs.replace(OPEN, status=TradeStatus.CLOSED)
SECOND = structs.replace(OPEN, trade_id="t2", entry_qty="7")


def market_that_holds(qty: int) -> Market:
    market = Market(SimClock(NOW), [MarketInstrument(symbol="SPY", qty_decimals=0, start_ticks=1000)])
    if qty:
        side = Side.BUY if qty > 0 else Side.SELL
        market.submit("acc", OrderRequest(client_order_id="c1", symbol="SPY", side=side, qty=abs(qty)), "p1")
        market.match("SPY", 1000, abs(qty))
    return market


@pytest.mark.parametrize(
    ("held", "trades", "odd"),
    [
        (5, [OPEN], []),
        (4, [OPEN], []),  # a step less is equal
        (5, [QUARANTINED], ["t1"]),
        (0, [QUARANTINED], []),
        (0, [OPEN], ["t1"]),
        (0, [CLOSED], []),
        (0, [OPEN, SECOND], []),  # of which of them the rest was sold nobody knows
        (3, [OPEN], []),
        (-9, [OPEN], []),
    ],
)
def test_parity_must_have_acted_where_all_is_clear(held, trades, odd):
    books = ProfileBooks(profile_id="p1", account_id="acc", local=Local(read_at=NOW, trades=trades))
    found = check_parity(market_that_holds(held), [books], hedged=False)
    assert [one.subject for one in found] == odd


def test_what_the_venue_took_back_is_left_to_people():
    market = market_that_holds(5)
    market.bust(market.truth_fills("acc")[0])
    books = ProfileBooks(profile_id="p1", account_id="acc", local=Local(read_at=NOW, trades=[OPEN]))
    assert check_parity(market, [books], hedged=False) == []


def test_a_hedged_instrument_is_right_only_when_both_sides_are():
    market = Market(SimClock(NOW), [MarketInstrument(symbol="SPY", qty_decimals=0, start_ticks=1000)])
    for number, (side, position_side) in enumerate(
        ((Side.BUY, PositionSide.LONG), (Side.SELL, PositionSide.SHORT)), start=1
    ):
        request = OrderRequest(
            client_order_id=f"c{number}", symbol="SPY", side=side, qty=5, position_side=position_side
        )
        market.submit("acc", request, "p1")
    market.match("SPY", 1000, 10)
    short = structs.replace(OPEN, trade_id="t2", side=PositionSide.SHORT)
    for trades, odd in (([QUARANTINED], []), ([QUARANTINED, short], ["t1"])):
        books = ProfileBooks(profile_id="p1", account_id="acc", local=Local(read_at=NOW, trades=trades))
        assert [one.subject for one in check_parity(market, [books], hedged=True)] == odd
