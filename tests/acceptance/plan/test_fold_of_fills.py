"""The fold of fills: R real fills known, B booked, C the venue's cumulative quantity. Every quantity exactly once."""

import pytest

from tests.acceptance.plan.snapshots import (
    absent,
    asked,
    at,
    fill,
    found,
    history,
    kinds,
    local_order,
    open_orders,
    plan,
    plan_of,
    projected_fills,
    projected_trade,
    quiet,
    snapshot,
    stands,
    steps,
    told,
    trade,
    unknown,
    venue_order,
)


def part(filled_qty: str | None, price: str | None = "100", status: str | None = "partially_filled", **keys):
    return {"status": status, "filled_qty": filled_qty, "filled_avg_price": price} | keys


# Growth


def test_a_real_fill_is_booked_as_it_is():
    planned = plan(
        [local_order()], [venue_order(**part("3", "99"))], history=history(fills=[fill("F1", "3", "99")])
    )
    assert kinds(planned) >= {"fill_drift"}
    assert steps(planned) == ["book_fill v-1 F1 3 @ 99"]
    assert stands(planned, "v-1") == "partially_filled 3 @ 99"
    assert told(planned) == ["entry_fill v-1 3 @ 99 of 3"]


def test_without_records_the_growth_is_inferred():
    # D 3
    planned = plan([local_order(**part("2"))], [venue_order(**part("7"))])
    assert steps(planned) == ["book_fill v-1 inferred 5 @ 100"]
    assert told(planned) == ["entry_fill v-1 5 @ 100 of 7"]


def test_what_real_fills_do_not_cover_is_one_inferred_fill():
    # 7 at 104 = 728, less 3 at 100 = 428, over 4 = 107
    planned = plan(
        [local_order()], [venue_order(**part("7", "104"))], history=history(fills=[fill("F1", "3")])
    )
    assert steps(planned) == ["book_fill v-1 F1 3 @ 100", "book_fill v-1 inferred 4 @ 107"]
    assert stands(planned, "v-1") == "partially_filled 7 @ 104"


def test_a_fill_that_is_booked_already_is_not_booked_again():
    local = local_order(**part("3"))
    planned = plan(
        [local], [venue_order(**part("3"))], fills=[fill("F1", "3")], history=history(fills=[fill("F1", "3")])
    )
    assert quiet(planned)


def test_only_the_new_one_of_two_is_booked():
    planned = plan(
        [local_order(**part("3"))],
        [venue_order(**part("5"))],
        fills=[fill("F1", "3")],
        history=history(fills=[fill("F1", "3"), fill("F2", "2")]),
    )
    assert steps(planned) == ["book_fill v-1 F2 2 @ 100"]


def test_one_fill_id_of_two_orders_is_two_fills():
    second = {"venue_order_id": "v-2", "client_order_id": "c-2"}
    planned = plan(
        [local_order(), local_order(**second)],
        [venue_order(**part("3")), venue_order(**part("2", **second))],
        history=history(fills=[fill("F1", "3"), fill("F1", "2", **second)]),
    )
    assert sorted(steps(planned)) == ["book_fill v-1 F1 3 @ 100", "book_fill v-2 F1 2 @ 100"]


def test_the_same_fill_read_twice_is_booked_once():
    planned = plan(
        [local_order()], [venue_order(**part("3"))], history=history(fills=[fill("F1", "3"), fill("F1", "3")])
    )
    assert steps(planned) == ["book_fill v-1 F1 3 @ 100"]


@pytest.mark.parametrize("other", [fill("F1", "4"), fill("F1", "3", "101")])
def test_the_same_identity_with_other_figures_keeps_what_is_booked_and_is_reported(other):
    local = local_order(**part("3"))
    planned = plan(
        [local], [venue_order(**part("3"))], fills=[fill("F1", "3")], history=history(fills=[other])
    )
    assert steps(planned) == []
    assert planned["breaks"] != []


def test_a_fill_that_names_only_the_client_id_is_booked():
    loose = fill("F1", "3", venue_order_id=None, client_order_id="C-1")
    planned = plan([local_order()], [venue_order(**part("3"))], history=history(fills=[loose]))
    assert steps(planned) == ["book_fill v-1 F1 3 @ 100"]


# Taking the place of what is booked without a record


def inferred(qty: str, price: str = "101", **keys):
    return fill("I1", qty, price, inferred=True, **keys)


