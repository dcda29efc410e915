"""The dashboard from another process: what is answered, to whom, and what an attacker gets."""

import html
import json
import os
import re
import socket
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from http.client import HTTPResponse
from pathlib import Path

import pytest

from tests.browser.conftest import OPERATOR, READER
from tests.patience import PATIENCE_S

PATHS = (
    "/",
    "/breaks",
    "/drift",
    "/cost",
    "/runs",
    "/books",
    "/people",
    "/chain?profile=all",
    "/fleet",
    "/profile/p1",
)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


def ask(url: str, data: dict[str, str] | None = None, **headers: str) -> tuple[int, str, dict[str, str]]:
    body = None if data is None else urllib.parse.urlencode(data).encode()
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, body, given)  # noqa: S310 - this machine's own
    opener = urllib.request.build_opener(_NoRedirect)
    try:
        answer: HTTPResponse = opener.open(request, timeout=PATIENCE_S)
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode(), dict(refused.headers)
    return answer.status, answer.read().decode(), dict(answer.headers)


def log_in(address: str, token: str, name: str = "ann") -> str:
    status, _, headers = ask(f"{address}/login", {"token": token, "name": name})
    assert status == 303
    cookie = headers["set-cookie"] if "set-cookie" in headers else headers["Set-Cookie"]
    assert "httponly" in cookie.lower()
    assert "samesite=strict" in cookie.lower()
    return cookie.partition(";")[0]


@pytest.mark.parametrize("path", PATHS)
def test_a_stranger_sees_nothing_of_a_profile(dashboard: str, path: str) -> None:
    status, text, headers = ask(dashboard + path)
    assert status == 303
    assert headers["location"].partition("?")[0] == "/login"
    assert "p1" not in text


def test_who_was_led_to_a_page_gets_there_by_logging_in(dashboard: str) -> None:
    """By an alert's link; not by a link that would say something in our name."""
    led = "/breaks?profile=p1&said=call+this+number"
    login = ask(dashboard + led)[2]["location"]
    assert login == "/login?next=%2Fbreaks%3Fprofile%3Dp1"
    for asked in (login, f"/login?next={urllib.parse.quote(led)}"):
        page = ask(dashboard + asked)[1]
        assert '<input type="hidden" name="next" value="/breaks?profile=p1">' in page
        assert (
            '<a href="/breaks?profile=p1">' in page
        )  # a cookie of ours is not sent where another site leads
    for next_, place in (("/breaks?profile=p1", "/breaks?profile=p1"), ("/\t/evil.example", "/")):
        form = {"token": READER, "name": "ann", "next": next_}
        assert ask(f"{dashboard}/login", form)[2]["location"] == place
        wrong = ask(f"{dashboard}/login", form | {"token": "wrong"})[1]
        assert f'name="next" value="{place}"' in wrong


def test_a_stranger_s_data_is_refused(dashboard: str) -> None:
    assert ask(f"{dashboard}/api/overview")[0] == 401


@pytest.mark.parametrize("path", PATHS)
def test_a_reader_sees_every_page_and_no_form_that_acts(dashboard: str, path: str) -> None:
    status, text, headers = ask(dashboard + path, Cookie=log_in(dashboard, READER))
    assert status == 200
    assert 'action="/act/' not in text
    policy = headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=|javascript:|\sstyle=", text)


def test_another_name_for_this_server_is_refused(dashboard: str) -> None:
    status, text, _ = ask(f"{dashboard}/login", Host="rebound.example")
    assert status == 421
    assert "p1" not in text


def test_a_reader_may_not_act(dashboard: str) -> None:
    cookie = log_in(dashboard, READER)
    assert ask(f"{dashboard}/act/pause", {"profile": "p1", "why": "x"}, Cookie=cookie)[0] == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Origin": "null"},
    ],
)
def test_a_page_of_another_site_may_not_act(dashboard: str, headers: dict[str, str]) -> None:
    cookie = log_in(dashboard, OPERATOR)
    assert ask(f"{dashboard}/act/pause", {"profile": "p1", "why": "x"}, Cookie=cookie, **headers)[0] == 421


