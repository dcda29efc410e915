"""Every correction that the pages offer: shown, written, undone; the books are then those of before."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import OPERATOR, READER
from tests.browser.test_http import act, ask, log_in
from tests.patience import PATIENCE_S

PROFILE = "p2"
TABLES = ("orders", "fills", "trades")
Books = dict[str, list[dict[str, Any]]]


def books_of(folder: Path) -> Books:
    """The rows as they stand, without what rises with every writing."""
    found = {}
    for table in TABLES:
        command = [sys.executable, "-m", "trueup", "export", table, "--profile", PROFILE, "--format", "jsonl"]
        environ = os.environ | {"OPERATOR": OPERATOR, "READER": READER}
        done = subprocess.run(
            command, cwd=folder, env=environ, capture_output=True, text=True, check=True, timeout=PATIENCE_S
        )
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        for row in rows:
            for key in (
                "version",
                "order_key",
                "updated_at",
                "recorded_at",
                "booked_at",
                "last_activity_at",
            ):
                row.pop(key, None)
        found[table] = sorted(rows, key=json.dumps)
    return found


def chosen(books: Books) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """A trade that is closed with one filled entry and one filled exit; both orders."""
    for trade in books["trades"]:
        of_it = [
            one
            for one in books["orders"]
            if one["trade_id"] == trade["trade_id"] and one["filled_qty"] != "0"
        ]
        by_action = {one["action"]: one for one in of_it}
        if trade["status"] == "closed" and len(of_it) == 2 and by_action.keys() == {"entry", "exit"}:
            return trade, by_action["entry"], by_action["exit"]
    raise AssertionError("no trade of two orders")


def correct(dashboard: str, cookie: str, **form: str) -> str:
    """Shown, then written; its id."""
    place = act(
        dashboard,
        cookie,
        "/act/correct",
        profile=PROFILE,
        why=f"to see {form['kind']}",
        back="/people",
        **form,
    )
    assert place.startswith("/correction/"), place
    correction = place.rpartition("/")[2]
    assert "Nothing is written yet" in ask(dashboard + place, Cookie=cookie)[1]
    assert "written" in act(dashboard, cookie, "/act/write", correction=correction)
    return correction


def undo(dashboard: str, cookie: str, correction: str) -> None:
    place = act(dashboard, cookie, "/act/undo", profile=PROFILE, reference=correction, why="a mistake")
    assert place.startswith("/correction/"), place
    act(dashboard, cookie, "/act/write", correction=place.rpartition("/")[2])


@pytest.mark.parametrize(
    "kind", ["end", "move", "none", "action", "book", "strike", "close", "split", "baseline"]
)
def test_what_is_corrected_and_undone_leaves_the_books_of_before(
    dashboard: str, folder: Path, kind: str
) -> None:
    cookie = log_in(dashboard, OPERATOR)
    before = books_of(folder)
    trade, entry, exit_ = chosen(before)
    others = [one for one in before["trades"] if one["symbol"] == trade["symbol"] and one != trade]
    fill = next(
        one for one in before["fills"] if one["fill_id"] and one["venue_order_id"] == entry["venue_order_id"]
    )
    name = entry["client_order_id"]
    forms: dict[str, list[dict[str, str]]] = {
        "end": [{"kind": "end", "order": name, "end": "expired"}],
        "move": [{"kind": "move", "order": name, "trade": others[0]["trade_id"]}],
        "none": [{"kind": "move", "order": name, "trade": ""}],
        "action": [{"kind": "action", "order": name, "action": "exit"}],
        "book": [
            {"kind": "strike", "order": name, "fill": fill["fill_id"]},
            {"kind": "book", "order": name, "qty": fill["qty"], "price": "1", "fill": "of-my-own"},
        ],
        "strike": [{"kind": "strike", "order": name, "fill": fill["fill_id"]}],
        "close": [
            {"kind": "move", "order": exit_["client_order_id"], "trade": ""},
            {"kind": "close", "trade": trade["trade_id"]},
        ],
        "split": [
            {"kind": "move", "order": name, "trade": ""},
            {"kind": "split", "trade": trade["trade_id"], "new": f"{trade['trade_id']}-b"},
        ],
        "baseline": [{"kind": "baseline", "symbol": trade["symbol"], "qty": "2.5"}],
    }
    made = [correct(dashboard, cookie, **form) for form in forms[kind]]
    assert kind == "baseline" or books_of(folder) != before
    people = ask(f"{dashboard}/people", Cookie=cookie)[1]
    assert people.count(f"to see {forms[kind][0]['kind']}") >= 1
    for correction in reversed(made):
        undo(dashboard, cookie, correction)
    assert books_of(folder) == before
    chain = ask(f"{dashboard}/chain?profile={PROFILE}", Cookie=cookie)[1]
    assert re.search("broken|differs", chain) is None
