"""A row that moved since the snapshot drops its kin: judged afresh next run, never overwritten (invariant I7)."""

from collections.abc import Callable

import pytest

from trueup.engine.recorder.recorder import Recorder
from trueup.model.plan import Plan
from trueup.model.snapshot import LocalOrder, Snapshot
from trueup.model.vocabulary import PositionSide, Side, Status
from trueup.ports.records import TimelineEntry
from trueup.testing.ledgers.bench import OTHER, Bench


@pytest.fixture
def planned(bench: Bench) -> tuple[Snapshot, Plan]:
    """Fills found on two orders of ETH/USD and on one of BTC/USD."""
    bench.record_trade("t-1", "ETH/USD")
    bench.record_trade("t-2", "BTC/USD")
    bench.record_order("1")
    bench.record_order("2")
    bench.record_order("3", symbol="BTC/USD", trade_id="t-2")
    bench.settle()
    found = {"status": Status.PARTIALLY_FILLED, "filled_qty": "3", "filled_avg_price": "1000"}
    return bench.plan(
        [
            bench.venue_order("1", **found),
            bench.venue_order("2", **found),
            bench.venue_order("3", symbol="BTC/USD", **found),
        ]
    )


def move_order_1(bench: Bench) -> None:
    bench.bot.record_cancel_requested("b1-1")


def move_order_1_past_the_ledger(bench: Bench) -> None:
    bench.store.execute("UPDATE orders SET sub_tag = 'x' WHERE venue_order_id = 'v-1'")


def move_trade_1(bench: Bench) -> None:
    bench.store.execute(
        "UPDATE trades SET status = 'quarantined', quarantined_by = 'person' WHERE trade_id = 't-1'"
    )


def book_its_fill_under_another_price(bench: Bench) -> None:
    bench.bot.record_fill("b1-1", bench.fill("F1", "3", "999"))


@pytest.mark.parametrize(
    "move", [move_order_1, move_order_1_past_the_ledger, move_trade_1, book_its_fill_under_another_price]
)
def test_a_moved_row_takes_its_instrument_along_and_nothing_else(
    bench: Bench, planned: tuple[Snapshot, Plan], move: Callable[[Bench], None]
) -> None:
    move(bench)
    books = bench.contents("leases")
    report = bench.commit(planned)
    assert (report.applied, report.superseded, report.notifications) == (2, 4, 1)
    assert [bench.order(name).filled_qty for name in "123"] == [
        *("3" if "fill" in move.__name__ else "0", "0"),
        "3",
    ]
    assert bench.trade("t-2")["entry_qty"] == "3"
    kept = {row for row in bench.contents()["orders"] if "v-3" not in row}
    assert {(*row[:-1],) for row in kept} <= {
        (*row[:-1],) for row in books["orders"]
    } or move is not move_order_1
    open_breaks = {(one.found.venue_order_id, one.found.kind) for one in bench.ledger.journal.list_breaks()}
    assert open_breaks == {(f"v-{n}", kind) for n in "12" for kind in ("fill_drift", "status_drift")}
    (item,) = bench.ledger.journal.pending_notifications(10)
    assert item.subject == "t-2"


def test_what_was_superseded_is_judged_afresh_and_applied(
    bench: Bench, planned: tuple[Snapshot, Plan]
) -> None:
    move_order_1(bench)
    bench.commit(planned)
    bench.settle()
    rows = planned[0].venue.open_orders.rows
    bench.commit(bench.plan(rows))
    assert [bench.order(name).filled_qty for name in "123"] == ["3", "3", "3"]
    assert bench.trade("t-1")["entry_qty"] == "6"
    bench.assert_log_is_true()


def test_what_was_superseded_is_told_and_so_is_what_was_not(
    bench: Bench, planned: tuple[Snapshot, Plan]
) -> None:
    move_order_1(bench)
    run_id = bench.commit(planned).run_id
    rows = bench.ledger.export("corrections", "mom-1")
    assert {row["run_id"] for row in rows} == {run_id}
    assert {(row["venue_order_id"], row["trade_id"], row["kind"], row["state"]) for row in rows} == {
        (venue_id, trade_id, kind, state)
        for venue_id, trade_id, state in (
            ("v-1", "t-1", "superseded"),
            ("v-2", "t-1", "superseded"),
            ("v-3", "t-2", "applied"),
        )
        for kind in ("book_fill", "set_status")
    }
    assert {row["fill"]["qty"] for row in rows if row["kind"] == "book_fill"} == {"3"}

    def corrected(timeline: list[TimelineEntry]) -> list[tuple[str, str, str]]:
        told = [one for one in timeline if one.source == "correction"]
        return sorted((one.what, str(one.by), str(one.detail["state"])) for one in told)

    by = f"trueup:{run_id}"
    dropped = [("book_fill", by, "superseded"), ("set_status", by, "superseded")]
    assert corrected(bench.ledger.journal.order_timeline("mom-1", bench.order("1"))) == dropped
    assert corrected(bench.ledger.journal.trade_timeline("mom-1", "T-1")) == sorted(dropped * 2)
    assert corrected(bench.ledger.journal.order_timeline("mom-1", bench.order("3"))) == [
        ("book_fill", by, "applied"),
        ("set_status", by, "applied"),
    ]


def test_an_insert_is_dropped_where_its_client_id_exists_by_now(bench: Bench) -> None:
    bench.settle()
    planned = bench.plan([bench.venue_order("9")])
    bench.bot.record_order(
        LocalOrder(
            client_order_id="B1-9 ",
            symbol="ETH/USD",
            side=Side.BUY,
            qty="10",
            limit_price="1000",
            status=Status.PENDING_NEW,
        )
    )
    report = bench.commit(planned)
    assert (report.applied, report.superseded) == (0, 1)
    assert len(bench.ledger.export("orders")) == 1


def test_an_insert_is_dropped_where_another_profile_has_its_venue_id(bench: Bench) -> None:
    bench.settle()
    planned = bench.plan([bench.venue_order("9", client_order_id=None)])
    other = Recorder(bench.ledger, OTHER)
    other.open_trade("t-1", "ETH/USD", PositionSide.LONG)
    other.record_order(
        LocalOrder(client_order_id="m2-1", symbol="ETH/USD", side=Side.BUY, status=Status.PENDING_NEW)
    )
    other.record_acknowledgement("m2-1", "V-9")
    report = bench.commit(planned)
    assert (report.applied, report.superseded) == (0, 1)
    assert [one["profile_id"] for one in bench.ledger.export("orders")] == ["mean-2"]
