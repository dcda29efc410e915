"""The fold of fills: how what the venue says of one order's fills becomes what is booked.

One function, for the core and `Recorder`.

The quantities, per order:

    B  booked: the order's `filled_qty`            R  Σ of all real fills known, local and the venue's
    C  the venue's cumulative quantity             U  B − Σ booked real fills: inferred, legacy

Of the real fills not yet booked, the newest that fit into C − B are growth; the others take the place of U, oldest
first; what no real fill covers up to C becomes one inferred fill. Where R > C the record is behind its fills: nothing
beyond C is booked, and nothing is inferred. A fill is booked whole or not at all; one that straddles is growth by what
it has beyond the quantity it takes the place of.

Knows nothing of statuses, breaks, trades or queries.
"""

from collections.abc import Sequence
from decimal import Decimal, localcontext

from msgspec import Struct
from msgspec.structs import replace

from trueup.core.orders.infer_fill import inferred_change, inferred_fill, inferred_price
from trueup.model.ids import known_id
from trueup.model.money import CONTEXT, ZERO, amount, canonical, same, text
from trueup.model.plan import FillChange
from trueup.model.snapshot import Fill, LocalOrder
from trueup.model.times import to_ns
from trueup.model.vocabulary import CorrectionKind


class Booking(Struct, frozen=True):
    """One fill to book: the correction's kind and figures, and the ledger's row."""

    kind: CorrectionKind
    change: FillChange
    row: Fill


class Fold(Struct, frozen=True, kw_only=True):
    """What to book of one order, and how it stands after that. Quantities in units, costs in the quote currency."""

    bookings: list[Booking] = []
    shrunk: list[Fill] = []  # inferred fills with what is left of their quantity
    filled_qty: Decimal
    filled_avg_price: Decimal | None
    growth_qty: Decimal = ZERO
    growth_cost: Decimal = ZERO
    recost: Decimal = ZERO  # change of the cost of what was booked before
    real_fills: list[Fill] = []  # newly booked real ones, for their fees
    differing: list[tuple[Fill, Fill]] = []  # same identity, other figures: booked and the venue's
    record_behind: bool = False  # a record with C ≥ R has to be read
    rows_exceed_booked: bool = False  # the local fills add up to more than the order's filled quantity
    overfill_to: Decimal | None = None  # would exceed the order's quantity: nothing was booked
    price_missing: bool = False  # something could not be booked for want of any price


