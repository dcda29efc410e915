"""Parity: what the trades say is held, against what the venue holds; and what quarantine and release need."""

import pytest

from tests.acceptance.plan.snapshots import (
    at,
    deferred,
    errors_alerted,
    kinds,
    local_order,
    open_orders,
    plan,
    plan_of,
    projected_trade,
    snapshot,
    steps,
    the_break,
    told,
    trade,
    venue_order,
)

ON = {"parity_enabled": True}
LONG = {"entry_qty": "10", "entry_avg_price": "90"}
PARITYS = {"status": "quarantined", "quarantined_by": "parity"}
ETH = {"symbol": "ETH/USD", "qty_step": "0.001", "quote": "USD"}
KRAKEN = {"symbol": "ETH/USD", "qty_step": "0.001", "quote": "CHF"}


def holding(*rows, **keys):
    return {"state": "complete", "read_at": at(-1), "rows": list(rows)} | keys


def held(qty: str, **keys):
    return {"symbol": "ETH/USD", "qty": qty, "mark_price": "100"} | keys


def seen(confirmed: int = 2, first_s: float = -120, **keys):
    return {
        "break_id": None,
        "kind": "position_mismatch",
        "trade_id": "t-1",
        "first_seen_at": at(first_s),
        "last_seen_at": at(-30),
        "confirmations": confirmed,
        "version": 5,
    } | keys


def parity(qty: str | None = "10", *, policy=None, trades=None, **keys):
    """Trade t-1 is long 10; the venue holds `qty` (null: no row)."""
    rows = [] if qty is None else [held(qty)]
    keys = {"positions": holding(*rows), "instruments": [ETH]} | keys
    return plan(
        [], [], policy=ON | (policy or {}), trades=[trade(**LONG)] if trades is None else trades, **keys
    )


def confirmed(qty: str | None, runs: int = 3, spacing_s: float = 30, **keys):
    """The last of so many consecutive runs, each given the findings of the one before."""
    planned: dict = {"findings": []}
    for run in range(runs):
        now_s = run * spacing_s
        rows = [] if qty is None else [held(qty)]
        document = snapshot(
            [],
            open_orders([], read_at=at(now_s)),
            policy=ON | keys.get("policy", {}),
            trades=keys.get("trades", [trade(**LONG)]),
            positions=keys.get("positions", holding(*rows, read_at=at(now_s))),
            instruments=keys.get("instruments", [ETH]),
            prior=planned["findings"],
            local_keys={"read_at": at(now_s)} | keys.get("local_keys", {}),
            taken_at=at(now_s),
        )
        planned = plan_of(document)
    return planned


def result(planned):
    return planned["result"]["parity"]


# Equal


@pytest.mark.parametrize("qty", ["10", "10.0", "10.001", "9.999"])
def test_within_a_step_is_equal(qty):
    planned = parity(qty)
    assert result(planned)["attempted"] is True
    assert result(planned)["mismatched_trades"] == 0
    assert kinds(planned) == set()


def test_whole_steps_have_no_tolerance():
    planned = parity("9", instruments=[ETH | {"qty_step": "1"}])
    assert result(planned)["mismatched_trades"] == 1


def test_base_currency_fees_are_taken_off():
    assert kinds(parity("9.9", trades=[trade(**LONG, fee_base_qty="0.1")])) == set()


def test_trades_of_all_profiles_are_added():
    others = {"other_profiles_open_qty": {"ETHUSD": {"long": "5", "short": "0", "settled": True}}}
    assert kinds(parity("15", local_keys=others)) == set()


def test_the_other_profiles_shorts_are_taken_off():
    others = {"other_profiles_open_qty": {"ETH/USD": {"long": "0", "short": "4"}}}
    assert kinds(parity("6", local_keys=others)) == set()


@pytest.mark.parametrize(("baseline", "qty"), [("3", "13"), ("-3", "7")])
def test_what_the_owner_holds_besides_is_added(baseline, qty):
    assert kinds(parity(qty, policy={"position_baseline": {"eth-usd": baseline}})) == set()


def test_long_and_short_are_netted():
    trades = [trade(**LONG), trade(trade_id="t-2", side="short", entry_qty="4")]
    assert kinds(parity("6", trades=trades)) == set()


