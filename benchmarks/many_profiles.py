"""`python -m benchmarks.many_profiles [COUNT]`: what a configuration of so many profiles costs before the first run.

Twice: each in an account of its own, and all in one. `config show` as a process; loading, and opening every account
over a new ledger, in this one. No network: an adapter connects when it is first asked.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.machine import facts
from trueup.service.load_config import load_config
from trueup.service.open_accounts import open_accounts

COUNT = 2_000
ENVIRON = {"BENCH_KEY": "x", "BENCH_SECRET": "y"}
ACCOUNT = """[[accounts]]
account_id = "a{number}"
venue = "alpaca"
credentials = {{ key_id = {{ env = "BENCH_KEY" }}, secret_key = {{ env = "BENCH_SECRET" }} }}
"""
PROFILE = """[[accounts.profiles]]
profile_id = "p{number}"
[accounts.profiles.policy]
owned_client_order_id_prefixes = ["p{number}-"]
"""


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    print(json.dumps({"machine": facts(), "profiles": count}))
    with tempfile.TemporaryDirectory() as folder:
        for shape in ("an account each", "one account"):
            path = Path(folder, shape.replace(" ", "-"), "trueup.toml")
            path.parent.mkdir()
            path.write_text(_configuration(count, apart=shape == "an account each"))
            print(json.dumps({"shape": shape} | _measure(path)))


def _configuration(count: int, *, apart: bool) -> str:
    parts = [] if apart else [ACCOUNT.format(number=0)]
    for number in range(count):
        parts += [ACCOUNT.format(number=number)] if apart else []
        parts.append(PROFILE.format(number=number))
    return "\n".join(parts)


def _measure(path: Path) -> dict[str, float]:
    began = time.perf_counter()
    shown = [sys.executable, "-m", "trueup", "config", "show", "--config", str(path)]
    subprocess.run(shown, check=True, stdout=subprocess.DEVNULL)
    showed = time.perf_counter()
    loaded = load_config(str(path))
    read = time.perf_counter()

    async def start() -> float:
        async with open_accounts(loaded, environ=ENVIRON):
            return time.perf_counter()

    opened = asyncio.run(start())
    return {
        "config_show_s": round(showed - began, 2),
        "load_s": round(read - showed, 2),
        "open_s": round(opened - read, 2),
    }


if __name__ == "__main__":
    main()
