"""Coverage: every order of the venue's history in exactly one class, and what is missing inserted where it maps."""

from typing import Any

import pytest

from tests.acceptance.plan.snapshots import (
    absent,
    at,
    errors_alerted,
    fill,
    history,
    kinds,
    local_order,
    plan,
    projected,
    projected_trade,
    stands,
    steps,
    trade,
    venue_order,
)
from trueup.model.repairs import insert_digest

ON = {"coverage_enabled": True}
PREFIX = {"owned_client_order_id_prefixes": ["bot"]}
PATTERN = {"client_order_id_pattern": r"^bot\.(?P<trade>[^.]+)\.(?P<action>entry|exit)"}
LONG = {"entry_qty": "10", "entry_avg_price": "90"}
CLASSES = (
    "skipped_missing_order_id",
    "skipped_not_filled_like",
    "skipped_not_owned",
    "skipped_existing",
    "skipped_missing_fill_data",
    "skipped_unmapped_action",
    "skipped_unmapped_trade",
    "skipped_insert_limit",
    "skipped_undone",
    "inserted",
    "would_insert",
    "deferred",
)


def done(number: int = 9, **keys: Any):
    """A filled entry of 4 at 100 for trade t-1, unknown locally."""
    return venue_order(
        **(
            {
                "venue_order_id": f"v-{number}",
                "client_order_id": f"bot.t-1.entry.{number}",
                "qty": "4",
                "status": "filled",
                "filled_qty": "4",
                "filled_avg_price": "100",
            }
            | keys
        )
    )


def an_exit(number: int = 9, **keys):
    return done(number, **({"client_order_id": f"x-{number}", "side": "sell"} | keys))


def cover(*orders, policy=None, **keys):
    keys = {"trades": [trade(**LONG)]} | keys
    return plan([], [], history=history(orders), policy=ON | PATTERN | (policy or {}), **keys)


def classes(planned) -> dict[str, int]:
    """The classes that have an order."""
    counted = {name: planned["result"]["coverage"][name] for name in CLASSES}
    assert sum(counted.values()) == planned["result"]["coverage"]["scanned"]
    return {name: count for name, count in counted.items() if count}


def figures(planned, *names: str) -> list[int]:
    return [planned["result"]["coverage"][name] for name in names]


# Attempted or skipped


def test_an_empty_history_is_attempted():
    planned = cover()
    assert planned["result"]["coverage"]["attempted"] is True
    assert classes(planned) == {}


def test_switched_off_is_skipped_with_an_error_alert():
    planned = plan([], [], history=history([done()]))
    coverage = planned["result"]["coverage"]
    assert (coverage["attempted"], coverage["skipped_reason"], coverage["scanned"]) == (False, "disabled", 0)
    [alert] = [one for one in planned["alerts"] if "coverage" in one["dedupe_key"]]
    assert (alert["type"], alert["severity"]) == ("RECONCILIATION_DEGRADED", "ERROR")
    assert alert["dedupe_key"].split(":") == ["mom-1", "coverage", "disabled"]


def test_a_history_that_was_not_read_is_skipped_with_a_warning():
    planned = plan([], [], history=history([], state="failed", error="timeout"), policy=ON)
    coverage = planned["result"]["coverage"]
    assert coverage["attempted"] is False
    assert coverage["skipped_reason"]
    [alert] = [one for one in planned["alerts"] if "coverage" in one["dedupe_key"]]
    assert alert["severity"] == "WARN"


# One class each, in this order


def test_an_order_without_an_id():
    planned = cover(done(venue_order_id=None, client_order_id=None))
    assert classes(planned) == {"skipped_missing_order_id": 1}


@pytest.mark.parametrize(
    "keys",
    [
        {"status": "canceled", "filled_qty": "0", "filled_avg_price": None},
        {"status": "rejected", "filled_qty": "0", "filled_avg_price": None},
        {"status": "expired", "filled_qty": "0", "filled_avg_price": None},
    ],
)
def test_an_order_that_filled_nothing(keys):
    assert classes(cover(done(**keys))) == {"skipped_not_filled_like": 1}


@pytest.mark.parametrize("status", ["filled", "canceled", "expired"])
def test_filled_like_is_what_filled_something(status):
    planned = cover(done(status=status))
    assert classes(planned) == {"inserted": 1}
    assert figures(planned, "scanned", "filled_like", "owned", "eligible", "missing_locally") == [
        1,
        1,
        1,
        1,
        1,
    ]


