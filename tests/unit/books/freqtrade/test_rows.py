"""freqtrade's rows, one fact at a time; expected values by hand."""

import pytest

from tests.unit.books.freqtrade.tables import order, trade
from trueup.books.freqtrade.rows import (
    Unclear,
    base_fee,
    quantity,
    read_order,
    read_trade,
    step_of,
    trade_number,
)
from trueup.model.snapshot import LocalOrder
from trueup.model.vocabulary import Action, PositionSide, Side, Status, TradeStatus


def test_a_live_entry():
    assert read_order(order(), trade()) == LocalOrder(
        venue_order_id="1001", trade_id="1-ETH/USDT", symbol="ETH/USDT", side=Side.BUY, action=Action.ENTRY,
        order_type="limit", qty="0.3", limit_price="100", status=Status.PARTIALLY_FILLED, filled_qty="0.1",
        filled_avg_price="100", submitted_at="2026-11-20T12:00:00Z",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("role", "is_short", "side", "action"),
    [
        ("buy", False, Side.BUY, Action.ENTRY),
        ("sell", False, Side.SELL, Action.EXIT),
        ("sell", True, Side.SELL, Action.ENTRY),
        ("buy", True, Side.BUY, Action.EXIT),
        ("stoploss", False, Side.SELL, Action.EXIT),
        ("stoploss", True, Side.BUY, Action.EXIT),
    ],
)
def test_side_and_action_follow_from_the_trade(role, is_short, side, action):
    read = read_order(order(ft_order_side=role, side=None), trade(is_short=is_short))
    assert (read.side, read.action) == (side, action)


@pytest.mark.parametrize(
    ("status", "is_open", "filled", "expected"),
    [
        (None, True, None, Status.PENDING_NEW),
        (None, True, 0.1, Status.PARTIALLY_FILLED),
        ("open", True, 0.0, Status.PENDING_NEW),
        ("closed", False, 0.3, Status.FILLED),
        ("closed", False, 0.1, Status.CANCELED),
        ("canceled", False, 0.1, Status.CANCELED),
        ("expired", False, 0.0, Status.EXPIRED),
        ("open", False, 0.1, Status.CANCELED),  # freqtrade no longer follows it
        ("open", False, 0.3, Status.FILLED),
    ],
)
def test_statuses(status, is_open, filled, expected):
    assert (
        read_order(order(status=status, ft_is_open=is_open, filled=filled, amount=0.3), trade()).status
        is expected
    )


@pytest.mark.parametrize("cells", [{"status": None, "ft_is_open": False}, {"status": "odd"}, {"side": "up"}])
def test_what_says_nothing_certain(cells):
    with pytest.raises(Unclear):
        read_order(order(**cells), trade())


def test_a_market_order_has_no_limit_and_a_stop_has_its_own():
    assert read_order(order(order_type="market"), trade()).limit_price is None
    stop = read_order(
        order(ft_order_side="stoploss", order_type="stop_loss_limit", stop_price=90.0, price=89.5), trade()
    )
    assert (stop.stop_price, stop.limit_price) == ("90", "89.5")
    assert (
        read_order(order(price=None), trade()).limit_price == "100"
    )  # freqtrade's own, where the venue gave none


def test_without_an_amount_freqtrades_own_counts():
    assert read_order(order(amount=None), trade()).qty == "0.3"


def test_contracts_are_counted_as_the_venue_counts_them():
    futures = trade(contract_size=0.01, amount_precision=1.0)
    assert quantity(0.07, futures) == "7"  # 0.07 / 0.01 is 7.000000000000001 in floats
    assert quantity(2.0, trade(contract_size=10.0)) == "0.2"


@pytest.mark.parametrize(
    ("precision", "mode", "step"),
    [(0.001, 4, "0.001"), (3.0, 2, "0.001"), (5.0, 3, None), (None, 4, None), (0.1, None, None)],
)
def test_what_its_precision_means(precision, mode, step):
    assert step_of(precision, mode) == step


def test_a_trade_is_the_sum_of_its_orders_those_that_are_open_included():
    entry = read_order(order(filled=0.1), trade())
    exit_ = read_order(order(ft_order_side="sell", side="sell", filled=0.04, average=110.0), trade())
    read = read_trade(trade(), [entry, exit_], "0.001")
    assert (read.entry_qty, read.exit_qty, read.fee_base_qty, read.entry_avg_price) == (
        "0.1",
        "0.04",
        "0.001",
        "100",
    )
    assert (read.side, read.status, read.opened_at) == (
        PositionSide.LONG,
        TradeStatus.OPEN,
        "2026-11-20T12:00:00Z",
    )


def test_base_fees_are_summed():
    assert (
        base_fee([order(ft_fee_base=0.001), order(), order(ft_fee_base=0.002)], trade(amount_precision=None))
        == "0.003"
    )


def test_freqtrades_number_of_a_trade():
    assert trade_number("17-ETH/USDT") == 17
    assert trade_number("x") is None


@pytest.mark.parametrize("column", ["order_id", "ft_pair", "side", "status", "order_type", "order_date"])
def test_a_text_of_10_mb_is_refused_and_not_carried_on(column):
    with pytest.raises(Unclear) as refused:
        read_order(order(**{column: "x" * 10_000_000}), trade())
    assert len(str(refused.value)) < 2000
