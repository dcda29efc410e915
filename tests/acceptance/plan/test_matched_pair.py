"""The table of the matched pair, row by row, with its boundaries."""

import pytest

from tests.acceptance.plan.snapshots import (
    alerts,
    asked,
    at,
    deferred,
    errors_alerted,
    found,
    history,
    kinds,
    local_order,
    open_orders,
    plan,
    plan_of,
    projected,
    quiet,
    snapshot,
    stands,
    steps,
    the_break,
    told,
    venue_order,
)

STEP = {"symbol": "ETH/USD", "qty_step": "0.001", "price_tick": "0.01", "quote": "USD"}
WHOLE_STEP = STEP | {"qty_step": "1"}


def filled(filled_qty: str, status: str | None = "partially_filled", **keys):
    return {"status": status, "filled_qty": filled_qty, "filled_avg_price": "100"} | keys


# 1 recent local activity


@pytest.mark.parametrize(
    ("last_activity_at", "is_recent"),
    [
        (at(0), True),
        (at(-5), True),
        (at(-6), True),  # read_at is a second before now: exactly read_at − 5 s is recent
        ("2026-11-23T11:59:53.999999999Z", False),
    ],
)
def test_1_recent_activity_defers(last_activity_at, is_recent):
    planned = plan([local_order(last_activity_at=last_activity_at)], [venue_order(**filled("4"))])
    assert deferred(planned) == ({"recent_activity"} if is_recent else set())
    assert steps(planned) == ([] if is_recent else ["book_fill v-1 inferred 4 @ 100"])


def test_1_recent_is_measured_against_the_read_that_the_record_came_from():
    # The list is old, the answer is fresh: activity after the list but well before the answer is not recent.
    local = local_order(last_activity_at=at(-20))
    listed = open_orders([venue_order()], read_at=at(-18))
    planned = plan([local], listed, answers=[found(venue_order(**filled("4")), read_at=at(-1))])
    assert steps(planned) == ["book_fill v-1 inferred 4 @ 100"]


def test_1_a_recent_order_that_agrees_is_silent():
    assert quiet(plan([local_order(last_activity_at=at(0))], [venue_order()]))


def test_1_the_window_is_the_policys():
    local = local_order(last_activity_at=at(-20))
    planned = plan([local], [venue_order(**filled("4"))], policy={"recent_activity_window_s": 30})
    assert deferred(planned) == {"recent_activity"}


def test_1_a_deferral_older_than_a_minute_raises_an_alert():
    def drifted(now_s: float, prior):
        return snapshot(
            [local_order(last_activity_at=at(now_s))],
            open_orders([venue_order(**filled("4"))], read_at=at(now_s)),
            prior=prior,
            taken_at=at(now_s),
        )

    first = plan_of(drifted(0, []))
    assert alerts(first) == []
    soon = plan_of(drifted(30, first["findings"]))
    assert alerts(soon) == []
    late = plan_of(drifted(61, soon["findings"]))
    assert deferred(late) == {"recent_activity"}
    assert len(alerts(late)) == 1


# 2 the venue is behind


def test_2_a_venue_that_filled_less_touches_nothing():
    local = local_order(**filled("5"))
    planned = plan([local], [venue_order(**filled("3", limit_price="99", status="pending_cancel"))])
    assert kinds(planned) == {"venue_behind"}
    assert steps(planned) == []


def test_2_a_terminal_status_from_a_list_is_not_believed_before_a_query():
    planned = plan(
        [local_order(**filled("5"))], [], history=history([venue_order(**filled("3", "canceled"))])
    )
    assert steps(planned) == []
    assert asked(planned) == ["venue venue_order_id v-1"]


def test_2_a_terminal_status_confirmed_by_a_query_is_set_and_the_quantity_stays():
    planned = plan([local_order(**filled("5"))], [], answers=[found(venue_order(**filled("3", "canceled")))])
    assert "venue_behind" in kinds(planned)
    assert steps(planned) == ["set_status v-1 canceled"]
    assert stands(planned, "v-1") == "canceled 5 @ 100"


