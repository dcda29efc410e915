"""Another process, another hash seed, something else reckoned before: the same snapshots give the same bytes."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.patience import PATIENCE_S
from tests.property.truth import Document
from tests.property.worlds import make_world, plan_bytes, reconcile
from trueup.core.make_plan import make_plan
from trueup.model.check_snapshot import check_snapshot
from trueup.model.checked_rows import CheckedRows
from trueup.model.decode import decode_snapshot
from trueup.model.last_results import LastResults, Result, Rows

ROOT = Path(__file__).parents[2]
REPLAY = """
import sys, msgspec
from trueup.core.make_plan import make_plan
from trueup.model.decode import decode_snapshot
for line in sys.stdin.buffer:
    sys.stdout.buffer.write(msgspec.json.encode(make_plan(decode_snapshot(line))) + b"\\n")
"""


def recorded(seeds: range) -> list[bytes]:
    """Every snapshot of these worlds, as one line each."""
    lines: list[bytes] = []

    def look(snapshot: Document, plan: Document) -> None:
        lines.append(msgspec.json.encode(snapshot))

    for seed in seeds:
        reconcile(make_world(seed), look)
    return lines


@pytest.mark.parametrize("hash_seed", ["0", "1", "4294967295"])
def test_replay_is_equal_to_the_byte_in_another_process(hash_seed):
    lines = recorded(range(9000, 9010))
    replayed = subprocess.run(
        [sys.executable, "-c", REPLAY],
        input=b"\n".join(lines) + b"\n",
        capture_output=True,
        check=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT / "src")},
        timeout=PATIENCE_S,
    )
    assert replayed.stdout.splitlines() == [plan_bytes(msgspec.json.decode(line)) for line in lines]


class CountedResults(LastResults):
    """Counts what it was asked, and how often it knew."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = self.reckoned = 0

    def of(self, reckon: Callable[[*Rows], Result], *rows: *Rows) -> Result:
        self.asked += 1
        return super().of(reckon, *rows)

    def _keep(self, reckon: Callable[..., Any], rows: tuple[Any, ...], result: Result) -> Result:
        self.reckoned += 1
        return super()._keep(reckon, rows, result)


@pytest.mark.parametrize("first", range(9100, 9180, 10))
def test_a_plan_is_the_same_whatever_was_reckoned_before(first):
    """Every snapshot of a world with what the last one left, each twice, and what is not the last one's in between."""
    results = CountedResults()
    checked = CheckedRows()
    earlier: list[bytes] = []
    for line in recorded(range(first, first + 10)):
        for again in (line, line, *earlier[-1:]):
            snapshot = check_snapshot(decode_snapshot(again), checked)
            assert msgspec.json.encode(make_plan(snapshot, results)) == plan_bytes(msgspec.json.decode(again))
        earlier.append(line)
    assert results.asked - results.reckoned > results.asked / 5
