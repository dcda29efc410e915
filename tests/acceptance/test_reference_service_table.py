"""The replaced service's table, with the mapping as it is documented: drift is repaired in it, once."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner, Result

from tests.postgres.databases import empty_database
from tests.unit.books.tables.bots import url_of_dsn
from trueup.surfaces.cli.main import commands

PAGE = Path(__file__).parents[2] / "docs/how-to/from-the-reference-service.md"
TABLE = """
CREATE TABLE orders (
  user_id text, profile_id text NOT NULL, order_id text UNIQUE, symbol text, type text DEFAULT 'market',
  side text DEFAULT 'BUY', qty numeric, price numeric, status text, timestamp timestamptz DEFAULT now(), trade_id text,
  action text, sub_tag text, filled_qty numeric DEFAULT 0, filled_avg_price numeric
)"""
SENT = "2025-11-24T12:00:00Z"


def venue_order(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "venue_order_id": f"v-{number}", "symbol": "BTC/USD", "side": "buy", "order_type": "limit", "qty": "10",
        "limit_price": "100", "status": "partially_filled", "filled_qty": "7", "filled_avg_price": "99.5",
        "submitted_at": SENT, "updated_at": SENT,
    } | changes  # fmt: skip


class Service:
    def __init__(self, folder: Path, dsn: str, connection: "psycopg.Connection[Any]") -> None:
        self.folder, self.url, self._connection = folder, url_of_dsn(dsn), connection
        documented = PAGE.read_text().split("```toml\n")[1].split("```")[0]
        before, _, rest = documented.partition('[[accounts]]\naccount_id = "alpaca-1"')
        profiles = rest[rest.index("[[accounts.profiles]]") :]
        account = '[[accounts]]\naccount_id = "acc-1"\nvenue = "files"\noptions = { path = "venue.json" }\n'
        policy = "policy = { recent_activity_window_s = 0, parity_enabled = false, exit_backfill_enabled = false }\n"
        (folder / "trueup.toml").write_text(before + account + profiles + policy)

    def add(self, number: int, **changes: Any) -> None:
        row = {
            "user_id": "u-1", "profile_id": "mom-1", "order_id": f"v-{number}", "symbol": "BTC/USD", "type": "limit",
            "side": "BUY", "qty": 10, "price": 100, "status": "new", "timestamp": SENT, "trade_id": "t-1",
            "action": "ENTRY", "filled_qty": 0, "filled_avg_price": None,
        } | changes  # fmt: skip
        marks = ", ".join(["%s"] * len(row))
        text = f"INSERT INTO orders ({', '.join(row)}) VALUES ({marks})"
        self._connection.execute(text.encode(), list(row.values()))

    def at_venue(self, *opened: dict[str, Any], ended: tuple[dict[str, Any], ...] = ()) -> None:
        reads = {
            "account_id": "a",
            "open_orders": {"state": "complete", "rows": list(opened)},
            "history": {"state": "complete", "orders": list(ended)},
        }
        (self.folder / "venue.json").write_text(json.dumps(reads))

    def call(self, *args: str) -> Result:
        config = ["--config", str(self.folder / "trueup.toml")]
        return CliRunner().invoke(
            commands, [*args, *config], env={"BOT_DATABASE_URL": self.url, "COLUMNS": "200"}
        )

    def run_twice(self, *opened: dict[str, Any], ended: tuple[dict[str, Any], ...] = ()) -> Result:
        """Its rows do not say when they changed: they are taken in by one run, and judged by the next."""
        self.at_venue(*opened, ended=ended)
        self.call("run", "--once", "--apply")
        self.at_venue(*opened, ended=ended)
        return self.call("run", "--once", "--apply")

    def rows(self, columns: str) -> list[Any]:
        return self._connection.execute(f"SELECT {columns} FROM orders ORDER BY order_id".encode()).fetchall()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with empty_database() as dsn, psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(TABLE)
        yield Service(tmp_path, dsn, connection)


def test_a_missed_fill_and_a_missed_cancel_are_set_and_a_second_run_writes_nothing(service):
    service.add(1)
    service.add(2)
    service.add(3, status="filled", filled_qty=10, filled_avg_price=100)
    canceled = venue_order(2, status="canceled", filled_qty="4", filled_avg_price="100")
    filled = venue_order(3, status="filled", filled_qty="10", filled_avg_price="100")
    result = service.run_twice(venue_order(1), ended=(canceled, filled))
    rows = [
        tuple(map(str, row))
        for row in service.rows("order_id, status, filled_qty, filled_avg_price, price, action")
    ]
    assert rows == [
        ("v-1", "partially_filled", "7", "99.5", "100", "ENTRY"),
        ("v-2", "canceled", "4", "100", "100", "ENTRY"),  # its fill first, then the cancel
        ("v-3", "filled", "10", "100", "100", "ENTRY"),
    ], result.output
    before = service.rows("order_id, xmin::text, ctid::text")
    service.call("run", "--once", "--apply")
    assert service.rows("order_id, xmin::text, ctid::text") == before


def test_an_order_that_only_the_venue_knows_is_inserted_behind_the_unique_key(service):
    service.add(1, status="partially_filled", filled_qty=7, filled_avg_price=99.5)
    result = service.run_twice(venue_order(1), venue_order(9, filled_qty="2"))
    rows = [
        tuple(map(str, row)) for row in service.rows("profile_id, order_id, status, side, qty, filled_qty")
    ]
    assert rows == [
        ("mom-1", "v-1", "partially_filled", "BUY", "10", "7"),
        ("mom-1", "v-9", "partially_filled", "BUY", "10", "2"),
    ], result.output
    service.call("run", "--once", "--apply")
    assert len(service.rows("order_id")) == 2


def test_doctor_finds_the_documented_mapping_right(service):
    service.add(1)
    service.at_venue(venue_order(1))
    result = service.call("doctor")
    assert "fail" not in result.stdout, result.stdout
    assert "only the venue knows are inserted" in result.stdout
