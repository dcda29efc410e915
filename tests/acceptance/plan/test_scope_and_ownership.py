"""Scope and ownership: whose order it is decides whether anything may be written about it."""

import pytest

from tests.acceptance.plan.snapshots import (
    found,
    history,
    kinds,
    local_order,
    open_orders,
    plan,
    quiet,
    steps,
    the_break,
    venue_order,
)

PREFIX = {"owned_client_order_id_prefixes": ["bot"]}
SUB_TAG = {"owned_sub_tags": ["desk-1"]}


def stray(client_order_id: str | None = "x-9", **keys):
    return venue_order(venue_order_id="v-9", client_order_id=client_order_id, **keys)


# Scope


def test_orders_of_symbols_that_are_not_managed_are_dropped_and_counted():
    planned = plan(
        [local_order(symbol="BTC/USD")],
        [stray(symbol="SOL/USD")],
        policy={"managed_symbols": ["ETH/USD"]},
    )
    assert quiet(planned)
    assert planned["result"]["out_of_scope"] == 2


@pytest.mark.parametrize("written", ["ETH/USD", "ethusd", "ETH-USD", "eth_usd"])
def test_symbols_compare_as_tokens(written):
    planned = plan(
        [local_order(symbol="eth-usd")],
        [venue_order(status="canceled")],
        policy={"managed_symbols": [written]},
    )
    assert steps(planned) == ["set_status v-1 canceled"]
    assert planned["result"]["out_of_scope"] == 0


def test_names_in_other_scripts_are_names_too():
    local, venue = local_order(symbol="币安人生/USDT"), venue_order(symbol="我踏马来了/USDT", filled_qty="4")
    assert kinds(plan([local], [venue])) == {"identity_conflict"}
    assert quiet(plan([local], [venue_order(symbol="币安人生-usdt")]))


def test_an_order_without_a_symbol_stays_in_scope():
    planned = plan(
        [local_order(symbol=None)],
        [venue_order(symbol=None, status="canceled")],
        policy={"managed_symbols": ["ETH/USD"]},
    )
    assert steps(planned) == ["set_status v-1 canceled"]


# Ownership


def test_with_no_rule_everything_in_scope_is_owned():
    planned = plan([], [stray()])
    assert kinds(planned) == {"missing_locally"}
    assert steps(planned) == ["insert_order v-9"]


def test_foreign_orders_are_reported_counted_and_left_alone():
    planned = plan(
        [], [stray(status="partially_filled", filled_qty="4", filled_avg_price="100")], policy=PREFIX
    )
    assert the_break(planned, "foreign_order")["severity"] == "info"
    assert planned["result"]["foreign_orders"] == 1
    assert planned["result"]["missing_locally"] == 0
    assert planned["corrections"] == planned["notifications"] == planned["projected_orders"] == []


@pytest.mark.parametrize("client_order_id", ["bot-7", "bot_7", "bot.7", "bot", "BOT-7", " bot-7 ", "bot-2-7"])
def test_a_client_id_prefix_owns(client_order_id):
    assert steps(plan([], [stray(client_order_id)], policy=PREFIX)) == ["insert_order v-9"]


@pytest.mark.parametrize("client_order_id", ["bot2-7", "botany-1", "robot-1", "x-bot-1", None])
def test_a_prefix_is_a_whole_token(client_order_id):
    planned = plan([], [stray(client_order_id)], policy=PREFIX)
    assert kinds(planned) == {"foreign_order"}
    assert steps(planned) == []


def test_a_sub_tag_owns():
    planned = plan(
        [], [stray(sub_tag="desk-1"), venue_order(venue_order_id="v-8", sub_tag="desk-10")], policy=SUB_TAG
    )
    assert steps(planned) == ["insert_order v-9"]
    assert the_break(planned, "foreign_order")["venue_order_id"] == "v-8"


def test_a_claimed_symbol_owns():
    planned = plan(
        [],
        [stray(), venue_order(venue_order_id="v-8", symbol="BTC/USD")],
        policy={"claimed_symbols": ["ethusd"]},
    )
    assert steps(planned) == ["insert_order v-9"]
    assert the_break(planned, "foreign_order")["venue_order_id"] == "v-8"


def test_prefix_and_sub_tag_that_name_different_profiles_are_a_conflict():
    # Reading: a sub-tag that is not ours, where sub-tags are configured, names another profile.
    planned = plan(
        [],
        [stray("bot-7", sub_tag="desk-2", status="partially_filled", filled_qty="4")],
        policy=PREFIX | SUB_TAG,
    )
    assert kinds(planned) == {"identity_conflict"}
    assert steps(planned) == []


def test_a_bracket_leg_inherits_its_parents_owner():
    parent = venue_order(client_order_id="bot-1", status="filled", filled_qty="10", filled_avg_price="100")
    leg = stray(None, side="sell", parent_venue_order_id="v-1", limit_price="120")
    local_parent = local_order(
        client_order_id="bot-1", status="filled", filled_qty="10", filled_avg_price="100"
    )
    planned = plan([local_parent], [leg], history=history([parent]), policy=PREFIX)
    assert steps(planned) == ["insert_order v-9"]


def test_a_leg_of_a_foreign_parent_is_foreign():
    parent = venue_order(client_order_id="x-1")
    leg = stray(None, side="sell", parent_venue_order_id="v-1")
    planned = plan([], [parent, leg], policy=PREFIX)
    assert kinds(planned) == {"foreign_order"}
    assert planned["result"]["foreign_orders"] == 2


@pytest.mark.parametrize(("leg_id", "kept"), [("v-1", []), ("v-5", ["insert_order v-5"])])
def test_a_leg_that_its_own_parent_replaced_has_the_owner_of_both(leg_id, kept):
    """One of them was owned and the other was not, until the first stood in the books. (A successor waits.)"""
    parent = venue_order(venue_order_id="v-3", client_order_id="bot-1")
    leg = venue_order(
        venue_order_id=leg_id, client_order_id=None, parent_venue_order_id="v-3", replaced_by="v-3"
    )
    planned = plan([], [parent], history=history([leg]), policy=PREFIX)
    assert steps(planned) == kept


def test_a_replacement_inherits_its_predecessors_owner():
    old = venue_order(
        client_order_id="bot-1", status="replaced", replaced_by="v-9", filled_qty="4", filled_avg_price="100"
    )
    new = stray(None, qty="6", replaces="v-1")
    booked = local_order(
        client_order_id="bot-1", status="partially_filled", filled_qty="4", filled_avg_price="100"
    )
    planned = plan([booked], [new], history=history([old]), policy=PREFIX)
    assert steps(planned) == ["set_status v-1 replaced", "insert_order v-9"]


def test_a_known_local_order_is_judged_even_where_no_rule_names_it():
    planned = plan([local_order()], [venue_order(status="canceled")], policy=PREFIX)
    assert steps(planned) == ["set_status v-1 canceled"]


def test_a_foreign_order_found_by_an_answer_is_left_alone():
    planned = plan([], open_orders([]), answers=[found(stray(status="canceled"))], policy=PREFIX)
    assert steps(planned) == []
    assert planned["projected_orders"] == []
