"""An unknown end is never in sync; what another account, or a failed read, says is nothing."""

import msgspec
import pytest

from tests.acceptance.plan.snapshots import (
    absent,
    asked,
    at,
    deferred,
    fill,
    found,
    history,
    kinds,
    local_order,
    open_orders,
    plan,
    plan_of,
    quiet,
    snapshot,
    steps,
    the_break,
    told,
    trade,
    venue_order,
)
from trueup.model.decode import decode_snapshot
from trueup.model.plan import Plan
from trueup.surfaces.cli.plan import exit_code


def code(document, planned):
    venue = {key: value for key, value in document["venue"].items() if value is not None}
    made = decode_snapshot(msgspec.json.encode(document | {"venue": venue}))
    return exit_code(made, msgspec.convert(planned, Plan))


def ended_somehow(**keys):
    """The venue answers with a word that is not known; its complete open list lacks the order."""
    return snapshot(
        [local_order()], [], answers=[found(venue_order(status=None, raw_status="marginCanceled"))], **keys
    )


def test_an_answer_without_a_known_status_is_told_in_every_run():
    document = ended_somehow()
    first = plan_of(document)
    assert (kinds(first), steps(first)) == ({"end_unknown"}, [])
    assert the_break(first, "end_unknown")["venue"] == {"status": None, "raw_status": "marginCanceled"}
    assert code(document, first) == 3
    again = plan_of(ended_somehow(prior=first["findings"], taken_at=at(3600)))
    assert kinds(again) == {"end_unknown"}


def test_its_fills_are_booked_all_the_same():
    record = venue_order(status=None, filled_qty="4", filled_avg_price="100")
    planned = plan([local_order()], [], answers=[found(record)])
    assert steps(planned) == ["book_fill v-1 inferred 4 @ 100"]
    assert "end_unknown" in kinds(planned)


def test_what_a_break_adds_is_worse_than_an_unknown_end():
    other = local_order(venue_order_id="v-2", client_order_id="c-2")
    record = venue_order(venue_order_id="v-2", client_order_id="c-2", status="canceled")
    document = ended_somehow()
    document["local"]["orders"].append(other)
    document["venue"]["open_orders"]["rows"].append(record)
    assert code(document, plan_of(document)) == 2


def test_an_order_that_the_open_list_has_is_not_ended():
    assert quiet(plan([local_order()], [venue_order(status=None)]))


def listed_nowhere(prior, now_s=0.0):
    """The answer has it live, the complete open list does not."""
    return plan([local_order()], [], answers=[found(venue_order())], prior=prior, taken_at=at(now_s))


@pytest.mark.parametrize(("after_s", "is_told"), [(59.9, False), (60, True), (600, True)])
def test_live_by_its_answer_but_not_listed_is_told_once_it_stands(after_s, is_told):
    first = listed_nowhere([])
    assert kinds(first) == set()
    [finding] = first["findings"]
    assert finding["kind"] == "end_unknown"
    assert ("end_unknown" in kinds(listed_nowhere(first["findings"], after_s))) is is_told


def test_positions_are_not_compared_while_an_end_is_unknown():
    planned = plan(
        [local_order(trade_id="t-1")],
        [],
        answers=[found(venue_order(status=None))],
        trades=[trade(entry_qty="10", entry_avg_price="100")],
        positions={"state": "complete", "rows": [{"symbol": "ETH/USD", "qty": "4"}]},
        policy={"parity_enabled": True},
    )
    assert "position_mismatch" not in kinds(planned)
    assert "not_settled" in deferred(planned)


# What does not count


OTHER_ACCOUNT = {"account_id": "acc-2", "recorded_account_id": "acc-1"}
HALF = venue_order(status="partially_filled", filled_qty="4", filled_avg_price="100")


@pytest.mark.parametrize(
    "says",
    [
        {"venue": [HALF]},
        {"history": history([HALF], [fill("F1", "4")])},
        {"answers": [found(HALF)]},
        {"answers": [found(venue_order(status="replaced", replaced_by="v-2"))]},
        {"venue": [venue_order(venue_order_id="v-2", replaces="v-1")], "answers": [absent("v-1")]},
        {"venue": [venue_order(sub_tag="desk-1")], "policy": {"sub_tag_repair_enabled": True}},
        {"venue": [venue_order(venue_order_id="v-9", client_order_id="c-9")]},
    ],
)
def test_records_of_another_account_correct_nothing(says):
    keys = dict(says)
    planned = plan([local_order()], keys.pop("venue", []), venue_keys=OTHER_ACCOUNT, **keys)
    assert (steps(planned), told(planned)) == ([], [])
    assert planned["projected_orders"] == planned["projected_trades"] == []


