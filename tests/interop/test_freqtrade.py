"""The real freqtrade against a local exchange: trueup finds what freqtrade's books miss, and freqtrade repairs them.

Takes a minute or two, so it runs where `TRUEUP_TEST_FREQTRADE` says: the Python of an environment with freqtrade, or
`make`, which makes one of `freqtrade.lock` in the folder that the test is given. Its database is only read by trueup.
"""

import base64
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.interop.conftest import VARIABLE
from tests.patience import PATIENCE_S

ROOT = Path(__file__).parents[2]
WAIT_S = PATIENCE_S
STRATEGY = """
from freqtrade.strategy import IStrategy


class Idle(IStrategy):
    timeframe = "5m"
    stoploss = -0.99
    minimal_roi = {"0": 100}
    order_types = %s
    startup_candle_count = 0

    def populate_indicators(self, df, metadata):
        return df

    def populate_entry_trend(self, df, metadata):
        return df

    def populate_exit_trend(self, df, metadata):
        return df
"""
ORDER_TYPES: dict[str, Any] = {
    "entry": "limit", "exit": "limit", "stoploss": "limit", "stoploss_on_exchange": False,
}  # fmt: skip
ENTRY = {"pair": "ETH/USDT", "side": "long", "price": 100, "ordertype": "limit", "stakeamount": 100}
WINDOW_S = 6.0  # what freqtrade touched so recently is not judged
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not os.environ.get(VARIABLE), reason=f"{VARIABLE} names no freqtrade (`make`: installs one, minutes)"
    ),
]


class Desk:
    """One freqtrade, its exchange, and trueup beside them."""

    def __init__(self, folder: Path, python: Path, order_types: dict[str, Any]) -> None:
        """`order_types`: as a strategy has them."""
        self.folder, self._python = folder, python
        self.exchange_port, self.api_port = free_port(), free_port()
        self._exchange = self._start(
            [sys.executable, "-m", "tests.interop.exchange", str(self.exchange_port)], ROOT
        )
        (folder / "user_data/strategies").mkdir(parents=True)
        (folder / "user_data/strategies/idle.py").write_text(STRATEGY % order_types)
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
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            return json.load(answer)

    def at_exchange(self, **changes: Any) -> None:
        data = json.dumps({"orderId": 1001} | changes).encode()
        urllib.request.urlopen(
            f"http://127.0.0.1:{self.exchange_port}/_set", data, timeout=PATIENCE_S
        ).close()

    def placing(self, **what: Any) -> None:
        """What becomes of the answer to the next order."""
        data = json.dumps(what).encode()
        urllib.request.urlopen(
            f"http://127.0.0.1:{self.exchange_port}/_placing", data, timeout=PATIENCE_S
        ).close()

    def at_exchange_are(self) -> list[int]:
        with urllib.request.urlopen(
            f"http://127.0.0.1:{self.exchange_port}/_orders", timeout=PATIENCE_S
        ) as answer:
            return [one["orderId"] for one in json.load(answer)]

    def asking(self) -> None:
        """Let trueup ask freqtrade."""
        config = self.folder / "trueup.toml"
        text = config.read_text().replace('write = "never"', 'write = "ask"')
        config.write_text(text.replace('trading_mode = "spot"', 'trading_mode = "spot"\nask_after_s = 3'))

    def order(self) -> dict[str, Any]:
        order: dict[str, Any] = self.api("/api/v1/status")[0]["orders"][0]
        return order

    # -- trueup ---------------------------------------------------------------------------------------------------

    def export(self) -> None:
        """The exchange's truth, as the venue `files` reads it."""
        with urllib.request.urlopen(
            f"http://127.0.0.1:{self.exchange_port}/_orders", timeout=PATIENCE_S
        ) as answer:
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
            assert not _writable_files(process.pid)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)

    def plan(self) -> Any:
        """While freqtrade stands still, so that whatever changed in its database was changed by trueup."""
        with self._still():
            before = self._pages()
            plan = json.loads(self.trueup("plan", "--json").stdout)
            assert self._pages() == before
        return plan

    def breaks(self) -> list[tuple[str, str]]:
        """Of orders; without positions, which these exports do not have, and what is said for information only."""
        told = [one for one in self.plan()["breaks"] if one["severity"] != "info" and one["venue_order_id"]]
        return [(one["kind"], one["venue_order_id"]) for one in told]

    @contextmanager
    def _still(self) -> Iterator[None]:
        process = self._freqtrade
        if process is None or process.poll() is not None:
            yield
            return
        process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            process.send_signal(signal.SIGCONT)

    def _pages(self) -> list[str]:
        """Of its database and the log of changes beside it, byte for byte."""
        files = [self.folder / "user_data" / f"tradesv3.sqlite{end}" for end in ("", "-wal")]
        return [sha256(one.read_bytes()).hexdigest() for one in files if one.exists()]


