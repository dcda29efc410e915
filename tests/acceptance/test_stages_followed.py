"""What a person sees and types when a stage has something to say: real commands, real SQLite, an exported venue.

The bot bought 10 ETH as trade t-1 an hour ago and recorded it. What happened then, only the venue knows.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.database import open_books
from tests.patience import PATIENCE_S
from trueup.engine.recorder.recorder import Recorder
from trueup.model.snapshot import Fill, LocalOrder, Profile
from trueup.model.times import NS_PER_S, from_ns
from trueup.model.vocabulary import Action, PositionSide, Side, Status

pytestmark = pytest.mark.usefixtures("database")
NOW_NS = time.time_ns()  # the commands keep the machine's time: everything here is long over by then
HOUR_NS = 3600 * NS_PER_S
CONFIG = """
[service]
apply = true
executor = "told:Executor"
author = "ann"
{service}
[[accounts]]
account_id = "acc-1"
venue = "files"
options = {{ path = "venue.json" }}
[[accounts.profiles]]
profile_id = "mom-1"
[accounts.profiles.policy]
owned_client_order_id_prefixes = ["mom1"]
parity_confirmations = 2
parity_min_age_s = 0
{policy}
"""
EXECUTOR = """
import pathlib
class Executor:
    def tell(self, one):
        with pathlib.Path(__file__).with_name("told.txt").open("a") as file:
            file.write(f"{one.kind} {one.trade_id} {one.qty or ''}\\n")
    reconcile_entry_fill = reconcile_exit_fill = reconcile_cancel = tell
    reconcile_quarantined = reconcile_released = tell
