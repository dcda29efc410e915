"""What drift looks like is not doubted: one row that the venue has as it stands shows that the mapping is right."""

from typing import Any

import pytest

from trueup.core.doubts.doubt_mapping import doubts_of
from trueup.model.snapshot import LocalOrder, VenueOrder
from trueup.model.vocabulary import Side, Status


def local(number: int, **changes: Any) -> LocalOrder:
    return LocalOrder(**({
        "venue_order_id": f"v-{number}", "client_order_id": f"c-{number}", "symbol": "ETH/USD", "side": Side.BUY,
        "status": Status.PENDING_NEW, "qty": "10", "limit_price": "20", "submitted_at": "2026-11-23T12:00:00Z",
    } | changes))  # fmt: skip


def venue(number: int, **changes: Any) -> VenueOrder:
    return VenueOrder(**({
        "venue_order_id": f"v-{number}", "client_order_id": f"c-{number}", "symbol": "ETH/USD", "side": Side.BUY,
        "status": Status.PENDING_NEW, "qty": "10", "limit_price": "20", "filled_qty": "0",
        "submitted_at": "2026-11-23T12:00:00Z",
    } | changes))  # fmt: skip


def said(locals_: list[LocalOrder], venues: list[VenueOrder]) -> list[str]:
    return [one.reason.value for one in doubts_of(locals_, venues)]


CANCELED: dict[str, Any] = {"status": Status.CANCELED}
PAIRS: dict[
    str, tuple[dict[str, Any], dict[str, Any], int]
] = {  # what is wrong in a row, and in how many rows before it is doubted
    "columns_swapped": ({"qty": "20", "limit_price": "10"}, {}, 1),
    "unit_differs": ({"qty": "200"}, {}, 1),
    "words_differ": ({"side": Side.SELL}, {}, 2),
}


@pytest.mark.parametrize("reason", PAIRS)
def test_a_row_that_shows_it_alone_is_doubted_and_one_that_contradicts_it_is_a_witness(reason):
    ours, theirs, rows = PAIRS[reason]
    wrong = [local(number, **ours) for number in range(rows)]
    records = [venue(number, **theirs) for number in range(rows + 9)]
    assert said(wrong, records) == [reason]
    right = [local(number) for number in range(rows, rows + 9)]
    assert said(wrong + right, records) == []


@pytest.mark.parametrize("filled", ["0.1", "1.5", "4.9"])
def test_a_bot_that_is_deaf_to_fills_is_not_doubted_by_whatever_factor(filled):
    record = venue(1, filled_qty="9.8", filled_avg_price="0.5", limit_price="0.5")  # 4.9 is 9.8 at 0.5
    assert said([local(1, filled_qty=filled, limit_price="0.5")], [record]) == []


def test_more_filled_than_at_the_venue_by_the_price_is_in_quote_currency():
    records = [venue(number, filled_qty="3", filled_avg_price="20") for number in (1, 2)]
    wrong = [local(number, filled_qty="60") for number in (1, 2)]
    assert said(wrong, records) == ["unit_differs"]
    assert said(wrong[:1], records) == []  # the venue is behind


def test_cost_in_the_place_of_what_is_filled_shows_below_a_price_of_1_in_all_orders():
    halves = [local(number, filled_qty="2", limit_price="0.5") for number in range(2)]
    records = [
        venue(number, filled_qty="4", filled_avg_price="0.5", limit_price="0.5") for number in range(3)
    ]
    assert said(halves, records) == ["unit_differs"]
    assert said([*halves, local(2, filled_qty="4", limit_price="0.5")], records) == []


def test_one_order_that_a_person_made_much_smaller_is_drift_beside_another():
    records = [venue(1, qty="0.5"), venue(2)]
    assert said([local(1), local(2)], records) == []
    assert said([local(1)], records) == ["unit_differs"]


@pytest.mark.parametrize(("count", "doubts"), [(2, []), (3, ["words_differ"])])
def test_two_lost_cancels_are_drift_and_three_without_a_live_order_are_a_word(count, doubts):
    ended = [local(number, **CANCELED) for number in range(count)]
    records = [venue(number) for number in range(count + 1)]
    assert said(ended, records) == doubts
    assert said([*ended, local(count)], records) == []


@pytest.mark.parametrize(("count", "doubts"), [(2, []), (3, ["unit_differs"])])
def test_three_orders_sent_an_hour_off_are_another_zone(count, doubts):
    off = [local(number, submitted_at="2026-11-23T13:00:20Z") for number in range(count)]
    assert said(off, [venue(number) for number in range(count)]) == doubts
    late = [local(number, submitted_at="2026-11-23T12:05:00Z") for number in range(3)]
    assert said(late, [venue(number) for number in range(3)]) == []  # the bot wrote late


