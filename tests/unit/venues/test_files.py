"""A venue that is a file: what it answers, how old it is, and what it never claims."""

import asyncio
import os
from pathlib import Path

import pytest

from trueup.model.errors import ConfigError, VenueUnavailable
from trueup.model.snapshot import HistoryRead, OrdersRead, VenueAnswer, VenueOrder
from trueup.model.vocabulary import Outcome, QueryBy, ReadState, Side, Status
from trueup.ports.venue import VenueSettings
from trueup.service.clock import SystemClock
from trueup.venues.files import Export, FilesVenue, open_venue, write_export

OPENED = OrdersRead(
    state=ReadState.COMPLETE, rows=[VenueOrder(venue_order_id="V-1", client_order_id="c-1", symbol="ETH/USD")]
)
PAST = HistoryRead(
    state=ReadState.COMPLETE,
    read_at="2026-11-23T12:00:00Z",
    orders=[VenueOrder(venue_order_id="V-2", client_order_id="c-2")],
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "venue.json"


def ask(venue: FilesVenue, by: QueryBy, order_id: str) -> VenueAnswer:
    return asyncio.run(venue.find_order(by, order_id))


def test_an_undated_read_is_as_old_as_its_file(path: Path):
    write_export(path, Export(open_orders=OPENED, history=PAST))
    os.utime(path, ns=(0, 1_700_000_000_000_000_000))
    venue = FilesVenue(path)
    assert asyncio.run(venue.open_orders()).read_at == "2023-11-14T22:13:20Z"
    assert asyncio.run(venue.history(None)).read_at == "2026-11-23T12:00:00Z"


def test_what_was_left_out_was_not_read(path: Path):
    path.write_text("{}")
    venue = FilesVenue(path)
    assert asyncio.run(venue.open_orders()).state is ReadState.FAILED
    assert asyncio.run(venue.positions()).state is ReadState.FAILED


@pytest.mark.parametrize(
    ("by", "order_id", "outcome"),
    [
        (QueryBy.VENUE_ORDER_ID, " v-1", Outcome.FOUND),
        (QueryBy.CLIENT_ORDER_ID, "C-2", Outcome.FOUND),
        (QueryBy.VENUE_ORDER_ID, "v-3", Outcome.ABSENT),
        (QueryBy.CLIENT_ORDER_ID, "v-1", Outcome.ABSENT),
    ],
)
def test_a_whole_export_can_say_absent(path: Path, by: QueryBy, order_id: str, outcome: Outcome):
    write_export(path, Export(open_orders=OPENED, history=PAST))
    assert ask(FilesVenue(path), by, order_id).outcome is outcome


@pytest.mark.parametrize(
    "export",
    [
        Export(open_orders=OPENED),
        Export(history=PAST),
        Export(open_orders=OPENED, history=HistoryRead(state=ReadState.PARTIAL)),
        Export(
            open_orders=OPENED, history=HistoryRead(state=ReadState.COMPLETE, since="2026-11-23T00:00:00Z")
        ),
    ],
)
def test_a_part_of_one_never_does(path: Path, export: Export):
    write_export(path, export)
    assert ask(FilesVenue(path), QueryBy.VENUE_ORDER_ID, "v-3").outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    "text", [None, "", "{", '{"open_order": {}}', '{"open_orders": {"rows": [{"qty": 1}]}}']
)
def test_a_file_that_cannot_be_used_is_an_unavailable_venue(path: Path, text: str | None):
    if text is not None:
        path.write_text(text)
    with pytest.raises(VenueUnavailable, match=r"venue\.json"):
        asyncio.run(FilesVenue(path).open_orders())


@pytest.mark.parametrize("options", [{}, {"path": ""}, {"path": 3}, {"path": "x", "other": 1}])
def test_its_options_are_checked(options: dict[str, object]):
    with pytest.raises(ConfigError, match="exactly one option"):
        open_venue(VenueSettings(account_id="a", options=options, clock=SystemClock()))


def test_it_is_read_by_the_rules_of_a_snapshot(path: Path):
    row = '{"venue_order_id": "v-1", "side": "short", "qty": 0.10, "status": "accepted", "filled_qty": null}'
    path.write_text(
        f'{{"recorded_account_id": "a", "open_orders": {{"state": "complete", "rows": [{row}]}}}}'
    )
    (order,) = asyncio.run(FilesVenue(path).open_orders()).rows
    assert (order.side, order.qty, order.status) == (Side.SELL, "0.10", Status.PENDING_NEW)


@pytest.mark.parametrize(
    ("key", "text", "place"),
    [
        (
            "open_orders",
            '{"state": "complete", "rows": [{"venue_order_id": "v", "qty": "NaN"}]}',
            "rows[0].qty: ",
        ),
        (
            "history",
            '{"state": "complete", "fills": [{"fill_id": "f", "qty": "1", "filled_at": "noon"}]}',
            "fills[0].filled_at: ",
        ),
        ("instruments", '[{"symbol": "A/B"}, {"symbol": "ab"}]', "[1].symbol: duplicate of"),
    ],
)
def test_a_row_that_no_snapshot_may_have_is_named_and_spoils_the_read_not_the_run(
    path: Path, key: str, text: str, place: str
):
    path.write_text(f'{{"{key}": {text}}}')
    with pytest.raises(VenueUnavailable) as caught:
        asyncio.run(FilesVenue(path).open_orders())
    assert f"venue.json is not an export: $.{key}" in str(caught.value)
    assert place in str(caught.value)
