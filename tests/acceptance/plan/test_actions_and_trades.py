"""Actions, and what the growth of an order does to its trade."""

import pytest

from tests.acceptance.plan.snapshots import (
    at,
    fill,
    found,
    history,
    kinds,
    local_order,
    plan,
    projected,
    projected_trade,
    stands,
    steps,
    the_break,
    told,
    trade,
    venue_order,
)

PATTERN = {"client_order_id_pattern": r"^b1\.(?P<trade>[^.]+)\.(?P<action>entry|exit)"}
FOUR = {"status": "partially_filled", "filled_qty": "4", "filled_avg_price": "100"}
LONG = {"entry_qty": "10", "entry_avg_price": "90"}


def discovered_action(*, trades=(), policy=None, **keys) -> str:
    order = venue_order(**({"venue_order_id": "v-9", "client_order_id": "c-9"} | keys))
    planned = plan([], [order], trades=trades, policy=policy)
    return projected(planned, "v-9")["action"]


# The order in which an action is derived


def test_an_explicit_action_comes_first():
    local = local_order(side="sell", action="entry")
    planned = plan([local], [venue_order(side="sell", intent="close", **FOUR)])
    assert told(planned) == ["entry_fill v-1 4 @ 100 of 4"]


@pytest.mark.parametrize(("intent", "side", "action"), [("open", "sell", "entry"), ("close", "buy", "exit")])
def test_then_the_venues_intent(intent, side, action):
    assert discovered_action(intent=intent, side=side) == action


@pytest.mark.parametrize(("name", "side"), [("entry", "sell"), ("exit", "buy")])
def test_then_the_pattern(name, side):
    assert discovered_action(client_order_id=f"b1.t-1.{name}", side=side, policy=PATTERN) == name


@pytest.mark.parametrize(
    ("trade_side", "side", "action"),
    [("short", "buy", "exit"), ("long", "sell", "exit"), ("long", "buy", "entry")],
)
def test_then_the_only_trade_that_it_would_reduce(trade_side, side, action):
    assert discovered_action(side=side, trades=[trade(side=trade_side, **LONG)]) == action


@pytest.mark.parametrize(("side", "action"), [("sell", "exit"), ("short", "exit"), ("buy", "entry")])
def test_else_a_sale_is_an_exit(side, action):
    assert discovered_action(side=side) == action


def test_where_positions_are_hedged_no_trade_is_guessed():
    short = trade(side="short", **LONG)
    assert discovered_action(side="buy", position_side="long", trades=[short]) == "entry"


def test_a_local_order_without_an_action_is_told_by_its_derived_one():
    local = local_order(action=None, side="sell")
    assert told(plan([local], [venue_order(side="sell", **FOUR)])) == ["exit_fill v-1 4 @ 100 of 4"]


# Growth moves the trade


def exit_order(**keys):
    return local_order(**({"trade_id": "t-1", "side": "sell", "action": "exit"} | keys))


def venue_exit(filled_qty: str, status: str = "partially_filled", **keys):
    return venue_order(
        **({"side": "sell", "status": status, "filled_qty": filled_qty, "filled_avg_price": "110"} | keys)
    )


def test_an_entry_fill_grows_the_trade_and_its_average():
    # (5 × 90 + 4 × 100) ÷ 9 would not end; 4 at 90 and 4 at 100 make 95
    planned = plan(
        [local_order(trade_id="t-1")],
        [venue_order(**FOUR)],
        trades=[trade(entry_qty="4", entry_avg_price="90")],
    )
    assert projected_trade(planned) == "open 8/0"
    assert planned["projected_trades"][0]["entry_avg_price"] == "95"


def test_an_exit_fill_reduces_the_trade():
    planned = plan([exit_order()], [venue_exit("4")], trades=[trade(**LONG)])
    assert projected_trade(planned) == "open 10/4"
    assert told(planned) == ["exit_fill v-1 4 @ 110 of 4"]


