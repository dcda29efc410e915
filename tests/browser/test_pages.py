"""Each page's main path in a real browser: 375 px wide and wide, dark and light, without script, without serious
findings of axe; deciding, planning and pausing from the page; two readers at once. Screenshots are kept."""

import re
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.conftest import OPERATOR, READER
from tests.patience import PATIENCE_S

PAGES = {
    "overview": "/",
    "breaks": "/breaks",
    "profile": "/profile/p1",
    "drift": "/drift",
    "cost": "/cost",
    "order": "/explain/p3-p3t6-entry-2",
    "trade": "/explain/p1t3",
    "runs": "/runs",
    "books": "/books",
    "people": "/people",
    "chain": "/chain?profile=all",
    "fleet": "/fleet",
}
WIDTHS = {"wide": 1280, "phone": 375}


def open_as(browser: Any, dashboard: str, token: str, **context: Any) -> Any:
    page = browser.new_context(**context).new_page()
    page.set_default_timeout(1000 * PATIENCE_S)
    page.faults = []
    page.on("console", lambda said: page.faults.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda fault: page.faults.append(str(fault)))
    page.goto(f"{dashboard}/login")
    page.fill("input[name=name]", "ann")
    page.fill("input[name=token]", token)
    page.click("button")
    return page


def serious_findings(page: Any) -> list[tuple[str, list[str]]]:
    """What axe calls serious or critical on the page as it stands: the rule, and where it is broken."""
    return [
        (one["id"], [node["html"][:120] for node in one["nodes"][:3]])
        for one in Axe().run(page).response["violations"]
        if one["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_pages_fit_and_nothing_serious_is_found(
    browser: Any, dashboard: str, pictures: Path, width: str, scheme: str
) -> None:
    viewport = {"width": WIDTHS[width], "height": 900}
    page = open_as(browser, dashboard, READER, viewport=viewport, color_scheme=scheme)
    for name, path in PAGES.items():
        page.goto(dashboard + path)
        page.wait_for_load_state("load")
        page.screenshot(path=pictures / f"{name}-{width}-{scheme}.png")
        assert page.evaluate("document.documentElement.scrollWidth") <= WIDTHS[width], name
        assert serious_findings(page) == [], name
    assert page.faults == []
    page.context.close()


def test_everything_can_be_read_without_script(browser: Any, dashboard: str) -> None:
    page = open_as(browser, dashboard, READER, java_script_enabled=False)
    for path in PAGES.values():
        assert page.goto(dashboard + path).status == 200
        expect(page.locator("h1")).to_have_count(1)
    page.goto(dashboard)
    expect(page.locator("time").first).to_contain_text("UTC")
    page.context.close()


def test_times_stand_in_the_reader_s_zone(browser: Any, dashboard: str) -> None:
    page = open_as(browser, dashboard, READER, timezone_id="Asia/Tokyo", locale="en-GB")
    time = page.locator("time").first
    expect(time).to_have_attribute("title", re.compile("Z$"))  # the script has seen to it
    hour = int(time.get_attribute("datetime")[11:13])
    assert f"{(hour + 9) % 24:02}:" in time.inner_text()
    page.context.close()


def test_a_break_leads_to_its_evidence_and_its_run(browser: Any, dashboard: str) -> None:
    page = open_as(browser, dashboard, READER)
    page.goto(f"{dashboard}/breaks")
    page.click("text=evidence >> nth=0")
    expect(page.locator("h2", has_text="Evidence, side by side")).to_have_count(1)
    page.click("article.evidence a >> text=run >> nth=0")
    page.click("text=Replay it")
    expect(page.locator("[role=status]")).to_contain_text("same plan, byte for byte")
    page.context.close()


def test_an_operator_accepts_a_break_and_takes_it_back(browser: Any, dashboard: str) -> None:
    page = open_as(browser, dashboard, OPERATOR)
    page.goto(f"{dashboard}/breaks")
    page.click("summary >> nth=0")
    page.locator("form[action='/act/ignore'] input[name=why]").first.fill(
        "known: the owner's <b>transfer</b>"
    )
    page.locator("form[action='/act/ignore'] button").first.click()
    expect(page.locator("[role=status]")).to_contain_text("kept")
    page.goto(f"{dashboard}/people")
    row = page.locator("tr", has_text="known: the owner's <b>transfer</b>").first
    expect(row).to_contain_text("ann")
    row.locator("input[name=why]").fill("it was not")
    row.locator("button").click()
    expect(page.locator("tbody tr").first).to_contain_text("taken back by ann")
    page.context.close()


def test_an_operator_plans_and_pauses_a_profile(browser: Any, dashboard: str) -> None:
    page = open_as(browser, dashboard, OPERATOR)
    page.goto(f"{dashboard}/profile/p1")
    page.click("text=Plan now")
    expect(page.locator("h1", has_text="Plan for p1")).to_have_count(1)
    page.goto(f"{dashboard}/profile/p1")
    page.locator("form[action='/act/pause'] input[name=why]").fill("by hand today")
    page.click("button >> text=Pause")
    expect(page.locator("main")).to_contain_text("by hand today (ann)")
    page.click("button >> text=Resume")
    expect(page.locator("button", has_text="Pause")).to_have_count(1)
    page.context.close()


def test_two_readers_and_a_keyboard(browser: Any, dashboard: str) -> None:
    one, other = (open_as(browser, dashboard, READER) for _ in range(2))
    one.keyboard.press("Tab")
    assert one.evaluate("document.activeElement.textContent") == "Skip to the content"
    expect(other.locator("h1")).to_have_text("Overview")
    one.context.close()
    other.context.close()