class _Work:
    """The booked side while fills are laid onto it."""

    def __init__(self, order: LocalOrder, booked: Sequence[Fill]) -> None:
        self.real: list[Fill] = []
        self.inferred: list[Fill] = []
        if booked:
            self.real = sorted([fill for fill in booked if not fill.inferred], key=_canonical_fill)
            self.inferred = sorted([f for f in booked if f.inferred and amount(f.qty) > 0], key=_age)
        self.booked_qty = amount(order.filled_qty)
        self.real_qty, inferred_qty = _sum_of(self.real), _sum_of(self.inferred)
        self.legacy_qty = self.booked_qty - self.real_qty - inferred_qty
        self.rows_exceed_booked = self.legacy_qty < 0
        self.cost = _booked_cost(order, booked, self.booked_qty, self.legacy_qty)
        self.legacy_price = self._legacy_price(booked)
        self.bookings: list[Booking] = []
        self.shrunk: dict[str, Fill] = {}
        self.growth_qty = self.growth_cost = self.recost = ZERO

    def _legacy_price(self, booked: Sequence[Fill]) -> Decimal | None:
        if self.cost is None or self.legacy_qty <= 0:
            return None
        return (self.cost - _cost_of(booked)) / self.legacy_qty

    @property
    def unrecorded_qty(self) -> Decimal:
        return self.legacy_qty + _sum_of(self.inferred)

    def lay(self, fill: Fill, price: Decimal, *, estimated: bool, may_supersede: bool) -> None:
        """Book one real fill whole: first in the place of unrecorded quantity, the rest as growth."""
        qty = amount(fill.qty)
        superseded, named, cost_before = self._supersede(qty) if may_supersede else (ZERO, None, ZERO)
        growth = qty - superseded
        self._count(growth, price, superseded * price - cost_before if cost_before is not None else None)
        change = FillChange(
            fill_id=fill.fill_id,
            qty=canonical(fill.qty),
            price=text(price),
            price_estimated=estimated,
            supersedes=named,
            superseded_qty=text(superseded) if superseded else None,
        )
        kind = CorrectionKind.BOOK_FILL if growth else CorrectionKind.SUPERSEDE_FILL
        row = replace(fill, qty=canonical(fill.qty), price=text(price), inferred=False)
        self.bookings.append(Booking(kind, change, row))

    def infer(self, row: Fill, price: Decimal, *, estimated: bool) -> None:
        self._count(amount(row.qty), price, ZERO)
        change = inferred_change(row, is_estimated=estimated)
        self.bookings.append(Booking(CorrectionKind.BOOK_FILL, change, row))

    def _count(self, growth: Decimal, price: Decimal, recost: Decimal | None) -> None:
        self.growth_qty += growth
        self.growth_cost += growth * price
        if self.cost is None or recost is None:
            self.cost = None
            return
        self.recost += recost
        self.cost += growth * price + recost

    def _supersede(self, qty: Decimal) -> tuple[Decimal, str | None, Decimal | None]:
        """Take up to `qty` out of what is booked without a record, oldest first: legacy, then inferred fills."""
        taken = min(qty, self.legacy_qty)
        self.legacy_qty -= taken
        cost = ZERO if not taken else None if self.legacy_price is None else taken * self.legacy_price
        named: str | None = None
        while taken < qty and self.inferred:
            oldest = self.inferred[0]
            part = min(qty - taken, amount(oldest.qty))
            left = replace(oldest, qty=text(amount(oldest.qty) - part))
            self.shrunk[oldest.fill_id] = left
            self.inferred[:1] = [left] if amount(left.qty) else []
            cost = None if cost is None or oldest.price is None else cost + part * amount(oldest.price)
            named = named or oldest.fill_id
            taken += part
        return taken, named, cost


def fold_fills(
    order: LocalOrder,
    booked: Sequence[Fill],
    venue_fills: Sequence[Fill],
    *,
    account_id: str | None,
    cumulative_qty: Decimal | None,
    average_price: Decimal | None,
    order_qty: Decimal | None,
    allow_overfill: bool,
    estimate_price_from_limit: bool,
    inferred_at: str,
) -> Fold:
    """Fold the venue's figures of one order into what is booked of it.

    `booked`: the local fills known to be in the order's `filled_qty` (may be incomplete). `venue_fills`: real fills of
    this order, booked or not, in any order. `cumulative_qty` C: null where no record of the order was read; then
    the fills are booked as they are and nothing is inferred. `order_qty`: null for orders by notional.
    `inferred_at`: the time an inferred fill is given (RFC 3339).
    """
    with localcontext(CONTEXT):
        work = _Work(order, booked)
        new, differing = _unbooked(work.real, venue_fills, known_id(order.venue_order_id))
        if work.rows_exceed_booked:
            return _standing(order, work, differing=differing, rows_exceed_booked=True)
        plan = _allot(work, new, cumulative_qty)
        after_qty = work.booked_qty + plan.growth_qty
        if order_qty is not None and after_qty > order_qty and plan.growth_qty > 0 and not allow_overfill:
            return _standing(order, work, differing=differing, overfill_to=after_qty)
        fallback = _fallback_price(order, average_price, estimate_price_from_limit)
        needs_price = plan.inferred_qty > 0 or any(price_of(fill) is None for fill, _ in plan.lays)
        if needs_price and fallback is None:
            return _standing(order, work, differing=differing, price_missing=True)
        _lay_real(work, plan, fallback)
        if plan.inferred_qty > 0 and fallback is not None and cumulative_qty is not None:
            _lay_inferred(
                order,
                work,
                plan.inferred_qty,
                cumulative_qty,
                average_price,
                fallback,
                account_id,
                inferred_at,
            )
        return _result(
            order,
            work,
            new,
            average_price,
            differing=differing,
            record_behind=plan.record_behind,
        )


