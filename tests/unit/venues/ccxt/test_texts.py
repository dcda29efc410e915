"""Single values: exact, or refused."""

from decimal import Decimal
from typing import Any

import pytest

from trueup.venues.ccxt.texts import read_ms, read_number, read_price, read_told_price


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("0.1234567890123456789", "0.1234567890123456789"),
        ("1.50", "1.5"),
        ("1e-8", "0.00000001"),
        (Decimal("0.10"), "0.1"),
        (7, "7"),
        ("", None),
        (None, None),
    ],
)
def test_an_amount_is_the_text_that_the_venue_wrote(value: Any, read: str | None) -> None:
    assert read_number({"id": "1", "amount": value}, "amount") == read


@pytest.mark.parametrize("value", [0.5, 1e-8, True, "-1", "NaN", "half"])
def test_what_was_rounded_or_is_no_amount_is_refused_by_name(value: Any) -> None:
    with pytest.raises(ValueError, match="amount of 7"):
        read_number({"id": "7", "amount": value}, "amount")


def test_a_price_of_zero_is_none() -> None:
    assert read_price({"price": "0.00"}, "price") is None
    assert read_price({"price": "0.10"}, "price") == "0.1"


def test_a_long_price_is_rounded_and_one_that_nothing_is_booked_by_fails_nothing() -> None:
    said = "102765.190337908177752979099518798828125"
    assert read_price({"price": said}, "price") == "102765.190337908177752979099519"
    assert read_price({"price": Decimal(said)}, "price") == "102765.190337908177752979099519"
    assert read_told_price({"markPrice": "string"}, "markPrice") is None
    assert read_told_price({"markPrice": 0.5}, "markPrice") is None
    with pytest.raises(ValueError, match="not a number"):
        read_price({"price": "a text that is longer than thirty digits are"}, "price")


@pytest.mark.parametrize("ms", [None, 0, 1392228122, "1392228122", 1230767999999])
def test_there_is_no_time_before_2009(ms: Any) -> None:
    assert read_ms(ms) is None


def test_times() -> None:
    assert read_ms(1230768000000) == "2009-01-01T00:00:00Z"
    assert read_ms("1795435200250.75") == "2026-11-23T12:00:00.25Z"


@pytest.mark.parametrize(
    "ms", ["1e999999999", 10**400, "1e99999999999999999999", "NaN", "soon", 253402300800000]
)
def test_what_is_no_time_is_refused_and_not_written_out(ms: Any) -> None:
    with pytest.raises(ValueError, match="is no time in milliseconds"):
        read_ms(ms)


def test_the_last_time_that_there_is() -> None:
    assert read_ms(253402300799999) == "9999-12-31T23:59:59.999Z"