# What comes first: the order of the facts' times


def two_orders(entry_id: str, exit_id: str, **keys):
    """An entry and an exit of one trade, under ids that sort as they like."""
    entry = local_order(venue_order_id=entry_id, client_order_id="b-1", trade_id="t-1")
    sold = exit_order(venue_order_id=exit_id, client_order_id="b-2")
    rows = [
        venue_order(venue_order_id=entry_id, client_order_id="b-1") | DONE | keys.pop("entry", {}),
        venue_order(venue_order_id=exit_id, client_order_id="b-2", side="sell") | DONE | keys.pop("exit", {}),
    ]
    return plan([entry, sold], rows, trades=[trade()], **keys)


DONE = {"status": "filled", "filled_qty": "10", "filled_avg_price": "100"}
IDS = [("a", "z"), ("z", "a")]


def said(planned) -> list[str]:
    return [line.split(" @")[0] for line in told(planned)]


@pytest.mark.parametrize(("entry_id", "exit_id"), IDS)
def test_the_entry_is_corrected_and_told_before_the_exit(entry_id, exit_id):
    planned = two_orders(entry_id, exit_id, entry={"updated_at": at(-90)}, exit={"updated_at": at(-60)})
    assert [one["venue_order_id"] for one in planned["corrections"]] == [entry_id] * 2 + [exit_id] * 2
    assert [one["kind"] for one in planned["corrections"]] == ["book_fill", "set_status"] * 2
    assert said(planned) == [f"entry_fill {entry_id} 10", f"exit_fill {exit_id} 10"]


@pytest.mark.parametrize(("entry_id", "exit_id"), IDS)
def test_entries_before_exits_at_the_same_moment(entry_id, exit_id):
    same = {"updated_at": at(-60)}
    planned = two_orders(entry_id, exit_id, entry=same, exit=same)
    assert said(planned) == [f"entry_fill {entry_id} 10", f"exit_fill {exit_id} 10"]


@pytest.mark.parametrize(("entry_id", "exit_id"), IDS)
def test_what_happened_first_comes_first(entry_id, exit_id):
    """A trade that was left short first, and entered after."""
    planned = two_orders(entry_id, exit_id, entry={"updated_at": at(-30)}, exit={"updated_at": at(-60)})
    assert said(planned) == [f"exit_fill {exit_id} 10", f"entry_fill {entry_id} 10"]


@pytest.mark.parametrize(("entry_id", "exit_id"), IDS)
def test_fills_of_two_orders_stand_in_the_order_of_their_times(entry_id, exit_id):
    bought = [fill(f"B{n}", "5", venue_order_id=entry_id, filled_at=at(s)) for n, s in ((1, -90), (2, -70))]
    sold = [
        fill(f"S{n}", "5", venue_order_id=exit_id, side="sell", filled_at=at(s))
        for n, s in ((1, -80), (2, -60))
    ]
    planned = two_orders(
        entry_id,
        exit_id,
        entry={"updated_at": at(-70)},
        exit={"updated_at": at(-60)},
        history=history([], [*sold, *bought]),
    )
    booked = [one["fill"]["fill_id"] for one in planned["corrections"] if one["fill"] is not None]
    assert booked == ["B1", "S1", "B2", "S2"]
    ends = [one["venue_order_id"] for one in planned["corrections"] if one["kind"] == "set_status"]
    assert ends == [entry_id, exit_id]
    assert said(planned) == [f"entry_fill {entry_id} 10", f"exit_fill {exit_id} 10"]


def test_an_entry_is_told_from_its_first_fill_on():
    """An exit between the entry's fills leaves what had entered: it is told second."""
    bought = [fill(f"B{n}", "5", venue_order_id="z", filled_at=at(s)) for n, s in ((1, -90), (2, -60))]
    left = [fill("S1", "5", venue_order_id="a", side="sell", filled_at=at(-80))]
    planned = two_orders(
        "z",
        "a",
        entry={"updated_at": at(-60)},
        exit={"updated_at": at(-80), "filled_qty": "5", "status": "partially_filled"},
        history=history([], [*left, *bought]),
    )
    assert said(planned) == ["entry_fill z 10", "exit_fill a 5"]


