"""Two repairs of different rules in one order and one plan: each is made whole, told once, under its own break."""

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
    projected,
    projected_fills,
    snapshot,
    stands,
    steps,
    the_break,
    told,
    trade,
    venue_order,
)

FEE = {"fee": "0.1", "fee_currency": "USD"}
HALF = {"status": "partially_filled", "filled_qty": "5"}


def half(price: str | None) -> Document:
    return HALF | {"filled_avg_price": price}


def fees_of_trade(planned: Document) -> list[str]:
    return [one["fee_base_qty"] for one in planned["projected_trades"]]


@pytest.mark.parametrize("average", ["95", None])
def test_a_price_becomes_known_beside_a_fee_that_differs(average):
    planned = plan(
        [local_order(trade_id="t-1", **half("100"))],
        [venue_order(**half(average))],
        trades=[trade(entry_qty="5", entry_avg_price="100")],
        fills=[fill("F1", "5", "100", price_estimated=True, **FEE)],
        history=history(fills=[fill("F1", "5", "95", **FEE | {"fee": "0.2"})]),
    )
    [correction] = planned["corrections"]
    assert correction["changes"] == {"fill_id": "F1", "price": "95", "price_estimated": False}
    assert {one["reason"] for one in planned["breaks"]} == {"price_became_known", "fee_differs"}
    assert stands(planned, "v-1") == "partially_filled 5 @ 95"
    assert [row["fee"] for row in planned["projected_fills"]] == ["0.1"]
    assert [row["entry_avg_price"] for row in planned["projected_trades"]] == ["95"]


@pytest.mark.parametrize("booked", [[], [fill("F1", "5", "100", price_estimated=True)]])
def test_of_two_reports_of_one_fill_one_tells_the_price_and_the_other_the_fee(booked):
    standing = local_order(**half("100")) if booked else local_order()
    planned = plan(
        [standing],
        [venue_order(**half("95"))],
        fills=booked,
        history=history(fills=[fill("F1", "5", None, **FEE), fill("F1", "5", "95")]),
    )
    [row] = planned["projected_fills"]
    assert (row["qty"], row["price"], row["fee"], row["price_estimated"]) == ("5", "95", "0.1", False)
    assert stands(planned, "v-1") == "partially_filled 5 @ 95"


def test_of_two_reports_at_one_price_the_second_tells_the_fee():
    planned = plan(
        [local_order()],
        [venue_order(**half("95"))],
        history=history(fills=[fill("F1", "5", "95"), fill("F1", "5", "95", **FEE)]),
    )
    assert [(row["qty"], row["fee"]) for row in planned["projected_fills"]] == [("5", "0.1")]


def test_reports_that_disagree_on_an_estimated_price_mend_nothing():
    planned = plan(
        [local_order(**half("100"))],
        [venue_order(**half(None))],
        fills=[fill("F1", "5", "100", price_estimated=True)],
        history=history(fills=[fill("F1", "5", "95"), fill("F1", "5", "96")]),
    )
    assert planned["corrections"] == []
    assert the_break(planned, "fill_drift")["reason"] == "fill_content_differs"


@pytest.mark.parametrize(
    ("reported", "fees"),
    [
        (["5"], ["0.006"]),
        (["2", "3"], ["0.0024", "0.0036"]),
    ],
)
def test_fees_that_the_bot_heard_stand_with_the_fills_that_take_the_place(reported, fees):
    """The venue's fills have no fees yet; once they have, the trade has them once."""
    rows = [
        fill(f"V{place}", qty, filled_at=at(-1700 + place)) for place, qty in enumerate(reported, start=1)
    ]
    heard = [
        fill("S1", "1", fee="0.002", fee_currency="ETH"),
        fill("S2", "4", fee="0.004", fee_currency="ETH", filled_at=at(-1750)),
    ]
    document = snapshot(
        [local_order(trade_id="t-1", **half("100"))],
        [venue_order(**half("100"))],
        trades=[trade(entry_qty="5", entry_avg_price="100", fee_base_qty="0.006")],
        fills=heard,
        history=history(fills=rows),
    )
    planned = plan_of(document)
    after = {row["fill_id"]: row["fee"] for row in planned["projected_fills"]}
    assert [after[row["fill_id"]] for row in rows] == fees
    assert (after["S1"], after["S2"], fees_of_trade(planned)) == (None, None, [])
    told_now = [row | {"fee": fee, "fee_currency": "ETH"} for row, fee in zip(rows, fees, strict=True)]
    local = document["local"] | {
        "orders": planned["projected_orders"],
        "fills": [row for row in planned["projected_fills"] if row["qty"] != "0"],
    }
    later = document | {
        "local": local,
        "venue": document["venue"] | {"history": history(fills=told_now)},
    }
    assert plan_of(later)["corrections"] == []


