"""Situations that people met, each file of `tests/data/decisions` by the command line, with the answer that is right.

What is expected is by hand: exit code, corrections in order, and the reasons of the breaks that stay.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.acceptance.plan.snapshots import steps
from trueup.surfaces.cli.main import commands

FOLDER = Path(__file__).parents[2] / "data" / "decisions"
IN_SYNC, BREAKS, INCOMPLETE = 0, 2, 3
RIGHT: dict[str, tuple[int, list[str], set[str]]] = {
    # a fee that the books lack is taken over, another one is told
    "01b-fee-in-base-fill-without-fee": (IN_SYNC, ["amend_fill v1"], set()),
    "01h-fee-only-differs": (BREAKS, [], {"fee_differs"}),
    # short of 1 is left at the venue; a position is not listed
    "09c-flip-next-run-default": (BREAKS, [], {"beyond_open_qty"}),
    "20c-position-row-missing-alpaca-like": (BREAKS, [], {"position_unknown", "venue_holds_more"}),
    # the fill without a price cost what the average leaves for it
    "29e-one-of-two-fills-price-zero": (
        BREAKS,
        ["book_fill v1 F1 4 @ 100 estimated", "book_fill v1 F2 6 @ 101", "set_status v1 filled"],
        set(),
    ),
    "29l-limit-price-booked-entry": (BREAKS, ["amend_order v1 "], set()),
    "36d-execution-corrected-answered": (BREAKS, [], {"execution_corrected"}),
    "37a-one-client-id-for-many-orders": (
        BREAKS,
        ["book_fill v1 inferred 10 @ 100", "set_status v1 filled"],
        {"client_id_shared"},
    ),
    # two instruments, one number: two orders
    "38e-same-venue-id-both-unknown-history": (
        BREAKS,
        [
            *("insert_order 512726567", "book_fill 512726567 inferred 10 @ 0.00001"),
            *("insert_order 512726567", "book_fill 512726567 inferred 5 @ 0.0002"),
        ],
        set(),
    ),
    "38f-same-venue-id-both-unknown-open": (
        BREAKS,
        ["insert_order 512726567", "insert_order 512726567"],
        set(),
    ),
    # 1e-17 is no quantity
    "41b-float-artefact-filled": (BREAKS, ["book_fill v1 inferred 0.3 @ 100", "set_status v1 filled"], set()),
    "41h-float-artefact-two-fills": (
        BREAKS,
        ["book_fill v1 F 0.1 @ 100", "book_fill v1 G 0.2 @ 100", "set_status v1 filled"],
        set(),
    ),
    "45d-notional-under-estimate": (
        BREAKS,
        ["amend_order v1 qty=1.4872", "book_fill v1 inferred 1.4872 @ 302.58", "set_status v1 filled"],
        set(),
    ),
    "60b-answer-without-status": (INCOMPLETE, [], {"status_not_known"}),
    "account_changed_books": (INCOMPLETE, [], {"live_locally_not_in_open_orders"}),
    "autoclose_quarantined_by_null": (BREAKS, [], {"venue_holds_less"}),
    "autoclose_two_trades_negative_baseline": (BREAKS, [], {"venue_holds_less"}),
    # 9 at 110 of 10 at 108: the one that is left stays inferred, at 90
    "avg_made_worse_by_supersede": (BREAKS, ["supersede_fill v1 F2 9 @ 110 for 9 of legacy"], set()),
    "closed_trade_reopened_by_text_10.0": (BREAKS, ["supersede_fill v1 F2 10 @ 108 for 10 of legacy"], set()),
    "exit-told-first": (
        BREAKS,
        [
            *("book_fill zz-entry inferred 1 @ 1000", "set_status zz-entry filled"),
            *("book_fill aa-exit inferred 1 @ 1010", "set_status aa-exit filled"),
        ],
        set(),
    ),
    "failed_open_with_rows_cancels": (INCOMPLETE, [], set()),
    "filled_then_qty_raised": (BREAKS, ["amend_order v1 qty=15"], set()),
    "mass_absence_unacked": (BREAKS, [], {"mass_absence"}),
    "other_granularity_no_record_double": (INCOMPLETE, [], set()),
    # the missed 3 are booked, and the trade is whole
    "overrun": (BREAKS, ["book_fill v-1 inferred 3 @ 1000", "set_status v-1 filled"], set()),
    "release_reopens_closed_trade": (IN_SYNC, [], set()),
    "stream_id_duplicates_with_record": (
        BREAKS,
        ["supersede_fill v1 V1 2 @ 100 for 2 of S1", "book_fill v1 V2 3 @ 101"],
        set(),
    ),
    "successor_of_unknown_predecessor_foreign": (INCOMPLETE, [], set()),
}


def judged(name: str) -> tuple[int, dict[str, Any]]:
    done = CliRunner().invoke(commands, ["plan", "--snapshot", str(FOLDER / f"{name}.json"), "--json"])
    return done.exit_code, json.loads(done.stdout)


def test_every_file_has_an_answer():
    assert {one.stem for one in FOLDER.glob("*.json")} == set(RIGHT)


@pytest.mark.parametrize("name", RIGHT)
def test_the_answer_is_right(name):
    exit_code, planned = judged(name)
    told = {one["reason"] for one in planned["breaks"] if not one["corrected"]}
    assert (exit_code, steps(planned), told) == RIGHT[name]


@pytest.mark.parametrize(
    ("name", "orders"),
    [
        ("29e-one-of-two-fills-price-zero", {("v1", "filled", "10", "100.6")}),
        ("29l-limit-price-booked-entry", {("v1", "filled", "10", "95")}),
        ("41b-float-artefact-filled", {("v1", "filled", "0.3", "100")}),
        ("45d-notional-under-estimate", {("v1", "filled", "1.4872", "302.58")}),
        ("avg_made_worse_by_supersede", {("v1", "filled", "10", "108")}),
        ("stream_id_duplicates_with_record", {("v1", "partially_filled", "5", "100.6")}),
        ("filled_then_qty_raised", {("v1", "partially_filled", "10", "1000")}),
    ],
)
def test_what_the_order_then_says(name, orders):
    _, planned = judged(name)
    keys = ("venue_order_id", "status", "filled_qty", "filled_avg_price")
    assert {tuple(one[key] for key in keys) for one in planned["projected_orders"]} == orders


@pytest.mark.parametrize(
    ("name", "trades"),
    [
        ("overrun", {"t1": "closed 10/10"}),
        ("exit-told-first", {"t1": "closed 1/1"}),
        ("38e-same-venue-id-both-unknown-history", {"t-1": "open 10/0", "t-2": "open 5/0"}),
        ("closed_trade_reopened_by_text_10.0", {}),
        ("release_reopens_closed_trade", {}),
        ("autoclose_quarantined_by_null", {}),
        ("autoclose_two_trades_negative_baseline", {}),
    ],
)
def test_what_the_trades_then_say(name, trades):
    _, planned = judged(name)
    assert {
        one["trade_id"]: f"{one['status']} {one['entry_qty']}/{one['exit_qty']}"
        for one in planned["projected_trades"]
    } == trades


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("other_granularity_no_record_double", {("v1", "fills_ahead_of_record")}),
        ("successor_of_unknown_predecessor_foreign", {("v1", "predecessor_not_read")}),
        ("account_changed_books", {("v1", "live_locally_not_in_open_orders")}),
    ],
)
def test_what_is_asked_first(name, asked):
    _, planned = judged(name)
    assert {(one["id"], one["reason"]) for one in planned["queries"]} == asked


def test_an_entry_is_told_before_its_exit():
    _, planned = judged("exit-told-first")
    assert [one["kind"] for one in planned["notifications"]] == ["entry_fill", "exit_fill"]


def test_what_is_amended_and_live_again_is_settled_in_one_plan():
    _, planned = judged("filled_then_qty_raised")
    snapshot = json.loads((FOLDER / "filled_then_qty_raised.json").read_text())
    snapshot["local"]["orders"] = planned["projected_orders"]
    again = CliRunner().invoke(commands, ["plan", "--snapshot", "-", "--json"], input=json.dumps(snapshot))
    assert json.loads(again.stdout)["corrections"] == []


def test_a_mass_absence_is_an_error():
    _, planned = judged("mass_absence_unacked")
    assert "ERROR" in {one["severity"] for one in planned["alerts"] if "vanished at once" in one["message"]}


def test_what_an_average_leaves_for_is_inferred():
    _, planned = judged("avg_made_worse_by_supersede")
    inferred = [(one["qty"], one["price"]) for one in planned["projected_fills"] if one["inferred"]]
    assert inferred in ([("1", "90")], [])  # the quantity without a fill need not have a row