def test_an_exit_is_told_from_its_last_fill_on():
    """A part of it was sold before the entry: nobody is told to leave what was not entered."""
    bought = [fill("B1", "10", venue_order_id="z", filled_at=at(-70))]
    sold = [
        fill(f"S{n}", "5", venue_order_id="a", side="sell", filled_at=at(s)) for n, s in ((1, -80), (2, -60))
    ]
    planned = two_orders(
        "z",
        "a",
        entry={"updated_at": at(-70)},
        exit={"updated_at": at(-60)},
        history=history([], [*sold, *bought]),
    )
    assert said(planned) == ["entry_fill z 10", "exit_fill a 10"]


def test_new_terms_without_a_time_hold_no_entry_back():
    """The venue does not say when it changed the order: what was told of it stands with its first fill."""
    entry = local_order(
        venue_order_id="z", client_order_id="b-1", trade_id="t-1", by_notional=True, qty="9", limit_price=None
    )
    bought = fill("B1", "10", venue_order_id="z", filled_at=at(-90))
    left = fill("S1", "10", venue_order_id="a", side="sell", filled_at=at(-60))
    bare = {"limit_price": None, "qty": None, "by_notional": True, "updated_at": None}
    rows = [
        venue_order(venue_order_id="z", client_order_id="b-1") | DONE | bare,
        venue_order(venue_order_id="a", client_order_id="b-2", side="sell") | DONE | {"updated_at": at(-60)},
    ]
    planned = plan(
        [entry, exit_order(venue_order_id="a", client_order_id="b-2")],
        rows,
        trades=[trade()],
        history=history([], [left, bought]),
    )
    assert [line.split(" ")[:2] for line in told(planned)] == [
        ["amended", "z"],
        ["entry_fill", "z"],
        ["exit_fill", "a"],
    ]


def test_a_cancel_is_told_after_the_fills_before_it():
    planned = two_orders(
        "z",
        "a",
        entry={"updated_at": at(-90), "status": "canceled", "filled_qty": "4"},
        exit={"updated_at": at(-60), "filled_qty": "4", "status": "canceled"},
    )
    assert said(planned) == ["entry_fill z 4", "cancel z", "exit_fill a 4", "cancel a"]


# A trade is the sum of its orders


def test_beyond_its_entry_a_trade_is_open_with_a_negative_quantity():
    planned = plan([exit_order()], [venue_exit("5")], trades=[trade(**LONG, exit_qty="8")])
    assert stands(planned, "v-1") == "partially_filled 5 @ 110"
    assert projected_trade(planned) == "open 10/13"
    overrun = the_break(planned, "trade_overrun")
    assert (overrun["severity"], overrun["trade_id"], overrun["corrected"]) == ("error", "t-1", False)
    assert overrun["venue"] == {"beyond_qty": "3"}


def test_an_overrun_is_told_in_every_run_until_its_entry_grows():
    overrun = trade(**LONG, exit_qty="13")
    assert kinds(plan([], [], trades=[overrun])) == {"trade_overrun"}
    late = local_order(trade_id="t-1", qty="3")
    grown = venue_order(qty="3", status="filled", filled_qty="3", filled_avg_price="90")
    planned = plan([late], [grown], trades=[overrun])
    assert projected_trade(planned) == "closed 13/13"
    assert "trade_overrun" not in kinds(planned)


def test_a_closed_trade_overruns_nothing():
    assert kinds(plan([], [], trades=[trade(**LONG, exit_qty="13", status="closed")])) == set()


