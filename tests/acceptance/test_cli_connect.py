"""`trueup connect`: from a bot's own books to a plan, with nothing to map; and what it refuses."""

import json
import os
import time
from pathlib import Path
from typing import Any

import apsw
import pytest
from click.testing import CliRunner, Result

from examples.freqtrade.make import make
from tests.unit.books.freqtrade.tables import TABLES as FREQTRADE
from tests.unit.books.freqtrade.tables import order as freqtrade_order
from tests.unit.books.freqtrade.tables import trade as freqtrade_trade
from tests.unit.books.hummingbot.test_hummingbot_books import Bot as HummingbotBot
from tests.unit.books.tables.desk import T0, TABLES, order
from trueup.surfaces.cli.main import commands

VENUE_ORDER = {
    "venue_order_id": "v-1", "client_order_id": "c-1", "symbol": "ETH/USD", "side": "buy", "order_type": "limit",
    "qty": "10", "limit_price": "1000", "status": "partially_filled", "filled_qty": "7", "filled_avg_price": "999.5",
    "submitted_at": "2025-11-24T12:00:00Z", "updated_at": "2025-11-24T12:00:00Z",
}  # fmt: skip


class Desk:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def call(self, *args: str, code: int = 0, env: dict[str, str] | None = None) -> Result:
        config = ["--config", str(self.folder / "trueup.toml")]
        result = CliRunner().invoke(commands, [*args, *config], env={"COLUMNS": "200"} | (env or {}))
        assert result.exit_code == code, result.output
        return result

    def database(self, name: str, *statements: str) -> apsw.Connection:
        connection = apsw.Connection(str(self.folder / name))
        for one in statements:
            connection.execute(one)
        return connection

    def orders(self, *rows: dict[str, Any]) -> str:
        connection = self.database("bot.db", TABLES)
        insert(connection, "my_orders", *rows)
        connection.close()
        return str(self.folder / "bot.db")

    def config(self) -> str:
        return (self.folder / "trueup.toml").read_text()


def insert(connection: apsw.Connection, table: str, *rows: dict[str, Any]) -> None:
    for row in rows:
        marks = ", ".join("?" * len(row))
        connection.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", tuple(row.values()))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    reads = {"state": "complete", "rows": [VENUE_ORDER]}
    (tmp_path / "venue.json").write_text(json.dumps({"open_orders": reads}))
    return Desk(tmp_path)


def test_a_table_is_found_shown_and_planned(desk):
    where = desk.orders(order(1), order(2, state="CLOSED", done=10.0))
    shown = desk.call("connect", where, "--venue", "files").stdout
    assert "v-1" in shown
    assert "partially_filled" in shown
    assert "CLOSED" in shown
    plan = json.loads(desk.call("plan", "--json", code=2).stdout)
    fills = [one["fill"] for one in plan["corrections"] if one["kind"] == "book_fill"]
    assert [(one["qty"], one["price"]) for one in fills] == [("4", "999.125")]  # (999.5 × 7 − 1000 × 3) ÷ 4


def test_words_and_names_of_any_script_stand_in_the_configuration_as_they_are(desk):
    """A status word is what a person chose: signs beyond U+FFFF are no pair of escapes in TOML."""
    where = desk.orders(order(1, state="\N{LARGE GREEN CIRCLE} offen"), order(2, state="\N{CROSS MARK}"))
    said = ["status.\N{LARGE GREEN CIRCLE} offen=open", "status.\N{CROSS MARK}=canceled"]
    desk.call("connect", where, "--venue", "files", *(f"--word={one}" for one in said))
    plan = json.loads(desk.call("plan", "--json", code=2).stdout)
    assert [one["fill"]["qty"] for one in plan["corrections"]] == ["4"]


def test_words_that_a_person_gives_tell_which_column_is_meant(desk):
    where = desk.orders(order(1, direction="1"), order(2, direction="2", state="CLOSED", done=10.0))
    call = ["connect", where, "--venue", "files"]
    assert "lacks side: say --map side=COLUMN" in desk.call(*call, code=64).stderr
    desk.call(*call, "--word", "side.1=buy", "--word", "side.2=sell", "--map", "side=direction")
    assert 'side = { 1 = "buy", 2 = "sell" }' in desk.config()


