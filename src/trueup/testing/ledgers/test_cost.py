"""What a drift cost: how much, at which prices, for how long and why. Figures by hand from docs/explanation/cost.md."""

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from trueup.core.make_plan import make_plan
from trueup.model.snapshot import Fill, Position, PositionsRead, Snapshot, VenueOrder
from trueup.model.times import from_ns
from trueup.model.vocabulary import Action, ReadState, Side, Status
from trueup.service.views.cost import Cause, CostSum, DriftCost, Repair, read_cost
from trueup.testing.ledgers.bench import Bench

LONG_AGO = "2026-11-01T00:00:00Z"


def repair(
    bench: Bench, orders: Sequence[VenueOrder], fills: Sequence[Fill] = (), mark: str | None = "1010"
) -> None:
    """One run that repairs, with the venue's mark."""
    bench.commit(marked(bench.snapshot(orders, fills, parity_enabled=False), mark))


def marked(snapshot: Snapshot, mark: str | None) -> tuple[Snapshot, Any]:
    row = Position(symbol="ETHUSD", qty="1", mark_price=mark)
    positions = PositionsRead(state=ReadState.COMPLETE, read_at=snapshot.taken_at, rows=[row])
    snapshot = replace(snapshot, venue=replace(snapshot.venue, positions=positions))
    return snapshot, make_plan(snapshot)


def filled(bench: Bench, name: str = "1", qty: str = "3", average: str = "1000", **keys: Any) -> VenueOrder:
    given = {"status": Status.PARTIALLY_FILLED, "filled_qty": qty, "filled_avg_price": average}
    return bench.venue_order(name, **{**given, **keys})


def cost(bench: Bench) -> DriftCost:
    return read_cost(bench.ledger, LONG_AGO)


def only(bench: Bench) -> Repair:
    (one,) = cost(bench).repairs
    return one


def test_a_missed_entry_costs_what_it_was_executed_for_and_what_it_gained_until_it_was_booked(
    bench: Bench,
) -> None:
    bench.record_order(trade_id=None)
    bench.settle()
    record = filled(bench)  # 3 at 1000, at 12:01:00
    bench.settle(30)
    repair(bench, [record])
    one = only(bench)
    assert (one.qty, one.exposure, one.profit_or_loss, one.quote) == ("3", "3000", "30", "USD")
    assert (one.wrong_since, one.wrong_for_s) == ("2026-11-23T12:01:00Z", 30)
    assert one.break_id.endswith("fill_drift")


def test_a_missed_exit_gained_what_the_price_fell_since(bench: Bench) -> None:
    bench.record_order(side=Side.SELL, action=Action.EXIT, trade_id=None)
    bench.settle()
    repair(bench, [filled(bench, qty="4", average="1025", side=Side.SELL)])
    one = only(bench)
    assert (one.qty, one.exposure, one.profit_or_loss) == ("-4", "4100", "60")


def test_only_the_growth_counts(bench: Bench) -> None:
    bench.record_order(trade_id=None)
    bench.bot.record_fill("b1-1", bench.fill("F1", "2", "990"))
    bench.settle()
    repair(bench, [filled(bench, qty="5", average="996")])  # 2 at 990 and 3 at 1000
    one = only(bench)
    assert (one.qty, one.exposure, one.profit_or_loss) == ("3", "3000", "30")


def test_the_rounding_of_averages_is_no_loss(bench: Bench) -> None:
    bench.record_order(trade_id=None)
    bench.settle()
    repair(bench, [filled(bench, average="1010.00000000000333")])
    assert (only(bench).exposure, only(bench).profit_or_loss) == ("3030", "0")


def test_unknown_is_unknown_and_counted(bench: Bench) -> None:
    bench.record_order(trade_id=None)
    bench.settle()
    repair(bench, [filled(bench)], mark=None)
    assert (only(bench).exposure, only(bench).profit_or_loss) == ("3000", None)
    (day,) = cost(bench).by_day
    assert day == CostSum(
        name="2026-11-23",
        repairs=1,
        exposure={"USD": "3000"},
        unpriced=0,
        profit_or_loss={},
        unmarked=1,
        wrong_for_s=0,
    )


def test_an_end_that_was_missed_has_no_quantity_wrong(bench: Bench) -> None:
    bench.record_order(trade_id=None)
    bench.settle()
    record = bench.venue_order(status=Status.CANCELED)
    bench.settle(20)
    repair(bench, [record], mark=None)
    one = only(bench)
    assert (one.qty, one.exposure, one.profit_or_loss, one.wrong_for_s) == ("0", "0", "0", 20)


def test_why_the_books_were_wrong(bench: Bench) -> None:
    """Two lost their message while the bot wrote of a third; then it wrote nothing for a minute and more."""
    for name in ("1", "2", "3"):
        bench.record_order(name, trade_id=None)
    bench.settle()
    lost = filled(bench, "1")
    bench.settle(1)
    bench.bot.record_fill("b1-2", bench.fill("F2", "1", name="2"))
    bench.settle(9)
    repair(bench, [lost, filled(bench, "2", qty="1", updated_at=lost.updated_at), bench.venue_order("3")])
    bench.settle(10)
    silent = filled(bench, "3", qty="2")
    bench.settle(60)
    by_hand = filled(bench, "9", client_order_id=None)
    forgotten = filled(bench, "8")
    repair(bench, [silent, by_hand, forgotten])
    causes = {one.venue_order_id: one.cause for one in cost(bench).repairs}
    assert causes == {
        "v-1": Cause.LOST_FRAME,
        "v-3": Cause.CRASH,
        "v-9": Cause.MANUAL,
        "v-8": Cause.CRASH,
    }
    assert [(one.name, one.repairs) for one in cost(bench).by_cause] == [
        ("crash", 2),
        ("lost_frame", 1),
        ("manual", 1),
    ]
    assert [(one.name, one.repairs) for one in cost(bench).by_profile] == [("mom-1", 4)]


def test_a_corrected_average_is_the_venues_doing(bench: Bench) -> None:
    bench.record_order(trade_id=None)
    bench.settle()
    repair(bench, [filled(bench)])
    bench.settle()
    repair(bench, [filled(bench, average="980")])
    second = cost(bench).repairs[1]
    assert (second.cause, second.qty, second.exposure) == (Cause.VENUE, "0", "0")
    assert second.profit_or_loss == "60"  # 3 units cost 20 less than the books said


def test_repairs_before_that_time_do_not_count(bench: Bench) -> None:
    bench.record_order(trade_id=None)
    bench.settle()
    repair(bench, [filled(bench)])
    bench.settle(1)
    assert read_cost(bench.ledger, from_ns(bench.clock())).repairs == []
    assert read_cost(bench.ledger, LONG_AGO, "another").repairs == []


def test_marks_of_purged_runs_are_unknown(bench: Bench) -> None:
    bench.record_order(trade_id=None)
    bench.settle()
    repair(bench, [filled(bench)])
    bench.settle(100)
    bench.ledger.journal.purge(1, 0)
    assert (only(bench).exposure, only(bench).profit_or_loss) == ("3000", None)
