"""Identity is account, instrument, venue order id; a client order id that several orders carry is no id at all."""

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
    plan,
    plan_bytes,
    quiet,
    snapshot,
    steps,
    the_break,
    trade,
    unknown,
    venue_order,
)

ETH = {"symbol": "ETH/USD"}
BTC = {"symbol": "BTC/USD", "client_order_id": "c-2"}
FULL = {"status": "filled", "filled_qty": "10", "filled_avg_price": "100"}
HALF = {"status": "partially_filled", "filled_qty": "5", "filled_avg_price": "100"}


def booked(planned):
    """Symbol, kind and effective quantity of each projected fill."""
    fills = [
        (one["symbol"], "inferred" if one["inferred"] else one["fill_id"])
        for one in planned["projected_fills"]
    ]
    return sorted(fills)


def stand(planned):
    """Every projected order by its instrument: status and filled quantity."""
    return {one["symbol"]: f"{one['status']} {one['filled_qty']}" for one in planned["projected_orders"]}


# Two instruments, one number


def test_two_unknown_orders_of_one_number_are_two_orders():
    planned = plan([], [venue_order(**HALF), venue_order(**BTC, status="pending_new")])
    assert stand(planned) == {"ETH/USD": "partially_filled 5", "BTC/USD": "pending_new 0"}
    assert {one["venue_order_id"] for one in planned["projected_orders"]} == {"v-1"}
    assert len({one["break_id"] for one in planned["breaks"]}) == 2
    assert len({one["correction_id"] for one in planned["corrections"]}) == 3
    assert len({one["notification_id"] for one in planned["notifications"]}) == 3


def test_their_inferred_fills_are_two_fills():
    planned = plan([], [venue_order(**HALF), venue_order(**BTC | HALF)])
    assert len({one["fill_id"] for one in planned["projected_fills"]}) == 2


def test_what_an_order_replaces_is_of_its_own_instrument():
    """The books' v-1 is ETH's and filled; the BTC order took the place of BTC's v-1, which is to be read first."""
    successor = venue_order(venue_order_id="v-2", **BTC, replaces="v-1")
    planned = plan([local_order(**FULL)], [successor])
    assert steps(planned) == []
    assert [(one["id"], one["symbol"], one["reason"]) for one in planned["queries"]] == [
        ("v-1", "BTC/USD", "predecessor_not_read")
    ]


def test_whose_a_successor_is_says_no_order_of_another_instrument():
    """Of two orders numbered v-1 the bot's own was ETH's, which is not managed, ended long ago and is not listed. A
    stranger's BTC order took the place of BTC's v-1: it is a stranger's, too."""
    stranger = venue_order(venue_order_id="v-2", symbol="BTC/USD", client_order_id="web-7", replaces="v-1")
    own = local_order(status="canceled", trade_id=None, **ETH)
    answers = [
        {"by": "venue_order_id", "id": "v-1", "outcome": "found", "order": own, "read_at": at(-10)},
        absent("v-2"),
        absent("web-7", "client_order_id"),
    ]
    keys = {
        "policy": {"owned_client_order_id_prefixes": ["c"], "managed_symbols": ["BTC/USD"]},
        "local_keys": {"extent": "open_and_recent", "answers": answers},
    }
    planned = plan([], [stranger], **keys)
    assert steps(planned) == []
    assert [(one["id"], one["symbol"], one["reason"]) for one in planned["queries"]] == [
        ("v-1", "BTC/USD", "predecessor_not_read")
    ]
    planned = plan([], [stranger], answers=[absent("v-1") | {"symbol": "BTC/USD"}], **keys)
    assert steps(planned) == []
    assert kinds(planned) == {"foreign_order"}


