"""What was said is not said again, unless it changed or the throttle is over."""

import logging
from collections.abc import Callable

import pytest

from trueup.engine.events import Event
from trueup.engine.run.said import SAID_MAX, Said
from trueup.model.times import NS_PER_S

Levels = Callable[[], list[str]]


@pytest.fixture
def levels(caplog: pytest.LogCaptureFixture) -> Levels:
    caplog.set_level(logging.DEBUG, "trueup")
    return lambda: [one.levelname for one in caplog.records]


def fail(said: Said, at_s: float, message: str, **fields: object) -> None:
    said.log(round(at_s * NS_PER_S), Event.RUN_FAILED, fields, level=logging.ERROR, error=ValueError(message))


def test_the_same_fault_is_said_once_within_the_throttle(levels: Levels):
    said = Said(throttle_s=60)
    for at_s in (0, 30, 59.9, 60, 90):
        fail(said, at_s, f"the clock is {at_s} s ahead", profile_id="p-1", run_id=f"r-{at_s}")
    assert levels() == ["ERROR", "DEBUG", "DEBUG", "ERROR", "DEBUG"]


def test_another_fault_another_profile_or_another_count_is_news(levels: Levels):
    said = Said(throttle_s=60)
    fail(said, 0, "a time-out", profile_id="p-1", missing=1)
    fail(said, 1, "a reset", profile_id="p-1", missing=1)
    fail(said, 2, "a time-out", profile_id="p-2", missing=1)
    fail(said, 3, "a time-out", profile_id="p-1", missing=2)
    assert levels() == ["ERROR"] * 4
    fail(said, 4, "a time-out", profile_id="p-1", missing=1)
    fail(said, 5, "a reset", profile_id="p-1", missing=1)
    assert levels()[4:] == ["DEBUG"] * 2, "two faults of one run in turn are no change"


def test_a_clock_that_was_put_back_silences_nothing(levels: Levels):
    said = Said(throttle_s=60)
    for at_s in (1000, 10, 20):
        fail(said, at_s, "a time-out")
    assert levels() == ["ERROR", "ERROR", "DEBUG"]


def test_a_throttle_of_0_says_it_every_time(levels: Levels):
    said = Said(throttle_s=0)
    for _ in range(3):
        fail(said, 0, "a time-out")
    assert levels() == ["ERROR"] * 3


def test_what_is_remembered_is_bounded(levels: Levels):
    said = Said()
    for number in range(SAID_MAX + 5):
        fail(said, 0, "a time-out", profile_id=f"p-{number}")
    fail(said, 1, "a time-out", profile_id="p-0")
    fail(said, 1, "a time-out", profile_id=f"p-{SAID_MAX}")
    assert levels()[-2:] == ["ERROR", "DEBUG"]
    assert len(said._said_ns) == SAID_MAX
