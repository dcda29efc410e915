"""Who is let in: every way in that is not one of the few."""

from typing import Any

import pytest
from starlette.requests import Request

from trueup.surfaces.web.access import (
    LOGINS_PER_MINUTE_MAX,
    SESSION_COOKIE,
    SESSION_S,
    Access,
    AccessSettings,
    Role,
)
from trueup.surfaces.web.bounded import host_name

READER, OPERATOR = "reader-token-0123456789", "operator-token-0123456789"
TOKENS = AccessSettings(reader_token=READER, operator_token=OPERATOR)


def request(method: str = "GET", client: str = "127.0.0.1", **headers: str) -> Request:
    given = {"host": "127.0.0.1:8787"} | {name.replace("_", "-"): value for name, value in headers.items()}
    scope: dict[str, Any] = {
        "type": "http",
        "method": method,
        "scheme": "http",
        "path": "/",
        "query_string": b"",
        "server": ("127.0.0.1", 8787),
        "client": (client, 1),
        "headers": [(name.lower().encode(), value.encode()) for name, value in given.items()],
    }
    return Request(scope)


def logged_in(access: Access, token: str, name: str = "ann") -> Request:
    cookie = access.log_in(token, name)
    assert cookie is not None
    return request("POST", cookie=f"{SESSION_COOKIE}={cookie}")


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("127.0.0.1:8787", "127.0.0.1"),
        ("localhost", "localhost"),
        ("[::1]:8787", "::1"),
        ("", ""),
        ("LocalHost:80", "localhost"),
        ("[::1]", "::1"),
        ("::1", ""),
        ("localhost:evil.example", ""),
        ("[::1].evil.example", ""),
        ("[localhost]evil.example:80", ""),
        ("evil:80@localhost", ""),
        ("127.0.0.1:1/static/?", ""),
        ("localhost,evil.example", ""),
        ("[::1", ""),
        ("localhost.", "localhost."),
    ],
)
def test_the_name_in_a_host_header(header: str, name: str) -> None:
    assert host_name(header) == name


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example:8787", "", "localhost.evil.example"]
)
def test_another_name_is_not_answered(host: str) -> None:
    assert Access(AccessSettings()).refusal(request(host=host)) is not None


@pytest.mark.parametrize("named", ["Trueup.Example.ORG", "trueup.example.org:443"])
def test_a_configured_name_is_answered_however_it_is_written(named: str) -> None:
    """Browsers write names in small letters, and their port apart."""
    access = Access(AccessSettings(hosts=(named,)))
    assert access.refusal(request(host="trueup.example.org")) is None
    assert "[web] hosts" in (access.refusal(request(host="127.0.0.1")) or "")


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({}, True),  # curl: no browser, no cookie of a person's either
        ({"origin": "http://127.0.0.1:8787", "sec_fetch_site": "same-origin"}, True),
        ({"origin": "http://evil.example"}, False),
        ({"origin": "null"}, False),
        ({"origin": "https://127.0.0.1:8787"}, False),
        ({"origin": "http://127.0.0.1:9999"}, False),
        ({"sec_fetch_site": "cross-site"}, False),
        ({"sec_fetch_site": "same-site"}, False),
    ],
)
def test_only_these_pages_may_change_something(headers: dict[str, str], allowed: bool) -> None:
    assert (Access(TOKENS).refusal(request("POST", **headers)) is None) == allowed


def test_without_tokens_anyone_here_may_look_and_nobody_act() -> None:
    visitor = Access(AccessSettings()).visitor(request())
    assert visitor is not None
    assert (visitor.role, visitor.may_act) == (Role.READER, False)


def test_with_tokens_nobody_is_let_in_without_one() -> None:
    assert Access(TOKENS).visitor(request()) is None


@pytest.mark.parametrize(("token", "role"), [(READER, Role.READER), (OPERATOR, Role.OPERATOR)])
def test_each_token_has_its_role(token: str, role: Role) -> None:
    access = Access(TOKENS)
    visitor = access.visitor(logged_in(access, token, "größe."))
    assert visitor is not None
    assert (visitor.name, visitor.role, visitor.may_act) == ("größe.", role, role is Role.OPERATOR)


