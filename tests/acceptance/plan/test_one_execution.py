"""One execution under two ids is booked once: look-alikes, sums, contradictions, corrected executions (design.md)."""

import pytest

from tests.acceptance.plan.snapshots import (
    Document,
    asked,
    at,
    fill,
    found,
    history,
    kinds,
    local_order,
    plan,
    plan_of,
    projected_fills,
    quiet,
    snapshot,
    stands,
    steps,
    the_break,
    told,
    trade,
    venue_order,
)

STEP = {"symbol": "ETH/USD", "qty_step": "0.001", "price_tick": "0.01", "quote": "USD"}
SINCE_A_MINUTE: Document = {"since": at(-60)}  # the order is an hour old: its fills may not all be listed


def part(filled_qty: str, price: str | None = "100", status: str = "partially_filled", **keys):
    return {"status": status, "filled_qty": filled_qty, "filled_avg_price": price} | keys


def heard(fill_id: str, qty: str, price: str = "100", **keys):
    """A fill as the bot's stream named it."""
    return fill(fill_id, qty, price, **keys)


def replanned(first, document):
    """The plan over the projection, with the same reads."""
    changed = {row["fill_id"]: row for row in first["projected_fills"]}
    local = document["local"]
    kept = [row for row in local["fills"] if row["fill_id"] not in changed]
    after = local | {
        "orders": first["projected_orders"] or local["orders"],
        "fills": [*kept, *(row for row in changed.values() if row["qty"] != "0")],
        "trades": first["projected_trades"] or local["trades"],
    }
    return plan_of(document | {"local": after})


def test_a_stream_id_of_its_own_gives_way_and_the_missed_fill_is_booked():
    document = snapshot(
        [local_order(trade_id="t-1", **part("2"))],
        [venue_order(**part("5", "100.6"))],
        trades=[trade(entry_qty="2", entry_avg_price="100")],
        fills=[heard("S1", "2")],
        history=history(fills=[fill("V1", "2"), fill("V2", "3", "101", filled_at=at(-1700))]),
    )
    planned = plan_of(document)
    assert steps(planned) == ["supersede_fill v-1 V1 2 @ 100 for 2 of S1", "book_fill v-1 V2 3 @ 101"]
    assert stands(planned, "v-1") == "partially_filled 5 @ 100.6"
    assert projected_fills(planned) == {"V1": "2", "V2": "3", "S1": "0"}
    assert told(planned) == ["entry_fill v-1 3 @ 101 of 5"]
    assert [row["entry_qty"] for row in planned["projected_trades"]] == ["5"]
    assert steps(replanned(planned, document)) == []


def test_all_heard_under_other_ids_moves_nothing():
    planned = plan(
        [local_order(**part("5", "100.6"))],
        [venue_order(**part("5", "100.6"))],
        fills=[heard("S1", "2"), heard("S2", "3", "101", filled_at=at(-1700))],
        history=history(fills=[fill("V1", "2"), fill("V2", "3", "101", filled_at=at(-1700))]),
    )
    assert steps(planned) == [
        "supersede_fill v-1 V1 2 @ 100 for 2 of S1",
        "supersede_fill v-1 V2 3 @ 101 for 3 of S2",
    ]
    assert stands(planned, "v-1") == "partially_filled 5 @ 100.6"
    assert told(planned) == []
    assert the_break(planned, "fill_drift")["reason"] == "same_execution"


@pytest.mark.parametrize(
    ("booked", "listed", "expected"),
    [
        # 2 × 100 + 3 × 101 = 503 = 5 × 100.6
        ([("S1", "2", "100"), ("S2", "3", "101")], [("V1", "5", "100.6")], ["V1 5 @ 100.6 for 5 of S1"]),
        (
            [("S1", "5", "100.6")],
            [("V1", "2", "100"), ("V2", "3", "101")],
            ["V1 2 @ 100 for 2 of S1", "V2 3 @ 101 for 3 of S1"],
        ),
    ],
)
def test_sums_of_equal_quantity_and_cost_are_one_execution(booked, listed, expected):
    def rows(fills):
        return [fill(*one, filled_at=at(-1800 + place)) for place, one in enumerate(fills)]

    document = snapshot(
        [local_order(**part("5", "100.6"))],
        [venue_order(**part("5", "100.6"))],
        fills=rows(booked),
        history=history(fills=rows(listed)),
    )
    planned = plan_of(document)
    assert steps(planned) == [f"supersede_fill v-1 {one}" for one in expected]
    assert stands(planned, "v-1") == "partially_filled 5 @ 100.6"
    assert {one: qty for one, qty in projected_fills(planned).items() if one[0] == "S"} == {
        one[0]: "0" for one in booked
    }
    assert told(planned) == []
    assert steps(replanned(planned, document)) == []


