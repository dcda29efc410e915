"""What a read is stamped with."""

import pytest

from trueup.engine.run.observe_venue import earlier

EARLY, LATE = "2026-11-23T11:59:59.9Z", "2026-11-23T12:00:00Z"


@pytest.mark.parametrize(
    ("left", "right", "found"),
    [(EARLY, LATE, EARLY), (LATE, EARLY, EARLY), (None, LATE, LATE), (LATE, LATE, LATE)],
)
def test_the_earlier_of_two_times(left, right, found):
    assert earlier(left, right) == found