def test_real_fills_take_the_place_of_an_inferred_one():
    planned = plan(
        [local_order(**part("8", "101"))],
        [venue_order(**part("8", "101"))],
        fills=[inferred("8")],
        history=history(fills=[fill("F1", "4", "99"), fill("F2", "4", "103", filled_at=at(-1700))]),
    )
    assert steps(planned) == [
        "supersede_fill v-1 F1 4 @ 99 for 4 of I1",
        "supersede_fill v-1 F2 4 @ 103 for 4 of I1",
    ]
    assert projected_fills(planned) == {"inferred": "0", "F1": "4", "F2": "4"}
    assert told(planned) == []  # neither quantity nor cost moved


def test_a_changed_cost_at_an_equal_quantity_is_told_as_amended():
    planned = plan(
        [local_order(**part("8", "101"))],
        [venue_order(**part("8", "102"))],
        fills=[inferred("8")],
        history=history(fills=[fill("F1", "8", "102")]),
    )
    assert steps(planned) == ["supersede_fill v-1 F1 8 @ 102 for 8 of I1"]
    assert [line.split()[0] for line in told(planned)] == ["amended"]
    assert planned["notifications"][0]["cumulative_avg_price"] == "102"


def test_a_real_fill_takes_the_place_of_a_part():
    planned = plan(
        [local_order(**part("8", "101"))],
        [venue_order(**part("8", "101"))],
        fills=[inferred("8")],
        history=history(fills=[fill("F1", "3", "101")]),
    )
    assert steps(planned) == ["supersede_fill v-1 F1 3 @ 101 for 3 of I1"]
    assert projected_fills(planned) == {"inferred": "5", "F1": "3"}


def test_a_real_fill_takes_the_place_of_legacy_quantity():
    local = local_order(**part("5"))
    planned = plan([local], [venue_order(**part("5"))], history=history(fills=[fill("F1", "2")]))
    assert steps(planned) == ["supersede_fill v-1 F1 2 @ 100 for 2 of legacy"]
    assert told(planned) == []


def test_the_newest_fills_are_the_growth_and_the_older_ones_take_the_place():
    planned = plan(
        [local_order(**part("5"))],
        [venue_order(**part("7"))],
        history=history(fills=[fill("F2", "2", filled_at=at(-60)), fill("F1", "5", filled_at=at(-900))]),
    )
    assert sorted(steps(planned)) == [
        "book_fill v-1 F2 2 @ 100",
        "supersede_fill v-1 F1 5 @ 100 for 5 of legacy",
    ]
    assert stands(planned, "v-1") == "partially_filled 7 @ 100"
    assert told(planned) == ["entry_fill v-1 2 @ 100 of 7"]


def test_a_fill_that_straddles_legacy_and_growth_is_booked_once():
    planned = plan(
        [local_order(**part("5"))],
        [venue_order(**part("7"))],
        history=history(fills=[fill("F1", "4", filled_at=at(-900)), fill("F2", "3", filled_at=at(-60))]),
    )
    assert projected_fills(planned) == {"F1": "4", "F2": "3"}
    assert stands(planned, "v-1") == "partially_filled 7 @ 100"
    assert told(planned) == ["entry_fill v-1 2 @ 100 of 7"]


# What moves


def test_only_the_growth_moves_the_trade():
    planned = plan(
        [local_order(trade_id="t-1", **part("5"))],
        [venue_order(**part("7"))],
        trades=[trade(entry_qty="5", entry_avg_price="100")],
        history=history(fills=[fill("F1", "5", filled_at=at(-900)), fill("F2", "2", filled_at=at(-60))]),
    )
    assert projected_trade(planned) == "open 7/0"


# Prices of inferred fills


@pytest.mark.parametrize(
    ("booked", "venue_part", "step"),
    [
        # (100 × 2 − 95 × 1) ÷ 1 = 105: exactly 5 % off is kept
        (part("1", "95"), part("2", "100"), "1 @ 105"),
        # (100 × 2 − 94.9 × 1) ÷ 1 = 105.1: more than 5 % off becomes the average
        (part("1", "94.9"), part("2", "100"), "1 @ 100 estimated"),
        # (10 × 10 − 12 × 9) ÷ 1 = −8 becomes the average
        (part("9", "12"), part("10", "10"), "1 @ 10 estimated"),
    ],
)
def test_a_derived_price_that_cannot_be_becomes_the_average(booked, venue_part, step):
    planned = plan([local_order(**booked)], [venue_order(**venue_part)])
    assert steps(planned) == [f"book_fill v-1 inferred {step}"]