def test_an_estimated_quantity_and_another_limit_are_two_breaks_with_a_correction_each():
    planned = plan(
        [local_order(by_notional=True, qty="9.5")],
        [
            venue_order(
                by_notional=True,
                qty=None,
                limit_price="101",
                status="filled",
                filled_qty="10",
                filled_avg_price="101",
            )
        ],
    )
    reasons = {one["break_id"]: one["reason"] for one in planned["breaks"]}
    amended = [one for one in planned["corrections"] if one["kind"] == "amend_order"]
    assert [(one["reason"], reasons[one["break_id"]]) for one in amended] == [
        ("estimated_qty", "estimated_qty"),
        ("venue_terms_differ", "venue_terms_differ"),
    ]
    assert told(planned) == ["amended v-1", "entry_fill v-1 10 @ 101 of 10"]


# A person's mapping, and what the same plan books


MAPPED: Document = {
    "decision_id": "d-1",
    "kind": "map_trade",
    "venue_order_id": "v-1",
    "trade_id": "t-1",
    "author": "ann",
    "reason": "mine",
    "decided_at": at(-60),
}


def test_what_the_plan_books_of_an_order_is_on_the_trade_that_it_is_mapped_to():
    planned = plan(
        [local_order(status="partially_filled", filled_qty="3", filled_avg_price="100")],
        [venue_order(**half("100.8"))],
        trades=[trade()],
        fills=[fill("F1", "3", fee="0.003", fee_currency="ETH")],
        history=history(
            fills=[
                fill("F1", "3", fee="0.003", fee_currency="ETH"),
                fill("F2", "2", "102", fee="0.002", fee_currency="ETH", filled_at=at(-1700)),
            ]
        ),
        local_keys={"decisions": [MAPPED]},
    )
    [row] = planned["projected_trades"]
    assert (row["entry_qty"], row["entry_avg_price"], row["fee_base_qty"]) == ("5", "100.8", "0.005")
    assert projected(planned, "v-1")["trade_id"] == "t-1"


def test_a_mapped_order_without_an_average_leaves_the_trades_price_alone():
    planned = plan(
        [local_order(status="partially_filled", filled_qty="3")],
        [venue_order(status="partially_filled", filled_qty="3")],
        trades=[trade(entry_qty="2", entry_avg_price="100")],
        local_keys={"decisions": [MAPPED]},
    )
    [row] = planned["projected_trades"]
    assert (row["entry_qty"], row["entry_avg_price"]) == ("5", "100")


# Priceless fills, and one execution under two ids


def test_without_a_record_a_run_with_a_price_that_was_never_told_may_be_booked_already():
    """10 heard at 101.6; listed 5 without a price, 3 and 2: what they cost cannot be compared, so it is asked."""
    planned = plan(
        [local_order(qty="20", status="filled", filled_qty="10", filled_avg_price="101.6")],
        fills=[fill("S1", "10", "101.6")],
        history=history(
            fills=[
                fill("V1", "5", None, filled_at=at(-1800)),
                fill("V2", "3", "102.7", filled_at=at(-1790)),
                fill("V3", "2", "100", filled_at=at(-1780)),
            ]
        ),
    )
    assert planned["corrections"] == []
    assert asked(planned) == ["venue venue_order_id v-1"]


