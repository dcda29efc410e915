"""A mirror's trade and its orders: the same function settles it as everywhere. Expected values by hand."""

import pytest

from trueup.engine.mirror.sum_trade import sum_trade
from trueup.model.snapshot import LocalOrder
from trueup.model.vocabulary import Action, Side, Status


def order(action: Action, filled_qty: str, status: Status = Status.FILLED, number: int = 1) -> LocalOrder:
    return LocalOrder(
        client_order_id=f"c-{action}-{number}",
        trade_id="t-1",
        symbol="ETH/USD",
        side=Side.BUY if action is Action.ENTRY else Side.SELL,
        action=action,
        qty="10",
        status=status,
        filled_qty=filled_qty,
        filled_avg_price="100",
    )


@pytest.mark.parametrize(
    ("orders", "stands"),
    [
        ([order(Action.ENTRY, "10")], "open"),
        ([order(Action.ENTRY, "10"), order(Action.EXIT, "10")], "closed"),
        ([order(Action.ENTRY, "7", Status.CANCELED), order(Action.EXIT, "10")], "open"),  # -3: overrun
        ([order(Action.ENTRY, "0", Status.CANCELED)], "closed"),
        ([order(Action.ENTRY, "0", Status.PENDING_NEW)], "open"),
        ([order(Action.ENTRY, "4", Status.PARTIALLY_FILLED), order(Action.EXIT, "4")], "open"),
        ([order(Action.ENTRY, "0.30000000000000004"), order(Action.EXIT, "0.3")], "closed"),
    ],
)
def test_the_status_of_books_that_keep_none(orders: list[LocalOrder], stands: str) -> None:
    summed = sum_trade("t-1", None, None, orders)
    assert summed is not None
    assert summed.status == stands
