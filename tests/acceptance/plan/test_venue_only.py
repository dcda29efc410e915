"""Live at the venue, not matched: whose is it, and is it really unknown?"""

import pytest

from tests.acceptance.plan.snapshots import (
    absent,
    asked,
    at,
    deferred,
    fill,
    history,
    kinds,
    local_order,
    open_orders,
    plan,
    projected,
    projected_trade,
    stands,
    steps,
    the_break,
    told,
    trade,
    venue_order,
)

RECENT = {"extent": "open_and_recent"}
HALF = {"status": "partially_filled", "filled_qty": "4", "filled_avg_price": "100"}
PATTERN = {"client_order_id_pattern": r"^b1\.(?P<trade>[^.]+)\.(?P<action>entry|exit)"}


def stray(**keys):
    return venue_order(**({"venue_order_id": "v-9", "client_order_id": "c-9"} | keys))


# Asking the ledger first


def test_the_ledger_is_asked_by_both_ids_in_one_question():
    planned = plan([], [stray()], local_keys=RECENT)
    [query] = planned["queries"]
    assert (query["side"], sorted(query["ids"])) == ("local", ["c-9", "v-9"])
    assert steps(planned) == []


def test_all_strays_are_in_the_same_question():
    planned = plan([], [stray(), stray(venue_order_id="v-8", client_order_id=None)], local_keys=RECENT)
    [query] = planned["queries"]
    assert sorted(query["ids"]) == ["c-9", "v-8", "v-9"]


def test_an_extent_of_all_needs_no_question():
    planned = plan([], [stray()])
    assert asked(planned) == []
    assert steps(planned) == ["insert_order v-9"]


def ledger_says(*answers, **keys):
    return plan([], [stray(**keys)], local_keys=RECENT | {"answers": list(answers)})


def test_unknown_to_the_ledger_too_is_inserted():
    planned = ledger_says(absent("v-9"), absent("c-9", "client_order_id"))
    assert steps(planned) == ["insert_order v-9"]


def test_an_order_that_the_ledger_finds_is_a_matched_pair():
    old = local_order(venue_order_id="v-9", client_order_id="c-9", status="canceled")
    answer = {"by": "venue_order_id", "id": "v-9", "outcome": "found", "order": old}
    planned = ledger_says(answer, absent("c-9", "client_order_id"))
    assert kinds(planned) == {"reopened"}
    assert steps(planned) == ["set_status v-9 pending_new"]


def test_an_order_of_another_profile_is_not_inserted():
    answer = {"by": "venue_order_id", "id": "v-9", "outcome": "found", "order": None}
    planned = ledger_says(answer, absent("c-9", "client_order_id"))
    assert steps(planned) == []
    assert "missing_locally" not in kinds(planned)


def test_of_answers_that_contradict_each_other_found_counts():
    both = [absent("v-9"), {"by": "venue_order_id", "id": "v-9", "outcome": "found", "order": None}]
    for answers in (both, both[::-1]):
        planned = ledger_says(*answers, absent("c-9", "client_order_id"))
        assert steps(planned) == []


def test_a_ledger_that_does_not_know_proves_nothing():
    unsure = {"by": "venue_order_id", "id": "v-9", "outcome": "unknown", "error": "busy"}
    assert steps(ledger_says(unsure, absent("c-9", "client_order_id"))) == []


# Discovered


def test_an_owned_order_is_inserted_as_discovered():
    planned = plan([], [stray(sub_tag="desk-1")])
    assert kinds(planned) == {"missing_locally"}
    assert planned["result"]["missing_locally"] == 1
    assert told(planned) == ["discovered v-9"]
    [correction] = planned["corrections"]
    assert (correction["kind"], correction["expected_version"]) == ("insert_order", 0)
    row = projected(planned, "v-9")
    assert {
        key: row[key]
        for key in ("client_order_id", "symbol", "side", "qty", "limit_price", "status", "sub_tag")
    } == {
        "client_order_id": "c-9",
        "symbol": "ETH/USD",
        "side": "buy",
        "qty": "10",
        "limit_price": "100",
        "status": "pending_new",
        "sub_tag": "desk-1",
    }


def test_its_fills_are_booked():
    planned = plan([], [stray(**HALF)], history=history(fills=[fill("F1", "3", venue_order_id="v-9")]))
    assert steps(planned) == [
        "insert_order v-9",
        "book_fill v-9 F1 3 @ 100",
        "book_fill v-9 inferred 1 @ 100",
    ]
    assert stands(planned, "v-9") == "partially_filled 4 @ 100"


def test_its_trade_is_null_where_it_cannot_be_mapped():
    assert projected(plan([], [stray()], trades=[trade()]), "v-9")["trade_id"] is None


def test_its_trade_is_the_patterns():
    planned = plan([], [stray(client_order_id="b1.t-1.entry", **HALF)], trades=[trade()], policy=PATTERN)
    assert projected(planned, "v-9")["trade_id"] == "t-1"
    assert projected_trade(planned) == "open 4/0"


def test_the_leg_of_a_local_order_is_of_its_trade():
    leg = stray(side="sell", parent_venue_order_id="v-1")
    planned = plan([local_order(trade_id="t-1")], [venue_order(), leg])
    assert projected(planned, "v-9")["trade_id"] == "t-1"


def test_it_leaves_out_a_client_id_that_another_local_order_has():
    other = local_order(client_order_id="C-9", status="canceled")
    planned = plan([other], [stray()])
    assert steps(planned) == ["insert_order v-9"]
    assert projected(planned, "v-9")["client_order_id"] is None


@pytest.mark.parametrize(("age_s", "is_recent"), [(0, True), (3, True), (7, False)])
def test_a_recently_submitted_one_is_deferred(age_s, is_recent):
    planned = plan([], [stray(submitted_at=at(-age_s))])
    assert deferred(planned) == ({"recently_submitted"} if is_recent else set())
    assert steps(planned) == ([] if is_recent else ["insert_order v-9"])


@pytest.mark.parametrize(("state", "proven"), [("partial", ["insert_order v-9"]), ("failed", [])])
def test_a_partial_read_proves_what_it_contains_and_a_failed_one_nothing(state, proven):
    assert steps(plan([], open_orders([stray()], state=state))) == proven


def test_recently_closed_local_orders_are_matched_first():
    closed = local_order(venue_order_id="v-9", client_order_id="c-9", status="canceled")
    assert kinds(plan([closed], [stray()])) == {"reopened"}


# Not to be booked


def test_a_symbol_that_the_instruments_lack_is_an_error():
    planned = plan([], [stray(**HALF)], instruments=[{"symbol": "BTC/USD"}])
    assert the_break(planned, "unmapped_instrument")["severity"] == "error"
    assert planned["corrections"] == []


def test_nothing_of_an_unmapped_symbol_is_booked_on_a_known_order_either():
    planned = plan([local_order()], [venue_order(**HALF)], instruments=[{"symbol": "BTC/USD"}])
    assert "unmapped_instrument" in kinds(planned)
    assert planned["corrections"] == []


def test_instruments_compare_as_tokens():
    assert steps(plan([], [stray()], instruments=[{"symbol": "ethusd"}])) == ["insert_order v-9"]


def test_a_venue_order_without_any_id_is_reported():
    # D 14
    planned = plan([], [stray(venue_order_id=None, client_order_id=None)])
    assert planned["breaks"] != []
    assert planned["corrections"] == []