def _writable_files(pid: int) -> list[str]:
    """freqtrade's database, where a process has it open for more than reading. SQLite opens the files beside it so."""
    found = []
    for link in Path(f"/proc/{pid}/fd").glob("*"):
        name = os.readlink(link)
        if name.endswith("tradesv3.sqlite"):
            flags = Path(f"/proc/{pid}/fdinfo/{link.name}").read_text().split("flags:")[1].split()[0]
            found += [name] if int(flags, 8) & (os.O_WRONLY | os.O_RDWR) else []
    return found


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
        "side": one["side"].lower(), "order_type": TYPES[one["type"]], "qty": one["origQty"],
        "limit_price": one["price"], "stop_price": one["stopPrice"],
        "status": statuses[one["status"]], "filled_qty": filled,
        "filled_avg_price": "100" if float(filled) else None, "submitted_at": sent, "updated_at": sent,
    }  # fmt: skip


TYPES = {"LIMIT": "limit", "MARKET": "market", "STOP_LOSS_LIMIT": "stop_limit"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def desk(request: pytest.FixtureRequest, tmp_path: Path, python: Path) -> Iterator[Desk]:
    made = Desk(tmp_path, python, ORDER_TYPES | getattr(request, "param", {}))
    yield made
    made.close()


def test_a_fill_that_freqtrade_missed_is_found_and_freqtrade_itself_repairs_it(desk):
    desk.start()
    desk.api("/api/v1/forceenter", ENTRY)
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
    desk.asking()
    with desk.service():
        desk.until(lambda: desk.order()["filled"] == 1.0)
    assert desk.order()["status"] == "closed"
    assert desk.api("/api/v1/status")[0]["amount"] == 1.0
    time.sleep(WINDOW_S)
    assert not {"fill_drift", "resurrected", "status_drift"} & {kind for kind, _ in desk.breaks()}


def test_an_order_whose_fill_came_while_freqtrade_was_dead_is_found_beside_it(desk):
    desk.start()
    desk.api("/api/v1/forceenter", ENTRY)
    desk.until(lambda: desk.order()["status"] == "open")
    desk.kill()
    desk.trueup("connect", "user_data", "--venue-orders", str(_csv(desk)))
    desk.at_exchange(status="PARTIALLY_FILLED", executedQty="0.400", cummulativeQuoteQty="40")
    time.sleep(WINDOW_S)
    assert ("fill_drift", "1001") in desk.breaks()
    desk.start()
    desk.until(lambda: desk.order()["filled"] == 0.4)
    time.sleep(WINDOW_S)
    assert not {"fill_drift", "status_drift"} & {kind for kind, _ in desk.breaks()}


def test_an_order_whose_answer_was_lost_is_told_and_keeps_freqtrade_from_a_reload(desk):
    desk.start()
    desk.placing(lost=True)
    with suppress(urllib.error.HTTPError):
        desk.api("/api/v1/forceenter", ENTRY)
    assert desk.at_exchange_are() == [1001]
    assert desk.api("/api/v1/status") == []  # freqtrade has no trade, no order, no message of it
    desk.api("/api/v1/forceenter", ENTRY)
    desk.until(lambda: desk.order()["order_id"] == "1002")
    desk.trueup("connect", "user_data", "--venue-orders", str(_csv(desk)))
    time.sleep(WINDOW_S)
    assert desk.breaks() == [("missing_locally", "1001")]
    # a reload of the other order's trade would adopt it, so drift of that trade is a person's
    desk.at_exchange(orderId=1002, status="CANCELED", executedQty="0.300", cummulativeQuoteQty="30")
    desk.until(lambda: desk.order()["filled"] == 0.3)
    time.sleep(WINDOW_S)
    desk.at_exchange(orderId=1002, status="FILLED", executedQty="1.000", cummulativeQuoteQty="100")
    desk.asking()
    with desk.service():
        desk.until(lambda: "a reload would adopt" in (desk.folder / "trueup.log").read_text())
    assert desk.order()["filled"] == 0.3
    assert [one["order_id"] for one in desk.api("/api/v1/status")[0]["orders"]] == ["1002"]


def test_an_order_answered_late_is_quiet_and_one_that_a_kill_cut_off_is_told(desk):
    desk.start()
    desk.placing(late_s=3)
    desk.api("/api/v1/forceenter", ENTRY)
    desk.until(lambda: desk.order()["status"] == "open")
    desk.trueup("connect", "user_data", "--venue-orders", str(_csv(desk)))
    time.sleep(WINDOW_S)
    assert desk.breaks() == []
    desk.at_exchange(status="FILLED", executedQty="1.000", cummulativeQuoteQty="100")
    desk.until(lambda: desk.order()["status"] == "closed")
    desk.placing(late_s=30)
    leave = {"tradeid": "1", "ordertype": "limit"}
    threading.Thread(target=_unheard, args=(desk, "/api/v1/forceexit", leave), daemon=True).start()
    desk.until(lambda: desk.at_exchange_are() == [1001, 1002])
    desk.kill()
    time.sleep(WINDOW_S)
    assert desk.breaks() == [("missing_locally", "1002")]
    desk.start()  # its own start does not find it either
    time.sleep(WINDOW_S)
    assert desk.breaks() == [("missing_locally", "1002")]


@pytest.mark.parametrize("desk", [{"stoploss_on_exchange": True}], indirect=True)
def test_a_stop_that_fired_while_freqtrade_was_dead_and_an_entry_that_freqtrade_deleted(desk):
    desk.start()
    desk.api("/api/v1/forceenter", ENTRY)
    desk.until(lambda: desk.order()["status"] == "open")
    desk.trueup("connect", "user_data", "--venue-orders", str(_csv(desk)))
    time.sleep(WINDOW_S)
    assert desk.breaks() == []  # the order was taken in
    with suppress(urllib.error.HTTPError):  # done, and answered with 502: its trade is gone with it
        _delete(desk, "/api/v1/trades/1/open-order")
    desk.until(lambda: desk.api("/api/v1/status") == [])
    time.sleep(WINDOW_S)
    assert desk.breaks() == []  # an entry that filled nothing is deleted with its trade
    desk.api("/api/v1/forceenter", ENTRY)
    desk.until(lambda: desk.order()["order_id"] == "1002")
    desk.at_exchange(orderId=1002, status="FILLED", executedQty="1.000", cummulativeQuoteQty="100")
    desk.until(lambda: len(desk.api("/api/v1/status")[0]["orders"]) == 2)  # the stop stands at the exchange
    time.sleep(WINDOW_S)
    assert desk.breaks() == []
    desk.kill()
    desk.at_exchange(orderId=1003, status="FILLED", executedQty="1.000", cummulativeQuoteQty="1")
    time.sleep(WINDOW_S)
    plan = desk.plan()
    assert {(one["kind"], one["venue_order_id"]) for one in plan["breaks"]} >= {("fill_drift", "1003")}
    (fill,) = [one["fill"] for one in plan["corrections"] if one["fill"]]
    assert fill["qty"] == "1"
    desk.start()
    desk.until(
        lambda: desk.api("/api/v1/status") == []
    )  # freqtrade sees its own stop at its start, and closes
    time.sleep(WINDOW_S)
    assert desk.breaks() == []


def _unheard(desk: Desk, path: str, body: dict[str, Any]) -> None:
    """A request whose answer never comes."""
    with suppress(OSError, http.client.HTTPException):
        desk.api(path, body)


def _delete(desk: Desk, path: str) -> None:
    request = urllib.request.Request(f"http://127.0.0.1:{desk.api_port}{path}", method="DELETE")
    request.add_header("Authorization", "Basic " + base64.b64encode(b"u:p").decode())
    urllib.request.urlopen(request, timeout=PATIENCE_S).close()


def _csv(desk: Desk) -> Path:
    path = desk.folder / "orders.csv"
    path.write_text("order_id,symbol,side,type,status,quantity,executed_qty,price\n"
                    "1001,ETH/USDT,BUY,limit,new,1,0,100\n")  # fmt: skip
    return path