def test_within_the_tolerance_it_is_no_overrun():
    step = {"symbol": "ETH/USD", "qty_step": "0.001"}
    over = trade(**LONG, exit_qty="10.001")
    assert kinds(plan([], [], trades=[over], instruments=[step])) == set()
    assert kinds(plan([], [], trades=[over])) == {"trade_overrun"}
    noise = trade(**LONG, exit_qty="10.00000000000000002")
    assert kinds(plan([], [], trades=[noise])) == set()


def test_a_base_fee_makes_no_overrun():
    """The account paid it; what entered left."""
    planned = plan([exit_order()], [venue_exit("10", "filled")], trades=[trade(**LONG, fee_base_qty="0.01")])
    assert projected_trade(planned) == "closed 10/10"
    assert "trade_overrun" not in kinds(planned)


SOLD = {
    "client_order_id": "c-2",
    "venue_order_id": "v-2",
    "side": "sell",
    "action": "exit",
    "trade_id": "t-1",
}


@pytest.mark.parametrize("status", ["closed", "open"])
def test_an_exit_that_was_held_back_is_on_the_trade_when_the_entry_grows(status):
    """Books of an older version: entry 7 of 10 heard, the exit of 10 on the order only."""
    entry = local_order(trade_id="t-1", status="partially_filled", filled_qty="7", filled_avg_price="100")
    sold = local_order(**SOLD, status="filled", filled_qty="10", filled_avg_price="110")
    grown = venue_order(status="filled", filled_qty="10", filled_avg_price="100")
    held = trade(entry_qty="7", exit_qty="7", entry_avg_price="100", status=status)
    planned = plan([entry, sold], [grown], trades=[held])
    assert steps(planned)[0].startswith("book_fill v-1 ")
    assert projected_trade(planned) == "closed 10/10"
    assert planned["projected_trades"][0]["entry_avg_price"] == "100"
    assert the_break(planned, "trade_drift")["severity"] == "info"


def test_an_order_that_the_trade_does_not_list_takes_nothing_from_it():
    """A snapshot need not hold a trade's old orders: what is listed is the least it can be."""
    entry = local_order(trade_id="t-1", status="partially_filled", filled_qty="2", filled_avg_price="100")
    planned = plan([entry], [venue_order(**FOUR)], trades=[trade(**LONG)])
    assert projected_trade(planned) == "open 12/0"
    assert "trade_drift" not in kinds(planned)


def test_not_while_the_bot_is_at_one_of_the_orders():
    """It may be about to write its trade."""
    entry = local_order(trade_id="t-1", status="partially_filled", filled_qty="2", filled_avg_price="100")
    busy = local_order(**SOLD, status="filled", filled_qty="1", last_activity_at=at(0))
    planned = plan([entry, busy], [venue_order(**FOUR)], trades=[trade(entry_qty="2", entry_avg_price="100")])
    assert projected_trade(planned) == "open 4/0"


def test_a_closed_trade_stays_closed_however_its_amounts_are_spelled():
    done = local_order(trade_id="t-1", status="filled", filled_qty="10", filled_avg_price="100")
    closed = trade(entry_qty="10.0", entry_avg_price="100.0", status="closed")
    planned = plan(
        [done],
        [],
        trades=[closed],
        history=history(
            [venue_order(status="filled", filled_qty="10", filled_avg_price="100")], [fill("F1", "10")]
        ),
    )
    assert steps(planned) == ["supersede_fill v-1 F1 10 @ 100 for 10 of legacy"]
    assert planned["projected_trades"] == []


@pytest.mark.parametrize("status", ["canceled", "expired", "rejected"])
def test_a_trade_closes_when_its_only_entry_ends_unfilled(status):
    planned = plan([local_order(trade_id="t-1")], [venue_order(status=status)], trades=[trade()])
    assert projected_trade(planned) == "closed 0/0"


