"""Single requests that are refused: from other sites, with forged cookies, for rebound names, with script in texts."""

import html

import pytest

from tests.attack.conftest import SCRIPT, Target
from tests.browser.test_http import ask
from trueup.surfaces.web.access import SESSION_COOKIE


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


@pytest.mark.parametrize("key", ["said", "failed"])
def test_a_link_of_another_site_says_nothing_in_our_name(target: Target, key: str) -> None:
    place = f"{target.address}/breaks?{key}=call+this+number"
    for site in ("cross-site", "same-site", "none"):
        assert "call this number" not in ask(place, Cookie=target.cookie, Sec_Fetch_Site=site)[1]
    assert "call this number" in ask(place, Cookie=target.cookie, Sec_Fetch_Site="same-origin")[1]