def test_a_decision_is_about_its_own_instruments_order():
    """ETH's v-1, whose repair was undone, is not read in this run; BTC's v-1 is in sync, which says nothing of it."""
    undone = {
        "decision_id": "d-1",
        "kind": "hold_repair",
        "venue_order_id": "v-1",
        "client_order_id": "c-1",
        **ETH,
        "evidence": ["aa"],
        "author": "ann",
        "reason": "it is my own",
        "decided_at": at(-600),
    }
    held = {"decisions": [undone, undone | {"decision_id": "d-2", "client_order_id": "c-3", "symbol": "SPY"}]}
    planned = plan([local_order(**BTC)], [venue_order(**BTC)], local_keys=held)
    assert planned.get("lapsed", []) == []
    told = {one["symbol"]: one["message"].split()[-1].strip("`") for one in planned["breaks"]}
    assert told == {"ETH/USD": "d-1", "SPY": "d-2"}


def test_each_of_two_undoings_of_one_order_is_told():
    """A person undid a repair of the order, it was made when more had filled, and that was undone, too."""
    undone = {
        "decision_id": "d-1",
        "kind": "hold_repair",
        "venue_order_id": "v-1",
        "client_order_id": "c-2",
        "symbol": "BTC/USD",
        "evidence": ["aa"],
        "author": "ann",
        "reason": "it is my own",
        "decided_at": at(-600),
    }
    held = {"decisions": [undone, undone | {"decision_id": "d-2", "evidence": ["bb"]}]}
    planned = plan([], [], local_keys=held)
    told = [
        one["message"].split()[-1].strip("`") for one in planned["breaks"] if one["kind"] == "repair_undone"
    ]
    assert told == ["d-1", "d-2"]


def test_nothing_of_how_they_are_told_apart_shows():
    document = snapshot(
        [local_order(), local_order(**BTC, previous_venue_order_ids=["v-0"])],
        [venue_order(**HALF, replaces="v-9")],
        history=history([], [fill("F1", "5", **ETH)]),
        answers=[unknown("v-1")],
    )
    text = plan_bytes(document)
    assert b"\\u0001" not in text
    assert b"\x01" not in text


@pytest.mark.parametrize("kin", ["parent_venue_order_id", "replaces"])
@pytest.mark.parametrize("listed", [True, False])
def test_a_relative_of_that_number_is_of_its_own_instrument(kin, listed):
    """A leg, or a successor, of another instrument's v-1 is no relative of the books' v-1."""
    stranger = venue_order(
        **ETH | {"venue_order_id": "v-2", "client_order_id": None, "side": "sell", kin: "v-1"}
    )
    planned = plan(
        [local_order(**BTC, trade_id="t-1")],
        [stranger, *([venue_order(**BTC)] if listed else [])],
        trades=[trade(symbol="BTC/USD")],
        policy={"owned_client_order_id_prefixes": ["c"]},
    )
    assert steps(planned) == []


@pytest.mark.parametrize("where", ["open", "history", "answers"])
def test_a_known_and_an_unknown_one(where):
    """The one that is known ended; the other is inserted, wherever it was read."""
    other = venue_order(**BTC | HALF)
    rows = [venue_order(status="canceled")] + ([other] if where == "open" else [])
    past = [other] if where == "history" else []
    answers = [found(other, symbol="BTC/USD")] if where == "answers" else []
    planned = plan([local_order()], rows, history=history(past), answers=answers)
    assert stand(planned) == {"ETH/USD": "canceled 0", "BTC/USD": "partially_filled 5"}


def test_both_known_locally():
    planned = plan(
        [local_order(), local_order(**BTC)],
        [venue_order(status="canceled")],
        history=history([venue_order(**BTC | FULL)]),
    )
    assert stand(planned) == {"ETH/USD": "canceled 0", "BTC/USD": "filled 10"}


def test_both_known_and_in_sync_is_quiet():
    assert quiet(plan([local_order(), local_order(**BTC)], [venue_order(), venue_order(**BTC)]))


def test_a_known_one_never_takes_the_other_s_record():
    """ETH left the open list, BTC of the same number is there: ETH is asked for, BTC inserted."""
    planned = plan([local_order()], [venue_order(**BTC)])
    assert steps(planned) == ["insert_order v-1"]
    assert [(one["id"], one["symbol"]) for one in planned["queries"]] == [("v-1", "ETH/USD")]


