"""A few worlds on both ledgers, and of the simulator on PostgreSQL; what the how-to says of partitions.

500 of each by `python -m tests.postgres.worlds` and `python -m tests.postgres.sim_worlds`.
"""

import os
import re
from pathlib import Path

import psycopg
import pytest

from tests.postgres.databases import empty_database
from tests.postgres.sim_worlds import violations
from tests.postgres.trials import migrated
from tests.postgres.worlds import differences

SEEDS = (1, 2, 3)
SIM_SEEDS = (1, 4)
HOW_TO = (Path(__file__).parents[2] / "docs/how-to/postgresql.md").read_text("utf-8")


@pytest.mark.slow
def test_one_seed_gives_the_same_plans_and_books_on_both_ledgers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EFFECTS", os.environ.get("EFFECTS", ""))  # the rig sets it, and it is put back
    worlds = [differences(seed) for seed in SEEDS]
    assert [found for found, _ in worlds] == [[]] * len(SEEDS)
    assert sum(corrections for _, corrections in worlds) > 0


@pytest.mark.slow
@pytest.mark.parametrize("seed", SIM_SEEDS)
def test_a_simulated_world_with_a_failing_database_holds_on_postgresql(seed: int) -> None:
    _, runs, found = violations(seed)
    assert (found, runs > 0) == ([], True)


def test_a_month_s_partition_takes_its_runs() -> None:
    (statement,) = re.findall(r"CREATE TABLE trueup\.runs_2027_01 .*?;", HOW_TO, re.DOTALL)
    january, december = "01a2d000-0000-7000-8000-000000000000", "01a2c000-0000-7000-8000-000000000000"
    with empty_database() as url:
        migrated(url)
        with psycopg.connect(url, autocommit=True) as owner:
            owner.execute(statement.encode())
            for run_id in (january, december):
                owner.execute(
                    "INSERT INTO trueup.runs VALUES (%s, 'p', '', '', '', 'dry', NULL, 0, '[]', '', '')",
                    (run_id,),
                )
            rows = owner.execute(
                "SELECT tableoid::regclass::text, run_id FROM trueup.runs ORDER BY run_id"
            ).fetchall()
    assert rows == [("trueup.runs_other", december), ("trueup.runs_2027_01", january)]