def test_what_binary_fractions_leave_is_no_quantity():
    """Of a trade that an entry may still join, and of two sides that are all but one another."""
    waiting = local_order(trade_id="t-1", qty="1")
    rest = trade(entry_qty="0.30000000000000004", exit_qty="0.3")
    planned = plan(
        [waiting],
        [venue_order(qty="1")],
        policy=ON,
        trades=[rest],
        positions=holding(held("0")),
    )
    assert kinds(planned) == set()
    sides = [trade(entry_qty="10.00000000000001"), trade(trade_id="t-2", side="short", entry_qty="10")]
    assert kinds(parity("0", trades=sides, instruments=[])) == set()
    assert kinds(parity("0", trades=[trade(entry_qty="10.0000001"), sides[1]], instruments=[])) != set()


def test_long_and_short_apart_where_the_venue_hedges():
    trades = [trade(**LONG), trade(trade_id="t-2", side="short", entry_qty="4")]
    legs = holding(held("10", position_side="long"), held("-4", position_side="short"))
    assert kinds(parity(trades=trades, positions=legs)) == set()
    wrong = holding(held("8", position_side="long"), held("-2", position_side="short"))  # the net is right
    assert result(parity(trades=trades, positions=wrong))["mismatched_trades"] == 2


def test_where_the_venue_hedges_an_overrun_trade_of_one_side_excuses_none_of_the_other():
    """6 more left the short than entered it. The long, the only trade of its side, is gone whatever lacks there."""
    short = trade(trade_id="t-2", side="short", exit_qty="6")
    flat = holding(held("0", position_side="long"), held("0", position_side="short"), read_at=at(60))
    planned = confirmed("0", trades=[trade(**LONG), short], positions=flat)
    assert steps(planned) == ["quarantine_trade t-1"]
    told = [one["trade_id"] for one in planned["breaks"] if one["kind"] == "position_mismatch"]
    assert sorted(told) == ["t-1", "t-2"]


@pytest.mark.parametrize(("long", "steps_"), [("10", ["quarantine_trade t-2"]), ("0", [])])
def test_where_the_venue_hedges_another_profile_s_overrun_trade_counts_on_its_own_side(long, steps_):
    """4 more left their long than entered it, so 6 of 10 are left on that side; t-2, the only short, is gone.

    With nothing held long it is not known whose long is gone.
    """
    short = trade(trade_id="t-2", side="short", entry_qty="10", entry_avg_price="90")
    theirs = {
        "other_profiles_open_qty": {"ETH/USD": {"long": "0", "short": "4"}},
        "other_profiles_trades": {"ETH/USD": {"long": ["-4"], "short": []}},
    }
    held_long = str(int(long) - 4) if long != "0" else "0"
    legs = holding(held(held_long, position_side="long"), held("0", position_side="short"), read_at=at(60))
    trades = [trade(**LONG), short] if long != "0" else [trade(**LONG)]
    assert steps(confirmed("0", trades=trades, positions=legs, local_keys=theirs)) == steps_


def test_closed_trades_hold_nothing():
    assert kinds(parity("0", trades=[trade(**LONG, exit_qty="10", status="closed")])) == set()


def test_parity_sees_the_trades_as_this_plan_leaves_them():
    sale = local_order(trade_id="t-1", side="sell", action="exit", qty="4")
    gone = venue_order(side="sell", qty="4", status="filled", filled_qty="4", filled_avg_price="110")
    planned = plan([sale], [gone], policy=ON, trades=[trade(**LONG)], positions=holding(held("6")))
    assert "position_mismatch" not in kinds(planned)


# Skipped


def test_switched_off():
    planned = plan([], [], trades=[trade(**LONG)], positions=holding(held("4")))
    assert (result(planned)["attempted"], result(planned)["skipped_reason"]) == (False, "disabled")


@pytest.mark.parametrize("positions", [holding(held("0"), state="failed"), holding(state="partial"), None])
def test_a_position_read_that_failed_is_never_flat(positions):
    planned = confirmed(None, runs=5, positions=positions)
    assert "position_mismatch" not in kinds(planned)
    assert steps(planned) == []
    assert result(planned)["skipped_reason"]


def test_a_missing_row_is_not_flat():
    planned = confirmed(None, runs=5)
    assert steps(planned) == []
    assert "position_mismatch" not in kinds(planned)


