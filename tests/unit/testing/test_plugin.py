"""The plugin as somebody else's project has it: configured, run, and told what is wrong."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from tests.patience import PATIENCE_S
from trueup.model.vocabulary import Side, Status
from trueup.testing.paper import PaperDesk

pytestmark = pytest.mark.slow  # a project of its own in processes of its own

REPOSITORY = Path(__file__).parents[3]
PYTEST = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]


def run_suite(folder: Path, configuration: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    (folder / "pytest.ini").write_text(f"[pytest]\npythonpath = {REPOSITORY}\n{configuration}\n")
    command = [*PYTEST, *arguments]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=PATIENCE_S
    )


def test_a_suite_runs_on_what_a_project_names(tmp_path: Path) -> None:
    names = "trueup_books =\n  mine = tests.contract.books.benches:table"
    done = run_suite(tmp_path, names, "--pyargs", "trueup.testing.books")
    assert (done.returncode, " passed" in done.stdout, "mine" in done.stdout) == (0, True, False), done.stdout


def test_a_suite_without_anything_under_test_is_skipped_and_says_so(tmp_path: Path) -> None:
    done = run_suite(tmp_path, "", "--pyargs", "trueup.testing.books", "-rs")
    assert "passed" not in done.stdout
    assert "skipped" in done.stdout
    assert "trueup_books" in done.stdout


def test_a_bench_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = run_suite(tmp_path, "trueup_books =\n  mine = nowhere:bench", "--pyargs", "trueup.testing.books")
    assert done.returncode != 0
    assert "trueup_books: nowhere:bench is not there" in done.stdout + done.stderr


async def _orders(desk: PaperDesk) -> list[tuple[str | None, str | None]]:
    return [(order.status, order.filled_qty) for order in (await desk.venue.open_orders()).rows]


def test_the_paper_desk_trades_what_crosses(paper_venue: PaperDesk) -> None:
    first = paper_venue.place("b-1", "ETH/USD", Side.BUY, qty="2", limit="2500")
    paper_venue.trade("ETH/USD", price="2501", qty="9")  # above the limit: nothing
    assert asyncio.run(_orders(paper_venue)) == [(Status.PENDING_NEW, "0")]
    paper_venue.trade("ETH/USD", price="2499", qty="1.5")
    assert asyncio.run(_orders(paper_venue)) == [(Status.PARTIALLY_FILLED, "1.5")]
    paper_venue.cancel(first)
    assert asyncio.run(_orders(paper_venue)) == []
