"""`python -m benchmarks.idle_connections [COUNT]`: what idle connections to `--http` cost the runs.

`trueup run --http` with an interval of 0.2 s over an exported file, in a process of its own with the usual 1,024
descriptors; its complete runs are counted for some seconds without and with so many connections that say nothing.
"""

import json
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from threading import Thread

from benchmarks.machine import facts

COUNT = 1_100
SECONDS = 8
DESCRIPTORS = 1_024
CONFIG = """[service]
interval_s = 0.2
[[accounts]]
account_id = "acc-1"
venue = "files"
options = { path = "venue.json" }
[[accounts.profiles]]
profile_id = "bot-1"
"""
EXPORT = """{"open_orders": {"state": "complete", "rows": []}, "history": {"state": "complete"},
"positions": {"state": "complete", "rows": []}}"""


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    resource.setrlimit(
        resource.RLIMIT_NOFILE, (max(DESCRIPTORS, 2 * count), resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    )
    print(json.dumps({"machine": facts(), "connections": count}))
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "trueup.toml").write_text(CONFIG)
        Path(folder, "venue.json").write_text(EXPORT)
        print(json.dumps(_measure(folder, count)))


def _measure(folder: str, count: int) -> dict[str, float | int]:
    command = [
        sys.executable,
        "-c",
        _LIMITED,
        "run",
        "--http",
        "127.0.0.1:0",
        "--config",
        f"{folder}/trueup.toml",
    ]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        line = next(line for line in process.stderr if "/healthz" in line)
        port = int(line.partition("127.0.0.1:")[2].partition("/")[0])
        Thread(target=lambda: process.stderr and [None for _ in process.stderr], daemon=True).start()
        alone = _runs(folder)
        idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(count)]
        beside = _runs(folder)
        for one in idle:
            one.close()
        process.send_signal(signal.SIGTERM)
        process.wait(30)
    return {"runs_per_s_without": round(alone, 1), "runs_per_s_with": round(beside, 1)}


def _runs(folder: str) -> float:
    """Epochs of the account's lease per second: one a run."""
    began, before = time.perf_counter(), _epoch(folder)
    time.sleep(SECONDS)
    return (_epoch(folder) - before) / (time.perf_counter() - began)


def _epoch(folder: str) -> int:
    import apsw

    connection = apsw.Connection(f"{folder}/trueup.sqlite")
    try:
        return int(str(connection.execute("SELECT max(epoch) FROM leases").fetchall()[0][0] or 0))
    finally:
        connection.close()


_LIMITED = f"""
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, ({DESCRIPTORS}, {DESCRIPTORS}))
from trueup.surfaces.cli.main import main
main()
"""

if __name__ == "__main__":
    main()
