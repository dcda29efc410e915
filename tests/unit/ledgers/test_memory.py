"""What reads a whole ledger holds one order at a time: twice as many orders need no more memory."""

import tracemalloc
from collections import deque
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.large_ledger import fill_ledger
from trueup.ledgers.sql.sql_ledger import SqlLedger
from trueup.ledgers.sqlite import open_sqlite
from trueup.ledgers.sqlite.database import SqliteDatabase

pytestmark = pytest.mark.slow

ORDERS = 2_000
SLACK_BYTES = 300_000  # 150 bytes for each more order; a row of the log alone has 1,000


def verify(ledger: SqlLedger) -> None:
    assert ledger.journal.verify_log("bot-1").broken is None
    assert ledger.fold_log("bot-1").contradictions == []
    assert ledger.find_damage(quick=False) == []


def export(table: str) -> Callable[[SqlLedger], None]:
    return lambda ledger: deque(ledger.stream_export(table), maxlen=0).clear()


@pytest.mark.parametrize("read", [verify, export("order_log"), export("fills"), export("orders")])
def test_twice_as_many_orders_need_no_more_memory(tmp_path: Path, read: Callable[[SqlLedger], None]) -> None:
    peaks = []
    for count in (ORDERS, 2 * ORDERS):
        path = tmp_path / f"{count}.sqlite"
        fill_ledger(path, count)
        ledger = open_sqlite(path)
        tracemalloc.start()
        read(ledger)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        ledger.close()
    assert peaks[1] - peaks[0] < SLACK_BYTES


def test_what_was_read_last_is_kept_until_it_is_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "known.sqlite"
    fill_ledger(path, 200)
    ledger = open_sqlite(path)
    first, second = (ledger.books.read("acc-1", ["bot-1"], 1e9)["bot-1"].orders for _ in range(2))
    assert first
    assert all(one is other for one, other in zip(first, second, strict=True)), "not decoded again"
    ledger.books.forget("acc-1")
    third = ledger.books.read("acc-1", ["bot-1"], 1e9)["bot-1"].orders
    assert third == first
    assert not any(one is other for one, other in zip(first, third, strict=True))
    ledger.close()


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("UPDATE trades SET exit_qty = '9' WHERE trade_id = 't-7'", "trade t-7: exit_qty"),
        ("DELETE FROM trades WHERE trade_id = 't-3'", "trade t-3: only in the log"),
        (
            "UPDATE fills SET qty = '9' WHERE fill_id = 'F-5'",
            "fill F-5 of order 5b4d3c2a-0000-4000-8000-000000000005",
        ),
        ("DELETE FROM fills WHERE fill_id = 'F-5'", "fill F-5: only in the log"),
        (
            "DELETE FROM fills WHERE order_key = 4; DELETE FROM orders WHERE order_key = 4",
            "order 4: only in the log",
        ),
    ],
)
def test_what_the_log_contradicts_is_named(tmp_path: Path, statement: str, fault: str) -> None:
    """Changed past every trigger; the rows beside it are as they were."""
    fill_ledger(tmp_path / "ledger.db", 20)
    ledger = open_sqlite(tmp_path / "ledger.db")
    assert isinstance(ledger.database, SqliteDatabase)
    connection = ledger.database.connection
    for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {name}")
    connection.execute(statement)
    assert ledger.fold_log("bot-1").contradictions == [fault]
    ledger.close()