def test_ids_of_another_kind_are_doubted_and_one_order_that_is_gone_is_not():
    record = venue(1, venue_order_id="6f1c2a52-8a0f-4f7e-9a7e-0a5b8a3c9d11", client_order_id="bot-1")
    assert said([local(1, venue_order_id="17", client_order_id=None)], [record]) == ["order_ids_differ"]
    gone = local(1, venue_order_id="0b7d6a1e-11d0-4c6f-8a31-7e6f5f6d2c44", client_order_id=None)
    assert said([gone], [record]) == []  # canceled at the venue, and another like it was sent
    assert said([local(1, venue_order_id="17"), local(2)], [record, venue(2)]) == []
    later = local(1, venue_order_id="17", client_order_id=None, submitted_at="2026-11-23T13:00:00Z")
    assert said([later], [record]) == []  # bots repeat their orders


def test_an_order_by_notional_has_no_quantity_to_doubt():
    assert said([local(1, qty="200")], [venue(1, qty=None, by_notional=True)]) == []


def test_a_price_near_one_tells_quantity_and_cost_not_apart():
    ours = local(1, qty="9.998", limit_price="0.9998")
    assert said([ours], [venue(1, limit_price="0.9998")]) == []


# -- a figure of another column ---------------------------------------------------------------------------------------


def part_filled(number: int, **changes: Any) -> VenueOrder:
    return venue(
        number, **({"status": Status.PARTIALLY_FILLED, "filled_qty": "3", "filled_avg_price": "19"} | changes)
    )


def test_what_the_venue_has_left_to_fill_is_not_what_is_filled():
    records = [part_filled(number) for number in range(4)]
    wrong = [local(number, status=Status.PARTIALLY_FILLED, filled_qty="7") for number in range(4)]
    assert said(wrong[:3], records) == ["columns_swapped"]
    assert said(wrong[:2], records) == []
    right = local(3, status=Status.PARTIALLY_FILLED, filled_qty="3")
    assert said([*wrong[:3], right], records) == []


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({"filled_qty": "0"}, {"filled_qty": "10", "status": Status.FILLED}),  # deaf to all of it
        ({"filled_qty": "10", "status": Status.FILLED}, {"filled_qty": "0"}),  # the venue's read is behind
        ({"filled_qty": "5", "status": Status.PARTIALLY_FILLED}, {"filled_qty": "5"}),
        ({"filled_qty": "10"}, {"filled_qty": "10", "status": Status.FILLED}),  # of which the end was missed
    ],
)
def test_drift_is_not_taken_for_what_is_left(ours, theirs):
    locals_ = [local(number, **ours) for number in range(5)]
    assert "columns_swapped" not in said(locals_, [part_filled(number, **theirs) for number in range(5)])


def test_a_limit_that_the_venue_has_as_the_average_is_another_column():
    records = [part_filled(number) for number in range(3)]
    wrong = [local(number, limit_price="19") for number in range(3)]
    assert said(wrong[:2], records) == ["columns_swapped"]
    assert said(wrong[:1], records) == []
    assert said([*wrong[:2], local(2)], records) == []


@pytest.mark.parametrize("name", ["qty", "limit_price"])
def test_three_orders_off_by_one_factor_are_in_another_unit(name):
    records = [venue(number, qty=str(number + 1), limit_price=str(20 + number)) for number in range(4)]

    def twice(number: int) -> LocalOrder:
        figures = {"qty": str(number + 1), "limit_price": str(20 + number)}
        return local(number, **(figures | {name: str(2 * int(figures[name]))}))

    assert said([twice(0), twice(1), twice(2)], records) == ["unit_differs"]
    assert said([twice(0), twice(1)], records) == []
    assert said([twice(0), twice(1), twice(2), local(3, qty="4", limit_price="23")], records) == []


@pytest.mark.parametrize(
    ("ours", "theirs"), [("3", "6"), ("6", "3")]
)  # deaf since; the venue's read is behind
def test_orders_filled_by_one_factor_of_what_the_venue_says_are_drift(ours, theirs):
    records = [part_filled(number, filled_qty=theirs) for number in range(5)]
    assert (
        said([local(number, filled_qty=ours, status=Status.PARTIALLY_FILLED) for number in range(5)], records)
        == []
    )


def test_one_text_in_all_rows_is_no_client_order_id():
    records = [venue(number) for number in range(4)]
    tagged = [local(number, client_order_id="mom") for number in range(4)]
    assert said(tagged[:3], records) == ["order_ids_differ"]
    assert said(tagged[:2], records) == []
    assert said([*tagged[:3], local(3)], records) == []
    assert said(tagged[:3], [venue(number, client_order_id="mom") for number in range(3)]) == []
