"""The paper venue takes the amounts that a venue takes, and declines the others."""

import pytest

from trueup.sim.market.instruments import MarketInstrument
from trueup.sim.paper.requests import Declined, steps, ticks

ETH = MarketInstrument(symbol="ETH/USD", start_ticks=250_000)


@pytest.mark.parametrize(
    "qty",
    [
        *("1e400", "1e-400", "1e999999999999", "1e-999999999999", "1e99999999999999999999", "9" * 700),
        *("1_0", "nan", "inf", "-1", "0", "", None, "9" * 31, "\u0661", True),
    ],
)
def test_other_amounts_are_declined(qty: object):
    with pytest.raises(Declined, match="qty must be above 0"):
        steps({"qty": qty}, ETH)


def test_amounts_are_whole_numbers_of_its_steps():
    assert steps({"qty": "2"}, ETH) == 2 * 10**ETH.qty_decimals
    assert ticks({"limit_price": "1e3"}, "limit_price", ETH) == 1000 * 10**ETH.price_decimals