def test_without_an_average_the_limit_price_is_the_estimate():
    planned = plan([local_order()], [venue_order(**part("4", None))])
    assert steps(planned) == ["book_fill v-1 inferred 4 @ 100 estimated"]


@pytest.mark.parametrize(
    ("keys", "policy"),
    [
        ({"limit_price": None, "order_type": "market"}, {}),
        ({"limit_price": "100"}, {"estimate_price_from_limit": False}),
    ],
)
def test_without_any_price_nothing_is_booked(keys, policy):
    # D 10
    planned = plan(
        [local_order(**keys)], [venue_order(**(part("4", None, "canceled") | keys))], policy=policy
    )
    assert "price_missing" in kinds(planned)
    assert planned["corrections"] == planned["notifications"] == []


def test_a_price_of_zero_is_no_price():
    keys = {"limit_price": None, "order_type": "market"}
    planned = plan([local_order(**keys)], [venue_order(**(part("4", "0") | keys))])
    assert "price_missing" in kinds(planned)
    assert planned["corrections"] == []


def test_the_id_of_an_inferred_fill_is_made_of_facts():
    def fill_id(quantity_after: str, now_s: float = 0) -> str:
        planned = plan_of(
            snapshot(
                [local_order()],
                open_orders([venue_order(**part(quantity_after))], read_at=at(now_s)),
                taken_at=at(now_s),
            )
        )
        return planned["corrections"][0]["fill"]["fill_id"]

    assert fill_id("4") == fill_id("4", now_s=3600)
    assert fill_id("4") == fill_id("4.0")
    assert fill_id("4") != fill_id("5")


# Quantities that do not fit together


def test_fills_beyond_the_record_query_it_and_book_nothing_beyond_it():
    planned = plan(
        [local_order()],
        [venue_order(**part("3"))],
        history=history(fills=[fill("F1", "3", filled_at=at(-900)), fill("F2", "2", filled_at=at(-60))]),
    )
    assert asked(planned) == ["venue venue_order_id v-1"]
    booked = sum(
        float(correction["fill"]["qty"]) for correction in planned["corrections"] if correction["fill"]
    )
    assert booked <= 3
    assert not any("inferred" in step for step in steps(planned))


def test_a_record_that_caught_up_books_them():
    planned = plan(
        [local_order()],
        [venue_order(**part("3"))],
        history=history(fills=[fill("F1", "3", filled_at=at(-900)), fill("F2", "2", filled_at=at(-60))]),
        answers=[found(venue_order(**part("5")))],
    )
    assert sorted(steps(planned)) == ["book_fill v-1 F1 3 @ 100", "book_fill v-1 F2 2 @ 100"]
    assert asked(planned) == []


def test_filled_below_the_quantity_is_queried_and_flagged_but_not_set():
    planned = plan([local_order(**part("6"))], [venue_order(**part("6", status="filled"))])
    assert steps(planned) == []
    assert planned["breaks"] != []
    assert asked(planned) == ["venue venue_order_id v-1"]


def test_filled_within_a_step_of_the_quantity_is_filled():
    # Reading: the tolerance "on terminal orders" covers this too.
    step = {"symbol": "ETH/USD", "qty_step": "0.001"}
    planned = plan(
        [local_order(**part("9.999"))], [venue_order(**part("9.999", status="filled"))], instruments=[step]
    )
    assert steps(planned) == ["set_status v-1 filled"]


def test_filled_without_a_quantity_means_the_whole_order():
    # D 9
    planned = plan([local_order(**part("4"))], [venue_order(**part(None, status="filled"))])
    assert steps(planned) == ["book_fill v-1 inferred 6 @ 100", "set_status v-1 filled"]


@pytest.mark.parametrize("status", ["canceled", "expired", "rejected"])
def test_another_terminal_status_without_a_quantity_is_queried_once(status):
    ended = venue_order(**part(None, None, status))
    listed = plan([local_order(**part("4"))], [], history=history([ended]))
    assert steps(listed) == []
    assert asked(listed) == ["venue venue_order_id v-1"]
    answered = plan([local_order(**part("4"))], [], history=history([ended]), answers=[found(ended)])
    assert asked(answered) == []
    assert steps(answered) == [f"set_status v-1 {status}"]
    assert stands(answered, "v-1") == f"{status} 4 @ 100"


def test_partially_filled_without_a_quantity_is_unresolved():
    # D 9
    planned = plan([local_order()], [venue_order(**part(None, None))])
    assert steps(planned) == []
    assert planned["breaks"] != []


