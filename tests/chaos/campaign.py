"""The chaos run from its start to its judgement: events, a check after each few, rest, ten runs, the last check."""

import json
import shutil
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tests.chaos.check import Ledger, Truth, faults_in_the_end, faults_now, faults_of_telling, missing_fills
from tests.chaos.events import RUNS, Events
from tests.chaos.host import PROFILES, Host
from tests.chaos.venue import Venue

CHECK_EVERY = 5
START_S = 3.0
GOES_ON_MAX_S = (
    900.0  # a bound against what hangs: each bot has one more life, in which it opens its trades again
)
RUNS_AFTER = 10
RUNS_AFTER_MAX_S = (
    1800.0  # a bound against what hangs: those runs take a third of a second each, on an idle machine
)
Tell = Callable[[str], None]


def run_campaign(events: int, seed: int, folder: Path | None, *, tell: Tell) -> list[str]:
    """Returns the faults, none where all is well; it ends with the first event after which there is one."""
    with Venue(seed) as venue, Host(venue, folder) as host:
        tell(
            f"disk: {'a tmpfs' if host.is_mounted else 'limits of file size'}; clock jumps: {host.has_clock}"
        )
        host.start_all()
        host.wait(START_S)
        drawn, counts = Events(seed, host, venue), Counter[str]()
        for number in range(1, events + 1):
            kind, what = drawn.happen()
            counts[kind] += 1
            tell(f"{number:4} {what}")
            if number % CHECK_EVERY == 0 and (faults := _look(host, venue)):
                _keep(host, folder)
                return faults
        tell(f"events: {dict(counts)}")
        faults = _rest(host, venue, tell) + _tracebacks(host)
        if faults:
            _keep(host, folder)
        return faults


def _look(host: Host, venue: Venue) -> list[str]:
    if not host.ledger.exists():
        return []
    try:
        ledger = Ledger(host.ledger)
    except sqlite3.OperationalError:  # it is being made
        return []
    return faults_now(ledger, _truth(venue))


def _truth(venue: Venue) -> Truth:
    return Truth(venue.orders(), venue.fills(), venue.positions())


def _rest(host: Host, venue: Venue, tell: Tell) -> list[str]:
    """The last fault is over: bots leave, runs start anew, and after ten of them the books must be true."""
    host.set_clock(0)
    host.free_disk()
    venue.heal()
    for name in PROFILES:
        host.opened(name).unlink(missing_ok=True)
        host.kill(name)
    start = time.monotonic()
    while (
        not all(host.opened(name).exists() for name in PROFILES) and time.monotonic() - start < GOES_ON_MAX_S
    ):
        host.wait(0.2)
    venue.rest()
    for name in PROFILES:
        host.leave(name)
    for name in RUNS:
        host.kill(name)
    host.tend()
    faults = (
        [] if _runs_end(host, RUNS_AFTER, tell) else [f"no {RUNS_AFTER} runs in {RUNS_AFTER_MAX_S:.0f} s"]
    )
    codes = [host.end(name) for name in RUNS]
    ledger, truth = Ledger(host.ledger), _truth(venue)
    missing, untold = missing_fills(ledger, truth, PROFILES)
    tell(
        f"{len(truth.orders)} orders and {len(truth.fills)} executions at the venue; {len(ledger.tables['orders'])}"
        f" orders and {len(ledger.tables['fills'])} fills in the books; {missing} missing, {len(untold)} untold;"
        f" {len(host.ends)} processes ended by themselves"
    )
    for line in sorted(set(host.ends)):
        tell(f"  {line}")
    faults += [] if codes == [0, 0] else [f"SIGTERM ended the runs with {codes}"]
    faults += untold + faults_in_the_end(ledger, truth, PROFILES)
    faults += faults_of_telling(host.effects, ledger)
    verified = host.command("verify")
    faults += [] if verified.returncode == 0 else [f"trueup verify: {verified.stdout}{verified.stderr}"]
    return faults


def _runs_end(host: Host, wanted: int, tell: Tell) -> bool:
    """Whether so many complete runs of every profile that began from now on have ended."""
    seen: dict[str, set[str]] = {name: set() for name in PROFILES}
    before = _completed(host)
    start = time.monotonic()
    while time.monotonic() - start < RUNS_AFTER_MAX_S:
        host.wait(0.05)
        for profile_id, taken_at in _completed(host).items():
            if taken_at != before.get(profile_id):
                seen[profile_id].add(taken_at)
        if all(len(times) >= wanted for times in seen.values()):
            tell(f"{wanted} runs took {time.monotonic() - start:.1f} s")
            return True
    tell(f"runs: { {name: len(times) for name, times in seen.items()} }")
    return False


def _completed(host: Host) -> dict[str, str]:
    if not host.ledger.exists():
        return {}
    try:
        rows = Ledger(host.ledger).tables["leases"]
    except sqlite3.OperationalError:  # it is being made
        return {}
    return {key: at for row in rows for key, at in json.loads(row["completed"]).items()}


def _tracebacks(host: Host) -> list[str]:
    return [
        f"{name}: a traceback: see its log"
        for name in (*RUNS, *PROFILES)
        if host.log(name).exists() and "\nTraceback" in host.log(name).read_text(errors="replace")
    ]


def _keep(host: Host, folder: Path | None) -> None:
    """The ledger, out of the disk that goes."""
    if folder is not None:
        for file in host.disk.glob("trueup.sqlite*"):
            shutil.copy(file, folder / file.name)
