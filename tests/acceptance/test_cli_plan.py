"""`trueup plan --snapshot`, as a user runs it: documents in, plans out, exit codes. The rules are formats.md's."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.patience import PATIENCE_S
from trueup.surfaces.cli.main import commands

AT = "2026-11-23T12:00:00Z"


def snapshot(filled_at_venue: str = "0", state: str = "complete", **changes: Any) -> dict[str, Any]:
    """One order of 10, of which the books have nothing filled."""
    order = {
        "venue_order_id": "v-1",
        "client_order_id": "c-1",
        "symbol": "ETH/USD",
        "side": "buy",
        "qty": "10",
    }
    local = order | {"trade_id": "t-1", "status": "pending_new", "submitted_at": "2026-11-23T11:00:00Z"}
    status = "partially_filled" if filled_at_venue != "0" else "pending_new"
    price = "1000" if filled_at_venue != "0" else None
    venue = order | {"status": status, "filled_qty": filled_at_venue, "filled_avg_price": price}
    trade = {"trade_id": "t-1", "symbol": "ETH/USD", "side": "long", "status": "open"}
    return {
        "format": "trueup.snapshot/1",
        "taken_at": AT,
        "profile": {"profile_id": "p-1"},
        "local": {"orders": [local], "trades": [trade]},
        "venue": {
            "open_orders": {"state": state, "rows": [venue]},
            "history": {"state": "complete"},
            "positions": {"state": "complete", "rows": [{"symbol": "ETH/USD", "qty": filled_at_venue}]},
        },
    } | changes


def run(*args: str, stdin: bytes | str | None = None) -> Result:
    return CliRunner().invoke(commands, ["plan", "--snapshot", *args], input=stdin, env={"COLUMNS": "160"})


def lines(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "snapshot.json"
    path.write_text(json.dumps(snapshot("7"), indent=2))
    return path


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (snapshot(), 0),
        (snapshot("7"), 2),
        (snapshot("0", "failed"), 3),
        (snapshot("0", "partial"), 3),
    ],
)
def test_exit_codes(document: dict[str, Any], code: int) -> None:
    result = run("-", "--json", stdin=json.dumps(document))
    assert result.exit_code == code, result.output
    assert lines(result)[0]["format"] == "trueup.plan/1"


def test_an_order_that_the_budget_left_unasked_is_incomplete() -> None:
    document = snapshot()
    document["venue"]["open_orders"]["rows"] = []
    document["policy"] = {"queries_max": 0}
    result = run("-", "--json", stdin=json.dumps(document))
    (plan,) = lines(result)
    assert [one["reason"] for one in plan["deferred"]] == ["query_budget"]
    assert (plan["queries"], result.exit_code) == ([], 3)


def test_a_file_gives_one_plan(file: Path) -> None:
    result = run(str(file), "--json")
    (plan,) = lines(result)
    assert "fill_drift" in [found["kind"] for found in plan["breaks"]]
    assert plan["corrections"][0]["fill"]["qty"] == "7"
    assert result.stderr == ""


def test_a_batch_gives_a_plan_a_line_in_order(tmp_path: Path) -> None:
    documents = [snapshot(), snapshot("7"), snapshot("0", "failed")]
    text = "\n".join(
        json.dumps(one | {"profile": {"profile_id": f"p-{n}"}}) for n, one in enumerate(documents)
    )
    path = tmp_path / "batch.ndjson"
    path.write_text(text)
    for result in (run(str(path), "--json"), run("-", "--json", stdin=text)):
        assert [plan["profile_id"] for plan in lines(result)] == ["p-0", "p-1", "p-2"]
        assert result.exit_code == 2


def test_a_bad_line_is_answered_in_its_place(tmp_path: Path) -> None:
    bad = snapshot()
    bad["local"]["orders"][0]["qty"] = "-1"
    good = json.dumps(snapshot())
    result = run("-", "--json", stdin="\n".join([good, json.dumps(bad), "", "{", good]))
    answers = lines(result)
    assert [answer["format"] for answer in answers] == [
        "trueup.plan/1",
        *["trueup.error/1"] * 2,
        "trueup.plan/1",
    ]
    assert answers[1]["line"] == 2
    assert answers[1]["path"] == "$.local.orders[0].qty"
    assert answers[1].keys() == {"format", "line", "path", "message"}
    assert answers[2]["line"] == 4
    assert result.exit_code == 1


def bad_documents() -> list[tuple[str, bytes, str]]:
    good = json.dumps(snapshot("7")).encode()

    def changed(old: bytes, new: bytes) -> bytes:
        assert old in good
        return good.replace(old, new)

    return [
        ("empty", b"", "empty"),
        ("cut off", good[: len(good) // 2], "not JSON"),
        ("not UTF-8", changed(b'"c-1"', b'"\xff"'), "UTF-8"),
        ("NaN", changed(b'"qty": "10"', b'"qty": NaN'), "$.local.orders[0].qty: NaN"),
        ("a list", b"[]", "expected one snapshot object"),
        ("wrong type", changed(b'"qty": "10"', b'"qty": []'), "$.local.orders[0].qty"),
        ("unknown key", changed(b'"profile"', b'"profil"'), "profil"),
        (
            "unknown status",
            changed(b'"status": "pending_new"', b'"status": "limbo"'),
            "$.local.orders[0].status",
        ),
        ("negative", changed(b'"qty": "10"', b'"qty": "-10"'), "$.local.orders[0].qty"),
        ("naive time", changed(AT.encode(), b"2026-11-23 12:00:00"), "$.taken_at"),
        ("deep", b"[" * 200_000, "nested too deeply"),
        ("zeros", b"\0" * 1000, "not JSON"),
    ]


@pytest.mark.parametrize(
    ("data", "message"), [row[1:] for row in bad_documents()], ids=[row[0] for row in bad_documents()]
)
def test_bad_input_is_refused_with_its_path(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "snapshot.json"
    path.write_bytes(data)
    for result in (run(str(path), "--json"), run("-", stdin=data)):
        assert result.exit_code == 64
        assert result.stdout == ""
        assert result.stderr.startswith("error: $")
        assert message in result.stderr
        assert len(result.stderr.splitlines()) == 1


def test_duplicate_ids_are_refused() -> None:
    document = snapshot()
    document["local"]["orders"] *= 2
    result = run("-", stdin=json.dumps(document))
    assert (result.exit_code, result.stdout) == (64, "")
    assert "$.local.orders[1].client_order_id: duplicate" in result.stderr


@pytest.mark.parametrize("args", [["/nowhere/x.json"], ["/"], []])
def test_what_cannot_be_opened_is_a_usage_error(args: list[str]) -> None:
    result = run(*args)
    assert (result.exit_code, result.stdout) == (64, "")
    assert result.stderr.startswith("error: ")


def test_people_get_a_table(file: Path) -> None:
    result = run(str(file), "--no-color")
    assert result.exit_code == 2
    for expected in ("fill_drift", "c-1", "venue reports 7 of 10 filled, local 0", "book_fill"):
        assert expected in result.stdout
    assert "\x1b" not in result.stdout


def test_text_from_a_venue_cannot_steer_the_terminal() -> None:
    document = snapshot("7")
    evil = "[red]x\x1b]0;owned\x07\u202e\x9b2J"
    for order in (document["local"]["orders"][0], document["venue"]["open_orders"]["rows"][0]):
        order["client_order_id"] = evil
    result = run("-", stdin=json.dumps(document))
    assert result.exit_code == 2
    assert not any(character in result.output for character in "\x1b\x07\u202e\x9b")
    assert "[red]x" in "".join(result.output.split())


def trueup(*args: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
    command = [sys.executable, "-m", "trueup", *args]
    return subprocess.run(
        command, input=stdin, capture_output=True, env=environ, check=False, timeout=PATIENCE_S
    )


def test_the_same_bytes_in_any_process(file: Path) -> None:
    first, second = (trueup("plan", "--snapshot", str(file), "--json") for _ in range(2))
    assert first.returncode == 2
    assert first.stdout == second.stdout != b""
    assert first.stdout == run(str(file), "--json").stdout_bytes


def test_a_plan_needs_no_database_no_network_no_configuration(file: Path) -> None:
    code = (
        "import sys; from trueup.surfaces.cli.main import commands\n"
        f"try: commands(['plan', '--json', '--snapshot', {str(file)!r}])\n"
        "except SystemExit: pass\n"
        "print({'apsw', 'aiohttp', 'starlette', 'socket', 'rich', 'asyncio'} & set(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=PATIENCE_S
    )
    assert done.stderr.strip() == "set()"


def test_a_reader_that_goes_away_is_no_traceback(tmp_path: Path) -> None:
    path = tmp_path / "many.ndjson"
    path.write_text((json.dumps(snapshot("7")) + "\n") * 300)
    command = f"{sys.executable} -m trueup plan --json --snapshot {path} | head -c 10"
    done = subprocess.run(
        ["sh", "-c", command], capture_output=True, text=True, check=False, timeout=PATIENCE_S
    )
    assert done.stderr == ""
