"""The average is judged, too: no correction moves it away from the venue's record (design.md, "The fold of fills")."""

import pytest

from tests.acceptance.plan.snapshots import (
    fill,
    history,
    kinds,
    local_order,
    plan,
    projected_fills,
    quiet,
    stands,
    steps,
    the_break,
    told,
    trade,
    venue_order,
)

TICK = {"symbol": "ETH/USD", "qty_step": "0.001", "price_tick": "0.01", "quote": "USD"}


def filled(price: str | None, qty: str = "10", **keys):
    return {"status": "filled", "filled_qty": qty, "filled_avg_price": price} | keys


def inferred(qty: str, price: str, **keys):
    return fill("I1", qty, price, inferred=True, **keys)


def test_what_was_booked_at_the_limit_takes_the_venues_cost():
    planned = plan(
        [local_order(trade_id="t-1", **filled("100"))],
        [venue_order(**filled("95"))],
        trades=[trade(entry_qty="10", entry_avg_price="100")],
    )
    [correction] = planned["corrections"]
    assert (correction["kind"], correction["changes"]) == ("amend_order", {"filled_avg_price": "95"})
    assert stands(planned, "v-1") == "filled 10 @ 95"
    assert [line.split()[0] for line in told(planned)] == ["amended"]
    assert [row["entry_avg_price"] for row in planned["projected_trades"]] == ["95"]
    drift = the_break(planned, "average_drift")
    assert (drift["reason"], drift["corrected"]) == ("venue_average_differs", True)


def test_an_inferred_fill_takes_the_price_that_makes_the_average_right():
    # (10 × 95 − 4 × 97) ÷ 6 = 562 ÷ 6 = 93.666…
    planned = plan(
        [local_order(**filled("100"))],
        [venue_order(**filled("95"))],
        fills=[fill("F1", "4", "97"), inferred("6", "102")],
    )
    [correction] = planned["corrections"]
    assert correction["kind"] == "amend_fill"
    assert correction["changes"]["fill_id"] == "I1"
    assert correction["changes"]["price"].startswith("93.6666666666")
    assert stands(planned, "v-1") == "filled 10 @ 95"


@pytest.mark.parametrize(
    ("average", "instruments", "differs"),
    [
        ("100.01", [TICK], False),  # a tick
        ("100.02", [TICK], True),
        ("100.0001", [], False),  # a millionth
        ("100.0002", [], True),
    ],
)
def test_within_a_tick_averages_are_the_same(average, instruments, differs):
    planned = plan([local_order(**filled("100"))], [venue_order(**filled(average))], instruments=instruments)
    assert quiet(planned) is not differs


@pytest.mark.parametrize("average", [None, "0"])
def test_a_venue_without_an_average_says_nothing(average):
    assert quiet(plan([local_order(**filled("100"))], [venue_order(**filled(average))]))


def test_an_average_that_the_bot_did_not_record_is_no_difference():
    assert quiet(plan([local_order(**filled(None))], [venue_order(**filled("95"))]))


@pytest.mark.parametrize(
    ("average", "severity"), [("100.009", "info"), ("100.01", "info"), ("100.02", "warn"), ("101", "warn")]
)
def test_of_real_fills_alone_a_drift_is_reported(average, severity):
    """Below a ten-thousandth bots round: 0.0001 × 100.01 = 0.010001."""
    planned = plan([local_order(**filled("100"))], [venue_order(**filled(average))], fills=[fill("F1", "10")])
    assert planned["corrections"] == []
    drift = the_break(planned, "average_drift")
    assert (drift["reason"], drift["severity"]) == ("fills_off_average", severity)
    assert planned["result"]["mismatches"] == (severity == "warn")


def test_an_average_of_another_quantity_says_nothing():
    """The venue is ahead: what it infers is priced by the residue, what is booked stays. 7 × 101 − 5 × 100 = 207."""
    planned = plan(
        [local_order(**filled("100", "5", status="partially_filled"))],
        [venue_order(**filled("101", "7", status="partially_filled"))],
        fills=[fill("F1", "5")],
    )
    assert steps(planned) == ["book_fill v-1 inferred 2 @ 103.5"]
    assert stands(planned, "v-1") == "partially_filled 7 @ 101"


