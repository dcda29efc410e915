"""What a bot records of its own orders."""

import pytest
from msgspec.structs import replace

from trueup.engine.recorder.recorder import Recorder
from trueup.model.errors import Conflict, InputError
from trueup.model.snapshot import Fill, LocalOrder
from trueup.model.vocabulary import Action, BreakKind, PositionSide, Side, Status, TradeStatus
from trueup.testing.ledgers.bench import OTHER, Bench


def order_of(**keys: object) -> LocalOrder:
    given = {
        "client_order_id": "b1-1",
        "symbol": "ETH/USD",
        "side": "buy",
        "qty": "10",
        "status": "pending_new",
    }
    return LocalOrder(**{**given, **keys})  # type: ignore[arg-type]


def test_an_order_is_recorded_before_it_is_sent(bench: Bench) -> None:
    recorded = bench.bot.record_order(order_of())
    assert recorded.side is Side.BUY
    assert (recorded.venue_order_id, recorded.version) == (None, 1)
    assert recorded.submitted_at == recorded.last_activity_at == "2026-11-23T12:00:00.000000000Z"
    bench.clock.pass_s(5)
    known = bench.bot.record_acknowledgement("b1-1", "v-1", "2026-11-23T12:00:01Z")
    assert (known.venue_order_id, known.venue_updated_at, known.version) == ("v-1", "2026-11-23T12:00:01Z", 2)
    assert known.last_activity_at == "2026-11-23T12:00:05.000000000Z"


@pytest.mark.parametrize("useless", [None, "", "0", "api", " API "])
def test_an_order_needs_a_client_order_id(bench: Bench, useless: str | None) -> None:
    with pytest.raises(InputError, match="client order id"):
        bench.bot.record_order(order_of(client_order_id=useless))


