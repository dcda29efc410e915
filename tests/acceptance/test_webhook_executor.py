"""An executor over HTTP: the receivers of the documentation, in Python and Node, told by real runs; and what a
stranger, a recording and a crash in between do to them.
"""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.receiver import Post, Receiver, receiving
from tests.acceptance.test_cli_configured import Desk
from tests.patience import PATIENCE_S, wait_until
from trueup.webhooks.sign import signed_headers, signing_key

EXAMPLES = Path(__file__).parents[2] / "examples/webhook"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NODE = shutil.which("node")


class Bot:
    """A receiver of the documentation, in a process of its own."""

    def __init__(self, program: list[str], folder: Path) -> None:
        self._program = program
        self._books = folder / "books"
        self.start()

    def start(self, port: int = 0) -> None:
        self._process = subprocess.Popen(
            [*self._program, str(port), str(self._books)],
            env=os.environ | {"TRUEUP_SECRET": SECRET},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/trueup"

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(PATIENCE_S)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def orders(self) -> dict[str, tuple[str, str]]:
        if "receiver.py" in self._program[-1]:
            with sqlite3.connect(self._books) as books:
                return {
                    id_: (filled, average) for id_, filled, average in books.execute("SELECT * FROM orders")
                }
        lines = [json.loads(line) for line in self._books.read_text().splitlines()]
        return {one["order"]: (one["filled"], one["average"]) for one in lines if "order" in one}


@pytest.fixture(params=["python", "node"])
def bot(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bot]:
    if request.param == "node" and NODE is None:
        pytest.skip("no Node here (Debian: apt install nodejs)")
    program = (
        [str(NODE), str(EXAMPLES / "receiver.mjs")]
        if request.param == "node"
        else [sys.executable, str(EXAMPLES / "receiver.py")]
    )
    bot = Bot(program, tmp_path)
    yield bot
    bot.kill()


def configured(folder: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setenv("BOT_SECRET", SECRET)
    desk = Desk(folder)
    config = folder / "trueup.toml"
    executor = f'[service.executor]\nurl = "{url}"\nsecret = {{ env = "BOT_SECRET" }}\n\n[[accounts]]'
    config.write_text(config.read_text().replace("[[accounts]]", executor, 1))
    return desk


def run_until_told(desk: Desk) -> None:
    def told() -> bool:
        desk.call("run", "--once", "--apply")
        return desk.json("outbox", "list", code=0) == []

    wait_until(told)


def post(url: str, body: bytes, headers: dict[str, str]) -> int:
    request = urllib.request.Request(url, body, headers)  # noqa: S310 - this machine's own
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        return refused.code


def test_a_repair_reaches_the_bot_once(bot: Bot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = configured(tmp_path, bot.url, monkeypatch)
    desk.at_venue("v-1", "b1-1", "7")
    desk.call("run", "--once", "--apply")
    assert bot.orders() == {"v-1": ("7", "999.5")}
    assert desk.json("outbox", "list", code=0) == []
    (row,) = [
        one for one in desk.json("export", "outbox", code=0) if one["notification"]["kind"] == "entry_fill"
    ]
    old = row["notification"] | {"format": "trueup.notification/1", "cumulative_qty": "99"}
    body, key = json.dumps(old).encode(), signing_key(SECRET, "here")
    now_s = int(time.time())
    again = signed_headers(key, old["notification_id"], now_s, body)
    assert post(bot.url, body, again) == 204  # known: taken, and nothing is changed
    assert bot.orders() == {"v-1": ("7", "999.5")}


def test_a_bot_that_was_away_is_told_and_one_that_died_forgets_nothing(
    bot: Bot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = configured(tmp_path, bot.url, monkeypatch)
    desk.at_venue("v-1", "b1-1", "3")
    port = bot.port
    bot.kill()
    desk.call("run", "--once", "--apply")
    (waits, *_) = desk.json("outbox", "list", code=0)
    assert "cannot connect" in waits["error"]
    desk.at_venue("v-1", "b1-1", "7")
    bot.start(port)
    run_until_told(desk)
    assert bot.orders() == {"v-1": ("7", "999.5")}
    bot.kill()
    bot.start(port)
    assert bot.orders() == {"v-1": ("7", "999.5")}


def test_what_is_not_trueup_s_is_refused(bot: Bot) -> None:
    body = b'{"notification_id": "n-1", "kind": "entry_fill", "venue_order_id": "v-1", "cumulative_qty": "9"}'
    now_s, key = int(time.time()), signing_key(SECRET, "here")
    good = signed_headers(key, "n-1", now_s, body)
    assert post(bot.url, body, {}) == 401
    assert post(bot.url, body, signed_headers(b"another key of 16+ bytes", "n-1", now_s, body)) == 401
    assert post(bot.url, body.replace(b"9", b"8"), good) == 401
    assert post(bot.url, body, good | {"webhook-id": "n-2"}) == 401
    assert post(bot.url, body, signed_headers(key, "n-1", now_s - 301, body)) == 401
    assert post(bot.url, body, good | {"webhook-timestamp": str(now_s + 1)}) == 401


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def test_one_trade_in_order_and_another_not_held_up(
    tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = configured(tmp_path, f"{receiver.url}/bot", monkeypatch)
    refused: list[Post] = []

    def refuse_one_trade(post: Post) -> int:
        if post.json["trade_id"] == "t-b1-1" and len(refused) < 1:
            refused.append(post)
            return 500
        return 204

    receiver.answer = refuse_one_trade
    desk.record("b1-2", "v-2")
    rows = [
        {
            "venue_order_id": f"v-{n}", "client_order_id": f"b1-{n}", "symbol": "ETH/USD", "side": "buy",
            "order_type": "limit", "qty": "10", "limit_price": "1000", "status": "partially_filled",
            "filled_qty": filled, "filled_avg_price": "999", "submitted_at": "2026-01-01T00:00:00Z",
        }
        for n, filled in (("1", "3"), ("2", "4"))
    ]  # fmt: skip
    reads = {
        "open_orders": {"state": "complete", "rows": rows},
        "history": {"state": "complete"},
        "positions": {"state": "complete", "rows": [{"symbol": "ETH/USD", "qty": "7"}]},
    }
    (tmp_path / "venue.json").write_text(json.dumps({"account_id": "venue-acc"} | reads))
    desk.call("run", "--once", "--apply")
    assert [one.json["trade_id"] for one in receiver.posts if one not in refused] == ["t-b1-2"]
    run_until_told(desk)
    taken = [one for one in receiver.posts if one.json["trade_id"] == "t-b1-1"]
    assert [one.json["attempt"] for one in taken] == [1, 2]
    assert len({one.headers["webhook-id"] for one in taken}) == 1
    assert taken[0].json["profile_id"] == "bot1"


def test_doctor_checks_the_secret(
    tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = configured(tmp_path, f"{receiver.url}/bot", monkeypatch)
    (check,) = [one for one in desk.json("doctor") if one["name"] == "executor"]
    assert (check["state"], check["message"]) == ("ok", "a signed webhook")
    monkeypatch.setenv("BOT_SECRET", "short")
    (check,) = [one for one in desk.json("doctor") if one["name"] == "executor"]
    assert check["state"] == "fail"
    assert "shorter than 16 bytes" in check["message"]
