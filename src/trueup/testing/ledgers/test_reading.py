"""What a snapshot's local side holds, and how the ledger answers questions."""

import pytest

from trueup.engine.recorder.recorder import Recorder
from trueup.model.snapshot import Local, LocalOrder, OtherOpenQty, Profile
from trueup.model.vocabulary import Extent, Outcome, PositionSide, QueryBy, Side, Status
from trueup.testing.ledgers.bench import ACCOUNT, OTHER, RECENT_S, Bench


def read(bench: Bench):
    return bench.ledger.books.read(ACCOUNT, ["mom-1"], RECENT_S)["mom-1"]


def test_an_empty_ledger_is_everything(bench: Bench) -> None:
    local = read(bench)
    assert (local.orders, local.fills, local.trades, local.extent) == ([], [], [], Extent.ALL)
    assert local.read_at == bench.ledger.now()


def test_rows_come_back_as_they_were_recorded(bench: Bench) -> None:
    trade = bench.record_trade()
    order = bench.record_order(stop_price="900.10", sub_tag='é 😀 "x"', position_side=PositionSide.LONG)
    filled = bench.bot.record_fill(
        "b1-1", bench.fill("F1", "0.001", "1000.5", fee="-0.1", fee_currency="USD")
    )
    local = read(bench)
    assert local.orders == [filled]
    assert (local.orders[0].stop_price, local.orders[0].sub_tag) == ("900.1", order.sub_tag)
    assert [(f.fill_id, f.qty, f.price, f.fee, f.inferred) for f in local.fills] == [
        ("F1", "0.001", "1000.5", "-0.1", False)
    ]
    assert [one.trade_id for one in local.trades] == [trade.trade_id if trade else None]


def test_older_closed_orders_are_left_out_and_say_so(bench: Bench) -> None:
    bench.record_order("1")
    bench.bot.record_fill("b1-1", bench.fill("F1", "10"))
    bench.record_order("2")
    bench.clock.pass_s(RECENT_S)
    assert (len(read(bench).orders), len(read(bench).fills), read(bench).extent) == (2, 1, Extent.ALL)
    bench.clock.pass_s(1)
    local = read(bench)
    assert [one.venue_order_id for one in local.orders] == ["v-2"]
    assert (local.fills, local.extent) == ([], Extent.OPEN_AND_RECENT)


def test_a_trade_that_closed_long_ago_without_an_order_is_left_out_and_says_so(bench: Bench) -> None:
    """Else an order that names it would be inserted, and its trade, which is not read, not moved (seed 466)."""
    bench.record_trade()
    bench.bot.close_trade("t-1")
    assert (len(read(bench).trades), read(bench).extent) == (1, Extent.ALL)
    bench.settle(601)
    assert (read(bench).trades, read(bench).extent) == ([], Extent.OPEN_AND_RECENT)


@pytest.mark.parametrize(
    "written",
    [
        "UPDATE orders SET qty = '7'",
        "UPDATE fills SET price = '7'",
        "UPDATE trades SET entry_avg_price = '7'",
        "UPDATE trades SET status = 'closed', updated_at = '2001-01-01T00:00:00Z'",
        "DELETE FROM fills",
        "DELETE FROM trades",
    ],
)
def test_the_next_read_has_what_anyone_wrote_past_the_ledger(bench: Bench, written: str) -> None:
    bench.record_trade()
    bench.record_order()
    bench.bot.record_fill("b1-1", bench.fill("F1", "0.001"))
    first = read(bench)
    assert read(bench) == first
    bench.store.drop_trigger("orders_version", "orders")
    bench.store.drop_trigger("trades_version", "trades")
    bench.store.execute(written)
    assert read(bench) != first


def test_a_closed_trade_is_read_while_an_order_of_it_is(bench: Bench) -> None:
    bench.record_trade()
    bench.record_order()
    bench.store.execute("UPDATE trades SET status = 'closed', updated_at = '2001-01-01T00:00:00Z'")
    bench.store.drop_trigger("trades_version", "trades")
    bench.store.execute("UPDATE trades SET updated_at = '2001-01-01T00:00:00.000000000Z'")
    assert [one.trade_id for one in read(bench).trades] == ["t-1"]
    bench.bot.record_canceled("b1-1")
    bench.store.execute("UPDATE trades SET updated_at = '2001-01-01T00:00:00.000000000Z'")
    bench.clock.pass_s(RECENT_S + 1)
    assert read(bench).trades == []


def test_another_profiles_orders_are_not_read_but_known(bench: Bench) -> None:
    other = Recorder(bench.ledger, OTHER)
    other.open_trade("o-1", "ETH-USD", PositionSide.LONG)
    other.record_order(
        LocalOrder(
            client_order_id="m2-1",
            symbol="ETH-USD",
            side=Side.BUY,
            qty="4",
            trade_id="o-1",
            status=Status.PENDING_NEW,
        )
    )
    bench.record_trade()
    bench.record_order()
    local = read(bench)
    assert [one.client_order_id for one in local.orders] == ["b1-1"]
    assert local.extent is Extent.OPEN_AND_RECENT
    assert local.other_profiles_open_qty == {"ETH-USD": OtherOpenQty(long="0", short="0", settled=False)}
    other.record_acknowledgement("m2-1", "v-77")
    other.record_fill("m2-1", bench.fill("F1", "4", name="77", symbol="ETH-USD"))
    bench.settle()
    assert read(bench).other_profiles_open_qty == {"ETH-USD": OtherOpenQty(long="4", short="0", settled=True)}
    answers = bench.ledger.books.find(ACCOUNT, {"mom-1": [" V-77", "B1-1", "nobody"]})["mom-1"]
    found = {(one.id, one.by): one for one in answers if one.outcome is Outcome.FOUND}
    assert found.keys() == {(" V-77", QueryBy.VENUE_ORDER_ID), ("B1-1", QueryBy.CLIENT_ORDER_ID)}
    assert found[" V-77", QueryBy.VENUE_ORDER_ID].order is None
    assert found["B1-1", QueryBy.CLIENT_ORDER_ID].order == local.orders[0]
    assert {one.outcome for one in answers if one.id == "nobody"} == {Outcome.ABSENT}