def test_a_foreign_order():
    planned = cover(done(client_order_id="man-1"), policy=PREFIX)
    assert classes(planned) == {"skipped_not_owned": 1}
    assert figures(planned, "owned", "eligible", "skipped_not_owned_actionable") == [0, 0, 1]
    assert steps(planned) == []


def test_a_foreign_order_before_the_baseline():
    foreign = done(client_order_id="man-1", submitted_at=at(-3600))
    planned = cover(foreign, policy=PREFIX | {"coverage_baseline_at": at(-1800)})
    assert figures(planned, "skipped_not_owned", "skipped_not_owned_before_baseline") == [1, 1]
    planned = cover(foreign, policy=PREFIX | {"coverage_baseline_at": at(-3600)})  # at it is not before it
    assert figures(planned, "skipped_not_owned", "skipped_not_owned_before_baseline") == [1, 0]
    planned = cover(foreign, policy=PREFIX | {"coverage_baseline_at": at(-7200)})
    assert figures(planned, "skipped_not_owned", "skipped_not_owned_before_baseline") == [1, 0]


def test_a_foreign_order_that_is_local_already():
    known = local_order(
        venue_order_id="v-9", client_order_id="man-1", qty="4", status="filled", filled_qty="4"
    )
    known |= {"filled_avg_price": "100"}
    planned = plan([known], [], history=history([done(client_order_id="man-1")]), policy=ON | PREFIX)
    assert figures(planned, "skipped_not_owned", "skipped_not_owned_legacy_local") == [1, 1]


def test_an_existing_order():
    known = local_order(venue_order_id="v-9", client_order_id=None, qty="4", status="filled", filled_qty="4")
    known |= {"filled_avg_price": "100"}
    planned = plan([known], [], history=history([done()]), policy=ON)
    assert classes(planned) == {"skipped_existing": 1}
    assert figures(planned, "eligible", "missing_locally") == [1, 0]


def test_an_order_that_an_earlier_stage_inserted_exists():
    live = done(status="partially_filled", qty="10")
    planned = plan([], [live], history=history([live]), policy=ON | PATTERN, trades=[trade(**LONG)])
    assert classes(planned) == {"skipped_existing": 1}
    assert steps(planned).count("insert_order v-9") == 1


@pytest.mark.parametrize(
    "keys",
    [
        {"status": "filled", "filled_avg_price": None, "limit_price": None, "order_type": "market"},
        {"status": "filled", "filled_qty": None, "qty": None},  # by notional: not even the quantity is known
    ],
)
def test_missing_fill_data(keys):
    planned = cover(done(**keys))
    assert classes(planned) == {"skipped_missing_fill_data": 1}
    assert steps(planned) == []


def test_a_record_without_a_quantity_whose_fills_were_read_is_filled_like():
    """It is not finally classed: the watermark waits for it (simulator's seed 145)."""
    record = done(status="replaced", filled_qty=None, filled_avg_price=None)
    fills = [fill("F1", "3", venue_order_id="v-9")]
    planned = plan([], [], history=history([record], fills), policy=ON | PATTERN, trades=[trade(**LONG)])
    assert classes(planned) == {"skipped_missing_fill_data": 1}
    assert classes(cover(record)) == {"skipped_not_filled_like": 1}


@pytest.mark.parametrize("record", [done(side=None), done(symbol=None)])
def test_an_unmapped_action(record):
    planned = cover(record)
    assert classes(planned) == {"skipped_unmapped_action": 1}
    assert steps(planned) == []


def test_an_unmapped_trade():
    planned = cover(done(client_order_id="bot-9"))
    assert classes(planned) == {"skipped_unmapped_trade": 1}
    assert figures(planned, "eligible", "missing_locally") == [1, 1]
    assert "uncovered_order" in kinds(planned)
    assert steps(planned) == []


def test_the_insert_limit_takes_the_oldest_first():
    young, old = done(1, submitted_at=at(-100)), done(2, submitted_at=at(-9000))
    planned = cover(young, old, policy={"coverage_inserts_max": 1})
    assert classes(planned) == {"inserted": 1, "skipped_insert_limit": 1}
    assert [step for step in steps(planned) if "insert" in step] == ["insert_order v-2"]


