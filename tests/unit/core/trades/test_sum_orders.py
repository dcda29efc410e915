"""A trade is held to the sum of its orders; most say it letter by letter, and need no sum."""

from trueup.core.trades.sum_orders import not_plainly_level
from trueup.model.snapshot import LocalOrder, Trade
from trueup.model.vocabulary import Action, PositionSide, Side, Status, TradeStatus


def order(
    number: int, filled_qty: str, trade_id: str | None = "t-1", action: Action | None = Action.ENTRY
) -> LocalOrder:
    return LocalOrder(
        venue_order_id=f"v-{number}", trade_id=trade_id, symbol="ETH/USD", side=Side.BUY, action=action, qty="10",
        status=Status.PARTIALLY_FILLED, filled_qty=filled_qty,
    )  # fmt: skip


TRADES = {
    "t-1": Trade(
        trade_id="t-1",
        symbol="ETH/USD",
        side=PositionSide.LONG,
        status=TradeStatus.OPEN,
        entry_qty="3",
        exit_qty="2",
    )
}


def test_the_one_order_of_a_trade_that_says_the_same_needs_no_sum() -> None:
    assert not_plainly_level(TRADES, [order(1, "3")]) == {}
    assert not_plainly_level(TRADES, [order(1, "2", action=Action.EXIT)]) == {}


def test_one_that_filled_otherwise_does() -> None:
    (one,) = [order(1, "4", " T-1")]
    assert not_plainly_level(TRADES, [one]) == {"t-1": [one]}
    (one,) = [order(1, "3", action=Action.EXIT)]
    assert not_plainly_level(TRADES, [one]) == {"t-1": [one]}


def test_of_several_orders_each_of_which_says_what_the_trade_says_the_sum_is_made() -> None:
    both = [order(1, "3"), order(2, "3", "T-1")]
    assert not_plainly_level(TRADES, both) == {"t-1": both}


def test_what_has_filled_nothing_or_names_no_listed_trade_is_left_out() -> None:
    assert (
        not_plainly_level(TRADES, [order(1, "0"), order(2, "0.0"), order(3, "4", None), order(4, "4", "t-2")])
        == {}
    )
