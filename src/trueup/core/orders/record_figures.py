"""What a record says was filled, and whether anything was."""

from decimal import Decimal

from trueup.model.money import amount, amount_or_none
from trueup.model.notional import ordered_qty
from trueup.model.snapshot import VenueOrder
from trueup.model.vocabulary import TERMINAL, Status

_FILLED_LIKE = frozenset({Status.FILLED, Status.PARTIALLY_FILLED})


def filled_qty(record: VenueOrder) -> Decimal | None:
    """What was filled of it: `filled` without a quantity means the whole order; otherwise null is not known."""
    if record.filled_qty is not None:
        return amount_or_none(record.filled_qty)
    is_whole = record.status is Status.FILLED and not record.by_notional
    return amount_or_none(ordered_qty(record)) if is_whole else None


def leaving_qty(record: VenueOrder) -> Decimal | None:
    """What an exit takes at most: what it filled, where it has ended; else all that it may still fill."""
    filled = filled_qty(record)
    if record.status in TERMINAL and filled is not None:
        return filled
    ordered = None if record.by_notional else amount_or_none(ordered_qty(record))
    return ordered if ordered is not None else filled


def is_filled_like(record: VenueOrder) -> bool:
    """Whether something of it was filled, by its quantity or its status."""
    if record.status in _FILLED_LIKE:
        return True
    return record.filled_qty is not None and record.filled_qty != "0" and amount(record.filled_qty) > 0