def test_inserted_orders_are_booked_with_their_fills():
    planned = cover(done())
    assert classes(planned) == {"inserted": 1}
    assert steps(planned) == ["insert_order v-9", "book_fill v-9 inferred 4 @ 100"]
    assert stands(planned, "v-9") == "filled 4 @ 100"
    assert projected_trade(planned) == "open 14/0"


def test_an_order_that_a_person_took_out_again():
    """It was inserted once, as filled as it is now."""
    decision = {
        "decision_id": "d-1",
        "kind": "hold_repair",
        "venue_order_id": "v-9",
        "evidence": [insert_digest("4")],
        "author": "me",
        "reason": "it is my own",
        "decided_at": "2026-11-23T11:30:00Z",
    }
    planned = cover(done(), local_keys={"decisions": [decision], "trades": [trade(**LONG)]})
    assert classes(planned) == {"skipped_undone": 1}
    assert steps(planned) == []
    assert [(one["kind"], one["reason"]) for one in planned["breaks"]] == [
        ("repair_undone", "undone_by_person")
    ]


def test_a_dry_run_would_insert():
    planned = cover(done(), policy={"coverage_dry_run": True})
    assert classes(planned) == {"would_insert": 1}
    assert planned["result"]["coverage"]["dry_run"] is True
    assert steps(planned) == []
    assert planned["projected_orders"] == []


def test_every_class_at_once():
    known = local_order(venue_order_id="v-4", client_order_id="c-4", qty="4", status="filled", filled_qty="4")
    known |= {"filled_avg_price": "100"}
    orders = [
        done(1, venue_order_id=None, client_order_id=None),
        done(2, status="canceled", filled_qty="0"),
        done(3, client_order_id="man-3"),
        done(4, client_order_id="bot-4"),
        done(5, filled_qty=None, qty=None),
        done(6, client_order_id="bot-6"),
        done(7),
    ]
    policy = ON | PATTERN | PREFIX
    planned = plan([known], [], history=history(orders), policy=policy, trades=[trade(**LONG)])
    assert classes(planned) == {
        "skipped_missing_order_id": 1,
        "skipped_not_filled_like": 1,
        "skipped_not_owned": 1,
        "skipped_existing": 1,
        "skipped_missing_fill_data": 1,
        "skipped_unmapped_trade": 1,
        "inserted": 1,
    }


# The result


def test_missing_orders_that_were_not_inserted_count_as_missing_locally():
    assert cover(done(client_order_id="bot-9"))["result"]["missing_locally"] == 1
    assert cover(done())["result"]["missing_locally"] == 0


def test_a_duplicated_row_is_scanned_once():
    assert figures(cover(done(), done()), "scanned", "inserted") == [1, 1]


# Mapping


def test_a_trade_by_the_pattern():
    assert projected(cover(done()), "v-9")["trade_id"] == "t-1"


def test_a_trade_by_a_sub_tag_equal_to_its_id():
    planned = cover(done(client_order_id="bot-9", sub_tag="t-1"))
    assert projected(planned, "v-9")["trade_id"] == "t-1"


def test_a_trade_by_the_parent_leg():
    parent = local_order(client_order_id="bot-1", trade_id="t-1", status="filled", filled_qty="10")
    parent |= {"filled_avg_price": "100"}
    leg = an_exit(client_order_id=None, parent_venue_order_id="v-1")
    two = [trade(**LONG), trade(trade_id="t-2", **LONG)]
    planned = plan([parent], [], history=history([leg]), policy=ON, trades=two)
    assert projected(planned, "v-9")["trade_id"] == "t-1"


def test_a_trade_by_being_the_only_one_that_an_exit_fits():
    planned = cover(an_exit())
    row = projected(planned, "v-9")
    assert (row["trade_id"], row["action"]) == ("t-1", "exit")
    assert projected_trade(planned) == "open 10/4"


@pytest.mark.parametrize(
    "trades",
    [
        [trade(**LONG), trade(trade_id="t-2", **LONG)],  # two fit
        [trade(**LONG, exit_qty="8")],  # 2 are open, 4 were sold
        [trade(**LONG, symbol="BTC/USD")],
        [trade(**LONG, status="quarantined", quarantined_by="parity")],
        [trade(**LONG), trade(trade_id="t-2", **LONG, status="quarantined", quarantined_by="person")],
        [trade(**LONG, exit_qty="10", status="closed")],
        [],
    ],
)
def test_else_the_trade_is_unmapped(trades):
    planned = cover(an_exit(intent="close"), trades=trades)
    assert classes(planned) == {"skipped_unmapped_trade": 1}
    assert steps(planned) == []


