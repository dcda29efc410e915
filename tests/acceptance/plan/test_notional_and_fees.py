"""Orders by notional have no quantity before they ended; fees that the books lack are taken over (design.md)."""

import pytest

from tests.acceptance.plan.snapshots import (
    asked,
    fill,
    history,
    kinds,
    local_order,
    plan,
    plan_of,
    projected,
    quiet,
    snapshot,
    stands,
    steps,
    the_break,
    trade,
    venue_order,
)

MARKET = {"order_type": "market", "limit_price": None}
ESTIMATE = MARKET | {"qty": "1.45"}  # 450 USD at 310
UNKNOWN = MARKET | {"qty": None}


def filled(qty: str | None, price: str | None = "302.58", status: str = "filled", **keys):
    return {"status": status, "filled_qty": qty, "filled_avg_price": price} | keys


# Orders by notional


@pytest.mark.parametrize("told", ["1.4872", "1.4"])  # the estimate was too low, and too high
@pytest.mark.parametrize("marks", [{}, {"by_notional": True}])
def test_the_estimate_decides_neither_overfill_nor_filled(told, marks):
    planned = plan([local_order(**ESTIMATE)], [venue_order(**UNKNOWN | filled(told), **marks)])
    assert stands(planned, "v-1") == f"filled {told} @ 302.58"
    order = projected(planned, "v-1")
    assert (order["qty"], order["by_notional"]) == (told, True)
    assert {one["reason"] for one in planned["breaks"] if not one["corrected"]} == set()
    document = snapshot([order], [venue_order(**UNKNOWN | filled(told), **marks)])
    assert quiet(plan_of(document))


def test_while_it_lives_an_estimate_too_low_is_raised_and_one_too_high_stays():
    raised = plan(
        [local_order(**ESTIMATE)], [venue_order(**UNKNOWN | filled("1.46", status="partially_filled"))]
    )
    assert stands(raised, "v-1") == "partially_filled 1.46 @ 302.58"
    assert projected(raised, "v-1")["qty"] == "1.46"
    stays = plan(
        [local_order(**ESTIMATE)], [venue_order(**UNKNOWN | filled("1.3", status="partially_filled"))]
    )
    assert projected(stays, "v-1")["qty"] == "1.45"


def test_marked_by_the_bot_a_limit_order_is_by_notional_too():
    planned = plan(
        [local_order(qty="4", by_notional=True)],
        [venue_order(qty=None, **filled("4.2", "99", "partially_filled"))],
    )
    assert stands(planned, "v-1") == "partially_filled 4.2 @ 99"


def test_a_limit_order_of_which_the_venue_tells_no_quantity_keeps_its_own():
    planned = plan([local_order()], [venue_order(qty=None, **filled("10.5", "100"))])
    assert "overfill" in kinds(planned)
    assert planned["corrections"] == []


@pytest.mark.parametrize(
    "record",
    [
        MARKET
        | {"qty": "9.99"}
        | filled("23.52", "0.4247"),  # 23.52 × 0.4247 = 9.988944: what was to be spent
        MARKET | {"qty": "450"} | filled("1.4872", "302.58"),  # 1.4872 × 302.58 = 449.997
        MARKET | {"qty": "9.99"} | filled("12", "0.4247", "partially_filled"),
    ],
)
def test_an_amount_of_quote_currency_is_never_taken_for_one_of_base(record):
    estimate = str(round(float(record["filled_qty"]) * 0.99, 4))
    planned = plan([local_order(**MARKET | {"qty": estimate})], [venue_order(**record)])
    assert (
        stands(planned, "v-1") == f"{record['status']} {record['filled_qty']} @ {record['filled_avg_price']}"
    )
    assert projected(planned, "v-1")["qty"] == record["filled_qty"]
    assert "overfill" not in kinds(planned)


def test_a_market_order_in_base_is_no_order_by_notional():
    """10 at 100 and 10 filled are no 1,000 to be spent; a true overfill is one."""
    planned = plan([local_order(**MARKET)], [venue_order(**MARKET | filled("11", "100"))])
    assert "overfill" in kinds(planned)


def test_filled_without_a_quantity_is_not_the_estimate():
    planned = plan([local_order(**ESTIMATE)], [venue_order(**UNKNOWN | filled(None, None))])
    assert planned["corrections"] == []
    assert the_break(planned, "fill_drift")["reason"] == "filled_qty_missing"


def test_the_venues_quantity_is_taken_once_it_ended():
    ended = MARKET | {"qty": "1.4872"} | filled("1.4872")
    planned = plan([local_order(**ESTIMATE, by_notional=True)], [venue_order(**ended)])
    assert projected(planned, "v-1")["qty"] == "1.4872"


@pytest.mark.parametrize("by_notional", [False, True])
def test_an_unknown_order_is_inserted_as_the_venue_knows_it(by_notional):
    record = MARKET | {"qty": "450"} | filled("1.4872")
    planned = plan([], [venue_order(**record, by_notional=by_notional)])
    assert stands(planned, "v-1") == "filled 1.4872 @ 302.58"
    order = projected(planned, "v-1")
    assert (order["qty"], order["by_notional"]) == (None, by_notional)


