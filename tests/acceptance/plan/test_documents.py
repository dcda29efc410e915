"""What a snapshot may be: strict input, refused with the JSON path of the fault; exact amounts; nulls and defaults."""

import copy
import json
from typing import Any

import pytest

from tests.acceptance.plan.snapshots import (
    absent,
    asked,
    at,
    fill,
    history,
    kinds,
    local_order,
    open_orders,
    plan_of,
    quiet,
    snapshot,
    steps,
    trade,
    venue_order,
)
from trueup.core.make_plan import make_plan
from trueup.model.decode import decode_snapshot
from trueup.model.errors import InputError

FULL = snapshot(
    [local_order()],
    [venue_order(), venue_order(venue_order_id="v-2"), venue_order(venue_order_id="v-3")],
    fills=[fill("F1", "0")],
    trades=[trade()],
    answers=[absent("v-1")],
    history=history([venue_order()], [fill("F1", "1")]),
    positions={"state": "complete", "rows": [{"symbol": "ETH/USD", "qty": "-1"}]},
    instruments=[{"symbol": "ETH/USD", "qty_step": "0.001"}],
    prior=[
        {
            "break_id": "b",
            "kind": "fill_drift",
            "first_seen_at": at(-60),
            "last_seen_at": at(-60),
            "confirmations": 1,
        }
    ],
    local_keys={"other_profiles_open_qty": {"ETH/USD": {"long": "1"}}},
)


def with_value(path: str, value) -> bytes:
    """FULL with one value set: `venue.open_orders.rows.2.qty`."""
    document = copy.deepcopy(FULL)
    *parents, key = [int(part) if part.isdigit() else part for part in path.split(".")]
    place: Any = document
    for parent in parents:
        place = place[parent]
    if value is ...:
        del place[key]
    else:
        place[key] = value
    return json.dumps(document).encode()


def refused(data: bytes) -> InputError:
    with pytest.raises(InputError) as caught:
        decode_snapshot(data)
    return caught.value


def json_path(path: str) -> str:
    return "$" + "".join(f"[{part}]" if part.isdigit() else f".{part}" for part in path.split("."))


def test_the_full_document_is_accepted():
    decode_snapshot(json.dumps(FULL).encode())


# Refused, with the path


@pytest.mark.parametrize(
    ("path", "value"),
    [
        # wrong types
        ("venue.open_orders.rows.2.qty", "ten"),
        ("venue.open_orders.rows.2.qty", ""),
        ("venue.open_orders.rows.2.qty", " 1"),
        ("venue.open_orders.rows.2.qty", "1_000"),
        ("venue.open_orders.rows.2.qty", "0x10"),
        ("venue.open_orders.rows.2.qty", True),
        ("venue.open_orders.rows.2.qty", []),
        ("venue.open_orders.rows", {}),
        ("local.orders.0.version", "1"),
        ("local.orders.0.client_order_id", 7),
        ("local.trades.0.trade_id", None),
        ("profile.profile_id", None),
        ("policy.queries_max", "10"),
        ("policy.queries_max", -1),
        ("policy.absence_confirmations", 0),
        # negative quantities
        ("local.orders.0.qty", "-1"),
        ("local.orders.0.filled_qty", "-0.001"),
        ("local.fills.0.qty", "-1"),
        ("local.trades.0.entry_qty", "-1"),
        ("local.trades.0.exit_qty", "-1"),
        ("venue.open_orders.rows.2.filled_qty", "-1"),
        ("venue.history.orders.0.qty", "-1"),
        ("venue.history.fills.0.qty", "-1"),
        ("local.other_profiles_open_qty.ETH/USD.long", "-1"),
        # not numbers
        ("venue.open_orders.rows.2.qty", "NaN"),
        ("venue.open_orders.rows.2.qty", "nan"),
        ("venue.open_orders.rows.2.limit_price", "Infinity"),
        ("venue.open_orders.rows.2.limit_price", "-inf"),
        ("local.orders.0.filled_avg_price", "sNaN"),
        # unknown words
        ("local.orders.0.status", "calculated"),
        ("local.orders.0.status", ""),
        ("local.orders.0.status", None),
        ("venue.open_orders.rows.0.status", "done_for_day"),
        ("local.orders.0.side", "hold"),
        ("local.orders.0.action", "open"),
        ("venue.open_orders.state", "empty"),
        ("venue.answers.0.outcome", "missing"),
        ("venue.answers.0.by", "trade_id"),
        ("local.extent", "some"),
        ("policy.on_confirmed_absence", "delete"),
        ("prior.0.kind", "oddity"),
        # unknown keys
        ("colour", 1),
        ("local.orders.0.colour", 1),
        ("venue.open_orders.rows.1.colour", 1),
        ("policy.colour", 1),
        ("profile.colour", 1),
        ("venue.answers.0.colour", 1),
        # times
        ("taken_at", "2026-11-23T12:00:00"),
        ("taken_at", "2026-11-23T12:00:00+01:00"),
        ("taken_at", "2026-11-23 12:00:00Z"),
        ("taken_at", "2026-13-23T12:00:00Z"),
        ("local.orders.0.last_activity_at", "yesterday"),
        ("venue.open_orders.rows.2.updated_at", "now"),
        ("venue.history.since", 0),
        # more than 30 significant digits
        ("venue.open_orders.rows.2.qty", "1" * 39),
        ("venue.open_orders.rows.2.qty", "0." + "1" * 39),
        # required keys
        ("taken_at", ...),
        ("format", ...),
        ("format", "trueup.snapshot/2"),
        ("local", ...),
        ("venue.open_orders.rows.2.venue_order_id", ...),
        ("local.trades.0.trade_id", ...),
    ],
)
def test_refused_with_the_path(path, value):
    error = refused(with_value(path, value))
    places = {
        json_path(path),
        json_path(path).rpartition(".")[0],
    }  # a missing or unknown key: its object's path
    assert error.path in places, (error.path, error.message)
    assert error.message