@pytest.mark.parametrize(
    ("instruments", "venue_filled", "behind"),
    [
        ([STEP], "4.999", False),  # one step is within the tolerance of a terminal order
        ([STEP], "4.998", True),
        ([WHOLE_STEP], "4", True),  # whole steps have no tolerance
        ([], "4.999", True),  # unknown steps compare exactly
    ],
)
def test_2_the_tolerance_of_a_terminal_order(instruments, venue_filled, behind):
    local = local_order(**filled("5"))
    planned = plan([local], [venue_order(**filled(venue_filled, "canceled"))], instruments=instruments)
    assert ("venue_behind" in kinds(planned)) is behind
    assert (steps(planned) == []) is behind


def test_2_a_live_order_has_no_tolerance():
    planned = plan([local_order(**filled("5"))], [venue_order(**filled("4.999"))], instruments=[STEP])
    assert kinds(planned) == {"venue_behind"}


def test_2_an_error_is_alerted_when_it_persists():
    prior: list = []
    raised = []
    for run in range(8):
        now_s = run * 120
        behind = snapshot(
            [local_order(**filled("5"))],
            open_orders([venue_order(**filled("3"))], read_at=at(now_s)),
            prior=prior,
            taken_at=at(now_s),
        )
        planned = plan_of(behind)
        prior = planned["findings"]
        raised.append(errors_alerted(planned))
    assert raised[0] == []
    assert raised[-1] != []


# 3 transitional


@pytest.mark.parametrize("status", ["pending_cancel", "pending_replace"])
def test_3_while_the_venue_is_in_transition_terms_wait_and_fills_are_booked(status):
    planned = plan([local_order()], [venue_order(**filled("4", status, limit_price="99", qty="12"))])
    assert "book_fill v-1 inferred 4 @ 100" in steps(planned)
    assert not any(step.startswith("amend_order") for step in steps(planned))


@pytest.mark.parametrize("status", ["pending_cancel", "pending_replace"])
@pytest.mark.parametrize(("age_s", "believed"), [(10, True), (58, True), (63, False), (600, False)])
def test_3_a_local_transition_is_believed_for_a_while(status, age_s, believed):
    planned = plan([local_order(status=status, last_activity_at=at(-age_s))], [venue_order()])
    assert steps(planned) == ([] if believed else ["set_status v-1 pending_new"])


def test_3_fills_are_booked_during_a_local_transition():
    local = local_order(status="pending_cancel", last_activity_at=at(-30))
    planned = plan([local], [venue_order(**filled("4"))])
    assert steps(planned) == ["book_fill v-1 inferred 4 @ 100"]
    assert stands(planned, "v-1") == "pending_cancel 4 @ 100"


def test_3_a_terminal_venue_order_ends_a_local_transition_at_once():
    local = local_order(status="pending_cancel", last_activity_at=at(-10))
    assert steps(plan([local], [venue_order(status="canceled")])) == ["set_status v-1 canceled"]


# 4 terms


@pytest.mark.parametrize("term", ["qty", "limit_price", "stop_price"])
def test_4_different_terms_are_amended(term):
    planned = plan([local_order(stop_price="90")], [venue_order(**({"stop_price": "90"} | {term: "99.5"}))])
    assert kinds(planned) == {"terms_drift"}
    assert steps(planned) == [f"amend_order v-1 {term}=99.5"]
    assert projected(planned, "v-1")[term] == "99.5"


def test_4_terms_are_amended_before_fills_are_booked():
    local = local_order(qty="5")
    planned = plan([local], [venue_order(**filled("8"))])
    assert steps(planned) == ["amend_order v-1 qty=10", "book_fill v-1 inferred 8 @ 100"]


@pytest.mark.parametrize(
    ("local", "venue"),
    [
        ({"limit_price": "100"}, {"limit_price": None}),
        ({"limit_price": None}, {"limit_price": "100"}),
        ({"qty": None}, {"qty": "10"}),
        ({"stop_price": "0"}, {"stop_price": None}),
        ({"stop_price": "90"}, {"stop_price": "0"}),
        ({"qty": "10.0"}, {"qty": "10.000"}),
    ],
)
def test_4_absent_is_not_different_and_a_zero_stop_is_none(local, venue):
    assert quiet(plan([local_order(**local)], [venue_order(**venue)]))


