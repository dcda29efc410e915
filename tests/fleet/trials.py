"""Chaos: workers, brokers and the database die under a fleet, and a worker stands still past its lease.

    python -m tests.fleet.trials [--accounts 4] [--profiles 2] [--interval 1] [--per-shard 2] [--lease 3]
        [--seconds 300] [--workers 4] [--nodes 3] [--kill-every 10] [--broker-kills 5] [--stops 3] [--pauses 1]

The market of the crash trial goes on meanwhile; bots lose frames, fills come shuffled and doubled. Ends with 0 where
in the end every fill is booked once, every effect was had once, and lateness was back under its limit within a minute
of the last death; told is as well for how long at most it was over it while they went on.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from tests.acceptance.rig import environment
from tests.fleet.chaos import LATE_MAX_S, Deaths, Size, chaos

BACK_WITHIN_S = 60.0


def _arguments() -> tuple[Size, Deaths]:
    parser = argparse.ArgumentParser(prog="python -m tests.fleet.trials", description=__doc__)
    size, deaths = Size(), Deaths()
    parser.add_argument("--accounts", type=int, default=size.accounts)
    parser.add_argument("--profiles", type=int, default=size.profiles, help="of each account")
    parser.add_argument("--interval", type=float, default=size.interval_s, metavar="SECONDS")
    parser.add_argument("--per-shard", type=int, default=size.per_shard, metavar="PROFILES")
    parser.add_argument("--lease", type=float, default=size.lease_s, metavar="SECONDS")
    parser.add_argument("--workers", type=int, default=size.workers)
    parser.add_argument("--nodes", type=int, default=size.nodes, help="of the broker")
    parser.add_argument("--seconds", type=float, default=deaths.seconds)
    parser.add_argument("--kill-every", type=float, default=deaths.kill_every_s, metavar="SECONDS")
    parser.add_argument("--broker-kills", type=int, default=deaths.broker_kills)
    parser.add_argument("--stops", type=int, default=deaths.stops, help="of the database")
    parser.add_argument("--pauses", type=int, default=deaths.pauses, help="of a worker, past its lease")
    given = parser.parse_args()
    size = Size(
        accounts=given.accounts,
        profiles=given.profiles,
        interval_s=given.interval,
        per_shard=given.per_shard,
        lease_s=given.lease,
        workers=given.workers,
        nodes=given.nodes,
    )
    deaths = Deaths(
        seconds=given.seconds,
        kill_every_s=given.kill_every,
        broker_kills=given.broker_kills,
        stops=given.stops,
        pauses=given.pauses,
    )
    return size, deaths


def main() -> int:
    size, deaths = _arguments()
    os.environ.update(environment())
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        out = chaos(Path(folder), size, deaths)
    print(*out.faults[:20], sep="\n")
    print(
        f"{size.accounts} accounts × {size.profiles} profiles, each {size.interval_s:g} s: {len(out.faults)} faults;"
        f" lateness under {LATE_MAX_S:g} s after {out.back_s:.1f} s, over it for {out.over_s:.1f} s at most before;"
        f" {dict(out.counts)}"
    )
    return int(bool(out.faults) or out.back_s > BACK_WITHIN_S)


if __name__ == "__main__":
    sys.exit(main())