def test_a_form_without_its_token_does_nothing(dashboard: str) -> None:
    cookie = log_in(dashboard, OPERATOR)
    assert ask(f"{dashboard}/act/pause", {"profile": "p1", "why": "x"}, Cookie=cookie)[0] == 403
    assert "paused" not in ask(f"{dashboard}/profile/p1", Cookie=cookie)[1]


def test_a_reader_goes_on_within_these_pages_only(dashboard: str) -> None:
    for place in ("https://evil.example", "//evil.example", "/\\evil.example"):
        _, _, headers = ask(
            f"{dashboard}/prefer?incognito=1&back={urllib.parse.quote(place)}",
            Cookie=log_in(dashboard, READER),
        )
        assert headers["location"] == "/"


AMOUNTS = (
    "46.7",
    "5704.405",
    "143.46",
    "145.16",
)  # the quantity, the stake and the prices of the demo's trade p1t3


@pytest.mark.parametrize("path", [*PATHS, "/explain/p1t3", "/live"])
def test_hidden_amounts_are_not_in_the_page(dashboard: str, path: str) -> None:
    cookie = log_in(dashboard, READER)
    hidden = ask(dashboard + path, Cookie=f"{cookie}; incognito=1")[1]
    assert not [one for one in AMOUNTS if one in hidden]
    assert not re.findall(r"<i>\w+</i> -?\d", hidden)


def test_amounts_that_are_not_hidden_are_there(dashboard: str) -> None:
    cookie = log_in(dashboard, READER)
    pages = [ask(dashboard + path, Cookie=cookie)[1] for path in ("/breaks", "/explain/p1t3")]
    assert all(any(one in page for page in pages) for one in AMOUNTS)


def test_a_sum_of_costs_leads_to_its_repairs(dashboard: str) -> None:
    cookie = log_in(dashboard, READER)
    page = ask(f"{dashboard}/cost?days=3650", Cookie=cookie)[1]
    links = re.findall(r'<a href="(\?days=3650[^"#]+)#repairs">(\d+)</a>', page)
    assert len(links) > 4  # of four profiles, of causes and of a day
    for query, figure in links:
        there = ask(f"{dashboard}/cost{html.unescape(query)}", Cookie=cookie)[1]
        assert there.partition('id="repairs"')[2].count("<tr><td>") == int(figure), query


def test_a_square_of_the_heatmap_leads_to_its_breaks(dashboard: str) -> None:
    cookie = log_in(dashboard, READER)
    every = json.loads(ask(f"{dashboard}/api/breaks?all=1", Cookie=cookie)[1])
    wanted = [
        one
        for one in every
        if one["profile_id"] == "p2"
        and one["found"]["severity"] != "info"
        and one["first_seen_at"][:10] == "2026-01-05"
    ]
    assert len(wanted) > 1
    query = "profile=p2&severity=drift&all=1&day="
    assert ask(f"{dashboard}/breaks?{query}2026-01-05", Cookie=cookie)[1].count('<li class="') == len(wanted)
    assert ask(f"{dashboard}/breaks?{query}2026-01-06", Cookie=cookie)[1].count('<li class="') == 0


def test_a_form_leads_back_to_the_page_as_it_was_asked_for(dashboard: str) -> None:
    page = ask(f"{dashboard}/breaks?profile=p1&failed=x", Cookie=log_in(dashboard, OPERATOR))[1]
    backs = set(re.findall(r'name="back" value="([^"]+)"', page))
    assert backs == {"/breaks?profile=p1"}


def test_an_undone_repair_is_let_go_of_from_the_page(dashboard: str) -> None:
    cookie = log_in(dashboard, OPERATOR)
    runs = ask(f"{dashboard}/runs?profile=p3", Cookie=cookie)[1]
    run = re.findall(r'href="/run/([^"]+)"', runs)[0]
    shown = act(dashboard, cookie, "/act/undo", profile="p3", reference=run, why="look at it again")
    undo = shown.rpartition("/")[2]
    act(dashboard, cookie, "/act/write", correction=undo)
    page = ask(f"{dashboard}/people", Cookie=cookie)[1]
    held = re.findall(r'action="/act/again".*?name="decision" value="([^"]+)"', page, re.DOTALL)
    assert held
    said = act(dashboard, cookie, "/act/again", decision=held[0], why="it was right")
    assert "next+run" in said
    assert held[0] not in ask(f"{dashboard}/people", Cookie=cookie)[1]
    shown = act(dashboard, cookie, "/act/undo", profile="p3", reference=undo, why="after all")
    act(dashboard, cookie, "/act/write", correction=shown.rpartition("/")[2])


