"""`trueup run --http` as a person would start it: it answers, and ends on SIGTERM."""

import json
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

from tests.patience import PATIENCE_S, wait_until
from trueup.model.snapshot import HistoryRead, OrdersRead, PositionsRead
from trueup.model.vocabulary import ReadState
from trueup.venues.files import Export, write_export

CONFIG = """
[service]
interval_s = 0.05
[[accounts]]
account_id = "acc-1"
venue = "files"
options = { path = "venue.json" }
[[accounts.profiles]]
profile_id = "mom-1"
"""


def test_run_answers_over_http_and_ends_on_sigterm(tmp_path: Path) -> None:
    done = ReadState.COMPLETE
    write_export(
        tmp_path / "venue.json",
        Export(
            open_orders=OrdersRead(state=done),
            history=HistoryRead(state=done),
            positions=PositionsRead(state=done),
        ),
    )
    (tmp_path / "trueup.toml").write_text(CONFIG)
    command = [
        sys.executable,
        "-m",
        "trueup",
        "run",
        "--config",
        str(tmp_path / "trueup.toml"),
        "--http",
        "127.0.0.1:0",
    ]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        base = address(next(line for line in process.stderr if "/healthz" in line))
        assert get(f"{base}/healthz") == {"status": "ok"}
        while "reconciliation_service_started" not in process.stderr.readline():
            pass
        wait_until(lambda: 'trueup_runs_total{state="unchanged"}' in metrics(base))
        assert get(f"{base}/readyz")["profiles"]["mom-1"]["ready"] is True
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=PATIENCE_S) == 0


def metrics(base: str) -> str:
    with urllib.request.urlopen(f"{base}/metrics") as answer:  # noqa: S310
        return answer.read().decode()


def address(line: str) -> str:
    found = re.search(r"http://127\.0\.0\.1:\d+", line)
    assert found, line
    return found[0]


def get(url: str) -> dict:
    with urllib.request.urlopen(url) as answer:  # noqa: S310
        return json.load(answer)