def test_both_gone_both_are_asked_for():
    planned = plan([local_order(), local_order(**BTC)], [])
    assert sorted((one["id"], one["symbol"]) for one in planned["queries"]) == [
        ("v-1", "BTC/USD"),
        ("v-1", "ETH/USD"),
    ]


def test_an_answer_is_of_the_instrument_that_was_asked_about():
    gone = {
        "kind": "missing_at_venue",
        "first_seen_at": at(-120),
        "last_seen_at": at(-30),
        "confirmations": 2,
    }
    findings = plan([local_order(), local_order(**BTC)], [], answers=[absent("v-1", symbol="ETH/USD")])[
        "findings"
    ]
    assert {one["client_order_id"] for one in findings} == {"c-1", "c-2"}
    prior = [gone | {"break_id": one["break_id"], "version": 3} for one in findings]
    answers = [
        absent("v-1", symbol="ETH/USD"),
        absent("c-1", "client_order_id"),
        found(venue_order(**BTC), symbol="BTC/USD"),
    ]
    planned = plan([local_order(), local_order(**BTC)], [], answers=answers, prior=prior)
    assert stand(planned) == {"ETH/USD": "canceled 0"}


def test_an_absent_answer_that_names_no_instrument_is_of_neither():
    planned = plan(
        [local_order(), local_order(**BTC)], [], answers=[absent("v-1"), absent("c-1", "client_order_id")]
    )
    assert len(asked(planned)) == 2
    assert kinds(planned) == {"missing_at_venue"}
    assert all(one["confirmations"] == 0 for one in planned["findings"])


def test_fills_go_to_the_order_of_their_instrument():
    fills = [fill("F1", "5", **ETH), fill("F1", "10", symbol="btc-usd")]
    planned = plan(
        [local_order(), local_order(**BTC)],
        [venue_order(**HALF)],
        history=history([venue_order(**BTC | FULL)], fills),
    )
    assert stand(planned) == {"ETH/USD": "partially_filled 5", "BTC/USD": "filled 10"}
    assert [one[1] for one in booked(planned)] == ["F1", "F1"]


def test_a_fill_that_names_no_instrument_is_of_neither():
    loose = fill("F1", "5", symbol=None)
    planned = plan(
        [local_order(), local_order(**BTC)],
        [venue_order(), venue_order(**BTC)],
        history=history(fills=[loose]),
    )
    assert steps(planned) == []
    assert asked(planned) == ["venue venue_order_id v-1"]


def test_what_one_instrument_replaced_the_other_did_not():
    """v-2 replaced ETH's v-1; BTC's v-1 is as it was."""
    records = [venue_order(venue_order_id="v-2", client_order_id="c-9", replaces="v-1"), venue_order(**BTC)]
    ended = venue_order(status="replaced", replaced_by="v-2", filled_qty="0")
    planned = plan([local_order(), local_order(**BTC)], records, history=history([ended]))
    [bound] = planned["projected_orders"]
    assert (bound["symbol"], bound["venue_order_id"], bound["previous_venue_order_ids"]) == (
        "ETH/USD",
        "v-2",
        ["v-1"],
    )


def test_a_former_id_is_known_in_its_own_instrument_only():
    bound = local_order(venue_order_id="v-2", previous_venue_order_ids=["v-1"])
    planned = plan([bound], [venue_order(venue_order_id="v-2"), venue_order(**BTC)])
    assert steps(planned) == ["insert_order v-1"]


def test_an_order_out_of_scope_hides_none_of_another_instrument():
    policy = {"managed_symbols": ["ETH/USD"]}
    planned = plan([local_order(**BTC)], [venue_order()], policy=policy)
    assert steps(planned) == ["insert_order v-1"]


