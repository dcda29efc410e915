"""The dashboard on the demo's books, over real HTTP, and a real Chromium where there is one."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.patience import PATIENCE_S

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next((found for one in CHROMIUMS if (found := shutil.which(one))), None)
QUIET = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)
OPERATOR = "operator-of-the-tests-1234"
READER = "reader-of-the-tests-12345"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's books, whose configuration asks for tokens."""
    place = tmp_path_factory.mktemp("demo") / "books"
    command = [sys.executable, "-m", "trueup", "demo", "--fast", "--keep", str(place), "--json"]
    subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE_S)
    config = place / "trueup.toml"
    tokens = '[web]\noperator_token = { env = "OPERATOR" }\nreader_token = { env = "READER" }\n\n'
    config.write_text(tokens + config.read_text())
    return place


@pytest.fixture(scope="module")
def dashboard(folder: Path) -> Iterator[str]:
    """Its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "trueup", "web", "--listen", "127.0.0.1:0"],
        cwd=folder,
        env=os.environ | {"OPERATOR": OPERATOR, "READER": READER},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        yield process.stderr.readline().strip()
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE_S)


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=1000 * PATIENCE_S)
    with sync_playwright() as playwright:
        place = CHROMIUM or playwright.chromium.executable_path
        if not Path(place).exists():
            pytest.skip("no Chromium here: `python3 dev.py browser` installs one")
        started = playwright.chromium.launch(
            executable_path=place, args=list(QUIET), timeout=1000 * PATIENCE_S
        )
        yield started
        started.close()


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots go: TRUEUP_PICTURES, else a temporary folder."""
    place = Path(os.environ.get("TRUEUP_PICTURES") or tmp_path_factory.mktemp("pictures"))
    place.mkdir(parents=True, exist_ok=True)
    return place
