"""Whole worlds with workers: safe in the storm, true after it. `TRUEUP_SEEDS=1-10000` tries more of them.

By hand: `trueup sim run --seeds 1-10000 --jobs 2 --covers-all`.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from trueup.sim.trials.campaign import run_seeds

FIRST, _, LAST = os.environ.get("TRUEUP_SEEDS", "1-120").partition("-")
SEEDS_PER_TEST = 30


@pytest.mark.parametrize("first", range(int(FIRST), int(LAST) + 1, SEEDS_PER_TEST))
def test_worlds_stay_safe_and_converge(first):
    tally = run_seeds(first, min(first + SEEDS_PER_TEST - 1, int(LAST)))
    assert tally.failed == {}
    assert tally.excluded == {}
    assert tally.runs > 10 * tally.worlds  # a tame campaign proves nothing


def test_a_seed_gives_the_same_trace_in_two_processes(tmp_path: Path):
    traces = [
        subprocess.run(
            [sys.executable, "-m", "trueup", "sim", "replay", "145"],
            check=True,
            capture_output=True,
            cwd=tmp_path,
            env={**os.environ, "PYTHONHASHSEED": str(hash_seed)},
        ).stdout
        for hash_seed in (1, 2)
    ]
    assert traces[0] == traces[1]
    assert len(traces[0].splitlines()) > 100