def test_unless_the_policy_says_so():
    planned = confirmed(None, policy={"missing_position_is_flat": True})
    assert steps(planned) == ["quarantine_trade t-1"]


def test_not_settled_while_an_order_of_the_instrument_is_recent():
    busy = local_order(last_activity_at=at(0))
    planned = plan([busy], [venue_order()], policy=ON, trades=[trade(**LONG)], positions=holding(held("4")))
    assert "not_settled" in deferred(planned)
    assert "position_mismatch" not in kinds(planned)


def test_not_settled_while_an_order_of_the_instrument_is_queried():
    planned = plan([local_order()], [], policy=ON, trades=[trade(**LONG)], positions=holding(held("4")))
    assert "not_settled" in deferred(planned)


def test_not_settled_while_another_profile_is_not():
    others = {"other_profiles_open_qty": {"ETH/USD": {"long": "0", "short": "0", "settled": False}}}
    planned = parity("4", local_keys=others)
    assert "not_settled" in deferred(planned)
    assert "position_mismatch" not in kinds(planned)


def test_an_order_of_another_instrument_unsettles_nothing():
    busy = local_order(symbol="BTC/USD", last_activity_at=at(0))
    planned = plan(
        [busy],
        [venue_order(symbol="BTC/USD")],
        policy=ON,
        trades=[trade(**LONG)],
        positions=holding(held("4")),
    )
    assert "position_mismatch" in kinds(planned)


def test_only_the_watched_symbols():
    planned = parity("4", policy={"parity_symbols": ["BTC/USD"]})
    assert kinds(planned) == set()


# Beyond


def test_a_mismatch_is_reported_and_waits():
    planned = parity("4")
    item = the_break(planned, "position_mismatch")
    assert (item["trade_id"], item["symbol"], item["corrected"]) == ("t-1", "ETH/USD", False)
    assert result(planned)["mismatched_trades"] == 1
    assert steps(planned) == []


def test_confirmed_it_is_quarantined():
    planned = confirmed("0")
    assert steps(planned) == ["quarantine_trade t-1"]
    assert projected_trade(planned) == "quarantined 10/0"
    assert planned["projected_trades"][0]["quarantined_by"] == "parity"
    assert [line.split()[0] for line in told(planned)] == ["quarantined"]
    assert result(planned)["quarantined_trades"] == 1


def test_two_runs_do_not_confirm():
    assert steps(confirmed("0", runs=2, spacing_s=600)) == []


def test_three_runs_in_less_than_a_minute_do_not_confirm():
    assert steps(confirmed("0", runs=3, spacing_s=29)) == []
    assert steps(confirmed("0", runs=4, spacing_s=29)) == ["quarantine_trade t-1"]


def test_a_prior_finding_confirms():
    assert steps(parity("0", prior=[seen()])) == ["quarantine_trade t-1"]
    assert steps(parity("0", prior=[seen(1)])) == []
    assert steps(parity("0", prior=[seen(first_s=-59)])) == []
    assert steps(parity("0", prior=[seen(first_s=-60)])) == ["quarantine_trade t-1"]


def test_a_skipped_run_neither_counts_nor_resets():
    before = confirmed("0", runs=2, spacing_s=60)
    skipped = plan_of(
        snapshot([], [], policy=ON, trades=[trade(**LONG)], prior=before["findings"], taken_at=at(120))
    )
    assert steps(skipped) == []
    after = plan_of(
        snapshot(
            [],
            [],
            policy=ON,
            trades=[trade(**LONG)],
            positions=holding(held("0")),
            instruments=[ETH],
            prior=skipped["findings"],
            taken_at=at(180),
        )
    )
    assert steps(after) == ["quarantine_trade t-1"]


def test_an_equal_run_resets():
    before = confirmed("0", runs=2, spacing_s=60)
    equal = parity("10", prior=before["findings"])
    assert steps(parity("0", prior=equal["findings"])) == []


def test_another_sign_starts_again():
    more = confirmed("14", runs=2, spacing_s=60)
    assert steps(parity("0", prior=more["findings"], taken_at=at(300))) == []


def test_an_excess_is_only_reported():
    planned = confirmed("14", runs=6)
    assert kinds(planned) == {"position_mismatch"}
    assert steps(planned) == []