def test_the_same_is_answered_as_json(dashboard: str) -> None:
    cookie = log_in(dashboard, READER)
    status, text, _ = ask(f"{dashboard}/api/overview", Cookie=cookie)
    assert status == 200
    for profile in ("p1", "p2", "p3", "p4"):
        assert f'"profile_id":"{profile}"' in text


def test_the_terminal_and_the_page_say_the_same(dashboard: str, folder: Path) -> None:
    cookie = log_in(dashboard, READER)
    answered = json.loads(ask(f"{dashboard}/api/overview", Cookie=cookie)[1])
    command = [sys.executable, "-m", "trueup", "status", "--json"]
    environ = os.environ | {"OPERATOR": OPERATOR, "READER": READER}
    done = subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, timeout=PATIENCE_S
    )
    said = json.loads(done.stdout)
    for view in (answered, said):
        del view["now"]  # the only things that time changes
        for one in view["profiles"]:
            del one["age_s"]
        for one in view["accounts"]:
            del one["late_s"], one["failing_for_s"]
    assert said == answered
    assert {one["sync"] for one in said["profiles"]} == {"unknown"}  # nobody has run for months


def test_the_live_part_is_the_page_s_own_and_for_who_may_look(dashboard: str) -> None:
    assert ask(f"{dashboard}/live")[0] == 303
    cookie = log_in(dashboard, READER)
    status, text, headers = ask(f"{dashboard}/live?sync=unknown", Cookie=cookie)
    assert status == 200
    assert text.startswith('<div id="live"') or '<div id="live"' in text[:40]
    assert 'data-hx-get="/live?sync=unknown"' in text
    whole = ask(f"{dashboard}/?sync=unknown", Cookie=cookie)[1]
    assert text.strip() in whole
    assert "action=" not in text  # nothing in it is one reader's own
    assert "script-src 'self'" in headers["content-security-policy"]
    hidden = ask(f"{dashboard}/live", Cookie=f"{cookie}; incognito=1")[1]
    assert "•••" in hidden or "–" in hidden


def test_a_break_about_an_order_that_no_books_have_shows_the_venue_s(dashboard: str) -> None:
    cookie = log_in(dashboard, READER)
    found = json.loads(ask(f"{dashboard}/api/explain/web-2", Cookie=cookie)[1])
    assert {one["profile_id"] for one in found} == {"p1", "p2"}
    for one in found:
        order = one["venue_order"]
        assert (one["order"], order["client_order_id"], order["side"], order["qty"]) == (
            None,
            "web-2",
            "buy",
            "0.001",
        )
    page = ask(f"{dashboard}/explain/{found[0]['breaks'][0]['found']['break_id']}", Cookie=cookie)[1]
    assert "at the venue only" in page
    assert "has it as pending_new" in page


def test_a_run_s_worst_break_stands_first(dashboard: str) -> None:
    """The newest run of p1 found a foreign order (info) and what is missing of its position (warn)."""
    cookie = log_in(dashboard, READER)
    runs = ask(f"{dashboard}/runs?profile=p1", Cookie=cookie)[1]
    place = re.search(r'href="(/run/[^"]+)"', runs)
    assert place is not None
    page = ask(dashboard + place[1], Cookie=cookie)[1]
    levels = re.findall(r'<td><span class="severity (\w+)">', page)
    assert levels == ["warn", "warn", "info"]


def test_an_error_s_text_is_harmless_in_json_too(dashboard: str) -> None:
    text = ask(f"{dashboard}/api/explain/%E2%80%AEx", Cookie=log_in(dashboard, READER))[1]
    assert "\\u202e" in text
    assert "\u202e" not in text


def test_what_is_not_there_is_said_in_a_sentence(dashboard: str) -> None:
    cookie = log_in(dashboard, READER)
    for path in ("/explain/<script>alert(1)</script>", "/profile/nobody", "/run/x", "/plan/x", "/nothing"):
        status, text, _ = ask(dashboard + urllib.parse.quote(path), Cookie=cookie)
        assert status == 404
        assert "<script>alert" not in text


