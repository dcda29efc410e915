"""Noise is not a quantity: amounts that differ by less than a thousandth of a millionth of the larger are the same."""

import pytest

from tests.acceptance.plan.snapshots import (
    asked,
    at,
    fill,
    history,
    kinds,
    local_order,
    plan,
    projected_fills,
    projected_trade,
    quiet,
    stands,
    steps,
    trade,
    venue_order,
)

STEP = {"symbol": "ETH/USD", "qty_step": "0.001", "price_tick": "0.01", "quote": "USD"}
THIRD = {"qty": "0.3"}


def filled(qty: str, status: str = "filled", **keys):
    return {"status": status, "filled_qty": qty, "filled_avg_price": "100"} | keys


@pytest.mark.parametrize("told", ["0.30000000000000004", "0.29999999999999999", "0.3"])
def test_beyond_or_below_the_quantity_by_noise_is_the_whole_order(told):
    planned = plan(
        [local_order(trade_id="t-1", **THIRD)], [venue_order(**filled(told), **THIRD)], trades=[trade()]
    )
    assert steps(planned) == ["book_fill v-1 inferred 0.3 @ 100", "set_status v-1 filled"]
    assert stands(planned, "v-1") == "filled 0.3 @ 100"
    assert projected_trade(planned) == "open 0.3/0"


@pytest.mark.parametrize("last", ["0.20000000000000001", "0.2", "0.19999999999999998"])
def test_fills_that_come_to_the_record_but_for_noise_are_the_record(last):
    planned = plan(
        [local_order(**THIRD)],
        [venue_order(**filled("0.3"), **THIRD)],
        history=history(fills=[fill("F1", "0.1"), fill("F2", last, filled_at=at(-60))]),
    )
    assert stands(planned, "v-1") == "filled 0.3 @ 100"
    assert "overfill" not in kinds(planned)
    assert asked(planned) == []


def test_a_fill_of_noise_is_not_booked():
    planned = plan(
        [local_order(**filled("0.3"), **THIRD)],
        [venue_order(**filled("0.30000000000000004"), **THIRD)],
        fills=[fill("F1", "0.3")],
        history=history(fills=[fill("F1", "0.3"), fill("F2", "0.00000000000000004", filled_at=at(-60))]),
    )
    assert quiet(planned)


@pytest.mark.parametrize("booked", ["0.30000000000000004", "0.29999999999999999"])
def test_what_differs_by_noise_is_in_sync(booked):
    assert quiet(plan([local_order(**filled(booked), **THIRD)], [venue_order(**filled("0.3"), **THIRD)]))


@pytest.mark.parametrize(
    ("terms", "amended"),
    [
        ({"qty": "10.000000001", "limit_price": "100.00000001"}, False),
        (
            {"qty": "10.00000001"},
            False,
        ),  # 0.00000001 of 10.00000001: just less than a thousandth of a millionth
        ({"qty": "10.000000011"}, True),
        ({"limit_price": "100.00000011"}, True),
    ],
)
def test_terms(terms, amended):
    planned = plan([local_order()], [venue_order(**terms)])
    assert bool(steps(planned)) is amended


def test_the_same_fill_but_for_noise_has_the_same_figures():
    planned = plan(
        [local_order(**filled("0.3"), **THIRD)],
        [venue_order(**filled("0.3"), **THIRD)],
        fills=[fill("F1", "0.3", "100")],
        history=history(fills=[fill("F1", "0.30000000000000004", "100.00000000000001")]),
    )
    assert quiet(planned)


def test_local_rows_beyond_the_booked_quantity_by_noise_are_no_drift():
    planned = plan(
        [local_order(**filled("0.3"), **THIRD)],
        [venue_order(**filled("0.3"), **THIRD)],
        fills=[fill("F1", "0.1"), fill("F2", "0.20000000000000001", filled_at=at(-60))],
    )
    assert quiet(planned)


def test_a_whole_step_less_is_no_noise_while_the_order_lives():
    planned = plan(
        [local_order(**filled("5", "partially_filled"))],
        [venue_order(**filled("5.001", "partially_filled"))],
        instruments=[STEP],
    )
    assert steps(planned) == ["book_fill v-1 inferred 0.001 @ 100"]


@pytest.mark.parametrize(
    ("told", "status", "booked"),
    [
        ("10.001", "filled", True),  # a step beyond an order that ended
        ("10.002", "filled", False),
        ("10.001", "partially_filled", False),  # it lives: no tolerance
    ],
)
def test_what_an_ended_order_filled_within_the_tolerance_is_no_overfill(told, status, booked):
    planned = plan([local_order()], [venue_order(**filled(told, status))], instruments=[STEP])
    assert ("overfill" in kinds(planned)) is not booked
    assert stands(planned, "v-1") == (f"filled {told} @ 100" if booked else None)


def test_an_inserted_order_is_whole_but_for_noise():
    planned = plan([], [venue_order(**filled("0.30000000000000004"), **THIRD)])
    assert stands(planned, "v-1") == "filled 0.3 @ 100"
    assert projected_fills(planned) == {"inferred": "0.3"}


def test_a_fill_of_noise_takes_nobodys_place():
    planned = plan(
        [local_order(**filled("0.3"), **THIRD)],
        [venue_order(**filled("0.3"), **THIRD)],
        history=history(fills=[fill("F2", "0.00000000000000004")]),
    )
    assert quiet(planned)


@pytest.mark.parametrize("nothing", ["0", "0.0", "0.000", "0e3"])
def test_a_row_of_no_quantity_is_none_however_its_zero_is_written(nothing: str) -> None:
    """Others took its place, and a snapshot may leave it out; so its figures contradict nobody's."""
    planned = plan([local_order()], [], history=history([], [fill("F1", "4")]), fills=[fill("F1", nothing)])
    assert kinds(planned) == {"missing_at_venue", "fill_drift"}
    assert steps(planned) == ["book_fill v-1 F1 4 @ 100"]


def test_growth_beside_a_noisy_booking_comes_to_what_the_venue_says():
    """Rows of 1.1 stand for a booked 1.100000000000001: with the new fill the order has the venue's 1.2."""
    planned = plan(
        [
            local_order(
                qty="5", status="partially_filled", filled_qty="1.100000000000001", filled_avg_price="100"
            )
        ],
        [venue_order(qty="5", status="partially_filled", filled_qty="1.2", filled_avg_price="100")],
        fills=[fill("F0", "0.3", "100"), fill("F1", "0.8", "100")],
        history=history(fills=[fill("X9", "0.3", "100"), fill("N1", "0.1", "100")]),
    )
    assert stands(planned, "v-1") == "partially_filled 1.2 @ 100"
