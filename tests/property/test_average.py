"""No correction moves an order's average away from the venue's record, whatever is booked, listed or inferred."""

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.acceptance.plan.snapshots import (
    Document,
    at,
    fill,
    found,
    history,
    local_order,
    plan_of,
    snapshot,
    venue_order,
)

TICK = {"symbol": "ETH/USD", "qty_step": "0.001", "price_tick": "0.01", "quote": "USD"}
executions = st.lists(
    st.tuples(st.integers(1, 5), st.integers(80, 120)), min_size=1, max_size=5
)  # quantity and price of what truly happened


def rows(executed: list[tuple[int, int]]) -> list[Document]:
    return [
        fill(f"F{place}", str(qty), str(price), filled_at=at(-1800 + place))
        for place, (qty, price) in enumerate(executed)
    ]


def average_of(executed: list[tuple[int, int]]) -> Fraction:
    return Fraction(sum(qty * price for qty, price in executed), sum(qty for qty, _ in executed))


def decimal(number: Fraction, digits: int) -> str:
    return f"{float(number):.{digits}f}"


def distance(price: str | None, truth: str) -> Fraction:
    return abs(Fraction(price or truth) - Fraction(truth))


@settings(max_examples=600, deadline=None)
@given(
    executions,
    st.data(),
    st.sampled_from(["100", "95.5", None, "truth"]),
    st.booleans(),
    st.booleans(),
)
def test_no_correction_moves_an_average_away_from_the_venues(
    executed: list[tuple[int, int]], data: st.DataObject, booked_price: str | None, fresh: bool, ticks: bool
) -> None:
    whole = sum(qty for qty, _ in executed)
    truth = decimal(average_of(executed), data.draw(st.sampled_from([2, 6])))
    listed = data.draw(st.lists(st.sampled_from(rows(executed)), unique_by=lambda row: row["fill_id"]))
    known = data.draw(st.lists(st.sampled_from(rows(executed)), unique_by=lambda row: row["fill_id"]))
    named = sum(int(row["qty"]) for row in known)
    booked = data.draw(st.integers(named, whole))
    price = truth if booked_price == "truth" else booked_price
    record = venue_order(
        status="filled", qty=str(whole), limit_price="130", filled_qty=str(whole), filled_avg_price=truth
    )
    local = local_order(
        status="partially_filled" if booked else "pending_new",
        qty=str(whole),
        limit_price="130",
        filled_qty=str(booked),
        filled_avg_price=price if booked else None,
    )
    document = snapshot(
        [local],
        [record],
        fills=known,
        history=history(fills=listed),
        answers=[found(record)] if fresh else [],
        instruments=[TICK] if ticks else [],
    )
    planned = plan_of(document)
    tolerance = Fraction(1, 100) if ticks else Fraction(truth) / 1_000_000
    for order in planned["projected_orders"]:
        after = order["filled_avg_price"]
        if booked and price is not None and order["filled_qty"] == str(whole):
            assert distance(after, truth) <= distance(price, truth) + tolerance
    again = plan_of(_projected(document, planned))
    assert [one["kind"] for one in again["corrections"]] == []


def _projected(document: Document, planned: Document) -> Document:
    changed = {row["fill_id"]: row for row in planned["projected_fills"]}
    local = document["local"]
    kept = [row for row in local["fills"] if row["fill_id"] not in changed]
    fills = [*kept, *(row for row in changed.values() if row["qty"] != "0")]
    return document | {
        "local": local | {"orders": planned["projected_orders"] or local["orders"], "fills": fills}
    }
