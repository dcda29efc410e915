"""Another process, another hash seed: the same snapshots give the same bytes."""

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from tests.patience import PATIENCE_S
from tests.property.truth import Document
from tests.property.worlds import make_world, plan_bytes, reconcile

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
