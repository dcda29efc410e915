"""What holds whatever a venue answers: the budget, and that no secret is seen."""

import asyncio
import logging
import logging.config
import traceback

import pytest

from trueup.model.errors import VenueError
from trueup.model.times import NS_PER_S
from trueup.model.vocabulary import QueryBy
from trueup.ports.clock import Clock
from trueup.ports.venue import TellingTime, Venue
from trueup.sim.paper.faults import PaperFault
from trueup.testing.venues.bench import IMPATIENT_S, Bench, open_for
from trueup.testing.venues.test_listings import ALWAYS, HARSH

MINUTE_NS = 60 * NS_PER_S


async def _use(venue: Venue) -> list[BaseException]:
    """Every read once; what they raised."""
    errors: list[BaseException] = []
    for read in (
        venue.account_id,
        venue.now_ns,
        venue.open_orders,
        venue.positions,
        lambda: venue.history(None),
        lambda: venue.find_order(QueryBy.CLIENT_ORDER_ID, "a"),
        lambda: venue.find_order(QueryBy.VENUE_ORDER_ID, "a"),
    ):
        try:
            await read()
        except VenueError as error:
            errors.append(error)
    return errors


@pytest.mark.parametrize("fault", [None, *HARSH])
async def test_no_minute_sees_more_requests_than_the_budget(bench: Bench, fault: PaperFault | None) -> None:
    bench.place("a")
    budget = 7
    venue = bench.reopen(budget=budget, timeout_s=IMPATIENT_S)
    if fault is not None:
        bench.plan(fault, times=ALWAYS)
    for _ in range(4):
        await _use(venue)
        bench.clock.advance(25 * NS_PER_S)
    sent = bench.sent_ns()
    assert len(sent) > budget or fault is PaperFault.RATE_LIMITED  # the venue's own wait is longer than ours
    for index, sent_ns in enumerate(sent[budget:]):
        assert sent_ns - sent[index] >= MINUTE_NS


async def test_readers_at_the_same_time_share_one_budget(bench: Bench) -> None:
    budget = 10
    venues = [bench.reopen(budget=budget) for _ in range(3)]
    await asyncio.gather(*(_use(venue) for venue in venues))
    bench.clock.advance(50 * NS_PER_S)
    await asyncio.gather(*(_use(venue) for venue in venues))
    sent = bench.sent_ns()
    assert len(sent) > budget
    for index, sent_ns in enumerate(sent[budget:]):
        assert sent_ns - sent[index] >= MINUTE_NS


@pytest.mark.parametrize("fault", [None, *HARSH, PaperFault.OTHER_ORDER])
async def test_nothing_but_reads_is_sent(bench: Bench, fault: PaperFault | None) -> None:
    bench.place("a")
    if fault is not None:
        bench.plan(fault, times=ALWAYS)
    await _use(open_for(bench, fault))
    assert bench.methods() == {"GET"}


@pytest.mark.parametrize("fault", [None, *HARSH, PaperFault.OTHER_ORDER])
async def test_no_secret_is_seen(
    bench: Bench, fault: PaperFault | None, caplog: pytest.LogCaptureFixture
) -> None:
    logging.config.dictConfig({"version": 1, "disable_existing_loggers": False})  # as uvicorn does beside us
    caplog.set_level(logging.DEBUG)
    bench.place("a")
    if fault is not None:
        bench.plan(fault, times=ALWAYS)
    venue = open_for(bench, fault)
    errors = await _use(venue)
    seen = [repr(venue), caplog.text]
    seen += ["".join(traceback.format_exception(error)) for error in errors]
    for secret in bench.secrets:
        assert secret not in "\n".join(seen)


class Ahead:
    """The venue's clock, so many seconds ahead."""

    def __init__(self, clock: Clock, ahead_s: int) -> None:
        self._clock = clock
        self._ahead_s = ahead_s

    def now_ns(self) -> int:
        return self._clock.now_ns() + self._ahead_s * NS_PER_S

    def monotonic_ns(self) -> int:
        return self._clock.monotonic_ns()

    async def sleep(self, seconds: float) -> None:
        await self._clock.sleep(seconds)


@pytest.mark.parametrize("ahead_s", [0, 120, -120])
async def test_every_answer_tells_how_far_our_clock_is_from_the_venues(bench: Bench, ahead_s: int) -> None:
    """By its `Date`, which is of whole seconds."""
    venue = bench.reopen(clock=Ahead(bench.clock, ahead_s))
    assert isinstance(venue, TellingTime)
    await venue.open_orders()
    skew_ns = venue.take_skew_ns()
    assert skew_ns is not None
    assert abs(skew_ns - ahead_s * NS_PER_S) <= NS_PER_S
    assert venue.take_skew_ns() is None
