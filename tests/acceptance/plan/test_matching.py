"""Matching: which venue order is which local order, and when that is not certain."""

import pytest

from tests.acceptance.plan.snapshots import (
    asked,
    at,
    fill,
    found,
    history,
    kinds,
    local_order,
    open_orders,
    plan,
    projected,
    projected_fills,
    quiet,
    stands,
    steps,
    the_break,
    trade,
    venue_order,
)

GONE = {"status": "canceled"}
HALF = {"status": "partially_filled", "filled_qty": "5", "filled_avg_price": "100"}
PATTERN = {"client_order_id_pattern": r"^b1\.(?P<trade>[^.]+)\.(?P<action>entry|exit)"}


def test_books_that_agree_are_quiet():
    assert quiet(plan([local_order()], [venue_order()]))


# By id


@pytest.mark.parametrize(
    ("local_id", "venue_id"), [("v-1", "v-1"), ("V-1", "v-1"), (" v-1 ", "V-1"), ("0xAB", "0xab ")]
)
def test_by_venue_order_id_trimmed_and_in_any_case(local_id, venue_id):
    planned = plan(
        [local_order(venue_order_id=local_id, client_order_id=None)],
        [venue_order(venue_order_id=venue_id, **GONE)],
    )
    assert planned["corrections"][-1]["changes"] == {"status": "canceled"}


def test_by_a_previous_venue_order_id():
    local = local_order(venue_order_id="v-2", previous_venue_order_ids=["V-1"], client_order_id=None)
    planned = plan([local], [venue_order(client_order_id=None, **HALF)])
    assert "missing_locally" not in kinds(planned)
    assert "insert_order v-1" not in steps(planned)


def test_by_client_order_id_where_the_local_order_has_no_venue_id():
    planned = plan([local_order(venue_order_id=None, client_order_id="C-1 ")], [venue_order()])
    assert kinds(planned) == {"ids_incomplete"}
    [correction] = planned["corrections"]
    assert (correction["kind"], correction["changes"]["venue_order_id"]) == ("bind_ids", "v-1")
    assert planned["breaks"][0]["severity"] == "info"


def test_every_id_of_both_sides_is_indexed():
    # D 2: the local order knows only its client id, the venue order has both.
    planned = plan([local_order(venue_order_id=None)], [venue_order(**HALF)])
    assert projected(planned, "v-1")["filled_qty"] == "5"
    assert "missing_locally" not in kinds(planned)
    assert "missing_at_venue" not in kinds(planned)


@pytest.mark.parametrize("useless", ["", "0", "api", " API "])
def test_useless_client_ids_never_match(useless):
    local = local_order(venue_order_id=None, client_order_id=useless, trade_id="t-1")
    planned = plan(
        [local], [venue_order(venue_order_id="v-9", client_order_id=useless, **HALF)], trades=[trade()]
    )
    assert not any(step.startswith("bind_ids") for step in steps(planned))
    assert all(order["venue_order_id"] == "v-9" for order in planned["projected_orders"])


def test_two_orders_with_useless_client_ids_are_two_orders():
    planned = plan(
        [local_order(client_order_id="0"), local_order(client_order_id="0", venue_order_id="v-2")],
        [venue_order(client_order_id="0"), venue_order(venue_order_id="v-2", client_order_id="0", **GONE)],
    )
    assert steps(planned) == ["set_status v-2 canceled"]


def test_a_client_id_shared_by_several_venue_orders_never_matches():
    local = local_order(venue_order_id=None)
    planned = plan([local], [venue_order(**HALF), venue_order(venue_order_id="v-2", **HALF)])
    assert not any(step.startswith("bind_ids") for step in steps(planned))
    assert stands(planned, "c-1") is None


def test_a_client_id_that_now_carries_another_venue_id_is_no_match():
    planned = plan([local_order()], [venue_order(venue_order_id="v-2", **HALF)])
    assert "venue venue_order_id v-1" in asked(planned)
    assert stands(planned, "v-1") is None
    assert not any(step.startswith("bind_ids") for step in steps(planned))


# By pattern


def unnamed(**keys):
    return local_order(client_order_id=None, venue_order_id=None, trade_id="t-1", **keys)


