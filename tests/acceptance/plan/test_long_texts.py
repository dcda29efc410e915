"""Texts of megabytes, from a venue, a bot or a file, are refused with their place, in a short line."""

import json
import tracemalloc
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from tests.acceptance.plan.snapshots import local_order, snapshot, venue_order
from trueup.engine.recorder.check_recorded import checked
from trueup.exports.read_rows import read_rows
from trueup.exports.rows import COLUMNS_MAX
from trueup.model.check_snapshot import check_snapshot
from trueup.model.check_texts import TEXT_CHARS_MAX
from trueup.model.decode import decode_snapshot
from trueup.model.errors import InputError
from trueup.model.snapshot import Fill, LocalOrder, Position, PositionsRead, Snapshot, VenueAnswer, VenueOrder
from trueup.model.vocabulary import Outcome, QueryBy, Side, Status

LONG = "A" * 10_000_000
MIB = 1 << 20
ORDER = LocalOrder(client_order_id="c-9", side=Side.BUY, status=Status.PENDING_NEW, qty="1")


def refused(document: dict[str, Any]) -> InputError:
    with pytest.raises(InputError) as caught:
        decode_snapshot(json.dumps(document))
    assert len(str(caught.value)) < 3000
    return caught.value


def world() -> dict[str, Any]:
    return snapshot([local_order()], [venue_order()])


@pytest.mark.parametrize(
    ("side", "path", "key"),
    [
        (("venue", "open_orders", "rows"), "$.venue.open_orders.rows[0]", "symbol"),
        (("venue", "open_orders", "rows"), "$.venue.open_orders.rows[0]", "status_reason"),
        (("venue", "open_orders", "rows"), "$.venue.open_orders.rows[0]", "raw_status"),
        (("local", "orders"), "$.local.orders[0]", "symbol"),
        (("local", "orders"), "$.local.orders[0]", "sub_tag"),
    ],
)
def test_a_text_of_ten_megabytes_is_refused_with_its_place(side: tuple[str, ...], path: str, key: str):
    document = deepcopy(world())
    rows: Any = document
    for step in side:
        rows = rows[step]
    rows[0][key] = LONG
    fault = refused(document)
    assert fault.path == f"{path}.{key}"
    assert fault.message == f"longer than {TEXT_CHARS_MAX} characters (10000000)"
    rows[0][key] = "A" * TEXT_CHARS_MAX
    decode_snapshot(json.dumps(document))


def test_a_word_or_a_key_of_ten_megabytes_is_not_quoted_whole():
    document = world()
    document["venue"]["open_orders"]["rows"][0]["status"] = LONG
    assert "characters)" in refused(document).message
    document = world()
    document["venue"]["open_orders"]["rows"][0][LONG] = "1"
    assert "characters)" in refused(document).path


def test_the_recorder_refuses_it():
    order = LocalOrder(
        client_order_id="c", symbol=LONG, side=Side.BUY, status=Status.PENDING_NEW, qty="1"
    )  # fmt: skip
    with pytest.raises(InputError, match=r"LocalOrder\.symbol: longer than 1000"):
        checked(order)


def test_a_file_of_a_hundred_thousand_columns_is_refused():
    """Comparing each name with each took minutes."""
    header = ",".join(f"c{number}" for number in range(100_000))
    data = f"{header}\n{','.join(['1'] * 100_000)}\n".encode()
    tracemalloc.start()
    with pytest.raises(InputError, match=rf"more than {COLUMNS_MAX} columns \(100000\)"):
        read_rows(data, "wide.csv")
    assert tracemalloc.get_traced_memory()[1] < 50 * MIB
    tracemalloc.stop()
    row = json.dumps([{"id": "1", **{f"c{number}": 1 for number in range(COLUMNS_MAX)}}]).encode()
    with pytest.raises(InputError, match="more than 1000 keys"):
        read_rows(row, "wide.json")


def test_a_cell_of_ten_megabytes_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match=r"long\.csv line 2"):
        read_rows(f"id,symbol\n1,{LONG}\n".encode(), "long.csv")


@pytest.mark.parametrize(
    ("path", "long"),
    [
        ("$.local.orders[0].trade_id", lambda made: with_local(made, orders=[replace(ORDER, trade_id=LONG)])),
        ("$.local.fills[0].fill_id", lambda made: with_local(made, fills=[Fill(fill_id=LONG, qty="1")])),
        (
            "$.venue.positions.rows[0].symbol",
            lambda made: with_venue(made, positions=PositionsRead(rows=[Position(symbol=LONG, qty="1")])),
        ),
        (
            "$.venue.answers[0].order.status_reason",
            lambda made: with_venue(
                made,
                answers=[
                    VenueAnswer(
                        by=QueryBy.VENUE_ORDER_ID,
                        id="v-1",
                        outcome=Outcome.FOUND,
                        order=VenueOrder(venue_order_id="v-1", qty="1", status_reason=LONG),
                    )
                ],
            ),
        ),
    ],
)
def test_a_snapshot_that_is_made_in_memory_is_refused_as_well(
    path: str, long: Callable[[Snapshot], Snapshot]
):
    made = decode_snapshot(json.dumps(world()))
    with pytest.raises(InputError, match="longer than 1000 characters") as caught:
        check_snapshot(long(made))
    assert caught.value.path == path
    with pytest.raises(InputError, match="longer than 1000 characters") as caught:
        decode_snapshot(msgspec.json.encode(long(made)))
    assert caught.value.path == path


def with_local(made: Snapshot, **changes: Any) -> Snapshot:
    return replace(made, local=replace(made.local, **changes))


def with_venue(made: Snapshot, **changes: Any) -> Snapshot:
    return replace(made, venue=replace(made.venue, **changes))
