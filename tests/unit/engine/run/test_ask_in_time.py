"""What is known of a read that failed."""

import asyncio

import pytest

from trueup.engine.run.ask_in_time import in_time
from trueup.model.errors import AuthError, VenueUnavailable
from trueup.model.vocabulary import ReadFault


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

    assert asyncio.run(in_time(read(), lambda one: one.fault, 1.0)) is fault
