"""Repairs from a page, in a real Chromium: applied, undone, refused where the plan is stale; a server that is lost."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.acceptance.test_cli_configured import Desk
from tests.browser.conftest import OPERATOR, READER
from tests.browser.test_pages import open_as, serious_findings
from tests.patience import PATIENCE_S


class Served:
    """A desk with its dashboard, in a process of its own that can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.desk = Desk(folder)
        config = folder / "trueup.toml"
        tokens = '[web]\noperator_token = { env = "OPERATOR" }\nreader_token = { env = "READER" }\n\n'
        config.write_text(tokens + config.read_text())
        self._port = 0
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "trueup", "web", "--listen", f"127.0.0.1:{self._port}"],
            cwd=self.desk.folder,
            env=os.environ | {"OPERATOR": OPERATOR, "READER": READER},
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stderr is not None
        self.address = self._process.stderr.readline().strip()
        self._port = int(self.address.rpartition(":")[2])

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(PATIENCE_S)
        assert self._process.stderr is not None
        self._process.stderr.close()


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setenv("OPERATOR", OPERATOR)
    monkeypatch.setenv("READER", READER)
    served = Served(tmp_path)
    yield served
    served.kill()


def planned(browser: Any, served: Served) -> Any:
    page = open_as(browser, served.address, OPERATOR)
    page.goto(f"{served.address}/profile/bot1")
    page.click("text=Plan now")
    expect(page.locator("h1", has_text="Plan for bot1")).to_have_count(1)
    return page


def test_a_plan_is_applied_and_undone(browser: Any, served: Served, pictures: Path) -> None:
    page = planned(browser, served)
    expect(page.locator("main")).to_contain_text("b1-1")
    page.screenshot(path=pictures / "plan-before.png")
    assert serious_findings(page) == []
    assert served.desk.filled() == "0"
    page.click("text=Apply exactly this plan")
    expect(page.locator("[role=status]")).to_contain_text("corrections applied")
    assert served.desk.filled() == "7"
    page.screenshot(path=pictures / "applied.png")
    undoing = page.locator("form[action='/act/undo']")
    undoing.locator("input[name=why]").fill("it was by hand")
    undoing.locator("button").click()
    assert served.desk.filled() == "7"  # shown first
    page.screenshot(path=pictures / "undo-shown.png")
    assert serious_findings(page) == []
    page.locator("main form button.strong").click()
    expect(page.locator("[role=status]")).to_have_count(1)
    assert served.desk.filled() == "0"
    assert page.faults == []
    page.context.close()


def test_an_order_is_corrected_from_its_page_and_that_is_undone(
    browser: Any, served: Served, pictures: Path
) -> None:
    page = open_as(browser, served.address, OPERATOR)
    page.goto(f"{served.address}/explain/b1-1")
    page.click("summary >> text=Correct")
    booking = page.locator("form", has=page.locator("input[name=kind][value=book]"))
    for name, value in (("qty", "3"), ("price", "1000"), ("why", "seen on the website")):
        booking.locator(f"input[name={name}]").fill(value)
    booking.locator("button").click()
    expect(page.locator("h1")).to_contain_text("Book fill b1-1")
    expect(page.locator("main")).to_contain_text("Nothing is written yet")
    page.screenshot(path=pictures / "correction-shown.png")
    assert serious_findings(page) == []
    assert served.desk.filled() == "0"
    page.click("text=Write exactly this")
    expect(page.locator("[role=status]")).to_have_count(1)
    assert served.desk.filled() == "3"
    row = page.locator("tr", has_text="seen on the website").first
    row.locator("form[action='/act/undo'] input[name=why]").fill("it was another order's")
    row.locator("form[action='/act/undo'] button").click()
    expect(page.locator("h1")).to_contain_text("Undo")
    assert served.desk.filled() == "3"
    page.click("text=Write exactly this")
    expect(page.locator("tr", has_text="seen on the website").first).to_contain_text("undone")
    assert served.desk.filled() == "0"
    page.goto(f"{served.address}/explain/b1-1")
    expect(page.locator("ol.story")).to_contain_text("seen on the website")
    page.screenshot(path=pictures / "story-after-undo.png")
    assert page.faults == []
    page.context.close()


def test_of_two_operators_with_one_plan_the_second_is_refused(browser: Any, served: Served) -> None:
    one, other = planned(browser, served), planned(browser, served)
    one.click("text=Apply exactly this plan")
    expect(one.locator("[role=status]")).to_contain_text("corrections applied")
    other.click("text=Apply exactly this plan")
    expect(other.locator("[role=alert]")).to_contain_text("stale")
    assert served.desk.filled() == "7"
    one.context.close()
    other.context.close()


def test_a_plan_that_the_venue_has_overtaken_is_refused(browser: Any, served: Served) -> None:
    page = planned(browser, served)
    served.desk.at_venue("v-1", "b1-1", filled="8")
    page.click("text=Apply exactly this plan")
    expect(page.locator("[role=alert]")).to_contain_text("stale")
    assert served.desk.filled() == "0"
    page.context.close()


def test_a_page_says_when_its_server_is_lost_and_goes_on_when_it_is_back(
    browser: Any, served: Served
) -> None:
    page = open_as(browser, served.address, READER)
    expect(page.locator("h1")).to_have_text("Overview")
    lost = page.locator("#lost")
    expect(lost).to_be_hidden()
    page.wait_for_load_state("load")  # its script is there and listens
    served.kill()
    expect(lost).to_be_visible()
    expect(page.locator("h1")).to_have_text("Overview")  # what was read stays
    served.start()
    page.goto(f"{served.address}/login")  # a session ends with the process
    page.fill("input[name=token]", READER)
    page.click("button")
    expect(page.locator("h1")).to_have_text("Overview")
    expect(page.locator("#lost")).to_be_hidden()
    page.context.close()


def test_two_readers_hear_of_a_run(browser: Any, served: Served) -> None:
    readers = [open_as(browser, served.address, READER) for _ in range(2)]
    for page in readers:
        expect(page.locator("h1")).to_have_text("Overview")
    command = [
        sys.executable,
        "-m",
        "trueup",
        "run",
        "--once",
        "--apply",
    ]  # its own loop, beside the browser's
    subprocess.run(command, cwd=served.desk.folder, check=False, capture_output=True, timeout=PATIENCE_S)
    for page in readers:
        expect(page.locator("#live")).to_contain_text("applied")
        page.context.close()
