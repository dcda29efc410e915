"""Orders of two instruments with one venue order id are two orders, in every table and for every reader."""

import pytest
from msgspec.structs import replace

from trueup.core.make_plan import make_plan
from trueup.engine.people.explain import explain
from trueup.model.check_snapshot import check_snapshot
from trueup.model.errors import Conflict
from trueup.model.snapshot import Decision, Position, PositionsRead
from trueup.model.vocabulary import DecisionKind, Outcome, QueryBy, ReadState, Side, Status
from trueup.testing.ledgers.bench import ACCOUNT, Bench

BTC = {"symbol": "BTC/USD", "client_order_id": "b1-9"}
HALF = {"status": Status.PARTIALLY_FILLED, "filled_qty": "5", "filled_avg_price": "1000"}


def orders_of(bench: Bench) -> dict[str, tuple[str, str]]:
    rows = bench.ledger.export("orders")
    return {row["symbol"]: (row["venue_order_id"], row["filled_qty"]) for row in rows}


def test_two_unknown_ones_are_inserted_in_one_run_and_then_in_sync(bench: Bench) -> None:
    records = [bench.venue_order(**HALF), bench.venue_order(**BTC, **HALF)]
    bench.record_trade("t-9", "SOL/USD")
    report = bench.commit(bench.plan(records))
    assert report.superseded == 0
    assert orders_of(bench) == {"ETH/USD": ("v-1", "5"), "BTC/USD": ("v-1", "5")}
    assert len({fill_id for fill_id, _, _ in bench.fills()}) == 2
    bench.settle()
    assert bench.plan(records)[1].corrections == []
    bench.assert_log_is_true()


def test_one_is_known_and_the_other_is_inserted_beside_it(bench: Bench) -> None:
    bench.record_trade()
    bench.record_order()
    bench.settle()
    report = bench.commit(bench.plan([bench.venue_order(), bench.venue_order(**BTC)]))
    assert (report.applied, report.superseded) == (1, 0)
    assert orders_of(bench) == {"ETH/USD": ("v-1", "0"), "BTC/USD": ("v-1", "0")}


def test_one_that_closed_long_ago_is_not_the_other(bench: Bench) -> None:
    """The ledger is asked about v-1 and has ETH's: BTC's is inserted."""
    bench.record_trade()
    bench.record_order()
    bench.bot.record_canceled("b1-1")
    bench.clock.pass_s(3600)
    record = bench.venue_order(**BTC, submitted_at="2026-11-23T12:30:00Z")
    report = bench.commit(bench.plan([record]))
    assert (report.applied, report.superseded) == (1, 0)
    assert orders_of(bench)["BTC/USD"] == ("v-1", "0")


def test_their_changes_go_to_each(bench: Bench) -> None:
    records = [bench.venue_order(), bench.venue_order(**BTC)]
    bench.commit(bench.plan(records))
    bench.settle()
    ended = [bench.venue_order(**HALF), bench.venue_order(**BTC, status=Status.CANCELED)]
    fills = [bench.fill("F1", "5"), bench.fill("F1", "0", symbol="BTC/USD")]
    report = bench.commit(bench.plan(ended, fills))
    assert report.superseded == 0
    assert orders_of(bench) == {"ETH/USD": ("v-1", "5"), "BTC/USD": ("v-1", "0")}
    statuses = {row["symbol"]: row["status"] for row in bench.ledger.export("orders")}
    assert statuses == {"ETH/USD": "partially_filled", "BTC/USD": "canceled"}


def test_a_bot_records_both(bench: Bench) -> None:
    bench.record_trade()
    bench.record_order("1")
    bench.record_trade("t-2", "BTC/USD")
    bench.record_order("1", **BTC, trade_id="t-2")
    bench.bot.record_fill(None, bench.fill("F1", "4", symbol="BTC/USD"))
    bench.bot.record_fill("b1-1", bench.fill("F1", "3"))
    assert orders_of(bench) == {"ETH/USD": ("v-1", "3"), "BTC/USD": ("v-1", "4")}
    with pytest.raises(Conflict, match="several instruments"):
        bench.bot.record_fill(None, bench.fill("F2", "1", symbol=None))


