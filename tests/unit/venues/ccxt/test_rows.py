"""The installed ccxt's own parsers, on payloads from the exchanges' documentation, end in canonical values.

`tests/data/ccxt` holds the payloads, written by hand after the documentation that each file names, with what must come
out, by hand too.
"""

import json
from pathlib import Path
from typing import Any

import ccxt.async_support
import msgspec
import pytest

from trueup.sim.clock import SimClock
from trueup.venues.ccxt.client import Client
from trueup.venues.ccxt.rows import read_fill, read_order, read_position, tell_sides

DATA = Path(__file__).parents[3] / "data" / "ccxt"
_FILES = {path.stem: json.loads(path.read_text(), parse_float=str) for path in sorted(DATA.glob("*.json"))}


def _cases(kind: str) -> list[Any]:
    return [
        pytest.param(exchange_id, case, id=f"{exchange_id}: {case['what']}")
        for exchange_id, file in _FILES.items()
        for case in file.get(kind, [])
    ]


def _exchange(exchange_id: str) -> Any:
    """Our twin of a fresh exchange, knowing the markets of its file."""
    twin = Client(getattr(ccxt.async_support, exchange_id)(), SimClock()).exchange
    markets = _FILES[exchange_id]["markets"]
    twin.set_markets([twin.safe_market_structure({**market, "info": {}}) for market in markets])
    twin.options["marketsByAltname"] = {
        one["altname"]: twin.market(one["symbol"]) for one in markets if "altname" in one
    }
    return twin


def _market(twin: Any, case: dict[str, Any]) -> Any:
    return twin.market(case["symbol"]) if "symbol" in case else None


def _same(value: Any, expected: dict[str, Any]) -> None:
    said = msgspec.to_builtins(value)
    assert {key: said[key] for key in expected} == expected


def test_at_least_twelve_exchanges() -> None:
    assert len(_FILES) >= 12


@pytest.mark.parametrize(("exchange_id", "case"), _cases("orders"))
def test_orders(exchange_id: str, case: dict[str, Any]) -> None:
    twin = _exchange(exchange_id)
    row = twin.parse_order(case["raw"], _market(twin, case))
    _same(read_order(row, exchange_id, conditional=case.get("conditional", False)), case["expected"])


@pytest.mark.parametrize(("exchange_id", "case"), _cases("fills"))
def test_fills(exchange_id: str, case: dict[str, Any]) -> None:
    twin = _exchange(exchange_id)
    _same(read_fill(twin.parse_trade(case["raw"], _market(twin, case)), exchange_id), case["expected"])


@pytest.mark.parametrize(("exchange_id", "case"), _cases("positions"))
def test_positions(exchange_id: str, case: dict[str, Any]) -> None:
    twin = _exchange(exchange_id)
    _same(read_position(twin.parse_position(case["raw"], _market(twin, case))), case["expected"])


def trade(**more: Any) -> dict[str, Any]:
    return {
        "id": "1",
        "order": "2",
        "symbol": "A/B",
        "side": "sell",
        "amount": "-0.5",
        "price": "3",
        "info": {},
    } | more


def test_a_sale_written_as_a_negative_quantity() -> None:
    assert read_fill(trade(), "bit2c").qty == "0.5"


def test_a_taker_that_is_paid_a_fee_is_not_believed() -> None:
    fee = {"cost": "-0.1", "currency": "B"}
    assert read_fill(trade(fee=fee, takerOrMaker="taker"), "anywhere").fee is None
    assert read_fill(trade(fee=fee, takerOrMaker="maker"), "anywhere").fee == "-0.1"
    assert (
        read_fill(trade(fee={"cost": "0.1", "currency": "B"}, takerOrMaker="taker"), "anywhere").fee == "0.1"
    )