def test_not_while_another_entry_is_live_or_when_an_exit_ends():
    other = {"venue_order_id": "v-2", "client_order_id": "c-2"}
    planned = plan(
        [local_order(trade_id="t-1"), local_order(**other, trade_id="t-1")],
        [venue_order(status="canceled"), venue_order(**other)],
        trades=[trade()],
    )
    assert planned["projected_trades"] == []
    ended = venue_order(side="sell", status="canceled")
    assert plan([exit_order()], [ended], trades=[trade()])["projected_trades"] == []


def test_a_fee_opens_no_closed_trade_again():
    """Parity closed it with nothing sold; the fee of its entry, read later, is no fill."""
    entry = local_order(trade_id="t-1", status="filled", filled_qty="10", filled_avg_price="90")
    done = venue_order(status="filled", filled_qty="10", filled_avg_price="90")
    planned = plan(
        [entry],
        [],
        fills=[fill("F1", "10", "90")],
        history=history([done], [fill("F1", "10", "90", fee="0.01", fee_currency="ETH")]),
        trades=[trade(**LONG, status="closed")],
    )
    (row,) = planned["projected_trades"]
    assert (row["status"], row["entry_qty"], row["fee_base_qty"]) == ("closed", "10", "0.01")


def mapped_by_person(venue_order_id: str = "v-1", trade_id: str = "t-1"):
    decision = {
        "decision_id": "d-1",
        "kind": "map_trade",
        "venue_order_id": venue_order_id,
        "trade_id": trade_id,
        "author": "ann",
        "reason": "seen on the website",
        "decided_at": at(-100),
    }
    return {"decisions": [decision]}


def test_an_order_that_a_person_maps_moves_the_trade_by_all_that_filled():
    """6 of 10 were booked, with a fee of 0.006, and 4 more are in this plan: the trade is the sum of its orders."""
    order = local_order(status="partially_filled", filled_qty="6", filled_avg_price="90")
    fills = [fill("F1", "6", "90", fee="0.006", fee_currency="ETH")]
    growth = fill("F2", "4", "100", fee="0.004", fee_currency="ETH")
    done = venue_order(status="filled", filled_qty="10", filled_avg_price="94")
    planned = plan(
        [order],
        [],
        answers=[found(done)],
        fills=fills,
        history=history([], [*fills, growth]),
        trades=[trade()],
        local_keys=mapped_by_person(),
    )
    (row,) = planned["projected_trades"]
    assert (row["entry_qty"], row["entry_avg_price"], row["fee_base_qty"]) == ("10", "94", "0.01")


def test_an_order_is_mapped_to_no_trade_of_another_instrument():
    """A quantity of ETH moves no trade in BTC, whoever says so."""
    trades, keys = [trade(symbol="BTC/USD")], mapped_by_person()
    booked = local_order(status="filled", filled_qty="10", filled_avg_price="90")
    assert steps(plan([booked], [], trades=trades, local_keys=keys)) == []
    unknown = plan([], [venue_order(**FOUR)], trades=trades, local_keys=keys)
    assert (projected(unknown, "v-1")["trade_id"], projected_trade(unknown)) == (None, None)


def test_an_exit_that_a_person_maps_is_no_missing_one():
    sale = local_order(side="sell", action="exit")
    sold = venue_order(side="sell", status="filled", filled_qty="10", filled_avg_price="110")
    flat = {"state": "complete", "read_at": at(-1), "rows": [{"symbol": "ETH/USD", "qty": "0"}]}
    planned = plan(
        [sale],
        [],
        answers=[found(sold)],
        history=history(),
        trades=[trade(**LONG)],
        positions=flat,
        policy={"exit_backfill_enabled": True, "parity_enabled": True},
        local_keys=mapped_by_person(),
    )
    assert projected_trade(planned) == "closed 10/10"
    assert kinds(planned) == {"fill_drift", "status_drift", "ids_incomplete"}


def test_a_trade_closes_at_zero():
    planned = plan([exit_order()], [venue_exit("10", "filled")], trades=[trade(**LONG)])
    assert projected_trade(planned) == "closed 10/10"