def test_only_trades_within_the_shortfall():
    trades = [trade(**LONG), trade(trade_id="t-2", entry_qty="3")]
    planned = confirmed("10", trades=trades)  # 3 of 13 are missing
    assert steps(planned) == ["quarantine_trade t-2"]


def test_not_while_a_trade_of_the_other_side_is_open():
    trades = [trade(**LONG), trade(trade_id="t-2", side="short", entry_qty="2")]
    assert steps(confirmed("0", trades=trades)) == []


def test_a_short_trade_of_which_the_venue_holds_less():
    planned = confirmed("0", trades=[trade(side="short", **LONG)])
    assert steps(planned) == ["quarantine_trade t-1"]


def test_report_changes_nothing():
    planned = confirmed("0", runs=6, policy={"parity_action": "report"})
    assert kinds(planned) == {"position_mismatch"}
    assert steps(planned) == []


def test_a_trade_that_is_quarantined_stays_so_without_another_correction():
    quarantined = trade(**LONG, status="quarantined", quarantined_by="parity")
    assert steps(confirmed("0", trades=[quarantined])) == []


def test_the_only_set_that_equals_the_shortfall_is_quarantined():
    trades = [trade(**LONG), trade(trade_id="t-2", entry_qty="4"), trade(trade_id="t-3", entry_qty="3")]
    planned = confirmed("10", trades=trades)  # 4 and 3 are missing
    assert steps(planned) == ["quarantine_trade t-2", "quarantine_trade t-3"]
    assert all("may be healthy" not in item["message"] for item in planned["breaks"])


def test_where_several_could_be_gone_all_of_them_are_quarantined_and_that_is_said():
    trades = [trade(**LONG), trade(trade_id="t-2", entry_qty="4"), trade(trade_id="t-3", entry_qty="4")]
    planned = confirmed("14", trades=trades)
    assert steps(planned) == ["quarantine_trade t-2", "quarantine_trade t-3"]
    assert all("some of them may be healthy" in item["message"] for item in planned["breaks"])


def test_where_no_set_of_trades_equals_the_shortfall_nobody_is_quarantined():
    trades = [trade(**LONG), trade(trade_id="t-2", entry_qty="3")]
    planned = confirmed("8", trades=trades)  # 5 of 13
    assert steps(planned) == []
    assert {item["severity"] for item in planned["breaks"]} == {"error"}


def test_where_more_than_everything_is_missing_all_are_quarantined():
    trades = [trade(**LONG), trade(trade_id="t-2", entry_qty="3")]
    assert steps(confirmed("-2", trades=trades)) == ["quarantine_trade t-1", "quarantine_trade t-2"]


def test_the_trades_of_other_profiles_explain_it_as_well():
    others = {
        "other_profiles_open_qty": {"ETH/USD": {"long": "7", "short": "0"}},
        "other_profiles_trades": {"ETHUSD": {"long": ["3", "4"], "short": []}},
    }
    trades = [trade(**LONG), trade(trade_id="t-2", entry_qty="5")]
    keys: dict = {"local_keys": others, "trades": trades}
    assert steps(confirmed("18", **keys)) == []  # 4 of 22: it is theirs
    assert steps(confirmed("17", **keys)) == ["quarantine_trade t-2"]  # 5
    assert steps(confirmed("14", **keys)) == ["quarantine_trade t-2"]  # 8: 5 and 3


def test_an_overrun_trade_counts_negative():
    trades = [trade(**LONG), trade(trade_id="t-2", entry_qty="2", exit_qty="5")]
    assert kinds(parity("7", trades=trades)) == {"trade_overrun"}
    assert steps(confirmed("0", trades=trades)) == []  # 7 of 7 are missing, and the trade has 10
    assert steps(confirmed("-3", trades=trades)) == ["quarantine_trade t-1"]


def test_a_trade_is_compared_by_what_its_orders_filled():
    """Books of an older version: the exit of 10 is on its order, 7 of it on the trade."""
    entry = local_order(trade_id="t-1", status="filled", filled_qty="10", filled_avg_price="90")
    sold = entry | {"client_order_id": "c-2", "venue_order_id": "v-2", "side": "sell", "action": "exit"}
    beside = trade(trade_id="t-2", entry_qty="3")
    keys = {"policy": ON, "instruments": [ETH]}
    left = trade(**LONG, exit_qty="7")
    planned = plan([entry, sold], [], trades=[left, beside], positions=holding(held("3")), **keys)
    assert steps(planned) == ["close_trade t-1"]
    assert projected_trade(planned) == "closed 10/10"
    assert kinds(planned) == {"trade_drift"}
    wrong = plan([entry, sold], [], trades=[left, beside], positions=holding(held("6")), **keys)
    assert (steps(wrong), kinds(wrong)) == ([], {"position_mismatch"})


