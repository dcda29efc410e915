"""What a read is stamped with, and what is known of one that failed."""

import asyncio

import pytest

from trueup.engine.run.observe import _bounded, earlier
from trueup.model.errors import AuthError, VenueUnavailable
from trueup.model.vocabulary import ReadFault

EARLY, LATE = "2026-11-23T11:59:59.9Z", "2026-11-23T12:00:00Z"


@pytest.mark.parametrize(
    ("left", "right", "found"),
    [(EARLY, LATE, EARLY), (LATE, EARLY, EARLY), (None, LATE, LATE), (LATE, LATE, LATE)],
)
def test_the_earlier_of_two_times(left, right, found):
    assert earlier(left, right) == found


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (AuthError("the key was revoked"), ReadFault.CREDENTIALS),
        (VenueUnavailable("AuthError, says the page, but it is down"), ReadFault.UNREACHABLE),
    ],
)
def test_a_failure_says_by_its_kind_what_it_was(error, fault):
    async def read():
        raise error

    assert asyncio.run(_bounded(read(), lambda one: one.fault, 1.0)) is fault