"""


def at(minutes_ago: int) -> str:
    return from_ns(NOW_NS - minutes_ago * 60 * NS_PER_S)


def order(venue_order_id: str, client_order_id: str | None, side: str, minutes_ago: int) -> dict[str, Any]:
    """Ten ETH, filled at 1000."""
    when = at(minutes_ago)
    return {
        "venue_order_id": venue_order_id, "client_order_id": client_order_id, "symbol": "ETH/USD", "side": side,
        "order_type": "market", "qty": "10", "status": "filled", "filled_qty": "10", "filled_avg_price": "1000",
        "submitted_at": when, "updated_at": when,
    }  # fmt: skip


class Desk:
    """A folder as a user has it, and a terminal in it."""

    def __init__(self, folder: Path, service: str = "", policy: str = "") -> None:
        self.folder = folder
        (folder / "trueup.toml").write_text(CONFIG.format(service=service, policy=policy))
        (folder / "told.py").write_text(EXECUTOR)
        ledger = open_books(folder / "trueup.sqlite", clock_ns=lambda: NOW_NS - HOUR_NS)
        bot = Recorder(ledger, Profile(profile_id="mom-1", account_id="acc-1", venue="files"))
        bot.open_trade("t-1", "ETH/USD", PositionSide.LONG)
        bot.record_order(
            LocalOrder(client_order_id="mom1-1", trade_id="t-1", symbol="ETH/USD", side=Side.BUY, action=Action.ENTRY,
                       order_type="market", qty="10", status=Status.PENDING_NEW)
        )  # fmt: skip
        bot.record_fill("mom1-1", Fill(fill_id="F1", venue_order_id="v-1", qty="10", price="1000"))
        ledger.close()
        self.at_venue(order("v-1", "mom1-1", "buy", 60), holds="10")

    def at_venue(self, *past: dict[str, Any], holds: str, opened: tuple[dict[str, Any], ...] = ()) -> None:
        export = {
            "account_id": "venue-acc",
            "open_orders": {"state": "complete", "rows": list(opened)},
            "history": {"state": "complete", "orders": list(past)},
            "positions": {
                "state": "complete",
                "rows": [{"symbol": "ETH/USD", "qty": holds, "mark_price": "1000"}],
            },
        }
        (self.folder / "venue.json").write_text(json.dumps(export))

    def run(self, *args: str, code: int | None = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "trueup", *args],
            cwd=self.folder,
            env=os.environ | {"PYTHONPATH": str(self.folder), "COLUMNS": "160", "NO_COLOR": "1"},
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        assert code is None or done.returncode == code, done.stdout + done.stderr
        return done

    def alerts(self, *args: str) -> list[tuple[str, str]]:
        """What one run of the service tells a person."""
        lines = [json.loads(line) for line in self.run("run", "--once", *args, code=None).stderr.splitlines()]
        told = [line for line in lines if line["event"] == "reconciliation_alert"]
        return [(one["type"].removeprefix("RECONCILIATION_"), one["dedupe_key"]) for one in told]

    def rows(self, table: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.run("export", table, "--json").stdout.splitlines()]

    def trade(self) -> tuple[str, str]:
        (row,) = self.rows("trades")
        return row["status"], row["exit_qty"]

    def told(self) -> list[str]:
        file = self.folder / "told.txt"
        return file.read_text().splitlines() if file.exists() else []


def sold_by_the_bot() -> dict[str, Any]:
    return order("v-2", "mom1-2", "sell", 30)


def sold_by_hand() -> dict[str, Any]:
    return order("v-9", "web-9", "sell", 30)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


# -- a bot's exit was lost --------------------------------------------------------------------------------------------


def test_an_exit_that_the_bot_never_recorded_is_found_in_the_history(desk: Desk) -> None:
    desk.at_venue(order("v-1", "mom1-1", "buy", 60), sold_by_the_bot(), holds="0")
    shown = desk.run("plan", code=2).stdout
    assert "sell 10 ETH/USD in the venue's history was unknown locally" in shown
    desk.run("run", "--once", code=2)
    assert desk.trade() == ("closed", "10")
    assert desk.told() == ["exit_fill t-1 10"]
    story = desk.run("explain", "t-1").stdout
    for expected in (
        "bot     filled",
        "venue   received the sell",
        "covered_from_history",
        "told the bot: exit_fill",
    ):
        assert expected in story
    assert "unchanged" in desk.run("run", "--once").stdout


def test_without_coverage_the_exit_backfill_books_it_and_leaves_an_audit(tmp_path: Path) -> None:
    desk = Desk(tmp_path, policy="coverage_enabled = false\nexit_backfill_dry_run = true")
    desk.at_venue(order("v-1", "mom1-1", "buy", 60), sold_by_the_bot(), holds="0")
    desk.run("run", "--once", code=2)
    assert desk.trade() == ("open", "0")
    (proposed,) = desk.rows("exit_audit")
    config = desk.folder / "trueup.toml"
    config.write_text(config.read_text().replace("exit_backfill_dry_run = true", ""))
    desk.run("run", "--once", code=2)
    assert desk.trade() == ("closed", "10")
    (inserted,) = [row for row in desk.rows("exit_audit") if row["batch_id"] != proposed["batch_id"]]
    assert (proposed["state"], proposed["qty"], proposed["price"]) == ("proposed", "10", "1000")
    keys = ("state", "venue_order_id", "trade_id", "side", "qty", "price", "reason")
    assert [inserted[key] for key in keys] == [
        "inserted",
        "v-2",
        "t-1",
        "sell",
        "10",
        "1000",
        "exit_at_venue",
    ]
    assert inserted["run_id"] in desk.run("status").stdout


# -- someone closed the position by hand ------------------------------------------------------------------------------


def test_a_position_closed_by_hand_is_quarantined_until_a_person_says_what_it_was(desk: Desk) -> None:
    desk.at_venue(order("v-1", "mom1-1", "buy", 60), sold_by_hand(), holds="0")
    for _ in range(2):
        desk.run("run", "--once", code=2)
    assert desk.trade() == ("quarantined", "0")
    assert desk.told() == ["quarantined t-1 "]
    assert "foreign_exit (web-9)" in desk.run("breaks").stdout
    assert "parity" in desk.run("quarantine", "list").stdout

    said = desk.run("decide", "adopt", "web-9", "--why", "I sold it on the website").stderr
    assert "by ann: order web-9 is this profile's" in said
    for _ in range(3):
        desk.run("run", "--once", code=None)
    assert desk.trade() == ("closed", "10")
    assert desk.told()[1:] == ["exit_fill t-1 10", "released t-1 "]
    assert "no open break" in desk.run("breaks").stdout
    story = desk.run("explain", "t-1").stdout
    for expected in (
        "web-9: 10 of 10 filled",
        "quarantined_by parity",
        "ann: I sold it on the website",
        "parity_restored",
    ):
        assert expected in story


# -- a trade is quarantined and released ------------------------------------------------------------------------------


def test_a_trade_is_quarantined_and_released_by_hand(desk: Desk) -> None:
    assert "--why" in desk.run("quarantine", "add", "t-1", code=64).stderr
    desk.run("quarantine", "add", "t-1", "--why", "I close this one myself")
    (held,) = [json.loads(line) for line in desk.run("quarantine", "list", "--json").stdout.splitlines()]
    assert (held["trade"]["trade_id"], held["trade"]["quarantined_by"]) == ("t-1", "person")
    assert "already" in desk.run("quarantine", "add", "t-1", "--why", "again", code=1).stderr
    ledger = open_books(desk.folder / "trueup.sqlite")
    bot = Recorder(ledger, Profile(profile_id="mom-1", account_id="acc-1", venue="files"))
    assert bot.may_trade("t-1").reason == "trade t-1 of ETH/USD is quarantined by a person"
    desk.run("quarantine", "release", "t-1", "--why", "done", "--author", "bob")
    assert bot.may_trade("t-1", symbol="ETH/USD")
    ledger.close()
    desk.run("run", "--once")
    assert desk.told() == ["quarantined t-1 ", "released t-1 "]
    story = desk.run("explain", "t-1").stdout
    for expected in ("ann: I close this one myself", "bob: done", "told the bot: released"):
        assert expected in story
    assert "whole" in desk.run("verify").stdout
    assert "nothing was changed" in desk.run("quarantine", "release", "t-1", "--why", "again", code=1).stderr


# -- an alert fires once and recovers once ----------------------------------------------------------------------------


def test_an_alert_fires_once_and_recovers_once_over_restarts(desk: Desk) -> None:
    missing = order("v-3", "mom1-3", "buy", 40)
    desk.at_venue(order("v-1", "mom1-1", "buy", 60), missing, holds="20")
    assert desk.alerts() == [("DEGRADED", "mom-1:watchdog")]
    assert desk.alerts() == []
    assert "integrity watchdog" in desk.run("status").stdout

    venue = (desk.folder / "venue.json").read_text()
    (desk.folder / "venue.json").unlink()  # a read that failed proves nothing: no alert recovers by it
    assert [key for kind, key in desk.alerts() if kind == "RECOVERED"] == []
    (desk.folder / "venue.json").write_text(venue)

    desk.run("decide", "disown", "mom1-3", "--why", "a test of mine")
    desk.at_venue(order("v-1", "mom1-1", "buy", 60), missing, holds="10")
    told = desk.alerts()
    assert ("RECOVERED", "mom-1:watchdog") in told
    assert desk.alerts() == []
    assert "Alerts that stand" not in desk.run("status").stdout


def test_a_throttle_of_zero_says_it_with_every_run(tmp_path: Path) -> None:
    desk = Desk(tmp_path, service="watchdog_throttle_s = 0")
    desk.at_venue(order("v-1", "mom1-1", "buy", 60), order("v-3", "mom1-3", "buy", 40), holds="20")
    assert [desk.alerts(), desk.alerts()] == [[("DEGRADED", "mom-1:watchdog")]] * 2


# -- decisions --------------------------------------------------------------------------------------------------------


def test_a_decision_needs_a_reason_and_can_be_taken_back(desk: Desk) -> None:
    desk.at_venue(order("v-1", "mom1-1", "buy", 60), order("v-3", "mom1-3", "buy", 40), holds="20")
    desk.run("run", "--once", code=2)
    assert "--why" in desk.run("decide", "disown", "mom1-3", code=64).stderr
    assert "--why" in desk.run("decide", "disown", "mom1-3", "--why", " ", code=64).stderr
    (made,) = [
        json.loads(one)
        for one in desk.run("decide", "disown", "v-3", "--why", "mine", "--json").stdout.splitlines()
    ]
    assert "order mom1-3 is not this profile's" in desk.run("decide", "list").stdout
    desk.run("decide", "revoke", made["decision_id"], "--why", "it was the bot's after all")
    assert "no decision stands" in desk.run("decide", "list").stdout
    assert "revoked by ann" in desk.run("decide", "list", "--all").stdout
    assert [row["revoke_reason"] for row in desk.rows("decisions")] == ["it was the bot's after all"]
    assert "no decision" in desk.run("decide", "revoke", made["decision_id"], "--why", "x", code=64).stderr


def test_a_break_is_ignored_until_a_date(desk: Desk) -> None:
    desk.at_venue(order("v-1", "mom1-1", "buy", 60), order("v-3", "mom1-3", "buy", 40), holds="20")
    desk.run("run", "--once", code=2)
    (found,) = [
        json.loads(one)
        for one in desk.run("breaks", "--json").stdout.splitlines()
        if "uncovered_order" in one
    ]
    break_id = found["found"]["break_id"]
    assert (
        "over already"
        in desk.run("decide", "ignore", break_id, "--until", "2020-01-01", "--why", "x", code=64).stderr
    )
    assert (
        "2027-01-31"
        in desk.run("decide", "ignore", break_id, "--until", "soon", "--why", "x", code=64).stderr
    )
    desk.run("decide", "ignore", break_id[:8], "--until", "2999-01-01", "--why", "known", code=0)
    desk.run("run", "--once", code=None)
    (after,) = [
        json.loads(one)
        for one in desk.run("breaks", "--json").stdout.splitlines()
        if "uncovered_order" in one
    ]
    assert (found["found"]["severity"], after["found"]["severity"]) == ("warn", "info")
    assert "ignored by ann: known" in after["found"]["message"]


# -- what the bot refused ---------------------------------------------------------------------------------------------


def test_what_the_bot_refuses_is_listed(desk: Desk) -> None:
    (desk.folder / "told.py").write_text(
        EXECUTOR.replace("with pathlib", "raise OSError('away')\n        with pathlib")
    )
    desk.at_venue(order("v-1", "mom1-1", "buy", 60), sold_by_the_bot(), holds="0")
    desk.run("run", "--once", code=2)
    assert "OSError: away" in desk.run("outbox", "list").stdout
    assert "0 notifications are due again" in desk.run("outbox", "retry").stderr
