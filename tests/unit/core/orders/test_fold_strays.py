"""What is booked under ids that the venue does not list, and neither rounding nor an equal fill explains.

Values by hand: quantities in units of 0.001, all prices 100 unless said.
"""

from decimal import Decimal

from msgspec.structs import replace

from trueup.core.orders.fold_fills import Evidence, Fold, Rules, fold_fills
from trueup.model.reasons import Reason
from trueup.model.snapshot import Fill, LocalOrder
from trueup.model.vocabulary import Side, Status

RULES = Rules(
    account_id="a",
    order_qty=Decimal("0.100"),
    qty_step=Decimal("0.001"),
    price_tick=Decimal("0.01"),
    inferred_at="2026-11-23T12:00:00Z",
)


def fill(fill_id: str, qty: str, second: int, price: str = "100", fee: str | None = None) -> Fill:
    return Fill(
        fill_id=fill_id, venue_order_id="v1", symbol="ETH/USD", side=Side.BUY, qty=qty, price=price, fee=fee,
        fee_currency=None if fee is None else "USD", filled_at=f"2026-11-23T11:00:{second:02}Z",
    )  # fmt: skip


def fold(
    booked: list[Fill],
    listed: list[Fill],
    *,
    filled: str,
    record: str,
    whole: bool,
    fresh: bool,
    average: str = "100",
) -> Fold:
    order = LocalOrder(
        venue_order_id="v1", symbol="ETH/USD", side=Side.BUY, qty="0.100", status=Status.PARTIALLY_FILLED,
        filled_qty=filled, filled_avg_price="100",
    )  # fmt: skip
    evidence = Evidence(
        fills=listed,
        cumulative_qty=Decimal(record),
        average_price=Decimal(average),
        lists_all=whole,
        is_fresh=fresh,
    )
    return fold_fills(order, booked, evidence, RULES)


def test_an_equal_fill_comes_before_what_rounding_would_excuse() -> None:
    """3 recorded as S0; the venue lists V0 of 3, of a record of 5: one step beyond it, and S0 looks like V0."""
    done = fold(
        [fill("S0", "0.003", 1)],
        [fill("V0", "0.003", 1)],
        filled="0.003",
        record="0.005",
        whole=False,
        fresh=True,
    )
    assert [(one.change.fill_id, one.change.qty, one.change.superseded_qty) for one in done.bookings] == [
        ("V0", "0.003", "0.003"),
        (done.bookings[1].change.fill_id, "0.002", None),
    ]
    assert done.bookings[1].row.inferred
    assert done.filled_qty == Decimal("0.005")


def test_while_the_record_is_no_later_than_the_fills_nothing_is_rounded_away() -> None:
    done = fold(
        [fill("S0", "0.003", 1)],
        [fill("V0", "0.003", 1)],
        filled="0.003",
        record="0.005",
        whole=False,
        fresh=False,
    )
    assert done.bookings == []
    assert done.record_behind


def test_a_whole_listing_that_comes_to_the_record_leaves_no_room_for_others() -> None:
    """V0 was booked beside its own stray S0 (20 + 20 of 50); the whole listing says 20, 25 and 5."""
    strays = [fill("S0", "0.020", 1, fee="0.2"), fill("V0", "0.020", 1)]
    listed = [fill("V0", "0.020", 1), fill("V1", "0.025", 2, fee="0.25"), fill("V2", "0.005", 3)]
    done = fold(strays, listed, filled="0.040", record="0.050", whole=True, fresh=True)
    assert done.contradiction is None
    assert (done.filled_qty, done.growth_qty) == (Decimal("0.050"), Decimal("0.010"))
    assert {one.fill_id: one.qty for one in done.shrunk} == {"S0": "0"}
    assert [(one.row.fill_id, one.row.qty) for one in done.bookings] == [("V1", "0.025"), ("V2", "0.005")]
    assert sum(Decimal(one.fee or 0) for one in done.fee_fills) == Decimal("0.05")  # 0.25 instead of 0.2


