"""Which of the venue's fills are new, where one execution may stand in the books under another id.

R is the sum of all real fills known, C the venue's cumulative quantity. A booked real fill that the venue does not
list, and fills of the venue's that are not booked, of equal quantity and price (`find_look_alikes`), are

    the record            the listing is whole          the listing is not whole
    none                  asked about                   asked about: nothing is booked
    R ≤ C                 one execution                 two executions: round lots repeat, all fit
    R > C, not fresh      one execution, if that is all not told yet: the record is asked for, nothing is booked
    R > C, fresh          one execution                 one execution

(Whole: since the order's submission. Fresh: the record was read after the fills.) What is still more than the record,
beyond what rounding excuses, is told as a contradiction where the record is fresh, and waits for a record where not.
But where the listing is whole and comes to the record, no other execution ever was: what is booked under other ids
(strays) counts as booked without a record, and the venue's fills take its place. Only a stray of which one of equal
quantity is listed at another price is an execution that was corrected: that is told, and left to a person; unless the
stray is the double of a fill that is booked under the venue's id, too.

Knows nothing of prices to book at, of growth, or of what the order's status is.
"""

from collections.abc import Sequence
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from trueup.core.orders.booked_side import sum_of
from trueup.core.orders.compare_fills import Reports
from trueup.core.orders.find_look_alikes import LookAlike, find_look_alikes, is_corrected
from trueup.model.money import NOISE, ZERO, amount, exceeds, is_same, text
from trueup.model.reasons import Reason
from trueup.model.snapshot import Fill


class Known(Struct, frozen=True, kw_only=True):
    """The quantities and the authority of what is known. `cumulative_qty` C: null where no record was read."""

    booked_qty: Decimal
    unrecorded_qty: Decimal  # of it: inferred, or without any fill
    real_qty: Decimal  # of what is booked, by fills with ids of the venue's or a stream's
    cumulative_qty: Decimal | None
    order_qty: Decimal | None
    rounding: Decimal  # by which R may exceed C: half a step for each fill
    half_tick: Decimal
    lists_all: bool
    is_fresh: bool


class Told(Struct, frozen=True, kw_only=True):
    """What was told apart. `new`: fills to book, oldest first; `strays`: booked ones that count as unrecorded."""

    alikes: Sequence[LookAlike] = ()
    new: Sequence[Fill] = ()
    strays: Sequence[Fill] = ()
    is_ahead: bool = False  # R > C, by a record that is no younger: a record that covers them has to be read
    looks_booked: bool = False  # without a record: nothing is booked
    contradiction: Reason | None = None  # by a fresh record: nothing is booked


def tell_apart(reports: Reports, known: Known) -> Told:
    """The look-alikes, the fills that are new, and what keeps them from being booked."""
    scale = max(known.cumulative_qty or ZERO, known.booked_qty)
    new = [fill for fill in reports.new if amount(fill.qty) >= NOISE * scale]
    limit = known.cumulative_qty
    alikes = (
        find_look_alikes(reports.unlisted, new, half_tick=known.half_tick, unpriced=limit is None)
        if new
        else []
    )
    if limit is None:
        return _without_record(known, new, alikes)
    is_beyond = exceeds(known.real_qty + sum_of(new), limit)
    if alikes and not known.lists_all:
        if not is_beyond:
            return _fitting(known, [], new, limit)
        if not known.is_fresh:
            return Told(is_ahead=True)
    explained = {id(fill) for alike in alikes for fill in alike.reported}
    return _held_against(reports, known, alikes, [fill for fill in new if id(fill) not in explained], limit)


def _without_record(known: Known, new: Sequence[Fill], alikes: Sequence[LookAlike]) -> Told:
    """Where a fill straddles what is unrecorded, no record says which part of it is booked already."""
    straddles = ZERO < known.unrecorded_qty < sum_of(new)
    if alikes or straddles:
        return Told(looks_booked=True)
    return Told(new=without_excess(new, known.real_qty, known.order_qty))


def _held_against(
    reports: Reports, known: Known, alikes: Sequence[LookAlike], new: Sequence[Fill], limit: Decimal
) -> Told:
    """What no look-alike explains, against the record."""
    total = known.real_qty + sum_of(new)
    explained = {id(fill) for alike in alikes for fill in alike.booked}
    strays = [fill for fill in reports.unlisted if id(fill) not in explained]
    is_whole = known.lists_all and _comes_to(reports, known.real_qty, limit)
    if not exceeds(total, limit if is_whole else limit + known.rounding):
        return _fitting(known, alikes, new, limit)
    if not known.is_fresh:
        return Told(is_ahead=True) if strays else Told(alikes=alikes, new=new, is_ahead=True)
    doubles = {id(fill) for alike in find_look_alikes(strays, reports.listed) for fill in alike.booked}
    if is_whole and not is_corrected([fill for fill in strays if id(fill) not in doubles], new):
        return Told(
            alikes=alikes, new=without_excess(new, known.real_qty - sum_of(strays), limit), strays=strays
        )
    corrected = is_corrected(reports.unlisted, new)
    return Told(contradiction=Reason.EXECUTION_CORRECTED if corrected else Reason.MORE_THAN_RECORD)


def _fitting(known: Known, alikes: Sequence[LookAlike], new: Sequence[Fill], limit: Decimal) -> Told:
    return Told(alikes=alikes, new=without_excess(new, known.real_qty, limit))


def _comes_to(reports: Reports, real_qty: Decimal, cumulative_qty: Decimal) -> bool:
    """Whether the venue's own fills come to its record: no other fill ever was."""
    listed = real_qty - sum_of(reports.unlisted) + sum_of(reports.new)
    return not reports.differing and is_same(listed, cumulative_qty)


def without_excess(new: Sequence[Fill], real_qty: Decimal, limit: Decimal | None) -> Sequence[Fill]:
    """The new fills less the noise by which all together exceed `limit`, newest first."""
    excess = ZERO if limit is None else real_qty + sum_of(new) - limit
    if limit is None or excess <= 0 or not is_same(limit + excess, limit):
        return new
    cut: list[Fill] = []
    for fill in reversed(new):
        part = min(excess, amount(fill.qty))
        excess -= part
        cut.append(replace(fill, qty=text(amount(fill.qty) - part)) if part else fill)
    return [fill for fill in reversed(cut) if amount(fill.qty) > 0]