def test_a_person_s_mapping_waits_while_another_account_answers():
    decision = {
        "decision_id": "d-1",
        "kind": "map_trade",
        "venue_order_id": "v-1",
        "trade_id": "t-1",
        "author": "ann",
        "reason": "mine",
        "decided_at": at(-60),
    }
    keys = {
        "trades": [trade()],
        "local_keys": {"orders": [local_order()], "trades": [trade()], "decisions": [decision]},
    }
    assert steps(plan([], [venue_order()], **keys)) == ["bind_ids v-1"]
    assert steps(plan([], [venue_order()], venue_keys=OTHER_ACCOUNT, **keys)) == []


@pytest.mark.parametrize(
    "reads",
    [
        {"venue": open_orders([venue_order(status="canceled")], state="failed")},
        {"history": history([venue_order(status="canceled")], state="failed")},
        {"history": history([], [fill("F1", "4")], state="failed")},
    ],
)
def test_rows_of_a_failed_read_are_not_there(reads):
    keys = {"venue": open_orders([], state="failed")} | reads
    assert steps(plan([local_order()], keys.pop("venue"), **keys)) == []


def test_positions_of_a_failed_read_are_not_there():
    planned = plan(
        [],
        [],
        trades=[trade(entry_qty="10", entry_avg_price="100")],
        positions={"state": "failed", "rows": [{"symbol": "ETH/USD", "qty": "0"}], "error": "timeout"},
        policy={"parity_enabled": True, "exit_backfill_enabled": True, "missing_position_is_flat": True},
    )
    assert "position_mismatch" not in kinds(planned)
    assert steps(planned) == []


# Exit code 3 where everything was put off


def test_a_run_whose_every_order_is_deferred_is_incomplete():
    recent = local_order(last_activity_at=at(-1))
    document = snapshot([recent], [venue_order(status="canceled")])
    planned = plan_of(document)
    assert (planned["breaks"], deferred(planned)) == ([], {"recent_activity"})
    assert code(document, planned) == 3


def test_one_that_was_judged_is_enough():
    recent = local_order(last_activity_at=at(-1))
    other = local_order(venue_order_id="v-2", client_order_id="c-2")
    record = venue_order(venue_order_id="v-2", client_order_id="c-2")
    document = snapshot([recent, other], [venue_order(status="canceled"), record])
    assert code(document, plan_of(document)) == 0


# A replacement without marks


OWN = {"owned_client_order_id_prefixes": ["bot"]}


def successor(**keys):
    return venue_order(venue_order_id="w-1", client_order_id="9f1c", replaces="v-1", **keys)


def test_a_replacement_is_asked_about_before_it_is_called_foreign():
    planned = plan([], [successor()], policy=OWN)
    assert asked(planned) == ["venue venue_order_id v-1"]
    assert kinds(planned) == set()


def test_it_is_whose_its_predecessor_is():
    before = venue_order(client_order_id="bot-1", status="replaced", replaced_by="w-1")
    planned = plan([], [successor()], policy=OWN, answers=[found(before)])
    assert "insert_order w-1" in steps(planned)
    theirs = venue_order(client_order_id="x-1", status="replaced", replaced_by="w-1")
    assert kinds(plan([], [successor()], policy=OWN, answers=[found(theirs)])) == {"foreign_order"}


def test_it_is_foreign_where_its_predecessor_is_nowhere():
    planned = plan([], [successor()], policy=OWN, answers=[absent("v-1")])
    assert (kinds(planned), asked(planned)) == ({"foreign_order"}, [])


def test_what_replaced_another_profile_s_order_is_foreign_without_a_question():
    others = [
        {"by": "venue_order_id", "id": "v-1", "outcome": "found"},
        {"by": "venue_order_id", "id": "w-1", "outcome": "absent"},
        {"by": "client_order_id", "id": "9f1c", "outcome": "absent"},
    ]
    keys = {"local_keys": {"extent": "open_and_recent", "answers": others}}
    planned = plan([], [successor()], policy=OWN, **keys)
    assert (kinds(planned), asked(planned)) == ({"foreign_order"}, [])


# A quantity that the venue raised


def test_an_order_filled_completely_whose_quantity_was_raised_is_amended_and_live_again():
    full = {"status": "filled", "filled_qty": "10", "filled_avg_price": "100"}
    raised = venue_order(status="partially_filled", qty="15", filled_qty="10", filled_avg_price="100")
    planned = plan([local_order(**full)], [raised])
    changes = [one["changes"] for one in planned["corrections"]]
    assert changes == [{"qty": "15"}, {"status": "partially_filled"}]
    again = plan([local_order(**full) | planned["projected_orders"][0]], [raised])
    assert quiet(again)