def test_an_account_that_the_exchange_calls_one_way_is_not_hedged() -> None:
    row = {"symbol": "A/B:B", "contracts": "0.7", "side": "short", "hedged": True}
    both = read_position({**row, "info": {"position_side": "BOTH"}})
    assert (both.qty, both.position_side) == ("-0.7", None)
    told = read_position({**row, "info": {}})
    assert (told.qty, told.position_side) == ("-0.7", "short")


@pytest.mark.parametrize(
    ("info", "is_hedged"),
    [
        ({"holdSide": "short", "posMode": "one_way_mode"}, False),  # Bitget
        ({"posSide": "short", "holdMode": "one_way_mode"}, False),  # Bitget's unified account
        ({"positionSide": "SHORT", "onlyOnePosition": True}, False),  # BingX
        ({"holdSide": "short", "posMode": "hedge_mode"}, True),
        ({"positionSide": "SHORT", "onlyOnePosition": False}, True),
    ],
)
def test_a_side_that_is_named_in_a_one_way_account_is_no_side_of_a_hedge(
    info: dict[str, Any], is_hedged: bool
) -> None:
    row = {"symbol": "A/B:B", "contracts": "0.7", "side": "short", "info": info}
    position = read_position(row)
    assert (position.qty, position.position_side) == ("-0.7", "short" if is_hedged else None)


def test_a_one_way_position_by_what_was_traded() -> None:
    row = {"symbol": "A/B:B", "contracts": "-5", "side": "both"}
    sold = read_position({**row, "info": {"posSide": "BOTH", "side": "SELL"}})
    assert (sold.qty, sold.position_side) == ("-5", None)
    assert read_position({**row, "contracts": "5", "info": {"posSide": "BOTH", "side": "BUY"}}).qty == "5"
    with pytest.raises(ValueError, match="without a side"):
        read_position({**row, "info": {"posSide": "BOTH"}})
    assert read_position({**row, "contracts": "0", "info": {"posSide": "BOTH"}}).qty == "0"


@pytest.mark.parametrize(
    ("info", "intent"),
    [
        ({"reduce_only": True}, "close"),  # Deribit, Delta
        ({"reduce_only": "1"}, "close"),  # htx's contracts
        ({"reduceOnly": "true"}, "close"),  # Poloniex
        ({"is_reduce_only": True}, "close"),  # Gate
        ({"exec_inst": ["POST_ONLY", "REDUCE_ONLY"]}, "close"),  # Crypto.com
        ({"reduceOnly": False, "closePosition": True}, "close"),  # Binance: all of it, without a quantity
        ({"reduceOnly": False, "closeOrder": True}, "close"),  # KuCoin
        ({"is_reduce_only": False, "is_close": True}, "close"),  # Gate
        ({"action": "CLOSE"}, "close"),  # Bitrue
        ({"action": "OPEN"}, "open"),
        ({"action": "BUY"}, None),  # BitoPro
        ({"reduceOnly": False, "closePosition": False}, None),
        ({"reduce_only": False}, None),
        ({"reduce_only": "0"}, None),
        ({"reduceOnly": "NO"}, None),
        ({"exec_inst": ["POST_ONLY"]}, None),
        ({}, None),
    ],
)
def test_an_order_that_only_reduces_closes_though_ccxt_does_not_say_so(
    info: dict[str, Any], intent: str | None
) -> None:
    row = {"id": "1", "symbol": "A/B:B", "side": "buy", "amount": "1", "filled": "0", "status": "open"}
    assert read_order({**row, "info": info}, "anywhere").intent == intent


def test_one_held_and_one_owed_are_the_sides_of_a_hedged_account() -> None:
    row = {"symbol": "A/B:B", "info": {"position_mode": "dual_side"}}
    long, short = ({**row, "contracts": "10", "side": side} for side in ("long", "short"))
    other = {**short, "symbol": "C/B:B"}
    read = tell_sides([read_position(one) for one in (long, other, short)])
    assert [(one.qty, one.position_side) for one in read] == [("10", "long"), ("-10", None), ("-10", "short")]
    for rows in ((long, long), (long, {**short, "contracts": "0"}), (long, short, short)):
        assert {one.position_side for one in tell_sides([read_position(row) for row in rows])} == {None}


