"""Times of day in a person's own zone: over midnight, over the days on which clocks are moved."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from trueup.engine.telling.quiet_hours import QuietHours, last_due_ns
from trueup.model.times import from_ns, to_ns
from trueup.model.vocabulary import Severity

BERLIN = ZoneInfo("Europe/Berlin")  # UTC + 1 in winter, + 2 from 2026-03-29 01:00 UTC to 2026-10-25 01:00 UTC
NIGHT = QuietHours(begin=dt.time(22), end=dt.time(7), zone=BERLIN)
NOON = QuietHours(begin=dt.time(12), end=dt.time(13), zone=BERLIN)


@pytest.mark.parametrize(
    ("hours", "now", "until"),
    [
        (NIGHT, "2026-01-10T20:59:59Z", None),
        (NIGHT, "2026-01-10T21:00:00Z", "2026-01-11T06:00:00Z"),
        (NIGHT, "2026-01-11T03:00:00Z", "2026-01-11T06:00:00Z"),
        (NIGHT, "2026-01-11T06:00:00Z", None),
        (NIGHT, "2026-03-28T22:00:00Z", "2026-03-29T05:00:00Z"),  # an hour shorter
        (NIGHT, "2026-10-24T21:00:00Z", "2026-10-25T06:00:00Z"),  # an hour longer
        (NOON, "2026-01-10T11:30:00Z", "2026-01-10T12:00:00Z"),
        (NOON, "2026-01-10T12:00:00Z", None),
    ],
)
def test_a_warning_waits_until_they_end(hours: QuietHours, now: str, until: str | None) -> None:
    assert from_ns(hours.held_until_ns(Severity.WARN, to_ns(now))) == (until or now)


def test_an_error_pierces_them_where_it_may() -> None:
    now_ns = to_ns("2026-01-11T03:00:00Z")
    never = QuietHours(begin=dt.time(22), end=dt.time(7), zone=BERLIN, pierced_by=None)
    assert NIGHT.held_until_ns(Severity.ERROR, now_ns) == now_ns
    assert from_ns(never.held_until_ns(Severity.ERROR, now_ns)) == "2026-01-11T06:00:00Z"


@pytest.mark.parametrize(
    ("now", "due"),
    [
        ("2026-01-10T07:00:00Z", "2026-01-10T07:00:00Z"),
        ("2026-01-10T06:59:59Z", "2026-01-09T07:00:00Z"),
        ("2026-03-29T12:00:00Z", "2026-03-29T06:00:00Z"),
        ("2026-03-29T05:59:00Z", "2026-03-28T07:00:00Z"),
    ],
)
def test_a_digest_s_last_moment(now: str, due: str) -> None:
    assert from_ns(last_due_ns(dt.time(8), BERLIN, to_ns(now))) == due
