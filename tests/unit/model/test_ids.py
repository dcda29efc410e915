"""How ids compare, what the core adds to them while it plans, and how a break is named by a part of its id."""

import pytest

from trueup.model.ids import (
    as_tag,
    comparable_client_ids,
    known_client_id,
    known_id,
    names_break,
    of_instrument,
    order_digest_of,
    plain_id,
    short_break_ids,
)

FILL = "3fa92c1d77" + "0" * 22 + "-fill_drift"
ROWS = FILL + ".rows"
STATUS = "3fa92c1d77" + "0" * 22 + "-status_drift"
OTHER = "77a92c1d77" + "0" * 22 + "-fill_drift"


def test_breaks_of_one_order_are_shown_apart():
    assert short_break_ids([FILL, STATUS, OTHER]) == [
        "3fa92c1d-fill_drift",
        "3fa92c1d-status_drift",
        "77a92c1d",
    ]


@pytest.mark.parametrize(
    ("reference", "named"),
    [
        ("3fa92c1d-fill_drift", [FILL]),
        ("3fa92c1d-fill_drift.rows", [ROWS]),
        ("3fa92c1d", [FILL, ROWS, STATUS]),
        ("3fa92", []),
        ("3fa92c1d-", []),
        ("3fa92-fill_drift", []),
        (STATUS, [STATUS]),
        (FILL, [FILL, ROWS]),
        ("77a92c", [OTHER]),
        ("nobody-fill_drift", []),
    ],
)
def test_what_a_reference_names(reference, named):
    assert [one for one in (FILL, ROWS, STATUS, OTHER) if names_break(reference, one)] == named


def test_an_id_made_an_instrument_s_own_differs_by_instrument_only():
    assert of_instrument(" V-1", "ETH/USD") == of_instrument("V-1", "eth-usd")
    assert known_id(of_instrument("V-1", "ETH/USD")) == known_id(of_instrument("v-1", "ETH/USD"))
    assert of_instrument("v-1", "ETH/USD") != of_instrument("v-1", "BTC/USD")
    assert plain_id(f"order {of_instrument('V-1', 'ETH/USD')}, of {as_tag('42')}") == "order V-1, of 42"


def test_a_tag_is_no_id():
    assert known_client_id(as_tag("42")) is None
    assert comparable_client_ids(["a", as_tag("42")]) == ["a", None]
    assert comparable_client_ids(["a", "42"]) == ["a", "42"]


def test_every_derived_id_begins_with_its_order_s_digest():
    assert {order_digest_of(one) for one in (FILL, STATUS, FILL.partition("-")[0] + "-3.1")} == {FILL[:32]}