def test_replacing_unrecorded_quantity_leaves_the_average_where_it_is():
    """10 at 108 were inferred; the history holds 9 at 110: the rest cost 10 × 108 − 9 × 110 = 90."""
    planned = plan(
        [local_order(**filled("108"))],
        [venue_order(**filled("108"))],
        history=history(fills=[fill("F1", "9", "110")]),
    )
    assert steps(planned) == ["supersede_fill v-1 F1 9 @ 110 for 9 of legacy"]
    assert stands(planned, "v-1") == "filled 10 @ 108"
    assert told(planned) == []


def test_of_an_inferred_fill_the_rest_takes_the_residue():
    planned = plan(
        [local_order(**filled("108"))],
        [venue_order(**filled("108"))],
        fills=[inferred("10", "108")],
        history=history(fills=[fill("F1", "9", "110")]),
    )
    assert stands(planned, "v-1") == "filled 10 @ 108"
    [rest] = [row for row in planned["projected_fills"] if row["inferred"]]
    assert (rest["qty"], rest["price"]) == ("1", "90")


@pytest.mark.parametrize("price", ["125", "110"])
def test_fills_that_contradict_the_average_stay_unbooked(price):
    """9 at 125 leave less than nothing for the tenth; 10 at 110 leave nothing to price."""
    qty = "9" if price == "125" else "10"
    planned = plan(
        [local_order(**filled("108"))],
        [venue_order(**filled("108"))],
        history=history(fills=[fill("F1", qty, price)]),
    )
    assert planned["corrections"] == []


def test_of_two_fills_one_without_a_price_takes_the_residue():
    """10 × 100.6 − 6 × 101 = 400."""
    planned = plan(
        [local_order(trade_id="t-1", limit_price="110")],
        [venue_order(limit_price="110", **filled("100.6"))],
        trades=[trade()],
        history=history(fills=[fill("F1", "4", "0"), fill("F2", "6", "101")]),
    )
    assert steps(planned)[:2] == ["book_fill v-1 F1 4 @ 100 estimated", "book_fill v-1 F2 6 @ 101"]
    assert stands(planned, "v-1") == "filled 10 @ 100.6"
    assert told(planned) == ["entry_fill v-1 10 @ 100.6 of 10"]
    assert [row["entry_avg_price"] for row in planned["projected_trades"]] == ["100.6"]


def test_an_estimated_price_gives_way_to_the_real_one():
    booked = [fill("F1", "4", "102", price_estimated=True), fill("F2", "6", "101")]
    planned = plan(
        [local_order(**filled("101.4"))],
        [venue_order(**filled("100.6"))],
        fills=booked,
        history=history(fills=[fill("F1", "4", "100"), fill("F2", "6", "101")]),
    )
    [correction] = planned["corrections"]
    assert (correction["kind"], correction["reason"]) == ("amend_fill", "price_became_known")
    assert correction["changes"] == {"fill_id": "F1", "price": "100", "price_estimated": False}
    assert stands(planned, "v-1") == "filled 10 @ 100.6"
    assert projected_fills(planned) == {"F1": "4"}


def test_a_price_that_the_venue_told_does_not_give_way():
    planned = plan(
        [local_order(**filled("102"))],
        [venue_order(**filled("102"))],
        fills=[fill("F1", "10", "102")],
        history=history(fills=[fill("F1", "10", "100")]),
    )
    assert planned["corrections"] == []
    assert the_break(planned, "fill_drift")["reason"] == "fill_content_differs"


def test_a_rounded_average_does_not_keep_real_fills_out():
    """301 ÷ 3 = 100.333…, of which the venue says 100.33: the fills are booked, the average stays the venue's."""
    planned = plan(
        [local_order(**filled("100.33", "3"))],
        [venue_order(**filled("100.33", "3"))],
        fills=[inferred("3", "100.33")],
        history=history(fills=[fill("F1", "2", "100"), fill("F2", "1", "101")]),
    )
    assert projected_fills(planned) == {"inferred": "0", "F1": "2", "F2": "1"}
    assert stands(planned, "v-1") == "filled 3 @ 100.33"
    assert told(planned) == []
    assert "average_drift" not in kinds(planned)