@pytest.mark.parametrize(
    ("exchange_id", "info", "side", "intent"),
    [
        ("toobit", {"side": "BUY_OPEN"}, "buy", "open"),
        ("toobit", {"side": "SELL_CLOSE"}, "sell", "close"),
        ("hashkey", {"side": "SELL_OPEN"}, "sell", "open"),
        ("hashkey", {"side": "BUY_CLOSE"}, "buy", "close"),
        ("hashkey", {"side": "BUY"}, "sell", None),  # ccxt's word then
        ("digifinex", {"type": 1}, "buy", "open"),
        ("digifinex", {"type": 2}, "sell", "open"),
        ("digifinex", {"type": 3}, "sell", "close"),
        ("digifinex", {"type": 4}, "buy", "close"),
        ("digifinex", {"type": "buy_market"}, "sell", None),
        ("anywhere", {"side": "BUY_OPEN"}, "sell", None),
    ],
)
def test_what_a_contract_s_side_does(
    exchange_id: str, info: dict[str, Any], side: str, intent: str | None
) -> None:
    row = {"id": "1", "symbol": "A/B:B", "side": "sell", "amount": "1", "filled": "0", "status": "open"}
    order = read_order({**row, "info": info}, exchange_id)
    assert (order.side, order.intent) == (side, intent)
    if intent is not None:
        spot = read_order({**row, "symbol": "A/B", "info": info}, exchange_id)
        assert (spot.side, spot.intent) == ("sell", None)


def test_a_margin_position_that_is_counted_in_quote_currency_is_refused() -> None:
    row = {"symbol": "BTC/USDT", "contracts": "500", "side": "short", "hedged": False}
    with pytest.raises(ValueError, match="500 USDT"):
        read_position({**row, "info": {"instType": "MARGIN", "posCcy": "USDT"}})
    held = {**row, "contracts": "0.5", "side": "long"}
    assert read_position({**held, "info": {"instType": "MARGIN", "posCcy": "BTC"}}).qty == "0.5"
    assert read_position({**row, "info": {"instType": "SWAP", "posCcy": ""}}).qty == "-500"


@pytest.mark.parametrize(
    ("info", "side"),
    [
        ({"initial": {"size": 0, "is_close": True, "auto_size": "close_long"}}, "sell"),
        ({"initial": {"size": 0, "is_close": True, "auto_size": "close_short"}}, "buy"),
        ({"initial": {"size": "0", "is_close": True, "auto_size": ""}}, None),
        ({"initial": {"size": -5, "is_reduce_only": True}}, "sell"),
        ({"size": -5, "is_close": True}, "sell"),
    ],
)
def test_a_size_of_nothing_that_closes_all_has_no_sign(info: dict[str, Any], side: str | None) -> None:
    row = {"id": "1", "symbol": "A/B:B", "side": "sell", "status": "open", "info": info}
    order = read_order(row, "gate", conditional=True)
    assert (order.side, order.intent) == (side, "close")


@pytest.mark.parametrize(
    ("info", "side"),
    [
        ({"side": "buy", "posSide": "long"}, "sell"),  # an order's own side is that of its position
        ({"side": "sell", "posSide": "short"}, "buy"),
        ({"side": "buy", "posSide": "short"}, "buy"),  # a stop's is what it trades
        ({"side": "buy"}, "sell"),
    ],
)
def test_what_closes_a_side_is_told_by_the_position(info: dict[str, Any], side: str) -> None:
    info = {"posMode": "hedge_mode", "tradeSide": "close", **info}
    row = {"id": "1", "symbol": "A/B:B", "side": "sell", "amount": "1", "status": "open", "info": info}
    order = read_order(row, "bitget")
    assert (order.side, order.intent) == (side, "close")
