"""One doubt about a mapping: which rows show it, and how many must, so that it is not drift.

A wrong mapping is wrong in every row, a drift only in some: so each kind of doubt has a least number of rows, and a
least share of those that could show it.
"""

from collections.abc import Sequence
from decimal import Decimal

from msgspec import Struct

from trueup.model.reasons import Reason
from trueup.model.snapshot import LocalOrder, VenueOrder

# Of the orders that could show another unit: fewer are drift, which is what a plan is for.
SHARE_MIN = Decimal("0.2")
# Of the orders with one status, or times: a word or a zone is right in some rows only.
SHARE_OF_WORD = Decimal("0.8")
ROWS_MIN = 2  # for what one order may be by accident
ROWS_OF_WORD_MIN = 3  # for what two lost cancels look like
ZONE_NEAR_S = 60  # what is sent within that of a time was sent then
Pair = tuple[LocalOrder, VenueOrder]


class Doubt(Struct, frozen=True):
    """Why the rows cannot be what the mapping says, and the orders that show it (at most a few)."""

    reason: Reason
    message: str


def doubt_of(reason: Reason, wrong: Sequence[LocalOrder], asked: Sequence[object], what: str) -> Doubt:
    """`wrong`: those of the orders `asked` that show it."""
    names = sorted(str(one.venue_order_id or one.client_order_id) for one in wrong)
    shown = ", ".join(names[:3]) + (" …" if len(names) > 3 else "")
    return Doubt(reason, f"{len(wrong)} of {len(asked)} orders: {what} ({shown})")