def test_equal_sums_at_another_cost_are_not_one_execution():
    # 2 × 100 + 3 × 101 = 503, 5 × 101 = 505
    planned = plan(
        [local_order(**part("5", "100.6"))],
        [venue_order(**part("5", "100.6"))],
        fills=[heard("S1", "2"), heard("S2", "3", "101", filled_at=at(-1700))],
        history=history(fills=[fill("V1", "5", "101")]),
    )
    assert steps(planned) == []
    assert asked(planned) == ["venue venue_order_id v-1"]


def test_round_lots_repeat_where_the_listing_is_not_complete():
    """All fit: both are real."""
    planned = plan(
        [local_order(**part("2"))],
        [venue_order(**part("4"))],
        fills=[fill("F1", "2")],
        history=history(fills=[fill("F2", "2", filled_at=at(-30))], **SINCE_A_MINUTE),
    )
    assert steps(planned) == ["book_fill v-1 F2 2 @ 100"]


def test_in_an_incomplete_listing_a_record_read_before_its_fills_is_asked_for_again():
    listed = history(fills=[fill("V1", "2", filled_at=at(-30))], **SINCE_A_MINUTE)
    local, record = local_order(**part("2")), venue_order(**part("2"))
    planned = plan([local], [record], fills=[heard("S1", "2")], history=listed)
    assert (steps(planned), asked(planned)) == ([], ["venue venue_order_id v-1"])
    answered = plan([local], [record], fills=[heard("S1", "2")], history=listed, answers=[found(record)])
    assert steps(answered) == ["supersede_fill v-1 V1 2 @ 100 for 2 of S1"]
    assert asked(answered) == []


def test_an_answer_sent_before_the_fills_were_read_is_not_fresh():
    listed = history(fills=[fill("F1", "3")], read_at=at(-1), **SINCE_A_MINUTE)
    planned = plan(
        [local_order(**part("2"))],
        [venue_order(**part("2"))],
        fills=[fill("F0", "2")],
        history=listed,
        answers=[found(venue_order(**part("2")), read_at=at(-2))],
    )
    assert the_break(planned, "fill_drift")["reason"] == "fills_ahead_of_record"


def test_more_than_a_fresh_record_without_an_explanation_books_nothing():
    planned = plan(
        [local_order()],
        [venue_order(**part("4"))],
        history=history(fills=[fill("F1", "3"), fill("F2", "2", "101", filled_at=at(-1700))]),
        answers=[found(venue_order(**part("4")))],
    )
    assert planned["corrections"] == []
    found_break = the_break(planned, "fills_contradict")
    assert (found_break["reason"], found_break["severity"]) == ("more_than_record", "error")


def test_a_corrected_execution_is_named_as_such_and_nothing_is_doubled():
    planned = plan(
        [local_order(**part("10"))],
        [venue_order(**part("10", "100.5"))],
        fills=[fill("F1.1", "10")],
        history=history(fills=[fill("F1.2", "10", "100.5")]),
        answers=[found(venue_order(**part("10", "100.5")))],
    )
    assert planned["corrections"] == []
    assert the_break(planned, "fills_contradict")["reason"] == "execution_corrected"


@pytest.mark.parametrize("listed", [[("V1", "2", "100")], [("V1", "5", "100.6")]])
def test_without_any_record_a_possible_look_alike_is_asked_about(listed):
    """The order ended long ago: no list has it. As a single fill, and as the sum of what is booked."""
    planned = plan(
        [local_order(**part("5", "100.6", "canceled"))],
        [],
        fills=[heard("S1", "2"), heard("S2", "3", "101", filled_at=at(-1700))],
        history=history(fills=[fill(*one) for one in listed]),
    )
    assert (steps(planned), asked(planned)) == ([], ["venue venue_order_id v-1"])


def test_a_listed_fill_is_nobodys_look_alike():
    """F1 is booked and listed under its own id: an equal F2 is another execution."""
    planned = plan(
        [local_order(**part("2", status="canceled"))],
        [],
        fills=[fill("F1", "2")],
        history=history(fills=[fill("F1", "2"), fill("F2", "2", filled_at=at(-60))]),
    )
    assert steps(planned) == ["book_fill v-1 F2 2 @ 100"]


