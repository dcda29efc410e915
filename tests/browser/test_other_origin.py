"""A page of another site, in the browser where the dashboard is open, sees nothing of a profile, whatever it tries."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.browser.conftest import OPERATOR
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