@pytest.mark.parametrize("token", ["", READER[:-1], OPERATOR + "x", "ключ"])
def test_a_wrong_token_opens_nothing(token: str) -> None:
    assert Access(TOKENS).log_in(token, "mallory") is None


def test_guessing_is_slowed_down_and_goes_on_a_minute_later() -> None:
    now = [1000.0]
    access = Access(TOKENS, lambda: now[0])
    for _ in range(LOGINS_PER_MINUTE_MAX):
        assert access.log_in("wrong", "mallory") is None
    assert access.log_in(OPERATOR, "ann") is None
    now[0] += 61
    assert access.log_in(OPERATOR, "ann") is not None


def test_a_session_ends() -> None:
    now = [1000.0]
    access = Access(TOKENS, lambda: now[0])
    asked = logged_in(access, OPERATOR)
    now[0] += SESSION_S - 1
    assert access.visitor(asked) is not None
    now[0] += 2
    assert access.visitor(asked) is None


@pytest.mark.parametrize("change", [("reader", "operator"), ("616e6e", "626f62"), (".", "")])
def test_a_forged_cookie_is_none(change: tuple[str, str]) -> None:
    access = Access(TOKENS)
    cookie = access.log_in(READER, "ann")
    assert cookie is not None
    forged = cookie.replace(*change, 1)
    assert forged != cookie
    assert access.visitor(request(cookie=f"{SESSION_COOKIE}={forged}")) is None


def test_a_cookie_of_another_process_is_none() -> None:
    asked = logged_in(Access(TOKENS), OPERATOR)
    assert Access(TOKENS).visitor(asked) is None


def test_a_form_is_its_session_s_own() -> None:
    access = Access(TOKENS)
    ann, bob = (access.visitor(logged_in(access, OPERATOR, name)) for name in ("ann", "bob"))
    assert ann is not None
    assert bob is not None
    assert access.is_form_of(ann, access.form_token(ann))
    assert not access.is_form_of(bob, access.form_token(ann))
    assert not access.is_form_of(ann, "")


def test_a_proxy_s_user_counts_only_from_the_proxy() -> None:
    settings = AccessSettings(proxy_header="X-Forwarded-User", proxy_address="10.0.0.5")
    access = Access(settings)
    visitor = access.visitor(request(client="10.0.0.5", X_Forwarded_User="ann"))
    assert visitor is not None
    assert (visitor.name, visitor.may_act) == ("ann", True)
    assert access.visitor(request(client="10.0.0.6", X_Forwarded_User="ann")) is None
    assert access.visitor(request(client="10.0.0.5")) is None


def test_a_user_who_is_named_twice_is_nobody() -> None:
    """A proxy that adds its own header behind the client's leaves both."""
    access = Access(AccessSettings(proxy_header="X-Forwarded-User", proxy_address="10.0.0.5"))
    asked = request(client="10.0.0.5", X_Forwarded_User="root")
    asked.scope["headers"].append((b"x-forwarded-user", b"ann"))
    assert access.visitor(asked) is None


def test_a_session_that_was_logged_out_of_is_over_for_whoever_has_its_cookie() -> None:
    access = Access(TOKENS)
    asked, another = (logged_in(access, OPERATOR) for _ in range(2))
    visitor = access.visitor(asked)
    assert visitor is not None
    access.log_out(visitor)
    assert access.visitor(asked) is None
    assert access.visitor(another) is not None


@pytest.mark.parametrize(
    ("origin", "proto", "allowed"),
    [
        ("https://127.0.0.1:8787", "https", True), ("http://127.0.0.1:8787", "https", False),
        ("https://evil.example", "https", False), ("https://127.0.0.1:8787", "http", False),
    ],
)  # fmt: skip
def test_behind_a_proxy_that_speaks_tls_the_origin_is_https(origin: str, proto: str, allowed: bool) -> None:
    asked = request("POST", origin=origin, x_forwarded_proto=proto)
    assert (Access(TOKENS).refusal(asked) is None) == allowed


def test_settings_show_no_token() -> None:
    assert "token-0123" not in repr(TOKENS)