def test_4_an_amount_that_is_only_spelled_otherwise_hides_no_other_difference():
    planned = plan([local_order(client_order_id=None)], [venue_order(qty="10.0", client_order_id="bot-1")])
    assert the_break(planned, "ids_incomplete")["reason"] == "ids_missing_locally"
    assert [step.split()[0] for step in steps(planned)] == ["bind_ids"]


@pytest.mark.parametrize(("updated_s", "amended"), [(-599, True), (-600, True), (-601, False)])
def test_4_only_a_record_that_is_not_older_amends(updated_s, amended):
    local = local_order(venue_updated_at=at(-600))
    planned = plan([local], [venue_order(limit_price="99", updated_at=at(updated_s))])
    assert steps(planned) == (["amend_order v-1 limit_price=99"] if amended else [])
    assert asked(planned) == ([] if amended else ["venue venue_order_id v-1"])


def test_4_a_quantity_below_what_is_filled_is_flagged():
    planned = plan([local_order(**filled("5"))], [venue_order(**filled("5", qty="4"))])
    assert the_break(planned, "terms_drift")["corrected"] is False
    assert not any("qty=4" in step for step in steps(planned))


def test_4_unless_the_venue_is_filled_with_it():
    local = local_order(**filled("5"))
    planned = plan([local], [venue_order(**filled("4.999", "filled", qty="4.999"))], instruments=[STEP])
    assert steps(planned) == ["amend_order v-1 qty=4.999", "set_status v-1 filled"]


# 5 fills: see test_fold_of_fills.py; 6 overfill


def test_6_more_than_the_orders_quantity_is_not_booked():
    planned = plan([local_order()], [venue_order(**filled("12", "filled"))])
    assert kinds(planned) == {"overfill"}
    assert steps(planned) == []


def test_6_unless_the_policy_allows():
    planned = plan([local_order()], [venue_order(**filled("12", "filled"))], policy={"allow_overfill": True})
    assert steps(planned) == ["book_fill v-1 inferred 12 @ 100", "set_status v-1 filled"]


def test_6_the_quantity_is_the_amended_one():
    planned = plan([local_order()], [venue_order(**filled("12", "filled", qty="12"))])
    assert steps(planned) == [
        "amend_order v-1 qty=12",
        "book_fill v-1 inferred 12 @ 100",
        "set_status v-1 filled",
    ]


def test_6_orders_by_notional_have_no_quantity_to_exceed():
    planned = plan([local_order(qty=None)], [venue_order(**filled("12", "filled", qty=None))])
    assert steps(planned) == ["book_fill v-1 inferred 12 @ 100", "set_status v-1 filled"]


# 7 another status


def test_7_canceled():
    planned = plan([local_order()], [venue_order(status="canceled")])
    assert kinds(planned) == {"status_drift"}
    assert planned["breaks"][0]["corrected"] is True
    assert steps(planned) == ["set_status v-1 canceled"]
    assert told(planned) == ["cancel v-1"]


def test_7_canceled_with_fills_books_them_first():
    # D 4
    planned = plan([local_order()], [venue_order(**filled("4", "canceled"))])
    assert steps(planned) == ["book_fill v-1 inferred 4 @ 100", "set_status v-1 canceled"]
    assert told(planned) == ["entry_fill v-1 4 @ 100 of 4", "cancel v-1"]
    assert stands(planned, "v-1") == "canceled 4 @ 100"


def test_7_filled():
    planned = plan([local_order(**filled("4"))], [venue_order(**filled("10", "filled"))])
    assert steps(planned) == ["book_fill v-1 inferred 6 @ 100", "set_status v-1 filled"]
    assert told(planned) == ["entry_fill v-1 6 @ 100 of 10"]


@pytest.mark.parametrize("status", ["expired", "rejected"])
def test_7_expired_and_rejected_keep_the_venues_reason(status):
    # D 5
    planned = plan([local_order()], [venue_order(status=status, status_reason="day order, market closed")])
    assert steps(planned) == [f"set_status v-1 {status}"]
    [notification] = planned["notifications"]
    assert notification["kind"] == "cancel"
    assert "day order, market closed" in notification["reason"]


def test_7_suspended():
    planned = plan([local_order()], [venue_order(status="suspended")])
    assert steps(planned) == ["set_status v-1 suspended"]
    assert told(planned) == []


