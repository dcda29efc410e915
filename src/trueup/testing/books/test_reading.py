"""What every kind of books owes when it reads: the rows as they are, the same for who looks twice."""

from trueup.model.vocabulary import Side, Status
from trueup.testing.books.bench import PROFILE, Bench

RECENT_S = 600.0


def test_a_live_row_is_read_as_it_stands(bench: Bench) -> None:
    bench.add(1)
    (row,) = bench.books.read(None, RECENT_S).rows
    order = row.order
    assert row.profile_id == PROFILE
    assert (order.client_order_id, order.venue_order_id, order.symbol) == ("c-1", "v-1", "ETH/USD")
    assert (order.side, order.qty, order.limit_price) == (Side.BUY, "10", "1000")
    assert (order.status, order.filled_qty) == (Status.PENDING_NEW, "0")


def test_empty_tables_are_no_error(bench: Bench) -> None:
    read = bench.books.read(None, RECENT_S)
    assert (read.rows, read.unclear) == ([], [])


def test_an_untouched_row_has_the_same_fingerprint_twice(bench: Bench) -> None:
    bench.add(1)
    assert bench.books.read(None, RECENT_S).rows == bench.books.read(None, RECENT_S).rows
    (found,) = bench.books.find(ids=["v-1"]).rows
    assert found == bench.books.read(None, RECENT_S).rows[0]


def test_a_row_that_the_bot_changed_has_another_fingerprint(bench: Bench) -> None:
    bench.add(1)
    (before,) = bench.books.read(None, RECENT_S).rows
    bench.fill(1, "4")
    (after,) = bench.books.read(None, RECENT_S).rows
    assert after.fingerprint != before.fingerprint
    assert after.key == before.key
    assert (after.order.filled_qty, after.order.filled_avg_price) == ("4", "1000")


def test_rows_do_not_share_a_key_or_a_fingerprint(bench: Bench) -> None:
    bench.add(1)
    bench.add(2)
    rows = bench.books.read(None, RECENT_S).rows
    assert len({row.key for row in rows}) == len({row.fingerprint for row in rows}) == 2


def test_a_row_is_found_by_its_key_and_by_either_id_however_written(bench: Bench) -> None:
    bench.add(1)
    bench.add(2)
    (first, _) = sorted(
        bench.books.read(None, RECENT_S).rows, key=lambda row: row.order.client_order_id or ""
    )
    for found in (
        bench.books.find(keys=[first.key]),
        bench.books.find(ids=["v-1"]),
        bench.books.find(ids=["c-1"]),
        bench.books.find(ids=[" V-1 "]),
        bench.books.find(ids=["C-1", "nobody"]),
    ):
        assert found.rows == [first]


def test_ids_that_nobody_has_find_nothing(bench: Bench) -> None:
    bench.add(1)
    assert bench.books.find(ids=["v-9"], keys=[]).rows == []
    assert bench.books.find().rows == []


def test_all_orders_of_a_trade_are_found_ended_ones_too(bench: Bench) -> None:
    bench.add(1)
    bench.add(2)
    bench.end(2)
    if "trade_id" in bench.books.traits.order_keys:
        rows = bench.books.find(trade_ids=["t-1"]).rows
        assert {row.order.status for row in rows} == {Status.PENDING_NEW, Status.CANCELED}


def test_a_row_that_is_gone_is_not_found(bench: Bench) -> None:
    bench.add(1)
    (row,) = bench.books.read(None, RECENT_S).rows
    bench.remove(1)
    assert bench.books.find(keys=[row.key]).rows == []
    assert bench.books.read(None, RECENT_S).rows == []


def test_a_row_that_says_nothing_certain_is_told_with_its_ids_and_spoils_no_other(bench: Bench) -> None:
    bench.add(1)
    bench.add(2)
    bench.spoil(2)
    (unclear,) = bench.books.find(ids=["v-2"]).unclear
    assert (unclear.venue_order_id, unclear.client_order_id) == ("v-2", "c-2")
    assert unclear.message
    assert [row.order.venue_order_id for row in bench.books.read(None, RECENT_S).rows] == ["v-1"]


def test_reading_writes_nothing(bench: Bench) -> None:
    bench.add(1)
    before = bench.rows()
    bench.books.read(None, RECENT_S)
    bench.books.find(ids=["v-1"])
    assert bench.rows() == before