def test_of_two_look_alikes_the_one_of_equal_price_is_it_and_the_priceless_fill_takes_the_residue():
    """S2 is V2: 0.12 at 1.01. V1 has no price, and what the average leaves is (0.3 × 1.0028 − 0.1806) ÷ 0.12."""
    whole = {"filled_qty": "0.3", "filled_avg_price": "1.0028"}
    planned = plan(
        [
            local_order(
                qty="0.3",
                limit_price="1",
                status="partially_filled",
                filled_qty="0.24",
                filled_avg_price="1.006",
            )
        ],
        [venue_order(qty="0.3", limit_price="1", status="filled", **whole)],
        fills=[fill("S2", "0.12", "1.01", filled_at=at(-1790))],
        history=history(
            fills=[
                fill("V1", "0.12", None, filled_at=at(-1800)),
                fill("V2", "0.12", "1.01", filled_at=at(-1790)),
                fill("V3", "0.06", "0.99", filled_at=at(-1780)),
            ]
        ),
    )
    rows = {row["fill_id"]: (row["price"], row["price_estimated"]) for row in planned["projected_fills"]}
    assert (rows["V1"], rows["V2"], rows["V3"]) == (("1.002", True), ("1.01", False), ("0.99", False))
    assert stands(planned, "v-1") == "filled 0.3 @ 1.0028"
    assert "average_drift" not in kinds(planned)


# Noise, and what else is judged of the order


def test_noise_does_not_outrank_an_end():
    """The open list is behind and says 0.3 as a binary float; the history has the order filled."""
    whole = {"qty": "0.3", "filled_avg_price": "100"}
    planned = plan(
        [local_order(qty="0.3")],
        [venue_order(status="partially_filled", filled_qty="0.30000000000000004", **whole)],
        history=history(
            orders=[venue_order(status="filled", filled_qty="0.3", updated_at=at(-500), **whole)]
        ),
    )
    assert stands(planned, "v-1") == "filled 0.3 @ 100"


def test_filled_but_for_noise_is_never_reopened():
    whole = {"qty": "0.30000000000000004", "filled_qty": "0.3", "filled_avg_price": "100"}
    planned = plan([local_order(status="filled", **whole)], [venue_order(status="partially_filled", **whole)])
    assert planned["corrections"] == []
    assert the_break(planned, "reopened")["reason"] == "filled_never_reopened"


@pytest.mark.parametrize("average", ["101", None])
def test_what_fills_come_to_but_for_noise_is_the_record_of_an_order_by_notional(average):
    planned = plan(
        [local_order(order_type="market", limit_price=None, qty="0.29", by_notional=True)],
        [
            venue_order(
                order_type="market",
                limit_price=None,
                qty=None,
                status="filled",
                filled_qty="0.30000000000000004",
                filled_avg_price=average,
            )
        ],
        history=history(
            fills=[fill("F1", "0.1", "101"), fill("F2", "0.2", "101", filled_at=at(-1700))],
        ),
    )
    assert projected_fills(planned) == {"F1": "0.1", "F2": "0.2"}
    assert stands(planned, "v-1") == "filled 0.3 @ 101"
    assert "price_missing" not in kinds(planned)


def test_a_booked_row_with_noise_takes_nothing_from_the_next_fill():
    planned = plan(
        [local_order(status="partially_filled", filled_qty="0.74", filled_avg_price="100")],
        [venue_order(status="partially_filled", filled_qty="1.234")],
        fills=[fill("F1", "0.37"), fill("F2", "0.37000000000000005", filled_at=at(-1790))],
        history=history(
            fills=[
                fill("F1", "0.37"),
                fill("F2", "0.37000000000000005", filled_at=at(-1790)),
                fill("F3", "0.494", filled_at=at(-1780)),
            ]
        ),
    )
    assert steps(planned) == ["book_fill v-1 F3 0.494 @ 100"]
    assert stands(planned, "v-1") == "partially_filled 1.234 @ 100"


