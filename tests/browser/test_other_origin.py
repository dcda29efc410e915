"""A page of another site, in the browser where the dashboard is open, sees nothing of a profile, whatever it tries."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import OPERATOR, READER
from tests.browser.test_pages import open_as
from tests.patience import PATIENCE_S

PAGE = b"<!doctype html><title>another site</title><p>nothing to see</p>"
FETCH = """async (address) => {
  try { const said = await fetch(address, { credentials: "include" }); return await said.text(); }
  catch (fault) { return "refused"; }
}"""
OPAQUE = """async (address) => {
  try {
    const said = await fetch(address, { credentials: "include", mode: "no-cors" });
    return (await said.text()).length;
  } catch (fault) { return 0; }
}"""
FRAME = """(address) => new Promise((done) => {
  const frame = document.createElement("iframe");
  const said = () => {
    try { return frame.contentDocument ? frame.contentDocument.body.innerText : ""; } catch { return ""; }
  };
  frame.onload = () => done(said());
  frame.onerror = () => done("");
  frame.src = address;
  document.body.append(frame);
})"""
EVENTS = """(address) => new Promise((done) => {
  const news = new EventSource(address, { withCredentials: true });
  news.onopen = () => done("open");
  news.onerror = () => { news.close(); done("refused"); };
})"""


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@pytest.fixture
def other_site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    thread.join(PATIENCE_S)


def test_a_page_of_another_origin_sees_nothing_of_a_profile(
    browser: Any, dashboard: str, other_site: str
) -> None:
    page = open_as(browser, dashboard, OPERATOR)
    page.goto(f"{dashboard}/api/overview")
    assert "p1" in page.content()  # here, with the cookie, there is something to be seen
    page.goto(other_site)
    for path in ("/", "/api/overview", "/profile/p1", "/breaks"):
        assert page.evaluate(FETCH, dashboard + path) == "refused"
        assert page.evaluate(OPAQUE, dashboard + path) == 0
        assert "p1" not in page.evaluate(FRAME, dashboard + path)
    assert page.evaluate(EVENTS, f"{dashboard}/events") == "refused"
    page.context.close()


@pytest.fixture
def status_server(folder: Path) -> Iterator[str]:
    """`trueup run --http` on the same books."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with (folder / "run.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "trueup", "run", "--http", address],
            cwd=folder,
            env=os.environ | {"OPERATOR": OPERATOR, "READER": READER},
            stdout=log,
            stderr=log,
        )
    try:
        give_up = time.monotonic() + PATIENCE_S
        while "p1" not in _readiness(address) and time.monotonic() < give_up:
            assert process.poll() is None, (folder / "run.log").read_text()
            time.sleep(0.1)
        yield f"http://{address}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE_S)


def _readiness(address: str) -> str:
    try:
        with urllib.request.urlopen(f"http://{address}/readyz", timeout=PATIENCE_S) as said:
            return str(said.read().decode())
    except OSError:
        return ""


def test_nor_does_it_see_what_run_says_of_its_health(
    browser: Any, status_server: str, other_site: str
) -> None:
    page = browser.new_page()
    page.goto(f"{status_server}/readyz")
    assert "p1" in page.content()  # who asks it directly sees something
    page.goto(other_site)
    for path in ("/readyz", "/metrics"):
        assert page.evaluate(FETCH, status_server + path) == "refused"
        assert page.evaluate(OPAQUE, status_server + path) == 0
        assert "p1" not in page.evaluate(FRAME, status_server + path)
    page.close()