def test_a_listing_that_is_not_whole_explains_nothing_so() -> None:
    strays = [fill("S0", "0.020", 1), fill("V0", "0.020", 1)]
    listed = [fill("V0", "0.020", 1), fill("V1", "0.025", 2), fill("V2", "0.005", 3)]
    done = fold(strays, listed, filled="0.040", record="0.050", whole=False, fresh=True)
    assert (done.contradiction, done.bookings) == (Reason.MORE_THAN_RECORD, [])


def test_a_corrected_execution_stays_named_as_one() -> None:
    """The venue lists one of the same quantity at another price: a correction, which a person looks at."""
    corrected = [fill("V0", "0.005", 1, price="101")]
    done = fold([fill("S0", "0.005", 1)], corrected, filled="0.005", record="0.005", whole=True, fresh=True)
    assert (done.contradiction, done.bookings) == (Reason.EXECUTION_CORRECTED, [])


def test_without_a_record_nobody_knows_which_part_of_a_fill_is_booked_already() -> None:
    """40 booked as inferred, of a record that is not read now; a fill of 50 comes: it waits for the record."""
    order = LocalOrder(
        venue_order_id="v1", symbol="ETH/USD", side=Side.BUY, qty="0.100", status=Status.PARTIALLY_FILLED,
        filled_qty="0.040", filled_avg_price="100",
    )  # fmt: skip
    booked = [replace(fill("i1", "0.040", 1), inferred=True)]
    waits = fold_fills(order, booked, Evidence(fills=[fill("V0", "0.050", 1)]), RULES)
    assert (waits.looks_booked, waits.bookings, waits.filled_qty) == (True, [], Decimal("0.040"))
    fits = fold_fills(order, booked, Evidence(fills=[fill("V0", "0.030", 1)]), RULES)
    assert (fits.looks_booked, fits.filled_qty) == (False, Decimal("0.040"))
    assert [(one.change.fill_id, one.change.superseded_qty) for one in fits.bookings] == [("V0", "0.03")]


def test_the_double_of_a_fill_that_is_listed_is_no_corrected_execution() -> None:
    """V0 was booked beside its own stray S0 (10 + 10 of 50, V1 30); V2 of 10 at 99 is new, and S0 gives way to it."""
    done = fold(
        [fill("S0", "0.010", 1), fill("V0", "0.010", 1), fill("V1", "0.030", 2)],
        [fill("V0", "0.010", 1), fill("V1", "0.030", 2), fill("V2", "0.010", 3, price="99")],
        filled="0.050",
        record="0.050",
        whole=True,
        fresh=True,
        average="99.8",
    )
    assert done.contradiction is None
    assert [(one.change.fill_id, one.change.qty, one.change.superseded_qty) for one in done.bookings] == [
        ("V2", "0.01", "0.01")
    ]
    assert [(one.fill_id, one.qty) for one in done.shrunk] == [("S0", "0")]
    assert (done.growth_qty, done.recost) == (Decimal(0), Decimal("-0.010"))


def test_while_the_record_is_no_later_than_the_fills_no_possible_double_is_booked() -> None:
    """S0 and S1 (15 + 15) may be V0 of 30; the record's 134 is their sum with V1, and was read before them."""
    done = fold(
        [fill("S0", "0.015", 1), fill("S1", "0.015", 1)],
        [fill("V0", "0.030", 1), fill("V1", "0.060", 2)],
        filled="0.030",
        record="0.090",
        whole=False,
        fresh=False,
    )
    assert (done.bookings, done.record_behind) == ([], True)


def test_look_alikes_that_leave_a_stray_wait_for_a_record_that_was_read_after_them() -> None:
    """S0 (1) looks like V1 (1), and is a half of V2 (2): the pairing may be wrong while S1 is not explained."""
    done = fold(
        [fill("S0", "0.001", 3), fill("S1", "0.001", 3)],
        [fill("V1", "0.001", 1), fill("V2", "0.002", 3)],
        filled="0.002",
        record="0.003",
        whole=True,
        fresh=False,
    )
    assert (done.bookings, done.record_behind) == ([], True)
