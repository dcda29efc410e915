"""`python -m benchmarks.hanging_accounts [ACCOUNTS [SECONDS]]`: what accounts whose venue hangs cost another one.

`trueup run` in a process of its own, by its documents alone, so that any commit can be measured with
`PYTHONPATH=CHECKOUT/src`: accounts at a server on this machine that takes a connection and never answers, and one at an
exported file, each at an interval of 1 s, three at a time. The complete runs of the last one are counted.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.machine import facts

ACCOUNTS = 12
SECONDS = 75.0
SERVICE = "[service]\ninterval_s = 1\nprofiles_at_a_time = 3\n"
EXPORT = """{"open_orders": {"state": "complete", "rows": [{"venue_order_id": "v-1", "symbol": "DOGE/USD",
"side": "buy", "qty": "1", "status": "pending_new", "filled_qty": "0", "submitted_at": "2026-01-01T00:00:00Z"}]},
"history": {"state": "complete"}, "positions": {"state": "complete", "rows": []},
"instruments": [{"symbol": "ETH/USD"}]}"""  # an order to tell of: a run of books that are true says nothing
GOOD = """[[accounts]]
account_id = "good"
venue = "files"
options = { path = "venue.json" }
[[accounts.profiles]]
profile_id = "good"
"""
HANGS = """[[accounts]]
account_id = "h{number}"
venue = "alpaca"
options = {{ base_url = "http://127.0.0.1:{port}" }}
credentials = {{ key_id = {{ env = "BENCH_KEY" }}, secret_key = {{ env = "BENCH_SECRET" }} }}
[[accounts.profiles]]
profile_id = "h{number}"
"""


def main() -> None:
    accounts = int(sys.argv[1]) if len(sys.argv) > 1 else ACCOUNTS
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else SECONDS
    with socket.create_server(("127.0.0.1", 0), backlog=1_000) as silent:  # the kernel takes the connections
        port = silent.getsockname()[1]
        for hanging in (0, accounts):
            runs = _runs(hanging, port, seconds)
            print(
                json.dumps(
                    {"machine": facts(), "hanging": hanging, "seconds": seconds, "runs_of_the_other": runs}
                )
            )


def _runs(hanging: int, port: int, seconds: float) -> int:
    """Complete runs of the good account within `seconds` of the service's start."""
    with tempfile.TemporaryDirectory() as folder:
        config, log = Path(folder, "trueup.toml"), Path(folder, "run.log")
        accounts = [HANGS.format(number=number, port=port) for number in range(hanging)]
        config.write_text("".join([SERVICE, *accounts, GOOD]))
        Path(folder, "venue.json").write_text(EXPORT)
        environ = os.environ | {"BENCH_KEY": "x", "BENCH_SECRET": "y"}
        command = [sys.executable, "-m", "trueup", "run", "--config", str(config)]
        with log.open("wb") as said:
            process = subprocess.Popen(command, env=environ, stdout=said, stderr=said)
        while not _count(log, "reconciliation_service_started") and process.poll() is None:
            time.sleep(0.05)
        time.sleep(seconds)
        runs = _count(log, "reconciliation_run_completed", profile_id="good")
        process.send_signal(signal.SIGKILL)
        process.wait()
    return runs


def _count(log: Path, event: str, **fields: str) -> int:
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.endswith("}")]
    return sum(one["event"] == event and fields.items() <= one.items() for one in lines)


if __name__ == "__main__":
    main()
