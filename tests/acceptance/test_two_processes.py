"""Two `trueup run` processes race for the same profiles under a lease of 30 ms, and one or the other is often stopped
for longer than that: nothing is lost, nothing doubled, and who comes back late writes nothing. On
PostgreSQL: `tests/postgres/trials.py`, race.
"""

import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.acceptance.rig import ROOT, Rig, environment, event_counts
from tests.patience import PATIENCE_S, wait_until

LEASE_S = 0.03
ROUNDS = 120
CHECK_EVERY = 20
STEP_S = 5  # of the market, in each round
STOPPED_S = (0.035, 0.08)  # longer than the lease
RACES_MIN = 20  # it goes on until the two have met so often


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="needs SIGSTOP")
def test_two_processes_lose_and_double_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rig = Rig(tmp_path, seed=11, accounts=1, profiles=4, lease_ttl_s=LEASE_S)
    logs = [tmp_path / "one.log", tmp_path / "two.log"]
    processes = [start(rig, log) for log in logs]
    wait_until(lambda: all("reconciliation_service_started" in event_counts(log) for log in logs))
    number, until = 0, time.monotonic() + PATIENCE_S
    while number < ROUNDS or not have_met(logs):
        assert number < ROUNDS or time.monotonic() < until, "the two never met"
        rig.step(STEP_S)
        pause(processes[number % 2], rig.random.uniform(*STOPPED_S))
        if number % CHECK_EVERY == 0:
            assert rig.faults_now() == []
        number += 1
    codes = [stop(process) for process in processes]
    assert rig.faults_in_the_end(rig.settle()) == []
    refused, contended = races(logs)
    applied = len(rig.ledger.export("corrections"))
    with capsys.disabled():
        print(
            f"\n{refused} writes refused by the fence, {contended} contentions; {applied} corrections; "
            f"{rig.effects.deliveries()} deliveries of {len(rig.effects.effects())} notifications"
        )
    assert codes == [0, 0], "SIGTERM ends a run cleanly"
    rig.close()


def races(logs: Sequence[Path]) -> tuple[int, int]:
    """Writes that the fence refused, and contentions."""
    counts = [event_counts(log) for log in logs]
    names = ("reconciliation_lease_lost", "reconciliation_lease_contended")
    refused, contended = (sum(one.get(name, 0) for one in counts) for name in names)
    return refused, contended


def have_met(logs: Sequence[Path]) -> bool:
    refused, contended = races(logs)
    return refused > 0 and refused + contended >= RACES_MIN


def start(rig: Rig, log: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "trueup", "run", "--config", str(rig.config)]
    with log.open("wb") as output:
        return subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=output, stderr=output)


def pause(process: subprocess.Popen[bytes], seconds: float) -> None:
    """As if the machine had stopped: whatever it was doing goes on afterwards."""
    process.send_signal(signal.SIGSTOP)
    time.sleep(seconds)
    process.send_signal(signal.SIGCONT)
    time.sleep(seconds / 2)


def stop(process: subprocess.Popen[bytes]) -> int:
    process.send_signal(signal.SIGTERM)
    return process.wait(timeout=PATIENCE_S)