def test_the_fee_goes_over_with_the_execution():
    """The bot booked 0.002 ETH for S1; the venue names 0.002 for V1 and 0.003 for V2: 0.005 in all, not 0.007."""
    base = {"fee_currency": "ETH"}
    planned = plan(
        [local_order(trade_id="t-1", **part("2"))],
        [venue_order(**part("5"))],
        trades=[trade(entry_qty="2", entry_avg_price="100", fee_base_qty="0.002")],
        fills=[heard("S1", "2", fee="0.002", **base)],
        history=history(fills=[fill("V1", "2", fee="0.002", **base), fill("V2", "3", fee="0.003", **base)]),
    )
    assert [row["fee_base_qty"] for row in planned["projected_trades"]] == ["0.005"]


def test_a_fee_that_only_the_bot_knew_stays():
    planned = plan(
        [local_order(trade_id="t-1", **part("2"))],
        [venue_order(**part("2"))],
        trades=[trade(entry_qty="2", entry_avg_price="100", fee_base_qty="0.002")],
        fills=[heard("S1", "2", fee="0.002", fee_currency="ETH")],
        history=history(fills=[fill("V1", "2")]),
    )
    [row] = [one for one in planned["projected_fills"] if one["fill_id"] == "V1"]
    assert (row["fee"], row["fee_currency"]) == ("0.002", "ETH")
    assert planned["projected_trades"] == []


def test_fills_may_exceed_the_record_by_half_a_step_each():
    """Three fills of 0.0334 of an order of 0.1: the third does not fit whole, what is left is inferred."""
    thirds = [fill(f"F{n}", "0.0334", filled_at=at(-1800 + n)) for n in range(3)]
    whole = {"qty": "0.1"}
    document = snapshot(
        [local_order(**whole)],
        [venue_order(**part("0.1", status="filled"), **whole)],
        history=history(fills=thirds),
        instruments=[STEP],
    )
    planned = plan_of(document)
    assert stands(planned, "v-1") == "filled 0.1 @ 100"
    assert projected_fills(planned) == {"F0": "0.0334", "F1": "0.0334", "inferred": "0.0332"}
    assert quiet(replanned(planned, document))


def test_a_whole_step_is_no_rounding():
    planned = plan(
        [local_order()],
        [venue_order(**part("3"))],
        history=history(fills=[fill("F1", "3.001")]),
        instruments=[STEP],
        answers=[found(venue_order(**part("3")))],
    )
    assert kinds(planned) == {"fills_contradict"}


def test_growth_that_the_listed_fills_do_not_explain_is_inferred():
    """19 filled for 1895 in all; 11 are booked (1097), two of them under ids of the stream's own. Of the two fills that
    a partial listing holds, both may be these: booked as new they would make 19 at 99.684. The growth of 8 cost 798."""
    document = snapshot(
        [local_order(trade_id="t-1", qty="21", **part("11", "99.727272727272727273"))],
        [venue_order(qty="21", **part("19", "99.736842105263157895"))],
        trades=[trade(entry_qty="11", entry_avg_price="99.727272727272727273")],
        fills=[heard("V2", "3"), heard("S3", "3", "99"), heard("S4", "5")],
        history=history(fills=[fill("V3", "3", "99"), fill("V4", "5")], state="partial"),
    )
    planned = plan_of(document)
    [row] = planned["projected_orders"]
    assert (row["filled_qty"], row["filled_avg_price"]) == ("19", "99.736842105263157895")
    [booked] = [one["fill"] for one in planned["corrections"] if one["kind"] == "book_fill"]
    assert (booked["qty"], booked["inferred"]) == ("8", True)
    assert abs(float(booked["price"]) - 99.75) < 1e-9
    assert planned["projected_trades"][0]["entry_qty"] == "19"
    assert replanned(planned, document)["corrections"] == []


def test_growth_by_fills_that_come_to_the_record_mends_the_average_that_the_books_had():
    """The books say 1 at 95.5, and have its fill at 80. With the other fill, 1 at 96, it is 2 at 88, as the record has
    it: nothing is left to infer."""
    document = snapshot(
        [local_order(trade_id="t-1", qty="2", **part("1", "95.5"))],
        [venue_order(qty="2", status="filled", filled_qty="2", filled_avg_price="88")],
        trades=[trade(entry_qty="1", entry_avg_price="95.5")],
        fills=[fill("F0", "1", "80")],
        history=history(fills=[fill("F0", "1", "80"), fill("F1", "1", "96")]),
    )
    planned = plan_of(document)
    [booked] = [one["fill"] for one in planned["corrections"] if one["kind"] == "book_fill"]
    assert (booked["fill_id"], booked["qty"], booked["price"]) == ("F1", "1", "96")
    [row], [entered] = planned["projected_orders"], planned["projected_trades"]
    assert (row["status"], row["filled_qty"], row["filled_avg_price"]) == ("filled", "2", "88")
    assert (entered["entry_qty"], entered["entry_avg_price"]) == ("2", "88")
    assert replanned(planned, document)["corrections"] == []