@pytest.mark.parametrize(
    ("keys", "place"),
    [
        ({"qty": 10.5}, "qty"),
        ({"qty": "-1"}, "qty"),
        ({"qty": "NaN"}, "qty"),
        ({"side": "long"}, "side"),
        ({"status": "gone"}, "status"),
        ({"submitted_at": "2026-11-23 12:00:00"}, "submitted_at"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(bench: Bench, keys: dict, place: str) -> None:
    with pytest.raises(InputError, match=place):
        bench.bot.record_order(order_of(**keys))
    assert bench.ledger.export("orders") == []


def test_repeated_messages_change_nothing(bench: Bench) -> None:
    bench.record_trade()
    bench.record_order()
    bench.bot.record_fill("b1-1", bench.fill("F1", "3"))
    before = bench.contents()
    bench.clock.pass_s(5)
    bench.record_trade()
    bench.record_order()
    bench.bot.record_fill("b1-1", bench.fill("F1", "3.0", "1000.00"))
    assert bench.contents() == before


def test_one_client_order_id_is_one_order(bench: Bench) -> None:
    bench.bot.record_order(order_of())
    with pytest.raises(Conflict, match="other terms"):
        bench.bot.record_order(order_of(qty="11"))
    with pytest.raises(Conflict, match="belongs to profile mom-1"):
        Recorder(bench.ledger, OTHER).record_order(order_of())


def test_what_was_never_recorded_is_refused(bench: Bench) -> None:
    with pytest.raises(Conflict, match="never recorded"):
        bench.bot.record_acknowledgement("b1-7", "v-7")
    with pytest.raises(Conflict, match="never recorded"):
        bench.bot.record_fill("b1-7", bench.fill("F1", "3", name="7"))
    assert bench.ledger.export("order_log") == []


def test_a_client_id_with_another_venue_id_is_no_match(bench: Bench) -> None:
    bench.record_order()
    with pytest.raises(Conflict, match="record_replaced"):
        bench.bot.record_fill("b1-1", bench.fill("F1", "3", name="2"))
    assert bench.order().filled_qty == "0"


def test_what_is_told_of_an_order_that_was_never_recorded_is_not_laid_on_another_of_its_number(
    bench: Bench,
) -> None:
    """At some exchanges each instrument counts its own orders: b1-7 is another one's number 1."""
    bench.record_order()
    with pytest.raises(Conflict, match="not 'b1-7'"):
        bench.bot.record_canceled("b1-7", "v-1")
    with pytest.raises(Conflict, match="not 'b1-7'"):
        bench.bot.record_fill("b1-7", bench.fill("F1", "3"))
    assert (bench.order().status, bench.order().filled_qty) == (Status.PENDING_NEW, "0")


def test_what_is_told_of_another_instruments_order_is_not_laid_on_one_of_its_number(bench: Bench) -> None:
    """A discovered order has no client order id; the books lost the one that is told of."""
    bench.settle()
    bench.commit(bench.plan([bench.venue_order("1", client_order_id=None)]))
    for tell in (
        lambda: bench.bot.record_canceled("b1-lost", "v-1", "2026-11-23T12:30:00Z", symbol="BTC/USD"),
        lambda: bench.bot.record_acknowledgement("b1-lost", "v-1", symbol="BTC/USD"),
        lambda: bench.bot.record_cancel_requested("b1-lost", "v-1", symbol="BTC/USD"),
        lambda: bench.bot.record_replaced(
            "b1-lost",
            "v-1",
            LocalOrder(venue_order_id="v-2", symbol="BTC/USD", side=Side.BUY, status=Status.PENDING_NEW),
        ),
    ):
        with pytest.raises(Conflict, match="never recorded"):
            tell()
    assert bench.bot.record_canceled("b1-1", "v-1", symbol="ETH/USD").status is Status.CANCELED


def test_fills_move_the_order_and_the_trade(bench: Bench) -> None:
    bench.record_trade()
    bench.record_order()
    partly = bench.bot.record_fill("b1-1", bench.fill("F1", "3", "1000"))
    assert (partly.status, partly.filled_qty, partly.filled_avg_price) == (
        Status.PARTIALLY_FILLED,
        "3",
        "1000",
    )
    full = bench.bot.record_fill("b1-1", bench.fill("F2", "7", "1010"))
    assert (full.status, full.filled_qty, full.filled_avg_price) == (Status.FILLED, "10", "1007")
    trade = bench.trade()
    assert (trade["entry_qty"], trade["entry_avg_price"], trade["status"]) == ("10", "1007", "open")
    bench.record_order("2", side=Side.SELL, action=Action.EXIT)
    bench.bot.record_fill("b1-2", Fill(fill_id="F3", qty="10", price="1020", fee="0.5", fee_currency="USD"))
    trade = bench.trade()
    assert (trade["entry_qty"], trade["exit_qty"], trade["status"]) == ("10", "10", "closed")
    bench.assert_log_is_true()


def test_a_fee_in_the_base_currency_is_taken_off_the_trade(bench: Bench) -> None:
    bench.record_trade()
    bench.record_order()
    bench.bot.record_fill("b1-1", bench.fill("F1", "10", fee="0.01", fee_currency="ETH"))
    assert bench.trade()["fee_base_qty"] == "0.01"


def test_a_late_fill_names_what_trueup_inferred(bench: Bench) -> None:
    bench.record_trade()
    bench.record_order()
    bench.settle()
    found = bench.venue_order(status=Status.PARTIALLY_FILLED, filled_qty="3", filled_avg_price="1000")
    bench.commit(bench.plan([found]))
    bench.bot.record_fill("b1-1", bench.fill("F1", "3"))
    assert (bench.order().filled_qty, bench.trade()["entry_qty"]) == ("3", "3")
    assert {(fill_id, qty) for fill_id, qty, inferred in bench.fills() if not inferred} == {("F1", "3")}
    bench.bot.record_fill("b1-1", bench.fill("F2", "4"), cumulative_qty="7")
    assert (bench.order().filled_qty, bench.trade()["entry_qty"]) == ("7", "7")
    bench.assert_log_is_true()


def test_a_cumulative_quantity_tells_of_fills_that_were_not_heard(bench: Bench) -> None:
    bench.record_trade()
    bench.record_order()
    bench.bot.record_fill("b1-1", bench.fill("F2", "4", "1010"), cumulative_qty="7", average_price="1006")
    assert bench.order().filled_qty == "7"
    bench.bot.record_fill("b1-1", bench.fill("F1", "3", "1000"), cumulative_qty="3")
    assert (bench.order().filled_qty, bench.trade()["entry_qty"]) == ("7", "7")
    assert {(fill_id, qty) for fill_id, qty, inferred in bench.fills() if not inferred} == {
        ("F1", "3"),
        ("F2", "4"),
    }
    bench.assert_log_is_true()


def test_more_than_the_orders_quantity_is_left_to_the_next_run(bench: Bench) -> None:
    bench.record_order()
    assert bench.bot.record_fill("b1-1", bench.fill("F1", "11")).filled_qty == "0"
    assert bench.fills() == []


def test_a_quantity_of_zero_is_none(bench: Bench) -> None:
    bench.bot.record_order(order_of(qty="0", order_type="market"))
    order = bench.bot.record_fill("b1-1", bench.fill("F1", "3"))
    assert (order.filled_qty, order.status) == ("3", Status.PARTIALLY_FILLED)


def test_a_fill_heard_before_the_acknowledgement_binds_the_order(bench: Bench) -> None:
    bench.bot.record_order(order_of())
    order = bench.bot.record_fill("b1-1", bench.fill("F1", "3"))
    assert (order.venue_order_id, order.filled_qty) == ("v-1", "3")
    assert bench.bot.record_acknowledgement("b1-1", "v-1").status is Status.PARTIALLY_FILLED


def test_a_cancel_is_asked_for_and_confirmed(bench: Bench) -> None:
    bench.record_trade()
    bench.record_order()
    bench.bot.record_fill("b1-1", bench.fill("F1", "3"))
    assert bench.bot.record_cancel_requested("b1-1").status is Status.PENDING_CANCEL
    late = bench.bot.record_fill("b1-1", bench.fill("F2", "4"))
    assert (late.status, late.filled_qty) == (Status.PENDING_CANCEL, "7")
    assert bench.bot.record_canceled("b1-1", "v-1").status is Status.CANCELED
    after = bench.bot.record_fill("b1-1", bench.fill("F3", "1"))
    assert (after.status, after.filled_qty, bench.trade()["entry_qty"]) == (Status.CANCELED, "8", "8")


def test_an_end_is_recorded_once(bench: Bench) -> None:
    bench.record_order("1")
    bench.record_order("2")
    assert bench.bot.record_rejected("b1-1").status is Status.REJECTED
    assert bench.bot.record_canceled("b1-1").status is Status.REJECTED
    assert (
        bench.bot.record_expired("b1-2", updated_at="2026-11-23T12:00:03Z").venue_updated_at
        == "2026-11-23T12:00:03Z"
    )
    with pytest.raises(InputError, match="record_fill"):
        bench.bot.record_ended("b1-2", None, Status.FILLED)


def test_the_venues_time_of_an_order_never_goes_back(bench: Bench) -> None:
    bench.record_order("1")
    times = []
    for updated_at in ("2026-11-23T12:00:05Z", "2026-11-23T12:00:03Z", "2026-11-23T12:00:07Z"):
        known = bench.bot.record_acknowledgement("b1-1", "v-1", updated_at)
        times.append(known.venue_updated_at)
    assert times == ["2026-11-23T12:00:05Z", "2026-11-23T12:00:05Z", "2026-11-23T12:00:07Z"]


def test_a_replaced_order_hands_on_its_trade(bench: Bench) -> None:
    bench.record_trade()
    bench.record_order(sub_tag="mom")
    bench.bot.record_fill("b1-1", bench.fill("F1", "3"))
    successor = order_of(client_order_id="b1-2", venue_order_id="v-2", qty="7", symbol=None)
    recorded = bench.bot.record_replaced("b1-1", "v-1", successor)
    assert (recorded.trade_id, recorded.action, recorded.sub_tag, recorded.symbol) == (
        "t-1",
        "entry",
        "mom",
        "ETH/USD",
    )
    assert (bench.order("1").status, bench.order("2").status) == (Status.REPLACED, Status.PENDING_NEW)
    before = bench.contents()
    bench.bot.record_replaced("b1-1", "v-1", successor)
    assert bench.contents() == before
    bench.bot.record_fill("b1-2", bench.fill("F2", "7", name="2"))
    assert bench.trade()["entry_qty"] == "10"


def test_a_successor_with_its_predecessors_client_id_is_named_by_the_venue(bench: Bench) -> None:
    bench.record_trade()
    bench.record_order()
    recorded = bench.bot.record_replaced("b1-1", "v-1", order_of(venue_order_id="v-2"))
    assert (recorded.client_order_id, recorded.venue_order_id) == (None, "v-2")
    filled = bench.bot.record_fill("b1-1", bench.fill("F1", "10", name="2"))
    assert (filled.venue_order_id, filled.status) == ("v-2", Status.FILLED)
    assert bench.order("1").filled_qty == "0"


def test_a_trade_is_opened_once(bench: Bench) -> None:
    bench.record_trade()
    with pytest.raises(Conflict, match="new trade id"):
        bench.bot.open_trade("T-1 ", "BTC/USD", PositionSide.LONG)
    assert [one["trade_id"] for one in bench.ledger.export("trades")] == ["t-1"]


def test_a_trade_opened_late_begins_with_what_its_orders_filled(bench: Bench) -> None:
    """After a restored backup the books have the orders and not the trade (simulator's seed 341)."""
    bench.record_order("1")
    bench.record_order("2", side=Side.SELL, action=Action.EXIT)
    bench.bot.record_fill("b1-1", bench.fill("F1", "4", "1000", fee="0.01", fee_currency="ETH"))
    bench.bot.record_fill("b1-1", bench.fill("F2", "6", "1010"))
    bench.bot.record_fill("b1-2", replace(bench.fill("F3", "7", "1020", "2"), side=Side.SELL))
    trade = bench.record_trade()
    assert trade is not None
    assert (trade.entry_qty, trade.exit_qty, trade.fee_base_qty) == ("10", "7", "0.01")
    assert (trade.entry_avg_price, trade.status) == ("1006", TradeStatus.OPEN)
    assert bench.ledger.journal.list_breaks() == []
    assert bench.record_trade() == trade


def test_a_trade_opened_late_is_the_sum_of_its_orders_also_beyond_its_entry(bench: Bench) -> None:
    bench.record_order("1", side=Side.SELL, action=Action.EXIT)
    bench.bot.record_fill("b1-1", replace(bench.fill("F1", "10"), side=Side.SELL))
    trade = bench.record_trade()
    assert trade is not None
    assert (trade.entry_qty, trade.exit_qty, trade.status) == ("0", "10", TradeStatus.OPEN)
    (found,) = bench.ledger.journal.list_breaks()
    assert (found.found.kind, found.found.venue) == (BreakKind.TRADE_OVERRUN, {"beyond_qty": "10"})


def test_a_failing_write_leaves_nothing(bench: Bench) -> None:
    """A fill that is booked on another order: order, trade and log stay as they were."""
    bench.record_trade()
    bench.record_order("1")
    bench.record_order("2")
    bench.bot.record_fill("b1-1", bench.fill("F1", "3"))
    bench.store.execute("UPDATE orders SET venue_order_id = 'v-9' WHERE venue_order_id = 'v-1'")
    before = bench.contents()
    bench.store.execute("UPDATE orders SET venue_order_id = 'v-1' WHERE venue_order_id = 'v-2'")
    moved = bench.contents()
    with pytest.raises(Conflict, match="booked on another order"):
        bench.bot.record_fill("b1-2", bench.fill("F1", "3"))
    assert bench.contents() == moved
    assert moved["order_log"] == before["order_log"]


def test_an_exit_beyond_the_trade_is_reported_in_the_same_transaction(bench: Bench) -> None:
    bench.record_trade()
    bench.record_order()
    bench.bot.record_fill("b1-1", bench.fill("F1", "3"))
    bench.record_order("2", side=Side.SELL, action=Action.EXIT)
    bench.bot.record_fill("b1-2", Fill(fill_id="F2", qty="5", price="1020"))
    assert (bench.order("2").filled_qty, bench.trade()["exit_qty"]) == ("5", "5")
    assert bench.trade()["status"] == "open"
    (found,) = bench.ledger.journal.list_breaks("mom-1")
    assert (found.found.kind, found.found.reason, found.found.trade_id) == (
        "trade_overrun",
        "beyond_open_qty",
        "t-1",
    )
    assert found.found.venue == {"beyond_qty": "2"}
    last = [row for row in bench.ledger.export("order_log") if row["event"] == "filled"][-1]
    assert "2 more left trade t-1 than entered it" in last["payload"]["reason"]
    bench.assert_log_is_true()


def test_the_overrun_has_the_id_that_a_run_would_have_given_it(bench: Bench) -> None:
    bench.record_trade()
    bench.record_order()
    bench.bot.record_fill("b1-1", bench.fill("F1", "3"))
    bench.record_order("2", side=Side.SELL, action=Action.EXIT)
    bench.settle()
    sold = {
        "side": Side.SELL,
        "status": Status.PARTIALLY_FILLED,
        "filled_qty": "5",
        "filled_avg_price": "1020",
    }
    _, plan = bench.plan([bench.venue_order("2", **sold)])
    (planned,) = [one.break_id for one in plan.breaks if one.kind == "trade_overrun"]
    bench.bot.record_fill("b1-2", Fill(fill_id="F2", qty="5", price="1020"))
    assert [one.found.break_id for one in bench.ledger.journal.list_breaks("mom-1")] == [planned]


def test_the_entry_heard_late_closes_the_overrun_trade(bench: Bench) -> None:
    bench.record_trade()
    bench.record_order()
    bench.bot.record_fill("b1-1", bench.fill("F1", "3"))
    bench.record_order("2", side=Side.SELL, action=Action.EXIT)
    bench.bot.record_fill("b1-2", Fill(fill_id="F2", qty="5", price="1020"))
    bench.bot.record_fill("b1-1", bench.fill("F3", "2"))
    bench.bot.record_canceled("b1-1")
    assert (bench.trade()["entry_qty"], bench.trade()["exit_qty"]) == ("5", "5")
    assert bench.trade()["status"] == "closed"


def test_a_trade_that_an_older_version_left_behind_its_orders_is_level_at_the_next_fill(bench: Bench) -> None:
    """Its exit of 5 was held to the 3 that it had then."""
    bench.record_trade()
    bench.record_order()
    bench.bot.record_fill("b1-1", bench.fill("F1", "3"))
    bench.record_order("2", side=Side.SELL, action=Action.EXIT)
    bench.bot.record_fill("b1-2", Fill(fill_id="F2", qty="5", price="1020"))
    bench.store.execute("UPDATE trades SET exit_qty = '3', status = 'closed'")
    bench.bot.record_fill("b1-1", bench.fill("F3", "4"))
    assert (bench.trade()["entry_qty"], bench.trade()["exit_qty"]) == ("7", "5")
    assert bench.trade()["status"] == "open"


@pytest.mark.parametrize("end", ["record_canceled", "record_rejected", "record_expired"])
def test_a_trade_whose_only_entry_ended_unfilled_closes(bench: Bench, end: str) -> None:
    bench.record_trade()
    bench.record_order()
    bench.record_order("2")
    getattr(bench.bot, end)("b1-1")
    assert bench.trade()["status"] == "open"  # another entry is live
    getattr(bench.bot, end)("b1-2")
    assert (bench.trade()["status"], bench.trade()["entry_qty"]) == ("closed", "0")


def test_an_exit_that_ends_closes_no_trade_that_is_yet_to_be_entered(bench: Bench) -> None:
    bench.record_trade()
    bench.record_order("2", side=Side.SELL, action=Action.EXIT)
    bench.bot.record_canceled("b1-2")
    assert bench.trade()["status"] == "open"


def test_close_trade_closes_what_holds_nothing(bench: Bench) -> None:
    bench.record_trade()
    assert bench.bot.close_trade("t-1").status is TradeStatus.CLOSED
    log = bench.ledger.export("order_log")
    assert bench.bot.close_trade("t-1").status is TradeStatus.CLOSED
    assert bench.ledger.export("order_log") == log
    bench.assert_log_is_true()


def test_close_trade_closes_nothing_else(bench: Bench) -> None:
    with pytest.raises(Conflict, match="never opened"):
        bench.bot.close_trade("t-1")
    bench.record_trade()
    bench.record_order()
    with pytest.raises(Conflict, match="live order"):
        bench.bot.close_trade("t-1")
    bench.bot.record_fill("b1-1", bench.fill("F1", "3"))
    bench.bot.record_canceled("b1-1")
    with pytest.raises(Conflict, match="holds 3"):
        bench.bot.close_trade("t-1")
    assert bench.trade()["status"] == "open"
