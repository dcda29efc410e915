"""Who is somebody else, or nobody: tokens in the wrong place, others' forms, ended sessions, readers who write."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import urllib.parse

import pytest

from tests.attack.conftest import LOG, Target
from tests.browser.conftest import OPERATOR, READER
from tests.browser.test_http import ask, log_in
from tests.patience import PATIENCE_S
from trueup.surfaces.web.actions import ACTIONS
from trueup.surfaces.web.pages import DATA, PAGES

PROXIED = """
[web]
proxy_header = "X-Forwarded-User"
proxy_address = "10.0.0.5"
"""
WANTED = {
    "profile": "bot1", "why": "because", "plan": "x", "trade": "x", "break": "x", "order": "x", "kind": "end",
    "end": "canceled", "owner": "x", "decision": "x", "reference": "x", "correction": "x",
}  # fmt: skip


def place_of(path: str) -> str:
    return path.replace("{reference:path}", "bot1").replace("{reference}", "bot1")


def raw(address: str, method: str, path: str, **headers: str) -> tuple[int, str, dict[str, str]]:
    """Any method, any header, as it is."""
    host, port = address.removeprefix("http://").split(":")
    line = http.client.HTTPConnection(host, int(port), timeout=PATIENCE_S)
    try:
        line.request(method, path, headers={key.replace("_", "-"): value for key, value in headers.items()})
        answer = line.getresponse()
        return answer.status, answer.read().decode(), {k.lower(): v for k, v in answer.getheaders()}
    finally:
        line.close()


@pytest.mark.parametrize("path", sorted(ACTIONS))
def test_a_reader_writes_nothing_even_with_a_form_of_their_own(target: Target, path: str) -> None:
    token = target.form_token(target.cookie)
    assert ask(target.address + path, WANTED | {"form_token": token}, Cookie=target.reader)[0] == 403


@pytest.mark.parametrize("path", sorted(ACTIONS))
def test_a_stranger_writes_nothing(target: Target, path: str) -> None:
    token = target.form_token(target.cookie)
    status, _, headers = ask(target.address + path, WANTED | {"form_token": token})
    assert (status, headers["location"]) == (303, "/login")


def test_a_form_s_token_of_another_session_is_refused(target: Target) -> None:
    """Of another operator, and of an earlier session of the same one."""
    token = target.form_token(target.cookie)
    for name in ("bob", "ann"):
        other = log_in(target.address, OPERATOR, name)
        form = {"profile": "bot1", "why": "because", "form_token": token}
        assert ask(f"{target.address}/act/pause", form, Cookie=other)[0] == 403


@pytest.mark.parametrize("path", [*map(place_of, PAGES), *(f"/api{place_of(one)}" for one in DATA)])
def test_a_stranger_sees_no_page_and_no_data(target: Target, path: str) -> None:
    status, text, _ = raw(target.address, "GET", path)
    assert status in (303, 401)
    assert "venue_order_id" not in text
    assert "not placed by" not in text
    assert raw(target.address, "HEAD", path)[0] in (303, 401, 405)


def test_a_stranger_hears_no_news(target: Target) -> None:
    status, text, headers = raw(target.address, "GET", "/events", Accept="text/event-stream")
    assert (status, headers["location"]) == (303, "/login")
    assert "event:" not in text


@pytest.mark.parametrize("method", ["OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "get", "X"])
@pytest.mark.parametrize("path", ["/", "/act/pause", "/login", "/static/page.css", "/api/overview"])
def test_another_method_does_nothing(target: Target, method: str, path: str) -> None:
    status, _, headers = raw(target.address, method, path, Cookie=target.cookie, Origin=target.address)
    assert 400 <= status < 500
    assert not [name for name in headers if name.startswith("access-control-")]


def test_a_get_acts_on_nothing(target: Target) -> None:
    query = urllib.parse.urlencode(WANTED | {"form_token": target.form_token(target.cookie)})
    for path in ACTIONS:
        assert raw(target.address, "GET", f"{path}?{query}", Cookie=target.cookie)[0] == 405


def test_a_preflight_of_another_site_allows_it_nothing(target: Target) -> None:
    asked = {"Origin": "https://evil.example", "Access_Control_Request_Method": "POST"}
    status, _, headers = raw(target.address, "OPTIONS", "/act/pause", Cookie=target.cookie, **asked)
    assert status == 421
    assert not [name for name in headers if name.startswith("access-control-")]


def test_a_token_counts_in_the_form_of_the_log_in_only(target: Target) -> None:
    for path in (f"/?token={OPERATOR}", f"/login?token={OPERATOR}", f"/api/overview?token={OPERATOR}"):
        _, text, headers = raw(target.address, "GET", path, Authorization=f"Bearer {OPERATOR}")
        assert "set-cookie" not in headers
        assert OPERATOR not in text
        assert OPERATOR not in headers.get("location", "")
    assert raw(target.address, "GET", "/", Cookie=f"trueup_session={OPERATOR}")[0] == 303


def test_no_page_cookie_or_log_says_a_token(target: Target) -> None:
    pages = [raw(target.address, "GET", place_of(one), Cookie=target.cookie)[1] for one in PAGES]
    said = "".join([*pages, target.cookie, target.reader, (target.folder / LOG).read_text()])
    assert OPERATOR not in said
    assert READER not in said
    assert target.cookie.partition("=")[2] not in "".join(pages)


def test_the_cookie_is_for_this_server_s_pages_alone(target: Target) -> None:
    form = {"token": OPERATOR, "name": "ann"}
    flags = ask(f"{target.address}/login", form)[2]["set-cookie"].lower().split("; ")
    assert {"httponly", "samesite=strict", "path=/"} <= set(flags)
    assert not [one for one in flags if one.startswith("domain")]
    behind_tls = ask(f"{target.address}/login", form, X_Forwarded_Proto="https")[2]["set-cookie"].lower()
    assert "secure" in behind_tls.split("; ")


def test_a_name_cannot_make_a_header_or_another_s_session(target: Target) -> None:
    for name in ("ann\r\nSet-Cookie: x=y", "operator.616e6e.9999999999", "\x00", "ä" * 500, "<b>ann"):
        cookie = log_in(target.address, READER, name)
        assert "x=y" not in cookie.split("; ")
        status, text, _ = ask(f"{target.address}/people", Cookie=cookie)
        assert status == 200
        assert "(reader)" in text
        assert "<b>ann" not in text


def test_a_session_that_was_logged_out_of_is_nobody_s(target: Target) -> None:
    cookie = log_in(target.address, OPERATOR, "eve")
    assert ask(f"{target.address}/breaks", Cookie=cookie)[0] == 200
    assert ask(f"{target.address}/logout", {}, Cookie=cookie)[0] == 303
    assert ask(f"{target.address}/breaks", Cookie=cookie)[0] == 303


@pytest.mark.parametrize(
    "place", ["https://evil.example", "//evil.example", "/\\evil.example", "/\t/evil.example", "\\\\evil.example",
              "/\r\nLocation: https://evil.example", "javascript:alert(1)", " //evil.example", "evil.example"],
)  # fmt: skip
def test_nobody_is_sent_elsewhere(target: Target, place: str) -> None:
    token = target.form_token(target.cookie)
    form = {"form_token": token, "back": place, "next": place}
    answers = [
        ask(f"{target.address}/act/pause", form, Cookie=target.cookie),
        ask(f"{target.address}/login", {"token": OPERATOR, "next": place, "back": place}),
        ask(f"{target.address}/prefer?back={urllib.parse.quote(place)}", Cookie=target.cookie),
    ]
    for status, _, headers in answers:
        assert status == 303
        assert headers["location"][0] == "/"
        assert headers["location"][1:2] not in ("/", "\\", "\t")
        whole = urllib.parse.urljoin(target.address, headers["location"])
        assert urllib.parse.urlsplit(whole).netloc == target.address.removeprefix("http://")


def test_a_proxy_s_header_counts_from_nowhere_else(
    target: Target, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Not from this machine either, whatever it says of who was before it."""
    folder = tmp_path_factory.mktemp("proxied")
    config = (target.folder / "trueup.toml").read_text()
    accounts = config[config.index("[[accounts]]") :]
    (folder / "trueup.toml").write_text(PROXIED + accounts)
    process = subprocess.Popen(
        [sys.executable, "-m", "trueup", "web", "--listen", "127.0.0.1:0"],
        cwd=folder, env=os.environ | {"FORWARDED_ALLOW_IPS": "*"}, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr is not None
    try:
        address = next(line.strip() for line in process.stderr if line.startswith("http://"))
        foreign: list[dict[str, str]] = [
            {}, {"X_Forwarded_For": "10.0.0.5"}, {"X_Forwarded_For": "10.0.0.5, 127.0.0.1"},
            {"Forwarded": "for=10.0.0.5"}, {"X_Real_IP": "10.0.0.5"}, {"X_Forwarded_Host": "10.0.0.5"},
        ]  # fmt: skip
        for headers in foreign:
            assert raw(address, "GET", "/people", X_Forwarded_User="ann", **headers)[0] == 303, headers
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE_S)
        process.stderr.close()


def test_two_requests_in_one_are_two(target: Target) -> None:
    """A body that one side takes for a request (smuggling): refused, or read as one."""
    host, port = target.address.removeprefix("http://").split(":")
    inner = b"GET /api/overview HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    for headers in (
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: 5\r\nContent-Length: 6\r\n",
        b"Transfer-Encoding: xchunked\r\n",
    ):
        with socket.create_connection((host, int(port)), PATIENCE_S) as one:
            one.sendall(b"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\n" + headers + b"\r\n0\r\n\r\n" + inner)
            answer = b""
            while part := one.recv(65_536):
                answer += part
        assert b"bot1" not in answer
        assert answer == b"" or answer.split()[1] in (b"400", b"403", b"501")
