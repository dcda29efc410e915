"""Books that cut amounts off after six places: what they cannot hold is no difference, what they could is one."""

import pytest

from tests.acceptance.plan.snapshots import (
    Document,
    fill,
    history,
    local_order,
    plan_of,
    snapshot,
    venue_order,
)


def planned(local: Document, venue: Document, decimals: int | None = 6, **keys) -> Document:
    document = snapshot([local_order(**local)], [venue_order(**venue)], **keys)
    document["local"]["decimals"] = decimals
    return plan_of(document)


TINY: Document = {"qty": "1234.5678912", "limit_price": "0.00001234"}
TINY_CUT: Document = {"qty": "1234.567891", "limit_price": "0.000012"}
HALF_CUT: Document = {
    "status": "partially_filled",
    "filled_qty": "600.123456",
    "filled_avg_price": "0.000012",
}
HALF: Document = {"status": "partially_filled", "filled_qty": "600.1234567", "filled_avg_price": "0.00001231"}


def test_terms_that_were_cut_off_are_no_drift():
    assert planned(TINY_CUT, TINY)["breaks"] == []
    assert {one["kind"] for one in planned(TINY_CUT, TINY, None)["breaks"]} == {"terms_drift"}


@pytest.mark.parametrize(
    ("name", "value"), [("qty", "1234.5677"), ("qty", "1234.568"), ("limit_price", "0.000011")]
)
def test_a_whole_unit_of_the_last_place_is_drift(name, value):
    assert {one["kind"] for one in planned(TINY_CUT | {name: value}, TINY)["breaks"]} == {"terms_drift"}


def test_what_is_filled_was_cut_off_with_every_fill():
    assert planned(TINY_CUT | HALF_CUT, TINY | HALF)["breaks"] == []
    fills = [
        fill(fill_id=one, qty=qty, price="0.000012", venue_order_id="v-1")
        for one, qty in (("f-1", "300.061728"), ("f-2", "300.061728"))
    ]
    told = [
        fill(fill_id=one, qty="300.06172835", price="0.00001231", venue_order_id="v-1")
        for one in ("f-1", "f-2")
    ]
    both = planned(TINY_CUT | HALF_CUT, TINY | HALF, fills=fills, history=history(fills=told))
    assert both["breaks"] == []


def test_a_fill_that_was_missed_is_booked_whole():
    plan = planned(
        TINY_CUT | HALF_CUT, TINY | HALF | {"filled_qty": "700.1234567", "filled_avg_price": "0.00001231"}
    )
    (booked,) = [one["fill"] for one in plan["corrections"] if one["kind"] == "book_fill"]
    assert booked["qty"] == "100.0000007"  # 700.1234567 − 600.123456