def test_quantities_that_sell_in_negative_numbers_need_no_column_of_sides(desk):
    """Without a side the sign says it; what nobody can guess is asked for."""
    columns = "id integer PRIMARY KEY, order_id text, symbol text, qty real, filled real, status text"
    table = f"CREATE TABLE orders ({columns})"
    connection = desk.database(
        "bot.db", table, "INSERT INTO orders VALUES (1, 'v-1', 'ETH/USD', 10.0, 3.0, 'open')"
    )
    call = ["connect", str(desk.folder / "bot.db"), "--venue", "files"]
    assert "lacks side" in desk.call(*call, code=64).stderr
    connection.execute("INSERT INTO orders VALUES (2, 'v-2', 'ETH/USD', -5.0, 0.0, 'open')")
    shown = [line.split() for line in desk.call(*call).stdout.splitlines() if "v-2" in line]
    assert shown == [["2", "v-2", "ETH/USD", "sell", "0", "5", "pending_new"]]


def test_a_zone_that_a_person_says_takes_the_place_of_the_guess(desk):
    """Also where it was planned before: the rows did not move, and are other moments now."""
    columns = (
        "id integer PRIMARY KEY, order_id text, symbol text, side text, qty real, filled real, status text"
    )
    connection = desk.database("bot.db", f"CREATE TABLE orders ({columns}, created text, updated integer)")
    values = f"'ETH/USD', 'buy', 10.0, 2.0, 'open', '2025-11-24 07:00:00', {T0}"
    for number in (1, 2, 3):
        connection.execute(f"INSERT INTO orders VALUES ({number}, 'v-{number}', {values})")
    orders = [VENUE_ORDER | {"venue_order_id": f"v-{n}", "client_order_id": f"c-{n}"} for n in (1, 2, 3)]
    reads = {"open_orders": {"state": "complete", "rows": orders}}
    (desk.folder / "venue.json").write_text(json.dumps(reads))
    call = ["connect", str(desk.folder / "bot.db"), "--venue", "files", "--force"]
    assert "created says no time zone" in desk.call(*call).stderr
    plan = json.loads(desk.call("plan", "--json", code=2).stdout)
    assert [one["kind"] for one in plan["breaks"]] == ["mapping_doubtful"]
    assert "no time zone" not in desk.call(*call, "--time", "default=America/New_York").stderr
    plan = json.loads(desk.call("plan", "--json", code=3).stdout)
    assert plan["breaks"] == []
    assert [one["reason"] for one in plan["deferred"]] == ["recent_activity"] * 3  # read anew just now


def test_fills_that_are_only_numbered_are_told(desk):
    where = desk.orders(order(1))
    connection = apsw.Connection(where)
    connection.execute("DROP TABLE my_fills")
    connection.execute("CREATE TABLE fills (id integer PRIMARY KEY, order_id integer, qty real, price real)")
    told = desk.call("connect", where, "--venue", "files").stderr
    assert "fills.id only counts" in told


def test_a_view_is_connected_by_the_column_that_names_a_row(desk):
    connection = desk.database("bot.db", TABLES, "CREATE VIEW mine AS SELECT * FROM my_orders")
    insert(connection, "my_orders", order(1))
    call = ["connect", str(desk.folder / "bot.db"), "--venue", "files", "--table", "mine"]
    assert "mine has no primary key: say --key COLUMN" in desk.call(*call, code=64).stderr
    desk.call(*call, "--key", "id")
    assert 'key = ["id"]' in desk.config()
    desk.call("plan", code=2)