def patterned(**keys):
    return venue_order(venue_order_id="v-9", client_order_id="b1.t-1.entry.1", **keys)


def test_by_the_pattern_where_it_is_unique_on_both_sides():
    planned = plan([unnamed()], [patterned()], trades=[trade()], policy=PATTERN)
    [correction] = planned["corrections"]
    assert correction["kind"] == "bind_ids"
    assert correction["changes"]["venue_order_id"] == "v-9"
    assert "missing_locally" not in kinds(planned)


@pytest.mark.parametrize(
    "difference",
    [
        {"symbol": "BTC/USD"},
        {"side": "sell"},
        {"qty": "11"},
        {"client_order_id": "b1.t-2.entry.1"},
        {"client_order_id": "m-1"},
    ],
)
def test_not_by_the_pattern_where_trade_symbol_side_or_quantity_differ(difference):
    venue = patterned() | difference
    planned = plan([unnamed()], [venue], trades=[trade()], policy=PATTERN)
    assert not any(step.startswith("bind_ids") for step in steps(planned))


def test_not_by_the_pattern_where_two_venue_orders_fit():
    second = patterned() | {"venue_order_id": "v-8", "client_order_id": "b1.t-1.entry.2"}
    planned = plan([unnamed()], [patterned(), second], trades=[trade()], policy=PATTERN)
    assert not any(step.startswith("bind_ids") for step in steps(planned))


def bracket(*others):
    """An order that the bot sent, and legs to which the venue gave its client order id."""
    leg = patterned(side="sell", parent_venue_order_id="v-9")
    legs = [leg | {"venue_order_id": "v-10", "limit_price": "120"}, leg | {"venue_order_id": "v-11"}]
    return [patterned(), *legs, *others]


def sent():
    return local_order(client_order_id="b1.t-1.entry.1", venue_order_id=None, trade_id="t-1")


def test_by_the_pattern_where_its_client_order_id_is_also_its_legs():
    """A client order id that several orders carry is none: the terms name the order, where no other has them."""
    planned = plan([sent()], bracket(), trades=[trade()], policy=PATTERN)
    bound = next(one for one in planned["corrections"] if one["kind"] == "bind_ids")
    assert bound["changes"] == {"venue_order_id": "v-9"}
    inserted = [one["venue_order_id"] for one in planned["corrections"] if one["kind"] == "insert_order"]
    assert inserted == ["v-10", "v-11"]


@pytest.mark.parametrize(
    "rows",
    [
        bracket(patterned() | {"venue_order_id": "v-8"}),  # another one with the same terms
        [patterned(qty="11"), *bracket()[1:]],
        [patterned() | {"client_order_id": "b1.t-1.entry.2"}, *bracket()[1:]],  # another id is another order
    ],
)
def test_a_shared_client_order_id_is_told_where_the_terms_name_no_order(rows):
    planned = plan([sent()], rows, trades=[trade()], policy=PATTERN)
    assert not any(step.startswith("bind_ids") for step in steps(planned))
    assert "identity_conflict" in kinds(planned)


@pytest.mark.parametrize("state", ["partial", "failed"])
def test_an_incomplete_read_does_not_prove_that_only_one_order_fits(state):
    listed = open_orders([patterned()], state) if state == "partial" else open_orders([], state)
    ended = history([patterned() | GONE]) if state == "failed" else None
    planned = plan([unnamed()], listed, history=ended, trades=[trade()], policy=PATTERN)
    assert steps(planned) == []
    assert [one["reason"] for one in planned["deferred"]] == ["open_orders_incomplete"] * 2


def test_not_by_the_pattern_where_the_local_order_has_a_venue_id():
    # D 2: a trade id matches only when nothing better exists.
    local = local_order(client_order_id=None, trade_id="t-1")
    planned = plan([local], [patterned()], trades=[trade()], policy=PATTERN)
    assert not any(step.startswith("bind_ids") for step in steps(planned))
    assert "venue venue_order_id v-1" in asked(planned)


# Conflicts


