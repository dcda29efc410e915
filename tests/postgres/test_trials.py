"""The race and the crash at a small size; at full size by `python -m tests.postgres.trials`.

Both also run with what they are about taken away, and must then fail.
"""

import os
import tempfile
from pathlib import Path

import pytest

from tests.postgres.databases import migrated_database
from tests.postgres.trials import PGBOUNCER, crash, pooled, race

ROUNDS = 12


@pytest.mark.slow
def test_a_race_loses_no_update(capsys: pytest.CaptureFixture[str]) -> None:
    with migrated_database() as url:
        lost, counts = race(url, workers=8, rounds=ROUNDS)
    with capsys.disabled():
        print(f"\nrace on leases of 30 ms: {dict(counts)}")
    assert lost == 0
    assert counts["refused"] > 0
    assert counts["committed"] > 0


@pytest.mark.slow
def test_a_race_without_the_fence_loses_updates() -> None:
    with migrated_database() as url:
        lost, _ = race(url, workers=8, rounds=ROUNDS, without="fence")
    assert lost > 0


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists(PGBOUNCER), reason="needs pgbouncer")
def test_a_race_behind_a_transaction_pooler_loses_no_update() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # pgbouncer reads there, as another user
        with migrated_database() as url, pooled(url, Path(folder)) as behind:
            lost, counts = race(behind, workers=8, rounds=ROUNDS)
    assert lost == 0
    assert counts["committed"] > 0


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
def test_kills_and_a_stop_of_the_server_lose_and_double_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EFFECTS", "")  # the rig sets it, and it is put back
    faults, counts = crash(tmp_path, workers=4, kills=16, stops=1)
    assert faults == []
    assert counts["corrections"] > 0


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
def test_without_the_unique_key_fills_are_doubled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EFFECTS", "")
    faults, _ = crash(tmp_path, workers=4, kills=16, stops=0, without="key")
    assert faults != []
