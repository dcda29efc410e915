"""The straight path of discovery gives what the general one gives, byte for byte.

A prefix rule that every order satisfies changes no decision, but closes the straight path.
"""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.acceptance.plan.snapshots import at, fill, history, local_order, plan_bytes, snapshot, venue_order
from tests.property.truth import Document

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
        "sub_tag": st.sampled_from([None, "mom-1"]),
    }
)
odd = st.one_of(
    st.fixed_dictionaries({"symbol": st.sampled_from(["eth-usd", "BTC/USD", None])}),
    st.fixed_dictionaries({"status": st.sampled_from(["partially_filled", "canceled", "suspended", None])}),
    st.fixed_dictionaries({"filled_qty": st.sampled_from(["0.0", "1"]), "filled_avg_price": st.just("100")}),
    st.fixed_dictionaries({"submitted_at": st.sampled_from([at(-6), at(-5.5), at(0)])}),
    st.fixed_dictionaries({"intent": st.sampled_from(["open", "close"])}),
    st.fixed_dictionaries({"position_side": st.sampled_from(["long", "short"])}),
    st.fixed_dictionaries({"replaces": st.sampled_from(["v-1", "v-9"])}),
)  # each is a reason to leave the straight path
records = st.builds(lambda record, more: record | more, plain, st.one_of(st.just({}), odd))
local_rows = st.lists(
    st.builds(
        lambda number: local_order(client_order_id=f"bot-{number}", venue_order_id=f"v-{number}"),
        st.integers(1, 9),
    ),
    max_size=2,
    unique_by=lambda row: row["client_order_id"],
)
instruments = st.sampled_from([[], [], [{"symbol": "ETHUSD", "qty_step": "0.001"}]])


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
