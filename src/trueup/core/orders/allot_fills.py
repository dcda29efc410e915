"""Which of an order's new real fills are booked, and how much is inferred: by how they compare with its record.

The quantities are those of `fold_fills`: B booked, R Σ of all real fills, C the venue's, U booked without a record.
Knows no prices.
"""

from collections.abc import Sequence
from decimal import Decimal

from msgspec import Struct, structs

from trueup.core.orders.booked_side import BookedSide
from trueup.model.money import ZERO, amount, text
from trueup.model.snapshot import Fill


class Allotment(Struct):
    """Which real fills are booked (and whether in the place of unrecorded quantity), and what is inferred."""

    lays: list[tuple[Fill, bool]]
    growth_qty: Decimal
    inferred_qty: Decimal = ZERO
    record_behind: bool = False


def allot_newest_first(side: BookedSide, new: Sequence[Fill], cumulative_qty: Decimal) -> Allotment:
    """All fit into a record: the newest that fit into its growth are that, the others take the place of U."""
    growth_qty = room = max(cumulative_qty - side.booked_qty, ZERO)
    if not new:
        return Allotment([], growth_qty, inferred_qty=room)
    growing: list[Fill] = []
    for fill in reversed(new):
        if amount(fill.qty) <= room:
            growing.append(fill)
            room -= amount(fill.qty)
    growing_ids = {id(fill) for fill in growing}
    lays = [(fill, id(fill) not in growing_ids) for fill in new]
    others_qty = sum((amount(fill.qty) for fill, may_supersede in lays if may_supersede), ZERO)
    return Allotment(lays, growth_qty, inferred_qty=room - max(others_qty - side.unrecorded_qty, ZERO))


def without_noise(plan: Allotment, noise: Decimal) -> Allotment:
    """Less than `noise` is not inferred: the newest fill has it, the one that grows the order where one does."""
    if not plan.lays or not ZERO < plan.inferred_qty < noise:
        return plan
    growing = [place for place, (_, may_supersede) in enumerate(plan.lays) if not may_supersede]
    place = growing[-1] if growing else len(plan.lays) - 1
    fill, may_supersede = plan.lays[place]
    whole = structs.replace(fill, qty=text(amount(fill.qty) + plan.inferred_qty))
    lays = [*plan.lays[:place], (whole, may_supersede), *plan.lays[place + 1 :]]
    return Allotment(lays, plan.growth_qty, record_behind=plan.record_behind)


def allot_rounded(side: BookedSide, new: Sequence[Fill], cumulative_qty: Decimal) -> Allotment:
    """Fills that were rounded up: those that still fit, oldest first; the rest of the record is inferred."""
    total, lays = side.real_qty, list[tuple[Fill, bool]]()
    for fill in new:
        if total + amount(fill.qty) <= cumulative_qty:
            total += amount(fill.qty)
            lays.append((fill, True))
    growth_qty = max(cumulative_qty - side.booked_qty, ZERO)
    laid_growth = max(total - side.real_qty - side.unrecorded_qty, ZERO)
    return Allotment(lays, growth_qty, inferred_qty=growth_qty - laid_growth)


def allot_oldest_first(
    side: BookedSide, new: Sequence[Fill], limit: Decimal | None, *, record_behind: bool = False
) -> Allotment:
    """Without a record that covers all fills: what stays within `limit` (Σ real fills), oldest first, none inferred."""
    total = side.real_qty
    lays: list[tuple[Fill, bool]] = []
    for fill in new:
        if limit is not None and total + amount(fill.qty) > limit:
            break
        total += amount(fill.qty)
        lays.append((fill, True))
    growth = max(total - side.real_qty - side.unrecorded_qty, ZERO)
    return Allotment(lays, growth, record_behind=record_behind)
