"""A fill is booked once, under its identity, whoever books it (invariants I1 and I3)."""

from trueup.model.vocabulary import Status
from trueup.testing.ledgers.bench import Bench

PARTLY = {"status": Status.PARTIALLY_FILLED, "filled_qty": "3", "filled_avg_price": "1000"}


def insert_fill_past_the_ledger(bench: Bench, fill_id: str, qty: str) -> None:
    bench.store.execute(
        "INSERT INTO fills (account_id, instrument, order_identity, fill_identity, order_key, fill_id, venue_order_id, "
        f"symbol, side, qty, price) SELECT account_id, 'ethusd', 'v-1', '{fill_id.lower()}', order_key, '{fill_id}', "
        f"'v-1', 'ETH/USD', 'buy', '{qty}', '1000' FROM orders WHERE venue_order_id = 'v-1'"
    )


def test_a_fill_that_exists_moves_no_quantity(bench: Bench) -> None:
    bench.record_trade()
    bench.record_order()
    bench.settle()
    planned = bench.plan([bench.venue_order(**PARTLY)], [bench.fill("F1", "3")])
    insert_fill_past_the_ledger(bench, "F1", "3")
    report = bench.commit(planned)
    assert (report.applied, report.superseded, report.conflicts) == (0, 2, [])
    assert (bench.order().filled_qty, bench.trade()["entry_qty"]) == ("0", "0")


def test_a_fill_that_exists_with_other_content_is_flagged(bench: Bench) -> None:
    bench.record_trade()
    bench.record_order()
    bench.settle()
    planned = bench.plan([bench.venue_order(**PARTLY)], [bench.fill("F1", "3")])
    insert_fill_past_the_ledger(bench, "F1", "2")
    report = bench.commit(planned)
    assert (report.applied, report.superseded) == (0, 2)
    (conflict,) = report.conflicts
    assert conflict.startswith(
        "fill F1 of order v-1 is booked as 2 at 1000; the plan has 3 at 1000: nothing of it was"
    )


def test_a_real_fill_takes_the_place_of_what_was_inferred(bench: Bench) -> None:
    bench.record_trade()
    bench.record_order()
    bench.settle()
    bench.commit(bench.plan([bench.venue_order(**PARTLY)]))
    ((inferred_id, _, _),) = bench.fills()
    bench.commit(bench.plan([bench.venue_order(**PARTLY)], [bench.fill("F1", "2", "1010")]))
    assert sorted(bench.fills()) == sorted([(inferred_id, "1", True), ("F1", "2", False)])
    order, trade = bench.order(), bench.trade()
    assert (order.filled_qty, trade["entry_qty"]) == ("3", "3")
    bench.commit(
        bench.plan(
            [bench.venue_order(**PARTLY)], [bench.fill("F1", "2", "1010"), bench.fill("F2", "1", "980")]
        )
    )
    assert sorted(bench.fills()) == sorted([(inferred_id, "0", True), ("F1", "2", False), ("F2", "1", False)])
    assert inferred_id not in {fill.fill_id for fill in bench.snapshot().local.fills}
    assert (bench.order().filled_qty, bench.trade()["entry_qty"]) == ("3", "3")
    bench.assert_log_is_true()


def test_one_fill_id_names_a_fill_per_order(bench: Bench) -> None:
    bench.record_trade()
    bench.record_order("1")
    bench.record_order("2")
    bench.settle()
    rows = [bench.venue_order("1", **PARTLY), bench.venue_order("2", **PARTLY)]
    bench.commit(bench.plan(rows, [bench.fill("F1", "3"), bench.fill("F1", "3", name="2")]))
    assert bench.fills() == [("F1", "3", False), ("F1", "3", False)]
    assert bench.trade()["entry_qty"] == "6"


def test_amounts_are_stored_in_their_one_canonical_text(bench: Bench) -> None:
    bench.record_trade()
    bench.record_order(qty="10.50", limit_price="1000.00")
    bench.settle()
    found = {
        "status": Status.PARTIALLY_FILLED,
        "filled_qty": "3.10",
        "filled_avg_price": "1000.0",
        "qty": "10.5",
    }
    bench.commit(
        bench.plan(
            [bench.venue_order(**found)],
            [bench.fill("F1", "3.10", "1000.0", fee="0.100", fee_currency="USD")],
        )
    )
    order = bench.order()
    assert (order.qty, order.limit_price, order.filled_qty, order.filled_avg_price) == (
        "10.5",
        "1000",
        "3.1",
        "1000",
    )
    (row,) = bench.ledger.export("fills")
    assert (row["qty"], row["price"], row["fee"]) == ("3.1", "1000", "0.1")
    bench.assert_log_is_true()
