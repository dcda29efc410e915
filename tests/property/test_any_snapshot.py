"""Any snapshot that can be written down: few ids, so that they collide in every way; any reads and findings."""

from collections.abc import Iterator
from decimal import Decimal

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.property.books import is_useful, normal, place_of
from tests.property.test_worlds import projected, shuffled
from tests.property.truth import Document, at
from tests.property.worlds import STAGES_OFF, plan_bytes, plan_of
from trueup.model.errors import InputError

LIVE = ("pending_new", "partially_filled", "pending_cancel", "pending_replace", "suspended")
TERMINAL = ("filled", "canceled", "expired", "rejected", "replaced")

client_ids = st.sampled_from([None, None, "c-1", "c-2", "c-3", " C-1", "c-4", "0", "bot.t-1.exit"])
times = st.sampled_from([None, *map(at, (-90000, -3600, -3600, -600, -600, -61, -7, -3))])
read_times = st.sampled_from([None, None, at(-1), at(-600)])
some_time = st.sampled_from([at(second) for second in (-90000, -3600, -600, -61, -7, -3, 0)])
amounts = st.sampled_from([None, "0", "1", "2.5", "4", "10"])
quantities = st.sampled_from(["10", "10", "10", "10", "4", "0", None])
prices = st.sampled_from([None, "0", "99", "100", "100.0"])
symbols = st.sampled_from(["ETH/USD"] * 6 + ["BTC/USD", None])
sides = st.sampled_from(["buy"] * 4 + ["sell"])
statuses = st.sampled_from(LIVE + TERMINAL)
rare_venue_ids = st.sampled_from([None, None, None, None, None, "v-1", "v-2", "v-3"])
usual_venue_ids = st.sampled_from(["v-1", "v-2", "v-3", "V-1 ", "v-1", "v-2", None])

local_orders = st.fixed_dictionaries(
    {
        "client_order_id": client_ids,
        "venue_order_id": usual_venue_ids,
        "trade_id": st.sampled_from([None, "t-1", "t-2"]),
        "symbol": symbols,
        "side": sides,
        "action": st.sampled_from([None, "entry", "exit"]),
        "qty": quantities,
        "limit_price": prices,
        "stop_price": prices,
        "status": statuses,
        "filled_qty": st.sampled_from(["0", "1", "2.5", "10"]),
        "filled_avg_price": prices,
        "submitted_at": times,
        "last_activity_at": times,
        "venue_updated_at": times,
        "previous_venue_order_ids": st.sampled_from([[], [], [], [], ["v-1"], ["v-2", "v-3"]]),
        "version": st.integers(1, 3),
    }
)
venue_orders = st.fixed_dictionaries(
    {
        "venue_order_id": usual_venue_ids,
        "client_order_id": client_ids,
        "symbol": symbols,
        "side": sides,
        "qty": quantities,
        "limit_price": prices,
        "stop_price": prices,
        "status": st.none() | statuses,
        "status_reason": st.sampled_from([None, "why"]),
        "intent": st.sampled_from([None, "open", "close"]),
        "filled_qty": amounts,
        "filled_avg_price": prices,
        "sub_tag": st.sampled_from([None, "desk-1", "desk-2"]),
        "replaces": rare_venue_ids,
        "replaced_by": rare_venue_ids,
        "parent_venue_order_id": rare_venue_ids,
        "submitted_at": times,
        "updated_at": times,
    }
)
fills = st.fixed_dictionaries(
    {
        "fill_id": st.sampled_from(["F1", "F2"]),
        "venue_order_id": usual_venue_ids,
        "client_order_id": client_ids,
        "symbol": symbols,
        "side": sides,
        "qty": st.sampled_from(["0", "1", "2.5", "4"]),
        "price": prices,
        "fee": st.sampled_from([None, "0.1", "-0.1"]),
        "fee_currency": st.sampled_from([None, "USD", "ETH"]),
        "filled_at": times,
        "inferred": st.booleans(),
    }
)
answers = st.one_of(
    st.builds(
        lambda by, order_id, outcome, read_at: {
            "by": by,
            "id": order_id,
            "outcome": outcome,
            "read_at": read_at,
        },
        st.sampled_from(["venue_order_id", "client_order_id"]),
        st.sampled_from(["v-1", "v-2", "v-3", "c-1", "c-2", "c-3"]),
        st.sampled_from(["absent", "absent", "unknown"]),
        times,
    ),
    st.builds(
        lambda order, read_at: {
            "by": "venue_order_id",
            "id": order["venue_order_id"] or "v-1",
            "outcome": "found",
            "order": order,
            "read_at": read_at,
        },
        venue_orders,
        times,
    ),
)
findings = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["missing_at_venue", "fill_drift", "venue_behind", "position_mismatch"]),
        "break_id": st.none(),
        "venue_order_id": usual_venue_ids,
        "client_order_id": client_ids,
        "first_seen_at": some_time,
        "last_seen_at": some_time,
        "confirmations": st.integers(0, 9),
        "version": st.none() | st.integers(1, 3),
    }
)
trades = st.fixed_dictionaries(
    {
        "trade_id": st.sampled_from(["t-1", "t-2"]),
        "symbol": st.sampled_from(["ETH/USD", "BTC/USD"]),
        "side": st.sampled_from(["long", "short"]),
        "status": st.sampled_from(["open", "closed", "quarantined"]),
        "entry_qty": st.sampled_from(["0", "10"]),
        "exit_qty": st.sampled_from(["0", "2.5", "10"]),
        "entry_avg_price": prices,
        "fee_base_qty": st.sampled_from(["0", "0.1"]),
    }
)
positions = st.fixed_dictionaries(
    {
        "symbol": st.sampled_from(["ETH/USD", "BTC/USD"]),
        "qty": st.sampled_from(["0", "-10", "7.5", "10", "20"]),
        "mark_price": prices,
        "position_side": st.sampled_from([None, None, "long", "short"]),
    }
)
policies = st.fixed_dictionaries(
    {},
    optional={
        "queries_max": st.integers(0, 3),
        "allow_overfill": st.booleans(),
        "absence_confirmations": st.just(1),
        "absence_min_age_s": st.just(0),
        "recent_activity_window_s": st.sampled_from([0, 5]),
        "owned_client_order_id_prefixes": st.just(["c"]),
        "owned_sub_tags": st.just(["desk-1"]),
        "client_order_id_pattern": st.just(r"^bot\.(?P<trade>[^.]+)\.(?P<action>entry|exit)"),
        "managed_symbols": st.just(["ETH/USD"]),
        "parity_confirmations": st.just(1),
        "parity_min_age_s": st.just(0),
        "parity_action": st.sampled_from(["auto_close", "report"]),
        "parity_auto_close_notional_max_usd": st.just("100000"),
        "missing_position_is_flat": st.booleans(),
        "coverage_inserts_max": st.integers(0, 2),
        "coverage_dry_run": st.booleans(),
        "exit_backfill_dry_run": st.booleans(),
    },
)
ID_KEYS = ("venue_order_id", "client_order_id")
STATES = ["complete", "complete", "complete", "partial", "failed"]


