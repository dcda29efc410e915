"""Rows that were checked are not checked again, and nothing else passes for them."""

from random import Random

import pytest
from msgspec.structs import replace

from trueup.model import checked_rows
from trueup.model.check_snapshot import check_snapshot
from trueup.model.checked_rows import CheckedRows
from trueup.model.errors import InputError
from trueup.model.snapshot import (
    SNAPSHOT_FORMAT,
    Local,
    LocalOrder,
    OrdersRead,
    Profile,
    Snapshot,
    Venue,
    VenueOrder,
)
from trueup.model.vocabulary import Side, Status


def order(number: int = 1) -> LocalOrder:
    return LocalOrder(
        client_order_id=f"bot-{number}",
        venue_order_id=f"v-{number}",
        side=Side.BUY,
        qty="2",
        status=Status.PENDING_NEW,
    )


def snapshot(orders: list[LocalOrder], rows: list[VenueOrder] | None = None) -> Snapshot:
    return Snapshot(
        format=SNAPSHOT_FORMAT,
        taken_at="2026-11-23T12:00:00Z",
        profile=Profile(profile_id="mom-1"),
        local=Local(orders=orders),
        venue=Venue(open_orders=OrdersRead(rows=rows or [])),
    )


def test_equal_rows_are_the_checked_ones_in_a_list_of_their_own() -> None:
    checked = CheckedRows()
    first = check_snapshot(snapshot([order()]), checked).local.orders
    again = check_snapshot(snapshot([order()]), checked).local.orders
    assert again[0] is first[0]
    assert again is not first


def test_what_only_compares_equal_is_not_what_is_handed_on() -> None:
    """`True` is 1 and a word is its enum's member to `==`, but not to whoever encodes or compares them later."""
    checked = CheckedRows()
    check_snapshot(snapshot([order()]), checked)
    alike = replace(order(), version=True, status="pending_new")
    (read,) = check_snapshot(snapshot([alike]), checked).local.orders
    assert (type(read.version), type(read.status)) == (int, Status)


def test_a_row_that_changed_is_checked_with_its_list() -> None:
    checked = CheckedRows()
    check_snapshot(snapshot([order(1), order(2)]), checked)
    with pytest.raises(InputError) as refused:
        check_snapshot(snapshot([order(1), replace(order(2), qty="two")]), checked)
    assert refused.value.path == "$.local.orders[1].qty"
    with pytest.raises(InputError, match="duplicate"):
        check_snapshot(snapshot([order(1), replace(order(2), venue_order_id="V-1")]), checked)


@pytest.mark.parametrize("seed", range(40))
def test_a_list_is_refused_and_read_as_if_all_of_it_were_new(seed: int) -> None:
    """Orders that come, go, change and go wrong, in any place."""
    rng, checked, orders = Random(seed), CheckedRows(), [order(number) for number in range(6)]
    for step in range(60):
        orders = list(orders)
        index = rng.randrange(len(orders) + 1)
        orders[index : index + rng.randrange(3)] = [order(100 + step)] * rng.randrange(3)
        if orders and rng.random() < 0.3:
            index = rng.randrange(len(orders))
            wrong = rng.choice(({"qty": "1,5"}, {"limit_price": "x"}, {"submitted_at": "2026-02-30"}))
            orders[index] = replace(orders[index], **wrong)
        orders = [replace(one) if rng.random() < 0.5 else one for one in orders]
        assert outcome(orders, checked) == outcome(orders, None)
        if outcome(orders, None)[0] is None:
            orders = [order(number) for number in range(6)]


def outcome(orders: list[LocalOrder], checked: CheckedRows | None) -> tuple[list[LocalOrder] | None, str]:
    try:
        return check_snapshot(snapshot(orders), checked).local.orders, ""
    except InputError as refused:
        return None, f"{refused.path}: {refused}"


def test_the_checked_rows_around_a_changed_one_are_handed_on() -> None:
    checked = CheckedRows()
    orders = [order(1), order(2), order(3), order(4)]
    first = check_snapshot(snapshot(orders), checked).local.orders
    alike = [replace(order(1), version=True), replace(order(3), status="pending_new"), order(4)]
    again = check_snapshot(snapshot(alike), checked).local.orders
    assert [one is other for one, other in zip(again, (first[0], first[2], first[3]), strict=True)] == [
        True
    ] * 3


def test_a_row_that_stands_in_a_list_more_than_once() -> None:
    """As a venue may list it: what begins the list alike also ends it."""
    checked, row = CheckedRows(), VenueOrder(venue_order_id="v-1", qty="2")
    for times in (3, 2, 1, 4):
        assert check_snapshot(snapshot([], [row] * times), checked).venue.open_orders.rows == [row] * times


def test_what_was_refused_is_not_kept() -> None:
    checked = CheckedRows()
    for _ in range(2):
        with pytest.raises(InputError, match="duplicate"):
            check_snapshot(snapshot([order(1), order(1)]), checked)


def test_lists_changed_in_place_change_nothing_that_was_kept() -> None:
    checked, rows = CheckedRows(), [order(1)]
    read = check_snapshot(snapshot(rows), checked).local.orders
    rows.append(order(1))
    read.append(order(1))
    with pytest.raises(InputError, match="duplicate"):
        check_snapshot(snapshot(rows), checked)
    again = check_snapshot(snapshot([order(1)]), checked).local.orders
    again.append(order(1))
    assert check_snapshot(snapshot([order(1)]), checked).local.orders == [order(1)]


def test_a_reading_is_kept_with_its_rows() -> None:
    """`pending_new` with something filled is `partially_filled`."""
    checked = CheckedRows()
    row = VenueOrder(venue_order_id="v-1", status=Status.PENDING_NEW, qty="2", filled_qty="1")
    for _ in range(2):
        read = check_snapshot(snapshot([], [replace(row)]), checked).venue.open_orders.rows
        assert [one.status for one in read] == [Status.PARTIALLY_FILLED]


def test_equal_rows_of_another_list_were_not_checked_by_its_rules() -> None:
    """A venue may list an order twice; the ledger may not."""
    checked, row = CheckedRows(), order(1)
    check_snapshot(snapshot([], [row, row]), checked)  # type: ignore[list-item]
    with pytest.raises(InputError, match="duplicate"):
        check_snapshot(snapshot([row, row]), checked)


def test_a_long_list_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checked_rows, "ROWS_KEPT_MAX", 1)
    checked = CheckedRows()
    first = check_snapshot(snapshot([order(1)]), checked).local.orders
    check_snapshot(snapshot([order(1), order(2)]), checked)
    again = check_snapshot(snapshot([order(1)]), checked).local.orders
    assert again == first
    assert again[0] is not first[0]
