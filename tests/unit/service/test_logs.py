"""Log lines: valid JSON, closed vocabulary, nothing that a terminal obeys."""

import io
import json
import logging
from pathlib import Path

import pytest

from trueup.engine.events import LOGGER, Event, log_event
from trueup.model.errors import LedgerDamaged
from trueup.service.logs import set_up_logs


@pytest.fixture
def lines():
    before = (LOGGER.handlers[:], LOGGER.level, LOGGER.propagate)
    stream = io.StringIO()
    set_up_logs(logging.INFO, stream)
    yield stream
    LOGGER.handlers[:], LOGGER.level, LOGGER.propagate = before


def test_an_event_is_one_line_of_json_without_nulls(lines):
    log_event(Event.CORRECTION, {"run_id": "r-1", "profile_id": "p-1", "trade_id": None})
    line = json.loads(lines.getvalue())
    assert line.pop("at").endswith("Z")
    assert line == {
        "level": "info",
        "logger": "trueup",
        "event": "reconciliation_correction",
        "run_id": "r-1",
        "profile_id": "p-1",
    }


def test_a_venues_text_cannot_forge_a_line_or_move_the_cursor(lines):
    hostile = "x\n{}\x1b[2J\x9b31m\u202etxt\u2028"
    log_event(Event.READ_FAILED, {"reason": hostile})
    text = lines.getvalue()
    assert text.count("\n") == 1
    assert not any(ord(char) < 32 or 0x7F <= ord(char) < 0xA0 for char in text.rstrip("\n"))
    assert "\u202e" not in text
    assert json.loads(text)["reason"] == hostile


def test_an_error_comes_with_its_traceback(lines):
    try:
        raise ValueError("why")
    except ValueError as error:
        log_event(Event.RUN_FAILED, {"profile_id": "p"}, level=logging.ERROR, error=error)
    line = json.loads(lines.getvalue())
    assert line["error"] == "ValueError: why"
    assert "raise ValueError" in line["traceback"]


def test_every_event_is_documented_and_no_other():
    page = Path(__file__).parents[3] / "docs/reference/log-events.md"
    rows = [line.split("`")[1] for line in page.read_text().splitlines() if line.startswith("| `")]
    assert sorted(rows) == sorted(Event)


@pytest.mark.parametrize(
    ("error", "has_traceback"), [(LedgerDamaged("damaged: restore"), False), (KeyError("x"), True)]
)
def test_damage_is_told_without_a_traceback(lines, error: Exception, has_traceback: bool):
    log_event(Event.RUN_FAILED, {"profile_id": "p-1"}, error=error)
    line = json.loads(lines.getvalue())
    assert line["error"].startswith(type(error).__name__)
    assert ("traceback" in line) is has_traceback
