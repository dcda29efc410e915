"""The integrity watchdog, sub-tag repair, and the limits of a run."""

import pytest

from tests.acceptance.plan.snapshots import (
    errors_alerted,
    fill,
    history,
    kinds,
    local_order,
    plan,
    projected,
    quiet,
    steps,
    venue_order,
)

WATCHDOG = {"watchdog_enabled": True}
SUB_TAGS = {"sub_tag_repair_enabled": True}


def strays(count: int):
    return [venue_order(venue_order_id=f"v-{n}", client_order_id=f"c-{n}") for n in range(count)]


@pytest.mark.parametrize(
    ("least", "count", "triggered"), [(1, 0, False), (1, 1, True), (3, 2, False), (3, 3, True)]
)
def test_the_watchdog_counts_orders_missing_locally(least, count, triggered):
    planned = plan([], strays(count), policy=WATCHDOG | {"watchdog_missing_locally_min": least})
    assert planned["result"]["integrity_watchdog_triggered"] is triggered
    alerts = [alert for alert in planned["alerts"] if "watchdog" in alert["dedupe_key"]]
    assert [alert["severity"] for alert in alerts] == (["ERROR"] if triggered else [])
    assert all(alert["type"] == "RECONCILIATION_DEGRADED" for alert in alerts)


def test_the_watchdog_can_be_switched_off():
    planned = plan([], strays(3))
    assert planned["result"]["integrity_watchdog_triggered"] is False
    assert errors_alerted(planned) == []


def test_a_sub_tag_that_the_venue_has_is_repaired():
    planned = plan([local_order()], [venue_order(sub_tag="desk-1")], policy=SUB_TAGS)
    assert "sub_tag_missing" in kinds(planned)
    assert steps(planned) == ["set_sub_tag v-1"]
    assert projected(planned, "v-1")["sub_tag"] == "desk-1"
    assert planned["result"]["sub_tag_repair"]["repaired"] == 1


def test_sub_tags_that_agree_are_left():
    planned = plan([local_order(sub_tag="desk-1")], [venue_order(sub_tag="desk-1")], policy=SUB_TAGS)
    assert steps(planned) == []
    assert planned["result"]["sub_tag_repair"]["repaired"] == 0


def test_a_sub_tag_is_never_taken_away():
    assert steps(plan([local_order(sub_tag="desk-1")], [venue_order()], policy=SUB_TAGS)) == []


@pytest.mark.parametrize("blank", ["", "  "])
def test_a_blank_sub_tag_says_nothing(blank):
    assert quiet(plan([local_order()], [venue_order(sub_tag=blank)], policy=SUB_TAGS))
    rules = {"owned_client_order_id_prefixes": ["c"], "owned_sub_tags": ["desk-1"]}
    planned = plan([], [venue_order(sub_tag=blank)], policy=rules)
    assert kinds(planned) == {"missing_locally"}


def test_a_blank_label_in_the_books_is_mended():
    planned = plan([local_order(sub_tag="")], [venue_order(sub_tag="desk-1")], policy=SUB_TAGS)
    assert steps(planned) == ["set_sub_tag v-1"]


def test_sub_tag_repair_can_be_switched_off():
    assert steps(plan([local_order()], [venue_order(sub_tag="desk-1")])) == []


def test_more_corrections_than_a_run_may_apply_are_an_error():
    gone = venue_order(status="canceled")
    assert errors_alerted(plan([local_order()], [gone], policy={"corrections_max": 0})) != []
    assert errors_alerted(plan([local_order()], [gone], policy={"corrections_max": 1})) == []


def test_a_larger_notional_than_a_run_may_move_is_an_error():
    filled = venue_order(status="filled", filled_qty="10", filled_avg_price="100")
    usd = [{"symbol": "ETH/USD", "quote": "USD"}]
    over = plan([local_order()], [filled], policy={"notional_max_usd": "999"}, instruments=usd)
    assert errors_alerted(over) != []
    within = plan([local_order()], [filled], policy={"notional_max_usd": "1000"}, instruments=usd)
    assert errors_alerted(within) == []


def test_what_only_takes_the_place_of_what_is_booked_is_no_notional():
    """10 at 100 were booked without a record; its fill moves nothing, whatever the limit."""
    done = {"status": "filled", "filled_qty": "10", "filled_avg_price": "100"}
    planned = plan(
        [local_order(**done)],
        [],
        history=history([venue_order(**done)], [fill("F1", "10")]),
        policy={"notional_max_usd": "1"},
        instruments=[{"symbol": "ETH/USD", "quote": "USD"}],
    )
    assert [one["kind"] for one in planned["corrections"]] == ["supersede_fill"]
    assert not any("circuit_breaker" in one["dedupe_key"] for one in planned["alerts"])
