"""`python -m tests.chaos --events 200 --seed 1`: trueup beside everything that goes wrong. It takes minutes.

Prints each event, what was found, and how it ended: exit code 0 where nothing was doubled or lost.
"""

import argparse
import sys
from pathlib import Path

from tests.chaos.campaign import run_campaign


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--events", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--keep", type=Path, help="a folder for logs and backups; else they go when it has ended"
    )
    arguments = parser.parse_args()
    faults = run_campaign(
        arguments.events, arguments.seed, arguments.keep, tell=lambda line: print(line, flush=True)
    )
    for fault in faults:
        print(f"FAULT {fault}")
    print(f"seed {arguments.seed}: {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
