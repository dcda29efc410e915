"""An attacker at a service that runs with its dashboard: everything is refused, and the runs go on meanwhile."""

import contextlib
import html
import json
import os
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.conftest import OPERATOR, READER
from tests.browser.test_http import ask, log_in
from tests.patience import PATIENCE_S, wait_until
from trueup.ledgers.sqlite import open_sqlite
from trueup.surfaces.web.access import SESSION_COOKIE

CONNECTIONS = 1_000
SCRIPT = "<script>alert(1)</script>"
CONFIG = """
[service]
interval_s = 0.2
[web]
operator_token = { env = "OPERATOR" }
reader_token = { env = "READER" }
[[accounts]]
account_id = "acc-1"
venue = "files"
options = { path = "venue.json" }
[[accounts.profiles]]
profile_id = "bot1"
"""


class Target:
    def __init__(self, folder: Path, address: str) -> None:
        self.folder = folder
        self.address = address
        self.cookie = log_in(address, OPERATOR)
        self.ledger = open_sqlite(folder / "trueup.sqlite")

    def last_run_at(self) -> str:
        """From the ledger itself, whatever the pages say."""
        lease, *_ = self.ledger.journal.lease_states()
        return lease.completed.get("bot1", "")

    def is_paused(self) -> bool:
        status, text, _ = ask(f"{self.address}/api/overview", Cookie=self.cookie)
        assert status == 200
        return bool(json.loads(text)["profiles"][0]["paused"])


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    folder = tmp_path_factory.mktemp("attacked")
    (folder / "trueup.toml").write_text(CONFIG)
    order = {
        "venue_order_id": f"v-{SCRIPT}", "client_order_id": '"><img src=x onerror=alert(1)>', "symbol": SCRIPT,
        "side": "buy", "qty": "1", "status": "pending_new", "filled_qty": "0", "submitted_at": "2026-01-01T00:00:00Z",
    }  # fmt: skip
    reads = {
        "instruments": [{"symbol": "ETH/USD"}],
        "open_orders": {"state": "complete", "rows": [order]},
        "history": {"state": "complete"},
        "positions": {"state": "complete"},
    }
    (folder / "venue.json").write_text(json.dumps(reads))
    process = subprocess.Popen(
        [sys.executable, "-m", "trueup", "run", "--web", "127.0.0.1:0"],
        cwd=folder,
        env=os.environ | {"OPERATOR": OPERATOR, "READER": READER},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    address = next(line.strip() for line in process.stderr if line.startswith("http://"))
    wait_until((folder / "trueup.sqlite").exists)
    drain = subprocess.Popen(["cat"], stdin=process.stderr, stdout=subprocess.DEVNULL)
    try:
        yield Target(folder, address)
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
        drain.wait(PATIENCE_S)


@pytest.fixture(autouse=True)
def goes_on(target: Target) -> Iterator[None]:
    """Whatever was tried: a run has been complete since, and nothing was done to the profile."""
    before = target.last_run_at()
    yield
    wait_until(lambda: target.last_run_at() > before, lambda: "the runs have stopped")
    assert not target.is_paused()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://evil.example"}, 421),
        ({"Origin": "null"}, 421),
        ({"Sec_Fetch_Site": "cross-site"}, 421),
        ({"Sec_Fetch_Site": "same-site"}, 421),
        ({"Host": "evil.example"}, 421),
        ({"Host": "127.0.0.1.evil.example"}, 421),
        ({}, 403),  # from no page at all: without the form's token
    ],
)
@pytest.mark.parametrize("path", ["/act/pause", "/act/apply", "/act/quarantine", "/act/ignore"])
def test_a_post_from_another_site_is_refused(
    target: Target, path: str, headers: dict[str, str], status: int
) -> None:
    form = {
        "profile": "bot1",
        "why": "because",
        "plan": "x",
        "trade": "x",
        "break": "x",
        "form_token": "0" * 64,
    }
    assert ask(target.address + path, form, Cookie=target.cookie, **headers)[0] == status