def test_profiles_that_ask_at_once_are_each_shown_their_own_orders_only(bench: Bench) -> None:
    bench.record_order()
    Recorder(bench.ledger, OTHER).record_order(
        LocalOrder(
            client_order_id="m2-1", symbol="ETH-USD", side=Side.BUY, qty="4", status=Status.PENDING_NEW
        )
    )
    told = bench.ledger.books.find(
        ACCOUNT, {"mom-1": ["b1-1", "m2-1"], OTHER.profile_id: ["m2-1", "b1-1", "no"]}
    )
    by_client = {
        owner: [
            (one.id, one.outcome, one.symbol, one.order and one.order.client_order_id)
            for one in answers
            if one.by is QueryBy.CLIENT_ORDER_ID
        ]
        for owner, answers in told.items()
    }
    found = Outcome.FOUND
    assert by_client == {
        "mom-1": [("b1-1", found, "ETH/USD", "b1-1"), ("m2-1", found, "ETH-USD", None)],
        OTHER.profile_id: [
            ("m2-1", found, "ETH-USD", "m2-1"),
            ("b1-1", found, "ETH/USD", None),
            ("no", Outcome.ABSENT, None, None),
        ],
    }


def test_previous_ids_find_their_order_with_its_fills_and_trade(bench: Bench) -> None:
    bench.record_trade()
    bench.record_order("1")
    bench.bot.record_fill("b1-1", bench.fill("F1", "10"))
    bench.store.execute("UPDATE orders SET venue_order_id = 'v-2', previous_venue_order_ids = '[\" V-1\"]'")
    bench.clock.pass_s(2 * RECENT_S)
    bench.record_order("3")
    (answer,) = [
        one for one in bench.ledger.books.find(ACCOUNT, {"mom-1": ["v-1"]})["mom-1"] if one.order is not None
    ]
    assert answer.order is not None
    assert (answer.order.venue_order_id, answer.order.previous_venue_order_ids) == ("v-2", (" V-1",))
    fills, trades = bench.ledger.books.related(ACCOUNT, "mom-1", [answer.order])
    assert ([one.fill_id for one in fills], [one.trade_id for one in trades]) == (["F1"], ["t-1"])


def test_the_venues_account_is_remembered(bench: Bench) -> None:
    assert bench.ledger.journal.recorded_venue_account(ACCOUNT) is None
    bench.ledger.journal.record_venue_account(ACCOUNT, "PA-77")
    assert bench.ledger.journal.recorded_venue_account(ACCOUNT) == "PA-77"


def test_reading_sees_one_state(bench: Bench) -> None:
    """A bot that writes between two statements of one read is not half seen."""
    bench.record_trade()
    with bench.ledger.database.reading():
        before = bench.ledger.database.rows("trades_by_name", "mom-1")
        bench.store.execute("UPDATE trades SET exit_qty = '1'")
        assert bench.ledger.database.rows("trades_by_name", "mom-1") == before
    assert bench.ledger.database.rows("trades_by_name", "mom-1") != before


def test_accounts_are_read_together_as_each_by_itself(bench: Bench) -> None:
    """One account with an old order and another profile's, one with a live order, an empty one."""
    far = Profile(profile_id="far-1", account_id="acc-2")
    empty = Profile(profile_id="none-1", account_id="acc-3")
    bench.ledger.journal.ensure_profiles([OTHER, far, empty])
    bench.record_trade()
    bench.record_order("1", status=Status.CANCELED)
    bench.settle(2 * RECENT_S)
    bench.record_order("2")
    Recorder(bench.ledger, OTHER).record_order(order("b2-1"))
    Recorder(bench.ledger, far).record_order(order("b3-1"))
    wanted = {ACCOUNT: ["mom-1", "mean-2"], "acc-2": ["far-1"], "acc-3": ["none-1"]}
    together = bench.ledger.books.read_accounts(wanted, RECENT_S)
    assert together == {one: bench.ledger.books.read(one, ids, RECENT_S) for one, ids in wanted.items()}
    assert {one: [each.client_order_id for each in local.orders] for one, local in all_of(together)} == {
        "mom-1": ["b1-2"],
        "mean-2": ["b2-1"],
        "far-1": ["b3-1"],
        "none-1": [],
    }
    extents = {one: local.extent for one, local in all_of(together)}
    assert extents == {
        "mom-1": Extent.OPEN_AND_RECENT,
        "mean-2": Extent.OPEN_AND_RECENT,
        "far-1": Extent.ALL,
        "none-1": Extent.ALL,
    }


def all_of(sides: dict[str, dict[str, Local]]) -> list[tuple[str, Local]]:
    return [each for locals_ in sides.values() for each in locals_.items()]


def order(client_order_id: str) -> LocalOrder:
    return LocalOrder(
        client_order_id=client_order_id,
        symbol="ETH/USD",
        side=Side.BUY,
        qty="1",
        limit_price="1000",
        status=Status.PENDING_NEW,
    )
