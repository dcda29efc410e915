"""Trades' own rows beside what their orders come to. Expected values by hand."""

from typing import Any

import pytest
from msgspec.structs import replace

from trueup.engine.mirror.compare_trades import compare_trades
from trueup.model.snapshot import Local, LocalOrder, Trade
from trueup.model.vocabulary import PositionSide, Side, Status, TradeStatus

BOTH = frozenset({"entry_qty", "exit_qty", "status"})
BUSY_SINCE = "2026-11-23T11:59:55Z"
SUMMED = Trade(
    trade_id="T-1", symbol="ETH/USD", side=PositionSide.LONG, status=TradeStatus.OPEN, entry_qty="10", exit_qty="4",
    fee_base_qty="0.01",
)  # fmt: skip


def told(active_at: str = "2026-11-23T11:00:00Z", keys: frozenset[str] = BOTH, **said: str) -> list[str]:
    order = LocalOrder(venue_order_id="v-1", trade_id="t-1", side=Side.BUY, qty="10", status=Status.FILLED,
                       filled_qty="10", last_activity_at=active_at)  # fmt: skip
    row = replace(SUMMED, trade_id="t-1", fee_base_qty="0", **said)
    found = compare_trades([row], Local(orders=[order], trades=[SUMMED]), keys, BUSY_SINCE)
    assert all((one.kind.value, one.trade_id) == ("trade_row_differs", "t-1") for one in found)
    return [one.message for one in found]


@pytest.mark.parametrize(
    "said", [{}, {"entry_qty": "10.0"}, {"entry_qty": "9.99"}]
)  # with its fee, and without
def test_a_row_that_agrees_is_not_told(said: dict[str, Any]) -> None:
    assert told(**said) == []


def test_a_row_that_differs_is_told_with_both_figures() -> None:
    assert told(entry_qty="9", exit_qty="0") == [
        "trade t-1 has entry_qty 9, its orders come to 10, exit_qty 0, its orders come to 4: its row is left alone"
    ]


def test_only_what_a_repair_may_set_is_held_to_it() -> None:
    assert told(keys=frozenset({"exit_qty"}), entry_qty="9") == []


def test_a_bot_that_is_at_one_of_the_orders_may_be_about_to_write_the_trade() -> None:
    assert told(BUSY_SINCE, entry_qty="9") == []
    assert told("2026-11-23T11:59:54Z", entry_qty="9") != []