def test_local_fill_rows_beyond_the_booked_quantity_are_drift():
    rows = [fill("F1", "2"), fill("F2", "3", filled_at=at(-900))]
    planned = plan([local_order(**part("3"))], [venue_order(**part("3"))], fills=rows)
    assert kinds(planned) == {"fill_drift"}
    assert not any("inferred" in step for step in steps(planned))


# Fills whose order record was not read


def test_a_fill_of_an_unknown_order_queries_the_order_first():
    planned = plan([], [], history=history(fills=[fill("F1", "3", venue_order_id="v-9")]))
    assert steps(planned) == []
    assert asked(planned) == ["venue venue_order_id v-9"]


def test_a_fill_of_a_known_local_order_is_booked_without_its_record():
    local = local_order(status="canceled")
    planned = plan([local], [], history=history(fills=[fill("F1", "3")]))
    assert steps(planned) == ["book_fill v-1 F1 3 @ 100"]


def test_a_fill_of_a_live_local_order_is_booked_while_its_record_is_asked_for():
    planned = plan([local_order()], [], history=history(fills=[fill("F1", "3")]))
    assert steps(planned) == ["book_fill v-1 F1 3 @ 100"]
    assert asked(planned) == ["venue venue_order_id v-1"]


@pytest.mark.parametrize(
    ("answers", "booked", "asks", "reasons"),
    [
        ([], [], ["venue venue_order_id v-1"], set()),
        (
            [found(venue_order(**part("3", status="canceled")))],
            ["supersede_fill v-1 F2 3 @ 100 for 3 of F1"],
            [],
            {"same_execution"},
        ),
        (
            [found(venue_order(**part("6", status="canceled")))],
            ["supersede_fill v-1 F2 3 @ 100 for 3 of F1", "book_fill v-1 inferred 3 @ 100"],
            [],
            {"filled_after_all"},
        ),
        ([unknown("v-1")], [], [], {"fills_ahead_of_record"}),
    ],
)
def test_a_fill_that_looks_like_a_booked_one_waits_for_the_record(answers, booked, asks, reasons):
    local = local_order(**part("3", status="canceled"))
    reported = history(fills=[fill("F2", "3.0", "100.00", filled_at=at(-60))])
    planned = plan([local], [], fills=[fill("F1", "3")], history=reported, answers=answers)
    assert (steps(planned), asked(planned)) == (booked, asks)
    assert {one["reason"] for one in planned["breaks"] if one["severity"] != "info"} == reasons


# Fills that name a client order id only (found by a simulated world whose venue does so)

BY_CLIENT_ID = {"venue_order_id": None, "client_order_id": "c-9"}
RECENT = {"extent": "open_and_recent"}


def test_a_fill_by_client_id_of_an_order_not_listed_asks_the_ledger():
    planned = plan([], [], history=history(fills=[fill("F1", "3", **BY_CLIENT_ID)]), local_keys=RECENT)
    assert asked(planned) == ["local ids ['c-9']"]


def test_its_order_found_in_the_ledger_the_fill_takes_the_inferred_ones_place():
    order = local_order(client_order_id="c-9", venue_order_id="v-9", **part("3", status="canceled"))
    answer = {"by": "client_order_id", "id": "c-9", "outcome": "found", "order": order}
    planned = plan(
        [],
        [],
        history=history(fills=[fill("F1", "3", **BY_CLIENT_ID)]),
        fills=[fill("I1", "3", venue_order_id="v-9", inferred=True)],
        local_keys=RECENT | {"answers": [answer]},
    )
    assert steps(planned) == ["supersede_fill v-9 F1 3 @ 100 for 3 of I1"]


def test_a_fill_by_client_id_of_an_unknown_order_queries_the_order_then_is_reported():
    reported = history(fills=[fill("F1", "3", **BY_CLIENT_ID)])
    assert asked(plan([], [], history=reported)) == ["venue client_order_id c-9"]
    planned = plan([], [], history=reported, answers=[absent("c-9", by="client_order_id")])
    assert (steps(planned), asked(planned)) == ([], [])
    assert [one["reason"] for one in planned["breaks"]] == ["unknown_fill_order"]


def test_the_order_of_a_fill_by_client_id_is_inserted_with_it_once_its_record_is_read():
    record = venue_order(client_order_id="c-9", venue_order_id="v-9", **part("3", status="canceled"))
    answer = found(record, by="client_order_id", id="c-9")
    planned = plan([], [], history=history(fills=[fill("F1", "3", **BY_CLIENT_ID)]), answers=[answer])
    assert steps(planned) == ["insert_order v-9", "book_fill v-9 F1 3 @ 100"]
