"""SIGKILL at 200 random moments of `trueup run`: nothing booked twice or lost, no broken log, no effect twice.

The moments are of the machine's clock: that is what is tested. How long a process lives is drawn from what one needs
here to begin a run, so that a slow machine's processes are hit in their runs as well. On PostgreSQL:
`tests/postgres/trials.py`, crash.
"""

import os
import signal
import time
from pathlib import Path

import pytest

from tests.acceptance.rig import Nursery, Rig, event_counts
from tests.patience import PATIENCE_S

KILLS = 200
HIT_MIN = KILLS // 10  # so many must be hit in mid-run: it goes on until they were
LIFE_MIN_S, LIFE_MAX_S = 0.005, 0.2  # how long a process lives, where starting takes a tenth of that
LONGER = 1.25  # the next lives, where one ended before it had begun a run
STEP_S = 5  # of the market, between two of them
CHECK_EVERY = 25


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
def test_killing_run_anywhere_loses_and_doubles_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rig = Rig(tmp_path, seed=7, accounts=1, profiles=4, lease_ttl_s=0.03)
    nursery = Nursery(rig)
    died_leased, number, life_s, until = 0, 0, LIFE_MAX_S, time.monotonic() + PATIENCE_S
    while number < KILLS or died_leased < HIT_MIN:
        assert number < KILLS or time.monotonic() < until, f"the kills hit pauses: {died_leased} of {number}"
        number += 1
        begun = runs_begun(rig)
        process_id = nursery.start("run", "--config", str(rig.config))
        rig.step(STEP_S)
        time.sleep(rig.random.uniform(LIFE_MIN_S, life_s))
        assert os.waitstatus_to_exitcode(nursery.kill(process_id)) == -signal.SIGKILL
        died_leased += any(lease.holder is not None for lease in rig.ledger.journal.lease_states())
        life_s = life_s * LONGER if runs_begun(rig) == begun else max(LIFE_MAX_S, life_s / LONGER)
        if number % CHECK_EVERY == 0:
            assert rig.faults_now() == []
    nursery.close()
    assert rig.faults_in_the_end(rig.settle()) == []
    applied = len(rig.ledger.export("corrections"))
    told, effects = rig.effects.deliveries(), len(rig.effects.effects())
    with capsys.disabled():
        print(
            f"\n{number} kills, {died_leased} of them in mid-run; {applied} corrections; "
            f"{told} deliveries of {effects} notifications; {event_counts(tmp_path / 'run.log')}"
        )
    assert applied >= KILLS // 2, "there must have been something to lose"
    rig.close()


def runs_begun(rig: Rig) -> int:
    return sum(lease.epoch for lease in rig.ledger.journal.lease_states())