def test_a_second_local_row_for_one_venue_order_is_a_conflict_and_nothing_of_either_is_booked():
    first = local_order(client_order_id="c-7")
    second = local_order(venue_order_id=None, client_order_id="c-1")
    planned = plan([first, second], [venue_order(**HALF)])
    assert "identity_conflict" in kinds(planned)
    assert planned["corrections"] == planned["notifications"] == []


@pytest.mark.parametrize("difference", [{"symbol": "BTC/USD"}, {"side": "sell"}])
def test_contradicting_symbol_or_side_is_a_conflict_and_nothing_is_booked(difference):
    planned = plan([local_order()], [venue_order(**(HALF | difference))])
    assert kinds(planned) == {"identity_conflict"}
    assert planned["corrections"] == []


def test_a_symbol_that_one_side_does_not_know_contradicts_nothing():
    planned = plan([local_order()], [venue_order(symbol=None, side=None, **GONE)])
    assert steps(planned) == ["set_status v-1 canceled"]


def test_a_fill_that_names_one_order_by_client_id_and_another_by_venue_id_is_a_conflict():
    second = local_order(venue_order_id="v-2", client_order_id="c-2")
    venue_second = venue_order(venue_order_id="v-2", client_order_id="c-2")
    crossed = fill("F1", "3", venue_order_id="v-1", client_order_id="c-2")
    planned = plan([local_order(), second], [venue_order(), venue_second], history=history(fills=[crossed]))
    assert "identity_conflict" in kinds(planned)
    assert planned["corrections"] == []


@pytest.mark.parametrize("says", [{"side": "sell"}, {"symbol": "BTC/USD"}])
def test_a_fill_that_contradicts_its_orders_symbol_or_side_is_a_conflict_and_nothing_is_booked(says):
    half = venue_order(status="partially_filled", filled_qty="4", filled_avg_price="100")
    planned = plan([local_order()], [half], history=history([], [fill("F1", "4", **says)]))
    assert the_break(planned, "identity_conflict")["reason"] == "symbol_or_side_contradicts"
    assert (steps(planned), kinds(planned)) == ([], {"identity_conflict"})


def test_a_fill_that_contradicts_a_discovered_order_is_not_taken_for_its():
    half = venue_order(status="partially_filled", filled_qty="4", filled_avg_price="100")
    planned = plan([], [half], history=history([], [fill("F1", "4", "90", side="sell")]))
    assert steps(planned) == ["insert_order v-1", "book_fill v-1 inferred 4 @ 100"]


def test_a_fill_whose_symbol_is_spelled_otherwise_contradicts_nothing():
    half = venue_order(status="partially_filled", filled_qty="4", filled_avg_price="100")
    planned = plan(
        [local_order()], [half], history=history([], [fill("F1", "4", symbol="ethusd", side=None)])
    )
    assert steps(planned) == ["book_fill v-1 F1 4 @ 100"]


def test_a_venue_order_that_a_local_fill_names_but_no_local_order_has_is_a_conflict():
    booked = fill("F1", "5", venue_order_id="v-9")
    planned = plan([], [venue_order(venue_order_id="v-9", client_order_id="c-9", **HALF)], fills=[booked])
    assert "identity_conflict" in kinds(planned)
    assert planned["corrections"] == []


def test_a_fill_with_only_a_client_id_that_several_orders_carry_goes_to_none():
    first = venue_order(client_order_id="shared")
    second = venue_order(venue_order_id="v-2", client_order_id="shared")
    local = [local_order(client_order_id=None), local_order(client_order_id=None, venue_order_id="v-2")]
    loose = fill("F1", "3", venue_order_id=None, client_order_id="shared")
    planned = plan(local, [first, second], history=history(fills=[loose]))
    assert projected_fills(planned) == {}
    assert "book_fill" not in {correction["kind"] for correction in planned["corrections"]}


def test_a_venue_id_that_a_local_order_out_of_scope_has_is_not_inserted():
    planned = plan(
        [local_order(symbol="BTC/USD")], [venue_order(**HALF)], policy={"managed_symbols": ["ETH/USD"]}
    )
    assert planned["corrections"] == []


# Several records of one venue order


def test_of_two_records_the_one_with_more_filled_wins():
    stale = venue_order()
    planned = plan([local_order()], [stale], history=history([venue_order(**HALF)]))
    assert stands(planned, "v-1") == "partially_filled 5 @ 100"


