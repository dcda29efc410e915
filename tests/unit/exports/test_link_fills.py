"""Fills that name no order are given to one only where it can be no other, and where they are all of it."""

from trueup.exports.link_fills import link_fills, name_fills
from trueup.model.snapshot import Fill, VenueOrder
from trueup.model.vocabulary import Side


def order(venue_id: str, filled: str, start: str, end: str | None, symbol: str = "BTCUSDT") -> VenueOrder:
    return VenueOrder(
        venue_order_id=venue_id, symbol=symbol, side=Side.BUY, filled_qty=filled,
        submitted_at=f"2026-11-20T{start}Z", updated_at=None if end is None else f"2026-11-20T{end}Z",
    )  # fmt: skip


def fill(qty: str, at: str | None, fill_id: str = "f", symbol: str = "BTC/USDT") -> Fill:
    filled_at = None if at is None else f"2026-11-20T{at}Z"
    return Fill(fill_id=fill_id, symbol=symbol, side=Side.BUY, qty=qty, price="1", filled_at=filled_at)


def test_the_fills_of_one_order_in_its_time() -> None:
    orders = [order("a", "3", "09:00:00", "09:05:00"), order("b", "1", "10:00:00", "10:05:00")]
    linked, left_out = link_fills(
        [fill("2", "09:05:00"), fill("1", "09:01:00"), fill("1", "10:05:01")], orders
    )
    assert sorted((one.venue_order_id, one.qty) for one in linked) == [("a", "1"), ("a", "2"), ("b", "1")]
    assert left_out == 0


def test_two_orders_at_one_time_are_not_told_apart() -> None:
    orders = [order("a", "1", "09:00:00", "09:05:00"), order("b", "1", "09:02:00", "09:07:00")]
    assert link_fills([fill("1", "09:03:00"), fill("1", "09:06:30")], orders) == (
        [fill("1", "09:06:30")] and [_linked(fill("1", "09:06:30"), "b")],
        1,
    )


def test_fills_that_are_not_the_whole_order_prove_nothing() -> None:
    assert link_fills([fill("1", "09:01:00")], [order("a", "3", "09:00:00", "09:05:00")]) == ([], 1)


def test_outside_its_time_another_symbol_or_no_time() -> None:
    orders = [order("a", "1", "09:00:00", "09:05:00")]
    strange = [
        fill("1", "08:59:58"),
        fill("1", "09:05:02"),
        fill("1", None),
        fill("1", "09:01:00", symbol="ETHUSDT"),
    ]
    assert link_fills(strange, orders) == ([], 4)


def test_what_names_its_order_stays() -> None:
    named = _linked(fill("1", "09:01:00"), "z")
    assert link_fills([named], []) == ([named], 0)


def test_ids_are_of_the_content_and_of_its_repetition() -> None:
    one, same, other = name_fills(
        [fill("1", "09:00:00", ""), fill("1", "09:00:00", ""), fill("2", "09:00:00", "")], "x"
    )
    assert one.fill_id[:-1] == same.fill_id[:-1]
    assert len({one.fill_id, same.fill_id, other.fill_id}) == 3
    assert name_fills([fill("1", "09:00:00", "")], "x")[0].fill_id == one.fill_id


def _linked(value: Fill, venue_id: str) -> Fill:
    from msgspec.structs import replace

    return replace(value, venue_order_id=venue_id)
