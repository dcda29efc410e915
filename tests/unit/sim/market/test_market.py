"""Matching by hand-computed tables: prices in ticks of 0.01, quantities in steps of 0.001."""

from typing import Any

import pytest

from trueup.model.vocabulary import Side, Status
from trueup.sim.clock import SimClock
from trueup.sim.market.instruments import FEE_PARTS, MarketInstrument
from trueup.sim.market.market import Market, Refused
from trueup.sim.market.orders import MarketOrder, OrderRequest

SECOND = 1_000_000_000
ETH = MarketInstrument(symbol="ETH/USD", start_ticks=1000)


@pytest.fixture
def market() -> Market:
    return Market(SimClock("2026-01-01T00:00:00Z"), [ETH])


def submit(market: Market, client_order_id: str, side: str, qty: int, **terms) -> MarketOrder:
    request = OrderRequest(
        client_order_id=client_order_id, symbol="ETH/USD", side=Side(side), qty=qty, **terms
    )
    return market.submit("acc", request, "bot")


def match(market: Market, *prices_and_liquidity: tuple[int, int]) -> None:
    for ticks, liquidity in prices_and_liquidity:
        market.clock.advance(SECOND)
        market.settle()
        market.match("ETH/USD", ticks, liquidity)


def fills_of(market: Market, order: MarketOrder) -> list[tuple[int, int]]:
    return [(fill.qty, fill.price) for fill in market.truth_fills("acc", order)]


@pytest.mark.parametrize(
    ("side", "terms", "path", "fills", "status"),
    [
        # terms                    price, liquidity                      quantity, price             status
        ("buy", {"limit": 990}, [(991, 50), (990, 4), (985, 50)], [(4, 990), (6, 985)], "filled"),
        ("buy", {"limit": 990}, [(991, 50), (990, 4)], [(4, 990)], "partially_filled"),
        ("buy", {"limit": 990}, [(991, 50), (1200, 50)], [], "pending_new"),
        ("sell", {"limit": 1010}, [(1009, 50), (1010, 50)], [(10, 1010)], "filled"),
        (
            "sell",
            {"limit": 1010},
            [(1030, 3), (1009, 9), (1011, 2)],
            [(3, 1030), (2, 1011)],
            "partially_filled",
        ),
        ("buy", {}, [(1001, 7), (1400, 7)], [(7, 1001), (3, 1400)], "filled"),
        ("buy", {"stop": 1020}, [(1019, 50), (1020, 6), (1000, 50)], [(6, 1020), (4, 1000)], "filled"),
        ("sell", {"stop": 980}, [(981, 50), (1500, 50)], [], "pending_new"),
        ("sell", {"stop": 980}, [(979, 50)], [(10, 979)], "filled"),
    ],
)
def test_an_order_of_ten_steps_fills_as_computed_by_hand(market, side, terms, path, fills, status):
    order = submit(market, "c1", side, 10, **terms)
    match(market, *path)
    assert fills_of(market, order) == fills
    assert order.status is Status(status)


def test_earlier_orders_take_the_liquidity_first_and_positions_add_up(market):
    first, second, other = (
        submit(market, "c1", "buy", 10, limit=1000),
        submit(market, "c2", "buy", 10, limit=1001),
        submit(market, "c3", "sell", 4),
    )
    match(market, (1000, 15))
    assert (first.filled, second.filled, other.filled) == (10, 5, 0)
    match(market, (1000, 15))
    assert (first.filled, second.filled, other.filled) == (10, 10, 4)
    assert market.truth_position("acc", "ETH/USD") == 16 * FEE_PARTS


def test_a_cancel_takes_effect_late_and_keeps_what_filled_meanwhile(market):
    order = submit(market, "c1", "buy", 10, limit=1000)
    market.cancel("acc", order.venue_order_id, delay_ns=2 * SECOND)
    assert order.status is Status.PENDING_CANCEL
    match(market, (1000, 3))
    assert (order.status, order.filled) == (Status.PENDING_CANCEL, 3)
    match(market, (1000, 3))
    assert (order.status, order.filled) == (Status.CANCELED, 3)


def test_a_fill_beats_a_pending_cancel(market):
    order = submit(market, "c1", "buy", 10, limit=1000)
    market.cancel("acc", order.venue_order_id, delay_ns=2 * SECOND)
    match(market, (1000, 10), (1000, 10))
    assert order.status is Status.FILLED
    with pytest.raises(Refused, match="already filled"):
        market.cancel("acc", order.venue_order_id)


