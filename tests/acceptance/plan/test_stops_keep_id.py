"""Books that keep a stop and what it placed as one row, where the venue has two orders."""

from tests.acceptance.plan.snapshots import (
    Document,
    found,
    history,
    local_order,
    plan_of,
    snapshot,
    venue_order,
)

STOP: Document = {"side": "sell", "order_type": "stop_limit", "stop_price": "90", "limit_price": "89"}
LOCAL: Document = STOP | {"action": "exit", "venue_order_id": "algo-7", "client_order_id": None}
TRIGGERED: Document = STOP | {
    "venue_order_id": "algo-7", "client_order_id": None, "status": "replaced", "replaced_by": "o-8",
}  # fmt: skip
CHILD: Document = {
    "venue_order_id": "o-8", "client_order_id": None, "side": "sell", "order_type": "market", "limit_price": None,
    "status": "filled", "filled_qty": "10", "filled_avg_price": "88",
}  # fmt: skip


def planned(local: Document, *records: Document, keep: bool = True, **keys) -> Document:
    orders = [venue_order(**one) for one in records]
    document = snapshot([local_order(**(LOCAL | local))], [], history=history(orders), **keys)
    document["local"]["stops_keep_id"] = keep
    return plan_of(document)


def test_a_stop_that_the_bot_saw_fill_is_in_sync_with_what_it_placed():
    sold: Document = {"status": "filled", "filled_qty": "10", "filled_avg_price": "88"}
    plan = planned(sold, TRIGGERED, CHILD)
    assert (plan["breaks"], plan["corrections"], plan["queries"]) == ([], [], [])
    two = {one["kind"] for one in planned(sold, TRIGGERED, CHILD, keep=False)["breaks"]}
    assert two  # with two rows it would be drift


def test_a_stop_whose_trigger_the_bot_missed_takes_the_fills_of_what_it_placed():
    plan = planned({}, TRIGGERED, CHILD)
    assert {(one["kind"], one["venue_order_id"]) for one in plan["breaks"]} == {
        ("fill_drift", "algo-7"),
        ("status_drift", "algo-7"),
    }
    (fill,) = [one["fill"] for one in plan["corrections"] if one["kind"] == "book_fill"]
    assert (fill["qty"], fill["price"]) == ("10", "88")
    assert not [one for one in plan["corrections"] if one["kind"] == "insert_order"]


def test_what_was_placed_is_asked_for_and_then_read_under_the_stops_id():
    first = planned({}, TRIGGERED)
    assert [one["id"] for one in first["queries"] if one["side"] == "venue"] == ["o-8"]
    plan = planned({}, TRIGGERED, answers=[found(venue_order(**CHILD))])
    assert [one["venue_order_id"] for one in plan["breaks"]] == ["algo-7", "algo-7"]
    assert plan["queries"] == []


def test_a_row_of_its_own_for_what_was_placed_stays_an_order_of_its_own():
    own = local_order(venue_order_id="o-8", client_order_id=None, side="sell", action="exit")
    document = snapshot(
        [local_order(**LOCAL), own], [], history=history([venue_order(**TRIGGERED), venue_order(**CHILD)])
    )
    document["local"]["stops_keep_id"] = True
    told = {(one["kind"], one["venue_order_id"]) for one in plan_of(document)["breaks"]}
    assert ("fill_drift", "o-8") in told
    assert ("fill_drift", "algo-7") not in told
