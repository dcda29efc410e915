"""Exit backfill: venue exits of trades that are still open locally, booked whole or refused with a reason."""

import pytest

from tests.acceptance.plan.snapshots import (
    asked,
    at,
    fill,
    history,
    kinds,
    local_order,
    plan,
    projected,
    projected_trade,
    stands,
    steps,
    told,
    trade,
    venue_order,
)

ON = {"exit_backfill_enabled": True}
PREFIX = {"owned_client_order_id_prefixes": ["bot"]}
LONG = {"entry_qty": "10", "entry_avg_price": "90"}
NOWHERE = [
    {"by": "venue_order_id", "id": "v-9", "outcome": "absent"},
    {"by": "client_order_id", "id": "t-9-exit", "outcome": "absent"},
]


def sold(qty: str = "4", number: int = 9, **keys):
    """A sale of so much at 110, filled at the venue, unknown locally."""
    return venue_order(
        **(
            {
                "venue_order_id": f"v-{number}",
                "client_order_id": f"bot-{number}",
                "side": "sell",
                "qty": qty,
                "status": "filled",
                "filled_qty": qty,
                "filled_avg_price": "110",
            }
            | keys
        )
    )


def holding(qty: str | None, **keys):
    rows = [] if qty is None else [{"symbol": "ETH/USD", "qty": qty, "mark_price": "100"}]
    return {"state": "complete", "read_at": at(-1), "rows": rows} | keys


def backfill(*exits, qty: str | None = "6", policy=None, **keys):
    """Trade t-1 is long 10; the venue holds `qty`."""
    keys = {"trades": [trade(**LONG)], "positions": holding(qty), "history": history(exits)} | keys
    return plan([], [], policy=ON | (policy or {}), **keys)


def figures(planned) -> list[int]:
    result = planned["result"]["exit_backfill"]
    return [result[key] for key in ("open_trade_candidates", "proposed", "inserted", "no_go_trades")]


def refusals(planned) -> dict[str, int]:
    reasons: dict[str, int] = planned["result"]["no_go_reason_counts"]
    assert sum(reasons.values()) == planned["result"]["no_go_trades"]
    assert steps(planned) == []
    return reasons


# Booked


def test_an_exit_that_equals_the_shortfall_is_inserted():
    planned = backfill(sold())
    assert figures(planned) == [1, 1, 1, 0]
    assert steps(planned)[0] == "insert_exit v-9"
    assert stands(planned, "v-9") == "filled 4 @ 110"
    row = projected(planned, "v-9")
    assert (row["trade_id"], row["action"], row["side"]) == ("t-1", "exit", "sell")
    assert projected_trade(planned) == "open 10/4"
    assert "exit_fill v-9 4 @ 110 of 4" in told(planned)
    assert "missing_exit" in kinds(planned)


def test_several_exits_together_are_one_batch():
    planned = backfill(sold("3", 8), sold("1", 9))
    assert figures(planned) == [1, 2, 2, 0]
    assert projected_trade(planned) == "open 10/4"
    assert planned["result"]["exit_backfill"]["batch_id"]


def test_the_whole_trade():
    planned = backfill(sold("10"), qty="0")
    assert projected_trade(planned) == "closed 10/10"


def test_a_canceled_exit_with_fills_counts_with_what_filled():
    planned = backfill(sold("9", status="canceled", filled_qty="4"))
    assert stands(planned, "v-9") == "canceled 4 @ 110"
    assert projected_trade(planned) == "open 10/4"


def test_a_closed_trade_whose_fee_becomes_known_lacks_no_exit():
    """Its entry's fee is read in the run that looks for exits: the venue holds nothing, and nothing is open."""
    planned = plan(
        [local_order(trade_id="t-1", status="filled", filled_qty="10", filled_avg_price="90")],
        [],
        fills=[fill("F1", "10", "90")],
        history=history(
            [venue_order(status="filled", filled_qty="10", filled_avg_price="90")],
            [fill("F1", "10", "90", fee="0.01", fee_currency="ETH")],
        ),
        trades=[trade(**LONG, status="closed")],
        positions=holding("0"),
        policy=ON,
    )
    assert projected_trade(planned) == "closed 10/0"
    assert figures(planned) == [0, 0, 0, 0]


def test_a_short_trade_is_bought_back():
    planned = backfill(sold(side="buy"), qty="-6", trades=[trade(side="short", **LONG)])
    assert figures(planned) == [1, 1, 1, 0]
    assert projected_trade(planned) == "open 10/4"