def test_of_two_records_with_equal_fills_the_terminal_one_wins():
    planned = plan([local_order()], [venue_order()], history=history([venue_order(**GONE)]))
    assert steps(planned) == ["set_status v-1 canceled"]


@pytest.mark.parametrize(
    ("record", "state", "ended"),
    [
        ({"end_derived": True}, "complete", False),
        ({"end_derived": True}, "partial", True),
        ({"end_derived": True, "updated_at": at(-500)}, "complete", True),
        ({"end_derived": True, "updated_at": at(-700)}, "complete", False),
        ({"end_derived": True, "updated_at": None}, "complete", False),
        ({}, "complete", True),
    ],
)
def test_a_derived_end_does_not_outrank_a_complete_open_list_that_is_not_older(record, state, ended):
    past = history([venue_order(**(GONE | record))])
    planned = plan([local_order()], open_orders([venue_order()], state), history=past)
    assert steps(planned) == (["set_status v-1 canceled"] if ended else [])


def test_a_price_that_only_one_of_two_records_has_is_taken_however_the_quantity_is_spelled():
    records = [venue_order(**HALF | {"filled_avg_price": None}), venue_order(**HALF | {"filled_qty": "5.0"})]
    assert stands(plan([local_order(limit_price=None)], records), "v-1") == "partially_filled 5 @ 100"


def test_what_a_derived_end_has_filled_still_counts():
    past = history([venue_order(**(HALF | {"status": "canceled", "end_derived": True}))])
    planned = plan([local_order()], [venue_order()], history=past)
    assert stands(planned, "v-1") == "partially_filled 5 @ 100"


def test_more_filled_beats_terminal():
    behind = venue_order(**(HALF | {"status": "canceled", "filled_qty": "3"}))
    planned = plan([local_order()], [venue_order(**HALF)], answers=[found(behind)])
    assert stands(planned, "v-1") == "partially_filled 5 @ 100"


@pytest.mark.parametrize("where", ["history", "answers"])
def test_history_and_answers_match_even_where_the_open_orders_were_not_read(where):
    record = venue_order(**GONE)
    read = {"history": history([record])} if where == "history" else {"answers": [found(record)]}
    planned = plan([local_order()], open_orders([], state="failed", error="timeout"), **read)
    assert steps(planned) == ["set_status v-1 canceled"]


def test_a_correction_never_names_the_client_id_of_another_local_order():
    """v-1 and v-2 both carry c-1 at the venue; the row that had v-1 is bound to it, and c-1 stays the other's."""
    bare = local_order(
        client_order_id=None, venue_order_id=None, trade_id="t-1", previous_venue_order_ids=["v-1"]
    )
    named = local_order(client_order_id="c-1", venue_order_id=None)
    records = [venue_order(), venue_order(venue_order_id="v-2")]
    [bound] = [
        one
        for one in plan([bare, named], records)["corrections"]
        if one["kind"] == "bind_ids" and one["trade_id"] == "t-1"
    ]
    assert (bound["client_order_id"], bound["venue_order_id"]) == (None, "v-1")


@pytest.mark.parametrize("sides_first", [True, False])
@pytest.mark.parametrize("spell", [str, str.upper, lambda text: f" {text} "])
def test_which_conflict_of_a_fill_is_told_does_not_hang_on_how_its_records_are_written(spell, sides_first):
    """The two records say of F1: v-1's, but of another side; and v-1's by one id, c-2's by the other."""
    sides = fill("F1", "4", side="sell", venue_order_id=spell("v-1"), client_order_id="c-1")
    two = fill("F1", "4", client_order_id="c-2")
    rows = [sides, two] if sides_first else [two, sides]
    orders = [local_order(), local_order(client_order_id="c-2", venue_order_id="v-2")]
    lives = [venue_order(), venue_order(venue_order_id="v-2", client_order_id="c-2")]
    planned = plan(orders, lives, history=history([], rows))
    assert {one["venue_order_id"]: one["reason"] for one in planned["breaks"]} == {
        "v-1": "fill_names_two_orders",
        "v-2": "fill_names_two_orders",
    }
    assert planned["corrections"] == []
