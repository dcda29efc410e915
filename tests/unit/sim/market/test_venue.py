"""The venue port: the truth without faults, and exactly one kind of lie per fault, at its rate."""

import asyncio
from random import Random

import pytest
from msgspec import structs

from trueup.model.errors import RateLimited, VenueUnavailable
from trueup.model.vocabulary import Outcome, QueryBy, ReadState, Side
from trueup.ports.venue import Venue
from trueup.sim.bots.trading import TradingClient
from trueup.sim.clock import SimClock
from trueup.sim.faults import FAULT_NAMES, FaultDice, Faults
from trueup.sim.market.instruments import MarketInstrument
from trueup.sim.market.market import Market
from trueup.sim.market.orders import OrderRequest
from trueup.sim.market.venue import SimVenue

SECOND = 1_000_000_000
READS = 400


def world_with(faults: Faults, age_s: int = 60) -> tuple[Market, SimVenue, TradingClient]:
    """Six orders: two filled, one partially filled, three untouched; then `age_s` seconds pass."""
    market = Market(SimClock(), [MarketInstrument(symbol="ETH/USD", start_ticks=1000)])
    for number, limit in enumerate((1010, 1009, 1008, 900, 900, 900), start=1):
        request = OrderRequest(
            client_order_id=f"c{number}", symbol="ETH/USD", side=Side.BUY, qty=10, limit=limit
        )
        market.submit("acc", request, "bot")
    market.match("ETH/USD", 1000, 25)
    market.clock.advance(age_s * SECOND)
    dice = FaultDice("venue", faults)
    return market, SimVenue(market, "acc", dice), TradingClient(market, "acc", "bot", dice)


def test_without_faults_every_read_is_the_truth():
    market, sim_venue, _ = world_with(Faults())
    venue: Venue = sim_venue
    opened = asyncio.run(venue.open_orders())
    assert (opened.state, [row.venue_order_id for row in opened.rows]) == (
        ReadState.COMPLETE,
        ["V-000003", "V-000004", "V-000005", "V-000006"],
    )
    history = asyncio.run(venue.history(None))
    assert ([row.filled_qty for row in history.orders], [fill.qty for fill in history.fills]) == (
        ["0.01", "0.01", "0.005", "0", "0", "0"],
        ["0.01", "0.01", "0.005"],
    )
    assert asyncio.run(venue.history(market.clock.now())).orders == []
    position = asyncio.run(venue.positions()).rows[0]
    assert (position.symbol, position.qty, position.mark_price) == ("ETHUSD", "0.025", "10")
    found = asyncio.run(venue.find_order(QueryBy.CLIENT_ORDER_ID, "c3"))
    assert found.order is not None
    assert (found.outcome, found.order.venue_order_id) == (Outcome.FOUND, "V-000003")
    assert asyncio.run(venue.find_order(QueryBy.VENUE_ORDER_ID, "V-000099")).outcome is Outcome.ABSENT


def lies_of_open_orders(venue: SimVenue) -> str:
    """What is odd about one read of the open orders; empty where it is the truth."""
    try:
        read = venue.read_open_orders()
    except RateLimited:
        return "rate limited"
    except VenueUnavailable:
        return "failed"
    ids = [row.venue_order_id for row in read.rows]
    if read.state is ReadState.PARTIAL:
        return "partial" if len(ids) < 4 else ""
    if not ids:
        return "empty"
    if len(set(ids)) < len(ids):
        return "duplicates"
    if len(ids) < 4:
        return "hidden"
    first = read.rows[0]
    for lie, holds in (
        ("status", first.status is None and first.raw_status == "calculated"),
        ("filled quantity", first.filled_qty is None),
        ("average", first.filled_qty is not None and first.filled_avg_price is None),
    ):
        if holds:
            return lie
    return ""


@pytest.mark.parametrize(
    ("fault", "rate", "lie", "least", "most"),
    [
        # 400 reads: mean ± 5 standard deviations
        ("read_failed", 0.25, "failed", 57, 143),
        ("read_rate_limited", 0.25, "rate limited", 57, 143),
        ("read_truncated", 0.25, "partial", 57, 143),
        ("read_empty", 0.25, "empty", 57, 143),
        ("row_duplicated", 1, "duplicates", 400, 400),
        ("status_unknown", 0.25, "status", 57, 143),
        ("filled_qty_missing", 0.25, "filled quantity", 57, 143),
        ("average_missing", 0.25, "average", 57, 143),
    ],
)
def test_a_fault_of_a_read_strikes_at_its_rate_and_alone(fault, rate, lie, least, most):
    _, venue, _ = world_with(structs.replace(Faults(), **{fault: rate}))
    lies = [lies_of_open_orders(venue) for _ in range(READS)]
    assert set(lies) <= {"", lie}
    assert least <= lies.count(lie) <= most


