"""Rows of a bot's own books in every kind of ledger: taken in behind the fence, wanted of, settled. From books.md."""

from typing import Any

import pytest
from msgspec.structs import replace

from trueup.model.errors import FenceLost
from trueup.model.snapshot import Fill, LocalOrder
from trueup.model.vocabulary import Action, Side, Status
from trueup.ports.foreign_books import ForeignRow, WriteOutcome, WriteResult
from trueup.ports.mirror import TakenIn, Taking
from trueup.ports.records import Lease
from trueup.testing.books.table_books import KEYS, TableBooks
from trueup.testing.ledgers.bench import ACCOUNT, BOT, Bench

PROFILE = BOT.profile_id
ORDER = LocalOrder(
    client_order_id="b1-1",
    venue_order_id="v-1",
    trade_id="t-1",
    symbol="ETH/USD",
    side=Side.BUY,
    action=Action.ENTRY,
    qty="10",
    limit_price="1000",
    status=Status.PENDING_NEW,
)


def row(
    key: str = "1", fingerprint: str = "F0", fills: list[Fill] | None = None, **changes: Any
) -> ForeignRow:
    order = replace(ORDER, **changes)
    return ForeignRow(key=key, fingerprint=fingerprint, profile_id=PROFILE, order=order, fills=fills)


def take(bench: Bench, *rows: ForeignRow, lease: Lease | None = None, **more: Any) -> TakenIn:
    given = lease or bench.lease()
    taking = Taking(account_id=ACCOUNT, source="table", keys=frozenset(KEYS), rows=rows, **more)
    taken = bench.ledger.take_in(given, taking)
    if lease is None:
        bench.ledger.journal.release_lease(given, {})
    return taken


def fill(fill_id: str, qty: str) -> Fill:
    return Fill(fill_id=fill_id, venue_order_id="v-1", symbol="ETH/USD", side=Side.BUY, qty=qty, price="1000")


def test_a_row_becomes_an_order_and_its_trade_the_sum(bench: Bench) -> None:
    half: dict[str, Any] = {
        "status": Status.PARTIALLY_FILLED,
        "filled_qty": "4",
        "filled_avg_price": "1000.50",
    }
    assert take(bench, row(**half), cursor="c-1").orders == 1
    order = bench.order()
    assert (order.filled_qty, order.filled_avg_price, order.version) == ("4", "1000.5", 1)
    assert order.last_activity_at == "2026-11-23T12:00:00.000000000Z"
    trade = bench.trade()
    assert (trade["entry_qty"], trade["entry_avg_price"], trade["side"]) == ("4", "1000.5", "long")
    assert bench.ledger.journal.foreign_cursor(ACCOUNT, "table") == "c-1"
    assert bench.ledger.journal.live_rows(ACCOUNT, "table") == {"1": "F0"}
    bench.assert_log_is_true()


def test_a_row_with_the_remembered_fingerprint_is_left_alone(bench: Bench) -> None:
    take(bench, row())
    assert take(bench, row(status=Status.CANCELED)) == TakenIn()
    assert bench.order().status is Status.PENDING_NEW


def test_nothing_is_taken_in_by_whoever_lost_the_lease(bench: Bench) -> None:
    lost = bench.lease("h-1")
    bench.clock.pass_s(60)
    bench.lease("h-2")
    with pytest.raises(FenceLost):
        take(bench, row(), lease=lost)
    assert bench.ledger.export("orders") == []


def test_an_order_that_moved_to_another_trade_takes_its_quantity_along(bench: Bench) -> None:
    half: dict[str, Any] = {"status": Status.PARTIALLY_FILLED, "filled_qty": "4", "filled_avg_price": "1000"}
    take(bench, row(**half))
    take(bench, row(fingerprint="F1", trade_id="t-2", **half))
    assert (bench.trade("t-1")["entry_qty"], bench.trade("t-2")["entry_qty"]) == ("0", "4")
    bench.assert_log_is_true()


def test_fills_that_the_books_record_are_taken_in_and_taken_back(bench: Bench) -> None:
    half: dict[str, Any] = {"status": Status.PARTIALLY_FILLED, "filled_qty": "5", "filled_avg_price": "1000"}
    take(bench, row(fills=[fill("F1", "3"), fill("F2", "2")], **half))
    assert bench.fills() == [("F1", "3", False), ("F2", "2", False)]
    take(bench, row(fingerprint="F1", fills=[fill("F1", "3")], **(half | {"filled_qty": "3"})))
    assert bench.fills() == [("F1", "3", False)]
    bench.assert_log_is_true()