class _Allotment(Struct):
    """Which real fills are booked (and whether in the place of unrecorded quantity), and what is inferred."""

    lays: list[tuple[Fill, bool]]
    growth_qty: Decimal
    inferred_qty: Decimal = ZERO
    record_behind: bool = False


def _allot(work: _Work, new: Sequence[Fill], cumulative_qty: Decimal | None) -> _Allotment:
    if cumulative_qty is None:  # the larger of B and R can only be less than the truth, never more
        return _allot_oldest_first(work, new, None)
    if work.real_qty + _sum_of(new) > cumulative_qty:
        return _allot_oldest_first(work, new, cumulative_qty, record_behind=True)
    growth_qty = room = max(cumulative_qty - work.booked_qty, ZERO)
    if not new:
        return _Allotment([], growth_qty, inferred_qty=room)
    growing: list[Fill] = []
    for fill in reversed(new):
        if amount(fill.qty) <= room:
            growing.append(fill)
            room -= amount(fill.qty)
    growing_ids = {id(fill) for fill in growing}
    lays = [(fill, id(fill) not in growing_ids) for fill in new]
    others_qty = sum((amount(fill.qty) for fill, may_supersede in lays if may_supersede), ZERO)
    return _Allotment(lays, growth_qty, inferred_qty=room - max(others_qty - work.unrecorded_qty, ZERO))


def _allot_oldest_first(
    work: _Work, new: Sequence[Fill], limit: Decimal | None, *, record_behind: bool = False
) -> _Allotment:
    """Without a record that covers all fills: what stays within `limit` (Σ real fills), oldest first, none inferred."""
    total = work.real_qty
    lays: list[tuple[Fill, bool]] = []
    for fill in new:
        if limit is not None and total + amount(fill.qty) > limit:
            record_behind = True
            break
        total += amount(fill.qty)
        lays.append((fill, True))
    growth = max(total - work.real_qty - work.unrecorded_qty, ZERO)
    return _Allotment(lays, growth, record_behind=record_behind)


def _lay_real(work: _Work, plan: _Allotment, fallback: Decimal | None) -> None:
    """Book the allotted real fills, oldest first."""
    for fill, may_supersede in plan.lays:
        own = price_of(fill)
        price = fallback if own is None else own
        if price is not None:
            work.lay(fill, price, estimated=own is None, may_supersede=may_supersede)


def _lay_inferred(
    order: LocalOrder,
    work: _Work,
    qty: Decimal,
    cumulative_qty: Decimal,
    average_price: Decimal | None,
    fallback: Decimal,
    account_id: str | None,
    inferred_at: str,
) -> None:
    price, estimated = fallback, average_price is None
    if average_price is not None:
        price, estimated = inferred_price(
            qty=qty, cumulative_qty=cumulative_qty, average_price=average_price, cost=work.cost
        )
    before_qty = work.booked_qty + work.growth_qty
    row = inferred_fill(
        order, before_qty=before_qty, qty=qty, price=price, account_id=account_id, inferred_at=inferred_at
    )
    work.infer(row, price, estimated=estimated)


def _fallback_price(order: LocalOrder, average: Decimal | None, from_limit: bool) -> Decimal | None:
    """A price for a fill that has none of its own: the average, else (if the policy allows) the limit price."""
    if average is not None and average > 0:
        return average
    limit = amount(order.limit_price)
    return limit if from_limit and limit > 0 else None


def _result(
    order: LocalOrder,
    work: _Work,
    new: Sequence[Fill],
    average_price: Decimal | None,
    *,
    differing: list[tuple[Fill, Fill]],
    record_behind: bool,
) -> Fold:
    booked_ids = {booking.change.fill_id for booking in work.bookings}
    return Fold(
        bookings=work.bookings,
        shrunk=list(work.shrunk.values()),
        filled_qty=work.booked_qty + work.growth_qty,
        filled_avg_price=_average_after(order, work, average_price),
        growth_qty=work.growth_qty,
        growth_cost=work.growth_cost,
        recost=work.recost,
        real_fills=[fill for fill in new if fill.fill_id in booked_ids],
        differing=differing,
        record_behind=record_behind,
    )


