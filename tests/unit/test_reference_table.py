"""The page for those who come from the reference service names every figure, event and deviation, and real tests."""

import re
from pathlib import Path

import msgspec
import pytest

from trueup.model.plan import CoverageResult, ExitBackfillResult, ParityResult, Result, SubTagRepairResult

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/reference/from-the-reference-service.md").read_text("utf-8")
ROWS = [
    line
    for line in PAGE.splitlines()
    if line.startswith("| ") and not line.startswith(("| reference |", "| the reference |"))
]
EVENTS = (  # the reference service's own, as they stand in its description
    "reconciliation_symbol_scope_filtered",
    "reconciliation_correction",
    "reconciliation_cancel_missing_exchange",
    "reconciliation_exchange_discovery",
    "reconciliation_order_coverage_evaluated",
    "reconciliation_exit_backfill_profile",
    "RECONCILIATION_DEGRADED",
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip()[:60])
def test_each_row_names_a_test_that_there_is(row: str) -> None:
    cells = [cell.strip() for cell in row.strip("|").split(" | ")]
    assert len(cells) == 3
    path, _, name = cells[2].strip("` |").partition("::")
    assert re.search(rf"^def {name}\(", (ROOT / path).read_text("utf-8"), re.MULTILINE), cells[2]


@pytest.mark.parametrize(
    "figures", [Result, CoverageResult, ExitBackfillResult, SubTagRepairResult, ParityResult]
)
def test_every_figure_of_the_result_is_in_it(figures: type[msgspec.Struct]) -> None:
    stages = {"coverage", "exit_backfill", "sub_tag_repair", "parity"}
    names = {field.name for field in msgspec.structs.fields(figures)} - stages
    assert {name for name in names if not re.search(rf"[`.]{name}`", PAGE)} == set()


def test_every_event_and_every_deviation_is_in_it() -> None:
    assert {event for event in EVENTS if f"`{event}`" not in PAGE} == set()
    assert {number for number in range(1, 15) if f"| D {number}: " not in PAGE} == set()
