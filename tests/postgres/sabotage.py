"""What holds exactly-once up, taken away: a harness that does not fail then would prove nothing.

Runs as a nursery of `trueup run` processes: python -m tests.postgres.sabotage LOG fence|key
"""

import sys
from collections.abc import Callable, Mapping

from tests.acceptance.nursery import serve
from tests.sim.mutations.books import no_fence
from trueup.core.orders import compare_fills
from trueup.ledgers.sql import apply_plan


def without_fence() -> None:
    """Whoever once had the lease writes."""
    no_fence().__enter__()


def without_key() -> None:
    """A fill is not known again: not by the fold, nor when it is written. The table's key is the harness's to drop."""
    apply_plan._FillFinder.find = lambda self, identity, order: None  # type: ignore[method-assign]
    compare_fills.fill_key = lambda fill, order_id: (object(), None)  # type: ignore[assignment,return-value]


WITHOUT: Mapping[str, Callable[[], None]] = {"fence": without_fence, "key": without_key}


if __name__ == "__main__":
    WITHOUT[sys.argv[2]]()
    serve(sys.argv[1])