def test_within_the_tolerance():
    step = [{"symbol": "ETH/USD", "qty_step": "0.001", "quote": "USD"}]
    assert figures(backfill(sold("3.999"), instruments=step)) == [1, 1, 1, 0]


def test_a_dry_run_only_proposes():
    planned = backfill(sold(), policy={"exit_backfill_dry_run": True})
    assert figures(planned) == [1, 1, 0, 0]
    assert planned["result"]["exit_backfill"]["dry_run"] is True
    assert steps(planned) == []


def test_a_trade_that_parity_quarantined_is_mended():
    planned = backfill(sold(), trades=[trade(**LONG, status="quarantined", quarantined_by="parity")])
    assert figures(planned) == [1, 1, 1, 0]


# Nothing to do


def test_a_trade_that_the_venue_holds_is_no_candidate():
    planned = backfill(sold(), qty="10")
    assert figures(planned) == [0, 0, 0, 0]
    assert steps(planned) == []


def test_more_than_the_trade_is_no_shortfall():
    assert figures(backfill(sold(), qty="11")) == [0, 0, 0, 0]


def test_a_closed_trade_is_no_candidate():
    assert figures(backfill(sold(), trades=[trade(**LONG, exit_qty="10", status="closed")], qty="0")) == [
        0,
        0,
        0,
        0,
    ]


@pytest.mark.parametrize(
    ("policy", "fault", "alerted"),
    [(ON, "not_given", []), (ON, None, ["positions_not_read"]), ({}, "not_given", ["disabled"])],
)
def test_what_an_audit_was_not_given_is_no_alarm_but_a_stage_that_is_off_is(policy, fault, alerted):
    unread = {"state": "failed", "error": "not read", "fault": fault}
    planned = plan([], [], trades=[trade(**LONG)], positions=unread, policy=policy)
    keys = [one["dedupe_key"].split(":") for one in planned["alerts"]]
    assert [why for _, stage, why in keys if stage == "exit_backfill"] == alerted


def test_switched_off():
    planned = plan([], [], trades=[trade(**LONG)], positions=holding("6"), history=history([sold()]))
    result = planned["result"]["exit_backfill"]
    assert (result["attempted"], result["skipped_reason"]) == (False, "disabled")
    assert steps(planned) == []
    [alert] = [one for one in planned["alerts"] if "exit_backfill" in one["dedupe_key"]]
    assert alert["severity"] == "ERROR"


# The history it needs


def test_a_history_that_starts_after_the_trade_is_asked_for():
    planned = backfill(history=history([sold()], since=at(-60)))
    [query] = [one for one in planned["queries"] if one["by"] == "history"]
    assert (query["symbol"], query["since"], query["id"]) == ("ETH/USD", at(-7200), None)
    assert steps(planned) == []


def test_no_history_is_asked_for_where_nothing_is_short():
    assert asked(backfill(qty="10", history=history([], since=at(-60)))) == []


# Refused


@pytest.mark.parametrize(
    "positions", [holding("6", state="failed"), holding("6", state="partial"), holding(None)]
)
def test_position_unknown(positions):
    assert refusals(backfill(sold(), positions=positions)) == {"position_unknown": 1}


def test_positions_that_were_never_asked_for_skip_the_stage():
    # Reading: a venue without positions is no news of every run; each trade as a no-go would trip the watchdog.
    planned = backfill(sold(), positions=None)
    result = planned["result"]["exit_backfill"]
    assert (result["attempted"], result["skipped_reason"]) == (False, "positions_not_read")
    assert refusals(planned) == {}


@pytest.mark.parametrize("state", ["failed", "partial"])
def test_history_incomplete(state):
    planned = backfill(history=history([sold()], state=state))
    assert refusals(planned) == {"history_incomplete": 1}


def test_no_exit_found():
    assert refusals(backfill()) == {"no_exit_found": 1}


def test_a_live_exit_is_no_exit_yet():
    live = sold("9", status="partially_filled", filled_qty="4")
    planned = backfill(live)
    assert steps(planned)[0] == "insert_order v-9"  # it is discovered, and books what it filled
    assert figures(planned) == [0, 0, 0, 0]


def test_an_exit_that_is_booked_is_no_exit_to_book():
    known = local_order(
        venue_order_id="v-9", client_order_id="bot-9", trade_id="t-1", side="sell", action="exit"
    )
    known |= {"qty": "4", "status": "filled", "filled_qty": "4", "filled_avg_price": "110"}
    planned = plan(
        [known],
        [],
        policy=ON,
        trades=[trade(entry_qty="14", exit_qty="4")],
        positions=holding("6"),
        history=history([sold()]),
    )
    assert refusals(planned) == {"no_exit_found": 1}


