"""The chaos run's checker finds what it is there for: books of one order and trade are true, and each harm is named."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.check import TABLES, Ledger, Truth, faults_in_the_end, faults_of_telling, missing_fills

OWNERS = ("mom",)
TWO_CONTENTS = [
    ("n-2", json.dumps({"qty": qty, "price": "1", "cumulative_avg_price": None, "trade_id": None}))
    for qty in "12"
]
ORDER = {
    "order_key": 1, "client_order_id": "mom-t1-entry-1", "venue_order_id": "v-1", "trade_id": "t1", "action": "entry",
    "profile_id": "mom", "filled_qty": "5", "filled_avg_price": "100", "status": "filled",
}  # fmt: skip
FILL = {"order_key": 1, "fill_id": "f-1", "qty": "5", "price": "100", "inferred": 0}
TRADE = {"profile_id": "mom", "trade_id": "t1", "symbol": "ETH/USD", "entry_qty": "5", "exit_qty": "0"}
AT_VENUE = {
    "id": "v-1", "client_order_id": "mom-t1-entry-1", "filled_qty": "5", "filled_avg_price": "100", "status": "filled",
}  # fmt: skip
EXECUTED = {"id": "17::f-1", "order_id": "v-1", "qty": "5", "price": "100"}
TOLD = {"notification_id": "n-1", "delivered_at": "2026-11-23T12:00:00Z"}
LEASE = {"account_id": "paper", "holder": None}
BREAK = {"resolution": None, "found": json.dumps({"severity": "info", "venue_order_id": "v-1"})}
ROWS: dict[str, dict[str, Any]] = {
    "orders": ORDER,
    "fills": FILL,
    "trades": TRADE,
    "breaks": BREAK,
    "outbox": TOLD,
    "leases": LEASE,
}


def ledger(folder: Path, table: str | None = None, **changes: Any) -> Ledger:
    """True books, but for these changes of a table's row; a row of nulls is left out."""
    connection = sqlite3.connect(folder / "ledger.sqlite")
    for name in TABLES:
        row = ROWS.get(name, {"profile_id": "mom"}) | (changes if name == table else {})
        connection.execute(f"CREATE TABLE {name} ({', '.join(row)})")
        if any(value is not None for value in row.values()):
            connection.execute(f"INSERT INTO {name} VALUES ({', '.join('?' * len(row))})", list(row.values()))
    connection.commit()
    connection.close()
    return Ledger(folder / "ledger.sqlite")


def truth(order: dict[str, str] | None = None, fills: tuple[dict[str, str], ...] = (EXECUTED,)) -> Truth:
    return Truth([AT_VENUE | (order or {})], list(fills), {"ETHUSD": "5"})


def test_true_books_have_no_fault(tmp_path: Path):
    found = ledger(tmp_path)
    assert faults_in_the_end(found, truth(), OWNERS) == []
    assert missing_fills(found, truth(), OWNERS) == (0, [])


@pytest.mark.parametrize(
    ("table", "changes", "said"),
    [
        ("fills", {"qty": "10"}, "its fills come to 10"),
        ("fills", {"fill_id": "f-9"}, "fill f-9 was never executed"),
        ("fills", {"price": "99"}, "is booked at 99, it was 100"),
        ("fills", {"qty": "6"}, "is booked with 6, it was 5"),
        ("orders", {"filled_qty": "4"}, "4 booked of 5 executed"),
        ("orders", {"filled_avg_price": "101"}, "at 101, the venue says 100"),
        ("orders", {"status": "canceled"}, "canceled in the books, filled at the venue"),
        ("orders", {"venue_order_id": "v-2"}, "the books do not know it"),
        ("trades", {"entry_qty": "6"}, "entry 6, its orders filled 5"),
        ("trades", dict.fromkeys(TRADE), "trades hold 0, the venue 5"),
        ("outbox", {"delivered_at": None}, "1 notifications were not told"),
        ("leases", {"holder": "somebody"}, "the lease of paper is held"),
        (
            "breaks",
            {
                "found": json.dumps(
                    {"severity": "warn", "kind": "fill_drift", "client_order_id": "c", "message": "m"}
                    | {"venue_order_id": "v-1"}
                )
            },
            "an open break: fill_drift of c",
        ),
    ],
)
def test_each_harm_is_found(tmp_path: Path, table: str, changes: dict[str, Any], said: str):
    faults = faults_in_the_end(ledger(tmp_path, table, **changes), truth(), OWNERS)
    assert any(said in fault for fault in faults), faults


