"""Replaced orders: V1 → V2 is one intent but two venue orders; fills stay with the order that they happened to."""

import pytest

from tests.acceptance.plan.snapshots import (
    absent,
    asked,
    deferred,
    fill,
    found,
    history,
    kinds,
    local_order,
    open_orders,
    plan,
    plan_of,
    projected,
    projected_trade,
    quiet,
    snapshot,
    stands,
    steps,
    told,
    trade,
    venue_order,
)


def v1(**keys):
    return venue_order(**({"status": "replaced", "replaced_by": "v-2"} | keys))


def v2(**keys):
    return venue_order(
        **({"venue_order_id": "v-2", "client_order_id": "c-2", "qty": "12", "replaces": "v-1"} | keys)
    )


def test_what_is_told_of_another_successor_has_another_id():
    """A restored ledger has the row's version again, and its order may have been replaced once more meanwhile."""
    first = plan([local_order()], [v2()], history=history([v1()]))
    again = plan([local_order()], [v2()], history=history([v1()]))
    third = venue_order(venue_order_id="v-3", client_order_id="c-3", qty="12", replaces="v-2")
    second = v2(status="replaced", replaced_by="v-3")
    later = plan([local_order()], [third], history=history([v1(), second]))
    (one,), (same,), (other,) = (planned["notifications"] for planned in (first, again, later))
    assert (one["kind"], one["venue_order_id"], other["kind"], other["venue_order_id"]) == (
        "amended", "v-2", "amended", "v-3",
    )  # fmt: skip
    assert one["notification_id"] == same["notification_id"]
    assert one["notification_id"] != other["notification_id"]


def test_where_nothing_was_filled_the_row_is_bound_to_the_successor():
    planned = plan([local_order()], [v2()], history=history([v1()]))
    assert steps(planned) == ["bind_ids v-2", "amend_order v-2 qty=12"] or steps(planned) == [
        "bind_ids v-1",
        "amend_order v-1 qty=12",
    ]  # which of its ids a re-bound row is named by is not fixed
    row = projected(planned, "v-2")
    assert (row["qty"], row["status"], row["previous_venue_order_ids"]) == ("12", "pending_new", ["v-1"])
    assert len(planned["projected_orders"]) == 1


@pytest.mark.parametrize(
    "record",
    [
        {"status": "pending_cancel"},
        {"status": None, "raw_status": "calculated"},
        {"updated_at": "2026-11-23T08:59:00Z"},  # the row's is its predecessor's time
    ],
)
def test_a_row_bound_to_the_successor_takes_its_terms_at_once(record):
    """Nobody asks for them again once the bot recorded the successor's end (simulator's seed 3253)."""
    row = local_order(venue_updated_at="2026-11-23T09:00:00Z")
    planned = plan([row], [v2(limit_price="110") | record], history=history([v1()]))
    assert (projected(planned, "v-2")["qty"], projected(planned, "v-2")["limit_price"]) == ("12", "110")


def test_a_row_bound_to_the_successor_asks_for_that_ones_record():
    """Its fills are ahead of its record; the predecessor's, which was asked for, says nothing of that (seed 5058)."""
    after = v2(status="filled", qty="10", filled_qty="9", filled_avg_price="100")
    planned = plan(
        [local_order()],
        [],
        history=history([v1(), after], [fill("F1", "10", venue_order_id="v-2")]),
        answers=[found(v1())],
    )
    assert asked(planned) == ["venue venue_order_id v-2"]


def test_where_something_was_filled_the_successor_is_a_new_row():
    planned = plan(
        [local_order(trade_id="t-1", sub_tag="desk-1")],
        [v2(status="partially_filled", filled_qty="2", filled_avg_price="110", limit_price="110")],
        history=history([v1(filled_qty="4", filled_avg_price="100")]),
        trades=[trade()],
    )
    assert steps(planned) == [
        "book_fill v-1 inferred 4 @ 100",
        "set_status v-1 replaced",
        "insert_order v-2",
        "book_fill v-2 inferred 2 @ 110",
    ]
    assert stands(planned, "v-1") == "replaced 4 @ 100"
    assert stands(planned, "v-2") == "partially_filled 2 @ 110"
    row = projected(planned, "v-2")
    assert (row["trade_id"], row["action"], row["sub_tag"]) == ("t-1", "entry", "desk-1")
    assert projected_trade(planned) == "open 6/0"


