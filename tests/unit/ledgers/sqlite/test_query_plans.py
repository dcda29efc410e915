"""What SQLite makes of the statements that are asked every run or written for every correction."""

import re
from collections.abc import Iterator

import apsw
import pytest

from trueup.ledgers.sqlite.database import SqliteDatabase


@pytest.fixture
def database() -> Iterator[SqliteDatabase]:
    opened = SqliteDatabase(":memory:", clock_ns=lambda: 0)
    yield opened
    opened.close()


def explained(database: SqliteDatabase, name: str, how: str) -> list[str]:
    statement = database._statements[name]
    values = ["x"] * max(map(int, re.findall(r"\?(\d+)", statement)), default=0)
    return [" ".join(map(str, row)) for row in database.connection.execute(f"{how} {statement}", values)]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("open_and_recent_orders", "SEARCH o USING INDEX orders_live"),
        ("books_of_profile", "SEARCH l USING PRIMARY KEY (profile_id=? AND seq=?)"),
        ("books_of_profile", "SEARCH o USING INDEX orders_past_the_log (profile_id=?)"),
        ("books_of_profile", "SEARCH t USING INDEX trades_past_the_log (profile_id=?)"),
        ("pending_notifications", "SCAN b USING INDEX outbox_pending"),
        ("pending_notifications", "SEARCH held USING INDEX outbox_failed"),
        ("outbox_state", "SCAN outbox USING INDEX outbox_pending"),
        ("timeline_superseded", "SEARCH r USING INDEX runs_by_profile"),
        ("timeline_log", "SEARCH order_log USING INDEX order_log_by_order"),
    ],
)
def test_what_is_asked_is_found_by_an_index(database: SqliteDatabase, name: str, expected: str) -> None:
    assert any(expected in line for line in explained(database, name, "EXPLAIN QUERY PLAN"))


@pytest.mark.parametrize(
    "name",
    [
        "open_and_recent_orders",
        "fills_of_open_and_recent",
        "trades_open_and_recent",
        "accounts_with_older_rows",
        "unsettled_symbols",
        "standing_decisions",
        "profile_states",
        "open_breaks",
        "list_deferrals",
        "venue_account_ids",
        "parked_notifications",
    ],
)
def test_no_run_reads_what_is_closed_and_old(database: SqliteDatabase, name: str) -> None:
    plan = explained(database, name, "EXPLAIN QUERY PLAN")
    scans = [
        line
        for line in plan
        if "SCAN" in line and not re.search("SCAN (json_each|CONSTANT)|VIRTUAL TABLE", line)
    ]
    assert scans == []


def test_a_value_bound_anew_prepares_nothing_anew(database: SqliteDatabase) -> None:
    """Built with STAT4, as apsw is, SQLite otherwise plans a statement again for each value that an index may heed."""
    assert database.connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, -1) == 1


@pytest.mark.parametrize(
    "name", ["move_orders", "update_order", "insert_order", "update_trade", "insert_trade"]
)
def test_no_table_of_words_is_built_to_write_a_row(database: SqliteDatabase, name: str) -> None:
    """As SQLite does of `x IN (…)` with more than two words, in each check and generated column, for every row."""
    opcodes = explained(database, name, "EXPLAIN")
    assert any("TypeCheck" in line for line in opcodes)  # as of every write to a STRICT table
    assert not [line for line in opcodes if "OpenEphemeral" in line and "k(1,B)" in line]