def test_a_venue_id_that_the_bot_gave_up_takes_its_fills_along(bench: Bench) -> None:
    half: dict[str, Any] = {"status": Status.PARTIALLY_FILLED, "filled_qty": "3", "filled_avg_price": "1000"}
    take(bench, row(fills=[fill("F1", "3")], **half))
    take(bench, row(fingerprint="F1", venue_order_id="v-9", **half))
    assert (bench.order("9").filled_qty, bench.order("9").previous_venue_order_ids, bench.fills()) == (
        "3",
        (),
        [],
    )
    bench.assert_log_is_true()


def test_a_second_row_of_one_order_is_a_conflict(bench: Bench) -> None:
    taken = take(bench, row("1"), row("2", "G0", client_order_id="b1-2"))
    assert [one.row_key for one in taken.conflicts] == ["2"]
    assert len(bench.ledger.export("orders")) == 1


def test_two_instruments_may_have_one_number(bench: Bench) -> None:
    other = row("2", "G0", client_order_id="b1-2", symbol="BTC/USD", trade_id="t-2")
    assert take(bench, row("1"), other) == TakenIn(orders=2)
    changed = row("2", "G1", client_order_id="b1-2", symbol="BTC/USD", trade_id="t-2", qty="7")
    assert take(bench, changed) == TakenIn(orders=1)
    third = row("3", "H0", client_order_id="b1-3", symbol="SOL/USD", trade_id="t-3")
    assert take(bench, third) == TakenIn(orders=1)
    found = bench.ledger.books.find(ACCOUNT, {PROFILE: ["v-1"]})[PROFILE]
    assert sorted((one.symbol, one.order.qty) for one in found if one.order is not None) == [
        ("BTC/USD", "7"),
        ("ETH/USD", "10"),
        ("SOL/USD", "10"),
    ]
    bench.assert_log_is_true()


def test_orders_that_carry_one_tag_are_taken_in_at_once_and_one_by_one(bench: Bench) -> None:
    first, second = (row(key, client_order_id="tag", venue_order_id=f"v-{key}") for key in ("1", "2"))
    assert take(bench, first, second) == TakenIn(orders=2)
    assert take(bench, row("3", client_order_id="tag", venue_order_id="v-3")) == TakenIn(orders=1)
    assert take(bench, row("4", client_order_id="tag", venue_order_id="v-4")) == TakenIn(orders=1)
    changed = row("4", "F1", client_order_id="tag", venue_order_id="v-4", qty="7")
    assert take(bench, changed) == TakenIn(orders=1)
    assert bench.order("4").qty == "7"
    assert len(bench.ledger.export("orders")) == 4
    bench.assert_log_is_true()


def test_what_is_wanted_of_a_row_waits_widens_and_is_settled_once(bench: Bench) -> None:
    books = TableBooks(":memory:", PROFILE)
    take(bench, row())
    bench.settle()
    half: dict[str, Any] = {"status": Status.PARTIALLY_FILLED, "filled_avg_price": "1000"}
    bench.commit(bench.plan([bench.venue_order(filled_qty="4", **half)]), foreign=books)
    bench.settle()
    bench.commit(bench.plan([bench.venue_order(filled_qty="6", **half)]), foreign=books)
    (write,) = bench.ledger.journal.waiting_write_backs(ACCOUNT, "table", 10)
    assert (write.key, write.judged, write.values["filled_qty"]) == ("1", "F0", "6")
    assert write.values["status"] == "partially_filled"
    assert bench.ledger.journal.pending_notifications(10) == []
    assert bench.ledger.journal.count_waiting()[PROFILE].unwritten == 1
    lease = bench.lease()
    done = WriteResult(sequence=write.sequence, outcome=WriteOutcome.DELIVERED, row=row(fingerprint="F1"))
    for _ in range(2):
        bench.ledger.settle_write_backs(lease, [done])
    assert bench.ledger.journal.waiting_write_backs(ACCOUNT, "table", 10) == []
    assert bench.ledger.journal.known_rows(ACCOUNT, "table", ["1"])["1"].fingerprint == "F1"
    assert bench.ledger.journal.count_waiting()[PROFILE].unwritten == 0
    told = [one.notification.cumulative_qty for one in bench.ledger.journal.pending_notifications(10)]
    assert told == ["4", "6"]
    bench.assert_log_is_true()