def _standing(
    order: LocalOrder,
    work: _Work,
    *,
    differing: list[tuple[Fill, Fill]],
    rows_exceed_booked: bool = False,
    overfill_to: Decimal | None = None,
    price_missing: bool = False,
) -> Fold:
    """Nothing is booked: the order stands as it is."""
    price = None if order.filled_avg_price is None else amount(order.filled_avg_price)
    return Fold(
        filled_qty=work.booked_qty,
        filled_avg_price=price,
        differing=differing,
        rows_exceed_booked=rows_exceed_booked,
        overfill_to=overfill_to,
        price_missing=price_missing,
    )


def _average_after(order: LocalOrder, work: _Work, average_price: Decimal | None) -> Decimal | None:
    qty = work.booked_qty + work.growth_qty
    unchanged = not work.growth_qty and not work.recost
    if unchanged or qty == 0:
        return None if order.filled_avg_price is None else amount(order.filled_avg_price)
    return average_price if work.cost is None else work.cost / qty


def _booked_cost(
    order: LocalOrder, booked: Sequence[Fill], booked_qty: Decimal, legacy_qty: Decimal
) -> Decimal | None:
    if booked_qty == 0:
        return ZERO
    if order.filled_avg_price is not None:
        return booked_qty * amount(order.filled_avg_price)
    if legacy_qty == 0 and all(fill.price is not None for fill in booked):
        return _cost_of(booked)
    return None


def _sum_of(fills: Sequence[Fill]) -> Decimal:
    return sum([amount(fill.qty) for fill in fills], ZERO) if fills else ZERO


def _cost_of(fills: Sequence[Fill]) -> Decimal:
    return sum((amount(fill.qty) * amount(fill.price) for fill in fills), ZERO)


def _age(fill: Fill) -> tuple[int, str]:
    return (0 if fill.filled_at is None else to_ns(fill.filled_at), fill.fill_id)


def fill_key(fill: Fill, venue_order_id: str | None) -> tuple[str | None, str | None]:
    """A real fill's identity within one account and instrument: (venue order id, fill id)."""
    return (known_id(fill.venue_order_id) or venue_order_id, known_id(fill.fill_id))


def figures_differ(left: Fill, right: Fill) -> bool:
    """Whether two records of one fill disagree in quantity or (where both have one) price."""
    prices = (price_of(left), price_of(right))
    return not same(left.qty, right.qty) or (None not in prices and prices[0] != prices[1])


def price_of(fill: Fill) -> Decimal | None:
    """The fill's own price; one that is not positive is none (nothing is ever booked at 0)."""
    price = amount(fill.price)
    return price if price > 0 else None


def _unbooked(
    real: Sequence[Fill], venue_fills: Sequence[Fill], venue_order_id: str | None
) -> tuple[list[Fill], list[tuple[Fill, Fill]]]:
    """The venue's fills that are not booked, oldest first, and those whose identity has other figures already."""
    if not venue_fills:
        return [], []
    booked = {fill_key(fill, venue_order_id): fill for fill in real}
    new: dict[tuple[str | None, str | None], Fill] = {}
    contradicting: set[tuple[str | None, str | None]] = set()
    differing: dict[tuple[str | None, str | None], tuple[Fill, Fill]] = {}
    for fill in sorted((one for one in venue_fills if amount(one.qty) > 0), key=_canonical_fill):
        key = fill_key(fill, venue_order_id)
        known = booked.get(key) or new.get(key)
        if known is None:
            new[key] = fill
        elif figures_differ(known, fill):
            differing.setdefault(key, (known, fill))
            contradicting.add(key)
    usable = [fill for key, fill in new.items() if key not in contradicting]
    return sorted(usable, key=_age), list(differing.values())


def _canonical_fill(fill: Fill) -> tuple[str, ...]:
    return (fill.fill_id, fill.qty, fill.price or "", fill.filled_at or "", fill.venue_order_id or "")