def test_rows_of_several_bots_are_kept_apart_by_their_column(desk):
    """`bot1` would be none of them: every order of the venue would be unknown."""
    call = ["connect", desk.orders(order(1), order(2, bot="rev")), "--venue", "files", "--map", "profile=bot"]
    assert "bot says mom, rev: say --profile mom" in desk.call(*call, code=64).stderr
    desk.call(*call, "--profile", "rev")
    assert 'profile = "bot"' in desk.config()
    assert 'profile_id = "rev"' in desk.config()
    desk.call(*call, "--word", "profile.mom=bot7", "--profile", "bot7", "--force")
    assert 'profile_id = "bot7"' in desk.config()


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("quantity=size", "quantity means nothing here"),
        ("statu=state", "did you mean status?"),
        ("qty=sise", "no table has the columns sise"),
    ],
)
def test_what_a_person_maps_is_not_ignored(desk, said, why):
    told = desk.call("connect", desk.orders(order(1)), "--venue", "files", "--map", said, code=64)
    assert why in told.stderr


def test_a_table_without_rows_is_known_by_its_names(desk):
    columns = "id integer PRIMARY KEY, order_id text, symbol text, side text, qty real, status text"
    desk.database("bot.db", f"CREATE TABLE orders ({columns})").close()
    desk.call("connect", str(desk.folder / "bot.db"), "--venue", "files")
    assert 'side = "side"' in desk.config()


def test_rows_that_may_count_no_more_are_told(desk):
    where = desk.orders(order(1), order(2))
    connection = apsw.Connection(where)
    connection.execute("ALTER TABLE my_orders ADD COLUMN is_deleted boolean DEFAULT 0")
    assert "is_deleted" not in desk.call("connect", where, "--venue", "files").stderr
    connection.execute("UPDATE my_orders SET is_deleted = 1 WHERE id = 2")
    told = desk.call("connect", where, "--venue", "files", "--force").stderr
    assert "--only is_deleted=0 leaves them out" in told


def test_a_flag_is_no_quantity(desk):
    """`filled` of a row is 1 where it did: no quantity of an order of 1."""
    connection = desk.database(
        "bot.db",
        "CREATE TABLE orders (id integer PRIMARY KEY, order_id text, symbol text, side text, qty real, filled boolean, "
        "status text)",
        "INSERT INTO orders VALUES (1, 'v-1', 'ETH/USD', 'buy', 1.0, 0, 'open')",
        "INSERT INTO orders VALUES (2, 'v-2', 'ETH/USD', 'buy', 1.0, 1, 'filled')",
    )
    connection.close()
    desk.call("connect", str(desk.folder / "bot.db"), "--venue", "files")
    assert "filled_qty" not in desk.config().partition("[books")[2].replace("# writable", "")


def test_the_unit_of_one_column_of_times_is_not_said_of_another(desk):
    connection = desk.database(
        "bot.db",
        "CREATE TABLE orders (id integer PRIMARY KEY, order_id text, symbol text, side text, qty real, "
        "filled_qty real, status text, created_at integer, updated_at text)",
        f"INSERT INTO orders VALUES (1, 'v-1', 'ETH/USD', 'buy', 10.0, 3.0, 'open', {T0}, '2025-11-24T12:00:00Z')",
    )
    connection.close()
    desk.call("connect", str(desk.folder / "bot.db"), "--venue", "files")
    assert 'times = { submitted_at = "ms" }' in desk.config()


def test_a_word_that_nobody_knows_is_asked_for_by_its_flag(desk):
    where = desk.orders(order(1), order(2, state="ERLEDIGT", done=10.0))
    assert "--word status.ERLEDIGT=…" in desk.call("connect", where, "--venue", "files", code=64).stderr
    assert not (desk.folder / "trueup.toml").exists()
    desk.call("connect", where, "--venue", "files", "--word", "status.ERLEDIGT=filled")
    assert 'ERLEDIGT = "filled"' in desk.config()


def test_a_person_is_asked_what_a_word_means_and_whether_it_is_right(desk, monkeypatch):
    monkeypatch.setattr("trueup.surfaces.cli.connect.can_ask", lambda: True)
    monkeypatch.setattr("trueup.surfaces.cli.terminal.can_ask", lambda: True)
    where = desk.orders(order(1), order(2, state="ERLEDIGT", done=10.0))
    config = ["--config", str(desk.folder / "trueup.toml")]
    call = ["connect", where, "--venue", "files", *config]
    refused = CliRunner().invoke(commands, call, input="filled\nn\n")
    assert refused.exit_code == 64, refused.output
    assert not (desk.folder / "trueup.toml").exists()
    accepted = CliRunner().invoke(commands, call, input="nonsense\nfilled\ny\n")
    assert accepted.exit_code == 0, accepted.output
    assert 'ERLEDIGT = "filled"' in desk.config()