def test_the_ledger_knows_one_of_them():
    """Asked for v-1, the ledger had BTC's: ETH's is unknown to it."""
    known = {"by": "venue_order_id", "id": "v-1", "outcome": "found", "order": local_order(**BTC | FULL)}
    answers = [known, absent("c-1", "client_order_id")]
    keys = {"extent": "open_and_recent", "answers": answers}
    planned = plan([], [venue_order()], history=history([venue_order(**BTC | FULL)]), local_keys=keys)
    assert steps(planned) == ["insert_order v-1"]
    assert stand(planned) == {"ETH/USD": "pending_new 0"}


def test_another_profile_has_one_of_them():
    theirs = {"by": "venue_order_id", "id": "v-1", "outcome": "found", "symbol": "BTC/USD"}
    answers = [theirs, absent("c-1", "client_order_id"), absent("c-2", "client_order_id")]
    keys = {"extent": "open_and_recent", "answers": answers}
    planned = plan([], [venue_order(), venue_order(**BTC)], local_keys=keys)
    assert stand(planned) == {"ETH/USD": "pending_new 0"}


def of_another_instrument(**answer):
    """An open order, or one of the history, whose number the ledger has in BTC/USD only, as it says."""
    theirs = {"by": "venue_order_id", "id": "v-1", "outcome": "found", "symbol": "BTC/USD"} | answer
    return {"extent": "open_and_recent", "answers": [theirs, absent("c-1", "client_order_id")]}


@pytest.mark.parametrize("where", ["open", "history"])
def test_whether_the_ledger_s_order_of_another_instrument_is_another_one_is_asked(where):
    record = venue_order(**(HALF if where == "open" else FULL))
    planned = plan(
        [],
        [record] if where == "open" else [],
        history=history([record] if where == "history" else []),
        local_keys=of_another_instrument(),
        policy={"coverage_enabled": True},
    )
    assert [(one["id"], one["symbol"]) for one in planned["queries"]] == [("v-1", "BTC/USD")]
    assert steps(planned) == []


@pytest.mark.parametrize(
    ("answer", "is_inserted"),
    [
        (found(venue_order(**BTC | FULL), symbol="BTC/USD"), True),
        (absent("v-1", symbol="BTC/USD"), True),
        (found(venue_order(), symbol="BTC/USD"), False),  # one order of this number, whatever the instrument
        (unknown("v-1") | {"symbol": "BTC/USD"}, False),
    ],
)
def test_the_venue_s_word_on_that_instrument_tells(answer, is_inserted):
    planned = plan([], [venue_order()], answers=[answer], local_keys=of_another_instrument())
    assert ("insert_order v-1" in steps(planned)) is is_inserted
    assert not [one for one in planned["queries"] if one["by"] == "venue_order_id"]


def test_a_number_that_only_a_link_names_is_answered_for_its_instrument():
    """The history begins after v-1, which v-2 replaced; BTC/USD has a v-1 of its own. No question comes again."""
    successor = venue_order(venue_order_id="v-2", replaces="v-1", **FULL)
    answers = [
        {"by": "venue_order_id", "id": "v-1", "outcome": "found", "order": local_order(**BTC | FULL)},
        *(absent(one) for one in ("v-2", "c-1")),
        *(absent(one, "client_order_id") for one in ("c-1", "c-2", "v-1", "v-2")),
    ]
    planned = plan(
        [],
        [],
        history=history([successor, venue_order(**BTC | FULL)]),
        answers=[absent("v-1", symbol="ETH/USD")],
        local_keys={"extent": "open_and_recent", "answers": answers},
        policy={"coverage_enabled": True},
    )
    assert not [one for one in planned["queries"] if one["side"] == "local"]


def test_replanning_the_projection_is_quiet():
    records = [venue_order(**HALF), venue_order(**BTC | HALF)]
    first = plan([], records)
    again = plan(first["projected_orders"], records, fills=first["projected_fills"])
    assert quiet(again)