def test_a_forged_cookie_is_nobody(target: Target) -> None:
    claim, _, mac = target.cookie.partition("=")[2].rpartition(".")
    role, name, until, nonce = claim.split(".")
    forged = (
        "", "x", "a.b.c.d.e", f"{claim}.", f"{claim}.{'0' * 64}", f"{claim}.{mac[:-1]}", f"{claim}.{mac}é",
        f"{role}.{name}.{int(until) + 1}.{nonce}.{mac}", f"reader.{name}.{until}.{nonce}.{mac}",
    )  # fmt: skip
    for cookie in forged:
        status, text, headers = ask(
            f"{target.address}/", Cookie=f"{SESSION_COOKIE}={cookie}".encode().decode("latin-1")
        )
        assert (status, headers.get("location")) == (303, "/login"), cookie
        assert "bot1" not in text


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "[::ffff:1.2.3.4]", "", "a" * 5000]
)
def test_a_rebound_name_sees_nothing(target: Target, host: str) -> None:
    status, text, _ = ask(f"{target.address}/api/overview", Cookie=target.cookie, Host=host)
    assert status in (400, 421)
    assert "bot1" not in text


@pytest.mark.parametrize(
    "path", ["/", "/breaks", "/profile/bot1", "/runs", "/people", "/fleet", "/cost", "/live"]
)
def test_script_in_a_symbol_is_text(target: Target, path: str) -> None:
    status, text, headers = ask(target.address + path, Cookie=target.cookie)
    assert status == 200
    assert SCRIPT not in text
    assert "onerror=alert(1)>" not in text
    assert "script-src 'self'" in headers["content-security-policy"]
    if path == "/breaks":
        assert html.escape(SCRIPT) in text


@pytest.mark.parametrize(
    "path",
    [
        "/explain/%3Cscript%3Ealert(2)%3C/script%3E", "/static/../access.py", "/static/%2e%2e/access.py",
        "/static/%2e%2e%2f%2e%2e%2f%2e%2e%2fetc/passwd", "/static//etc/passwd", "/run/..%2f..%2ftrueup.toml",
        "/books?at=%3Cscript%3E", "/books?profile=../../etc/passwd", "/prefer?incognito=%0d%0aSet-Cookie:x=y",
        "/%00", "/profile/" + "a" * 4000,
    ],
)  # fmt: skip
def test_a_path_leads_nowhere(target: Target, path: str) -> None:
    status, text, headers = ask(target.address + path, Cookie=target.cookie)
    assert status in (303, 400, 404)
    assert "<script>alert" not in text
    assert "root:" not in text
    assert "operator_token" not in text
    assert "x=y" not in headers.get("set-cookie", "")


def test_a_thousand_connections_stop_nothing(target: Target) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 2 * CONNECTIONS)), hard))
    host, port = target.address.removeprefix("http://").split(":")
    with contextlib.ExitStack() as held:
        for number in range(CONNECTIONS):
            one = held.enter_context(socket.create_connection((host, int(port)), timeout=PATIENCE_S))
            with contextlib.suppress(OSError):  # closed at once: there were too many
                one.sendall(
                    b"GET /events HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                    if number % 2
                    else b"POST /login HTTP/1.1\r\n"
                )
        before = target.last_run_at()
        wait_until(lambda: target.last_run_at() > before, lambda: "the runs have stopped")
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    wait_until(lambda: answers(target), lambda: "they are gone, and it does not answer")


def answers(target: Target) -> bool:
    with contextlib.suppress(OSError):
        return ask(f"{target.address}/login")[0] == 200
    return False


def test_a_body_that_does_not_end_is_cut_off(target: Target) -> None:
    form = {"profile": "bot1", "why": "x" * 2_000_000}
    with contextlib.suppress(OSError):
        status, *_ = ask(f"{target.address}/act/pause", form, Cookie=target.cookie)
        assert status in (400, 403, 404, 413)