def test_ambiguous_trade():
    planned = backfill(sold(), trades=[trade(**LONG), trade(trade_id="t-2", **LONG)], qty="16")
    assert refusals(planned) == {"ambiguous_trade": 2}


PATTERN = {"client_order_id_pattern": r"^(?P<trade>t-\d+)-(?P<action>entry|exit)$"}


@pytest.mark.parametrize(
    "keys",
    [
        {},  # t-9 was closed long ago
        {"local_keys": {"extent": "open_and_recent", "answers": NOWHERE}},  # or is not listed
    ],
)
def test_an_exit_that_names_a_trade_is_no_other_s(keys):
    trades = [trade(**LONG), trade(trade_id="t-9", **LONG, exit_qty="10", status="closed")]
    planned = backfill(
        sold(client_order_id="t-9-exit"), policy=PATTERN, trades=trades[: 1 if keys else 2], **keys
    )
    assert refusals(planned) == {"no_exit_found": 1}


def test_of_two_trades_the_named_one_takes_it():
    trades = [trade(**LONG), trade(trade_id="t-2", **LONG)]
    planned = backfill(sold(client_order_id="t-2-exit"), policy=PATTERN, trades=trades, qty="16")
    assert projected_trade(planned, "t-2") == "open 10/4"
    assert figures(planned) == [2, 1, 1, 0]  # the other one is whole: the position is right again
    assert [one["trade_id"] for one in planned["breaks"]] == ["t-2"]


def test_what_is_left_of_the_shortfall_is_a_no_go():
    """4 left t-2, 6 are missing: the exits do not come to it, and of t-1 none was found."""
    trades = [trade(**LONG), trade(trade_id="t-2", **LONG)]
    planned = backfill(sold(client_order_id="t-2-exit"), policy=PATTERN, trades=trades, qty="14")
    assert refusals(planned) == {"no_exit_found": 1, "quantity_mismatch": 1}


def test_a_leg_is_its_parents_trade_s():
    trades = [trade(**LONG), trade(trade_id="t-2", **LONG)]
    parent = local_order(status="filled", filled_qty="10", filled_avg_price="90", trade_id="t-2")
    planned = plan(
        [parent],
        [],
        policy=ON,
        trades=trades,
        positions=holding("16"),
        history=history([sold(parent_venue_order_id="v-1")]),
    )
    assert projected_trade(planned, "t-2") == "open 10/4"


def test_an_order_that_another_trade_lacks_is_ambiguous():
    """A sale may leave the long; it may also be the entry of the short, which has none."""
    short = trade(trade_id="t-2", side="short")
    assert refusals(backfill(sold(), trades=[trade(**LONG), short])) == {"ambiguous_trade": 1}
    assert projected_trade(backfill(sold(intent="close"), trades=[trade(**LONG), short])) == "open 10/4"


def test_a_closed_trade_that_the_same_plan_opens_counts():
    """Its order filled 4 more after all: then 14 should be held, 10 are, and the sale of 4 is that trade's."""
    order = local_order(
        trade_id="t-1", status="canceled", filled_qty="6", filled_avg_price="90", venue_updated_at=at(-900)
    )
    late = venue_order(status="filled", filled_qty="10", filled_avg_price="90")
    closed = trade(entry_qty="6", exit_qty="6", entry_avg_price="90", status="closed")
    planned = plan(
        [order],
        [],
        policy=ON,
        trades=[closed, trade(trade_id="t-2", **LONG, opened_at=at(-100))],
        positions=holding("10"),
        history=history([late, sold()]),
    )
    assert projected_trade(planned) == "closed 10/10"


@pytest.mark.parametrize(
    ("keys", "policy"), [({"intent": "open"}, {}), ({"client_order_id": "t-1-entry"}, PATTERN)]
)
def test_an_order_that_says_it_opens_is_no_exit(keys, policy):
    """A sale that opened a short is none of the long's, however well its quantity fits."""
    assert refusals(backfill(sold(**keys), policy=policy)) == {"no_exit_found": 1}


def test_foreign_exit():
    planned = backfill(sold(client_order_id="man-9"), policy=PREFIX)
    assert refusals(planned) == {"foreign_exit": 1}
    (broken,) = [one for one in planned["breaks"] if one["kind"] == "missing_exit"]
    assert broken["message"].endswith("foreign_exit (man-9)")  # a person can name it to `trueup decide`


def test_quantity_exceeds_trade():
    assert refusals(backfill(sold("12"), qty="0")) == {"quantity_exceeds_trade": 1}


