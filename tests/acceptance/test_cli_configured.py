"""The commands on a configured profile: real files, real databases of both kinds, the venue an export, no mocks."""

import json
import os
import subprocess
import sys
import time
import tomllib
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.acceptance.database import open_books
from trueup.engine.recorder.recorder import Recorder
from trueup.ledgers.sqlite import open_sqlite
from trueup.model.snapshot import LocalOrder, Profile
from trueup.model.times import from_ns
from trueup.model.vocabulary import Action, PositionSide, Side, Status
from trueup.surfaces.cli.main import commands

HOUR_NS = 3_600_000_000_000
NOW_NS = (
    time.time_ns()
)  # the ledger of the commands keeps the machine's time: the bot's writes are an hour older
BEFORE = from_ns(NOW_NS - HOUR_NS)


class Desk:
    """A folder with a configuration, books of one order of 10, and a venue that says how much of it is filled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.call(
            "init", "--venue", "files", "--account", "acc-1", "--profile", "bot1", "--prefix", "b1", code=0
        )
        self.record("b1-1", "v-1")
        self.at_venue("v-1", "b1-1", filled="7")

    def call(
        self, *args: str, code: int | None = None, stdin: str | None = None, columns: int | None = 160
    ) -> Result:
        config = ["--config", str(self.folder / "trueup.toml")]
        environ = {"COLUMNS": str(columns) if columns else None}
        result = CliRunner().invoke(commands, [*args, *config], input=stdin, env=environ)
        assert code is None or result.exit_code == code, result.output
        return result

    def json(self, *args: str, code: int | None = None) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.call(*args, "--json", code=code).stdout.splitlines()]

    def record(self, client_order_id: str, venue_order_id: str) -> None:
        ledger = open_books(self.folder / "trueup.sqlite", clock_ns=partial(int, NOW_NS - HOUR_NS))
        recorder = Recorder(ledger, Profile(profile_id="bot1", account_id="acc-1", venue="files"))
        trade_id = f"t-{client_order_id}"
        recorder.open_trade(trade_id, "ETH/USD", PositionSide.LONG)
        order = LocalOrder(
            client_order_id=client_order_id, trade_id=trade_id, symbol="ETH/USD", side=Side.BUY, action=Action.ENTRY,
            order_type="limit", qty="10", limit_price="1000", status=Status.PENDING_NEW,
        )  # fmt: skip
        recorder.record_order(order)
        recorder.record_acknowledgement(client_order_id, venue_order_id, BEFORE)
        ledger.close()

    def at_venue(
        self,
        venue_order_id: str,
        client_order_id: str,
        filled: str,
        state: str = "complete",
        submitted_at: str = BEFORE,
    ) -> None:
        order = {
            "venue_order_id": venue_order_id, "client_order_id": client_order_id, "symbol": "ETH/USD", "side": "buy",
            "order_type": "limit", "qty": "10", "limit_price": "1000", "status": "partially_filled",
            "filled_qty": filled, "filled_avg_price": "999.5", "submitted_at": submitted_at, "updated_at": BEFORE,
        }  # fmt: skip
        reads = {
            "open_orders": {"state": state, "rows": [order] if state == "complete" else []},
            "history": {"state": state},
            "positions": {"state": state, "rows": [{"symbol": "ETH/USD", "qty": filled}]},
        }
        (self.folder / "venue.json").write_text(json.dumps({"account_id": "venue-acc"} | reads))

    def filled(self) -> str:
        (order,) = self.json("export", "orders", code=0)
        return str(order["filled_qty"])


@pytest.fixture
def desk(database: None, tmp_path: Path) -> Desk:
    return Desk(tmp_path)


of_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)  # about its file


def test_plan_shows_and_writes_nothing(desk: Desk) -> None:
    result = desk.call("plan", code=2)
    assert "venue reports 7 of 10 filled, local 0" in result.stdout
    assert "next: trueup apply" in result.stderr
    assert desk.filled() == "0"


def test_apply_asks_and_without_a_terminal_names_the_flag(desk: Desk) -> None:
    result = desk.call("apply", code=64)
    assert "--auto-approve" in result.stderr
    assert desk.filled() == "0"


def test_apply_books_the_fill_once_and_then_all_is_in_sync(desk: Desk) -> None:
    (answer,) = desk.json("apply", "--auto-approve", code=0)
    assert (answer["state"], answer["superseded"]) == ("applied", 0)
    assert desk.filled() == "7"
    assert "in sync" in desk.call("plan", code=0).stdout
    assert "nothing to apply" in desk.call("apply", "--auto-approve", code=0).stderr


def test_a_plan_file_is_applied_exactly(desk: Desk) -> None:
    file = str(desk.folder / "plan.jsonl")
    desk.call("plan", "-o", file, code=2)
    assert "applied" in desk.call("apply", file, "--auto-approve", code=0).stdout
    assert desk.filled() == "7"


def test_a_plan_file_can_insert_an_order(desk: Desk) -> None:
    desk.at_venue("v-1", "b1-1", filled="0")
    desk.at_venue("v-2", "b1-2", filled="4")
    file = str(desk.folder / "plan.jsonl")
    desk.call("plan", "-o", file, code=2)
    desk.call("apply", file, "--auto-approve", code=0)
    assert {order["client_order_id"] for order in desk.json("export", "orders")} == {"b1-1", "b1-2"}


def test_a_stale_plan_is_refused_with_what_changed(desk: Desk) -> None:
    file = str(desk.folder / "plan.jsonl")
    desk.call("plan", "-o", file, code=2)
    desk.at_venue("v-1", "b1-1", filled="9")
    result = desk.call("apply", file, "--auto-approve", code=1)
    assert "stale" in result.stderr
    for expected in ("approved", "7 @", "now", "9 @"):
        assert expected in result.stdout
    assert desk.filled() == "0"


@pytest.mark.parametrize(
    ("content", "message"),
    [("", "holds no plan"), ("{", "not a JSON plan"), ('{"format": "x"}', "plan"), ("[]", "plan.jsonl")],
)
def test_a_bad_plan_file_is_refused(desk: Desk, content: str, message: str) -> None:
    (desk.folder / "plan.jsonl").write_text(content)
    result = desk.call("apply", str(desk.folder / "plan.jsonl"), "--auto-approve", code=64)
    assert message in result.stderr
    assert desk.filled() == "0"


def test_a_profile_that_the_plan_file_does_not_hold_is_refused(desk: Desk) -> None:
    file = str(desk.folder / "plan.json")
    desk.call("plan", "-o", file, code=2)
    result = desk.call("apply", file, "--profile", "bot2", "--auto-approve", code=64)
    assert "no plan of 'bot2', but of: bot1" in result.stderr
    assert desk.filled() == "0"


def test_run_is_dry_until_told_otherwise(desk: Desk) -> None:
    (dry,) = desk.json("run", "--once", code=2)
    assert (dry["state"], desk.filled()) == ("dry", "0")
    (applied,) = desk.json("run", "--once", "--apply", code=2)
    assert (applied["state"], desk.filled()) == ("applied", "7")


def test_a_venue_that_cannot_be_read_is_code_13_and_changes_nothing(desk: Desk) -> None:
    (desk.folder / "venue.json").unlink()
    result = desk.call("plan", code=13)
    assert "venue.json cannot be read" in result.stderr
    assert desk.json("run", "--once", "--apply", code=13)[0]["applied"] == 0
    assert desk.filled() == "0"
    for args in (["apply", "--auto-approve"], ["apply", "--auto-approve", "--json"]):
        assert "open orders could not be read" in desk.call(*args, code=13).stderr


def test_what_was_not_read_is_never_called_in_sync(desk: Desk) -> None:
    desk.call("apply", "--auto-approve", code=0)
    assert desk.call("plan", code=0).stdout.endswith("in sync\n")
    for state, words in (("failed", "were not read"), ("partial", "were read in part")):
        desk.at_venue("v-1", "b1-1", filled="7", state=state)
        told = desk.call("plan").stdout
        assert f"incomplete: the venue's open orders {words}" in told
        assert "in sync" not in told


def test_a_paused_profile_is_left_alone(desk: Desk) -> None:
    desk.call("pause", "bot1", "--why", "migrating", code=0)
    assert "paused: migrating" in desk.call("status", code=0).stdout
    assert desk.json("run", "--once", "--apply", code=3)[0]["state"] == "paused"
    desk.call("plan", code=3)
    refused = desk.call("apply", "--auto-approve", code=3)
    assert "bot1, which is paused" in refused.stderr
    assert "nothing to apply" not in refused.stderr
    assert desk.filled() == "0"
    desk.call("resume", "bot1", code=0)
    assert desk.json("run", "--once", "--apply")[0]["state"] == "applied"
    assert desk.call("pause", "bot9", "--why", "x").exit_code == 10


def test_explain_tells_the_story_of_an_order_a_break_and_a_run(desk: Desk) -> None:
    desk.call("apply", "--auto-approve", code=0)
    story = desk.call("explain", "b1-1", code=0).stdout
    for expected in (
        "recorded",
        "acknowledged",
        "found fill_drift",
        "applied book_fill",
        "venue_filled_more",
    ):
        assert expected in story
    assert story == desk.call("explain", "V-1", code=0).stdout  # by either id, whatever its case
    (found,) = [one for one in desk.json("breaks", "--all") if one["found"]["kind"] == "fill_drift"]
    assert "venue_filled_more" in desk.call("explain", found["found"]["break_id"][:8], code=0).stdout
    assert "book_fill" in desk.call("explain", found["run_id"], code=0).stdout
    assert desk.call("explain", "nobody").exit_code == 64


def test_a_story_of_several_days_says_which(desk: Desk) -> None:
    desk.at_venue("v-1", "b1-1", filled="7", submitted_at="2026-01-05T11:00:00Z")
    desk.call("run", "--once", "--apply", code=2)
    told = desk.call("explain", "b1-1", code=0).stdout
    assert "What happened (UTC)" in told
    assert "2026-01-05 11:00:00  venue   received the buy" in told
    assert f"{BEFORE[:10]} {BEFORE[11:19]}  bot     recorded" in told


def test_replay_gives_the_stored_plan(desk: Desk) -> None:
    desk.call("apply", "--auto-approve", code=0)
    (run, *_) = desk.json("status", code=0)[0]["runs"]
    assert desk.json("replay", run["run_id"], code=0)[0]["same"] is True
    snapshot = desk.call("replay", run["run_id"], "--snapshot", code=0).stdout
    assert json.loads(snapshot)["format"] == "trueup.snapshot/1"
    assert desk.call("replay", "no-such-run").exit_code == 64


def test_breaks_are_listed_while_they_are_open(desk: Desk) -> None:
    desk.call("run", "--once", code=2)
    assert {one["found"]["kind"] for one in desk.json("breaks")} >= {"fill_drift"}
    desk.call("run", "--once", "--apply", code=2)
    assert "no open break" in desk.call("breaks", code=0).stdout
    assert "corrected" in desk.call("breaks", "--all", code=0).stdout


def test_breaks_are_readable_on_80_columns(desk: Desk) -> None:
    desk.call("run", "--once", code=2)
    lines = desk.call("breaks", columns=80).stdout.splitlines()
    assert any(line.startswith("warn      fill_drift    b1-1 ") for line in lines)
    assert "    venue reports 7 of 10 filled, local 0" in [line.rstrip() for line in lines]
    unwrapped = desk.call("breaks", columns=None).stdout
    assert "b1-1   venue reports 7 of 10 filled, local 0" in unwrapped


def test_a_table_without_rows_is_exported_as_nothing(desk: Desk) -> None:
    assert desk.call("export", "decisions", code=0).stdout == ""


@of_sqlite
def test_books_without_a_profile_say_what_makes_one(desk: Desk) -> None:
    (desk.folder / "trueup.sqlite").unlink()
    for suffix in ("-wal", "-shm"):
        (desk.folder / f"trueup.sqlite{suffix}").unlink(missing_ok=True)
    open_sqlite(desk.folder / "trueup.sqlite").close()
    assert "trueup run --once" in desk.call("status", code=0).stdout


@of_sqlite
@pytest.mark.parametrize("command", ["export orders", "export order_log --json", "status", "breaks --json"])
def test_a_reader_that_goes_away_ends_a_command_quietly(desk: Desk, command: str) -> None:
    desk.call("apply", "--auto-approve", code=0)
    config = desk.folder / "trueup.toml"
    piped = f"{sys.executable} -m trueup {command} --config {config} | true"
    done = subprocess.run(["sh", "-c", piped], capture_output=True, text=True, check=False, timeout=300)
    assert done.stderr == ""


def test_export_and_verify(desk: Desk) -> None:
    desk.call("apply", "--auto-approve", code=0)
    header, row = desk.call("export", "fills", code=0).stdout.splitlines()
    assert dict(zip(header.split(","), row.split(","), strict=True))["qty"] == "7"
    file = desk.folder / "log.jsonl"
    desk.call("export", "order_log", "--format", "jsonl", "-o", str(file), code=0)
    assert len(file.read_text().splitlines()) == desk.json("verify", code=0)[0]["rows"] > 2


@of_sqlite
def test_a_broken_chain_is_found(desk: Desk) -> None:
    import apsw

    connection = apsw.Connection(str(desk.folder / "trueup.sqlite"))
    for (name,) in connection.execute(
        "SELECT name FROM sqlite_schema WHERE type='trigger' AND tbl_name='order_log'"
    ):
        connection.execute(f'DROP TRIGGER "{name}"')
    connection.execute("UPDATE order_log SET event = 'forged' WHERE seq = 2")
    connection.close()
    assert "broken" in desk.call("verify", code=1).stdout


def test_purge_asks_and_keeps_the_books(desk: Desk) -> None:
    desk.call("run", "--once")
    assert "--yes" in desk.call("purge", "--older-than", "0s", "--keep-last", "0", code=64).stderr
    assert desk.json("purge", "--older-than", "0s", "--keep-last", "0", "--yes", code=0)[0]["runs"] == 1
    assert desk.filled() == "0"
    assert desk.call("purge", "--older-than", "soon", "--yes").exit_code == 64


def test_what_was_purged_is_counted_in_words(desk: Desk) -> None:
    desk.call("run", "--once")
    said = desk.call("purge", "--older-than", "0s", "--keep-last", "0", "--yes", code=0).stdout
    assert said.startswith("deleted 1 run, ")
    assert " 0 messages, " in said


def test_doctor_says_what_to_do(desk: Desk) -> None:
    assert {check["state"] for check in desk.json("doctor", code=0)} == {"ok"}
    assert "1 profile\n" in desk.call("doctor", code=0).stdout
    (desk.folder / "venue.json").unlink()
    failed = [check for check in desk.json("doctor", code=1) if check["state"] == "fail"]
    assert [check["name"] for check in failed] == ["account acc-1"]
    assert failed[0]["next_step"]


@pytest.mark.skipif(os.name == "nt", reason="POSIX modes")
@of_sqlite
def test_doctor_warns_of_a_ledger_that_others_may_read(desk: Desk) -> None:
    (ledger,) = desk.folder.glob("*.sqlite")
    ledger.chmod(0o644)
    (warned,) = [check for check in desk.json("doctor", code=0) if check["state"] == "warn"]
    assert (warned["name"], warned["next_step"]) == ("database", f"chmod 600 {ledger}")
    ledger.chmod(0o600)
    assert {check["state"] for check in desk.json("doctor", code=0)} == {"ok"}


def test_doctor_tries_the_executor(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "hooks_of_doctor", raising=False)
    config = desk.folder / "trueup.toml"
    text = config.read_text().replace("apply = false", 'apply = false\nexecutor = "hooks_of_doctor:Hooks"')
    config.write_text(text)
    (failed,) = [check for check in desk.json("doctor", code=1) if check["state"] == "fail"]
    assert failed["name"] == "executor"
    assert "PYTHONPATH" in failed["next_step"]
    methods = "".join(
        f"    async def reconcile_{one}(self, told): ...\n" for one in ("entry_fill", "exit_fill", "cancel")
    )
    (desk.folder / "hooks_of_doctor.py").write_text(f"class Hooks:\n{methods}")
    monkeypatch.syspath_prepend(desk.folder)
    assert {check["state"] for check in desk.json("doctor", code=0)} == {"ok"}


def test_init_does_not_replace_a_file_unasked(desk: Desk) -> None:
    before = (desk.folder / "trueup.toml").read_text()
    assert "--force" in desk.call("init", "--venue", "files", code=64).stderr
    assert (desk.folder / "trueup.toml").read_text() == before
    assert "no venue 'nowhere'" in desk.call("init", "--venue", "nowhere", "--force", code=64).stderr
    flags = ("--account", 'a"] \\', "--profile", "é", "--prefix", "")
    desk.call("init", "--venue", "files", *flags, "--force", code=0)
    assert desk.json("config", "show", code=0)[0]["values"][0]["key"] == "database.path"


HELD = [
    {"symbol": "ETHUSD", "qty": "12"},
    {"symbol": "SOL/USD", "qty": "-2"},
    {"symbol": "BTC/USD", "qty": "0"},
]


def test_init_writes_what_no_trade_explains_as_the_owners(tmp_path: Path) -> None:
    config = ["--config", str(tmp_path / "trueup.toml")]
    flags = ["--venue", "files", "--account", "a", "--profile", "p", "--prefix", "x"]

    def call(*args: str) -> str:
        result = CliRunner().invoke(commands, [*args, *config], env={"COLUMNS": "160"})
        assert result.exit_code == 0, result.output
        return result.output

    assert "positions were not read" in call("init", *flags, "--baseline")  # there is no file yet
    assert "# position_baseline" in (tmp_path / "trueup.toml").read_text()
    read = {"state": "complete", "rows": HELD}
    (tmp_path / "venue.json").write_text(json.dumps({"positions": read}))
    assert "ETHUSD" in call("init", *flags, "--baseline", "--force")
    written = 'position_baseline = { "ETHUSD" = "12", "SOL/USD" = "-2" }'
    assert f"\n{written}\n" in (tmp_path / "trueup.toml").read_text()
    call("config", "show")


def test_init_shows_it_of_a_configuration_that_there_is(desk: Desk) -> None:
    """Trades of 7 in ETH explain 7 of 12."""
    desk.call("apply", "--auto-approve", code=0)
    before = (desk.folder / "trueup.toml").read_text()
    read = {"state": "complete", "rows": HELD}
    (desk.folder / "venue.json").write_text(json.dumps({"positions": read}))
    rows = {one["symbol"]: one for one in desk.json("init", "--baseline", code=0)}
    assert {symbol: one["unexplained_qty"] for symbol, one in rows.items()} == {
        "ETH/USD": "5",
        "SOL/USD": "-2",
    }
    assert rows["ETH/USD"]["trades_qty"] == "7"
    out = desk.call("init", "--baseline", code=0).stdout
    assert 'position_baseline = { "ETH/USD" = "5", "SOL/USD" = "-2" }' in out
    assert (desk.folder / "trueup.toml").read_text() == before


@pytest.mark.parametrize("venue", [["alpaca"], ["ccxt", "--exchange", "kraken"]])
def test_what_init_writes_for_a_venue_is_a_configuration(tmp_path: Path, venue: list[str]) -> None:
    config = ["--config", str(tmp_path / "trueup.toml")]
    flags = ["--account", "a", "--profile", "p", "--prefix", "x"]
    assert CliRunner().invoke(commands, ["init", "--venue", *venue, *flags, *config]).exit_code == 0
    shown = CliRunner().invoke(commands, ["config", "show", "--json", *config])
    assert shown.exit_code == 0
    assert "***" in shown.stdout
    checks = CliRunner().invoke(commands, ["doctor", "--json", *config], env=dict.fromkeys(_KEYS, ""))
    assert "is empty or not set" in checks.stdout


_KEYS = ("APCA_API_KEY_ID", "APCA_API_SECRET_KEY", "EXCHANGE_API_KEY", "EXCHANGE_SECRET")


def test_unknown_profiles_are_refused(desk: Desk) -> None:
    for args in (
        ["plan", "--profile", "x"],
        ["breaks", "--profile", "x"],
        ["export", "fills", "--profile", "x"],
    ):
        assert "no profile 'x'" in desk.call(*args, code=64).stderr


def test_a_text_that_a_spreadsheet_would_run_is_disarmed(desk: Desk) -> None:
    desk.record("=HYPERLINK(1)", "v-9")
    assert "'=HYPERLINK(1)" in desk.call("export", "orders", code=0).stdout


@of_sqlite
def test_what_is_no_ledger_is_one_line(desk: Desk) -> None:
    (desk.folder / "trueup.sqlite").write_bytes(b"x" * 5000)
    for suffix in ("-wal", "-shm"):
        (desk.folder / f"trueup.sqlite{suffix}").unlink(missing_ok=True)
    result = desk.call("status", code=1)
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1


def test_init_for_an_exchange_asks_what_that_exchange_needs(tmp_path: Path) -> None:
    config = ["--config", str(tmp_path / "trueup.toml")]
    flags = ["--account", "a", "--profile", "p", "--prefix", "x"]
    symbols = ["--symbol", "BTC/USDT", "--symbol", "ETH/USDT:USDT"]
    made = CliRunner().invoke(
        commands, ["init", "--venue", "ccxt", "--exchange", "OKX", *symbols, *flags, *config]
    )
    assert made.exit_code == 0, made.stderr
    values = tomllib.loads((tmp_path / "trueup.toml").read_text())["accounts"][0]
    assert values["profiles"][0]["policy"]["managed_symbols"] == ["BTC/USDT", "ETH/USDT:USDT"]
    assert set(values["credentials"]) == {"apiKey", "secret", "password"}
    assert values["options"]["sandbox"]
    bare = ["init", "--venue", "ccxt", "--exchange", "bitbank", *flags, *config, "--force"]
    assert CliRunner().invoke(commands, bare).exit_code == 0
    assert tomllib.loads((tmp_path / "trueup.toml").read_text())["accounts"][0]["options"] == {
        "exchange": "bitbank",
        "live": True,
    }


def test_init_refuses_what_does_not_exist_and_says_what_is_near(tmp_path: Path) -> None:
    config = ["--config", str(tmp_path / "trueup.toml"), "--account", "a", "--profile", "p", "--prefix", ""]
    unknown = CliRunner().invoke(commands, ["init", "--venue", "ccxt", "--exchange", "binanc", *config])
    assert (unknown.exit_code, "did you mean binance" in unknown.stderr) == (64, True)
    typo = CliRunner().invoke(commands, ["init", "--venue", "alpca", *config])
    assert (typo.exit_code, "did you mean alpaca?" in typo.stderr) == (64, True)
    assert not (tmp_path / "trueup.toml").exists()


def test_a_missing_extra_is_named(tmp_path: Path) -> None:
    without = "import sys; sys.modules['ccxt'] = None; from trueup.surfaces.cli.main import main; main()"
    args = ["init", "--venue", "ccxt", "--exchange", "binance", "--config", str(tmp_path / "trueup.toml")]
    made = subprocess.run([sys.executable, "-c", without, *args], capture_output=True, text=True, check=False)
    assert (made.returncode, made.stderr) == (10, "error: ccxt needs ccxt: pip install 'trueup[ccxt]'\n")


def test_doctor_says_what_to_do_by_the_kind_of_fault(tmp_path: Path) -> None:
    def next_step(text: str | None) -> str:
        file = tmp_path / "trueup.toml"
        if text is not None:
            file.write_text(text)
        result = CliRunner().invoke(commands, ["doctor", "--json", "--config", str(file)])
        return str(json.loads(result.stdout.splitlines()[-1])["next_step"])

    assert next_step(None).startswith("trueup init")
    assert next_step("x = ").startswith("correct what it names")
    account = '[[accounts]]\naccount_id = "a"\nvenue = "{}"\n[[accounts.profiles]]\nprofile_id = "p"\n'
    assert next_step(account.format("nowhere")).startswith("correct what it names")
    keys = (
        '[accounts.credentials]\nkey_id = {{ env = "NO_SUCH_KEY" }}\nsecret_key = {{ env = "NO_SUCH_KEY" }}\n'
    )
    told = account.replace("[[accounts.profiles]]", keys + "[[accounts.profiles]]")
    assert next_step(told.format("alpaca")) == "set what [accounts.credentials] names"


def test_apply_and_dry_together_are_refused(desk: Desk) -> None:
    result = desk.call("run", "--once", "--apply", "--dry", code=64)
    assert "contradict each other" in result.stderr


def test_status_of_one_profile(desk: Desk) -> None:
    desk.call("run", "--once", "--dry")
    (answer,) = desk.json("status", "--profile", "bot1", code=0)
    assert [one["profile_id"] for one in answer["profiles"]] == ["bot1"]
    assert "no profile 'other'" in desk.call("status", "--profile", "other", code=64).stderr


def test_a_run_that_had_nothing_to_apply_is_not_called_applied(desk: Desk) -> None:
    desk.at_venue("v-1", "b1-1", filled="0")
    desk.at_venue("v-9", "somebody-1", filled="0")
    assert "applied" not in desk.call("run", "--once", "--apply").stdout.replace("applied", "", 1)


def test_status_says_in_words_which_account_backs_off_and_since_when(desk: Desk) -> None:
    desk.at_venue("v-1", "b1-1", filled="7", state="failed")
    desk.call("run", "--once", code=13)
    desk.call("run", "--once", code=13)
    (account,) = desk.json("status", code=0)[0]["accounts"]
    assert (account["failures"], account["failing_since"] is None) == (2, False)
    told = " ".join(desk.call("status", code=0).stdout.split())
    since = account["failing_since"][:19].replace("T", " ")
    assert f"backs off: the last 2 runs in a row could judge nothing, since {since}; " in told
    assert "tried next" in told or "at its next turn" in told
    assert "the open orders could not be read" in told
    desk.at_venue("v-1", "b1-1", filled="7")
    desk.call("run", "--once")
    assert "backs off" not in desk.call("status", code=0).stdout