def test_the_path_names_the_row():
    error = refused(with_value("venue.open_orders.rows.2.qty", "NaN"))
    assert error.path == "$.venue.open_orders.rows[2].qty"
    assert str(error).startswith("$.venue.open_orders.rows[2].qty: ")


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b"null", b'"x"', b'{"format": "trueup.snapshot/1"', b"\xff\xfe{}"]
)
def test_what_is_no_document_is_refused(data):
    assert refused(data).message


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_bare_nan_is_refused(number):
    data = with_value("venue.open_orders.rows.2.qty", "@").replace(b'"@"', number.encode())
    assert refused(data).message


# Duplicates


def twins(section: str, first: dict, second: dict) -> InputError:
    document = copy.deepcopy(FULL)
    place = document if section == "instruments" else document["local"]
    place[section] = [first, second]
    return refused(json.dumps(document).encode())


@pytest.mark.parametrize(
    "second",
    [
        local_order(client_order_id="c-2"),
        local_order(client_order_id="c-2", venue_order_id=" V-1 "),
        local_order(client_order_id="c-2", symbol=None),
        local_order(client_order_id=" C-1", venue_order_id=None, symbol="BTC/USD", trade_id="t-1")
        | {"previous_venue_order_ids": ["v-1"], "symbol": "ETH/USD"},
    ],
)
def test_duplicate_ids_of_local_orders_are_refused(second):
    assert twins("orders", local_order(), second).path.startswith("$.local.orders[1]")


def test_two_rows_without_ids_that_agree_in_trade_symbol_and_side_are_duplicates():
    row = local_order(client_order_id=None, venue_order_id=None, trade_id="t-1")
    assert twins("orders", row, row | {"qty": "3"}).path.startswith("$.local.orders[1]")


def test_a_local_order_that_nothing_names_is_refused():
    row = local_order(client_order_id=None, venue_order_id=None, trade_id=None)
    assert refused(json.dumps(snapshot([row])).encode()).path.startswith("$.local.orders[0]")


def test_duplicate_trades_fills_and_instruments_are_refused():
    assert twins("trades", trade(), trade()).path.startswith("$.local.trades[1]")
    assert twins("fills", fill("F1", "1"), fill("F1", "1")).path.startswith("$.local.fills[1]")
    assert twins("instruments", {"symbol": "ETH/USD"}, {"symbol": "ethusd"}).path.startswith(
        "$.instruments[1]"
    )


def test_one_fill_of_one_order_is_a_duplicate_whatever_its_client_id():
    assert twins("fills", fill("F1", "1"), fill("F1", "2", client_order_id="c-1")).path.startswith(
        "$.local.fills[1]"
    )


def test_one_fill_id_in_two_orders_is_no_duplicate():
    document = snapshot([local_order()], fills=[fill("F1", "1"), fill("F1", "1", venue_order_id="v-2")])
    decode_snapshot(json.dumps(document).encode())


def test_useless_client_ids_are_no_duplicates():
    rows = [local_order(client_order_id=word, venue_order_id=f"v-{word}") for word in ("", "0", "api")]
    rows.append(local_order(client_order_id="0", venue_order_id="v-9"))
    decode_snapshot(json.dumps(snapshot(rows)).encode())


