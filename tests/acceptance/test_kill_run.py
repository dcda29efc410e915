"""SIGKILL at 200 random moments of `trueup run`: nothing booked twice or lost, no broken log, no effect twice.

The moments are of the machine's clock: that is what is tested. On PostgreSQL: `tests/postgres/trials.py`, crash.
"""

import os
import signal
import time
from pathlib import Path

import pytest

from tests.acceptance.rig import Nursery, Rig, event_counts

KILLS = 200
LIVES_S = (0.005, 0.2)  # how long a process lives; starting takes a tenth of that
STEP_S = 5  # of the market, between two of them
CHECK_EVERY = 25


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
def test_killing_run_anywhere_loses_and_doubles_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rig = Rig(tmp_path, seed=7, accounts=1, profiles=4, lease_ttl_s=0.03)
    nursery = Nursery(rig)
    died_leased = 0
    for number in range(1, KILLS + 1):
        process_id = nursery.start("run", "--config", str(rig.config))
        rig.step(STEP_S)
        time.sleep(rig.random.uniform(*LIVES_S))
        assert os.waitstatus_to_exitcode(nursery.kill(process_id)) == -signal.SIGKILL
        died_leased += any(lease.holder is not None for lease in rig.ledger.journal.lease_states())
        if number % CHECK_EVERY == 0:
            assert rig.faults_now() == []
    nursery.close()
    assert rig.faults_in_the_end(rig.settle()) == []
    applied = len(rig.ledger.export("corrections"))
    told, effects = rig.effects.deliveries(), len(rig.effects.effects())
    with capsys.disabled():
        print(
            f"\n{KILLS} kills, {died_leased} of them in mid-run; {applied} corrections; "
            f"{told} deliveries of {effects} notifications; {event_counts(tmp_path / 'run.log')}"
        )
    assert died_leased >= KILLS // 10, "the kills must hit runs, not pauses"
    assert applied >= KILLS // 2, "there must have been something to lose"
    rig.close()
