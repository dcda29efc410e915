"""A fleet by the command line alone: a real broker, a real PostgreSQL, workers that are processes."""

import json
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fleet.town import Town, town
from tests.patience import PATIENCE_S
from trueup.model.errors import ConfigError

pytestmark = pytest.mark.slow


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Town]:
    with town(tmp_path) as opened:
        yield opened


def test_workers_run_every_account_until_they_are_drained(fleet: Town) -> None:
    fleet.add(5)
    assert fleet.json("fleet", "init") == {"moved": 0, "shards": 3, "scheduled": 3, "unscheduled": 0}
    fleet.start_worker("w1")
    fleet.start_worker("w2")
    fleet.runs_again()
    fleet.runs_again()
    status = fleet.json("fleet", "status")
    assert (status["accounts"], status["profiles"], status["shards"]) == (5, 5, 3)
    assert (status["scheduled"], status["unscheduled"], status["broker_fault"]) == (3, 0, None)
    assert sorted(one["worker"] for one in status["workers"]) == ["w1", "w2"]
    assert status["starved"] == []
    assert fleet.json("fleet", "drain") == {"drained": 2, "left": []}
    assert [one.wait(PATIENCE_S) for one in fleet.workers] == [0, 0]
    assert fleet.json("fleet", "status")["workers"] == []


def test_accounts_that_are_added_and_removed_are_run_and_left(fleet: Town) -> None:
    fleet.add(2)
    assert "trueup fleet init" in fleet.json("fleet", "status")["broker_fault"]
    fleet.call("fleet", "init")
    fleet.start_worker("w1")
    fleet.runs_again()
    fleet.add(4)  # two are known
    assert fleet.json("fleet", "rebalance") == {"moved": 0, "shards": 2, "scheduled": 1, "unscheduled": 0}
    fleet.runs_again()
    fleet.call("account", "remove", "acc-0", "acc-1")
    assert fleet.json("fleet", "rebalance")["unscheduled"] == 1
    before = fleet.good_runs()
    fleet.until(lambda: fleet.good_runs()["p-3-0"] > before["p-3-0"])
    after = fleet.good_runs()
    fleet.until(lambda: fleet.good_runs()["p-3-0"] > after["p-3-0"])
    assert fleet.good_runs()["p-0-0"] == before["p-0-0"]


def test_a_worker_that_is_killed_loses_its_shards_to_another(fleet: Town) -> None:
    fleet.add(4)
    fleet.call("fleet", "init")
    first = fleet.start_worker("w1")
    fleet.runs_again()
    fleet.start_worker("w2")
    first.kill()
    fleet.runs_again()


def test_a_venue_that_is_not_installed_keeps_no_account_for_good(fleet: Town) -> None:
    line = {"account_id": "acc-1", "venue": "fils", "profiles": [{"profile_id": "p-1"}]}
    path = fleet.folder / "typo.jsonl"
    path.write_text(json.dumps(line))
    refused = fleet.call("account", "add", str(path), code=ConfigError.exit_code)
    assert "no venue is called 'fils'; did you mean 'files'?" in refused.output
    path.write_text(json.dumps(line | {"venue": "files"}))
    fleet.call("account", "add", str(path))


def test_without_a_broker_workers_go_by_the_due_times_and_say_so(fleet: Town) -> None:
    fleet.add(4)
    fleet.call("fleet", "init")
    fleet.start_worker("w1")
    fleet.runs_again()
    fleet.broker.end(signal.SIGKILL)
    fleet.runs_again()
    fleet.runs_again()
    fleet.until(lambda: fleet.json("fleet", "status")["workers"][0]["says"]["degraded"] is not None)
    assert "no broker answers" in fleet.json("fleet", "status")["broker_fault"]
    assert "degraded: no broker answers" in fleet.call("fleet", "status").stdout
    fleet.broker.start()
    fleet.until(lambda: fleet.json("fleet", "status")["workers"][0]["says"]["degraded"] is None)
    fleet.runs_again()
    events = [one["event"] for one in fleet.events("w1")]
    assert "reconciliation_fleet_degraded" in events
    assert "reconciliation_fleet_recovered" in events


def test_without_a_broker_and_workers_trueup_run_takes_over_and_says_so(fleet: Town) -> None:
    fleet.add(4)
    fleet.call("fleet", "init")
    worker = fleet.start_worker("w1")
    fleet.runs_again()
    fleet.broker.end(signal.SIGKILL)
    worker.kill()
    run = fleet.start("run", sys.executable, "-m", "trueup", "run")
    fleet.runs_again()
    fleet.until(lambda: "reconciliation_fleet_degraded" in [one["event"] for one in fleet.events("run")])
    (said,) = [one for one in fleet.events("run") if one["event"] == "reconciliation_fleet_degraded"]
    assert said["reason"].startswith("`trueup run` asks no broker")
    run.send_signal(signal.SIGTERM)
    assert run.wait(PATIENCE_S) == 0


def test_trueup_run_with_neither_accounts_nor_a_roster_is_refused(fleet: Town) -> None:
    assert "names no profile" in fleet.call("run", code=10).output
