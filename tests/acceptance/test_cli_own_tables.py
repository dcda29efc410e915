"""`trueup plan` on a bot's own tables: real files, nothing written."""

import json
import os
import sqlite3
import time
from hashlib import sha256
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.unit.books.tables.desk import T0, TABLES, order
from trueup.books.tables.sqlite import SqliteTables
from trueup.model.errors import Conflict
from trueup.surfaces.cli.main import commands

CONFIG = """
[books.mine]
kind = "tables"
database = "bot.db"

[books.mine.orders]
table = "my_orders"
times = { default = "ms" }

[books.mine.orders.columns]
venue_order_id = "exch_id"
client_order_id = "cid"
symbol = "pair"
side = "direction"
qty = "size"
filled_qty = "done"
filled_avg_price = "avg_px"
limit_price = "px"
order_type = "kind"
status = "state"
submitted_at = "created"
last_activity_at = "upd"

[books.mine.orders.words.status]
OPEN = "open"
DONE = "filled"

[[accounts]]
account_id = "acc-1"
venue = "files"
options = { path = "venue.json" }

[[accounts.profiles]]
profile_id = "bot1"
books = "mine"
policy = { recent_activity_window_s = 0, parity_enabled = false, exit_backfill_enabled = false }
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    connection = sqlite3.connect(tmp_path / "bot.db")
    connection.executescript(TABLES)
    rows = [order(1), order(2, state="DONE", done=10.0), order(3, state="OPEN", direction="up")]
    for row in rows:
        marks = ", ".join("?" * len(row))
        connection.execute(f"INSERT INTO my_orders ({', '.join(row)}) VALUES ({marks})", [*row.values()])
    connection.commit()
    connection.close()
    at_venue = {
        "symbol": "ETH/USD", "side": "buy", "order_type": "limit", "qty": "10", "limit_price": "1000",
        "submitted_at": "2025-11-24T12:00:00Z", "updated_at": "2025-11-24T12:00:00Z",
    }  # fmt: skip
    opened = [
        {"venue_order_id": "v-1", "client_order_id": "c-1", "status": "partially_filled", "filled_qty": "7",
         "filled_avg_price": "999.5"},
        {"venue_order_id": "v-2", "client_order_id": "c-2", "status": "filled", "filled_qty": "10",
         "filled_avg_price": "1000"},
        {"venue_order_id": "v-3", "client_order_id": "c-3", "status": "pending_new", "filled_qty": "0"},
    ]  # fmt: skip
    venue = {"open_orders": {"state": "complete", "rows": [at_venue | one for one in opened]}}
    (tmp_path / "venue.json").write_text(json.dumps(venue))
    (tmp_path / "trueup.toml").write_text(CONFIG)
    return tmp_path


def test_a_plan_of_own_tables_finds_the_missed_fill_and_inserts_nothing_it_did_not_understand(folder):
    before = sha256((folder / "bot.db").read_bytes()).hexdigest()
    result = CliRunner().invoke(commands, ["plan", "--json", "--config", str(folder / "trueup.toml")])
    assert result.exit_code == 2, result.output
    plan = json.loads(result.stdout)
    found = {(one["kind"], one["venue_order_id"]): one["message"] for one in plan["breaks"]}
    assert set(found) == {("fill_drift", "v-1"), ("row_unclear", "v-3")}
    assert "side: 'up'" in found["row_unclear", "v-3"]
    (fill,) = [one["fill"] for one in plan["corrections"]]
    assert (fill["qty"], fill["price"]) == ("4", "999.125")  # (999.5 × 7 − 1000 × 3) ÷ 4
    assert sha256((folder / "bot.db").read_bytes()).hexdigest() == before


def test_what_is_not_understood_is_never_in_sync(folder):
    connection = sqlite3.connect(folder / "bot.db")
    connection.execute("UPDATE my_orders SET done = 7.0, avg_px = 999.5 WHERE id = 1")
    connection.commit()
    result = CliRunner().invoke(commands, ["plan", "--config", str(folder / "trueup.toml")])
    assert result.exit_code == 2, result.output


def test_books_of_the_bots_own_are_not_written_unless_it_says_so(folder):
    before = sha256((folder / "bot.db").read_bytes()).hexdigest()
    result = CliRunner().invoke(
        commands, ["run", "--once", "--apply", "--config", str(folder / "trueup.toml")]
    )
    assert result.exit_code == 2, result.output
    assert sha256((folder / "bot.db").read_bytes()).hexdigest() == before


def test_a_plan_waits_for_the_window_where_nothing_says_when_rows_changed(folder):
    """Also where the file is old: a clock that was put back, or a copy with its times, tells nothing of a row."""
    os.utime(folder / "bot.db", (1_600_000_000, 1_600_000_000))
    text = (folder / "trueup.toml").read_text()
    text = text.replace('last_activity_at = "upd"\n', "").replace("window_s = 0", "window_s = 0.1")
    (folder / "trueup.toml").write_text(text)
    arguments = ["plan", "--json", "--config", str(folder / "trueup.toml")]
    first, second = CliRunner().invoke(commands, arguments), CliRunner().invoke(commands, arguments)
    assert (first.exit_code, second.exit_code) == (2, 2), first.output
    assert "reading them again in 0.1 s" in first.stderr
    assert "reading them again" not in second.stderr


def test_books_that_are_only_reported_say_how_repairs_are_allowed(folder):
    config = ["--config", str(folder / "trueup.toml")]
    planned = CliRunner().invoke(commands, ["plan", *config])
    applied = CliRunner().invoke(commands, ["apply", "--auto-approve", *config])
    for result in (planned, applied):
        assert result.exit_code == 2, result.output
        assert "next: trueup apply" not in result.stderr
        assert "[books.mine] has write = 'never'" in result.stderr
        assert "write = 'tables' there" in result.stderr


WRITABLE = 'writable = ["status", "filled_qty", "filled_avg_price"]'


def row(folder: Path) -> tuple[object, ...]:
    (found,) = sqlite3.connect(folder / "bot.db").execute(
        "SELECT done, avg_px, state, px, upd FROM my_orders WHERE id = 1"
    )
    return tuple(found)


def test_apply_sets_what_the_mapping_marks_writable_and_a_second_time_nothing(folder):
    config = CONFIG.replace('database = "bot.db"', 'database = "bot.db"\nwrite = "tables"')
    (folder / "trueup.toml").write_text(config.replace("times = {", WRITABLE + "\ntimes = {"))
    call = ["apply", "--auto-approve", "--config", str(folder / "trueup.toml")]
    result = CliRunner().invoke(commands, call)
    assert "applied 1 correction" in result.stdout, result.output
    assert row(folder) == (7.0, 999.5, "OPEN", 1000.0, T0)
    before = sha256((folder / "bot.db").read_bytes()).hexdigest()
    again = CliRunner().invoke(commands, call)
    assert "nothing to apply" in again.stderr, again.output
    assert sha256((folder / "bot.db").read_bytes()).hexdigest() == before


def test_apply_says_what_was_not_judged_yet(folder):
    config = CONFIG.replace('database = "bot.db"', 'database = "bot.db"\nwrite = "tables"')
    (folder / "trueup.toml").write_text(config.replace("times = {", WRITABLE + "\ntimes = {"))
    connection = sqlite3.connect(folder / "bot.db")
    connection.execute(
        "UPDATE my_orders SET upd = ?", [round(time.time() * 1000)]
    )  # the bot is at it just now
    connection.commit()
    call = ["apply", "--auto-approve", "--config", str(folder / "trueup.toml")]
    told = CliRunner().invoke(commands, call)
    assert "nothing to apply; 1 order not judged yet: trueup plan says why" in told.stderr, told.output


@pytest.fixture
def written(folder: Path) -> Path:
    """Repairs are written; the bot holds a lock on its file when they are due."""
    config = CONFIG.replace('database = "bot.db"', 'database = "bot.db"\nwrite = "tables"')
    (folder / "trueup.toml").write_text(config.replace("times = {", WRITABLE + "\ntimes = {"))
    return folder


def test_a_repair_that_the_bots_lock_keeps_out_is_told_until_it_is_written(written, monkeypatch):
    def locked(_):
        raise Conflict("bot.db is locked by its bot")

    call = ["--config", str(written / "trueup.toml")]
    with monkeypatch.context() as patched:
        patched.setattr(SqliteTables, "writing", locked)
        result = CliRunner().invoke(commands, ["apply", "--auto-approve", *call])
    assert result.exit_code == 1, result.output
    assert "1 row of the bot's own waits for its repair" in result.stderr
    assert row(written)[0] == 3.0
    journal = sqlite3.connect(written / "trueup.sqlite")
    journal.execute("UPDATE write_backs SET next_attempt_at = committed_at")
    journal.commit()
    for again in (["apply", "--auto-approve"], ["outbox", "list"]):
        told = CliRunner().invoke(commands, [*again, *call])
        assert "1 row of the bot's own waits for its repair" in told.stderr, told.output
    stands = CliRunner().invoke(commands, ["status", *call])
    assert "drifted" in stands.stdout
    assert "1 row of the bot's own waits for its repair" in stands.stderr
    assert CliRunner().invoke(commands, ["run", "--once", "--apply", *call]).exit_code in (0, 2)
    assert row(written)[0] == 7.0
    assert "taken everything" in CliRunner().invoke(commands, ["outbox", "list", *call]).stdout


def test_a_repair_that_the_bots_table_refuses_is_told_at_once(written):
    connection = sqlite3.connect(written / "bot.db")
    connection.execute(
        "CREATE TRIGGER mine BEFORE UPDATE ON my_orders BEGIN SELECT RAISE(ABORT, 'mine'); END"
    )
    connection.commit()
    call = ["--config", str(written / "trueup.toml")]
    result = CliRunner().invoke(commands, ["apply", "--auto-approve", *call])
    assert result.exit_code == 1, result.output
    assert "1 row of the bot's own refused the repair: trueup plan says why" in result.stderr
    assert "mine" in CliRunner().invoke(commands, ["plan", *call]).stdout


def test_apply_says_why_nothing_of_a_wrong_mapping_is_applied(folder):
    config = CONFIG.replace('database = "bot.db"', 'database = "bot.db"\nwrite = "tables"')
    config = config.replace(
        'venue_order_id = "exch_id"\nclient_order_id = "cid"',
        'venue_order_id = "cid"\nclient_order_id = "exch_id"',
    )
    (folder / "trueup.toml").write_text(config.replace("times = {", WRITABLE + "\ntimes = {"))
    before = sha256((folder / "bot.db").read_bytes()).hexdigest()
    result = CliRunner().invoke(
        commands, ["apply", "--auto-approve", "--config", str(folder / "trueup.toml")]
    )
    assert result.exit_code == 2, result.output
    assert "are they swapped" in result.stderr
    assert sha256((folder / "bot.db").read_bytes()).hexdigest() == before


def test_the_documented_mapping_works_as_it_stands(tmp_path):
    page = (Path(__file__).parents[2] / "docs/how-to/your-tables.md").read_text()
    documented = page.split("```toml\n")[1].split("```")[0]
    venue = 'venue = "files"\noptions = { path = "venue.json" }'
    (tmp_path / "trueup.toml").write_text(documented.replace('venue = "alpaca"', venue))
    connection = sqlite3.connect(tmp_path / "bot.db")
    connection.execute(
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, exchange TEXT, exchange_id TEXT, cid TEXT, pair TEXT, side TEXT,"
        " amount REAL, filled REAL, average REAL, price REAL, type TEXT, state TEXT, created INTEGER, updated TEXT)"
    )
    rows = [
        (
            1,
            "binance",
            "v-1",
            "c-1",
            "ETH/USD",
            "buy",
            10,
            3,
            1000,
            1000,
            "limit",
            "WORKING",
            T0,
            "2025-11-24 12:00",
        ),
        (
            2,
            "kraken",
            "v-2",
            "c-2",
            "ETH/USD",
            "buy",
            10,
            3,
            1000,
            1000,
            "limit",
            "WORKING",
            T0,
            "2025-11-24 12:00",
        ),
    ]
    connection.executemany(f"INSERT INTO orders VALUES ({', '.join('?' * 14)})", rows)
    connection.commit()
    connection.close()
    order = {
        "venue_order_id": "v-1", "client_order_id": "c-1", "symbol": "ETH/USD", "side": "buy", "order_type": "limit",
        "qty": "10", "limit_price": "1000", "status": "partially_filled", "filled_qty": "7",
        "filled_avg_price": "999.5", "submitted_at": "2025-11-24T12:00:00Z", "updated_at": "2025-11-24T12:00:00Z",
    }  # fmt: skip
    (tmp_path / "venue.json").write_text(json.dumps({"open_orders": {"state": "complete", "rows": [order]}}))
    result = CliRunner().invoke(commands, ["plan", "--json", "--config", str(tmp_path / "trueup.toml")])
    assert result.exit_code == 2, result.output
    fills = [one["fill"]["qty"] for one in json.loads(result.stdout)["corrections"] if one["fill"]]
    assert fills == ["4"]  # of the row that `where` names: 7 − 3
