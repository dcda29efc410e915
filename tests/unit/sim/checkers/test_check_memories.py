"""What a bot must know of its orders once all is at rest, and of which orders nobody could tell it."""

from trueup.model.vocabulary import Side
from trueup.sim.checkers.check_memories import check_memories
from trueup.sim.clock import SimClock
from trueup.sim.market.instruments import MarketInstrument
from trueup.sim.market.market import Market
from trueup.sim.market.orders import OrderRequest


class Bot:
    account_id = "acc"

    def __init__(self, filled: int) -> None:
        self._filled = filled

    def remembered(self) -> dict[str, int]:
        return {"c1": self._filled}


def market_that_filled(qty: int) -> Market:
    market = Market(
        SimClock("2026-01-01T00:00:00Z"),
        [MarketInstrument(symbol="SPY", qty_decimals=0, start_ticks=1000)],
    )
    market.submit("acc", OrderRequest(client_order_id="c1", symbol="SPY", side=Side.BUY, qty=9), "p1")
    market.match("SPY", 1000, qty)
    return market


def test_a_bot_that_knows_of_less_than_was_filled_is_found() -> None:
    (found,) = check_memories(market_that_filled(5), {"p1": Bot(3)})
    assert (found.subject, found.message) == ("c1", "p1 knows of 3 steps filled, the venue filled 5")
    assert check_memories(market_that_filled(5), {"p1": Bot(5)}) == []


def test_of_what_people_took_out_of_the_books_nobody_tells_it() -> None:
    """Seed 725 with a broker: an order that a run inserted, its insertion undone; it filled afterwards."""
    assert check_memories(market_that_filled(5), {"p1": Bot(3)}, taken_back={"c1"}) == []