def test_an_order_that_lives_at_the_venue_may_not_have_ended_here(tmp_path: Path):
    found = ledger(tmp_path, "orders", status="canceled")
    faults = faults_in_the_end(found, truth({"status": "partially_filled"}), OWNERS)
    assert any("canceled in the books, partially_filled at the venue" in fault for fault in faults)


@pytest.mark.parametrize(
    ("count", "stands", "is_fault"), [(4, 1, False), (3, 1, True), (4, 0, True), (4, None, True)]
)
def test_orders_that_were_never_sent_are_a_persons_where_they_are_a_mass_and_it_is_told(
    tmp_path: Path, count: int, stands: int | None, is_fault: bool
):
    found = ledger(tmp_path)
    for number in range(count):
        name = f"mom-t{number}-exit-1"
        unsent = {"order_key": 10 + number, "client_order_id": name, "venue_order_id": None, "trade_id": None}
        found.tables["orders"].append(ORDER | unsent | {"status": "pending_new", "filled_qty": "0"})
        found.open_breaks.append(
            {"severity": "error", "kind": "missing_at_venue", "client_order_id": name, "message": "absent"}
        )
    if stands is not None:
        found.tables["alerts"] = [{"profile_id": "mom", "dedupe_key": "mom:mass_absence", "stands": stands}]
    faults = faults_in_the_end(found, truth(), OWNERS)
    assert len(faults) == (2 * count if is_fault else 0), faults


def test_a_missing_fill_is_told_by_a_break_or_a_fault(tmp_path: Path):
    second = EXECUTED | {"id": "18::f-2"}
    told = ledger(tmp_path)
    assert missing_fills(told, truth(fills=(EXECUTED, second)), OWNERS) == (1, [])
    (tmp_path / "ledger.sqlite").unlink()
    untold = ledger(tmp_path, "breaks", resolution="corrected")
    assert missing_fills(untold, truth(fills=(EXECUTED, second)), OWNERS)[1] == [
        "18::f-2 is missing, and no break says so"
    ]


def test_what_was_committed_is_told_with_one_content(tmp_path: Path):
    effects = tmp_path / "effects.sqlite"
    connection = sqlite3.connect(effects)
    connection.execute("CREATE TABLE deliveries (notification_id, notification)")
    connection.executemany("INSERT INTO deliveries VALUES (?, ?)", TWO_CONTENTS)
    connection.commit()
    connection.close()
    assert faults_of_telling(effects, ledger(tmp_path)) == [
        "n-2 was told with 2 contents",
        "n-1 was committed and never told",
    ]


@pytest.mark.parametrize(("price", "faults"), [("2550.29955555", 0), ("2550.2994", 1)])
def test_a_price_that_was_rounded_elsewhere_is_the_same_content(tmp_path: Path, price: str, faults: int):
    content = {"qty": "9", "cumulative_avg_price": "2550.29955555555555555555555556", "trade_id": None}
    effects = tmp_path / "effects.sqlite"
    connection = sqlite3.connect(effects)
    connection.execute("CREATE TABLE deliveries (notification_id, notification)")
    told = [("n-1", json.dumps(content | {"price": one})) for one in (content["cumulative_avg_price"], price)]
    connection.executemany("INSERT INTO deliveries VALUES (?, ?)", told)
    connection.commit()
    connection.close()
    assert len(faults_of_telling(effects, ledger(tmp_path))) == faults