# What is compared


def test_a_position_without_any_trade_is_told_with_the_way_out():
    planned = parity("3", trades=[])
    item = the_break(planned, "position_mismatch")
    assert (item["trade_id"], item["venue"]) == (None, {"position_qty": "3"})
    assert "position_baseline" in item["message"]
    assert kinds(parity("3", trades=[], policy={"position_baseline": {"ETH/USD": "3"}})) == set()


def test_outside_the_managed_symbols_it_is_nobodys_business():
    assert kinds(parity("3", trades=[], policy={"managed_symbols": ["BTC/USD"]})) == set()


def test_such_a_position_is_confirmed_as_any_other_and_a_skipped_run_does_not_reset_it():
    before = confirmed("3", trades=[], runs=2, spacing_s=60)
    busy = local_order(last_activity_at=at(120))
    keys = {"policy": ON, "instruments": [ETH], "positions": holding(held("3"))}
    skipped = plan_of(snapshot([busy], [venue_order()], prior=before["findings"], taken_at=at(120), **keys))
    assert "not_settled" in deferred(skipped)
    after = plan_of(snapshot([], [], prior=skipped["findings"], taken_at=at(180), **keys))
    assert the_break(after, "position_mismatch")["severity"] == "error"


def test_a_missing_row_of_an_open_trade_is_told():
    item = the_break(parity(None), "position_unknown")
    assert (item["symbol"], item["corrected"]) == ("ETH/USD", False)
    assert "missing_position_is_flat" in item["message"]


def test_a_missing_row_is_flat_where_the_venue_lists_only_what_is_held():
    flat = holding(lists="held")
    assert steps(confirmed(None, positions=flat)) == ["quarantine_trade t-1"]
    assert kinds(parity(None, trades=[], positions=flat)) == set()


def test_of_an_instrument_that_should_hold_nothing_no_row_is_wanted():
    assert kinds(parity(None, trades=[], policy={"managed_symbols": ["ETH/USD"]})) == set()


def test_two_rows_that_contradict_each_other_are_unknown():
    twice = holding(held("10"), held("9"))
    assert kinds(parity(positions=twice)) == {"position_unknown"}


def test_a_hedged_side_without_a_row_is_unknown_or_flat():
    trades = [trade(**LONG), trade(trade_id="t-2", side="short", entry_qty="4")]
    one = holding(held("10", position_side="long"))
    assert kinds(parity(trades=trades, positions=one)) == {"position_unknown"}
    flat = parity(trades=trades, positions=one | {"lists": "held"})
    assert (kinds(flat), the_break(flat, "position_mismatch")["trade_id"]) == ({"position_mismatch"}, "t-2")


def test_hedged_and_without_any_row_the_sides_do_not_hide_each_other():
    order = local_order(trade_id="t-1", status="filled", filled_qty="10", position_side="long")
    trades = [trade(**LONG), trade(trade_id="t-2", side="short", entry_qty="10")]
    keys = {"policy": ON, "trades": trades, "positions": holding(lists="held")}
    assert result(plan([order], [], **keys))["mismatched_trades"] == 2
    assert kinds(plan([order | {"position_side": None}], [], **keys)) == set()


@pytest.mark.parametrize(("baseline", "long", "short"), [("3", "13", "-4"), ("-3", "10", "-7")])
def test_where_the_venue_hedges_the_owners_share_is_on_its_side_only(baseline, long, short):
    trades = [trade(**LONG), trade(trade_id="t-2", side="short", entry_qty="4")]
    legs = holding(held(long, position_side="long"), held(short, position_side="short"))
    policy = {"position_baseline": {"ETH/USD": baseline}}
    assert kinds(parity(trades=trades, positions=legs, policy=policy)) == set()


# Closing


CLOSE = {"parity_action": "auto_close", "parity_auto_close_notional_max_usd": "2000"}
FOUR = trade(trade_id="t-2", entry_qty="4")
SHORT = trade(trade_id="t-3", side="short", entry_qty="4")


