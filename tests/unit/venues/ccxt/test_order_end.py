"""What a row and its record say together of an order's end. Expected values by hand, from the rules in `order_end`."""

from typing import Any

import pytest

from trueup.model.vocabulary import Status
from trueup.venues.ccxt.order_end import OrderEnd, read_end


def end(
    status: str | None,
    own: str | None = None,
    *,
    amount: str | None = "10",
    filled: str | None = "0",
    venue: str = "anywhere",
    conditional: bool = False,
    **more: Any,
) -> OrderEnd:
    info = {"id": "1"} if own is None else {"status": own}
    row = {
        "status": status,
        "amount": amount,
        "filled": filled,
        "symbol": "A/B",
        "type": "limit",
        "side": "buy",
    }
    return read_end(row | more, info | more.get("info", {}), venue, conditional=conditional)


def test_filled_with_less_than_ordered_is_no_end() -> None:
    assert end("closed", "FILLED", filled="9").status is None
    assert end("closed", "FILLED", filled="10").status is Status.FILLED
    assert end("closed", "Filled", filled="0").status is None
    assert end("closed", None, filled="9").status is Status.CANCELED  # nobody called it filled


def test_a_market_order_by_its_cost() -> None:
    bought = end("closed", "FILLED", filled="9.99", type="market")
    assert (bought.status, bought.qty, bought.by_notional) == (Status.FILLED, None, True)
    sold = end("closed", "FILLED", filled="9.99", type="market", side="sell")
    assert (sold.status, sold.qty, sold.by_notional) == (Status.FILLED, None, False)
    # more is missing than a rounding explains
    assert end("closed", "FILLED", filled="9.4", type="market").status is None
    assert end("closed", "FILLED", filled="9.5", type="market").status is Status.FILLED


def test_an_amount_that_is_the_cost_is_no_quantity() -> None:
    bought = end("closed", amount="100", filled="400", average="0.25", cost="100", type="market")
    assert (bought.qty, bought.filled_qty, bought.by_notional) == (None, "400", True)
    dear = end("closed", amount="100", filled="400", cost="200", type="market")
    assert dear.filled_qty == "400"
    assert not end("open", amount="100", filled="400", cost="100").by_notional  # a limit order has a quantity


@pytest.mark.parametrize(
    ("venue", "own"),
    [("bitrue", "FILLED"), ("bittrade", "filled"), ("digifinex", "2"), ("cryptomus", "completed")],
)
def test_what_a_market_buy_may_cost_is_no_quantity_of_base(venue: str, own: str) -> None:
    bought = end("closed", own, amount="100", filled="0.0015", type="market", venue=venue)
    assert (bought.qty, bought.filled_qty, bought.by_notional) == (None, "0.0015", True)
    assert bought.status is Status.FILLED
    placed = end("open", "whatever", amount="100", type="market", venue=venue)
    assert (placed.qty, placed.filled_qty, placed.by_notional) == (None, "0", True)
    others: list[dict[str, Any]] = [{"side": "sell"}, {"type": "limit"}, {"symbol": "A/B:B"}]
    for other in others:
        assert end("open", amount="100", venue=venue, **({"type": "market"} | other)).qty == "100"


@pytest.mark.parametrize(
    ("account", "told", "qty", "filled"),
    [
        ("spot", {"filled_amount": "7"}, "10", "3"),  # ccxt's own figures are of base
        ("unified", {}, "10", "3"),
        ("margin", {"filled_amount": "7", "filled_total": "3", "avg_deal_price": "0.5"}, None, "7"),
        ("margin", {"filled_total": "3", "avg_deal_price": "0.5"}, None, "6"),
        ("cross_margin", {"filled_total": "3", "avg_deal_price": "0"}, None, None),
        (None, {}, None, None),
    ],
)
def test_gates_market_buys_are_of_base_for_some_accounts_only(
    account: str | None, told: dict[str, str], qty: str | None, filled: str | None
) -> None:
    info = {"finish_as": "ioc", "account": account, **told}
    bought = end("canceled", filled="3", type="market", venue="gate", info=info)
    assert (bought.qty, bought.filled_qty, bought.status) == (qty, filled, Status.CANCELED)


def test_filled_without_a_quantity_is_believed_by_the_exchanges_own_word() -> None:
    assert end("closed", "filled", amount=None, filled="3").status is Status.FILLED
    assert end("closed", "done", amount=None, filled="3").status is None


@pytest.mark.parametrize(
    ("status", "own", "derived"),
    [("closed", None, True), ("canceled", None, True), ("canceled", "CANCELED", False), ("canceled", "4", False),
     ("open", None, False), (None, None, False)],
)  # fmt: skip
def test_an_end_that_no_word_of_the_exchange_names_is_derived(status: str, own: str, derived: bool) -> None:
    assert end(status, own, filled="10" if status == "closed" else "0").derived is derived


def test_a_record_that_is_a_list_has_words_that_are_not_looked_for() -> None:
    row = {"status": "canceled", "amount": "1", "filled": "0"}
    assert not read_end(row, {}, "bitfinex", conditional=False).derived


def test_a_triggered_order_of_unknown_status_keeps_no_fills() -> None:
    told = end(
        "closed", "FINISHED", filled="7", venue="binance", conditional=True, info={"actualOrderId": "99"}
    )
    assert (told.status, told.placed_id, told.filled_qty) == (Status.REPLACED, "99", "0")
    silent = end("closed", "FINISHED", filled="7", venue="binance", conditional=True)
    assert (silent.status, silent.placed_id, silent.filled_qty) == (None, None, None)
    unread = end("limbo", "limbo", filled="7", venue="kucoin", conditional=True)
    assert (unread.status, unread.filled_qty) == (None, None)
    # at another exchange the same field means something else
    other = end(
        "closed", "FINISHED", filled="7", venue="kucoin", conditional=True, info={"actualOrderId": "99"}
    )
    assert (other.status, other.placed_id) == (None, None)


