"""Listings: whole, or honest about what is missing."""

import math

import pytest

from trueup.model.errors import AuthError, RateLimited, VenueError
from trueup.model.times import NS_PER_S, to_ns
from trueup.model.vocabulary import ReadState, Side, Status
from trueup.sim.clock import SimClock
from trueup.sim.paper.faults import PaperFault
from trueup.testing.venues.bench import Bench, open_for, open_measured

ALWAYS = 1000
BROKEN = (
    PaperFault.SERVER_ERROR,
    PaperFault.HTML,
    PaperFault.EMPTY,
    PaperFault.TRUNCATED,
    PaperFault.UNANSWERED_BEFORE,
    PaperFault.UNANSWERED_AFTER,
    PaperFault.RATE_LIMITED,
    PaperFault.RATE_LIMITED_BARE,
    PaperFault.NOT_FOUND_HTML,
    PaperFault.NOT_FOUND_FOREIGN,
)
HARSH = [
    fault for fault in BROKEN if fault is not PaperFault.UNANSWERED_AFTER
]  # for a read both are the same
PASSING = [*BROKEN[:6], PaperFault.RATE_LIMITED_BARE]  # what may be over at the next attempt


@pytest.mark.parametrize("count", [0, 1, 499, 500, 501, 5000])
async def test_every_open_order_is_listed_once(bench: Bench, count: int) -> None:
    placed = bench.place_many(count)
    read = await bench.venue.open_orders()
    assert [row.venue_order_id for row in read.rows] == placed
    assert (read.state, read.error) == (ReadState.COMPLETE, None)
    assert len(bench.sent_ns()) <= math.ceil(count / (bench.page_size or 1 << 30)) + 1


async def test_history_holds_every_order_and_every_fill(bench: Bench) -> None:
    placed = bench.place_many(501)
    for _ in range(201):
        bench.fill("0.5")
    read = await bench.venue.history(None)
    assert [row.venue_order_id for row in read.orders] == placed
    assert [fill.qty for fill in read.fills] == ["0.5"] * 201
    assert len({fill.fill_id for fill in read.fills}) == 201
    assert read.state is ReadState.COMPLETE


async def test_history_begins_at_its_start(bench: Bench) -> None:
    bench.place("old", "3")
    bench.fill("1")
    bench.clock.advance(60 * NS_PER_S)
    since = bench.clock.now()
    bench.fill("0.25")
    bench.place("new")
    read = await bench.venue.history(since)
    assert read.since == since
    assert [row.client_order_id for row in read.orders] == ["new"]
    assert [fill.qty for fill in read.fills] == ["0.25"]  # of the old order, executed now


async def test_what_was_read_at_which_time(bench: Bench) -> None:
    bench.place("a")
    now_ns = bench.clock.now_ns()
    for read in (await bench.venue.open_orders(), await bench.venue.positions()):
        assert read.read_at is not None
        assert to_ns(read.read_at) <= now_ns


@pytest.mark.parametrize("fault", HARSH)
async def test_a_listing_that_never_answers_is_no_empty_listing(bench: Bench, fault: PaperFault) -> None:
    bench.place("a")
    bench.plan(fault, times=ALWAYS)
    venue = open_for(bench, fault)
    for read in (venue.open_orders, venue.positions, lambda: venue.history(None)):
        with pytest.raises(VenueError):
            await read()


@pytest.mark.parametrize("fault", PASSING)
async def test_a_fault_that_passes_costs_only_time(bench: Bench, fault: PaperFault) -> None:
    bench.place("a")
    venue = await open_measured(bench, fault)
    bench.plan(fault)
    read = await venue.open_orders()
    assert [row.client_order_id for row in read.rows] == ["a"]
    assert read.state is ReadState.COMPLETE


@pytest.mark.parametrize("fault", HARSH)
async def test_a_missing_later_page_makes_the_read_partial(bench: Bench, fault: PaperFault) -> None:
    if bench.page_size is None:
        pytest.skip("this venue has no later page")
    placed = bench.place_many(bench.page_size + 1)
    venue = await open_measured(bench, fault)
    bench.plan(fault, times=ALWAYS, skip=1)
    read = await venue.open_orders()
    assert read.state is ReadState.PARTIAL
    assert read.error
    assert [row.venue_order_id for row in read.rows] == placed[: bench.page_size]


