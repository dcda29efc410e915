"""`trueup correct` and `trueup undo` as a person uses them, on both kinds of database."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.test_cli_configured import Desk, desk  # noqa: F401 - a fixture

WHY = ("--why", "the venue's statement", "--author", "ann")


@pytest.fixture
def calm(desk: Desk) -> Desk:  # noqa: F811
    """A desk at which what a person just did is judged at once."""
    config = Path(desk.folder / "trueup.toml")
    text = config.read_text()
    assert "[accounts.profiles.policy]" in text
    config.write_text(
        text.replace(
            "[accounts.profiles.policy]", "[accounts.profiles.policy]\nrecent_activity_window_s = 0", 1
        )
    )
    return desk


def test_a_run_is_undone_held_and_let_go(calm: Desk) -> None:
    calm.call("apply", "--auto-approve", code=0)
    assert calm.filled() == "7"
    (run,) = [one for one in calm.json("status")[0]["runs"] if one["state"] == "applied"]
    (shown,) = calm.json("undo", run["run_id"], *WHY, code=0)
    assert shown["applied"] is False
    assert calm.filled() == "7"
    (written,) = calm.json("undo", run["run_id"], *WHY, "--yes", code=0)
    assert written["applied"] is True
    assert written["correction"]["undoes"] == run["run_id"]
    assert calm.filled() == "0"
    calm.at_venue("v-1", "b1-1", filled="7")  # read again, and it says what it said
    (plan,) = calm.json("plan", code=2)
    assert (plan["corrections"], plan["deferred"], plan["lapsed"]) == ([], [], [])
    assert "repair_undone" in {one["kind"] for one in plan["breaks"]}
    calm.call("run", "--once", "--apply")
    assert calm.filled() == "0"
    assert "undid the repair" in calm.call("breaks").output
    calm.call("decide", "again", "b1-1", *WHY, code=0)
    calm.call("apply", "--auto-approve", code=0)
    assert calm.filled() == "7"
    assert "whole" in calm.call("verify", code=0).output
    (cost,) = calm.json("cost", code=0)
    assert [one["qty"] for one in cost["repairs"]] == ["7"]  # what was undone was none


def test_a_correction_is_shown_asked_written_listed_and_undone(calm: Desk) -> None:
    refused = calm.call("correct", "fill", "b1-1", "--book", "3@1000", *WHY, code=64)
    assert "not booked" in refused.output
    assert "say --yes" in refused.output
    assert calm.filled() == "0"
    done = calm.call("correct", "fill", "b1-1", "--book", "3@1000", "--id", "F1", *WHY, "--yes", code=0)
    assert "to take it back: trueup undo" in done.output
    assert calm.filled() == "3"
    (listed,) = calm.json("correct", "list", code=0)
    made = listed["correction"]
    assert (made["kind"], made["author"], made["reason"]) == ("book_fill", "ann", "the venue's statement")
    assert "book fill" in calm.call("explain", "b1-1", code=0).output
    calm.call("undo", made["correction_id"], *WHY, "--yes", code=0)
    assert calm.filled() == "0"
    assert f"undone by {calm.json('correct', 'list')[1]['correction']['correction_id']}" in (
        calm.call("correct", "list").output
    )
    assert len(calm.json("export", "person_corrections", "--format", "jsonl")) == 2


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("order", "b1-1"), "one thing at a time: --end, --trade, --no-trade or --action"),
        (("order", "b1-1", "--end", "canceled", "--no-trade"), "one thing at a time"),
        (("order", "b1-9", "--end", "canceled"), "no order 'b1-9' is recorded"),
        (("order", "b1-9", "--end", "canceled"), "`trueup explain b1-9` says what it is called now"),
        (("fill", "b1-1", "--book", "3@"), "such as 3@1000"),
        (("fill", "b1-1", "--book", "11@1000"), "11 of 10 would be filled"),
        (("fill", "b1-1", "--strike", "F1"), "no booked fill 'F1'"),
        (("trade", "t-b1-1", "--close"), "is live: set its end first"),
        (("trade", "t-9", "--close"), "no trade 't-9'"),
        (("baseline", "ETH/USD", "many"), "QTY"),
    ],
)
def test_what_cannot_be_is_said_in_a_line(calm: Desk, args: tuple[str, ...], said: str) -> None:
    refused = calm.call("correct", *args, *WHY, "--yes")
    assert refused.exit_code != 0
    assert said in refused.output
    assert calm.json("correct", "list") == []


@pytest.mark.parametrize("args", [("explain", b"\xff"), ("undo", b"\xff", "--why", "x")])
def test_an_argument_that_is_no_text_is_said_in_a_line(calm: Desk, args: tuple[str | bytes, ...]) -> None:
    command = [sys.executable, "-m", "trueup", *args]
    done = subprocess.run(command, cwd=calm.folder, capture_output=True, text=True, check=False, timeout=300)
    assert (done.returncode, done.stdout) == (64, "")
    assert done.stderr == "error: an argument is no text in UTF-8: '\\udcff'\n"


def test_a_break_has_an_owner(calm: Desk) -> None:
    calm.call("run", "--once", "--dry")
    (found, *_) = calm.json("breaks", code=0)
    calm.call("decide", "assign", found["found"]["break_id"], "kim", *WHY, code=0)
    assert [one["owner"] for one in calm.json("breaks", "--owner", "kim")] == ["kim"]
    assert calm.json("breaks", "--owner", "nobody") == []
