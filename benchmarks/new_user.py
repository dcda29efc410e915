"""A new user's minute: a fresh clone, freqtrade's sample database, the exports of its exchange, and no mapping.

    python -m benchmarks.new_user

Clones this repository into an empty folder, sets it up as the README says, then measures from the first command to the
first true finding: `trueup connect`, `trueup plan`. Ends with an error where the finding is not the true one.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.machine import facts

ROOT = Path(__file__).parents[1]
TRUE = {("resurrected", "1002"), ("missing_locally", "1001")}  # examples/freqtrade/make.py says why
LIMIT_S = 60.0  # the promise: the first true finding, after the set-up


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clone, desk = folder / "trueup", folder / "desk"
        setting_up_s = timed(
            ["git", "clone", "-q", str(ROOT), str(clone)],
            [sys.executable, str(clone / "dev.py"), "setup"],
            [sys.executable, str(clone / "examples/freqtrade/make.py"), str(desk)],
        )
        trueup = [sys.executable, str(clone / "dev.py"), "run"]
        began = time.monotonic()
        connect = ["connect", "user_data", "--venue-orders", "exchange_orders.csv"]
        subprocess.run([*trueup, *connect], cwd=desk, check=True, stdout=subprocess.DEVNULL)
        planned = subprocess.run([*trueup, "plan", "--json"], cwd=desk, check=False, stdout=subprocess.PIPE)
        found_s = time.monotonic() - began
        found = {(one["kind"], one["venue_order_id"]) for one in json.loads(planned.stdout)["breaks"]}
    print(f"set up in {setting_up_s:.1f} s; first true finding {found_s:.1f} s after that; {facts()}")
    if not found >= TRUE or found_s > LIMIT_S:
        sys.exit(f"found {sorted(found)} in {found_s:.1f} s: not as promised")


def timed(*commands: list[str]) -> float:
    began = time.monotonic()
    for command in commands:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - began


if __name__ == "__main__":
    main()