def reads(rows: Document, states: list[str] = STATES) -> st.SearchStrategy[Document]:
    return st.fixed_dictionaries({"state": st.sampled_from(states), "read_at": read_times} | rows)


def snapshots(open_order_states: list[str]) -> st.SearchStrategy[Document]:
    venue_rows = st.lists(venue_orders, max_size=4)
    return st.fixed_dictionaries(
        {
            "format": st.just("trueup.snapshot/1"),
            "taken_at": st.just(at(0)),
            "profile": st.just({"profile_id": "p-1", "account_id": "a-1"}),
            "policy": st.builds(dict.__or__, st.sampled_from([STAGES_OFF, {}]), policies),
            "instruments": st.sampled_from([[], [{"symbol": "ETH/USD", "qty_step": "0.01"}]]),
            "local": st.fixed_dictionaries(
                {
                    "extent": st.sampled_from(["all", "open_and_recent"]),
                    "orders": st.lists(local_orders, max_size=4).map(only_distinct_orders),
                    "fills": st.lists(fills.map(named_by_kind), max_size=3, unique_by=fill_identity),
                    "trades": st.lists(trades, max_size=2, unique_by=lambda row: row["trade_id"]),
                    "answers": st.lists(answers.filter(lambda one: one["outcome"] != "found"), max_size=3),
                }
            ),
            "venue": st.fixed_dictionaries(
                {
                    "account_id": st.sampled_from([None, "a-1", "a-2"]),
                    "open_orders": reads({"rows": venue_rows}, open_order_states),
                    "history": reads(
                        {
                            "since": times,
                            "orders": venue_rows,
                            "fills": st.lists(fills, max_size=4).map(only_real),
                        }
                    ),
                    "positions": reads({"rows": st.lists(positions, max_size=2, unique_by=position_leg)}),
                    "answers": st.lists(answers, max_size=5),
                }
            ),
            "prior": st.lists(findings, max_size=3, unique_by=lambda one: one["kind"]),
        }
    )


def only_distinct_orders(rows: list[Document]) -> list[Document]:
    """The rows whose ids no row before them has."""
    kept: list[Document] = []
    seen: set[tuple] = set()
    for row in rows:
        ids: set[tuple] = {(key, normal(row[key])) for key in ID_KEYS if is_useful(row[key])}
        ids |= set() if ids else {(row["trade_id"], row["symbol"], row["side"])}
        if not ids & seen and (ids != {(None, row["symbol"], row["side"])}):
            kept.append(row)
            seen |= ids
    return kept


def fill_identity(row: Document) -> tuple:
    return (normal(row["venue_order_id"]) or normal(row["client_order_id"]), row["fill_id"])


def named_by_kind(row: Document) -> Document:
    """An inferred fill's id is a digest: never one that a venue gives."""
    return row | {"fill_id": "inferred-1"} if row["inferred"] else row


def position_leg(row: Document) -> tuple:
    return (row["symbol"], row["position_side"])


