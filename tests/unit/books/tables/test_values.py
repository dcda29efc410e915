"""One cell at a time; expected texts by hand."""

import datetime as dt
from decimal import Decimal

import pytest

from trueup.books.tables.values import cell_amount, cell_text, cell_time, time_cell

NAIVE = dt.datetime(2025, 11, 24, 12)  # noqa: DTZ001 - what a driver hands out without a zone
NOON = "2025-11-24T12:00:00Z"
NOON_S = 1_763_985_600


@pytest.mark.parametrize(
    ("cell", "step", "text"),
    [
        (0.1 + 0.2, "0.01", "0.3"),  # 0.30000000000000004
        (0.1 + 0.2, None, "0.30000000000000004"),
        (0.123, "0.01", "0.123"),  # a real difference is not snapped away
        (1e-7, None, "0.0000001"),
        (3.0, "1", "3"),
        (5, "1", "5"),
        (Decimal("1.500"), None, "1.5"),
        (" 2.50 ", None, "2.5"),
        (None, None, None),
        ("", None, None),
        ("NaN", None, None),
        (0.0, "0.01", "0"),
    ],
)
def test_amounts_keep_what_they_say(cell, step, text):
    assert cell_amount(cell, step) == text


@pytest.mark.parametrize("cell", [float("nan"), float("inf"), Decimal("NaN"), True, "1,5", "abc", -1.0])
def test_what_is_no_amount_is_refused(cell):
    with pytest.raises(ValueError, match=r"."):
        cell_amount(cell)


@pytest.mark.parametrize(
    ("cell", "rule"),
    [
        (NOON_S, "s"),
        (float(NOON_S), "s"),
        (NOON_S * 1000, "ms"),
        (str(NOON_S * 1000), "ms"),
        (NOON_S * 10**6, "us"),
        (NOON_S * 10**9, "ns"),
        (NOON_S * 1000, None),  # thirteen digits say so themselves
        ("2025-11-24 12:00:00", "UTC"),
        ("2025-11-24 13:00:00", "Europe/Berlin"),
        ("2025-11-24T13:00:00+01:00", None),
        (NAIVE, "UTC"),
        (dt.datetime(2025, 11, 24, 13, tzinfo=dt.timezone(dt.timedelta(hours=1))), None),
    ],
)
def test_times_in_every_form(cell, rule):
    assert cell_time(cell, rule) == NOON


def test_fractions_of_seconds_are_kept():
    assert cell_time(1_763_985_600_123, "ms") == "2025-11-24T12:00:00.123Z"
    assert (
        cell_time("2025-07-24 14:00:00.5", "Europe/Berlin") == "2025-07-24T12:00:00.5Z"
    )  # summer: two hours


@pytest.mark.parametrize("cell", ["2025-11-24 12:00:00", NAIVE])
def test_a_time_without_a_zone_is_refused_until_somebody_says_which(cell):
    with pytest.raises(ValueError, match="no time zone"):
        cell_time(cell, None)


@pytest.mark.parametrize("never", [None, 0, ""])
def test_never_is_no_time(never):
    assert cell_time(never, "ms") is None


@pytest.mark.parametrize(
    ("like", "rule", "cell"),
    [
        (1, "ms", NOON_S * 1000),
        ("1", "s", str(NOON_S)),
        ("2020-01-01T00:00:00", "UTC", "2025-11-24T12:00:00"),
        (None, "Europe/Berlin", "2025-11-24 13:00:00"),
        (NAIVE, "UTC", NAIVE),
        (NAIVE.replace(tzinfo=dt.UTC), "UTC", NAIVE.replace(tzinfo=dt.UTC)),
        (NAIVE.replace(tzinfo=dt.UTC), "ms", NAIVE.replace(tzinfo=dt.UTC)),
        ("2020-01-01T00:00:00Z", "Europe/Berlin", NOON),  # the column says its zone
        (1_600_000_000_000, "UTC", NOON_S * 1000),  # the column says its unit
        (Decimal("1600000000.5"), None, NOON_S),
    ],
)
def test_a_time_is_written_as_the_column_holds_its_times(like, rule, cell):
    assert time_cell(NOON, like, rule) == cell


def test_ids_are_text_whatever_the_column_holds():
    assert cell_text(17) == "17"
    assert cell_text(17.0) == "17"
    assert cell_text(True) == "true"
    assert cell_text("  ") is None
    assert cell_text(bytes(range(16))) == "00010203-0405-0607-0809-0a0b0c0d0e0f"
    with pytest.raises(ValueError, match="fraction"):
        cell_text(1.5)
