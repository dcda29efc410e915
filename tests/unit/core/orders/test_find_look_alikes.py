"""Which fills may be one execution: singles first, then runs of equal sum and cost."""

from decimal import Decimal

import pytest

from trueup.core.orders.find_look_alikes import RUN_FILLS_MAX, find_look_alikes, is_corrected
from trueup.model.snapshot import Fill


def fills(*figures: tuple[str, str, str | None]) -> list[Fill]:
    """Of (id, quantity, price), a second after one another."""
    return [
        Fill(fill_id=one, qty=qty, price=price, filled_at=f"2026-11-23T12:00:{place:02d}Z")
        for place, (one, qty, price) in enumerate(figures)
    ]


def pairs(*args: list[Fill], half_tick: str = "0") -> list[tuple[str, str]]:
    found = find_look_alikes(*args, half_tick=Decimal(half_tick))
    return [
        ("+".join(f.fill_id for f in one.booked), "+".join(f.fill_id for f in one.reported)) for one in found
    ]


def test_equal_ones_pair_oldest_first_and_once() -> None:
    booked, reported = fills(("S1", "2", "100"), ("S2", "2", "100")), fills(("V1", "2.0", "100.00"))
    assert pairs(booked, reported) == [("S1", "V1")]


@pytest.mark.parametrize("other", [("V1", "2", "101"), ("V1", "3", "100")])
def test_another_price_or_quantity_is_another_execution(other: tuple[str, str, str]) -> None:
    assert pairs(fills(("S1", "2", "100")), fills(other)) == []


def test_a_price_that_nobody_told_contradicts_none() -> None:
    assert pairs(fills(("S1", "2", None)), fills(("V1", "2", "101"))) == [("S1", "V1")]


def test_a_run_may_stand_between_others() -> None:
    booked = fills(("S1", "2", "100"), ("S2", "3", "101"))
    reported = fills(("V0", "7", "90"), ("V1", "5", "100.6"), ("V2", "1", "90"))
    assert pairs(booked, reported) == [("S1+S2", "V1")]


def test_two_runs_beside_one_another() -> None:
    booked = fills(("S1", "5", "100.6"), ("S2", "4", "50"))
    reported = fills(("V1", "2", "100"), ("V2", "3", "101"), ("V3", "1", "50"), ("V4", "3", "50"))
    assert pairs(booked, reported) == [("S1", "V1+V2"), ("S2", "V3+V4")]


def test_a_run_is_contiguous_in_time() -> None:
    """2 × 100 + 3 × 101 would be it, but for the fill between them."""
    booked = fills(("S1", "2", "100"), ("S2", "9", "100"), ("S3", "3", "101"))
    assert pairs(booked, fills(("V1", "5", "100.6"))) == []


def test_the_price_of_several_together_may_be_rounded_by_half_a_tick() -> None:
    """2 × 100 + 1 × 101 = 301, 3 × 100.33 = 300.99."""
    booked, reported = fills(("S1", "2", "100"), ("S2", "1", "101")), fills(("V1", "3", "100.33"))
    assert pairs(booked, reported, half_tick="0.005") == [("S1+S2", "V1")]
    assert pairs(booked, reported, half_tick="0.003") == []


def test_half_a_tick_makes_no_single_fills_alike() -> None:
    assert pairs(fills(("S1", "2", "100")), fills(("V1", "2", "100.001")), half_tick="0.005") == []


def test_a_sum_that_never_meets_is_none() -> None:
    assert pairs(fills(("S1", "2", "100"), ("S2", "2", "100")), fills(("V1", "5", "100"))) == []


def test_beyond_the_bound_only_single_fills_are_compared() -> None:
    many = [(f"S{n}", "1", "100") for n in range(RUN_FILLS_MAX + 1)]
    reported = fills(("V1", str(RUN_FILLS_MAX + 1), "100"))
    assert pairs([Fill(fill_id=one, qty=qty, price=price) for one, qty, price in many], reported) == []


def test_an_execution_is_corrected_where_its_quantity_stays() -> None:
    assert is_corrected(fills(("F1.1", "10", "100")), fills(("F1.2", "10.0", "101")))
    assert not is_corrected(fills(("F1.1", "10", "100")), fills(("F1.2", "9", "101")))
