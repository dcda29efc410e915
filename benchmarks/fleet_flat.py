"""Whether a profile and run in sync costs the same at a thousand, ten thousand and a hundred thousand profiles.

Each size is a fleet of its own (`benchmarks.fleet`), one after the other, at the same number of runs a second, so that
what a worker does for itself (heartbeats, asking the broker) weighs equally. Compared are requests, statements, and
the processor's time of workers, database and broker together.

    python -m benchmarks.fleet_flat [PROFILES…]
"""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

SIZES = (1_000, 10_000, 100_000)
PROFILES_OF_EACH = 10
RUNS_PER_S = 1000
WARM = 5  # intervals: then one in thirty is the first sight of two workers, which reads all rows
SECONDS = 120.0  # measured, and one interval at least
FLAT = 0.2  # between the dearest and the cheapest, of the first


def main() -> None:
    sizes = [int(one) for one in sys.argv[1:]] or list(SIZES)
    costs = {profiles: _costs(_measure(profiles)) for profiles in sizes}
    print(f"{'profiles':>10} {'requests':>9} {'statements':>11} {'processor, µs':>14}")
    for profiles, (requests, statements, cpu_us) in costs.items():
        print(f"{profiles:>10,} {requests:>9.3f} {statements:>11.3f} {cpu_us:>14.0f}")
    spreads = [max(one) / min(one) - 1 for one in zip(*costs.values(), strict=True)]
    is_flat = max(spreads) <= FLAT
    told = ", ".join(
        f"{what} +{spread:.0%}"
        for what, spread in zip(("requests", "statements", "processor"), spreads, strict=True)
    )
    print(f"{'flat' if is_flat else 'NOT FLAT'} (at most +{FLAT:.0%}): {told}")
    raise SystemExit(0 if is_flat else 1)


def _measure(profiles: int) -> dict[str, Any]:
    interval_s = profiles / RUNS_PER_S
    with TemporaryDirectory() as folder:
        told = Path(folder) / "told.json"
        command = [sys.executable, "-m", "benchmarks.fleet", "--json", str(told)]
        command += ["--accounts", str(profiles // PROFILES_OF_EACH), "--profiles", str(PROFILES_OF_EACH)]
        command += ["--interval", str(interval_s), "--seconds", str(max(SECONDS, interval_s))]
        command += ["--warm", str(WARM)]
        subprocess.run(command, check=True)
        found: dict[str, Any] = msgspec.json.decode(told.read_bytes())
        return found


def _costs(report: dict[str, Any]) -> tuple[float, float, float]:
    each = report["per_profile"]
    spent = sum(each[f"{who}_cpu_us"] for who in ("workers", "database", "broker"))
    return each["requests"], each["statements"], spent


if __name__ == "__main__":
    main()