@pytest.mark.parametrize(
    ("order", "open_trade", "stands"),
    [
        # 4 of 10 filled before it was canceled: what it ordered beyond that takes nothing
        ({"qty": "10", "status": "canceled"}, trade(**LONG, exit_qty="6"), "closed 10/10"),
        # what binary fractions leave behind is no quantity
        (
            {"qty": "0.30000000000000004", "filled_qty": "0.30000000000000004"},
            trade(entry_qty="0.3", entry_avg_price="90"),
            "closed 0.3/0.30000000000000004",
        ),
    ],
)
def test_an_exit_that_ended_fits_by_what_it_filled(order, open_trade, stands):
    assert projected_trade(cover(an_exit(**order), trades=[open_trade])) == stands


# a trade that waits for its entry: opened before the order was sent, nothing entered, no order of it known

ENTRY = done(client_order_id="x-9")


def test_the_only_entry_of_a_trade_that_waits_for_one_is_its():
    planned = cover(ENTRY, trades=[trade()])
    assert classes(planned) == {"inserted": 1}
    assert projected(planned, "v-9")["trade_id"] == "t-1"
    assert projected_trade(planned) == "open 4/0"


def test_and_its_exit_after_it():
    planned = cover(ENTRY, an_exit(10, submitted_at=at(-100), updated_at=at(-90)), trades=[trade()])
    assert classes(planned) == {"inserted": 2}
    assert projected_trade(planned) == "closed 4/4"


@pytest.mark.parametrize(
    ("orders", "trades"),
    [
        ([ENTRY, done(10, client_order_id="x-10")], [trade()]),  # two could be it
        ([ENTRY], [trade(), trade(trade_id="t-2")]),  # of either trade
        ([ENTRY], [trade(), trade(trade_id="t-2", status="quarantined", quarantined_by="person")]),
        ([ENTRY], [trade(status="quarantined", quarantined_by="person")]),
        ([ENTRY], [trade(status="closed")]),
        ([ENTRY], [trade(**LONG)]),  # it has its entry
        ([ENTRY], [trade(side="short")]),
        ([ENTRY], [trade(symbol="BTC/USD")]),
        ([ENTRY], [trade(opened_at=at(-3599))]),  # sent a second before the trade was opened
        ([ENTRY], [trade(opened_at=None)]),
        ([ENTRY | {"sub_tag": "t-2"}], [trade(), trade(trade_id="t-2", symbol="BTC/USD")]),
        ([ENTRY | {"side": "sell", "intent": "open"}], [trade()]),
    ],
)
def test_where_anything_else_could_be_meant_it_is_unmapped(orders, trades):
    planned = cover(*orders, trades=trades)
    assert classes(planned) == {"skipped_unmapped_trade": len(orders)}
    assert steps(planned) == []


def test_a_trade_of_which_an_order_is_known_waits_for_none():
    known = local_order(client_order_id="c-5", venue_order_id="v-5", trade_id="t-1", status="canceled")
    planned = plan([known], [], history=history([ENTRY]), policy=ON | PATTERN, trades=[trade()])
    assert figures(planned, "skipped_unmapped_trade", "inserted") == [1, 0]


def test_a_live_entry_that_the_books_lack_may_be_the_trades_too():
    live = venue_order(venue_order_id="v-8", client_order_id="x-8")
    planned = plan([], [live], history=history([ENTRY]), policy=ON | PATTERN, trades=[trade()])
    assert figures(planned, "skipped_unmapped_trade", "inserted") == [1, 0]


def test_and_may_be_still_once_it_stands_in_the_books_without_a_trade():
    """The plan before this one inserted it; the answer is the same in both."""
    live = venue_order(venue_order_id="v-8", client_order_id="x-8")
    inserted = local_order(venue_order_id="v-8", client_order_id="x-8")
    planned = plan([inserted], [live], history=history([ENTRY]), policy=ON | PATTERN, trades=[trade()])
    assert figures(planned, "skipped_unmapped_trade", "inserted") == [1, 0]