@pytest.mark.parametrize("alias", ["new", "accepted", "open", "held", "pending_new"])
def test_7_aliases_are_no_difference(alias):
    assert quiet(plan([local_order()], [venue_order(status=alias)]))
    assert quiet(plan([local_order(status=alias)], [venue_order()]))


def test_7_pending_new_with_something_filled_is_partially_filled():
    local = local_order(status="pending_new", filled_qty="4", filled_avg_price="100")
    assert quiet(plan([local], [venue_order(**filled("4"))]))
    local = local_order(**filled("4"))
    assert quiet(plan([local], [venue_order(**filled("4", "new"))]))


def test_every_correction_of_a_pair_carries_the_version_it_was_judged_on():
    planned = plan([local_order(qty="5", version=17)], [venue_order(**filled("8", "canceled"))])
    assert len(planned["corrections"]) == 3
    assert {correction["expected_version"] for correction in planned["corrections"]} == {17}


# 8 terminal locally, not so at the venue


def test_8_live_at_the_venue_is_reopened():
    local = local_order(status="canceled", venue_updated_at=at(-700))
    planned = plan([local], [venue_order()])
    assert kinds(planned) == {"reopened"}
    assert steps(planned) == ["set_status v-1 pending_new"]


@pytest.mark.parametrize(("updated_at", "reopened"), [(at(-600), True), (at(-601), False), (None, False)])
def test_8_reopening_needs_a_record_that_is_not_older(updated_at, reopened):
    local = local_order(status="canceled", venue_updated_at=at(-600))
    planned = plan([local], [venue_order(updated_at=updated_at)])
    assert steps(planned) == (["set_status v-1 pending_new"] if reopened else [])
    assert asked(planned) == ([] if reopened else ["venue venue_order_id v-1"])


@pytest.mark.parametrize("status", ["canceled", "expired", "rejected"])
def test_8_filled_after_all_is_resurrected(status):
    planned = plan([local_order(status=status)], [], history=history([venue_order(**filled("10", "filled"))]))
    assert "resurrected" in kinds(planned)
    assert steps(planned) == ["book_fill v-1 inferred 10 @ 100", "set_status v-1 filled"]


def test_8_canceled_on_both_sides_with_a_late_fill_stays_canceled():
    planned = plan(
        [local_order(status="canceled")], [], history=history([venue_order(**filled("4", "canceled"))])
    )
    assert "resurrected" in kinds(planned)
    assert steps(planned) == ["book_fill v-1 inferred 4 @ 100"]
    assert stands(planned, "v-1") == "canceled 4 @ 100"


def test_8_a_completely_filled_order_is_never_reopened_but_flagged():
    # D 6
    planned = plan([local_order(**filled("10", "filled"))], [venue_order(**filled("10", "pending_new"))])
    assert steps(planned) == []
    assert planned["breaks"] != []


def test_8_the_venues_own_status_decides_what_is_live():
    # D 6: on the open list, but canceled by its own status.
    assert quiet(plan([local_order(status="canceled")], [venue_order(status="canceled")]))


# A status that is not known


def test_an_unknown_venue_status_judges_fills_only():
    planned = plan(
        [local_order()], [venue_order(**filled("4", None, raw_status="calculated", limit_price="99"))]
    )
    assert steps(planned) == ["book_fill v-1 inferred 4 @ 100"]


def test_an_unknown_venue_status_never_ends_an_order():
    planned = plan([local_order()], [venue_order(**filled("10", None, raw_status="done_for_day"))])
    assert steps(planned) == ["book_fill v-1 inferred 10 @ 100"]
    assert projected(planned, "v-1")["status"] == "partially_filled"


def test_4_a_record_that_does_not_say_when_is_not_known_to_be_newer():
    """A testers' mutant survived here: without `updated_at` a record was taken as not older."""
    local = local_order(venue_updated_at=at(-600))
    planned = plan([local], [venue_order(limit_price="99", updated_at=None)])
    assert (steps(planned), asked(planned)) == ([], ["venue venue_order_id v-1"])
    answer = found(venue_order(limit_price="99", updated_at=None))
    planned = plan([local], [venue_order(limit_price="99", updated_at=None)], answers=[answer])
    assert steps(planned) == []
    assert the_break(planned, "terms_drift")["reason"] == "venue_record_older"
