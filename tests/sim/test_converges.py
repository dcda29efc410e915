"""Random worlds: nothing unsafe while everything fails, and true books soon after it stops.

`TRUEUP_WORLDS=10000 pytest tests/sim/test_converges.py -n 2` tries more of them; `TRUEUP_FIRST_WORLD` says from which.
"""

import os
from collections import Counter

import pytest

from trueup.core.make_plan import make_plan
from trueup.sim.trial import RUNS_TO_CONVERGE_MAX, run_trial

WORLDS = int(os.environ.get("TRUEUP_WORLDS", "300"))
FIRST_WORLD = int(os.environ.get("TRUEUP_FIRST_WORLD", "0"))
WORLDS_PER_TEST = 50


@pytest.mark.parametrize("first", range(FIRST_WORLD, FIRST_WORLD + WORLDS, WORLDS_PER_TEST))
def test_worlds_stay_safe_and_converge(first):
    corrections: Counter[str] = Counter()
    for seed in range(first, min(first + WORLDS_PER_TEST, FIRST_WORLD + WORLDS)):
        trial = run_trial(seed, make_plan)
        assert trial.violations == [], f"seed {seed}"
        assert trial.runs_to_converge is not None
        assert trial.runs_to_converge <= RUNS_TO_CONVERGE_MAX
        corrections += trial.corrections
    wanted = {"book_fill", "set_status", "insert_order", "supersede_fill", "bind_ids", "amend_order"}
    assert wanted <= set(corrections)  # a tame world proves nothing


def test_a_trial_is_the_same_twice():
    assert run_trial(5, make_plan) == run_trial(5, make_plan)
