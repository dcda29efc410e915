"""What a `Date` proves of our clock: only what lies outside the time that the answer took, and outside its second."""

import pytest

from trueup.model.times import NS_PER_S, to_ns
from trueup.venues.http.clock_skew import ClockSkew

NOON = "Mon, 23 Nov 2026 12:00:00 GMT"
NOON_NS = to_ns("2026-11-23T12:00:00Z")


@pytest.mark.parametrize(
    ("sent_s", "received_s", "ahead_s"),
    [
        (0, 0.2, 0),
        (0.9, 1.5, 0),  # within the date's second
        (-3, 4, 0),  # written while it travelled
        (48, 49, 47),  # asked 48 s later by our clock; the second may have been over
        (-40, -38, -38),  # received 38 s before it was written
    ],
)
def test_one_answer(sent_s: float, received_s: float, ahead_s: float):
    skew = ClockSkew()
    skew.note(NOON, NOON_NS + round(sent_s * NS_PER_S), NOON_NS + round(received_s * NS_PER_S))
    assert skew.take_ns() == ahead_s * NS_PER_S


def test_the_largest_is_kept_until_it_is_taken():
    skew = ClockSkew()
    for late_s in (3, -90, 60):
        skew.note(NOON, NOON_NS + late_s * NS_PER_S, NOON_NS + late_s * NS_PER_S)
    assert skew.take_ns() == -90 * NS_PER_S
    assert skew.take_ns() is None


@pytest.mark.parametrize("date", [None, "", "yesterday", "Mon, 23 Nov 99999999 12:00:00 GMT"])
def test_an_answer_without_a_time_says_nothing(date: str | None):
    skew = ClockSkew()
    skew.note(date, 0, 0)
    assert skew.take_ns() is None
