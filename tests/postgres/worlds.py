"""One seed, one world, both ledgers: every plan and all books must be the same.

python -m tests.postgres.worlds [--seeds 500] [--first 1] [--steps 20]
"""

import argparse
import asyncio
import logging
import os
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from tests.acceptance.rig import Rig
from tests.postgres.databases import migrated_database
from trueup.engine.run.run_account import reconcile_account
from trueup.service.load_config import load_config
from trueup.service.open_accounts import open_accounts

START = "2026-11-23T09:00:00Z"
STEP_S = 20
STEPS = 12
BOOKS = (
    "orders",
    "fills",
    "trades",
    "breaks",
    "corrections",
    "outbox",
    "order_log",
    "decisions",
    "exit_audit",
)
OF_THE_LEDGER = ("run_id", "written_by", "hash")  # what a run's random id is in


def live(folder: Path, seed: int, steps: int, postgresql: str | None) -> tuple[list[bytes], dict[str, Any]]:
    """The plans of a world in their order, and its books at the end."""
    folder.mkdir()
    rig = Rig(
        folder, seed, accounts=2, profiles=2, lease_ttl_s=30, postgresql=postgresql, muddled=True, start=START
    )
    try:
        plans = asyncio.run(_run(rig, steps))
        faults = rig.faults_now()
        assert faults == [], faults
        return plans, {table: [_kept(row) for row in rig.ledger.export(table)] for table in BOOKS}
    finally:
        rig.close()


async def _run(rig: Rig, steps: int) -> list[bytes]:
    plans = []
    async with open_accounts(load_config(str(rig.config)), clock=rig.clock) as opened:
        accounts = [replace(one, ledger=rig.ledger) for one in opened]
        for _ in range(steps):
            rig.step(STEP_S)
            for account in accounts:
                report = await reconcile_account(account, apply=True)
                plans += [msgspec.json.encode(one.plan) for one in report.profiles]
    return plans


def _kept(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key not in OF_THE_LEDGER}


def differences(seed: int, steps: int = STEPS) -> tuple[list[str], int]:
    """Where the two ledgers part; and how much was corrected."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        url = stack.enter_context(migrated_database())
        here, books_here = live(Path(folder, "sqlite"), seed, steps, None)
        there, books_there = live(Path(folder, "postgresql"), seed, steps, url)
    found = [f"plan {number}" for number, (a, b) in enumerate(zip(here, there, strict=True)) if a != b]
    found += [table for table in BOOKS if books_here[table] != books_there[table]]
    return found, len(books_here["corrections"])


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.postgres.worlds", description=__doc__)
    parser.add_argument("--seeds", type=int, default=500)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--steps", type=int, default=STEPS)
    given = parser.parse_args(arguments)
    logging.disable(logging.CRITICAL)
    os.environ["PYTHONPATH"] = str(Path(__file__).parents[2])
    failed, corrected = 0, 0
    for seed in range(given.first, given.first + given.seeds):
        found, corrections = differences(seed, given.steps)
        corrected += corrections
        if found:
            failed += 1
            print(f"seed {seed}: {', '.join(found)}", flush=True)
    print(f"{given.seeds} worlds on both ledgers, {corrected} corrections in each: {failed} worlds differ")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
