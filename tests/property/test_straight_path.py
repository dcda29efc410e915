"""The straight paths, of discovery and of a matched pair, give what the general ones give, byte for byte.

A prefix rule that every order satisfies changes no decision, but closes the straight path of discovery. That of a pair
is closed by hand: it is asked for each pair, and says no.
"""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.acceptance.plan.snapshots import (
    at,
    fill,
    history,
    local_order,
    plan,
    plan_bytes,
    snapshot,
    trade,
    venue_order,
)
from tests.property.truth import Document
from trueup.core.stages import diff_orders

RULE = {"owned_client_order_id_prefixes": ["bot"]}

plain = st.fixed_dictionaries(
    {
        "client_order_id": st.sampled_from(["bot-1", "bot-2", " BOT-3", "bot-4", "bot-5"]),
        "venue_order_id": st.sampled_from(["v-1", "v-2", "V-3 ", "v-4", "v-5"]),
        "side": st.sampled_from(["buy", "sell"]),
        "qty": st.sampled_from(["10", "2.50", None]),
        "limit_price": st.sampled_from(["100", "99.90", None]),
        "filled_qty": st.sampled_from(["0", None]),
        "submitted_at": st.sampled_from([at(-3600), at(-6.0001), None]),
        "sub_tag": st.sampled_from([None, "", "mom-1"]),
    }
)
odd = st.one_of(
    st.fixed_dictionaries({"symbol": st.sampled_from(["eth-usd", "BTC/USD", None])}),
    st.fixed_dictionaries({"status": st.sampled_from(["partially_filled", "canceled", "suspended", None])}),
    st.fixed_dictionaries({"filled_qty": st.sampled_from(["0.0", "1"]), "filled_avg_price": st.just("100")}),
    st.fixed_dictionaries(
        {
            "status": st.just("partially_filled"),
            "filled_qty": st.sampled_from(["0", "0.50", "3", "11", None]),
            "filled_avg_price": st.sampled_from(["100", "99.90", "0", None]),
        }
    ),
    st.fixed_dictionaries({"submitted_at": st.sampled_from([at(-6), at(-5.5), at(0)])}),
    st.fixed_dictionaries({"intent": st.sampled_from(["open", "close"])}),
    st.fixed_dictionaries({"position_side": st.sampled_from(["long", "short"])}),
    st.fixed_dictionaries({"replaces": st.sampled_from(["v-1", "v-9"])}),
    st.fixed_dictionaries({"parent_venue_order_id": st.sampled_from(["v-6", "v-7", "v-8", "v-9"])}),
)  # each is a reason to leave the straight path
records = st.builds(lambda record, more: record | more, plain, st.one_of(st.just({}), odd))
local_rows = st.lists(
    st.builds(
        lambda number, trade_id: local_order(
            client_order_id=f"bot-{number}", venue_order_id=f"v-{number}", trade_id=trade_id
        ),
        st.integers(1, 9),
        st.sampled_from([None, "t-1"]),
    ),
    max_size=2,
    unique_by=lambda row: row["client_order_id"],
)
instruments = st.sampled_from([[], [], [{"symbol": "ETHUSD", "qty_step": "0.001"}], [{"symbol": "BTC/USD"}]])


@settings(max_examples=300, deadline=None)
@given(
    local_rows,
    st.lists(records, min_size=1, max_size=3, unique_by=lambda record: record["venue_order_id"]),
    instruments,
    st.booleans(),
)
def test_a_rule_that_all_orders_satisfy_changes_nothing(
    local: list[Document], rows: list[Document], instruments: list[Document], has_fill: bool
) -> None:
    keys: Document = {"instruments": instruments}
    if has_fill:
        keys["history"] = history([], [fill("F1", "1", venue_order_id="v-2", side="buy")])
    venue = [venue_order(**row) for row in rows]
    assert plan_bytes(snapshot(local, venue, **keys)) == plan_bytes(
        snapshot(local, venue, policy=RULE, **keys)
    )


local_side = st.fixed_dictionaries(
    {
        "status": st.sampled_from(
            ["pending_new", "partially_filled", "pending_new", "partially_filled", "pending_cancel", "filled"]
        ),
        "filled_qty": st.sampled_from(["0", "0", "2", "2.50", "7.00001"]),
        "filled_avg_price": st.sampled_from(["100", "99.90", None]),
        "trade_id": st.sampled_from(["t-1", None]),
        "action": st.sampled_from(["entry", "exit", None]),
        "venue_updated_at": st.sampled_from([None, at(-3600), at(-600), at(-1)]),
        "last_activity_at": st.sampled_from([at(-3600), at(-3600), at(-5), None]),
    }
)
venue_side = st.fixed_dictionaries(
    {
        "status": st.sampled_from(["partially_filled", "filled", "canceled", "expired", "rejected"]),
        "filled_qty": st.sampled_from(["0", "2", "2.5", "7.00002", "10", "10.0", "11", None]),
        "filled_avg_price": st.sampled_from(["100", "101.3333", "50", "0", None]),
        "status_reason": st.sampled_from([None, "margin"]),
        "updated_at": st.sampled_from([at(-600), at(-3601), None]),
    }
)
odd_pair = st.one_of(
    st.just({}),
    st.just({}),
    st.sampled_from(
        [{"limit_price": "101"}, {"limit_price": None}, {"qty": "12"}, {"stop_price": "90"}, {"side": "sell"}]
    ),
    st.sampled_from(
        [{"client_order_id": "C-1"}, {"symbol": "eth-usd"}, {"replaced_by": "v-2"}, {"sub_tag": "s"}]
    ),
    st.sampled_from([{"status": "pending_cancel"}, {"status": None}, {"venue_order_id": "V-1"}]),
    st.sampled_from([{"venue_order_id": None}, {"qty": None}, {"stop_price": "80"}]),
)


odd_local = st.one_of(
    st.just({}),
    st.just({}),
    st.sampled_from(
        [{"client_order_id": None}, {"venue_order_id": None}, {"stop_price": "80"}, {"qty": None}]
    ),
)


@pytest.mark.parametrize("has_fills", [False, True])
@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.builds(lambda side, more: side | more, local_side, odd_local),
    venue_side,
    odd_pair,
    st.booleans(),
    instruments,
)
def test_a_pair_judged_plainly_is_judged_as_any_pair(
    has_fills: bool,
    local: Document,
    venue: Document,
    more: Document,
    has_trade: bool,
    instruments: list[Document],
) -> None:
    keys: Document = {"instruments": instruments, "trades": [trade()] if has_trade else []}
    if has_fills:
        keys["history"] = history([], [fill("F1", "1")])
    document = snapshot([local_order(**local)], [venue_order(**venue | more)], **keys)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(diff_orders, "judge_plainly", lambda facts, local, venue, outcome, index, record: False)
        generally = plan_bytes(document)
    assert plan_bytes(document) == generally


def test_a_pair_that_differs_in_its_links_only_is_left_as_it_is() -> None:
    half = {"status": "partially_filled", "filled_qty": "2", "filled_avg_price": "100"}
    planned = plan([local_order(**half)], [venue_order(replaced_by="v-2", **half)])
    assert (planned["corrections"], planned["projected_orders"]) == ([], [])
