"""The real freqtrade against a local exchange: trueup finds what freqtrade's books miss, and freqtrade repairs them.

Takes a minute or two, so it runs where `TRUEUP_TEST_FREQTRADE` says: the Python of an environment with freqtrade, or
`make`, which makes one of `freqtrade.lock` in the folder that the test is given. Its database is only read by trueup.
"""

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

VARIABLE = "TRUEUP_TEST_FREQTRADE"
ROOT = Path(__file__).parents[2]
WAIT_S = 90.0
STRATEGY = """
from freqtrade.strategy import IStrategy


class Idle(IStrategy):
    timeframe = "5m"
    stoploss = -0.99
    minimal_roi = {"0": 100}
    startup_candle_count = 0

    def populate_indicators(self, df, metadata):
        return df

    def populate_entry_trend(self, df, metadata):
        return df

    def populate_exit_trend(self, df, metadata):
        return df
"""
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not os.environ.get(VARIABLE), reason=f"{VARIABLE} names no freqtrade (`make`: installs one, minutes)"
    ),
]


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    said = os.environ[VARIABLE]
    if said != "make":
        return Path(said)
    folder = tmp_path_factory.mktemp("freqtrade")
    lock = Path(__file__).parent / "freqtrade.lock"
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    done = subprocess.run(
        [str(folder / "bin/pip"), "install", "-q", "-r", str(lock)], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip(f"freqtrade cannot be installed here: {done.stderr.decode()[-200:]}")
    return folder / "bin/python"


class Desk:
    """One freqtrade, its exchange, and trueup beside them."""

    def __init__(self, folder: Path, python: Path) -> None:
        self.folder, self._python = folder, python
        self.exchange_port, self.api_port = free_port(), free_port()
        self._exchange = self._start(
            [sys.executable, "-m", "tests.interop.exchange", str(self.exchange_port)], ROOT
        )
        (folder / "user_data/strategies").mkdir(parents=True)
        (folder / "user_data/strategies/idle.py").write_text(STRATEGY)
        (folder / "user_data/config.json").write_text(json.dumps(self._config()))
        self._freqtrade: subprocess.Popen[bytes] | None = None

    def _config(self) -> dict[str, Any]:
        base = f"http://127.0.0.1:{self.exchange_port}"
        paths = {"public": "/api/v3", "private": "/api/v3", "v1": "/api/v1", "sapi": "/sapi/v1", "sapiV2": "/sapi/v2",
                 "sapiV3": "/sapi/v3", "sapiV4": "/sapi/v4"}  # fmt: skip
        prices = {"price_side": "same", "use_order_book": True, "order_book_top": 1}
        options = {"fetchMarkets": {"types": ["spot"]}, "fetchMargins": False, "fetchCurrencies": False}
        return {
            "stake_currency": "USDT", "stake_amount": 100, "max_open_trades": 3, "dry_run": False,
            "trading_mode": "spot", "bot_name": "interop", "force_entry_enable": True, "timeframe": "5m",
            "initial_state": "running",
            "internals": {"process_throttle_secs": 1}, "unfilledtimeout": {"entry": 600, "exit": 600},
            "db_url": f"sqlite:///{self.folder}/user_data/tradesv3.sqlite",
            "entry_pricing": prices, "exit_pricing": prices, "pairlists": [{"method": "StaticPairList"}],
            "exchange": {
                "name": "binance", "key": "k", "secret": "s", "pair_whitelist": ["ETH/USDT"], "enable_ws": False,
                "ccxt_config": {"enableRateLimit": False, "options": options,
                                "urls": {"api": {name: base + path for name, path in paths.items()}}},
            },
            "api_server": {"enabled": True, "listen_ip_address": "127.0.0.1", "listen_port": self.api_port,
                           "username": "u", "password": "p", "jwt_secret_key": "x" * 40, "verbosity": "error"},
        }  # fmt: skip

    def start(self) -> None:
        arguments = ["trade", "-c", "user_data/config.json", "--userdir", "user_data", "--strategy", "Idle"]
        self._freqtrade = self._start([str(self._python), "-m", "freqtrade", *arguments], self.folder)
        self.until(lambda: self.api("/api/v1/show_config")["state"] == "running")

    def kill(self) -> None:
        assert self._freqtrade is not None
        self._freqtrade.send_signal(signal.SIGKILL)
        self._freqtrade.wait()

    def _start(self, arguments: list[str], folder: Path) -> "subprocess.Popen[bytes]":
        log = (self.folder / f"{Path(arguments[2]).name}.log").open("ab")
        return subprocess.Popen(arguments, cwd=folder, stdout=log, stderr=log)

    def close(self) -> None:
        for process in (self._freqtrade, self._exchange):
            if process is not None:
                process.kill()
                process.wait()

    def until(self, is_so: Callable[[], bool]) -> None:
        end = time.monotonic() + WAIT_S
        while True:
            with suppress(OSError, KeyError, IndexError):
                if is_so():
                    return
            assert time.monotonic() < end, "freqtrade did not come so far; see its log"
            time.sleep(0.5)

    def api(self, path: str, body: dict[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.api_port}{path}", data)
        request.add_header("Authorization", "Basic " + base64.b64encode(b"u:p").decode())
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def at_exchange(self, **changes: Any) -> None:
        data = json.dumps({"orderId": 1001} | changes).encode()
        urllib.request.urlopen(f"http://127.0.0.1:{self.exchange_port}/_set", data, timeout=10).close()

    def order(self) -> dict[str, Any]:
        order: dict[str, Any] = self.api("/api/v1/status")[0]["orders"][0]
        return order

    # -- trueup ---------------------------------------------------------------------------------------------------

    def export(self) -> None:
        """The exchange's truth, as the venue `files` reads it."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.exchange_port}/_orders", timeout=10) as answer:
            orders = [_venue_order(one) for one in json.load(answer)]
        live = [one for one in orders if one["status"] in ("pending_new", "partially_filled")]
        reads = {
            "open_orders": {"state": "complete", "rows": live},
            "history": {"state": "complete", "orders": [one for one in orders if one not in live]},
        }
        (self.folder / "venue.json").write_text(json.dumps(reads))

    def trueup(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        self.export()
        config = ["--config", str(self.folder / "trueup.toml")]
        command = [sys.executable, "-m", "trueup", *arguments, *config]
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)

    @contextmanager
    def service(self) -> Iterator[None]:
        """`trueup run --apply`, as beside a bot; ended by a signal."""
        self.export()
        arguments = ["run", "--apply", "--interval", "1", "--config", str(self.folder / "trueup.toml")]
        process = self._start([sys.executable, "-m", "trueup", *arguments], self.folder)
        try:
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)

    def breaks(self) -> list[tuple[str, str]]:
        plan = json.loads(self.trueup("plan", "--json").stdout)
        return [(one["kind"], one["venue_order_id"]) for one in plan["breaks"]]


def _venue_order(one: dict[str, Any]) -> dict[str, Any]:
    statuses = {
        "NEW": "pending_new",
        "PARTIALLY_FILLED": "partially_filled",
        "FILLED": "filled",
        "CANCELED": "canceled",
    }
    sent = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(one["time"] / 1000))
    filled = one["executedQty"]
    return {
        "venue_order_id": str(one["orderId"]), "client_order_id": one["clientOrderId"], "symbol": "ETH/USDT",
        "side": one["side"].lower(), "order_type": "limit", "qty": one["origQty"], "limit_price": one["price"],
        "status": statuses[one["status"]], "filled_qty": filled,
        "filled_avg_price": "100" if float(filled) else None, "submitted_at": sent, "updated_at": sent,
    }  # fmt: skip


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def desk(tmp_path: Path, python: Path) -> Iterator[Desk]:
    made = Desk(tmp_path, python)
    yield made
    made.close()


def test_a_fill_that_freqtrade_missed_is_found_and_freqtrade_itself_repairs_it(desk):
    desk.start()
    entry = {"pair": "ETH/USDT", "side": "long", "price": 100, "ordertype": "limit", "stakeamount": 100}
    desk.api("/api/v1/forceenter", entry)
    desk.until(lambda: desk.order()["status"] == "open")
    desk.trueup("connect", "user_data", "--venue-orders", str(_csv(desk)))
    # the exchange answers "canceled, 0.3 filled", freqtrade books that and asks no more; then the truth is another
    desk.at_exchange(status="CANCELED", executedQty="0.300", cummulativeQuoteQty="30")
    desk.until(lambda: desk.order()["filled"] == 0.3)
    time.sleep(5)  # its loops that look for the fee are over
    desk.at_exchange(status="FILLED", executedQty="1.000", cummulativeQuoteQty="100")
    time.sleep(5)
    assert desk.order()["filled"] == 0.3  # freqtrade does not know
    assert ("fill_drift", "1001") in desk.breaks() or ("resurrected", "1001") in desk.breaks()
    assert desk.order()["filled"] == 0.3  # and looking changed nothing
    config = desk.folder / "trueup.toml"
    asking = config.read_text().replace('write = "never"', 'write = "ask"')
    config.write_text(asking.replace('trading_mode = "spot"', 'trading_mode = "spot"\nask_after_s = 3'))
    with desk.service():
        desk.until(lambda: desk.order()["filled"] == 1.0)
    assert desk.order()["status"] == "closed"
    assert desk.api("/api/v1/status")[0]["amount"] == 1.0
    time.sleep(6)
    assert not {"fill_drift", "resurrected", "status_drift"} & {kind for kind, _ in desk.breaks()}


def test_an_order_whose_fill_came_while_freqtrade_was_dead_is_found_beside_it(desk):
    desk.start()
    entry = {"pair": "ETH/USDT", "side": "long", "price": 100, "ordertype": "limit", "stakeamount": 100}
    desk.api("/api/v1/forceenter", entry)
    desk.until(lambda: desk.order()["status"] == "open")
    desk.kill()
    desk.trueup("connect", "user_data", "--venue-orders", str(_csv(desk)))
    desk.at_exchange(status="PARTIALLY_FILLED", executedQty="0.400", cummulativeQuoteQty="40")
    time.sleep(6)  # what freqtrade touched so recently is not judged
    assert ("fill_drift", "1001") in desk.breaks()
    desk.start()
    desk.until(lambda: desk.order()["filled"] == 0.4)
    time.sleep(6)
    assert not {"fill_drift", "status_drift"} & {kind for kind, _ in desk.breaks()}


def _csv(desk: Desk) -> Path:
    path = desk.folder / "orders.csv"
    path.write_text("order_id,symbol,side,type,status,quantity,executed_qty,price\n"
                    "1001,ETH/USDT,BUY,limit,new,1,0,100\n")  # fmt: skip
    return path
