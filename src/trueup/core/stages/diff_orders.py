"""Third stage: compare every matched pair. An in-sync pair costs a few comparisons and leaves no trace.

The rules that judge a pair which differs stand in `core.orders.judge_pair`; where nothing but growth and its end is to
be judged, `core.orders.judge_plainly` comes to the same by a shorter way.
"""

from collections.abc import Iterable
from itertools import compress

from trueup.core.draft.facts import Facts
from trueup.core.draft.local_side import LocalSide
from trueup.core.draft.outcome import RunOutcome
from trueup.core.draft.venue_side import VenueSide
from trueup.core.orders.compare_fills import fill_key, is_news
from trueup.core.orders.judge_pair import judge_fills, judge_pair
from trueup.core.orders.judge_plainly import judge_plainly
from trueup.core.orders.judgement import turn_of
from trueup.model.ids import known_id
from trueup.model.money import ZERO, amount, same
from trueup.model.snapshot import LocalOrder, VenueOrder


def diff_orders(facts: Facts, local: LocalSide, venue: VenueSide, outcome: RunOutcome) -> None:
    """Judge the pairs that are not plainly equal, and the local orders of which only fills were read."""
    with_news = set(_orders_with_news(local, venue))
    differing = set(_plainly_different(facts, local)) | with_news
    for index in sorted(differing, key=lambda one: turn_of(local.orders[one])):
        record = local.matched[index]
        if record is not None:
            if not judge_plainly(facts, local, venue, outcome, index, record):
                judge_pair(facts, local, venue, outcome, index, record)
        elif index in with_news:
            judge_fills(facts, local, venue, outcome, index)


def _plainly_different(facts: Facts, local: LocalSide) -> Iterable[int]:
    """Indexes of the pairs that differ anywhere."""
    orders, matched = local.orders, local.matched
    unequal = facts.results.of_each(_are_unequal, orders, matched)
    for index in compress(range(len(unequal)), unequal):
        order, record = orders[index], matched[index]
        if (
            record is None
            or order.filled_avg_price == record.filled_avg_price  # so something else differs
            or not _differ_in_spelling_only(order, record)
            or _averages_differ(facts, order, record)
        ):
            yield index


def _are_unequal(orders: list[LocalOrder], matched: list[VenueOrder | None]) -> list[bool]:
    """Which pairs differ in more than spelling, if only in the average. One pass over texts; arithmetic only where a
    text differs."""
    unequal = [
        record is not None
        and (
            order.status is not record.status
            or order.filled_qty != record.filled_qty
            or order.filled_avg_price != record.filled_avg_price
            or order.qty != record.qty
            or order.limit_price != record.limit_price
            or order.stop_price != record.stop_price
            or order.symbol != record.symbol
            or order.side is not record.side
            or order.venue_order_id != record.venue_order_id
            or order.client_order_id != record.client_order_id
            or record.replaced_by is not None
        )
        for order, record in zip(orders, matched, strict=True)
    ]
    for index in compress(range(len(unequal)), unequal):
        order, record = orders[index], matched[index]
        if record is not None and order.filled_avg_price == record.filled_avg_price:
            unequal[index] = not _differ_in_spelling_only(order, record)
    return unequal


def _differ_in_spelling_only(order: LocalOrder, record: VenueOrder) -> bool:
    """Whether amounts like `9.60` and `9.6` are all that differs, but for the average: books are canonical, a venue
    need not be."""
    return (
        order.status is record.status
        and order.symbol == record.symbol
        and order.side is record.side
        and order.venue_order_id == record.venue_order_id
        and order.client_order_id == record.client_order_id
        and record.replaced_by is None
        and same(order.filled_qty, record.filled_qty)
        and same(order.qty, record.qty)
        and same(order.limit_price, record.limit_price)
        and same(order.stop_price, record.stop_price)
    )


def _averages_differ(facts: Facts, order: LocalOrder, record: VenueOrder) -> bool:
    """Whether what was filled has another average at the venue; a side that has none says nothing."""
    booked, told = amount(order.filled_avg_price), amount(record.filled_avg_price)
    if booked <= 0 or told <= 0 or order.filled_qty == "0":
        return False
    return facts.averages_differ(order.symbol, booked, told)


def _orders_with_news(local: LocalSide, venue: VenueSide) -> Iterable[int]:
    """Local orders with fills that are not booked as they are, or whose fill rows exceed what is booked."""
    for index, fills in local.fills_of.items():
        if sum((amount(fill.qty) for fill in fills), ZERO) > amount(local.orders[index].filled_qty):
            yield index
    for index, fills in venue.fills_of.items():
        own = known_id(local.orders[index].venue_order_id)
        booked = {fill_key(fill, own): fill for fill in local.fills_of.get(index, ()) if not fill.inferred}
        if any(is_news(booked.get(fill_key(fill, own)), fill) for fill in fills):
            yield index
