"""Versions rise whoever writes; the bot's own statements are stamped by the database; the log only grows."""

import pytest

from trueup.model.vocabulary import LIVE, Status
from trueup.testing.ledgers.bench import BOT, Bench

INSERT_LOG = (
    "{} order_log SELECT profile_id, {}, logged_at, 'x', written_by, order_key, trade_id, version, "
    "payload, hash FROM order_log WHERE seq = 1 {}"
)


def raw(bench: Bench, columns: str) -> tuple:
    return bench.store.execute(f"SELECT {columns} FROM orders WHERE client_order_id = 'b1-1'")[0]


@pytest.mark.parametrize(
    "change",
    [
        "status = 'canceled'",
        "status = status",
        "version = 1",
        "version = version + 1",
        "version = 99, logged_version = 99",
        "last_activity_at = '2001-01-01T00:00:00Z'",
    ],
)
def test_every_update_raises_the_version_by_one_and_is_stamped(bench: Bench, change: str) -> None:
    bench.record_order()
    assert raw(bench, "version, logged_version") == (2, 2)
    stamped_before = raw(bench, "last_activity_at")[0]
    bench.store.execute(f"UPDATE orders SET {change} WHERE client_order_id = 'b1-1'")
    assert raw(bench, "version, logged_version") == (3, 2)
    stamp = raw(bench, "last_activity_at")[0]
    assert stamp not in (stamped_before, "2001-01-01T00:00:00Z")
    assert len(stamp) == len("2026-11-23T12:00:00.000000000Z")


@pytest.mark.parametrize("change", ["exit_qty = '1'", "version = 1", "version = version + 1"])
def test_every_update_of_a_trade_raises_its_version(bench: Bench, change: str) -> None:
    bench.record_trade()
    bench.store.execute(f"UPDATE trades SET {change}")
    assert bench.store.execute("SELECT version, logged_version FROM trades") == [(2, 1)]


def test_an_order_inserted_past_the_ledger_is_stamped_and_read(bench: Bench) -> None:
    bench.store.execute(
        "INSERT INTO orders (account_id, profile_id, client_order_id, symbol, side, qty, status, last_activity_at) "
        "VALUES ('acc-1', 'mom-1', 'b1-1', 'ETH/USD', 'buy', '10', 'pending_new', '2001-01-01T00:00:00Z')"
    )
    (order,) = bench.snapshot().local.orders
    assert order.client_order_id == "b1-1"
    assert order.last_activity_at is not None
    assert order.last_activity_at > "2001-01-01T00:00:00Z"
    assert bench.ledger.fold_log(BOT.profile_id).unlogged == ["order b1-1: not in the log"]


@pytest.mark.parametrize("status", Status)
def test_the_tables_know_which_statuses_are_live(bench: Bench, status: Status) -> None:
    bench.record_order()
    bench.store.execute(f"UPDATE orders SET status = '{status}'")
    assert raw(bench, "is_live") == (int(status in LIVE),)


@pytest.mark.parametrize("status", ["'open'", "'FILLED'", "''", "NULL"])
def test_a_status_that_is_none_is_refused(bench: Bench, status: str) -> None:
    bench.record_order()
    before = raw(bench, "status, version")
    with pytest.raises(Exception, match=r'known_status|orders\.status|column "status"'):
        bench.store.execute(f"UPDATE orders SET status = {status}")
    assert raw(bench, "status, version") == before


def test_ids_are_unique_within_the_account_however_they_are_written(bench: Bench) -> None:
    bench.record_order()
    for ids in ("' V-1', 'b1-2'", "'v-2', 'B1-1 '"):
        with pytest.raises(Exception, match=r"(?i)unique"):
            bench.store.execute(
                "INSERT INTO orders (account_id, profile_id, side, status, symbol, venue_order_id, client_order_id) "
                f"VALUES ('acc-1', 'mom-1', 'buy', 'pending_new', 'eth-usd', {ids})"
            )
    for useless in ("''", "'0'", "'api'", "'API '"):
        for number in (1, 2):
            bench.store.execute(
                "INSERT INTO orders (account_id, profile_id, side, status, venue_order_id, client_order_id) "
                f"VALUES ('acc-1', 'mom-1', 'buy', 'pending_new', {useless} || 'w{number}', {useless})"
            )


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE order_log SET payload = '{}' WHERE seq = 1",
        "DELETE FROM order_log",
        "replace",
        INSERT_LOG.format("INSERT INTO", "seq + 5", ""),
    ],
)
def test_the_order_log_only_grows(bench: Bench, statement: str) -> None:
    bench.record_order()
    if statement == "replace":
        insert, on_conflict = bench.store.replacing
        statement = INSERT_LOG.format(insert, "seq", on_conflict)
    before = bench.contents()["order_log"]
    with pytest.raises(Exception, match="only grows"):
        bench.store.execute(statement)
    assert bench.contents()["order_log"] == before