def only_real(rows: list[Document]) -> list[Document]:
    return [row | {"inferred": False} for row in rows]


def planned(snapshot: Document) -> Document:
    """Its plan; where the input rules refuse the snapshot there is nothing to check."""
    try:
        return plan_of(snapshot)
    except InputError:
        assume(False)
        raise


many = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)


# An incomplete read never leads to a cancel


@many
@given(snapshots(["partial", "failed"]))
def test_an_incomplete_read_never_ends_an_order_whose_record_is_not_there(snapshot):
    plan = planned(snapshot)
    known = {
        (key, normal(record[key]))
        for record in venue_records(snapshot)
        for key in ID_KEYS
        if is_useful(record[key])
    }
    for correction in plan["corrections"]:
        if correction["kind"] == "set_status" and correction["changes"]["status"] in TERMINAL:
            ids = {(key, normal(correction[key])) for key in ID_KEYS if is_useful(correction[key])}
            assert ids & known, correction


def venue_records(snapshot: Document) -> Iterator[Document]:
    venue = snapshot["venue"]
    yield from venue["open_orders"]["rows"]
    yield from venue["history"]["orders"]
    yield from (answer["order"] for answer in venue["answers"] if answer["outcome"] == "found")


# What holds for every snapshot


@many
@given(snapshots(STATES))
def test_planning_the_projected_state_again_changes_nothing(snapshot):
    plan = planned(snapshot)
    assert plan_of(projected(snapshot, plan))["corrections"] == []


@many
@given(snapshots(STATES), st.randoms(use_true_random=False))
def test_the_order_of_rows_and_duplicates_do_not_matter(snapshot, rng):
    planned(snapshot)
    assert plan_bytes(shuffled(snapshot, rng)) == plan_bytes(snapshot)


@many
@given(snapshots(STATES))
def test_corrections_are_explained_and_carry_a_judged_version(snapshot):
    plan = planned(snapshot)
    breaks = {item["break_id"] for item in plan["breaks"]}
    trades = {row["trade_id"]: 1 for row in snapshot["local"]["trades"]}
    versions = {row["version"] for row in snapshot["local"]["orders"]} | {0}
    for correction in plan["corrections"]:
        assert correction["break_id"] in breaks
        of_trade = correction["kind"] in ("quarantine_trade", "close_trade", "release_trade")
        expected = {trades[correction["trade_id"]]} if of_trade else versions
        assert correction["expected_version"] in expected
    for key, rows in (("correction_id", plan["corrections"]), ("notification_id", plan["notifications"])):
        assert len({row[key] for row in rows}) == len(rows)


@many
@given(snapshots(STATES))
def test_no_order_is_filled_beyond_its_quantity_or_below_its_fills(snapshot):
    plan = planned(snapshot)
    local = snapshot["local"]["orders"]
    for row in plan["projected_orders"]:
        filled = Decimal(row["filled_qty"])
        place = place_of(local, row, plan)
        was = Decimal(0) if place is None else Decimal(local[place]["filled_qty"])
        assert filled >= was
        whole = Decimal(row["qty"] or 0)  # of zero, as of none, nobody knows how much it may fill
        if whole and not snapshot["policy"].get("allow_overfill"):
            assert filled <= max(whole, was)


@many
@given(snapshots(STATES))
def test_at_most_so_many_questions_as_the_policy_allows(snapshot):
    plan = planned(snapshot)
    single = [query for query in plan["queries"] if query["side"] == "venue" and query["by"] != "history"]
    assert len(single) <= snapshot["policy"].get("queries_max", 10)


# The stages over trades and history


CLASSES = (
    "skipped_missing_order_id",
    "skipped_not_filled_like",
    "skipped_not_owned",
    "skipped_existing",
    "skipped_missing_fill_data",
    "skipped_unmapped_action",
    "skipped_unmapped_trade",
    "skipped_insert_limit",
    "inserted",
    "would_insert",
    "deferred",
)


@many
@given(snapshots(STATES))
def test_coverage_counts_every_order_in_exactly_one_class(snapshot):
    coverage = planned(snapshot)["result"]["coverage"]
    assert sum(coverage[name] for name in CLASSES) == coverage["scanned"]


@many
@given(snapshots(STATES))
def test_no_trade_is_touched_on_a_read_that_proves_nothing(snapshot):
    kinds = {correction["kind"] for correction in planned(snapshot)["corrections"]}
    venue = snapshot["venue"]
    if venue["positions"]["state"] != "complete":
        assert not kinds & {"quarantine_trade", "close_trade", "release_trade", "insert_exit"}
    if venue["history"]["state"] != "complete":
        assert "insert_exit" not in kinds


@many
@given(snapshots(STATES))
def test_no_venue_order_is_inserted_twice(snapshot):
    inserted = [
        normal(correction["venue_order_id"])
        for correction in planned(snapshot)["corrections"]
        if correction["kind"] in ("insert_order", "insert_exit")
    ]
    assert len(inserted) == len(set(inserted))
