"""Chaos at a small size; at full size by `python -m tests.fleet.trials`."""

import os
from pathlib import Path

import pytest

from tests.fleet.chaos import Deaths, Size, chaos
from tests.patience import PATIENCE_S


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
def test_what_dies_under_a_fleet_loses_and_doubles_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EFFECTS", "")  # the rig sets it, and it is put back
    size = Size(accounts=4, profiles=2, workers=2, nodes=1)
    out = chaos(tmp_path, size, Deaths(seconds=10, kill_every_s=3, broker_kills=1, stops=1, pauses=1))
    assert out.faults == []
    assert out.back_s < PATIENCE_S  # how soon is measured by the command
    assert out.counts["corrections"] > 0
    assert out.counts["workers killed"] == 3
    died = [out.counts[what] for what in ("brokers killed", "database stopped", "workers paused")]
    assert died == [1, 1, 1]
