"""Random worlds: whatever was lost, stale or damaged, the books end equal to the truth, and nothing is made worse.

`TRUEUP_WORLDS=10000` runs the full count; `TRUEUP_SEED` starts elsewhere.
"""

import os
import random

import msgspec
import pytest

from tests.property.books import Books, place_of, substitute
from tests.property.truth import Document
from tests.property.worlds import check_converged, make_world, plan_bytes, plan_of, reconcile

WORLDS = int(os.environ.get("TRUEUP_WORLDS", "400"))
FIRST_SEED = int(os.environ.get("TRUEUP_SEED", "0"))
PER_TEST = 50


def seeds(share: int = 1) -> list[range]:
    last = FIRST_SEED + max(WORLDS // share, 1)
    return [range(start, min(start + PER_TEST, last)) for start in range(FIRST_SEED, last, PER_TEST)]


@pytest.mark.parametrize("batch", seeds(), ids=lambda batch: f"seeds-{batch.start}")
def test_worlds_converge(batch):
    for seed in batch:
        world = make_world(seed)
        try:
            reconcile(world)
            check_converged(world)
        except AssertionError as error:
            raise AssertionError(f"world {seed}: {error}") from error


@pytest.mark.parametrize("batch", seeds(share=4), ids=lambda batch: f"seeds-{batch.start}")
def test_planning_the_projected_state_again_changes_nothing(batch):
    for seed in batch:

        def look(snapshot: Document, plan: Document, seed: int = seed) -> None:
            again = plan_of(projected(snapshot, plan))
            assert again["corrections"] == [], f"world {seed}"

        reconcile(make_world(seed), look)


def projected(snapshot: Document, plan: Document) -> Document:
    """The same reads, answers and time over the projected books, without the findings that the plan dropped."""
    local = snapshot["local"]
    books = substitute(Books(local["orders"], local["fills"], local["trades"]), plan)
    kept = {finding["break_id"] for finding in plan["findings"]}
    answers = [one for one in local["answers"] if not is_projected(one.get("order"), plan)]
    return snapshot | {
        "local": local
        | {"orders": books.orders, "fills": books.fills, "trades": books.trades, "answers": answers},
        "prior": [finding for finding in snapshot["prior"] if finding["break_id"] in kept],
    }


def is_projected(row: Document | None, plan: Document) -> bool:
    """Whether the ledger's answer holds a row that stands among the projected ones now."""
    return row is not None and any(place_of([row], one, plan) is not None for one in plan["projected_orders"])


@pytest.mark.parametrize("batch", seeds(share=4), ids=lambda batch: f"seeds-{batch.start}")
def test_the_order_of_rows_and_duplicates_do_not_matter(batch):
    for seed in batch:
        rng = random.Random(f"shuffle {seed}")

        def look(snapshot: Document, plan: Document, seed: int = seed, rng: random.Random = rng) -> None:
            assert plan_bytes(shuffled(snapshot, rng)) == msgspec.json.encode(plan), f"world {seed}"

        reconcile(make_world(seed), look)


def is_named(row: Document) -> bool:
    """Whether a second such row can be known to be the same: orders and fills have ids, answers are equal."""
    return "fill_id" in row or "outcome" in row or row.get("venue_order_id") is not None


def shuffled(snapshot: Document, rng: random.Random) -> Document:
    """Every list of rows in another order; some of the venue's rows twice."""

    def mixed(rows: list, *, twice: bool) -> list:
        again = [row for row in rows if twice and is_named(row) and rng.random() < 0.3]
        return rng.sample(rows + again, len(rows + again))

    def side(part: Document, *, twice: bool) -> Document:
        return {
            key: mixed(value, twice=twice)
            if isinstance(value, list)
            else side(value, twice=twice)
            if isinstance(value, dict)
            else value
            for key, value in part.items()
        }

    return snapshot | {
        "instruments": mixed(snapshot["instruments"], twice=False),
        "local": side(snapshot["local"], twice=False),
        "venue": side(snapshot["venue"], twice=True),
        "prior": mixed(snapshot["prior"], twice=False),
    }
