"""freqtrade's dumps: what a trade's orders filled comes from amounts, or the file is refused."""

import pytest

from trueup.exports.freqtrade import with_sums
from trueup.model.errors import InputError


def dump(filled: object) -> dict:
    orders = [
        {"ft_order_side": "buy", "filled": "0.5", "ft_fee_base": "0.0005"},
        {"ft_order_side": "buy", "filled": filled, "ft_fee_base": None},
        {"ft_order_side": "sell", "filled": "0.25", "ft_fee_base": None},
    ]
    return {"pair": "ETH/USDT", "is_open": True, "is_short": False, "orders": orders}


def test_a_trade_is_the_sum_of_its_orders() -> None:
    trade = with_sums(dump("1e-7"))
    assert (trade["entry_filled"], trade["exit_filled"], trade["fee_base_qty"]) == (
        "0.5000001",
        "0.25",
        "0.0005",
    )


@pytest.mark.parametrize("filled", ["much", "NaN", "1e400", "1e999999999999", "1" * 700, "1_0"])
def test_what_is_no_amount_is_refused(filled: str) -> None:
    with pytest.raises(InputError, match="filled of one of its orders"):
        with_sums(dump(filled))
