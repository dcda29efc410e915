"""Rows that say the same have one text of facts; rows that do not have two."""

from typing import Any

import pytest
from msgspec.structs import replace

from trueup.model.facts_of import facts_of
from trueup.model.snapshot import Fill, LocalOrder, VenueAnswer, VenueOrder
from trueup.model.vocabulary import Outcome, QueryBy, Side

ORDER = LocalOrder(
    client_order_id="c-1",
    venue_order_id="v-1",
    symbol="ETH/USD",
    side=Side.BUY,
    qty="10",
    status="pending_new",  # type: ignore[arg-type]
    previous_venue_order_ids=("v-0",),
    submitted_at="2026-11-23T11:00:00Z",
)
FILL = Fill(fill_id="F1", venue_order_id="v-1", qty="4", price="100", fee="0.1", fee_currency="USD")
RECORD = VenueOrder(venue_order_id="v-1", symbol="ETH/USD", qty="10", replaces="v-0", limit_price="100")
ANSWER = VenueAnswer(by=QueryBy.VENUE_ORDER_ID, id="v-1", outcome=Outcome.FOUND, order=RECORD)

ALIKE: list[tuple[Any, dict[str, Any]]] = [
    (ORDER, {"venue_order_id": " V-1 "}),
    (ORDER, {"symbol": "eth-usd"}),
    (ORDER, {"qty": "10.00"}),
    (ORDER, {"previous_venue_order_ids": ("V-0",)}),
    (ORDER, {"submitted_at": "2026-11-23T11:00:00.000Z"}),
    (FILL, {"fill_id": "f1"}),
    (FILL, {"price": "100.0"}),
    (FILL, {"fee": "0.10"}),
    (FILL, {"fee_currency": "usd"}),
    (RECORD, {"replaces": "V-0"}),
    (RECORD, {"limit_price": "1E+2"}),
    (ANSWER, {"id": "V-1 "}),
    (ANSWER, {"order": replace(RECORD, symbol="ETHUSD")}),
]


@pytest.mark.parametrize(("row", "spelled"), ALIKE)
def test_spelling_is_no_fact(row, spelled):
    assert facts_of(replace(row, **spelled)) == facts_of(row)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (ORDER, {"qty": "100"}),
        (ORDER, {"previous_venue_order_ids": ()}),
        (ORDER, {"submitted_at": "2026-11-23T11:00:00.001Z"}),
        (FILL, {"side": Side.SELL}),
        (FILL, {"fee": None}),
        (RECORD, {"symbol": "BTC/USD"}),
        (ANSWER, {"order": None}),
    ],
)
def test_what_is_said_is_one(row, said):
    assert facts_of(replace(row, **said)) != facts_of(row)
