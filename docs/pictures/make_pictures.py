"""Makes the README's pictures from the demo's books: `python docs/pictures/make_pictures.py`, with a Chromium here.

The demo is the same for a seed, so that a picture changes where a page does.
"""

import shutil
import signal
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

FOLDER = Path(__file__).parent
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = ("--no-sandbox", "--disable-gpu", "--force-color-profile=srgb")
SIZE = {"width": 1000, "height": 560}
PAGES = {
    "overview": ("/", "light"),
    "breaks": ("/breaks", "light"),
    "story": ("/explain/p3-p3t6-entry-2", "dark"),
}


def main() -> None:
    if CHROMIUM is None:
        sys.exit("no Chromium here (Debian: apt install chromium)")
    command = [sys.executable, "-m", "trueup", "demo", "--fast", "--web", "--listen", "127.0.0.1:0"]
    demo = subprocess.Popen(  # noqa: S603 - this very program
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    try:
        address = next(word for line in demo.stderr or () for word in line.split() if word.startswith("http"))
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
            for name, (path, theme) in PAGES.items():
                take(browser, f"{address}{path}", FOLDER / f"{name}.png", theme)
    finally:
        demo.send_signal(signal.SIGINT)
        demo.wait(20)


def take(browser: Browser, url: str, file: Path, theme: str) -> None:
    page = browser.new_page(viewport=SIZE, timezone_id="UTC", locale="en-GB", color_scheme=theme)
    page.goto(url)
    page.wait_for_load_state("load")
    page.wait_for_timeout(300)  # times are set in the reader's zone by script
    page.screenshot(path=file)
    page.close()


if __name__ == "__main__":
    main()