def test_a_row_that_had_it_already_is_taken_in_afresh(bench: Bench) -> None:
    books = TableBooks(":memory:", PROFILE)
    take(bench, row())
    bench.settle()
    half: dict[str, Any] = {"status": Status.PARTIALLY_FILLED, "filled_qty": "4", "filled_avg_price": "1000"}
    bench.commit(bench.plan([bench.venue_order(**half)]), foreign=books)
    (write,) = bench.ledger.journal.waiting_write_backs(ACCOUNT, "table", 10)
    lease = bench.lease()
    bench.ledger.settle_write_backs(
        lease, [WriteResult(sequence=write.sequence, outcome=WriteOutcome.DELIVERED)]
    )
    assert len(bench.ledger.journal.pending_notifications(10)) == 1
    assert take(bench, row(), lease=lease).orders == 1  # the bot put back what was judged: its word
    assert bench.order().filled_qty == "0"


def test_a_row_that_moved_takes_back_what_was_to_be_told_and_is_doubted(bench: Bench) -> None:
    books = TableBooks(":memory:", PROFILE)
    take(bench, row())
    bench.settle()
    half: dict[str, Any] = {"status": Status.PARTIALLY_FILLED, "filled_qty": "4", "filled_avg_price": "1000"}
    bench.commit(bench.plan([bench.venue_order(**half)]), foreign=books)
    (write,) = bench.ledger.journal.waiting_write_backs(ACCOUNT, "table", 10)
    moved = WriteResult(sequence=write.sequence, outcome=WriteOutcome.MOVED)
    bench.ledger.settle_write_backs(bench.lease(), [moved])
    assert bench.ledger.journal.pending_notifications(10) == []
    assert bench.ledger.journal.known_rows(ACCOUNT, "table", ["1"])["1"].fingerprint != "F0"


def test_what_failed_waits_longer_and_is_refused_in_the_end(bench: Bench) -> None:
    books = TableBooks(":memory:", PROFILE)
    take(bench, row())
    bench.settle()
    half: dict[str, Any] = {"status": Status.PARTIALLY_FILLED, "filled_qty": "4", "filled_avg_price": "1000"}
    bench.commit(bench.plan([bench.venue_order(**half)]), foreign=books)
    lease = bench.lease(ttl_s=1e6)
    (write,) = bench.ledger.journal.waiting_write_backs(ACCOUNT, "table", 10)
    failed = WriteResult(sequence=write.sequence, outcome=WriteOutcome.FAILED, error="locked")
    refused = [bench.ledger.settle_write_backs(lease, [failed]) for _ in range(10)]
    assert refused == [0] * 9 + [1]
    assert bench.ledger.journal.waiting_write_backs(ACCOUNT, "table", 10) == []
    ((fault,),) = bench.ledger.journal.row_faults([PROFILE]).values()
    assert (fault.kind.value, fault.venue_order_id) == ("write_refused", "v-1")


def test_what_was_refused_is_due_again_when_a_person_says_so(bench: Bench) -> None:
    books = TableBooks(":memory:", PROFILE)
    take(bench, row())
    bench.settle()
    half: dict[str, Any] = {"status": Status.PARTIALLY_FILLED, "filled_qty": "4", "filled_avg_price": "1000"}
    bench.commit(bench.plan([bench.venue_order(**half)]), foreign=books)
    lease = bench.lease()
    (write,) = bench.ledger.journal.waiting_write_backs(ACCOUNT, "table", 10)
    refused = WriteResult(sequence=write.sequence, outcome=WriteOutcome.REFUSED, error="no right")
    bench.ledger.settle_write_backs(lease, [refused])
    assert bench.ledger.journal.waiting_write_backs(ACCOUNT, "table", 10) == []
    assert bench.ledger.journal.retry_write_backs("another") == 0
    assert bench.ledger.journal.retry_write_backs(PROFILE) == 1
    assert bench.ledger.journal.waiting_write_backs(ACCOUNT, "table", 10) == [write]
    assert bench.ledger.journal.row_faults([PROFILE]) == {}