def test_who_asks_for_the_number_is_told_of_both(bench: Bench) -> None:
    bench.commit(bench.plan([bench.venue_order(), bench.venue_order(**BTC)]))
    answers = bench.ledger.books.find(ACCOUNT, {"mom-1": ["v-1"]})["mom-1"]
    found = [one for one in answers if one.by is QueryBy.VENUE_ORDER_ID and one.outcome is Outcome.FOUND]
    assert {one.order.symbol for one in found if one.order is not None} == {"ETH/USD", "BTC/USD"}
    assert {order.symbol for _, order in bench.ledger.books.find_order("v-1")} == {"ETH/USD", "BTC/USD"}
    told = explain(bench.ledger, "v-1")
    assert {one.order.symbol for one in told if one.order is not None} == {"ETH/USD", "BTC/USD"}
    assert [len(one.breaks) for one in told] == [1, 1]


def test_a_former_id_is_one_instrument_s(bench: Bench) -> None:
    bench.commit(bench.plan([bench.venue_order(), bench.venue_order(**BTC)]))
    change = "venue_order_id = 'v-2', previous_venue_order_ids = '[\"v-1\"]'"
    bench.store.execute(f"UPDATE orders SET {change} WHERE symbol = 'BTC/USD'")
    found = bench.ledger.books.find_order("v-1")
    assert sorted(order.venue_order_id or "" for _, order in found) == ["v-1", "v-2"]


def test_a_decision_keeps_its_instrument(bench: Bench) -> None:
    decision = Decision(
        decision_id="d-1",
        kind=DecisionKind.DISOWN_ORDER,
        venue_order_id="v-1",
        symbol="BTC/USD",
        author="ann",
        reason="hers",
        decided_at=bench.ledger.now(),
    )
    bench.ledger.journal.add_decision("mom-1", decision)
    assert bench.ledger.journal.standing_decisions(["mom-1"]) == {"mom-1": [decision]}


def test_two_missing_exits_with_one_number_are_inserted_and_audited_each(bench: Bench) -> None:
    for name, symbol in (("1", "ETH/USD"), ("2", "BTC/USD")):
        bench.record_trade(f"t-{name}", symbol)
        bench.record_order(name, symbol=symbol, trade_id=f"t-{name}")
        bench.bot.record_fill(f"b1-{name}", bench.fill("F1", "10", name=name, symbol=symbol))
    bench.settle()
    sold = {"side": Side.SELL, "status": Status.FILLED, "filled_qty": "10", "filled_avg_price": "1100"}
    exits = [
        bench.venue_order("7", symbol=symbol, client_order_id=f"x-{symbol}", **sold)
        for symbol in ("ETH/USD", "BTC/USD")
    ]
    flat = [Position(symbol=symbol, qty="0") for symbol in ("ETH/USD", "BTC/USD")]
    snapshot = bench.snapshot(coverage_enabled=False)
    now, history = snapshot.taken_at, snapshot.venue.history
    assert history is not None
    venue = replace(
        snapshot.venue,
        positions=PositionsRead(state=ReadState.COMPLETE, read_at=now, rows=flat),
        history=replace(history, orders=exits),
    )
    snapshot = check_snapshot(replace(snapshot, venue=venue))
    report = bench.commit((snapshot, make_plan(snapshot)))
    assert report.superseded == 0
    audited = bench.ledger.export("exit_audit")
    assert sorted(
        (row["venue_order_id"], row["symbol"], row["trade_id"], row["state"]) for row in audited
    ) == [
        ("v-7", "BTC/USD", "t-2", "inserted"),
        ("v-7", "ETH/USD", "t-1", "inserted"),
    ]
