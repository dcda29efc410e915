"""The order log: chained by hash, and folded it gives the books (invariant I8)."""

import pytest

from trueup.engine.recorder.recorder import Recorder
from trueup.model.snapshot import LocalOrder
from trueup.model.vocabulary import Side, Status
from trueup.testing.ledgers.bench import BOT, OTHER, Bench


def test_each_write_is_a_row_with_the_lifecycle_payload(bench: Bench) -> None:
    bench.record_trade()
    bench.record_order()
    rows = bench.ledger.export("order_log", "mom-1")
    assert [(row["seq"], row["event"], row["written_by"]) for row in rows] == [
        (1, "trade_opened", "bot"),
        (2, "recorded", "bot"),
        (3, "acknowledged", "bot"),
    ]
    payload = rows[2]["payload"]
    assert payload.pop("timestamp") == "2026-11-23T12:00:00.000000000Z"
    assert payload == {
        "user_id": "u-7",
        "profile_id": "mom-1",
        "order_id": "v-1",
        "symbol": "ETH/USD",
        "type": "limit",
        "side": "buy",
        "qty": "10",
        "price": "1000",
        "status": "pending_new",
        "trade_id": "t-1",
        "action": "entry",
        "changes": {"venue_order_id": "v-1"},
    }


def test_a_correction_is_logged_with_its_status_and_its_reason(bench: Bench) -> None:
    """The reference logged a cancel with the old status (D 12)."""
    bench.record_order()
    bench.settle()
    report = bench.commit(bench.plan([bench.venue_order(status=Status.CANCELED)]))
    row = bench.ledger.export("order_log", "mom-1")[-1]
    assert (row["event"], row["written_by"]) == ("corrected", f"trueup:{report.run_id}")
    assert (row["payload"]["status"], row["payload"]["changes"]["status"]) == ("canceled", "canceled")
    (correction,) = [one for one in bench.ledger.export("corrections") if one["kind"] == "set_status"]
    (logged,) = [one for one in row["payload"]["corrections"] if one["kind"] == "set_status"]
    assert logged["correction_id"] == correction["correction_id"]
    assert (correction["run_id"], correction["state"]) == (report.run_id, "applied")
    assert (correction["client_order_id"], correction["venue_order_id"]) == ("b1-1", "v-1")
    assert (correction["changes"], correction["fill"]) == ({"status": "canceled"}, None)


def test_what_was_written_past_the_log_is_logged_with_the_next_write(bench: Bench) -> None:
    bench.record_trade()
    bench.record_order("1")
    bench.record_order("2")
    bench.store.execute("UPDATE orders SET sub_tag = 'mine' WHERE venue_order_id = 'v-1'")
    bench.store.execute("UPDATE trades SET status = 'quarantined', quarantined_by = 'person'")
    assert bench.ledger.fold_log("mom-1").unlogged == [
        "order v-1: sub_tag",
        "order v-1: last_activity_at",
        "trade t-1: status",
        "trade t-1: quarantined_by",
    ]
    versions = bench.store.execute("SELECT version FROM orders ORDER BY order_key")
    bench.bot.record_cancel_requested("b1-2")
    outside = [row for row in bench.ledger.export("order_log") if row["written_by"] == "outside"]
    assert [row["payload"]["changes"].get("sub_tag") for row in outside] == ["mine", None]
    assert bench.store.execute("SELECT version FROM orders ORDER BY order_key")[0] == versions[0]
    bench.assert_log_is_true()


def test_each_profile_has_a_chain_of_its_own(bench: Bench) -> None:
    bench.record_order()
    other = Recorder(bench.ledger, OTHER)
    other.record_order(LocalOrder(client_order_id="m2-1", side=Side.BUY, status=Status.PENDING_NEW))
    assert bench.ledger.journal.verify_log(BOT.profile_id).rows == 2
    assert bench.ledger.journal.verify_log(OTHER.profile_id).rows == 1
    bench.assert_log_is_true(BOT)
    bench.assert_log_is_true(OTHER)


def test_a_changed_row_is_found(bench: Bench) -> None:
    bench.record_order()
    bench.store.drop_trigger("order_log_keeps_updated", "order_log")
    bench.store.execute("UPDATE order_log SET payload = replace(payload, '1000', '1001') WHERE seq = 1")
    broken = bench.ledger.journal.verify_log("mom-1").broken
    assert broken == "row 1 of the order log was changed: its hash does not follow from the row before"
    assert bench.ledger.fold_log("mom-1").contradictions == ["order v-1: limit_price"]


def test_who_wrote_a_row_and_of_which_order_is_hashed_too(bench: Bench) -> None:
    bench.record_order()
    bench.store.drop_trigger("order_log_keeps_updated", "order_log")
    for column, value in (("written_by", "'person:mallory'"), ("order_key", "99"), ("version", "7")):
        before = bench.store.execute(f"SELECT {column} FROM order_log WHERE seq = 2")[0][0]
        bench.store.execute(f"UPDATE order_log SET {column} = {value} WHERE seq = 2")
        assert "row 2 of the order log was changed" in str(bench.ledger.journal.verify_log("mom-1").broken)
        told = f"'{before}'" if isinstance(before, str) else before
        bench.store.execute(f"UPDATE order_log SET {column} = {told} WHERE seq = 2")
        assert bench.ledger.journal.verify_log("mom-1").broken is None


def test_a_missing_row_is_found(bench: Bench) -> None:
    bench.record_order()
    bench.store.drop_trigger("order_log_keeps_deleted", "order_log")
    bench.store.execute("DELETE FROM order_log WHERE seq = 1")
    assert bench.ledger.journal.verify_log("mom-1").broken == "row 1 of the order log is missing"


def test_a_fill_changed_behind_the_log_is_found(bench: Bench) -> None:
    bench.record_order()
    bench.bot.record_fill("b1-1", bench.fill("F1", "3"))
    bench.store.execute("UPDATE fills SET qty = '4'")
    assert bench.ledger.fold_log("mom-1").contradictions == ["fill F1 of order v-1"]
    bench.store.execute("DELETE FROM fills")
    assert bench.ledger.fold_log("mom-1").contradictions == ["fill F1: only in the log"]


@pytest.mark.parametrize(
    ("key", "said"), [("entry_qty", "2 entered and 0 left"), ("exit_qty", "5 entered and 2 left")]
)
def test_a_trade_that_is_not_the_sum_of_its_orders_is_found(bench: Bench, key: str, said: str) -> None:
    bench.record_trade()
    bench.record_order()
    bench.bot.record_fill("b1-1", bench.fill("F1", "5"))
    assert bench.ledger.fold_log("mom-1").trades == []
    bench.store.execute(f"UPDATE trades SET {key} = '2'")
    assert bench.ledger.fold_log("mom-1").trades == [f"trade t-1: {said}, its orders filled 5 and 0"]


def test_an_order_that_is_deleted_past_the_log_is_found(bench: Bench) -> None:
    bench.record_trade()
    bench.record_order()
    bench.store.execute("DELETE FROM orders")
    assert bench.ledger.fold_log(BOT.profile_id).contradictions != []