def test_a_hidden_order_is_in_no_list_for_some_seconds_but_is_found_when_asked_for():
    market, venue, _ = world_with(Faults(order_hidden=1), age_s=0)
    assert venue.read_open_orders().rows == []
    assert venue.read_history(None).orders == []
    assert venue.answer(QueryBy.VENUE_ORDER_ID, "V-000004").outcome is Outcome.FOUND
    market.clock.advance(20 * SECOND)
    assert len(venue.read_open_orders().rows) == 4


def test_a_late_fill_comes_after_the_orders_figures():
    market, venue, _ = world_with(Faults(fill_late=1), age_s=0)
    history = venue.read_history(None)
    assert (history.orders[2].filled_qty, history.fills) == ("0.005", [])
    market.clock.advance(20 * SECOND)
    assert len(venue.read_history(None).fills) == 3


def test_a_late_order_is_behind_its_fills():
    market, venue, _ = world_with(Faults(order_late=1))
    market.match("ETH/USD", 1000, 5)
    history = venue.read_history(None)
    assert history.orders[2].filled_qty == "0.005"
    assert [fill.qty for fill in history.fills if fill.venue_order_id == "V-000003"] == ["0.005", "0.005"]


def test_a_stale_read_is_one_earlier_state_of_everything():
    market, venue, _ = world_with(Faults(read_stale=1))
    market.match("ETH/USD", 1000, 5)
    assert [row.filled_qty for row in venue.read_open_orders().rows] == ["0.005", "0", "0", "0"]
    assert len(venue.read_history(None).fills) == 3
    assert venue.read_positions().rows[0].qty == "0.025"


def test_stale_and_unknown_answers():
    market, venue, client = world_with(Faults(answer_stale=1))
    client.submit(OrderRequest(client_order_id="c7", symbol="ETH/USD", side=Side.BUY, qty=10))
    assert venue.answer(QueryBy.CLIENT_ORDER_ID, "c7").outcome is Outcome.ABSENT
    market.clock.advance(20 * SECOND)
    assert venue.answer(QueryBy.CLIENT_ORDER_ID, "c7").outcome is Outcome.FOUND
    _, unsure, _ = world_with(Faults(answer_unknown=1))
    assert unsure.answer(QueryBy.CLIENT_ORDER_ID, "c1").outcome is Outcome.UNKNOWN


def test_a_call_can_be_lost_before_and_after_its_effect():
    request = OrderRequest(client_order_id="c7", symbol="ETH/USD", side=Side.BUY, qty=10, limit=1)
    for faults, placed in ((Faults(call_lost=1), False), (Faults(call_unanswered=1), True)):
        market, _, client = world_with(faults)
        with pytest.raises(VenueUnavailable):
            client.submit(request)
        assert (market.truth_by_client_id("acc", "c7") is not None) is placed


def test_frames_are_lost_late_and_doubled():
    def kinds(faults: Faults, wait_s: int) -> list[str]:
        market, _, client = world_with(faults)
        client.frames()
        market.cancel("acc", "V-000004")
        client.frames()
        market.clock.advance(wait_s * SECOND)
        return [event.kind for event in client.frames()]

    assert kinds(Faults(frame_lost=1), 20) == []
    assert "canceled" in kinds(Faults(frame_late=1), 20)
    market, _, client = world_with(Faults(frame_duplicated=1))
    client.frames()
    market.cancel("acc", "V-000004")
    assert [event.kind for event in client.frames()] == ["canceled", "canceled"]


def test_rates_are_all_zero_by_default_and_storms_have_all_that_workers_can_meet():
    assert set(structs.asdict(Faults()).values()) == {0}
    storms = [structs.asdict(Faults.drawn(Random(seed))) for seed in range(30)]
    assert all(0 <= rate < 1 for storm in storms for rate in storm.values())
    drawn = {name for storm in storms for name, rate in storm.items() if rate}
    assert drawn == set(FAULT_NAMES)


def test_a_venue_gone_blank_denies_every_order_and_reads_no_history():
    _, venue, _ = world_with(Faults())
    venue.is_blank = True
    assert (venue.read_open_orders().state, venue.read_open_orders().rows) == (ReadState.COMPLETE, [])
    assert venue.answer(QueryBy.VENUE_ORDER_ID, "V-000004").outcome is Outcome.ABSENT
    with pytest.raises(VenueUnavailable):
        venue.read_history(None)
    venue.is_blank = False
    assert venue.answer(QueryBy.VENUE_ORDER_ID, "V-000004").outcome is Outcome.FOUND
