"""`python -m benchmarks`: measures, prints a table, and says on what machine.

`--quick` leaves out the largest sizes; `--json FILE` writes every single time (`-`: to standard output).
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.machine import facts
from benchmarks.pairs import PLANNED, Scenario, write_snapshot

SIZES = (1_000, 10_000, 100_000, 1_000_000)
QUICK_SIZES = (1_000, 10_000)
CHILD_TIMEOUT_S = 1800

Measured = dict[str, Any]


def main() -> None:
    arguments = _arguments()
    sizes = QUICK_SIZES if arguments.quick else SIZES
    report: Measured = {"machine": facts(), "plan": [], "sqlite": []}
    with tempfile.TemporaryDirectory() as folder:
        for scenario in PLANNED:
            for pairs in sizes:
                report["plan"].append(_plan(Path(folder), scenario, pairs))
        report["sqlite"] = [
            _child("benchmarks.sqlite_run", folder),
            _child("benchmarks.sqlite_apply", folder),
        ]
    _print_tables(report)
    if arguments.json:
        _write_json(arguments.json, report)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="up to 10,000 pairs only")
    parser.add_argument("--json", metavar="FILE", help="every time measured, as JSON")
    return parser.parse_args()


# Measuring, each in a process of its own


def _plan(folder: Path, scenario: Scenario, pairs: int) -> Measured:
    path = folder / "snapshot.json"
    write_snapshot(path, scenario, pairs)
    return {"scenario": scenario.value} | _child("benchmarks.plan_pairs", str(path), str(pairs))


def _child(module: str, *arguments: str) -> Measured:
    _say(f"{module} {' '.join(arguments[1:])}")
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        stdout=subprocess.PIPE,
        check=True,
        timeout=CHILD_TIMEOUT_S,
        cwd=Path(__file__).parents[1],
    )
    measured: Measured = msgspec.json.decode(done.stdout)
    return measured


def _say(text: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"measuring {text}\n")


# Showing


def _print_tables(report: Measured) -> None:
    for name, fact in report["machine"].items():
        print(f"{name:18} {fact}")
    heads = ("decoded/s", "(cpu)", "bytes/s", "(cpu)", "peak B/pair")
    print(f"\n{'planning':14} {'pairs':>9} " + " ".join(f"{head:>12}" for head in heads))
    rates = ("pairs_per_s_decoded", "pairs_per_cpu_s_decoded", "pairs_per_s_bytes", "pairs_per_cpu_s_bytes")
    for row in report["plan"]:
        figures = [row[name] for name in (*rates, "peak_bytes_per_pair")]
        columns = " ".join(f"{figure:>12,.0f}" for figure in figures)
        print(f"{row['scenario']:14} {row['pairs']:>9,} {columns}")
    print("\nover SQLite")
    for row in report["sqlite"]:
        for line in row["lines"]:
            print(line)


def _write_json(target: str, report: Measured) -> None:
    text = msgspec.json.format(msgspec.json.encode(report)).decode() + "\n"
    if target == "-":
        sys.stdout.write(text)
    else:
        Path(target).write_text(text)


if __name__ == "__main__":
    main()
