"""`trueup snapshot`, then `trueup plan`: from two exports to what differs."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from trueup.surfaces.cli.main import commands

LOCAL = (
    "id,clientOrderId,symbol_name,side,type,amount,requestedPrice,status,filledQty,note\n"
    "v-1,c-1,ETH/USD,buy,limit,10,1000,new,0,x\n"
    "v-2,c-2,ETH/USD,buy,limit,5,900,new,0,y\n"
)
VENUE = (
    '{"id": "v-1", "client_order_id": "c-1", "symbol": "ETHUSD", "qty": "10", "filled_qty": 7, '
    '"filled_avg_price": 999.50, "type": "limit", "side": "buy", "limit_price": "1000", "status": "partially_filled"}\n'
    '{"id": "v-3", "client_order_id": "c-3", "symbol": "ETHUSD", "qty": "1", "filled_qty": 0, '
    '"filled_avg_price": null, "type": "limit", "side": "buy", "limit_price": "1", "status": "mystery"}\n'
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "local.csv").write_text(LOCAL)
    (tmp_path / "venue.jsonl").write_text(VENUE)
    return tmp_path


def snapshot(folder: Path, *args: str) -> Result:
    files = ["--local", str(folder / "local.csv"), "--venue", str(folder / "venue.jsonl")]
    return CliRunner().invoke(commands, ["snapshot", *files, *args])


def plan(document: str) -> Result:
    return CliRunner().invoke(commands, ["plan", "--json", "--snapshot", "-"], input=document)


def test_from_two_files_to_a_plan(folder: Path) -> None:
    made = snapshot(folder, "--taken-at", "2026-11-23T12:00:00Z")
    assert made.exit_code == 0, made.output
    answer = json.loads(plan(made.stdout).stdout)
    corrected = {one["client_order_id"]: one for one in answer["corrections"] if one["kind"] == "book_fill"}
    assert corrected["c-1"]["fill"]["qty"] == "7"
    assert corrected["c-1"]["fill"]["price"] == "999.5"
    # what the venue's file does not hold is a question, never a cancel
    assert [query["id"] for query in answer["queries"]] == ["v-2"]
    assert not [one for one in answer["corrections"] if one["client_order_id"] == "c-2"]


def test_it_says_what_it_took_for_what(folder: Path) -> None:
    said = snapshot(folder).stderr
    for expected in (
        "qty from amount", "client_order_id from clientOrderId", "price from requestedPrice", "ignored: note",
        "only fills are judged: mystery", "1 of 2 local orders are named in the venue file",
    ):  # fmt: skip
        assert expected in said


def test_the_same_files_give_the_same_bytes(folder: Path) -> None:
    times = ("--taken-at", "2026-11-23T12:00:00Z", "--local-read-at", "2026-11-23T11:59:58Z",
             "--venue-read-at", "2026-11-23T11:59:59Z")  # fmt: skip
    first = snapshot(folder, *times).stdout
    assert first == snapshot(folder, *times).stdout
    assert json.loads(first)["local"]["read_at"] == "2026-11-23T11:59:58Z"
    assert json.loads(first)["venue"]["open_orders"]["read_at"] == "2026-11-23T11:59:59Z"


def test_a_report_in_json(folder: Path) -> None:
    output = folder / "s.json"
    report = json.loads(snapshot(folder, "-o", str(output), "--json").stdout)
    assert report["columns"]["local"]["qty"] == ["amount"]
    assert report["ignored"]["local"] == ["note"]
    assert plan(output.read_text()).exit_code == 2


def test_policy_and_instruments_come_from_files(folder: Path) -> None:
    (folder / "policy.toml").write_text('queries_max = 0\nusd_rates = { EUR = "1.1" }\n')
    (folder / "steps.json").write_text('[{"symbol": "ETH/USD", "qty_step": "0.001"}]')
    extra = ("--policy", str(folder / "policy.toml"), "--instruments", str(folder / "steps.json"))
    made = json.loads(snapshot(folder, *extra).stdout)
    assert (made["policy"]["queries_max"], made["instruments"][0]["qty_step"]) == (0, "0.001")
    (folder / "policy.toml").write_text("querys_max = 0\n")
    refused = snapshot(folder, *extra)
    assert (refused.exit_code, refused.stdout) == (64, "")
    assert "querys_max" in refused.stderr


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--map", "local.qty=nope"], "no column 'nope'"),
        (["--taken-at", "2026-11-23 12:00"], "--assume-utc"),
        (["--positions", "/nowhere.csv"], "no such file"),
        (["--positions", "/"], "is a folder"),
        (["--open-orders", "maybe"], "maybe"),
    ],
)
def test_what_is_wrong_is_one_line(folder: Path, args: list[str], message: str) -> None:
    result = snapshot(folder, *args)
    assert (result.exit_code, result.stdout) == (64, "")
    assert result.stderr.splitlines()[-1].startswith("error: ")
    assert message in result.stderr


def test_one_file_is_not_both_sides(folder: Path) -> None:
    own = str(folder / "local.csv")
    result = CliRunner().invoke(commands, ["snapshot", "--local", own, "--venue", own])
    assert (result.exit_code, result.stdout) == (64, "")
    assert "--local and --venue are one file" in result.stderr


def test_a_large_snapshot_has_no_indentation(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output = folder / "s.json"
    assert snapshot(folder, "-o", str(output)).exit_code == 0
    small = output.read_text()
    monkeypatch.setattr("trueup.surfaces.cli.snapshot.INDENTED_BYTES_MAX", 100)
    assert snapshot(folder, "-o", str(output)).exit_code == 0
    assert len(output.read_text().splitlines()) == 1 < len(small.splitlines())
    assert json.loads(output.read_text()) == json.loads(small)