def test_what_may_not_be_written_stands_and_holds_nothing_else_back(bench: Bench) -> None:
    """Another limit, then a fill: the fill is written, the limit is due again when a person says so."""
    books = TableBooks(":memory:", PROFILE, writable=frozenset({"status", "filled_qty", "filled_avg_price"}))
    take(bench, row())
    bench.settle()
    terms: dict[str, Any] = {"limit_price": "999"}
    bench.commit(bench.plan([bench.venue_order(**terms)]), foreign=books)
    assert bench.ledger.journal.waiting_write_backs(ACCOUNT, "table", 10) == []
    assert told(bench) == "limit_price may not be written"
    bench.settle()
    half: dict[str, Any] = {"status": Status.PARTIALLY_FILLED, "filled_qty": "4", "filled_avg_price": "999"}
    bench.commit(bench.plan([bench.venue_order(**terms, **half)]), foreign=books)
    (write,) = bench.ledger.journal.waiting_write_backs(ACCOUNT, "table", 10)
    assert write.values == {"status": "partially_filled", "filled_qty": "4", "filled_avg_price": "999"}
    done = WriteResult(sequence=write.sequence, outcome=WriteOutcome.DELIVERED, row=row(fingerprint="F1"))
    lease = bench.lease()
    for _ in range(2):
        bench.ledger.settle_write_backs(lease, [done])
        assert told(bench) == "limit_price may not be written"
    assert (
        len(bench.ledger.journal.pending_notifications(10)) > 0
    )  # nothing waits for what may not be written
    assert bench.ledger.journal.retry_write_backs(PROFILE) == 1
    (write,) = bench.ledger.journal.waiting_write_backs(ACCOUNT, "table", 10)
    assert (write.judged, write.values) == ("F1", {"limit_price": "999"})


def told(bench: Bench) -> str:
    ((fault,),) = bench.ledger.journal.row_faults([PROFILE]).values()
    return fault.message.partition(": ")[2]


def test_a_row_that_is_gone_stands_until_it_is_back(bench: Bench) -> None:
    take(bench, row())
    assert take(bench, gone=["1"]).removed == 1
    ((fault,),) = bench.ledger.journal.row_faults([PROFILE]).values()
    assert (fault.kind.value, fault.row_key) == ("row_removed", "1")
    assert bench.ledger.journal.live_rows(ACCOUNT, "table") == {}
    take(bench, row())
    assert bench.ledger.journal.row_faults([PROFILE]) == {}


def test_a_removal_that_is_normal_ends_the_order(bench: Bench) -> None:
    take(bench, row())
    take(bench, gone=["1"], is_removal_normal=lambda order: True)
    assert bench.order().status is Status.CANCELED
    assert bench.ledger.journal.row_faults([PROFILE]) == {}
    bench.assert_log_is_true()


def test_fees_of_fills_that_come_and_go_are_the_trades(bench: Bench) -> None:
    """10 ETH bought, of which the venue keeps 0.01; without that fill the bot holds no fee, and with it again one."""
    bought: dict[str, Any] = {"status": Status.FILLED, "filled_qty": "10", "filled_avg_price": "1000"}
    charged = replace(fill("F1", "10"), fee="0.01", fee_currency="ETH")
    take(bench, row(fills=[charged], **bought))
    assert bench.trade()["fee_base_qty"] == "0.01"
    take(bench, row(fingerprint="F1", fills=[], filled_qty="0", status=Status.CANCELED))
    assert bench.trade()["fee_base_qty"] == "0"
    take(bench, row(fingerprint="F2", fills=[charged], **bought))
    assert bench.trade()["fee_base_qty"] == "0.01"


def test_books_that_take_fills_are_to_name_all_of_them(bench: Bench) -> None:
    """What they do not name is taken back, so that it is found again; others need not name any."""
    half: dict[str, Any] = {
        "status": Status.PARTIALLY_FILLED,
        "filled_qty": "4",
        "filled_avg_price": "1000",
    }
    take(bench, row(fills=[fill("F1", "1"), fill("F2", "3")], **half), fills_are_whole=True)
    take(bench, row(fingerprint="F1", fills=[fill("F1", "1")], **half))
    assert [one["fill_id"] for one in bench.ledger.export("fills")] == ["F1", "F2"]
    take(bench, row(fingerprint="F2", fills=[fill("F1", "1")], **half), fills_are_whole=True)
    assert [one["fill_id"] for one in bench.ledger.export("fills")] == ["F1"]
    assert bench.order().filled_qty == "4"