@pytest.mark.parametrize("qty", ["3", "5"])
def test_quantity_mismatch(qty):
    assert refusals(backfill(sold(qty))) == {"quantity_mismatch": 1}


def test_price_missing():
    # With a real price only: a limit price is an estimate.
    assert refusals(backfill(sold(filled_avg_price=None))) == {"price_missing": 1}


def test_the_price_of_fills_is_a_real_one():
    read = history([sold(filled_avg_price=None)], [fill("F9", "4", "111", venue_order_id="v-9", side="sell")])
    assert steps(backfill(history=read)) == ["insert_exit v-9", "book_fill v-9 F9 4 @ 111"]


def test_a_price_of_a_part_is_none():
    read = history([sold(filled_avg_price=None)], [fill("F9", "3", "111", venue_order_id="v-9", side="sell")])
    assert refusals(backfill(history=read)) == {"price_missing": 1}


def test_what_binary_fractions_leave_is_no_quantity():
    planned = backfill(
        sold("0.30000000000000004"), qty="0", trades=[trade(entry_qty="0.3", entry_avg_price="90")]
    )
    assert projected_trade(planned) == "closed 0.3/0.30000000000000004"


def test_audit_missing():
    assert refusals(backfill(sold(), local_keys={"unsupported": ["exit_audit"]})) == {"audit_missing": 1}


def test_quarantined_by_a_person():
    held = trade(**LONG, status="quarantined", quarantined_by="person")
    assert refusals(backfill(sold(), trades=[held])) == {"quarantined": 1}


def test_insert_limit():
    planned = backfill(sold("3", 8), sold("1", 9), policy={"exit_backfill_inserts_max": 1})
    assert refusals(planned) == {"insert_limit": 1}


def test_refusals_are_sampled():
    planned = backfill()
    assert planned["result"]["no_go_samples"] == [
        {"profile_id": "mom-1", "symbol": "ETH/USD", "trade_id": "t-1", "reason": "no_exit_found"}
    ]


def test_a_no_go_trips_the_watchdog():
    planned = backfill(policy={"watchdog_enabled": True})
    assert planned["result"]["integrity_watchdog_triggered"] is True


# Together with coverage


def test_an_exit_is_never_booked_by_both_stages():
    planned = backfill(sold(), policy={"coverage_enabled": True})
    assert len([step for step in steps(planned) if step.startswith("insert")]) == 1
    assert projected_trade(planned) == "open 10/4"


# Booked anywhere: no candidate


PART = {"extent": "open_and_recent"}


def said(outcome: str, raw_id: str, by: str, **keys):
    return {"by": by, "id": raw_id, "outcome": outcome} | keys


def answers(outcome: str, order_id: str, client_id: str):
    """What the ledger says of an order by both of its ids; found without an order: another profile has it."""
    return [said(outcome, order_id, "venue_order_id"), said(outcome, client_id, "client_order_id")]


def test_the_ledger_is_asked_before_an_exit_counts_as_unbooked():
    planned = backfill(sold(), local_keys=PART)
    assert steps(planned) == []
    (question,) = [one for one in planned["queries"] if one["side"] == "local"]
    assert question["ids"] == ["bot-9", "v-9"]
    assert planned["result"]["no_go_trades"] == 0


def test_an_exit_that_the_ledger_lacks_is_inserted():
    planned = backfill(sold(), local_keys=PART | {"answers": answers("absent", "v-9", "bot-9")})
    assert steps(planned)[0] == "insert_exit v-9"


@pytest.mark.parametrize("client_id", ["bot-9", "man-9"])
def test_an_exit_that_is_booked_long_ago_or_by_another_profile_is_no_candidate(client_id):
    planned = backfill(
        sold(client_order_id=client_id),
        policy=PREFIX,
        local_keys=PART | {"answers": answers("found", "v-9", client_id)},
    )
    assert refusals(planned) == {"no_exit_found": 1}


def test_an_exit_that_names_another_profile_is_no_foreign_one():
    pattern = {"client_order_id_pattern": r"^(?P<profile>[^.]+)[.](?P<trade>[^.]+)"}
    planned = backfill(sold(client_order_id="p-2.t-1"), policy=pattern)
    assert refusals(planned) == {"no_exit_found": 1}


def test_an_overrun_trade_wants_no_exit():
    planned = backfill(sold(), qty="-3", trades=[trade(entry_qty="2", exit_qty="5")])
    assert figures(planned) == [0, 0, 0, 0]


def test_a_position_that_is_not_said_is_a_break():
    planned = backfill(sold(), qty=None)
    assert refusals(planned) == {"position_unknown": 1}
    assert kinds(planned) == {"position_unknown"}