def test_a_person_s_decision_names_the_instrument():
    decision = {
        "decision_id": "d-1",
        "kind": "disown_order",
        "venue_order_id": "v-1",
        "symbol": "BTC/USD",
        "author": "ann",
        "reason": "hers",
        "decided_at": at(-60),
    }
    records = [venue_order(client_order_id=None), venue_order(client_order_id=None, symbol="BTC/USD")]
    planned = plan([], records, local_keys={"decisions": [decision]})
    assert stand(planned) == {"ETH/USD": "pending_new 0"}
    assert the_break(planned, "foreign_order")["symbol"] == "BTC/USD"


# One order or two: the venue is asked


def test_one_record_of_another_instrument_is_a_conflict_and_a_question():
    planned = plan([local_order()], [venue_order(symbol="BTC/USD")])
    assert kinds(planned) == {"identity_conflict"}
    assert [(one["id"], one["symbol"]) for one in planned["queries"]] == [("v-1", "ETH/USD")]


@pytest.mark.parametrize(
    ("answer", "steps_"),
    [
        (
            found(venue_order(status="canceled"), symbol="ETH/USD"),
            ["set_status v-1 canceled", "insert_order v-1"],
        ),
        (absent("v-1", symbol="ETH/USD"), ["insert_order v-1"]),
        (found(venue_order(symbol="BTC/USD"), symbol="ETH/USD"), []),
        (unknown("v-1") | {"symbol": "ETH/USD"}, []),
    ],
)
def test_its_answer_tells(answer, steps_):
    planned = plan([local_order()], [venue_order(symbol="BTC/USD")], answers=[answer])
    assert steps(planned) == steps_
    assert ("identity_conflict" in kinds(planned)) is (steps_ == [])
    assert not [one for one in planned["queries"] if one["by"] == "venue_order_id"]


def test_a_fill_of_another_instrument_asks_for_that_one_s_order():
    of_btc = fill("F1", "4", symbol="BTC/USD")
    keys = {"history": history(fills=[of_btc])}
    planned = plan([local_order()], [venue_order()], **keys)
    assert kinds(planned) == {"identity_conflict"}
    assert [(one["id"], one["symbol"]) for one in planned["queries"]] == [("v-1", "BTC/USD")]
    answers = [found(venue_order(**BTC | HALF | {"filled_qty": "4"}), symbol="BTC/USD")]
    told = plan([local_order()], [venue_order()], answers=answers, **keys)
    assert steps(told) == ["insert_order v-1", "book_fill v-1 F1 4 @ 100"]
    assert stand(told) == {"BTC/USD": "partially_filled 4"}


# One client order id in many orders


def tagged(*numbers, **keys):
    return [local_order(client_order_id="42", venue_order_id=f"v-{n}", **keys) for n in numbers]


def test_a_tag_refuses_nothing_matches_nothing_and_is_named_once():
    records = [venue_order(client_order_id="42", venue_order_id=f"v-{n}") for n in (2, 3)]
    ended = venue_order(client_order_id="42", **FULL)
    planned = plan(tagged(1, 2, 3), records, history=history([ended]))
    assert steps(planned) == ["book_fill v-1 inferred 10 @ 100", "set_status v-1 filled"]
    assert the_break(planned, "identity_conflict")["severity"] == "info"
    assert the_break(planned, "identity_conflict")["client_order_id"] == "42"
    assert planned["projected_orders"][0]["client_order_id"] == "42"


def test_a_tag_is_named_where_everything_is_in_sync_and_again_in_the_next_run():
    records = [venue_order(client_order_id="42", venue_order_id=f"v-{n}") for n in (1, 2)]
    first = plan(tagged(1, 2), records)
    assert [one["reason"] for one in first["breaks"]] == ["client_id_shared"]
    again = plan(tagged(1, 2), records, prior=first["findings"])
    assert [one["break_id"] for one in again["breaks"]] == [one["break_id"] for one in first["breaks"]]