def test_auto_close_on_an_explicit_flat():
    planned = confirmed("0", policy=CLOSE)  # 10 at 100 USD
    assert steps(planned) == ["close_trade t-1"]
    assert projected_trade(planned) == "closed 10/0"
    assert [line.split()[0] for line in told(planned)] == ["closed"]
    assert result(planned)["auto_closed_trades"] == 1


def test_auto_close_of_all_trades_of_a_flat_instrument():
    planned = confirmed("0", policy=CLOSE, trades=[trade(**LONG), FOUR])
    assert steps(planned) == ["close_trade t-1", "close_trade t-2"]


@pytest.mark.parametrize(
    ("qty", "keys"),
    [
        (None, {"policy": CLOSE | {"missing_position_is_flat": True}}),  # no explicit flat
        ("0", {"policy": CLOSE | {"parity_auto_close_notional_max_usd": "999"}}),
        ("0", {"policy": {"parity_action": "auto_close"}}),  # the limit's default is 0
        ("0", {"policy": CLOSE, "instruments": [KRAKEN]}),  # an unknown rate is not zero
        ("4", {"policy": CLOSE}),  # not flat
        ("4", {"policy": CLOSE, "trades": [trade(**LONG), FOUR]}),  # 10 of 14 are missing, and it is not flat
        ("0", {"policy": CLOSE, "trades": [trade(**LONG), SHORT]}),  # a trade of the other side is open
        ("0", {"policy": CLOSE | {"position_baseline": {"ETH/USD": "-5"}}}),  # the owner is short
        ("0", {"policy": CLOSE | {"position_baseline": {"ETH/USD": "5"}}}),  # 15 are missing, it holds 10
    ],
)
def test_else_auto_close_closes_nothing(qty, keys):
    assert not any(step.startswith("close_trade") for step in steps(confirmed(qty, **keys)))


@pytest.mark.parametrize("quarantined_by", ["person", "parity", None])
def test_a_quarantined_trade_is_never_closed(quarantined_by):
    held_back = trade(**LONG, status="quarantined", quarantined_by=quarantined_by)
    assert steps(confirmed("0", policy=CLOSE, trades=[held_back])) == []


def test_two_trades_with_one_shortfall_and_an_owner_on_the_other_side():
    trades = [trade(entry_qty="5"), trade(trade_id="t-2", entry_qty="5")]
    policy = CLOSE | {"position_baseline": {"ETH/USD": "-5"}}
    assert steps(confirmed("0", policy=policy, trades=trades)) == []


def test_of_several_that_could_be_gone_none_is_closed():
    """The owner's 5 and both trades' 5 explain it as well."""
    trades = [trade(entry_qty="5"), trade(trade_id="t-2", entry_qty="5")]
    policy = CLOSE | {"position_baseline": {"ETH/USD": "5"}}
    planned = confirmed("10", policy=policy, trades=trades)
    assert steps(planned) == ["quarantine_trade t-1", "quarantine_trade t-2"]


# Release


def quarantined(by: str):
    return trade(**LONG, status="quarantined", quarantined_by=by)


def test_released_after_as_many_equal_runs():
    assert steps(confirmed("10", runs=2, spacing_s=60, trades=[quarantined("parity")])) == []
    planned = confirmed("10", runs=3, spacing_s=30, trades=[quarantined("parity")])
    assert steps(planned) == ["release_trade t-1"]
    assert projected_trade(planned) == "open 10/0"
    assert planned["projected_trades"][0]["quarantined_by"] is None
    assert [line.split()[0] for line in told(planned)] == ["released"]


def test_released_and_closed_where_its_entry_ended_unfilled_meanwhile():
    """Nothing entered it, and nothing will: it would stay open with nothing for good."""
    entry = local_order(trade_id="t-1", status="canceled")
    one = seen(kind="position_mismatch") | {"break_id": _equal_id(entry)}
    planned = plan(
        [entry],
        [],
        policy=ON,
        trades=[trade(**PARITYS)],
        positions=holding(held("0")),
        prior=[one],
    )
    assert steps(planned) == ["release_trade t-1"]
    assert projected_trade(planned) == "closed 0/0"


