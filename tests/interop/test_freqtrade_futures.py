"""Shorts, leverage and contracts as freqtrade's own code stores them; expected values by hand.

Its classes take the exchange's answer, in contracts of 10, turn it into base and write its database; no bot runs, for a
local exchange would have to speak all of an exchange's futures API. Runs where `TRUEUP_TEST_FREQTRADE` says.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.interop.conftest import VARIABLE

PROGRAM = """
import datetime as dt, json, sys
from freqtrade.enums import TradingMode
from freqtrade.exchange import Okx
from freqtrade.persistence import Order, Trade, init_db

def in_base(order):
    exchange = Okx.__new__(Okx)
    exchange._ft_has = {**Okx._ft_has_default, **Okx._ft_has, **Okx._ft_has_futures}
    exchange.get_contract_size = lambda pair: 10.0
    return exchange._order_contracts_to_amount(dict(order))

init_db("sqlite:///" + sys.argv[1])
sent = dt.datetime(2026, 11, 23, 12, tzinfo=dt.timezone.utc)
trade = Trade(
    pair="ETH/USDT:USDT", base_currency="ETH", stake_currency="USDT", stake_amount=200.0, amount=0.0, fee_open=0.0,
    fee_close=0.0, open_rate=60.0, open_date=sent, exchange="okx", is_open=True, is_short=True, leverage=3.0,
    trading_mode=TradingMode.FUTURES, amount_precision=1.0, price_precision=0.01, precision_mode=4,
    precision_mode_price=4, contract_size=10.0, strategy="s", timeframe=5, record_version=2,
)
for order in json.loads(sys.argv[2]):
    order = in_base(order)
    trade.orders.append(Order.parse_from_ccxt_object(order, trade.pair, order["side"]))
Trade.session.add(trade)
Trade.commit()
print(json.dumps([one.safe_amount for one in trade.orders]))
"""
CONFIG = """
[books.mine]
kind = "freqtrade"
database = "tradesv3.sqlite"
options = { exchange = "okx", trading_mode = "futures" }
[[accounts]]
account_id = "a-1"
venue = "files"
options = { path = "venue.json" }
[[accounts.profiles]]
profile_id = "mom"
books = "mine"
policy = { recent_activity_window_s = 0, parity_enabled = false, exit_backfill_enabled = false }
"""
SENT = "2026-11-23T12:00:00Z"
SENT_MS = 1_795_435_200_000
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not os.environ.get(VARIABLE), reason=f"{VARIABLE} names no freqtrade"),
]


def of_exchange(number: int, side: str, contracts: int, filled: int, status: str) -> dict[str, Any]:
    """As ccxt says it: in contracts."""
    return {
        "id": str(number), "symbol": "ETH/USDT:USDT", "side": side, "type": "limit", "price": 60.0, "amount": contracts,
        "filled": filled, "remaining": contracts - filled, "average": 60.0 if filled else None,
        "cost": 60.0 * filled, "status": status, "timestamp": SENT_MS, "datetime": SENT, "info": {}, "fee": None,
    }  # fmt: skip


def at_venue(number: int, side: str, contracts: int, filled: int, status: str) -> dict[str, Any]:
    return {
        "venue_order_id": str(number), "symbol": "ETH/USDT:USDT", "side": side, "order_type": "limit",
        "qty": str(contracts), "limit_price": "60", "status": status, "filled_qty": str(filled),
        "filled_avg_price": "60" if filled else None, "submitted_at": SENT, "updated_at": SENT,
    }  # fmt: skip


class Desk:
    def __init__(self, folder: Path, python: Path) -> None:
        self._folder, self._python = folder, python
        (folder / "trueup.toml").write_text(CONFIG)

    def freqtrade_writes(self, *orders: dict[str, Any]) -> list[float]:
        """What it keeps as their amounts."""
        database = str(self._folder / "tradesv3.sqlite")
        command = [str(self._python), "-c", PROGRAM, database, json.dumps(orders)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        amounts: list[float] = json.loads(done.stdout.splitlines()[-1])
        return amounts

    def plan(self, *opened: dict[str, Any], ended: tuple[dict[str, Any], ...] = ()) -> Any:
        reads = {
            "open_orders": {"state": "complete", "rows": list(opened)},
            "history": {"state": "complete", "orders": list(ended)},
        }
        (self._folder / "venue.json").write_text(json.dumps(reads))
        command = [
            sys.executable,
            "-m",
            "trueup",
            "plan",
            "--json",
            "--config",
            str(self._folder / "trueup.toml"),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=self._folder)
        assert done.stdout, done.stderr
        return json.loads(done.stdout)


@pytest.fixture
def desk(tmp_path: Path, python: Path) -> Desk:
    return Desk(tmp_path, python)


def test_a_short_in_contracts_that_is_as_the_exchange_has_it_is_quiet(desk):
    amounts = desk.freqtrade_writes(
        of_exchange(1, "sell", 2, 2, "closed"), of_exchange(2, "buy", 2, 1, "open")
    )
    assert amounts == [20.0, 20.0]  # base: two contracts of 10 each
    plan = desk.plan(
        at_venue(2, "buy", 2, 1, "partially_filled"), ended=(at_venue(1, "sell", 2, 2, "filled"),)
    )
    assert [(one["kind"], one["message"]) for one in plan["breaks"] if one["severity"] != "info"] == []


def test_a_missed_exit_of_a_short_is_found_in_contracts(desk):
    """It knows one of the two contracts that were bought back."""
    desk.freqtrade_writes(of_exchange(1, "sell", 2, 2, "closed"), of_exchange(2, "buy", 2, 1, "open"))
    plan = desk.plan(ended=(at_venue(1, "sell", 2, 2, "filled"), at_venue(2, "buy", 2, 2, "filled")))
    told = {(one["kind"], one["venue_order_id"]): one for one in plan["breaks"] if one["severity"] != "info"}
    drift = told["fill_drift", "2"]
    assert (drift["local"]["filled_qty"], drift["venue"]["filled_qty"]) == ("1", "2")
    (fill,) = [one["fill"] for one in plan["corrections"] if one["fill"]]
    assert (fill["qty"], fill["price"]) == ("1", "60")
    assert {order for _, order in told} == {"2"}
