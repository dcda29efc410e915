"""The alarm rules and the board ask for metrics that exist, with labels and values that exist."""

import json
import re
from pathlib import Path

import pytest

from trueup.engine.run.account import RunState
from trueup.service.metrics import Metrics

FOLDER = Path(__file__).parents[3] / "docs/how-to/operate"
RULES = (FOLDER / "trueup-alarms.yml").read_text()
BOARD = json.loads((FOLDER / "trueup-board.json").read_text())
ALARMS = re.findall(r"^ +expr: (.+)$", RULES, re.MULTILINE)
PANELS = [target["expr"] for panel in BOARD["panels"] for target in panel["targets"]]


def _series() -> dict[str, set[str]]:
    """The name of every series that the service exposes, with its labels."""
    found: dict[str, set[str]] = {}
    for family in Metrics().registry.collect():
        labels = {label for sample in family.samples for label in sample.labels}
        suffixes = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"]}.get(family.type, [""])
        for suffix in suffixes:
            found[family.name + suffix] = labels
    return found


@pytest.mark.parametrize("expression", [*ALARMS, *PANELS])
def test_every_expression_asks_for_what_there_is(expression: str) -> None:
    asked = re.findall(r"\btrueup_\w+", expression)
    assert asked
    assert set(asked) <= _series().keys()


def test_every_metric_is_on_the_board() -> None:
    shown = {name for expression in PANELS for name in re.findall(r"\btrueup_\w+", expression)}
    bases = {re.sub(r"_(total|bucket|sum|count|created)$", "", name) for name in _series()}
    assert bases == {re.sub(r"_(total|bucket)$", "", name) for name in shown}


def test_states_in_alarms_exist() -> None:
    states = {
        word
        for group in re.findall(r'trueup_runs_total\{state=~"([\w|]+)"', RULES)
        for word in group.split("|")
    }
    assert states
    assert states <= {state.value for state in RunState}


def test_every_alarm_says_what_to_do() -> None:
    assert len(ALARMS) == RULES.count("- alert: ") == RULES.count("action: ") == RULES.count("severity: ")
