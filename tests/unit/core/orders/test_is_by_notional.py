"""Who says that an order is by notional, and which figure can only be money."""

from typing import Any

import pytest

from trueup.core.orders.is_by_notional import base_qty, is_by_notional
from trueup.model.snapshot import LocalOrder, VenueOrder
from trueup.model.vocabulary import Side, Status


def local(**keys: Any) -> LocalOrder:
    return LocalOrder(**{"side": Side.BUY, "status": Status.PENDING_NEW, "qty": "10"} | keys)


def record(**keys: Any) -> VenueOrder:
    return VenueOrder(**{"venue_order_id": "v-1", "order_type": "market", "qty": "10"} | keys)


@pytest.mark.parametrize(
    ("mine", "theirs", "expected"),
    [
        ({"by_notional": True}, None, True),
        ({}, None, False),
        ({}, {"by_notional": True}, True),
        ({}, {}, False),
        ({}, {"qty": None}, True),
        ({}, {"qty": None, "order_type": "limit"}, False),
        ({"order_type": "market"}, {"qty": None, "order_type": None}, True),
    ],
)
def test_who_says_so(mine: dict[str, Any], theirs: dict[str, Any] | None, expected: bool) -> None:
    assert is_by_notional(local(**mine), None if theirs is None else record(**theirs)) is expected


@pytest.mark.parametrize(
    ("status", "qty", "filled", "average", "is_money"),
    [
        (Status.FILLED, "9.99", "23.52", "0.4247", True),  # 9.988944 spent
        (Status.FILLED, "450", "1.4872", "302.58", True),  # 449.996976
        (Status.FILLED, "450", "1.4", "302.58", False),  # 423.612: far less than all
        (Status.FILLED, "10", "10", "1", False),
        (Status.FILLED, "10", "11", "100", False),  # 1,100: more than there was
        (Status.PARTIALLY_FILLED, "9.99", "12", "0.4247", True),
        (Status.PARTIALLY_FILLED, "450", "1", "302.58", False),  # may be either
        (Status.FILLED, "10", "9", None, False),
    ],
)
def test_what_can_only_be_money(status: Status, qty: str, filled: str, average: str, is_money: bool) -> None:
    told = record(status=status, qty=qty, filled_qty=filled, filled_avg_price=average)
    assert base_qty(told) == (None if is_money else qty)
    assert base_qty(record(status=status, qty=qty, order_type="limit")) == qty