async def test_too_many_calls_with_a_time_are_waited_for(bench: Bench) -> None:
    before_ns = bench.clock.now_ns()
    bench.clock.advance(45 * NS_PER_S)  # the venue's minute ends in 15 s
    bench.plan(PaperFault.RATE_LIMITED)
    await bench.venue.open_orders()
    assert bench.clock.now_ns() - before_ns >= 60 * NS_PER_S


async def test_a_ban_that_is_too_long_is_reported(bench: Bench) -> None:
    bench.plan(PaperFault.RATE_LIMITED, times=ALWAYS)
    with pytest.raises(RateLimited) as raised:
        await bench.venue.open_orders()
    assert raised.value.retry_after_s is None or raised.value.retry_after_s > 0


async def test_orders_that_change_between_pages(bench: Bench) -> None:
    if bench.page_size is None:
        pytest.skip("this venue has no later page")
    placed = bench.place_many(bench.page_size + 2)

    def change() -> None:
        bench.cancel(placed[0])
        bench.cancel(placed[1])
        bench.place("newcomer")
        bench.fill("0.5")  # of what is now the oldest

    bench.meanwhile(change)
    read = await bench.venue.open_orders()
    ids = [row.venue_order_id for row in read.rows]
    assert set(placed[2:]) <= set(ids)
    assert len(ids) == len(set(ids))
    assert "newcomer" in [row.client_order_id for row in read.rows]


async def test_an_unknown_field_is_ignored(bench: Bench) -> None:
    bench.place("a")
    bench.plan(PaperFault.UNKNOWN_FIELD, times=ALWAYS)
    read = await bench.venue.open_orders()
    assert [(row.client_order_id, row.status) for row in read.rows] == [("a", Status.PENDING_NEW)]
    assert read.state is ReadState.COMPLETE


async def test_an_unknown_status_says_nothing_and_spoils_nothing(bench: Bench) -> None:
    bench.place("a", "2")
    bench.fill("0.5")
    bench.plan(PaperFault.UNKNOWN_STATUS, times=ALWAYS)
    read = await bench.venue.open_orders()
    assert [(row.status, row.raw_status, row.filled_qty) for row in read.rows] == [
        (None, "on_the_moon", "0.5")
    ]
    assert read.state is ReadState.COMPLETE


async def test_a_replaced_order_names_its_successor(bench: Bench) -> None:
    if not bench.links_replaced:
        pytest.skip("this venue cancels and places anew")
    first = bench.place("v1")
    second = bench.replace(first, "v2")
    by_id = {row.venue_order_id: row for row in (await bench.venue.history(None)).orders}
    assert (by_id[first].status, by_id[first].replaced_by) == (Status.REPLACED, second)
    assert (by_id[second].status, by_id[second].replaces) == (Status.PENDING_NEW, first)
    assert [row.venue_order_id for row in (await bench.venue.open_orders()).rows] == [second]


async def test_figures_are_exact(bench: Bench) -> None:
    bench.place("a", "2.125")
    bench.fill("0.375")
    (row,) = (await bench.venue.open_orders()).rows
    assert (row.side, row.qty, row.filled_qty, row.status) == (
        Side.BUY,
        "2.125",
        "0.375",
        Status.PARTIALLY_FILLED,
    )
    (fill,) = (await bench.venue.history(None)).fills
    assert (fill.qty, fill.venue_order_id, fill.side) == ("0.375", row.venue_order_id, Side.BUY)
    (position,) = [one for one in (await bench.venue.positions()).rows if one.qty != "0"]
    assert position.qty == "0.375"


async def test_the_venue_s_clock_may_differ(bench: Bench) -> None:
    bench.place("a")
    behind = SimClock("2026-11-23T11:00:00Z")  # an hour late
    venue = bench.reopen(clock=behind)
    assert abs((await venue.now_ns() or 0) - bench.clock.now_ns()) < NS_PER_S
    bench.plan(PaperFault.RATE_LIMITED)
    started_ns = behind.now_ns()
    with pytest.raises(VenueError):  # the server's clock stands still: its minute never ends
        await venue.open_orders()
    assert behind.now_ns() - started_ns <= 120 * NS_PER_S


async def test_wrong_credentials_are_their_own_error(bench: Bench) -> None:
    with pytest.raises(AuthError):
        await bench.reopen(secret="wrong").open_orders()


async def test_whose_account_it_is(bench: Bench) -> None:
    known = await bench.venue.account_id()
    assert known is not None
    assert await bench.reopen().account_id() == known
