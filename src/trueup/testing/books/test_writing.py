"""What books owe that let trueup write: set where the row is what was judged, and otherwise not at all."""

from typing import Any

import pytest

from trueup.model.snapshot import LocalOrder
from trueup.model.vocabulary import Action, Side, Status
from trueup.ports.foreign_books import ForeignRow, WriteBack, WriteMode, WriteOutcome
from trueup.testing.books.bench import PROFILE, Bench

SEVEN: dict[str, Any] = {"filled_qty": "7", "filled_avg_price": "999.5"}


@pytest.fixture(autouse=True)
def _writes(bench: Bench) -> None:
    if bench.books.traits.write is not WriteMode.TABLES:
        pytest.skip(f"{bench.books.traits.kind}: these books are not written")
    bench.add(1)


def row_of(bench: Bench, number: int = 1) -> ForeignRow:
    (row,) = bench.books.find(ids=[f"v-{number}"]).rows
    return row


def write_to(row: ForeignRow, values: dict[str, Any], sequence: int = 1) -> WriteBack:
    order = row.order
    return WriteBack(
        sequence=sequence, profile_id=PROFILE, key=row.key, judged=row.fingerprint, values=values, order=order
    )


def test_values_are_set_and_read_back(bench: Bench) -> None:
    row = row_of(bench)
    (result,) = bench.books.write_back([write_to(row, SEVEN | {"status": Status.PARTIALLY_FILLED})])
    assert (result.sequence, result.outcome, result.error) == (1, WriteOutcome.DELIVERED, None)
    assert result.row is not None
    # the fingerprint that the next read finds
    assert (result.row.key, result.row.fingerprint) == (row_of(bench).key, row_of(bench).fingerprint)
    assert (row_of(bench).order.filled_qty, row_of(bench).order.filled_avg_price) == ("7", "999.5")


def test_only_what_is_given_is_touched(bench: Bench) -> None:
    before = row_of(bench).order
    bench.books.write_back([write_to(row_of(bench), {"status": Status.CANCELED})])
    after = row_of(bench).order
    assert after.status is Status.CANCELED
    assert (after.filled_qty, after.qty, after.limit_price) == (
        before.filled_qty,
        before.qty,
        before.limit_price,
    )


def test_a_row_that_moved_is_left_alone(bench: Bench) -> None:
    write = write_to(row_of(bench), SEVEN)
    bench.fill(1, "5")
    before = bench.rows()
    (result,) = bench.books.write_back([write])
    assert (result.outcome, result.row) == (WriteOutcome.MOVED, None)
    assert bench.rows() == before


def test_the_same_write_twice_is_one_and_what_the_row_then_says_is_the_bots_word(bench: Bench) -> None:
    write = write_to(row_of(bench), SEVEN)
    bench.books.write_back([write])
    before = bench.rows()
    (again,) = bench.books.write_back([write])
    assert (again.outcome, again.row) == (WriteOutcome.DELIVERED, None)
    assert bench.rows() == before


def test_a_row_that_is_gone_is_not_made_again(bench: Bench) -> None:
    write = write_to(row_of(bench), SEVEN)
    bench.remove(1)
    (result,) = bench.books.write_back([write])
    assert result.outcome is WriteOutcome.MOVED
    assert bench.rows() == []


def test_one_that_moved_holds_back_no_other_and_results_stand_in_the_order_of_the_writes(
    bench: Bench,
) -> None:
    bench.add(2)
    writes = [write_to(row_of(bench, 1), SEVEN, 5), write_to(row_of(bench, 2), SEVEN, 3)]
    bench.fill(1, "5")
    results = bench.books.write_back(writes)
    assert [(one.sequence, one.outcome) for one in results] == [
        (5, WriteOutcome.MOVED),
        (3, WriteOutcome.DELIVERED),
    ]
    assert row_of(bench, 2).order.filled_qty == "7"


def test_an_order_is_inserted_once(bench: Bench) -> None:
    write = _insert(bench)
    (first,) = bench.books.write_back([write])
    assert first.outcome is WriteOutcome.DELIVERED
    assert first.row is not None
    assert (first.row.key, first.row.fingerprint) == (row_of(bench, 9).key, row_of(bench, 9).fingerprint)
    bench.books.write_back([write])
    assert len(bench.books.find(ids=["v-9", "c-9"]).rows) == 1


def test_an_order_that_the_bot_recorded_late_itself_is_not_doubled(bench: Bench) -> None:
    write = _insert(bench)
    bench.add(9)
    before = bench.rows()
    (result,) = bench.books.write_back([write])
    assert result.outcome in (WriteOutcome.MOVED, WriteOutcome.DELIVERED)
    assert result.row is None
    assert bench.rows() == before


def _insert(bench: Bench) -> WriteBack:
    if not bench.books.traits.inserts:
        pytest.skip(f"{bench.books.traits.kind}: nothing is inserted into these books")
    values: dict[str, Any] = {
        "venue_order_id": "v-9",
        "client_order_id": "c-9",
        "symbol": "ETH/USD",
        "side": Side.BUY,
        "qty": "10",
        "limit_price": "1000",
        "status": Status.PENDING_NEW,
        "filled_qty": "0",
        "trade_id": "t-1",
        "action": Action.ENTRY,
        "order_type": "limit",
    }
    known = {key: value for key, value in values.items() if key in bench.books.traits.writable_keys}
    order = LocalOrder(**known)
    return WriteBack(sequence=9, profile_id=PROFILE, key=None, judged=None, values=known, order=order)