def test_a_replacement_is_a_new_order_that_counts_what_filled(market):
    first = submit(market, "c1", "buy", 10, limit=1000)
    match(market, (1000, 3))
    second = market.replace("acc", first.venue_order_id, "c2", qty=12, limit=1005, delay_ns=2 * SECOND)
    assert (first.status, second.view().raw_status, second.view().replaces) == (
        "pending_replace",
        "held",
        "V-000001",
    )
    match(market, (1000, 2))  # the old one still trades, the new one does not
    match(market, (1010, 9))
    assert (first.status, first.filled, first.replaced_by) == (Status.REPLACED, 5, second.venue_order_id)
    assert (second.status, second.qty, second.filled) == (Status.PENDING_NEW, 7, 0)
    match(market, (1005, 9))
    assert (second.status, fills_of(market, second)) == (Status.FILLED, [(7, 1005)])


def test_a_replacement_loses_against_a_complete_fill(market):
    first = submit(market, "c1", "buy", 10, limit=1000)
    second = market.replace("acc", first.venue_order_id, "c2", qty=12, limit=1005, delay_ns=2 * SECOND)
    match(market, (1000, 10), (1000, 10))
    assert (first.status, second.status) == (Status.FILLED, Status.REJECTED)
    assert second.reason == "replaced order is filled"


def test_a_replacement_by_less_than_filled_meanwhile_leaves_the_order_as_it_is(market):
    first = submit(market, "c1", "buy", 10, limit=1000)
    second = market.replace("acc", first.venue_order_id, "c2", qty=4, limit=1005, delay_ns=2 * SECOND)
    match(market, (1000, 5), (1100, 0), (1000, 1))
    assert (first.status, first.filled, second.status) == (Status.PARTIALLY_FILLED, 6, Status.REJECTED)


def test_expiry_and_rejection_carry_a_reason(market):
    expiring = submit(market, "c1", "buy", 10, limit=1, expires_after_ns=2 * SECOND)
    rejected = submit(market, "c2", "buy", 10, reject_reason="insufficient buying power")
    match(market, (1000, 9), (1000, 9))
    assert (expiring.status, expiring.view().status_reason) == (Status.EXPIRED, "time in force ended")
    assert (rejected.status, rejected.view().status_reason) == (Status.REJECTED, "insufficient buying power")
    assert market.truth_fills("acc") == []


def test_bracket_legs_wait_for_the_parent_and_cancel_each_other(market):
    leg: dict[str, Any] = {"client_order_id": None, "symbol": "ETH/USD", "side": Side.SELL, "qty": 10}
    legs = (OrderRequest(**leg, limit=1100), OrderRequest(**leg, stop=900))
    parent = submit(market, "c1", "buy", 10, legs=legs)
    profit, loss = parent.legs
    match(market, (1200, 4))
    assert (parent.filled, profit.filled, profit.view().parent_venue_order_id) == (4, 0, "V-000001")
    match(market, (1000, 9), (1150, 2))
    assert (profit.filled, loss.status) == (2, Status.CANCELED)


def test_a_client_order_id_is_used_once_per_account(market):
    submit(market, "c1", "buy", 10)
    with pytest.raises(Refused, match="unique"):
        submit(market, "c1", "buy", 10)
    request = OrderRequest(client_order_id="c1", symbol="ETH/USD", side=Side.BUY, qty=1)
    assert market.submit("other", request, "bot").venue_order_id == "V-000002"


def test_views_are_exact_text_and_can_be_had_as_of_earlier(market):
    order = submit(market, "c1", "buy", 1234, limit=1000)
    match(market, (1000, 1000), (999, 234))
    view = order.view()
    assert (view.qty, view.filled_qty, view.limit_price) == ("1.234", "1.234", "10")
    assert view.filled_avg_price == "9.99810372"  # (1000 × 10.00 + 234 × 9.99) ÷ 1234, rounded down
    before = order.view_at(market.clock.now_ns() - SECOND)
    assert before is not None
    assert (before.filled_qty, before.status, before.updated_at) == (
        "1",
        "partially_filled",
        "2026-01-01T00:00:01Z",
    )
    assert order.view_at(order.submitted_ns - 1) is None


def test_fees_are_taken_from_what_is_received():
    coin = MarketInstrument(symbol="ETH/USD", start_ticks=1000, base_fee_ppm=1_500, quote_fee_ppm=500)
    market = Market(SimClock(), [coin])
    for number, side in enumerate((Side.BUY, Side.SELL)):
        request = OrderRequest(client_order_id=f"c{number}", symbol="ETH/USD", side=side, qty=1000)
        market.submit("acc", request, "bot")
    market.match("ETH/USD", 1000, 2000)
    bought, sold = (fill.view() for fill in market.truth_fills("acc"))
    assert (bought.fee, bought.fee_currency) == ("0.0015", "ETH")
    assert (sold.fee, sold.fee_currency) == ("0.005", "USD")
    assert coin.parts_text(market.truth_position("acc", "ETH/USD")) == "-0.0015"
