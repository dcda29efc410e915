"""Money adds up, or nothing is committed: each sum refused by the smallest amount that is too much, and no less."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from trueup.ledgers.sql.check_invariants import Invariants
from trueup.model.errors import InvariantError
from trueup.model.plan import Correction, FillChange
from trueup.model.snapshot import Fill, LocalOrder, Trade
from trueup.model.vocabulary import Action, CorrectionKind, PositionSide, Side, Status, TradeStatus
from trueup.ports.book_rows import FillRow, OrderRow, OrderWrite, TradeRow, TradeWrite

LEAST = "0.000000001"


def order(filled_qty: str, **keys: Any) -> LocalOrder:
    given: dict[str, Any] = {
        "venue_order_id": "v-1",
        "trade_id": "t-1",
        "action": Action.ENTRY,
        "qty": "10",
    } | keys
    return LocalOrder(
        symbol="ETH/USD", side=Side.BUY, status=Status.PARTIALLY_FILLED, filled_qty=filled_qty, **given
    )


def named(qty: str, fill_id: str = "F1") -> FillRow:
    fill = Fill(fill_id=fill_id, venue_order_id="v-1", qty=qty)
    return FillRow(
        instrument="ethusd", order_identity="v-1", fill_identity=fill_id.lower(), order_key=1, fill=fill
    )


def growth(before: str, after: str, *, booked: str, row: str, **keys: Any) -> OrderWrite:
    """The order from `before` to `after`, by a correction that books `booked` and a fill row of `row`."""
    change = FillChange(fill_id="F2", qty=booked, price="100")
    correction = Correction(
        correction_id="c", break_id="b", kind=CorrectionKind.BOOK_FILL, reason="venue_fill", client_order_id=None,
        venue_order_id="v-1", trade_id="t-1", expected_version=1, fill=change,
    )  # fmt: skip
    new = named(row, "F2")
    return OrderWrite(
        OrderRow(1, "p-1", 1, order(before, **keys)),
        order(after, **keys),
        new_fills=[(new.identity, new.fill)],
        corrections=[correction],
        order_key=1,
    )


def trade(entry_qty: str, exit_qty: str = "0") -> Trade:
    return Trade(
        trade_id="t-1",
        symbol="ETH/USD",
        side=PositionSide.LONG,
        status=TradeStatus.OPEN,
        entry_qty=entry_qty,
        exit_qty=exit_qty,
    )


def moved(before: Trade, after: Trade) -> TradeWrite:
    return TradeWrite(TradeRow(1, before), after)


def check(
    *orders: OrderWrite,
    trades: Sequence[TradeWrite] = (),
    booked: Sequence[FillRow] = (),
    of_trade: Sequence[LocalOrder] = (),
    allow_overfill: bool = False,
) -> None:
    invariants = Invariants(booked, lambda _: list(of_trade), allow_overfill=allow_overfill)
    with invariants.checking(trades) as check_order:
        for one in orders:
            check_order(one)


def test_what_adds_up_is_written():
    check(growth("3", "5", booked="2", row="2"), booked=[named("3")], trades=[moved(trade("3"), trade("5"))])
    check(growth("3", "5", booked="2", row="2"), booked=[named("1")])  # legacy quantity has no fill


@pytest.mark.parametrize(
    ("before", "after", "booked", "row"),
    [
        ("3", "5", f"2{LEAST[1:]}", "2"),  # more is booked than it moves
        ("3", "5", f"1.{'9' * 9}", "2"),
        ("3", "5", "2", f"2{LEAST[1:]}"),  # its fills name more than it has filled
        ("3", "5", "2", "3"),
        ("9", "10.0000001", "1.0000001", "1"),  # beyond its quantity, by more than noise
    ],
)
def test_the_least_too_much_is_refused(before, after, booked, row):
    with pytest.raises(InvariantError, match="nothing was written"):
        check(growth(before, after, booked=booked, row=row), booked=[named(before)])


@pytest.mark.parametrize("less", [LEAST, "0.5", "1"])
def test_what_an_order_has_filled_never_falls(less):
    """Its correction takes back more than it books, by so much: the sums agree, and it is refused."""
    after = str(5 - Decimal(less))
    write = growth("5", after, booked="0", row="0")
    fewer = replace(
        write.corrections[0], fill=FillChange(fill_id="F2", qty="0", price="100", superseded_qty=less)
    )
    with pytest.raises(InvariantError, match=f"falls from 5 to {after}"):
        check(replace(write, corrections=[fewer], new_fills=[]))


def test_fills_that_named_too_much_already_may_not_name_more():
    check(growth("3", "5", booked="2", row="2"), booked=[named("4")])
    with pytest.raises(InvariantError, match="add up to 6"):
        check(growth("3", "5", booked="2", row=f"2{LEAST[1:]}"), booked=[named("4")])


def test_a_quantity_of_zero_is_none_that_could_be_exceeded():
    check(growth("9", "11", booked="2", row="2", qty="0"), booked=[named("9")])


def test_an_overfill_that_the_policy_allows():
    check(growth("9", "11", booked="2", row="2"), booked=[named("9")], allow_overfill=True)


@pytest.mark.parametrize("after", [trade(f"5{LEAST[1:]}"), trade("4.9"), trade("5", "1"), trade("3", "2")])
def test_a_trade_moves_by_what_its_orders_move(after):
    with pytest.raises(InvariantError, match="trade t-1"):
        check(growth("3", "5", booked="2", row="2"), booked=[named("3")], trades=[moved(trade("3"), after)])


def test_a_trade_that_lagged_is_the_sum_of_all_its_orders():
    sold = order("4", venue_order_id="v-2", action=Action.EXIT)
    write = growth("3", "5", booked="2", row="2")
    booked, every = [named("3")], [write.after, sold]
    check(write, trades=[moved(trade("3", "3"), trade("5", "4"))], booked=booked, of_trade=every)
    for wrong in (trade("5", "3.5"), trade("6", "4"), trade("4", "4")):
        with pytest.raises(InvariantError, match="trade t-1"):
            check(write, trades=[moved(trade("3", "3"), wrong)], booked=booked, of_trade=every)
    unclear = order("4", venue_order_id="v-2", action=None)
    with pytest.raises(InvariantError, match="trade t-1"):
        check(
            write,
            trades=[moved(trade("3", "3"), trade("5", "4"))],
            booked=[named("3")],
            of_trade=[write.after, unclear],
        )