def test_a_trade_closes_within_the_tolerance():
    step = {"symbol": "ETH/USD", "qty_step": "0.001"}
    planned = plan(
        [exit_order(qty="9.999")],
        [venue_exit("9.999", "filled", qty="9.999")],
        trades=[trade(**LONG)],
        instruments=[step],
    )
    assert projected_trade(planned) == "closed 10/9.999"


def test_a_trade_of_one_step_is_open_until_it_is_left():
    """The smallest quantity that can be held is within the tolerance of nothing, but nothing has left it."""
    step = {"symbol": "ETH/USD", "qty_step": "0.001"}
    entry = local_order(trade_id="t-1", qty="0.001")
    filled = venue_order(qty="0.001", status="filled", filled_qty="0.001", filled_avg_price="100")
    entered = plan([entry], [filled], trades=[trade()], instruments=[step])
    assert projected_trade(entered) == "open 0.001/0"
    left = plan(
        [exit_order(qty="0.001")],
        [venue_exit("0.001", "filled", qty="0.001")],
        trades=[trade(entry_qty="0.001", entry_avg_price="100")],
        instruments=[step],
    )
    assert projected_trade(left) == "closed 0.001/0.001"


def test_fees_taken_in_the_base_currency_are_not_there_to_exit():
    planned = plan(
        [exit_order(qty="9.9")],
        [venue_exit("9.9", "filled", qty="9.9")],
        trades=[trade(**LONG, fee_base_qty="0.1")],
    )
    assert projected_trade(planned) == "closed 10/9.9"


@pytest.mark.parametrize(("symbol", "fees"), [("ETH/USD", "0.1"), ("ETH/USD:ETH", "0")])
def test_fees_in_the_base_currency_take_nothing_of_a_contract(symbol, fees):
    bought = fill("F1", "10", symbol=symbol, fee="0.1", fee_currency="ETH")
    planned = plan(
        [local_order(trade_id="t-1", symbol=symbol)],
        [venue_order(symbol=symbol, status="filled", filled_qty="10", filled_avg_price="100")],
        history=history([], [bought]),
        trades=[trade(symbol=symbol)],
    )
    [moved] = planned["projected_trades"]
    assert (moved["entry_qty"], moved["fee_base_qty"]) == ("10", fees)


def test_a_trade_with_a_live_entry_does_not_close():
    entry = local_order(venue_order_id="v-2", client_order_id="c-2", trade_id="t-1")
    venue_entry = venue_order(venue_order_id="v-2", client_order_id="c-2")
    planned = plan([exit_order(), entry], [venue_exit("10", "filled"), venue_entry], trades=[trade(**LONG)])
    assert projected_trade(planned) == "open 10/10"


def test_a_trade_that_is_not_yet_at_zero_stays_open():
    planned = plan([exit_order()], [venue_exit("9", "canceled")], trades=[trade(**LONG)])
    assert projected_trade(planned) == "open 10/9"


def test_a_later_fill_reopens_a_closed_trade():
    entry = local_order(trade_id="t-1", status="canceled")
    late = fill("F1", "2", filled_at=at(-60))
    planned = plan(
        [entry], [], trades=[trade(**LONG, exit_qty="10", status="closed")], history=history(fills=[late])
    )
    assert steps(planned) == ["book_fill v-1 F1 2 @ 100"]
    assert projected_trade(planned) == "open 12/10"


def test_a_quarantined_trade_stays_quarantined_while_its_fills_are_booked():
    held = trade(**LONG, status="quarantined", quarantined_by="person")
    planned = plan([exit_order()], [venue_exit("4")], trades=[held])
    assert projected_trade(planned) == "quarantined 10/4"


def test_an_order_without_a_trade_moves_none():
    planned = plan([local_order()], [venue_order(**FOUR)], trades=[trade(**LONG)])
    assert planned["projected_trades"] == []