def test_half_a_request_holds_nobody_up(dashboard: str) -> None:
    host, port = dashboard.removeprefix("http://").split(":")
    waiting = [socket.create_connection((host, int(port)), 5) for _ in range(50)]
    try:
        for one in waiting:
            one.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n")
        assert ask(f"{dashboard}/login")[0] == 200
    finally:
        for one in waiting:
            one.close()


# -- what an operator corrects and undoes -----------------------------------------------------------------------------


def act(dashboard: str, cookie: str, where: str, **form: str) -> str:
    """Sends a form of these pages; returns where it leads."""
    page = ask(f"{dashboard}/people", Cookie=cookie)[1]
    found = re.search(r'name="form_token" value="([^"]+)"', page)
    assert found is not None
    status, text, headers = ask(f"{dashboard}{where}", {**form, "form_token": found[1]}, Cookie=cookie)
    assert status == 303, text
    return headers["location"]


def order_of(dashboard: str, cookie: str, order: str) -> dict[str, str]:
    (found,) = json.loads(ask(f"{dashboard}/api/explain/{order}", Cookie=cookie)[1])
    return found["order"]


def some_order(dashboard: str, cookie: str) -> tuple[str, str]:
    """Name and end of an order of p4 that filled."""
    page = ask(f"{dashboard}/books?profile=p4", Cookie=cookie)[1]
    for name in re.findall(r'href="/explain/(p4-[^"]+)"', page):
        if order_of(dashboard, cookie, name)["status"] == "filled":
            return name, "filled"
    raise AssertionError("no order of p4 filled")


def test_a_correction_is_shown_then_written_then_undone(dashboard: str) -> None:
    cookie = log_in(dashboard, OPERATOR)
    name, before = some_order(dashboard, cookie)
    why = "the venue's statement <b>says</b> so"
    form = {"kind": "end", "profile": "p4", "order": name, "end": "expired", "why": why}
    place = act(dashboard, cookie, "/act/correct", **form)
    shown = ask(dashboard + place, Cookie=cookie)[1]
    assert "expired" in shown
    assert "&lt;b&gt;says" in shown
    assert "Write exactly this" in shown
    assert order_of(dashboard, cookie, name)["status"] == before
    correction = place.rpartition("/")[2]
    assert "written" in act(dashboard, cookie, "/act/write", correction=correction)
    assert order_of(dashboard, cookie, name)["status"] == "expired"
    assert "kept any more" in urllib.parse.unquote_plus(
        act(dashboard, cookie, "/act/write", correction=correction)
    )
    assert f'value="{correction}"' in ask(f"{dashboard}/people", Cookie=cookie)[1]
    place = act(dashboard, cookie, "/act/undo", profile="p4", reference=correction, why="a mistake")
    act(dashboard, cookie, "/act/write", correction=place.rpartition("/")[2])
    assert order_of(dashboard, cookie, name)["status"] == before
    assert "broken" not in ask(f"{dashboard}/chain?profile=all", Cookie=cookie)[1]


def test_every_correction_leads_to_a_story_or_nowhere(dashboard: str) -> None:
    """An undo led to its own id, and a baseline to its symbol: neither has a story."""
    cookie = log_in(dashboard, OPERATOR)
    act(dashboard, cookie, "/act/write", correction=shown(dashboard, cookie, "/act/correct", BASELINE))
    end = {"kind": "end", "order": "p4-p4t2-entry-1", "end": "expired", "why": "seen", "profile": "p4"}
    written = shown(dashboard, cookie, "/act/correct", end)
    act(dashboard, cookie, "/act/write", correction=written)
    undone = {"reference": written, "why": "was wrong", "profile": "p4"}
    act(dashboard, cookie, "/act/write", correction=shown(dashboard, cookie, "/act/undo", undone))
    page = ask(f"{dashboard}/people", Cookie=cookie)[1]
    table = page[page.index(">Corrections <") : page.index("<h2>Decisions</h2>")]
    places = re.findall(r'href="(/explain/[^"]+)"', table)
    assert places.count("/explain/p4-p4t2-entry-1") >= 2
    for place in places:
        assert ask(dashboard + place, Cookie=cookie)[0] == 200, place