@pytest.mark.parametrize("zero", ["0", "0.00000000"])
def test_a_quantity_of_zero_is_none(zero):
    """Binance's `origQty` of an order by `quoteOrderQty`; of a limit order the bot's own quantity counts."""
    by_money = plan([local_order(**ESTIMATE)], [venue_order(**ESTIMATE | {"qty": zero} | filled("1.4872"))])
    assert stands(by_money, "v-1") == "filled 1.4872 @ 302.58"
    assert projected(by_money, "v-1")["qty"] == "1.4872"
    inserted = plan([], [venue_order(**ESTIMATE | {"qty": zero} | filled("1.4872"))])
    assert stands(inserted, "v-1") == "filled 1.4872 @ 302.58"
    below = plan([local_order()], [venue_order(qty=zero, **filled("5", "100"))])
    assert the_break(below, "status_drift")["reason"] == "filled_below_qty"
    whole = plan([local_order()], [venue_order(qty=zero, **filled(None, "100"))])
    assert stands(whole, "v-1") == "filled 10 @ 100"


@pytest.mark.parametrize(
    ("record", "stays"),
    [
        (filled("0.0001", "60000", "canceled"), True),  # 0.00033 at 60,000 are 19.8, not 0.00033
        (filled("0.0001", "60000", "partially_filled"), True),
        (filled("0", None, "pending_new"), True),  # 60,000 times what the bot recorded
        (filled("0.0001", "1.2", "canceled"), False),  # 0.00033 at 1.2 are no 20 either
    ],
)
def test_money_is_told_from_a_quantity_by_what_the_bot_recorded(record, stays):
    planned = plan(
        [local_order(**MARKET | {"qty": "0.00033"})], [venue_order(**MARKET | {"qty": "20"} | record)]
    )
    amended = [one["changes"] for one in planned["corrections"] if one["kind"] == "amend_order"]
    assert amended == ([] if stays else [{"qty": "20"}])


@pytest.mark.parametrize("qty", ["11", "15", "9"])
@pytest.mark.parametrize("record", [filled("0", None, "pending_new"), filled("4", "100", "canceled")])
def test_another_quantity_of_a_market_order_is_taken_over(qty, record):
    planned = plan([local_order(**MARKET)], [venue_order(**MARKET | {"qty": qty} | record)])
    assert projected(planned, "v-1")["qty"] == qty


# Fees

FEE = {"fee": "0.002", "fee_currency": "ETH"}
WHOLE = {"status": "filled", "filled_qty": "10", "filled_avg_price": "100"}


def fees(booked, reported, **keys):
    return plan(
        [local_order(trade_id="t-1", **WHOLE)],
        [venue_order(**WHOLE)],
        trades=[trade(entry_qty="10", entry_avg_price="100")],
        fills=[fill("F1", "10", **booked)],
        history=history(fills=[fill("F1", "10", **reported)]),
        **keys,
    )


def test_a_fee_that_the_books_lack_is_taken_over_and_reaches_the_trade():
    planned = fees({}, FEE)
    [correction] = planned["corrections"]
    assert (correction["kind"], correction["fill"]) == ("amend_fill", None)
    assert correction["changes"] == {"fill_id": "F1"} | FEE
    [row] = planned["projected_fills"]
    assert (row["qty"], row["price"], row["fee"], row["fee_currency"]) == ("10", "100", "0.002", "ETH")
    assert [one["fee_base_qty"] for one in planned["projected_trades"]] == ["0.002"]
    assert planned["notifications"] == []
    assert the_break(planned, "fill_drift")["severity"] == "info"


def test_a_fee_in_quote_currency_moves_no_trade():
    planned = fees({}, {"fee": "2", "fee_currency": "USD"})
    assert planned["projected_trades"] == []
    assert [row["fee"] for row in planned["projected_fills"]] == ["2"]


def test_the_currency_alone_is_taken_over_too():
    planned = fees({"fee": "0.0020"}, FEE)
    assert [row["fee_currency"] for row in planned["projected_fills"]] == ["ETH"]
    assert [one["fee_base_qty"] for one in planned["projected_trades"]] == ["0.002"]


@pytest.mark.parametrize(
    "reported", [{"fee": "0.003", "fee_currency": "ETH"}, {"fee": "0.002", "fee_currency": "USD"}]
)
def test_a_fee_that_differs_is_told_and_stays(reported):
    planned = fees(FEE, reported)
    assert (planned["corrections"], planned["projected_fills"]) == ([], [])
    told = the_break(planned, "fill_drift")
    assert (told["reason"], told["severity"], told["corrected"]) == ("fee_differs", "warn", False)


@pytest.mark.parametrize(
    ("booked", "reported"),
    [
        (FEE, {}),  # the venue does not say
        (FEE, {"fee": "0.0020", "fee_currency": "eth"}),  # spelled otherwise
        ({}, {"fee": "0", "fee_currency": "ETH"}),  # nothing to take over
        (FEE, {"fee": "0.002"}),
    ],
)
def test_fees_that_agree(booked, reported):
    assert quiet(fees(booked, reported))


def test_a_fee_goes_with_the_fill_that_is_booked_beside_it():
    planned = plan(
        [local_order(trade_id="t-1", **WHOLE | {"filled_qty": "4", "status": "partially_filled"})],
        [venue_order(**WHOLE)],
        trades=[trade(entry_qty="4", entry_avg_price="100")],
        fills=[fill("F1", "4")],
        history=history(fills=[fill("F1", "4", **FEE), fill("F2", "6", fee="0.003", fee_currency="ETH")]),
    )
    assert [one["kind"] for one in planned["corrections"]] == ["amend_fill", "book_fill", "set_status"]
    assert [one["fee_base_qty"] for one in planned["projected_trades"]] == ["0.005"]
    assert steps(planned)[1] == "book_fill v-1 F2 6 @ 100"
    assert asked(planned) == []