def test_where_something_is_booked_the_row_is_not_bound_to_the_successor():
    booked = local_order(status="partially_filled", filled_qty="4", filled_avg_price="100")
    planned = plan([booked], [v2()], history=history([v1(filled_qty="4", filled_avg_price="100")]))
    assert steps(planned) == ["set_status v-1 replaced", "insert_order v-2"]


def test_a_successor_does_not_wait_for_a_booked_predecessor_that_cannot_be_settled():
    """A fill was busted: its fills stay ahead of its record, however often that is asked for (simulator's seed 212)."""
    booked = local_order(status="partially_filled", filled_qty="1", filled_avg_price="100")
    before = v1(filled_qty="2", filled_avg_price="100")
    planned = plan(
        [booked],
        [v2()],
        history=history([before], [fill("F1", "1"), fill("F2", "3")]),
        fills=[fill("F1", "1")],
        answers=[found(before)],
    )
    assert "fills_contradict" in kinds(planned)
    assert "insert_order v-2" in steps(planned)


def test_a_row_bound_to_the_successor_ignores_the_end_of_the_predecessor():
    bound = local_order(
        venue_order_id="v-2", client_order_id="c-2", qty="12", previous_venue_order_ids=["v-1"]
    )
    assert quiet(plan([bound], [v2()], history=history([v1()])))


def test_previous_ids_count_as_existing():
    bound = local_order(
        venue_order_id="v-2", client_order_id="c-2", qty="12", previous_venue_order_ids=["v-1"]
    )
    planned = plan([bound], [v2(), v1(status="pending_replace", replaced_by=None)])
    assert "missing_locally" not in kinds(planned)
    assert steps(planned) == []


def test_a_successor_waits_until_its_predecessors_record_was_read():
    planned = plan([local_order()], [v2()])
    assert steps(planned) == []
    assert "venue venue_order_id v-1" in asked(planned)


def test_a_successor_waits_even_while_the_open_orders_are_not_complete():
    planned = plan([local_order()], open_orders([v2()], state="partial"))
    assert steps(planned) == []


def test_a_link_on_one_side_is_enough():
    planned = plan([local_order()], [v2()], history=history([v1(replaced_by=None)]))
    assert projected(planned, "v-2")["previous_venue_order_ids"] == ["v-1"]
    planned = plan([local_order()], [v2(replaces=None)], history=history([v1()]))
    assert projected(planned, "v-2")["previous_venue_order_ids"] == ["v-1"]


def test_a_chain_of_three_is_followed_to_its_end():
    middle = v2(status="replaced", replaced_by="v-3")
    last = v2(venue_order_id="v-3", client_order_id="c-3", replaces="v-2")
    planned = plan([local_order()], [last], history=history([v1(), middle]))
    row = projected(planned, "v-3")
    assert len(planned["projected_orders"]) == 1
    assert set(row["previous_venue_order_ids"]) == {"v-1", "v-2"}
    assert "missing_locally" not in kinds(planned)


def test_a_middle_that_a_list_behind_still_has_open_is_not_inserted_beside_its_chain():
    """The row was bound to the end of the chain: v-2 is one of its former ids, and no order of its own (seed 1562)."""
    third = venue_order(venue_order_id="v-3", client_order_id="c-3", replaces="v-2")
    lagging = v2(status="pending_replace", qty="10")
    planned = plan(
        [local_order()], [lagging, third], history=history([v1(), v2(status="replaced", replaced_by="v-3")])
    )
    assert not [step for step in steps(planned) if step.startswith("insert_order")]
    assert projected(planned, "v-3")["previous_venue_order_ids"] == ["v-1", "v-2"]


def test_a_chain_whose_middle_was_filled_keeps_each_fill_with_its_order():
    middle = v2(status="replaced", replaced_by="v-3", filled_qty="3", filled_avg_price="100")
    last = v2(venue_order_id="v-3", client_order_id="c-3", replaces="v-2", qty="9")
    planned = plan(
        [local_order()], [last], history=history([v1(), middle], [fill("F1", "3", venue_order_id="v-2")])
    )
    assert stands(planned, "v-2") == "replaced 3 @ 100"
    assert stands(planned, "v-3") == "pending_new 0"
    assert len(planned["projected_orders"]) == 2


