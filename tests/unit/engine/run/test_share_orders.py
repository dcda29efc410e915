"""Which profile's snapshot lists which open order."""

from typing import Any

import pytest

from tests.unit.engine.run.desk import local_order, venue_order
from trueup.engine.run.share_orders import SharedOrders
from trueup.model.snapshot import (
    Decision,
    Fill,
    HistoryRead,
    Local,
    LocalFault,
    OrdersRead,
    Venue,
    VenueOrder,
)
from trueup.model.vocabulary import DecisionKind, LocalFaultKind, ReadState, Side

MINE, OTHERS = "mom", "rev"
NAMED_BY_FILL = Fill(fill_id="f1", venue_order_id="v-a", side=Side.BUY, qty="1")
DECIDED = Decision(
    decision_id="d",
    kind=DecisionKind.ADOPT_ORDER,
    venue_order_id="v-a",
    author="ann",
    reason="mine",
    decided_at="2026-11-23T11:00:00Z",
)
UNCLEAR = LocalFault(kind=LocalFaultKind.ROW_UNCLEAR, message="?", client_order_id="a")


def listed(
    rows: list[VenueOrder], *, mine: dict[str, Any], others: dict[str, Any] | None = None, **venue: Any
) -> dict[str, list[str | None]]:
    """The venue order ids in the snapshot of each of the two profiles."""
    side = Venue(open_orders=OrdersRead(state=ReadState.COMPLETE, rows=rows), **venue)
    shared = SharedOrders(side, {MINE: Local(**mine), OTHERS: Local(**others or {})})
    return {
        one: [row.venue_order_id for row in shared.venue_of(one).open_orders.rows] for one in (MINE, OTHERS)
    }


def test_a_recorded_order_stands_in_its_profiles_snapshot_alone():
    rows = [venue_order("a"), venue_order("b")]
    found = listed(rows, mine={"orders": [local_order("a")]}, others={"orders": [local_order("b")]})
    assert found == {MINE: ["v-a"], OTHERS: ["v-b"]}


def test_ids_compare_in_their_comparable_form():
    row = venue_order("a", venue_order_id=" V-A ")
    assert listed([row], mine={"orders": [local_order("a")]}) == {MINE: [" V-A "], OTHERS: []}


def test_the_only_profile_sees_everything():
    side = Venue(open_orders=OrdersRead(state=ReadState.COMPLETE, rows=[venue_order("a")]))
    assert SharedOrders(side, {MINE: Local(orders=[local_order("b")])}).venue_of(MINE) is side


@pytest.mark.parametrize(
    ("rows", "mine", "others", "venue"),
    [
        pytest.param([venue_order("a")], {}, {}, {}, id="recorded by nobody"),
        pytest.param(
            [venue_order("a")],
            {"orders": [local_order("a", venue_order_id=None)]},
            {},
            {},
            id="its venue order id is not recorded",
        ),
        pytest.param(
            [venue_order("a", client_order_id="b")],
            {"orders": [local_order("a")]},
            {"orders": [local_order("b")]},
            {},
            id="another profile has its client order id",
        ),
        pytest.param(
            [venue_order("a")],
            {"orders": [local_order("a")]},
            {"orders": [local_order("b", previous_venue_order_ids=("v-a",))]},
            {},
            id="another order had its id before",
        ),
        pytest.param(
            [venue_order("a", symbol="BTC/USD")],
            {"orders": [local_order("a")]},
            {},
            {},
            id="of another instrument than recorded",
        ),
        pytest.param(
            [venue_order("a"), venue_order("a", client_order_id="b", symbol="BTC/USD")],
            {"orders": [local_order("a")]},
            {},
            {},
            id="two orders of one number",
        ),
        pytest.param(
            [venue_order("a"), venue_order("b", client_order_id="a")],
            {"orders": [local_order("a"), local_order("b", client_order_id="x")]},
            {},
            {},
            id="two orders of one client order id",
        ),
        pytest.param(
            [venue_order("a", replaced_by="v-z")], {"orders": [local_order("a")]}, {}, {}, id="replaced"
        ),
        pytest.param(
            [venue_order("a"), venue_order("z", parent_venue_order_id="v-a")],
            {"orders": [local_order("a")]},
            {},
            {},
            id="another order is its leg",
        ),
        pytest.param(
            [venue_order("a")],
            {"orders": [local_order("a")]},
            {},
            {"history": HistoryRead(state=ReadState.COMPLETE, orders=[venue_order("a")])},
            id="in the history",
        ),
        pytest.param(
            [venue_order("a")],
            {"orders": [local_order("a")]},
            {},
            {"history": HistoryRead(state=ReadState.COMPLETE, fills=[NAMED_BY_FILL])},
            id="a fill of the history",
        ),
        pytest.param(
            [venue_order("a")],
            {"orders": [local_order("a")]},
            {"fills": [NAMED_BY_FILL]},
            {},
            id="a fill that another profile booked",
        ),
        pytest.param(
            [venue_order("a")],
            {"orders": [local_order("a")]},
            {"decisions": [DECIDED]},
            {},
            id="a person decided about it",
        ),
        pytest.param(
            [venue_order("a")],
            {"orders": [local_order("a")]},
            {"faults": [UNCLEAR]},
            {},
            id="a row that says nothing certain names it",
        ),
        pytest.param(
            [venue_order("a")],
            {"orders": [local_order("a")]},
            {},
            {"account_id": "x", "recorded_account_id": "y"},
            id="another account answered",
        ),
    ],
)
def test_what_another_profile_may_have_to_judge_stands_in_both(rows, mine, others, venue):
    found = listed(rows, mine=mine, others=others, **venue)
    assert found == {MINE: [row.venue_order_id for row in rows], OTHERS: [row.venue_order_id for row in rows]}


def test_a_fill_of_the_profiles_own_keeps_nothing_in_common():
    found = listed([venue_order("a")], mine={"orders": [local_order("a")], "fills": [NAMED_BY_FILL]})
    assert found == {MINE: ["v-a"], OTHERS: []}


@pytest.mark.parametrize(
    "record",
    [
        venue_order("a"),
        venue_order("z", replaces="v-a"),
        local_order("a", client_order_id=None, venue_order_id="V-A"),
        local_order("z", previous_venue_order_ids=("v-a",)),
        NAMED_BY_FILL,
    ],
)
def test_what_an_answer_names_is_shown_after_all(record):
    row = venue_order("a")
    side = Venue(open_orders=OrdersRead(state=ReadState.COMPLETE, rows=[row, venue_order("b")]))
    locals_ = {MINE: Local(orders=[local_order("a"), local_order("b")]), OTHERS: Local()}
    shared = SharedOrders(side, locals_)
    assert shared.named_by(OTHERS, [record]) == [row]
    assert shared.named_by(MINE, [record]) == []