def test_a_trade_that_the_same_plan_closes_waits_for_no_entry():
    """t-2 leaves in this plan; then t-1 is the only trade of its symbol, as it would be in the next plan."""
    leaving = local_order(
        client_order_id="c-5", venue_order_id="v-5", trade_id="t-2", side="sell", action="exit"
    )
    left = venue_order(
        client_order_id="c-5",
        venue_order_id="v-5",
        side="sell",
        status="filled",
        filled_qty="10",
        filled_avg_price="110",
    )
    planned = plan(
        [leaving],
        [],
        history=history([ENTRY, left]),
        policy=ON | PATTERN,
        trades=[trade(), trade(trade_id="t-2", **LONG)],
    )
    assert projected_trade(planned, "t-2") == "closed 10/10"
    assert projected_trade(planned) == "open 4/0"


@pytest.mark.parametrize(
    "other",
    [
        {"exit_qty": "4"},  # 4 more left the short than entered it
        {},  # nothing entered it, and no order is known that will
    ],
)
def test_an_order_that_another_trade_lacks_is_not_the_only_one_s_exit(other):
    """A sale may leave the long; it may also be what the short has no entry for."""
    short = trade(trade_id="t-2", side="short", **other)
    assert classes(cover(an_exit(), trades=[trade(**LONG), short])) == {"skipped_unmapped_trade": 1}
    told = cover(an_exit(intent="close"), trades=[trade(**LONG), short])  # its mark says that it leaves
    assert projected_trade(told) == "open 10/4"


def test_of_a_part_of_the_books_it_cannot_be_told_that_a_trade_has_no_order():
    answers = [
        {"by": by, "id": one, "outcome": "absent"}
        for by, one in (("venue_order_id", "v-9"), ("client_order_id", "x-9"))
    ]
    planned = cover(ENTRY, trades=[trade()], local_keys={"extent": "open_and_recent", "answers": answers})
    assert classes(planned) == {"skipped_unmapped_trade": 1}


def test_a_closed_trade_beside_the_only_open_one_does_not_confuse():
    closed = trade(trade_id="t-0", **LONG, exit_qty="10", status="closed")
    assert projected(cover(an_exit(), trades=[closed, trade(**LONG)]), "v-9")["trade_id"] == "t-1"


@pytest.mark.parametrize(("entry", "is_told"), [("filled", False), ("partially_filled", True)])
def test_a_trade_that_the_same_plan_closes_does_not_confuse_either(entry, is_told):
    """Else the next plan would map the exit. With an entry that may fill yet, t-0 stays open: two trades fit."""
    sold = local_order(
        client_order_id="c-0", venue_order_id="v-0", trade_id="t-0", side="sell", action="exit"
    )
    live = local_order(
        client_order_id="c-7", venue_order_id="v-7", trade_id="t-0", action="entry", status=entry
    )
    live |= {"filled_qty": "10", "filled_avg_price": "100", "qty": "20"}
    records = [an_exit(qty="10", filled_qty="10", venue_order_id="v-0", client_order_id="c-0"), an_exit()]
    planned = plan(
        [sold, live],
        [
            venue_order(
                client_order_id="c-7",
                venue_order_id="v-7",
                status="partially_filled",
                filled_qty="10",
                filled_avg_price="100",
                qty="20",
            )
        ]
        if is_told
        else [],
        history=history(records),
        policy=ON,
        trades=[trade(trade_id="t-0", **LONG), trade(**LONG)],
    )
    assert projected_trade(planned, "t-0") == ("open 10/10" if is_told else "closed 10/10")
    assert projected_trade(planned) == (None if is_told else "open 10/4")
    assert classes(planned).get("skipped_unmapped_trade", 0) == is_told


@pytest.mark.parametrize("status", ["canceled", "rejected", "pending_new"])
def test_a_trade_whose_only_entry_ends_unfilled_in_the_same_plan_does_not_confuse_either(status):
    """Simulator, seed 165: the next plan mapped the exit. While the entry may fill yet, two trades fit."""
    entry = {"client_order_id": "c-7", "venue_order_id": "v-7", "filled_qty": "0", "filled_avg_price": None}
    live = local_order(**entry, trade_id="t-0", action="entry", status="pending_new")
    record = venue_order(**entry, status=status)
    is_live = status == "pending_new"
    planned = plan(
        [live],
        [record] if is_live else [],
        history=history([an_exit()] if is_live else [record, an_exit()]),
        policy=ON,
        trades=[trade(trade_id="t-0", **LONG | {"entry_qty": "0", "entry_avg_price": None}), trade(**LONG)],
    )
    assert projected_trade(planned, "t-0") == (None if is_live else "closed 0/0")
    assert projected_trade(planned) == (None if is_live else "open 10/4")
    assert classes(planned).get("skipped_unmapped_trade", 0) == is_live


