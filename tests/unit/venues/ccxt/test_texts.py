"""Single values: exact, or refused."""

from decimal import Decimal
from typing import Any

import pytest

from trueup.venues.ccxt.texts import read_number, read_price


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