def test_a_canceled_order_whose_cost_differs_is_judged_whole():
    """An end and another cost in one record: the straight path has to leave it to the rules."""
    half = {"status": "partially_filled", "filled_qty": "5", "filled_avg_price": "100"}
    planned = plan(
        [local_order(**half)], [venue_order(**half | {"status": "canceled", "filled_avg_price": "95"})]
    )
    assert stands(planned, "v-1") == "canceled 5 @ 95"


def test_a_rounded_average_of_the_bot_stays_where_it_is_nearer():
    """The bot has 100.332, the venue 100.33, the fills come to 100.333…: neither moves, and nobody is told."""
    planned = plan(
        [local_order(**filled("100.332", "3"))],
        [venue_order(**filled("100.33", "3"))],
        fills=[inferred("3", "100.332")],
        history=history(fills=[fill("F1", "2", "100"), fill("F2", "1", "101")]),
        instruments=[TICK],
    )
    assert stands(planned, "v-1") == "filled 3 @ 100.332"
    assert told(planned) == []


def test_what_has_no_fill_row_at_all_takes_the_difference_first():
    """2 booked without a row and 3 inferred at 100; 5 × 98 − 3 × 100 = 190: the two cost 95 each."""
    planned = plan(
        [local_order(**filled("100", "5"))], [venue_order(**filled("98", "5"))], fills=[inferred("3", "100")]
    )
    assert [one["kind"] for one in planned["corrections"]] == ["amend_order"]
    assert stands(planned, "v-1") == "filled 5 @ 98"


def test_an_average_of_less_than_is_booked_says_nothing():
    """Within the tolerance of an order that ended: 4.999 of the 5 that are booked."""
    booked = {"status": "canceled", "filled_qty": "5", "filled_avg_price": "100"}
    ended = venue_order(**booked | {"filled_qty": "4.999", "filled_avg_price": "95"})
    assert quiet(plan([local_order(**booked)], [ended], instruments=[TICK]))


def test_another_quantity_and_another_cost_of_one_order_are_told_once():
    """Both are `amended`, and both would have one notification id: a bot that acts once per id must lose nothing."""
    planned = plan(
        [local_order(qty="4", status="partially_filled", filled_qty="1", filled_avg_price="90")],
        [venue_order(qty="10", status="partially_filled", filled_qty="1", filled_avg_price="99")],
        history=history(fills=[fill("F1", "1", "99")]),
    )
    assert stands(planned, "v-1") == "partially_filled 1 @ 99"
    [amended] = planned["notifications"]
    assert (amended["kind"], amended["reason"]) == ("amended", "venue_terms_differ")
    assert (amended["cumulative_qty"], amended["cumulative_avg_price"]) == ("1", "99")


def test_fills_that_come_to_a_rounded_average_leave_nothing_to_infer():
    """The bot has 6 at 95.5, its fills 595 for 6; with the venue's fill 675 for 7, which is its 96.43, rounded."""
    planned = plan(
        [local_order(qty="7", status="partially_filled", filled_qty="6", filled_avg_price="95.5")],
        [venue_order(qty="7", status="filled", filled_qty="7", filled_avg_price="96.43")],
        fills=[fill("F0", "1", "80"), fill("F1", "5", "103")],
        history=history(fills=[fill("F0", "1", "80"), fill("F2", "1", "80")]),
    )
    assert stands(planned, "v-1") == "filled 7 @ 96.43"
    assert projected_fills(planned) == {"F2": "1"}


def test_a_trade_follows_an_average_that_its_order_takes_within_a_tick():
    """0.001 more at 1,100.001 would be odd: it is booked at the average, and the order has the venue's 100.001."""
    planned = plan(
        [
            local_order(
                trade_id="t-1",
                qty="2000",
                status="partially_filled",
                filled_qty="1000",
                filled_avg_price="100",
            )
        ],
        [
            venue_order(
                qty="2000", status="partially_filled", filled_qty="1000.001", filled_avg_price="100.001"
            )
        ],
        fills=[fill("F1", "1000", "100")],
        trades=[trade(entry_qty="1000", entry_avg_price="100")],
        instruments=[TICK],
    )
    assert stands(planned, "v-1") == "partially_filled 1000.001 @ 100.001"
    assert [row["entry_avg_price"] for row in planned["projected_trades"]] == ["100.001"]
