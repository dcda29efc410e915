"""Single orders: found, absent with authority, or unknown."""

import pytest

from trueup.model.errors import VenueError
from trueup.model.snapshot import VenueAnswer
from trueup.model.vocabulary import Outcome, QueryBy, Status
from trueup.sim.paper.faults import PaperFault
from trueup.testing.venues.bench import Bench, open_for
from trueup.testing.venues.test_listings import ALWAYS, BROKEN

ODD_IDS = (
    "a b",
    "a+b",
    "a/b",
    "a%2Fb",
    "a?b=c&d#e",
    "ä-ß-é",
    "日本",
    "'\"<>;--",
    "..",
    "x" * 128,
    "Mixed-CASE",
)


async def _ask(bench: Bench, by: QueryBy, order_id: str, fault: PaperFault | None = None) -> VenueAnswer:
    """An answer; an error counts as unknown, as the engine takes it."""
    try:
        return await open_for(bench, fault).find_order(by, order_id)
    except VenueError as error:
        return VenueAnswer(by=by, id=order_id, outcome=Outcome.UNKNOWN, error=str(error))


@pytest.mark.parametrize("client_order_id", ODD_IDS)
async def test_ids_with_odd_characters(bench: Bench, client_order_id: str) -> None:
    placed = bench.place(client_order_id)
    bench.place("another")
    answer = await _ask(bench, QueryBy.CLIENT_ORDER_ID, client_order_id)
    assert answer.outcome is Outcome.FOUND
    assert answer.order is not None
    assert (answer.order.client_order_id, answer.order.venue_order_id) == (client_order_id, placed)
    assert client_order_id in [row.client_order_id for row in (await bench.venue.open_orders()).rows]


@pytest.mark.parametrize("order_id", [*ODD_IDS, ""])
async def test_odd_venue_order_ids_never_find_another_order(bench: Bench, order_id: str) -> None:
    bench.place("a")
    assert (await _ask(bench, QueryBy.VENUE_ORDER_ID, order_id)).outcome is not Outcome.FOUND


async def test_found_by_either_id_whatever_became_of_it(bench: Bench) -> None:
    ended, opened = bench.place("ended"), bench.place("opened")
    bench.cancel(ended)
    for by, order_id, status in (
        (QueryBy.VENUE_ORDER_ID, ended, Status.CANCELED),
        (QueryBy.CLIENT_ORDER_ID, "ended", Status.CANCELED),
        (QueryBy.VENUE_ORDER_ID, opened, Status.PENDING_NEW),
    ):
        answer = await _ask(bench, by, order_id)
        assert answer.order is not None
        assert (answer.outcome, answer.order.status) == (Outcome.FOUND, status)


@pytest.mark.parametrize("by", [QueryBy.VENUE_ORDER_ID, QueryBy.CLIENT_ORDER_ID])
async def test_absent_is_what_the_venue_says_itself(bench: Bench, by: QueryBy) -> None:
    bench.place("a")
    answer = await _ask(bench, by, "00000000-0000-0000-0000-000000000000")
    assert (answer.outcome, answer.order) == (Outcome.ABSENT, None)


@pytest.mark.parametrize("fault", [*BROKEN, PaperFault.OTHER_ORDER])
async def test_anything_else_is_unknown(bench: Bench, fault: PaperFault) -> None:
    bench.place("a")
    bench.plan(fault, times=ALWAYS)
    answer = await _ask(bench, QueryBy.CLIENT_ORDER_ID, "a", fault)
    assert answer.outcome is Outcome.UNKNOWN
    assert answer.error