def test_the_venues_duplicates_are_merged():
    planned = plan_of(
        snapshot([local_order()], [venue_order(), venue_order(), venue_order(venue_order_id="V-1")])
    )
    assert quiet(planned)


# Accepted


def test_signed_positions_and_baseline_are_accepted():
    decode_snapshot(with_value("venue.positions.rows.0.qty", "-12.5"))
    decode_snapshot(with_value("policy.position_baseline", {"ETH/USD": "-3"}))


def test_numbers_are_accepted_as_exact_text():
    data = with_value("venue.open_orders.rows.0.qty", "@").replace(b'"@"', b"0.10000000000000000000000000001")
    snapshot_read = decode_snapshot(data)
    assert snapshot_read.venue.open_orders.rows[0].qty == "0.10000000000000000000000000001"


def test_a_number_never_passes_through_a_float():
    document = json.dumps(snapshot([local_order(qty="@")], [venue_order(qty="12345678901234567.89")]))
    read = make_plan(decode_snapshot(document.replace('"@"', "12345678901234567.89").encode()))
    assert read.breaks == []


@pytest.mark.parametrize(
    "good", ["1" * 30, "0." + "1" * 30, "1" + "0" * 30, "0." + "0" * 29 + "1", "1e30", "1e-30"]
)
def test_30_significant_digits_and_exponents_within_30_are_accepted(good):
    decode_snapshot(with_value("venue.open_orders.rows.2.qty", good))


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ("1" * 31, "more than 30 significant digits"),
        ("0." + "1" * 31, "more than 30 significant digits"),
        ("1" + "0" * 31, "exponent beyond ±30"),
        ("0." + "0" * 30 + "1", "exponent beyond ±30"),
        ("1e31", "exponent beyond ±30"),
        ("1e-31", "exponent beyond ±30"),
        ("1e400", "exponent beyond ±30"),
        ("1e999999999999", "exponent beyond ±30"),
        ("1e99999999999999999999", "exponent beyond ±30"),
        ("1_0", "expected a decimal"),
        ("1_0e1", "expected a decimal"),
        ("\u0661", "expected a decimal"),
    ],
)
def test_other_amounts_are_refused_with_their_place(bad, words):
    with pytest.raises(InputError, match=words) as refused:
        decode_snapshot(with_value("venue.open_orders.rows.2.qty", bad))
    assert refused.value.path == "$.venue.open_orders.rows[2].qty"


def test_absent_keys_equal_null():
    document = copy.deepcopy(FULL)
    for key in ("history", "positions", "answers"):
        document["venue"][key] = None
    for key in ("policy", "instruments", "prior"):
        document[key] = None
    for key in ("fills", "trades", "answers", "extent", "read_at", "other_profiles_open_qty"):
        document["local"][key] = None
    for key in ("filled_qty", "previous_venue_order_ids", "version", "action", "stop_price"):
        document["local"]["orders"][0][key] = None
    bare = copy.deepcopy(document)
    for place in (bare, bare["local"], bare["venue"], bare["local"]["orders"][0]):
        for key in [key for key, value in place.items() if value is None]:
            del place[key]
    assert plan_of(bare)["plan_id"] == plan_of(document | {"venue": document["venue"]})["plan_id"]


def test_an_absent_read_at_is_now():
    read = open_orders([venue_order(status="canceled")])
    del read["read_at"]
    planned = plan_of(snapshot([local_order(last_activity_at=at(-5))], read))
    assert steps(planned) == []
    planned = plan_of(snapshot([local_order(last_activity_at=at(-5.000001))], read))
    assert steps(planned) == ["set_status v-1 canceled"]


def test_what_was_left_out_was_not_read():
    document = snapshot([local_order()])
    del document["venue"]
    read = decode_snapshot(json.dumps(document).encode())
    for one in (read.venue.open_orders, read.venue.history, read.venue.positions):
        assert (one.state, one.error) == ("failed", "not read")


def test_a_booked_quantity_below_its_fill_rows_is_not_bad_input():
    document = snapshot([local_order()], [venue_order()], fills=[fill("F1", "3")])
    assert "fill_drift" in kinds(plan_of(document))


def test_useless_client_ids_are_null():
    planned = plan_of(snapshot([local_order(client_order_id="0")], []))
    assert planned["breaks"][0]["client_order_id"] is None
    assert asked(planned) == ["venue venue_order_id v-1"]