@pytest.mark.parametrize("booked", [[], [fill("F1", "5")]])
def test_what_fills_lack_of_the_record_by_noise_is_not_inferred(booked):
    """Without an average it had no price; with one, a fill of 0.000000000000002 was booked."""
    standing = {"status": "partially_filled", "filled_qty": "5", "filled_avg_price": "100"} if booked else {}
    for average in (None, "101"):
        planned = plan(
            [local_order(limit_price=None, order_type="market", **standing)],
            [
                venue_order(
                    limit_price=None,
                    order_type="market",
                    status="filled",
                    filled_qty="10",
                    filled_avg_price=average,
                )
            ],
            fills=booked,
            history=history(
                fills=[fill("F1", "5"), fill("F2", "4.999999999999998", "102", filled_at=at(-1700))]
            ),
        )
        assert stands(planned, "v-1") == "filled 10 @ 101"
        assert projected_fills(planned)["F2"] == "5"
        assert "inferred" not in projected_fills(planned)


def test_noise_that_is_left_without_a_fill_keeps_no_estimate_from_the_residue():
    """0.6 were booked without a fill, and F2 at an estimate: it is at (0.9 × 100 − 0.6 × 97) ÷ 0.3 = 106."""
    planned = plan(
        [local_order(status="partially_filled", filled_qty="0.9", filled_avg_price="98")],
        [venue_order(status="partially_filled", filled_qty="0.9", filled_avg_price="100")],
        fills=[fill("F2", "0.2999999999999999", "98", price_estimated=True, filled_at=at(-1700))],
        history=history(fills=[fill("F1", "0.6", "97"), fill("F2", "0.3", None, filled_at=at(-1700))]),
    )
    prices = {row["fill_id"]: row["price"] for row in planned["projected_fills"]}
    assert (prices["F1"], prices["F2"][:6]) == ("97", "106")
    assert stands(planned, "v-1") == "partially_filled 0.9 @ 100"


# Money that is no quantity, and an end


BY_MONEY: Document = {"order_type": "market", "limit_price": None}


@pytest.mark.parametrize(
    ("filled_qty", "average", "qty"),
    [
        ("0.0001", "60000", "20"),  # 20 were to be spent, 6 were
        ("0", None, "20"),  # nothing filled: no price tells, the figure is far from the estimate
    ],
)
@pytest.mark.parametrize("status", ["canceled", "expired"])
def test_what_was_to_be_spent_is_no_quantity_of_an_order_that_was_cut_short(filled_qty, average, qty, status):
    record = BY_MONEY | {"qty": qty, "filled_qty": filled_qty, "filled_avg_price": average, "status": status}
    planned = plan(
        [local_order(**BY_MONEY, qty="0.00033", by_notional=True)], answers=[found(venue_order(**record))]
    )
    order = projected(planned, "v-1")
    assert (order["qty"], order["filled_qty"], order["status"]) == ("0.00033", filled_qty, status)


@pytest.mark.parametrize(("filled_qty", "average"), [("0.0001", "60000"), ("0", None)])
def test_the_quantity_of_one_that_was_cut_short_is_taken(filled_qty, average):
    record = BY_MONEY | {"qty": "0.00034", "filled_qty": filled_qty, "filled_avg_price": average}
    planned = plan(
        [local_order(**BY_MONEY, qty="0.00033", by_notional=True)],
        answers=[found(venue_order(status="canceled", **record))],
    )
    assert projected(planned, "v-1")["qty"] == "0.00034"


@pytest.mark.parametrize(
    ("told_now", "kind"),
    [
        ({"filled_qty": "995", "filled_avg_price": "1", "status": "filled"}, "status_drift"),
        ({"filled_qty": "995", "filled_avg_price": "1.0001", "status": "filled"}, "status_drift"),
        ({"filled_qty": "1000.5", "filled_avg_price": "0.999", "status": "canceled"}, "overfill"),
    ],
)
def test_at_a_price_of_about_one_a_quantity_is_not_taken_for_money(told_now, kind):
    planned = plan([local_order(**BY_MONEY, qty="1000")], [venue_order(**BY_MONEY, qty="1000", **told_now)])
    assert kind in kinds(planned)
    assert [one for one in planned["corrections"] if one["kind"] in ("amend_order", "set_status")] == []
