"""`trueup demo --web`: anyone here may look, and who has the token that it printed may act; its runs go on."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.test_http import ask, log_in
from tests.patience import PATIENCE_S


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Its address and the operator's token, as it says them."""
    place: Path = tmp_path_factory.mktemp("demo") / "books"
    process = subprocess.Popen(
        [sys.executable, "-m", "trueup", "demo", "--fast", "--keep", str(place), "--web", "--listen", "127.0.0.1:0"],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr is not None
    try:
        address = next(found[0] for line in process.stderr if (found := re.match(r"http://\S+", line)))
        token = process.stderr.readline().split()[-1]
        yield address, token
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_S) == 0
        process.stderr.close()


def test_anyone_here_looks_and_nobody_acts_without_the_token(demo: tuple[str, str]) -> None:
    address, token = demo
    status, page, _ = ask(f"{address}/breaks")
    assert status == 200
    assert "read only" in page
    assert 'action="/act/' not in page
    assert token not in page
    assert ask(f"{address}/act/pause", {"profile": "p1", "why": "x"})[0] == 403


def test_who_has_the_token_plans(demo: tuple[str, str]) -> None:
    address, token = demo
    cookie = log_in(address, token)
    page = ask(f"{address}/profile/p1", Cookie=cookie)[1]
    form_token = re.findall(r'name="form_token" value="([^"]+)"', page)[0]
    form = {"profile": "p1", "form_token": form_token}
    status, _, headers = ask(f"{address}/act/plan", form, Cookie=cookie)
    assert status == 303
    plan = ask(address + headers["location"], Cookie=cookie)[1]
    assert "Plan for p1" in plan
    assert "position_mismatch" in plan