def test_a_conditional_order_that_waits_or_was_canceled_is_what_it_says() -> None:
    assert end("open", "NEW", venue="binance", conditional=True).status is Status.PENDING_NEW
    assert end("canceled", "CANCELED", venue="binance", conditional=True).status is Status.CANCELED
    gone = end(None, None, filled="7", venue="binance", conditional=True)
    assert (gone.status, gone.filled_qty) == (None, None)
    assert end("closed", "Filled", filled="10", venue="bybit", conditional=True).status is Status.FILLED


def test_amounts_of_quote_currency_are_none_of_base() -> None:
    told: Any = {"info": {"oflags": "fciq,viqc"}, "venue": "kraken", "type": "market"}
    bought = end("closed", "closed", amount="100", filled="100", **told)
    assert (bought.qty, bought.filled_qty, bought.status, bought.by_notional) == (None, None, None, True)
    canceled = end("canceled", "canceled", amount="100", filled="0", **told)
    assert (canceled.filled_qty, canceled.status) == (None, Status.CANCELED)
    plain = end("closed", "closed", filled="10", venue="kraken", info={"oflags": "fciq"})
    assert (plain.filled_qty, plain.status) == ("10", Status.FILLED)


@pytest.mark.parametrize(
    ("more", "filled"),
    [
        ({}, None),  # ccxt took 0 left for 10 filled
        ({"info": {"openAmount": "0", "amount": "10"}}, None),
        ({"info": {"cumQty": "10.0"}}, "10"),
        ({"info": {"order": {"state": {"traded_size": ["10"]}}}}, "10"),
        ({"info": {"doneAt": "2026-11-23", "executed": "9"}}, None),
        ({"trades": [{"amount": "10"}]}, "10"),
        ({"amount": "12"}, "10"),
    ],
)
def test_that_nothing_is_left_of_a_canceled_order_is_no_fill(
    more: dict[str, Any], filled: str | None
) -> None:
    for status in ("canceled", "expired", "rejected"):
        ended = end(status, filled="10", **more)
        assert (ended.status, ended.filled_qty) == (Status(status), filled)
    assert end("closed", filled="10").filled_qty == "10"


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, (Status.FILLED, None, True)),
        ({"side": "sell"}, (Status.CANCELED, "1000", False)),
        ({"type": "limit"}, (Status.CANCELED, "1000", False)),
        ({"status": "canceled"}, (Status.CANCELED, "1000", False)),
        ({"average": "400000"}, (Status.CANCELED, "1000", False)),  # it cost less than half
        ({"amount": "0.00104", "average": "1"}, (Status.CANCELED, "0.00104", False)),  # so much is a rounding
    ],
)
def test_a_closed_market_buy_that_cost_what_was_ordered_was_ordered_by_its_cost(
    more: dict[str, Any], expected: tuple[Status, str | None, bool]
) -> None:
    row = {"status": "closed", "amount": "1000", "average": "1000000", "type": "market"} | more
    bought = end(filled="0.001", **row)
    assert (bought.status, bought.qty, bought.by_notional) == expected


def test_a_closed_market_buy_by_its_cost_is_believed_by_no_word_against_it() -> None:
    row: dict[str, Any] = {"amount": "1000", "filled": "0.001", "average": "1000000", "type": "market"}
    assert end("closed", "FILLED", **row).status is Status.FILLED
    assert end("closed", "CANCELED", **row).status is None


def test_what_it_was_before_is_no_part_of_the_word() -> None:
    row = {"status": "IOC CANCELED was: PARTIALLY FILLED", "amount": "10", "filled": "4", "info": []}
    assert read_end(row, {}, "bitfinex", conditional=False).status is Status.CANCELED
    assert (
        read_end(row | {"status": "RSN_PAUSE (trading is paused)"}, {}, "bitfinex", conditional=False).status
        is None
    )


@pytest.mark.parametrize(
    ("said", "own", "placed", "expected"),
    [
        ("open", "4", "77", (Status.REPLACED, "77", "0")),
        ("open", "4", "-1", (None, None, None)),  # it triggered, and nobody says what it placed
        ("closed", "6", "-1", (Status.CANCELED, None, "0")),
        ("canceled", "5", "-1", (Status.REJECTED, None, "0")),
        ("open", "2", "-1", (Status.PENDING_NEW, None, None)),
    ],
)
def test_a_conditional_order_s_numbers_mean_something_else(
    said: str, own: str, placed: str, expected: tuple[Status | None, str | None, str | None]
) -> None:
    # ccxt says nothing of what filled: of a closed order that is all of it
    filled = "10" if said == "closed" else None
    told = end(said, own, filled=filled, venue="htx", conditional=True, info={"relation_order_id": placed})
    assert (told.status, told.placed_id, told.filled_qty) == expected
    ordinary = end("closed", "6", filled="10", venue="htx")
    assert (ordinary.status, ordinary.filled_qty) == (Status.FILLED, "10")


def test_a_quantity_of_nothing_is_none() -> None:
    stop = end("open", "Untriggered", amount="0", filled="0", venue="bybit", conditional=True, side="sell")
    assert (stop.qty, stop.filled_qty, stop.status) == (None, "0", Status.PENDING_NEW)
    assert end("closed", "FILLED", amount="0.0", filled="0").qty is None


def test_hyperliquid_s_scheduled_cancel_is_an_end() -> None:
    assert end("scheduledCancel", "scheduledCancel", venue="hyperliquid").status is Status.CANCELED