BASELINE = {"kind": "baseline", "symbol": "BTC/USD", "qty": "0.5", "why": "mine", "profile": "p4"}


def shown(dashboard: str, cookie: str, path: str, form: dict[str, str]) -> str:
    """The correction's id, of the page that shows it."""
    place = act(dashboard, cookie, path, **form)
    assert place.startswith("/correction/"), place
    return place.removeprefix("/correction/")


def test_what_one_operator_was_shown_another_does_not_write(dashboard: str) -> None:
    ann, bob = (log_in(dashboard, OPERATOR, name) for name in ("ann", "bob"))
    name, before = some_order(dashboard, ann)
    form = {"kind": "end", "profile": "p4", "order": name, "end": "expired", "why": "x"}
    correction = act(dashboard, ann, "/act/correct", **form).rpartition("/")[2]
    assert "failed" in act(dashboard, bob, "/act/write", correction=correction)
    assert order_of(dashboard, ann, name)["status"] == before


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"kind": "end", "order": "nothing", "end": "expired", "why": "x"}, "no order"),
        ({"kind": "end", "order": "nothing", "end": "boiled", "why": "x"}, "expected"),
        ({"kind": "end", "order": "nothing", "end": "expired", "why": " "}, "why"),
        ({"kind": "nonsense", "why": "x"}, "kind"),
        ({"kind": "split", "trade": "p4t1", "new": "p4t1b", "why": "x"}, "nothing to split off"),
    ],
)
def test_a_correction_that_cannot_be_is_refused_in_a_sentence(
    dashboard: str, form: dict[str, str], said: str
) -> None:
    cookie = log_in(dashboard, OPERATOR)
    place = act(dashboard, cookie, "/act/correct", profile="p4", back="/people", **form)
    assert place.startswith("/people?failed=")
    assert said in urllib.parse.unquote_plus(place)


@pytest.mark.parametrize("days", ["²", "9" * 5000, "-1", "0", "soon"])
def test_a_number_of_days_that_is_none_is_refused(dashboard: str, days: str) -> None:
    """It was taken as for good, or ended in an error of the server."""
    cookie = log_in(dashboard, OPERATOR)
    place = act(dashboard, cookie, "/act/ignore", back="/breaks", **{"break": "x", "why": "x", "days": days})
    assert "failed=days%3A+expected+a+number" in place


@pytest.mark.parametrize(
    "path", ["/breaks?page=", "/?page=", "/live?page=", "/cost?days=", "/api/cost?days="]
)
def test_a_number_of_thousands_of_digits_is_none(dashboard: str, path: str) -> None:
    assert ask(dashboard + path + "9" * 5000, Cookie=log_in(dashboard, READER))[0] == 200


@pytest.mark.parametrize("key", ["why", "order"])
def test_a_text_that_is_too_long_is_refused_in_a_short_answer(dashboard: str, key: str) -> None:
    cookie = log_in(dashboard, OPERATOR)
    form = {"kind": "end", "order": "x", "end": "expired", "why": "x"} | {key: "x" * 1001}
    place = act(dashboard, cookie, "/act/correct", profile="p4", back="/people", **form)
    assert place == f"/people?failed={key}%3A+longer+than+1000+characters"


def test_a_form_that_is_too_long_is_refused_as_such(dashboard: str) -> None:
    cookie = log_in(dashboard, OPERATOR)
    status, text, _ = ask(f"{dashboard}/act/correct", {"why": "x" * (64 << 10)}, Cookie=cookie)
    assert status == 413
    assert "more than 64 KB" in text


def test_a_break_is_assigned_and_found_by_its_owner(dashboard: str) -> None:
    cookie = log_in(dashboard, OPERATOR)
    page = ask(f"{dashboard}/breaks", Cookie=cookie)[1]
    found = re.search(r'name="break" value="([^"]+)"', page)
    assert found is not None
    act(dashboard, cookie, "/act/assign", **{"break": found[1], "owner": "kim"})
    theirs = ask(f"{dashboard}/breaks?owner=kim", Cookie=cookie)[1]
    assert theirs.count('<li class="') == 1
    assert "owner kim" in theirs
    assert ask(f"{dashboard}/breaks?owner=nobody", Cookie=cookie)[1].count('<li class="') == 0