def test_a_file_that_exists_is_not_replaced_unasked(desk):
    where = desk.orders(order(1))
    (desk.folder / "trueup.toml").write_text("mine")
    assert "exists already" in desk.call("connect", where, "--venue", "files", code=64).stderr
    assert desk.config() == "mine"


@pytest.mark.parametrize(
    ("rows", "flags", "why"),
    [
        ([order(1, size=3.0, done=10.0), order(2, size=3.0, done=10.0)], (), "more filled than ordered"),
        ([order(1, px=10.0, avg_px=1000.0), order(2, px=10.0, avg_px=1000.0)], (), "are price and quantity swapped"),
        ([order(1, state="X", done=0.0), order(2, state="X", done=0.0)], ("--word", "status.X=filled"),
         "filled by their status, and less than ordered"),
        ([order(1, state="X", done=10.0), order(2, state="X", done=10.0)], ("--word", "status.X=canceled"),
         "canceled by their status, and filled to the end"),
        ([order(1, created=T0 // 1000, upd=T0 // 1000)], ("--time", "default=ms"), "is no time that a bot can mean"),
        ([order(1, created=T0, upd=T0)], ("--time", "default=s"), "is no time that a bot can mean"),
        ([order(1, created=4_000_000_000_000, upd=T0)], (), "times in the future"),
    ],
)  # fmt: skip
def test_a_mapping_that_cannot_be_right_is_not_written(desk, rows, flags, why):
    where = desk.orders(*rows)
    result = desk.call("connect", where, "--venue", "files", *flags, code=64)
    assert why in result.stderr
    assert not (desk.folder / "trueup.toml").exists()


def test_a_password_stays_in_the_environment(desk):
    refused = desk.call("connect", "postgresql://u:hunter2@127.0.0.1:1/db", code=64)
    assert "env:BOT_DATABASE_URL" in refused.stderr
    assert "hunter2" not in refused.output
    url = {"BOT_DATABASE_URL": "postgresql://u:hunter2@127.0.0.1:1/db"}
    failed = desk.call("connect", "env:BOT_DATABASE_URL", code=1, env=url)
    assert "cannot be reached" in failed.stderr
    assert "hunter2" not in failed.output


@pytest.mark.parametrize(
    ("where", "why"),
    [
        ("nothing-here", "no such file or folder"),
        ("x.cvs", "did you mean"),
        (".", "holds no bot's configuration or database"),
        ("x.csv", "trueup snapshot"),
    ],
)
def test_places_that_hold_no_books(desk, where, why):
    (desk.folder / "x.csv").write_text("a,b\n1,2\n")
    (desk.folder / "empty").mkdir()
    place = str(desk.folder / ("empty" if where == "." else where))
    assert why in desk.call("connect", place, code=64).stderr


HEADER = "order_id,symbol,side,type,status,quantity,executed_qty,price,avg_price,created_at\n"


def exported(desk: Desk, row: str) -> str:
    (desk.folder / "orders.csv").write_text(HEADER + row + "\n")
    return str(desk.folder / "orders.csv")


def test_what_the_exports_contradict_is_not_written_unless_a_person_says_so(desk):
    where = desk.orders(order(1, exch_id="c-1", cid="v-1"))
    at_venue = exported(desk, "v-1,ETH/USD,BUY,limit,partially_filled,10,3,1000,1000,2025-11-24T12:00:00Z")
    swapped = ["--map", "venue_order_id=exch_id", "--map", "client_order_id=cid"]
    call = ["connect", where, *swapped, "--venue-orders", at_venue]
    assert "are they swapped" in desk.call(*call, code=64).stderr
    assert not (desk.folder / "trueup.toml").exists()
    desk.call(*call, "--accept-implausible")
    assert "accept_implausible = true" in desk.config()
    assert "mapping_doubtful" not in desk.call("plan", "--json", code=2).stdout  # judged, as a person said


def test_a_word_that_no_exported_order_confirms_is_told(desk):
    where = desk.orders(order(1), order(2, state="ZU"))
    live = "v-2,ETH/USD,BUY,limit,partially_filled,10,3,1000,1000,2025-11-24T12:00:00Z"
    known = exported(desk, live.replace("v-2", "v-1") + "\n" + live)
    told = desk.call("connect", where, "--word", "status.ZU=canceled", "--venue-orders", known).stderr
    assert "no order of the venue confirms yet: ZU (canceled)" in told
    told = desk.call("connect", where, "--word", "status.ZU=open", "--venue-orders", known, "--force").stderr
    assert "confirms" not in told


def test_an_export_that_is_older_than_the_first_look_at_rows_without_a_time_is_told(desk):
    """Such a row may have changed since: what it differs in proves nothing, until the venue is exported again."""
    desk.database("bot.db", TABLES, "ALTER TABLE my_orders DROP COLUMN upd").close()
    connection = apsw.Connection(str(desk.folder / "bot.db"))
    row = {key: value for key, value in order(1).items() if key != "upd"}
    insert(connection, "my_orders", row)
    connection.close()
    live = "v-1,ETH/USD,BUY,limit,partially_filled,10,7,1000,999.5,2025-11-24T12:00:00Z"
    call = ["connect", str(desk.folder / "bot.db"), "--venue-orders", exported(desk, live)]
    desk.call(*call)
    without_window(desk)
    told = desk.call("plan", code=3).stderr
    assert "older than what is known of 1 of the bot's: export them again" in told
    later = time.time() + 60
    os.utime(desk.folder / "orders.csv", (later, later))
    desk.call(*call, "--force")
    without_window(desk)
    again = desk.call("plan", code=2)
    assert "venue reports 7 of 10 filled, local 3" in again.stdout
    assert "export them again" not in again.stderr


def without_window(desk: Desk) -> None:
    """So that no test waits: what is active at the moment of a read, or later, is recent all the same."""
    (desk.folder / "trueup.toml").write_text(desk.config() + "recent_activity_window_s = 0\n")


def test_rows_and_words_are_shown_before_anybody_is_asked(desk):
    where = desk.orders(order(1), order(2, state="ERLEDIGT", done=10.0))
    shown = desk.call("connect", where, "--venue", "files", code=64).stdout
    assert "v-1" in shown
    assert "nobody knows" in shown


def test_a_person_gives_the_exports_that_are_asked_for(desk, monkeypatch):
    for place in ("connect", "connect_venue", "terminal"):
        monkeypatch.setattr(f"trueup.surfaces.cli.{place}.can_ask", lambda: True)
    where = desk.orders(order(1))
    at_venue = exported(desk, "v-1,ETH/USD,BUY,limit,partially_filled,10,7,1000,999.5,2025-11-24T12:00:00Z")
    call = ["connect", where, "--config", str(desk.folder / "trueup.toml")]
    result = CliRunner().invoke(commands, call, input=f"y\nnowhere\nfiles\nno-such.csv\n{at_venue}\n")
    assert result.exit_code == 0, result.output
    assert 'venue = "files"' in desk.config()


def test_a_folder_that_cannot_be_written_is_told_before_anybody_is_asked(desk, monkeypatch):
    monkeypatch.setattr("os.access", lambda *_: False)
    assert "nothing can be written there" in desk.call("connect", code=64).stderr


@pytest.mark.parametrize("where", ["user_data", "user_data/config.json"])
def test_a_file_that_may_not_be_read_is_named(desk, monkeypatch, where):
    freqtrade(desk)
    read_text = Path.read_text

    def denied(self: Path, *args: Any, **keys: Any) -> str:
        if self.name == "config.json":
            raise PermissionError(13, "Permission denied", str(self))
        return read_text(self, *args, **keys)

    monkeypatch.setattr(Path, "read_text", denied)
    told = desk.call("connect", str(desk.folder / where), code=64).stderr
    assert "config.json: permission denied: give this user the right to read it" in told


def test_the_sample_gives_its_true_findings_with_nothing_to_map(desk):
    make(desk.folder / "sample")
    sample = desk.folder / "sample"
    shown = desk.call(
        "connect", str(sample / "user_data"), "--venue-orders", str(sample / "exchange_orders.csv")
    )
    assert "entry" in shown.stdout  # its words with their meanings
    plan = json.loads(desk.call("plan", "--json", code=2).stdout)
    found = {(one["kind"], one["venue_order_id"]) for one in plan["breaks"] if one["venue_order_id"]}
    assert found == {("resurrected", "1002"), ("missing_locally", "1001")}
    assert [one["fill"]["qty"] for one in plan["corrections"] if one["fill"]] == ["0.7"]  # 1 − 0.3


# -- freqtrade --------------------------------------------------------------------------------------------------------

FREQTRADE_CONFIG = """{
    // the live bot
    "stake_currency": "USDT", "dry_run": %s, "bot_name": "my bot",
    "exchange": {"name": "binance", "key": "hunter2", "secret": "s3cret", "pair_whitelist": ["ETH/USDT", "BTC/USDT",]},
    "api_server": {"enabled": true, "username": "u", "password": "p4ss", "listen_port": 8081},
}"""


def freqtrade(desk: Desk, dry_run: str = "false") -> str:
    (desk.folder / "user_data").mkdir()
    (desk.folder / "user_data" / "config.json").write_text(FREQTRADE_CONFIG % dry_run)
    connection = desk.database("user_data/tradesv3.sqlite", *FREQTRADE)
    insert(connection, "trades", freqtrade_trade())
    insert(connection, "orders", freqtrade_order(order_update_date="2026-11-20 12:05:00.000000"))
    connection.close()
    return str(desk.folder / "user_data")


def test_freqtrade_is_connected_with_its_exchange_pairs_and_keys_where_they_stand(desk):
    desk.call("connect", freqtrade(desk))
    config = desk.config()
    assert 'options = { exchange = "binance", live = true }' in config
    assert 'apiKey = { json = "user_data/config.json", path = "exchange.key" }' in config
    assert 'managed_symbols = ["BTC/USDT", "ETH/USDT"]' in config
    assert 'api = "http://127.0.0.1:8081"' in config
    assert not any(secret in config for secret in ("hunter2", "s3cret", "p4ss"))


def test_freqtrade_and_the_exports_of_its_exchange_give_a_finding_with_nothing_to_map(desk):
    orders = desk.folder / "orders.csv"
    orders.write_text(
        "order_id,symbol,side,type,status,quantity,executed_qty,price,avg_price,created_at\n"
        "1001,ETH/USDT,BUY,limit,partially_filled,0.3,0.2,100,99.5,2026-11-20T12:00:00Z\n"
    )
    before = (Path(freqtrade(desk)) / "tradesv3.sqlite").read_bytes()
    desk.call("connect", str(desk.folder / "user_data"), "--venue-orders", str(orders))
    plan = json.loads(desk.call("plan", "--json", code=2).stdout)
    fills = [one["fill"] for one in plan["corrections"]]
    assert [(one["qty"], one["price"]) for one in fills] == [("0.1", "99")]  # (99.5 × 0.2 − 100 × 0.1) ÷ 0.1
    assert (desk.folder / "user_data" / "tradesv3.sqlite").read_bytes() == before


def test_a_stop_and_what_it_placed_are_one_row_of_freqtrades_and_two_orders_of_the_exchange(desk):
    where = freqtrade(desk)
    connection = apsw.Connection(str(desk.folder / "user_data" / "tradesv3.sqlite"))
    stop = {
        "ft_order_side": "stoploss",
        "side": "sell",
        "order_type": "stop_loss_limit",
        "stop_price": 90.0,
        "price": 89.0,
    }
    row = freqtrade_order(
        id=2, order_id="algo-7", order_update_date="2026-11-20 12:05:00.000000", amount=0.1, **stop
    )
    insert(connection, "orders", row | {"ft_amount": 0.1, "filled": 0.0, "average": None})
    connection.close()
    algo = VENUE_ORDER | {
        "venue_order_id": "algo-7", "client_order_id": None, "symbol": "ETH/USDT", "side": "sell", "qty": "0.1",
        "order_type": "stop_limit", "stop_price": "90", "limit_price": "89", "filled_qty": "0",
        "filled_avg_price": None, "status": "replaced", "replaced_by": "o-8",
    }  # fmt: skip
    placed = algo | {"venue_order_id": "o-8", "status": "filled", "replaced_by": None, "filled_qty": "0.1",
                     "filled_avg_price": "88"}  # fmt: skip
    entry = VENUE_ORDER | {"venue_order_id": "1001", "client_order_id": None, "symbol": "ETH/USDT", "qty": "0.3",
                           "limit_price": "100", "filled_qty": "0.1", "filled_avg_price": "100"}  # fmt: skip
    reads = {"open_orders": {"state": "complete", "rows": [entry]},
             "history": {"state": "complete", "orders": [algo, placed]}}  # fmt: skip
    (desk.folder / "venue.json").write_text(json.dumps(reads))
    desk.call("connect", where, "--venue", "files")
    plan = json.loads(desk.call("plan", "--json", code=2).stdout)
    drifts = {(one["kind"], one["venue_order_id"]) for one in plan["breaks"] if one["venue_order_id"]}
    assert drifts == {("fill_drift", "algo-7"), ("status_drift", "algo-7")}


def test_a_dry_run_is_refused(desk):
    assert "dry_run is on" in desk.call("connect", freqtrade(desk, "true"), code=64).stderr


# -- Hummingbot -------------------------------------------------------------------------------------------------------


def test_a_hummingbot_that_only_simulates_is_refused(desk):
    bot = HummingbotBot(desk.folder / "paper.sqlite")
    bot.order(market="binance_PaperTrade")
    bot.connection.close()
    assert "its orders are at no venue" in desk.call("connect", str(bot.path), code=64).stderr


def test_hummingbot_and_the_exports_of_its_exchange_give_a_finding_and_nothing_is_written(desk):
    (desk.folder / "data").mkdir()
    bot = HummingbotBot(desk.folder / "data" / "conf_pure_mm_1.sqlite")
    bot.order(amount=1_500_000, price=2_000_123_456)  # 1.5000004 at 2000.1234567, cut off
    bot.fill("f-1", 500_000)
    bot.order(
        "b-2", exchange_order_id="78", last_status="OrderFailure", last_update_timestamp=4_000_000_000_000
    )
    bot.connection.close()
    at_venue = exported(
        desk,
        "77,ETH/USDT,BUY,limit,partially_filled,1.5000004,0.75,2000.1234567,2001,2025-11-24T12:00:00Z\n"
        "78,ETH/USDT,BUY,limit,new,1.5,0,2000,,2025-11-24T12:00:00Z",
    )
    before = bot.path.read_bytes()
    shown = desk.call("connect", str(desk.folder), "--venue-orders", at_venue)
    assert "pending_new" in shown.stdout  # what BuyOrderCreated means
    assert (
        "the order may live at the exchange" in shown.stderr
        or "the order may live at the venue" in shown.stderr
    )
    plan = json.loads(desk.call("plan", "--json", code=2).stdout)
    found = {(one["kind"], one["venue_order_id"]) for one in plan["breaks"] if one["severity"] != "info"}
    assert found >= {("fill_drift", "77"), ("row_unclear", "78")}
    assert "terms_drift" not in {kind for kind, _ in found}  # what was cut off is no difference
    assert [one["fill"]["qty"] for one in plan["corrections"] if one["fill"]] == ["0.25"]  # 0.75 − 0.5
    doctor = desk.call("doctor").stdout
    assert "not followed after a restart of Hummingbot: 77, 78" in doctor  # MarketState holds nothing
    assert bot.path.read_bytes() == before
