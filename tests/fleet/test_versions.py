"""Workers of two versions side by side, as in a rolling upgrade: that of an earlier commit with the same schema, whose
source is taken from the repository's history, and this one.
"""

import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.fleet.town import ROOT, Town, town
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.slow

MIGRATIONS = "src/trueup/ledgers/{}/migrations"
LOOKED_BACK = 40  # commits of the source
RUNS = 20  # that each of both makes beside the other


def git(*arguments: str) -> bytes:
    done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"no history to take an earlier version from: {done.stderr.decode().strip()}")
    return done.stdout


def earlier_version(folder: Path) -> Path:
    """The source of the oldest commit looked at whose tables are today's."""
    paths = [MIGRATIONS.format(one) for one in ("postgresql", "sqlite")]
    commits = git("log", f"-{LOOKED_BACK}", "--format=%H", "--", "src").decode().split()
    changed = git("log", "-1", "--format=%H", "--", *paths).decode().split()
    same = [one for one in commits[1:] if not changed or not git("rev-list", "-1", f"{one}..{changed[0]}")]
    if not same:
        pytest.skip("every earlier version has other tables")
    with tarfile.open(fileobj=io.BytesIO(git("archive", same[-1], "src"))) as archive:
        archive.extractall(folder, filter="data")
    return folder / "src"


def runs_of(fleet: Town) -> dict[str, int]:
    return {one["worker"]: one["says"]["runs"] for one in fleet.json("fleet", "status")["workers"]}


def test_an_earlier_worker_and_this_one_share_a_fleet_and_take_over_from_each_other(tmp_path: Path) -> None:
    source = earlier_version(tmp_path / "earlier")
    with town(tmp_path) as fleet:
        fleet.add(8)
        fleet.call("fleet", "init")
        environ = {**os.environ, "PYTHONPATH": str(source)}
        where = [sys.executable, "-c", "import trueup; print(trueup.__file__)"]
        assert str(source) in subprocess.check_output(where, cwd=tmp_path, env=environ, text=True)
        worker = (sys.executable, "-m", "trueup", "fleet", "worker", "--name")
        fleet.start("earlier", *worker, "earlier", cwd=tmp_path, environ=environ)
        fleet.runs_again()
        this = fleet.start_worker("this")
        fleet.until(lambda: min(runs_of(fleet).get(one, 0) for one in ("earlier", "this")) >= RUNS)
        fleet.runs_again()

        assert fleet.json("fleet", "drain", "--worker", "earlier", "--timeout", str(PATIENCE_S))["left"] == []
        fleet.runs_again()
        fleet.start("back", *worker, "back", cwd=tmp_path, environ=environ)  # the upgrade is taken back
        fleet.until(lambda: "back" in runs_of(fleet))
        this.kill()
        fleet.runs_again()
        assert "reconciliation_run_failed" not in [
            one["event"] for name in ("earlier", "this", "back") for one in fleet.events(name)
        ]
