"""The inferred fill's id is a digest of (account, instrument, venue order id, quantity before, quantity after)."""

from decimal import Decimal

from trueup.core.orders.infer_fill import inferred_fill
from trueup.model.ids import digest
from trueup.model.snapshot import LocalOrder
from trueup.model.vocabulary import Side, Status

ORDER = LocalOrder(venue_order_id=" V-1", symbol="ETH/USD", side=Side.BUY, status=Status.PENDING_NEW)


def fill_id(before: str, qty: str) -> str:
    return inferred_fill(
        ORDER,
        before_qty=Decimal(before),
        qty=Decimal(qty),
        price=Decimal(100),
        is_estimated=False,
        account_id="a-1",
        inferred_at="2026-11-23T12:00:00Z",
    ).fill_id


def test_it_says_from_what_to_what_the_order_grew() -> None:
    assert fill_id("3", "4") == digest("a-1", "ethusd", "v-1", "3", "7")
    assert fill_id("0", "7") == digest("a-1", "ethusd", "v-1", "0", "7")
    assert fill_id("3.0", "4.00") == fill_id("3", "4")
    assert len({fill_id("3", "4"), fill_id("0", "7"), fill_id("0", "4")}) == 3
