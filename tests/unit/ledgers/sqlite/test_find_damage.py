"""What a ledger's file lacks is named; what somebody added to it, and unusual spellings of amounts, are no damage."""

from pathlib import Path

import apsw
import pytest

from trueup.ledgers.sqlite import open_sqlite
from trueup.ledgers.sqlite.find_damage import find_damage

ORDER = (
    "INSERT INTO accounts (account_id) VALUES ('a'); INSERT INTO profiles (profile_id, account_id) VALUES ('p', 'a');"
    "INSERT INTO orders (account_id, profile_id, client_order_id, side, status, qty, filled_qty, submitted_at)"
    " VALUES ('a', 'p', 'c', 'buy', 'filled', '1', '1', '2026-11-23T12:00:00Z')"
)


@pytest.fixture
def file(tmp_path: Path):
    path = tmp_path / "ledger.sqlite"
    open_sqlite(path).close()
    connection = apsw.Connection(str(path))
    connection.execute(ORDER).fetchall()
    yield connection
    connection.close()


def both(file: apsw.Connection) -> list[list[str]]:
    return [find_damage(file, quick=True), find_damage(file, quick=False)]


def test_a_new_ledger_is_whole(file: apsw.Connection) -> None:
    assert both(file) == [[], []]


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("DROP TRIGGER trades_version", "the trigger trades_version is missing"),
        ("DROP INDEX orders_live", "the index orders_live is missing"),
        ("DROP TABLE watermarks", "the table watermarks is missing"),
        ("ALTER TABLE leases RENAME COLUMN ttl_s TO ttl", "the column ttl_s of leases is missing"),
        (
            "DROP INDEX orders_live; CREATE INDEX orders_live ON orders (symbol)",
            "the index orders_live is not what it was",
        ),
    ],
)
def test_a_part_that_is_gone_is_named_by_the_quick_check_too(
    file: apsw.Connection, statement: str, said: str
) -> None:
    file.execute(statement).fetchall()
    assert both(file) == [[said], [said]]


def test_what_somebody_added_is_theirs(file: apsw.Connection) -> None:
    file.execute(
        "CREATE TABLE mine (x); CREATE INDEX mine_too ON orders (sub_tag); ALTER TABLE orders ADD COLUMN note TEXT;"
        "CREATE VIEW seen AS SELECT * FROM orders"
    ).fetchall()
    assert both(file) == [[], []]


@pytest.mark.parametrize("qty", ["1e-7", "+5", "0.5", "-3", "1E+2", "1" * 30, "0"])
def test_an_amount_in_any_notation_is_none(file: apsw.Connection, qty: str) -> None:
    file.execute("UPDATE orders SET qty = ?", (qty,)).fetchall()
    assert find_damage(file, quick=False) == []


@pytest.mark.parametrize("qty", ["", ".", "1.2.3", "NaN", "1_0", "1e31", "5" * 31, "1,5", "Infinity"])
def test_what_is_no_amount_is_named(file: apsw.Connection, qty: str) -> None:
    file.execute("UPDATE orders SET qty = ?", (qty,)).fetchall()
    assert find_damage(file, quick=False) == [f"qty of order 1 is no amount: {qty!r}"]


@pytest.mark.parametrize(
    "time", ["yesterday", "", "2026-13-01T00:00:00Z", "2026-11-23 12:00:00", "1795435200"]
)
def test_what_is_no_time_is_named(file: apsw.Connection, time: str) -> None:
    file.execute("UPDATE orders SET submitted_at = ?", (time,)).fetchall()
    assert find_damage(file, quick=False) == [f"submitted_at of order 1 is no time: {time!r}"]