def rejected_replacement(**keys):
    return v2(status="rejected", qty="9") | keys


def test_a_rejected_replacement_took_nobodys_place():
    last = v2(venue_order_id="v-3", client_order_id="c-3")
    for replaced_by in ("v-3", None):
        planned = plan(
            [local_order(trade_id="t-1")],
            [last],
            history=history([v1(replaced_by=replaced_by), rejected_replacement()]),
        )
        [row] = planned["projected_orders"]
        assert (row["venue_order_id"], row["status"], row["trade_id"]) == ("v-3", "pending_new", "t-1")
        assert row["previous_venue_order_ids"] == ["v-1"]
        assert not any(line.startswith("cancel") for line in told(planned))


def test_what_an_order_says_of_its_own_end_comes_first():
    last = v2(venue_order_id="v-3", client_order_id="c-3")
    planned = plan([local_order()], [v2(), last], history=history([v1(replaced_by="v-3")]))
    assert projected(planned, "v-3")["previous_venue_order_ids"] == ["v-1"]


def test_an_order_of_another_side_replaced_nothing():
    planned = plan([local_order(trade_id="t-1")], [v2(side="sell")], history=history([v1()]))
    assert stands(planned, "v-1") == "replaced 0"
    other = projected(planned, "v-2")
    assert (other["trade_id"], other["previous_venue_order_ids"]) == (None, [])


def test_a_successors_number_in_another_instrument_is_another_orders():
    """BTC/USD has a v-2, too: what replaced v-1 is asked about; if ETH/USD has none, v-1 ended with nothing."""
    btc = v2(symbol="BTC/USD", client_order_id="c-3")
    document = snapshot([local_order(trade_id="t-1")], [btc], history=history([v1()]))
    planned = plan_of(document)
    assert asked(planned) == ["venue venue_order_id v-2"]
    assert [one["symbol"] for one in planned["queries"]] == ["ETH/USD"]
    assert stands(planned, "v-1") is None

    def answered(answer):
        return plan_of(
            document | {"venue": document["venue"] | {"answers": [answer | {"symbol": "ETH/USD"}]}}
        )

    bound = answered(found(v2(status="filled", filled_qty="10", filled_avg_price="100")))
    [row] = [one for one in bound["projected_orders"] if one["symbol"] == "ETH/USD"]
    assert (row["venue_order_id"], row["filled_qty"], row["previous_venue_order_ids"]) == (
        "v-2",
        "10",
        ["v-1"],
    )
    assert stands(answered(absent("v-2")), "v-1") == "replaced 0"


def test_an_order_that_also_replaced_it_waits_for_nothing():
    last = v2(venue_order_id="v-3", client_order_id="c-3")
    planned = plan([local_order(trade_id="t-1")], [v2(), last], history=history([v1()]))
    assert projected(planned, "v-2")["previous_venue_order_ids"] == ["v-1"]
    assert "insert_order v-3" in steps(planned)
    assert deferred(planned) == set()


def test_a_venue_that_keeps_the_client_id_is_followed_too():
    planned = plan([local_order()], [v2(client_order_id="c-1")], history=history([v1()]))
    row = projected(planned, "v-2")
    assert (row["client_order_id"], row["previous_venue_order_ids"]) == ("c-1", ["v-1"])
    assert len(planned["projected_orders"]) == 1


def test_a_discovered_successor_does_not_take_the_client_id_of_its_predecessor():
    planned = plan(
        [local_order()],
        [v2(client_order_id="c-1", status="partially_filled", filled_qty="1", filled_avg_price="100")],
        history=history([v1(filled_qty="4", filled_avg_price="100")]),
    )
    assert projected(planned, "v-2")["client_order_id"] is None
    assert stands(planned, "v-1") == "replaced 4 @ 100"


def test_recent_activity_on_the_predecessor_defers_its_successor():
    planned = plan([local_order(last_activity_at="2026-11-23T11:59:58Z")], [v2()], history=history([v1()]))
    assert steps(planned) == []
