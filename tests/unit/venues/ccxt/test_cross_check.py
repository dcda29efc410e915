"""Orders, fills and units that contradict each other are refused by name. Expected values by hand."""

from decimal import Decimal
from typing import Any

import pytest

from trueup.model.snapshot import Fill, VenueOrder
from trueup.model.vocabulary import Side
from trueup.venues.ccxt.cross_check import check_notional, check_unit, keep_agreeing


def size(symbol: str | None) -> Decimal | None:
    return Decimal("0.01") if symbol == "BTC/USDT:USDT" else None


def row(amount: str, symbol: str = "BTC/USDT:USDT", **info: Any) -> dict[str, Any]:
    return {"id": "1", "symbol": symbol, "amount": amount, "info": info}


def test_contracts_turned_into_base_are_refused() -> None:
    with pytest.raises(
        ValueError, match=r"1 of BTC/USDT:USDT: ccxt gives 0\.4 of the base currency .* contracts of 0\.01"
    ):
        check_unit(row("0.4", origQty="40", leverage="40"), "amount", "anywhere", size)
    with pytest.raises(ValueError, match="not used"):
        check_unit(row("0.4", data={"inner": {"sz": "-40"}}), "amount", "anywhere", size)


@pytest.mark.parametrize(
    "fine",
    [
        row("40", origQty="40"),
        row("0.4", origQty="40", baseSize="0.4"),  # the exchange writes it, too
        row(
            "0.4", leverage="40", contractSize="40", price="40", minQty="40"
        ),  # other numbers are no quantity
        row("0.4", "BTC/USDT", origQty="40"),
        row("0", origQty="40"),
        row("0.4", origQty="many"),
        {"id": "1", "symbol": "BTC/USDT:USDT", "amount": None, "info": {"origQty": "40"}},
        {"id": "1", "symbol": "BTC/USDT:USDT", "amount": "0.4", "info": [40]},
    ],
)
def test_what_is_no_such_case(fine: dict[str, Any]) -> None:
    check_unit(fine, "amount", "anywhere", size)


def test_an_exchange_whose_contracts_are_read_from_its_record_is_not_refused() -> None:
    check_unit(row("0.4", origQty="40"), "amount", "xt", size)


def position(contracts: str, notional: str | None, **more: Any) -> dict[str, Any]:
    given = {"symbol": "BTC/USDT:USDT", "contracts": contracts, "notional": notional, "markPrice": "50000"}
    return given | more


def test_a_position_of_the_base_currency_is_refused() -> None:
    """0.4 BTC at 50,000 are 20,000; 0.4 contracts of 0.01 BTC would be 200."""
    with pytest.raises(
        ValueError, match=r"position in BTC/USDT:USDT: 0\.4 at 50000 with a notional of 20000 is of"
    ):
        check_notional(position("0.4", "20000"), size)
    for fault in ({"notional": "-21500"}, {"markPrice": None, "entryPrice": "48000"}, {"contracts": "-0.4"}):
        with pytest.raises(ValueError, match="not used"):
            check_notional(position("0.4", "20000") | fault, size)


@pytest.mark.parametrize(
    "fine",
    [
        position("40", "20000"),
        position("0.4", "200"),
        position("0.4", "23000"),  # neither: what its notional means is not known
        position("0.4", None),
        position("0.4", "20000", markPrice=None),
        position("0", "20000"),
        position("0.4", "many"),
        position("0.4", "NaN"),
        position("0.4", "20000", symbol="BTC/USDT"),
    ],
)
def test_a_position_that_says_nothing_of_the_kind(fine: dict[str, Any]) -> None:
    check_notional(fine, size)


def order(
    filled: str, side: Side | None = Side.BUY, venue_id: str = "V1", symbol: str = "BTC/USDT:USDT"
) -> VenueOrder:
    return VenueOrder(venue_order_id=venue_id, symbol=symbol, side=side, filled_qty=filled)


def fill(qty: str, side: Side | None = Side.BUY, venue_id: str = "v1", symbol: str = "BTC/USDT:USDT") -> Fill:
    return Fill(fill_id="f", venue_order_id=venue_id, symbol=symbol, side=side, qty=qty)


def test_a_fill_of_the_other_side_refuses_the_order() -> None:
    orders, fills = [order("1"), order("1", venue_id="V2")], [fill("1", Side.SELL), fill("1", venue_id="V2")]
    agreed = keep_agreeing(orders, fills, size)
    assert (agreed.orders, agreed.fills) == ([orders[1]], [fills[1]])
    assert agreed.refusals == ["left out: order V1 of BTC/USDT:USDT: its fill f says sell, the order buy"]


@pytest.mark.parametrize("filled", ["0.004", "40"])
def test_fills_in_the_other_unit_refuse_the_order(filled: str) -> None:
    agreed = keep_agreeing([order(filled)], [fill("0.1"), fill("0.3")], size)
    assert (agreed.orders, agreed.fills) == ([], [])
    assert "one counts contracts of 0.01, the other base currency" in agreed.refusals[0]


def test_what_agrees_or_is_only_behind_stays() -> None:
    for filled, qty in (("4", "4"), ("4", "3"), ("3", "4"), ("0", "4")):
        agreed = keep_agreeing([order(filled)], [fill(qty)], size)
        assert (len(agreed.orders), len(agreed.fills), agreed.refusals) == (1, 1, [])
    silent = keep_agreeing([order("4", None)], [fill("4", Side.SELL)], size)
    assert silent.refusals == []


def test_one_number_of_two_instruments_is_two_orders() -> None:
    orders = [order("1", Side.BUY), order("1", Side.SELL, symbol="ETH/USDT")]
    fills = [fill("1", Side.BUY), fill("1", Side.SELL, symbol="ETH/USDT")]
    assert keep_agreeing(orders, fills, size).refusals == []