def _equal_id(entry) -> str:
    """The id under which equal runs of t-1 are counted."""
    first = plan([entry], [], policy=ON, trades=[trade(**PARITYS)], positions=holding(held("0")))
    return the_break(first, "position_mismatch")["break_id"]


@pytest.mark.parametrize(
    ("long", "short", "steps_"),
    [("7", "-4", ["release_trade t-2"]), (None, "-4", ["release_trade t-2"]), ("10", "-3", [])],
)
def test_where_the_venue_hedges_an_equal_side_releases_its_own_trades(long, short, steps_):
    """What differs, or is not said, of the long side says nothing of the short one, and the other way round."""
    trades = [trade(**LONG), trade(trade_id="t-2", side="short", entry_qty="4", **PARITYS)]
    rows = [] if long is None else [held(long, position_side="long")]
    legs = holding(*rows, held(short, position_side="short"), read_at=at(60))
    assert [one for one in steps(confirmed("0", trades=trades, positions=legs)) if "t-2" in one] == steps_


def minutely(trades: list[dict], *reads: list[dict]) -> list[list[str]]:
    """The steps of runs a minute apart, each with these rows at the venue and the findings of the one before."""
    found: list[list[str]] = []
    prior: list[dict] = []
    for number, rows in enumerate(reads):
        planned = parity(
            trades=trades,
            positions=holding(*rows, read_at=at(60 * number)),
            prior=prior,
            taken_at=at(60 * number),
            local_keys={"read_at": at(60 * number)},
        )
        found.append(steps(planned))
        prior = planned["findings"]
    return found


def test_where_the_venue_hedges_an_equal_side_resets_though_the_other_has_no_row():
    """Two runs without the long, one in which it is there and nothing is said of the short: the next begins anew."""
    trades = [trade(**LONG), trade(trade_id="t-2", side="short", entry_qty="4")]
    gone, there = held("0", position_side="long"), held("10", position_side="long")
    short = held("-4", position_side="short")
    assert minutely(trades, [gone, short], [gone, short], [there], [gone, short]) == [[], [], [], []]


def test_where_the_venue_hedges_a_side_without_a_row_neither_counts_nor_resets():
    """Two equal runs of the short side, one in which only the long side has a row, and a third: three of three."""
    trades = [trade(**LONG), trade(trade_id="t-2", side="short", entry_qty="4", **PARITYS)]
    long, short = held("10", position_side="long"), held("-4", position_side="short")
    found = minutely(trades, [long, short], [long, short], [long], [long, short])
    assert found == [[], [], [], ["release_trade t-2"]]


def test_released_with_nothing_left_it_closes():
    gone = quarantined("parity") | {"exit_qty": "10"}
    planned = confirmed("0", runs=3, trades=[gone])
    assert steps(planned) == ["release_trade t-1"]
    assert projected_trade(planned) == "closed 10/10"


def test_a_person_releases_what_a_person_quarantined():
    assert steps(confirmed("10", runs=6, trades=[quarantined("person")])) == []


def test_a_closed_trade_is_never_released():
    assert steps(confirmed("0", runs=6, trades=[quarantined("parity") | {"status": "closed"}])) == []


# Notionals


def test_notionals_are_in_usd():
    planned = parity("4")  # 6 at 100
    figures = (result(planned)["max_mismatch_notional_usd"], result(planned)["total_mismatch_notional_usd"])
    assert figures == ("600", "600")


def test_a_known_rate_is_used():
    planned = parity("4", instruments=[KRAKEN], policy={"usd_rates": {"CHF": "1.1"}})
    assert result(planned)["total_mismatch_notional_usd"] == "660"


def test_an_unknown_rate_makes_the_notional_null():
    planned = parity("4", instruments=[KRAKEN])
    assert result(planned)["total_mismatch_notional_usd"] is None


def test_without_a_mismatch_the_notional_is_zero():
    assert result(parity("10"))["total_mismatch_notional_usd"] == "0"


# Nothing is closed or reduced on a read that proves nothing


@pytest.mark.parametrize("state", ["failed", "partial"])
def test_a_confirmed_mismatch_is_not_acted_on_without_a_complete_read(state):
    planned = parity(positions=holding(held("0"), state=state), prior=[seen(9, -9999)])
    assert steps(planned) == []
    assert errors_alerted(planned) == [] or "position_mismatch" not in kinds(planned)
