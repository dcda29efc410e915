"""Trials with a deaf bot at a venue of their own: no fill doubled or lost, no wrong average, trades equal their orders.

`TRUEUP_TRIALS=5000` runs the full count; `TRUEUP_SEED` starts elsewhere.
"""

import os

import pytest

from tests.property.deaf.trial import Trial

TRIALS = int(os.environ.get("TRUEUP_TRIALS", "200"))
FIRST_SEED = int(os.environ.get("TRUEUP_SEED", "0"))
PER_TEST = 50


@pytest.mark.parametrize(
    "start", range(FIRST_SEED, FIRST_SEED + TRIALS, PER_TEST), ids=lambda start: f"seeds-{start}"
)
def test_the_books_end_equal_to_the_venue(start: int) -> None:
    for seed in range(start, min(start + PER_TEST, FIRST_SEED + TRIALS)):
        try:
            Trial(seed).run()
        except AssertionError as fault:
            raise AssertionError(f"trial {seed}: {fault}") from fault
