"""Two records of one fill: what they disagree about."""

from typing import Any

import pytest

from trueup.core.orders.compare_fills import fees_differ, figures_differ, gives_fee, gives_price, is_news
from trueup.model.snapshot import Fill


def fill(**keys: Any) -> Fill:
    return Fill(**{"fill_id": "F1", "qty": "2", "price": "100"} | keys)


@pytest.mark.parametrize(
    ("booked", "reported", "differ"),
    [
        ({}, {"qty": "2.0", "price": "100.0"}, False),
        ({}, {"qty": "2.00000000000001"}, False),
        ({}, {"qty": "3"}, True),
        ({}, {"price": "101"}, True),
        ({}, {"price": None}, False),
        ({}, {"price": "0"}, False),
        ({"price": "101", "price_estimated": True}, {}, False),
    ],
)
def test_figures(booked: dict[str, Any], reported: dict[str, Any], differ: bool) -> None:
    assert figures_differ(fill(**booked), fill(**reported)) is differ


def test_only_an_estimated_price_gives_way_and_only_to_a_price() -> None:
    assert gives_price(fill(price_estimated=True), fill(price="101"))
    assert not gives_price(fill(price_estimated=True), fill(price="0"))
    assert not gives_price(fill(), fill(price="101"))


@pytest.mark.parametrize(
    ("booked", "reported", "given", "differ"),
    [
        ((None, None), ("1", "USD"), True, False),
        ((None, None), ("0", "USD"), False, False),
        ((None, None), (None, None), False, False),
        (("1", None), ("1.0", "USD"), True, False),
        (("1", None), ("2", "USD"), False, True),
        (("1", "USD"), ("1", "usd "), False, False),
        (("1", "USD"), ("1", "EUR"), False, True),
        (("1", "USD"), (None, None), False, False),
        (("-1", "USD"), ("1", "USD"), False, True),  # a rebate is no fee
    ],
)
def test_fees(
    booked: tuple[str | None, str | None], reported: tuple[str | None, str | None], given: bool, differ: bool
) -> None:
    left, right = (fill(fee=fee, fee_currency=currency) for fee, currency in (booked, reported))
    assert (gives_fee(left, right), fees_differ(left, right)) == (given, differ)
    assert is_news(left, right) is (given or differ)


def test_a_fill_that_is_not_booked_is_news() -> None:
    assert is_news(None, fill())
