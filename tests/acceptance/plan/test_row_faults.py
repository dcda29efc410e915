"""Rows of the bot's own books that are not judged: told in every run, nothing booked, nothing put in their place."""

import pytest

from tests.acceptance.plan.snapshots import Document, local_order, plan_of, snapshot, venue_order

HALF: Document = {"status": "partially_filled", "filled_qty": "5", "filled_avg_price": "100"}


def planned(kind: str, *, local: list[Document], venue: Document, **more: list[Document]) -> Document:
    document = snapshot(local, [venue])
    document["local"]["extent"] = "open_and_recent"
    fault = {"kind": kind, "message": "no", "row_key": "7", "venue_order_id": "v-1", "symbol": "ETH/USD"}
    document["local"]["faults"] = [fault]
    document["local"] |= more
    return plan_of(document)


@pytest.mark.parametrize("kind", ["row_removed", "row_unclear"])
def test_nothing_is_booked_of_an_order_whose_row_is_not_judged(kind: str):
    plan = planned(kind, local=[local_order()], venue=venue_order(**HALF))
    assert [(one["kind"], one["venue_order_id"]) for one in plan["breaks"]] == [(kind, "v-1")]
    assert plan["corrections"] == []


@pytest.mark.parametrize("kind", ["row_removed", "row_unclear"])
def test_nothing_is_put_in_the_place_of_a_row_without_an_order(kind: str):
    plan = planned(kind, local=[], venue=venue_order(**HALF))
    assert ([one["kind"] for one in plan["breaks"]], plan["corrections"]) == ([kind], [])


def test_an_order_whose_row_refused_a_correction_is_judged_on():
    plan = planned("write_refused", local=[local_order()], venue=venue_order(**HALF))
    assert {one["kind"] for one in plan["breaks"]} == {"write_refused", "fill_drift", "status_drift"}
    assert plan["corrections"] != []


def test_a_person_who_disowns_the_order_has_said_that_its_row_is_meant_to_be_gone():
    decision: Document = {
        "decision_id": "d", "kind": "disown_order", "venue_order_id": "v-1", "author": "kim", "reason": "tidied",
        "decided_at": "2026-11-23T11:00:00Z",
    }  # fmt: skip
    plan = planned("row_removed", local=[local_order()], venue=venue_order(**HALF), decisions=[decision])
    assert (plan["breaks"], plan["corrections"]) == ([], [])
