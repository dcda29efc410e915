"""The money that a break is about: a position's difference at its price, once for all breaks that tell of it."""

from decimal import Decimal
from typing import Any

import pytest

from tests.acceptance.plan.snapshots import at, plan, trade
from trueup.model.at_stake import at_stake, subject_of, sum_at_stake
from trueup.model.plan import Break
from trueup.model.vocabulary import BreakKind, Severity

PARITY = {"parity_enabled": True, "parity_symbols": ["ETH/USD"]}
HELD = {"symbol": "ETH/USD", "qty": "1"}


def found(kind: BreakKind = BreakKind.POSITION_MISMATCH, **keys: Any) -> Break:
    values: dict[str, Any] = {
        "break_id": "b-1",
        "severity": Severity.WARN,
        "symbol": "ETH/USD",
        "client_order_id": None,
        "venue_order_id": None,
        "trade_id": "t-1",
        "reason": "venue_holds_less",
        "message": "",
    }
    return Break(kind=kind, **values | keys)


LESS: dict[str, Any] = {"local": {"position_qty": "3"}, "venue": {"position_qty": "1"}}


def test_a_position_s_difference_is_valued_at_the_break_s_price() -> None:
    assert at_stake(found(**LESS, price="100.5")) == Decimal(201)
    assert at_stake(found(**LESS)) is None


def test_a_missing_exit_is_worth_what_the_venue_holds_less() -> None:
    sides: dict[str, Any] = {"local": {"open_qty": "5"}, "venue": {"shortfall_qty": "2"}}
    assert at_stake(found(BreakKind.MISSING_EXIT, **sides, price="10")) == Decimal(20)


def test_what_several_breaks_tell_of_one_position_counts_once() -> None:
    mismatch = found(**LESS, price="100")
    sides: dict[str, Any] = {"local": {"open_qty": "3"}, "venue": {"shortfall_qty": "2"}}
    exit_ = found(BreakKind.MISSING_EXIT, symbol="ETHUSD", **sides)
    other = found(symbol="BTC/USD", **LESS)
    figures = [(subject_of(one), at_stake(one)) for one in (mismatch, mismatch, exit_, other)]
    assert sum_at_stake([*figures, (None, Decimal(7))]) == (Decimal(207), 1)
    assert sum_at_stake([(None, None)]) == (None, 1)
    assert sum_at_stake([]) == (None, 0)


@pytest.mark.parametrize(
    ("position", "price"),
    [({"mark_price": "120"}, "120"), ({"avg_entry_price": "90"}, "100"), ({}, "100")],
)
def test_parity_takes_the_venue_s_mark_price_else_the_trade_s_entry(
    position: dict[str, str], price: str
) -> None:
    planned = plan(
        policy=PARITY,
        trades=[trade(entry_qty="3", entry_avg_price="100")],
        positions={"state": "complete", "read_at": at(0), "rows": [HELD | position]},
    )
    (mismatch,) = planned["breaks"]
    assert (mismatch["kind"], mismatch["price"]) == ("position_mismatch", price)