@pytest.mark.parametrize("filled", ["10", "0"])
def test_a_trade_that_opens_again_in_the_same_plan_takes_the_exit(filled):
    """Simulator, seed 4191: its entry filled after all, and the next plan mapped the exit. A closed one takes none."""
    entry = {"client_order_id": "c-7", "venue_order_id": "v-7", "side": "sell", "status": "canceled"}
    ended = local_order(**entry, trade_id="t-1", action="entry", filled_qty="0", filled_avg_price=None)
    record = venue_order(**entry, filled_qty=filled, filled_avg_price="100" if filled == "10" else None)
    planned = plan(
        [ended],
        [],
        history=history([record, an_exit(side="buy")]),
        policy=ON,
        trades=[trade(side="short", status="closed")],
    )
    assert projected_trade(planned) == ("open 10/4" if filled == "10" else None)
    assert classes(planned).get("skipped_unmapped_trade", 0) == (filled == "0")


def test_an_exit_that_ended_before_the_trade_was_opened_is_none_of_it():
    planned = cover(an_exit(submitted_at=at(-9000), updated_at=at(-7201)))
    assert classes(planned) == {"skipped_unmapped_trade": 1}
    assert steps(planned) == []
    ended_then = cover(an_exit(submitted_at=at(-9000), updated_at=at(-7200)))
    assert projected_trade(ended_then) == "open 10/4"


@pytest.mark.parametrize(
    "marks", [{"client_order_id": "bot.t-1.entry.9"}, {"client_order_id": "x-9", "sub_tag": "t-1"}]
)
def test_marks_that_name_a_trade_of_another_symbol_name_none(marks):
    planned = cover(done(symbol="BTC/USD", **marks))
    assert classes(planned) == {"skipped_unmapped_trade": 1}
    assert projected_trade(planned) is None


def test_mapping_is_repeated_until_nothing_more_maps():
    # The exit is older, and fits only once the entry was inserted.
    entry = done(1, submitted_at=at(-100))
    sale = an_exit(2, submitted_at=at(-9000))
    planned = cover(entry, sale, trades=[trade()])
    assert classes(planned) == {"inserted": 2}
    assert projected_trade(planned) == "closed 4/4"


def test_two_exits_that_fit_one_after_the_other_only_once():
    planned = cover(an_exit(1), an_exit(2, submitted_at=at(-100)), trades=[trade(entry_qty="4")])
    assert classes(planned) == {"inserted": 1, "skipped_unmapped_trade": 1}
    assert [step for step in steps(planned) if "insert" in step] == ["insert_order v-1"]


# Asking the ledger


RECENT = {"extent": "open_and_recent"}


def test_the_ledger_is_asked_once_before_an_order_counts_as_not_existing():
    planned = cover(done(1), done(2), local_keys=RECENT, policy={"queries_max": 0})
    [query] = planned["queries"]
    assert (query["side"], query["by"]) == ("local", None)
    assert set(query["ids"]) >= {"v-1", "v-2"}
    assert steps(planned) == []


def test_absent_in_the_ledger_too_is_inserted():
    answers = [absent("v-9"), absent("bot.t-1.entry.9", "client_order_id")]
    planned = cover(done(), local_keys=RECENT | {"answers": answers})
    assert classes(planned) == {"inserted": 1}


def test_found_in_the_ledger_exists():
    old = local_order(venue_order_id="v-9", client_order_id=None, qty="4", status="filled", filled_qty="4")
    found = {
        "by": "venue_order_id",
        "id": "v-9",
        "outcome": "found",
        "order": old | {"filled_avg_price": "100"},
    }
    answers = [found, absent("bot.t-1.entry.9", "client_order_id")]
    assert classes(cover(done(), local_keys=RECENT | {"answers": answers})) == {"skipped_existing": 1}


# The watchdog sees it


def test_an_uncovered_order_trips_the_watchdog():
    planned = cover(done(client_order_id="bot-9"), policy={"watchdog_enabled": True})
    assert planned["result"]["integrity_watchdog_triggered"] is True
    assert errors_alerted(planned) != []
