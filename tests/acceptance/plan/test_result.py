"""Counters, ids and what the next run is given."""

import pytest

from tests.acceptance.plan.snapshots import (
    absent,
    at,
    fill,
    history,
    local_order,
    open_orders,
    plan,
    plan_of,
    snapshot,
    venue_order,
)


def second(**keys):
    return {"venue_order_id": "v-2", "client_order_id": "c-2"} | keys


PART = {"status": "partially_filled", "filled_qty": "4", "filled_avg_price": "100"}


@pytest.mark.parametrize("difference", [PART, {"status": "suspended"}, {"limit_price": "99"}])
def test_mismatches_count_orders_with_drift_of_status_fill_or_terms(difference):
    planned = plan(
        [local_order(), local_order(**second())], [venue_order(**difference), venue_order(**second())]
    )
    assert planned["result"]["mismatches"] == 1


def test_an_order_with_several_breaks_counts_once():
    planned = plan([local_order()], [venue_order(**PART, limit_price="99")])
    assert planned["result"]["mismatches"] == 1


def test_a_difference_known_from_the_history_only_is_no_mismatch():
    planned = plan([local_order()], [], history=history([venue_order(status="canceled")]))
    assert planned["result"]["mismatches"] == 0


def test_missing_at_venue_counts_live_orders_not_in_a_complete_read():
    local = [local_order(), local_order(**second(last_activity_at=at(0)))]
    assert plan(local, [])["result"]["missing_at_venue"] == 1
    assert plan(local, open_orders([], state="partial"))["result"]["missing_at_venue"] == 0


def test_missing_locally_counts_owned_strays():
    planned = plan([], [venue_order(), venue_order(**second())])
    assert planned["result"]["missing_locally"] == 2


def test_a_processed_run_says_so():
    result = plan([], [])["result"]
    assert (result["processed"], result["error"]) == (True, None)


def test_ids_are_stable_from_run_to_run():
    first = plan([local_order()], [])
    later = plan_of(snapshot([local_order()], open_orders([], read_at=at(59)), taken_at=at(60)))
    assert first["breaks"][0]["break_id"] == later["breaks"][0]["break_id"]
    assert first["findings"][0]["break_id"] == first["breaks"][0]["break_id"]
    assert first["plan_id"] != later["plan_id"]


def test_a_plan_id_says_what_will_stand_in_whatever_order_it_was_read():
    rows = [venue_order(), venue_order(**second())]
    planned = plan([], rows)["plan_id"]
    assert len(planned) == 32
    assert plan([], rows[::-1])["plan_id"] == planned
    assert plan([], [venue_order(), venue_order(**second(limit_price="99.5"))])["plan_id"] != planned
    assert plan([], rows[:1])["plan_id"] != planned


def test_discovered_orders_stand_by_their_ids_however_many():
    names = [f"{number:04}" for number in range(1025)]
    rows = [venue_order(client_order_id=f"bot-{name}", venue_order_id=f"V-{name}") for name in names]
    rows[700]["intent"] = "close"  # not plain: judged between two runs of plain ones
    planned = plan([], rows[::-1])
    inserted = [one["venue_order_id"] for one in planned["corrections"]]
    assert inserted == [f"V-{name}" for name in names]
    assert [one["venue_order_id"] for one in planned["notifications"]] == inserted
    assert planned["result"]["missing_locally"] == 1025


def test_a_finding_keeps_when_it_was_first_seen():
    first = plan([local_order()], [])
    later = plan_of(
        snapshot([local_order()], open_orders([], read_at=at(59)), taken_at=at(60), prior=first["findings"])
    )
    [finding] = later["findings"]
    assert (finding["first_seen_at"], finding["last_seen_at"]) == (
        "2026-11-23T12:00:00Z",
        "2026-11-23T12:01:00Z",
    )


def test_a_prior_finding_without_a_break_id_is_found_by_any_equal_id():
    prior = {
        "break_id": None,
        "kind": "missing_at_venue",
        "client_order_id": "C-1",
        "first_seen_at": at(-600),
        "last_seen_at": at(-60),
        "confirmations": 1,
        "version": 3,
    }
    answers = [absent("v-1"), absent("c-1", "client_order_id")]
    planned = plan([local_order()], [], prior=[prior], answers=answers)
    assert planned["findings"][0]["confirmations"] == 2


def test_a_finding_that_is_no_more_is_dropped():
    gone = plan([local_order()], [])
    back = plan([local_order()], [venue_order()], prior=gone["findings"])
    assert back["findings"] == []


def test_corrections_name_their_break():
    planned = plan([local_order()], [venue_order(**PART | {"status": "canceled"}, limit_price="99")])
    known = {item["break_id"] for item in planned["breaks"]}
    assert {correction["break_id"] for correction in planned["corrections"]} <= known
    ids = [correction["correction_id"] for correction in planned["corrections"]]
    assert len(set(ids)) == len(ids) == 3


def test_notifications_have_distinct_ids_made_of_facts():
    planned = plan([local_order()], [venue_order(**PART | {"status": "canceled"})])
    again = plan([local_order()], [venue_order(**PART | {"status": "canceled"})])
    ids = [item["notification_id"] for item in planned["notifications"]]
    assert len(set(ids)) == 2
    assert ids == [item["notification_id"] for item in again["notifications"]]


def test_amounts_are_canonical():
    planned = plan(
        [local_order()], [venue_order(**PART | {"filled_qty": "4.000", "filled_avg_price": "1.0E+2"})]
    )
    [notification] = planned["notifications"]
    assert (notification["qty"], notification["price"]) == ("4", "100")


def test_the_same_snapshot_gives_the_same_plan():
    def once():
        return plan([local_order()], [venue_order(**PART)], history=history(fills=[fill("F1", "3")]))

    assert once() == once()