def test_a_new_order_with_the_tag_is_inserted_without_it():
    records = [venue_order(client_order_id="42", venue_order_id=f"v-{n}") for n in (1, 2, 3)]
    planned = plan(tagged(1, 2), records)
    assert steps(planned) == ["insert_order v-3"]
    assert planned["projected_orders"][0]["client_order_id"] is None


@pytest.mark.parametrize("where", ["open", "history"])
def test_a_new_order_with_the_tag_may_be_a_row_that_was_not_acknowledged(where):
    """A row was sent with the tag and has no venue order id yet: v-4 may be it, and is not inserted beside it."""
    sent = local_order(client_order_id="42", venue_order_id=None, trade_id="t-4", qty="7")
    other = venue_order(venue_order_id="v-4", client_order_id="42", **(HALF if where == "open" else FULL))
    records = [venue_order(venue_order_id=f"v-{n}", client_order_id="42") for n in (1, 2)]
    planned = plan(
        [*tagged(1, 2), sent],
        [*records, *([other] if where == "open" else [])],
        history=history([other] if where == "history" else []),
        policy={"coverage_enabled": True},
    )
    assert not any(step.startswith("insert_order") for step in steps(planned))
    assert "client_id_reused" in {one["reason"] for one in planned["breaks"]}


def test_a_new_order_of_another_side_is_not_that_row():
    sent = local_order(client_order_id="42", venue_order_id=None, trade_id="t-4", qty="7")
    records = [venue_order(venue_order_id=f"v-{n}", client_order_id="42") for n in (1, 2)]
    other = venue_order(venue_order_id="v-4", client_order_id="42", side="sell", **HALF)
    assert "insert_order v-4" in steps(plan([*tagged(1, 2), sent], [*records, other]))


def test_a_new_order_is_not_a_row_that_ended_unacknowledged():
    """The venue refused the row's order: v-4, which is live, is another one."""
    refused = local_order(client_order_id="42", venue_order_id=None, trade_id="t-4", status="rejected")
    records = [venue_order(venue_order_id=f"v-{n}", client_order_id="42") for n in (1, 2)]
    other = venue_order(venue_order_id="v-4", client_order_id="42")
    assert steps(plan([*tagged(1, 2), refused], [*records, other])) == ["insert_order v-4"]


def test_a_tag_still_says_whose_an_order_is():
    records = [venue_order(client_order_id="42", venue_order_id=f"v-{n}") for n in (1, 2, 3)]
    policy = {"owned_client_order_id_prefixes": ["42"]}
    assert steps(plan(tagged(1, 2), records, policy=policy)) == ["insert_order v-3"]


def test_an_order_that_has_only_a_tag_is_not_asked_for_by_it():
    bare = [local_order(client_order_id="42", venue_order_id=None, trade_id=f"t-{n}") for n in (1, 2)]
    planned = plan(bare, [])
    assert asked(planned) == []
    assert [one["reason"] for one in planned["breaks"]] == ["client_id_shared"] + ["no_id_to_query"] * 2
    assert len({one["break_id"] for one in planned["breaks"]}) == 3


def test_a_fill_with_only_a_tag_goes_to_none():
    loose = fill("F1", "3", venue_order_id=None, client_order_id="42")
    records = [venue_order(client_order_id="42", venue_order_id=f"v-{n}") for n in (1, 2)]
    assert steps(plan(tagged(1, 2), records, history=history(fills=[loose]))) == []


def test_the_same_tag_at_the_venue_alone_is_named_once_too():
    local = local_order(venue_order_id=None)
    planned = plan([local], [venue_order(), venue_order(venue_order_id="v-2")])
    assert [one["reason"] for one in planned["breaks"]].count("client_id_shared") == 1


def test_a_trade_is_moved_by_the_orders_that_carry_a_tag():
    records = [venue_order(client_order_id="42", venue_order_id=f"v-{n}", **FULL) for n in (1, 2)]
    orders = tagged(1, 2, trade_id="t-1")
    planned = plan(orders, [], history=history(records), trades=[trade()])
    assert planned["projected_trades"][0]["entry_qty"] == "20"
