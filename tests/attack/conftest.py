"""A service that runs with its dashboard, attacked: `pytest tests/attack` is the attack, in one command.

Whatever is tried, a run must be complete afterwards, and nothing may have been done to the profile.
"""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.conftest import OPERATOR, READER
from tests.browser.test_http import ask, log_in
from tests.patience import PATIENCE_S, wait_until
from trueup.ledgers.sqlite import open_sqlite

SCRIPT = "<script>alert(1)</script>"
LOG = "log.txt"  # all that the service says
CONFIG = """
[service]
interval_s = 0.2
[web]
operator_token = { env = "OPERATOR" }
reader_token = { env = "READER" }
[[accounts]]
account_id = "acc-1"
venue = "files"
options = { path = "venue.json" }
[[accounts.profiles]]
profile_id = "bot1"
"""


class Target:
    def __init__(self, folder: Path, address: str) -> None:
        self.folder = folder
        self.address = address
        self.cookie = log_in(address, OPERATOR)
        self.reader = log_in(address, READER, "rob")
        self.ledger = open_sqlite(folder / "trueup.sqlite")

    def last_run_at(self) -> str:
        """From the ledger itself, whatever the pages say."""
        lease, *_ = self.ledger.journal.lease_states()
        return lease.completed.get("bot1", "")

    def form_token(self, cookie: str) -> str:
        """What the forms of this session's pages carry."""
        found = re.search(
            r'name="form_token" value="([^"]+)"', ask(f"{self.address}/people", Cookie=cookie)[1]
        )
        assert found is not None
        return found[1]

    def is_paused(self) -> bool:
        status, text, _ = ask(f"{self.address}/api/overview", Cookie=self.cookie)
        assert status == 200
        return bool(json.loads(text)["profiles"][0]["paused"])


def address_of(folder: Path) -> str:
    """Where the service answers, once it has said so."""

    def said() -> list[str]:
        return re.findall(r"^(http://\S+)", (folder / LOG).read_text(), re.MULTILINE)

    wait_until(lambda: bool(said()))
    return said()[0]


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    folder = tmp_path_factory.mktemp("attacked")
    (folder / "trueup.toml").write_text(CONFIG)
    order = {
        "venue_order_id": f"v-{SCRIPT}", "client_order_id": '"><img src=x onerror=alert(1)>', "symbol": SCRIPT,
        "side": "buy", "qty": "1", "status": "pending_new", "filled_qty": "0", "submitted_at": "2026-01-01T00:00:00Z",
    }  # fmt: skip
    reads = {
        "instruments": [{"symbol": "ETH/USD"}],
        "open_orders": {"state": "complete", "rows": [order]},
        "history": {"state": "complete"},
        "positions": {"state": "complete"},
    }
    (folder / "venue.json").write_text(json.dumps(reads))
    with (folder / LOG).open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "trueup", "run", "--web", "127.0.0.1:0"],
            cwd=folder,
            env=os.environ | {"OPERATOR": OPERATOR, "READER": READER},
            stderr=log,
        )
    try:
        address = address_of(folder)
        wait_until((folder / "trueup.sqlite").exists)
        yield Target(folder, address)
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0


@pytest.fixture(autouse=True)
def goes_on(target: Target) -> Iterator[None]:
    """Whatever was tried: a run has been complete since, and nothing was done to the profile."""
    before = target.last_run_at()
    yield
    wait_until(lambda: target.last_run_at() > before, lambda: "the runs have stopped")
    assert not target.is_paused()
