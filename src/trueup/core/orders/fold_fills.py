"""The fold of fills: how what the venue says of one order's fills becomes what is booked.

One function, for the core and `Recorder`.

The quantities, per order:

    B  booked: the order's `filled_qty`            R  Σ of all real fills known, local and the venue's
    C  the venue's cumulative quantity             U  B − Σ booked real fills: inferred, legacy

First is told apart which of the venue's fills are new: one execution under two ids is booked once (`tell_apart`). Of
the real fills not yet booked, the newest that fit into C − B are growth; the others take the place of U, oldest first;
what no real fill covers up to C becomes one inferred fill. A fill is booked whole or not at all; one that straddles is
growth by what it has beyond the quantity it takes the place of.

No correction moves the order's average away from the venue's: what no venue priced takes the residue, and where even
that would, fills that only take the place of others stay unbooked.

Knows nothing of statuses, breaks, trades or queries.
"""

from collections.abc import Sequence
from decimal import Decimal, localcontext

from msgspec import Struct
from msgspec.structs import replace

from trueup.core.orders.allot_fills import (
    Allotment,
    allot_newest_first,
    allot_oldest_first,
    allot_rounded,
    without_noise,
)
from trueup.core.orders.booked_side import Amendment, BookedSide, Booking, sum_of
from trueup.core.orders.compare_fills import Pair, compare_reports, gives_price, price_of
from trueup.core.orders.infer_fill import inferred_fill, inferred_price
from trueup.core.orders.tell_apart import Known, Told, tell_apart
from trueup.model.ids import known_id
from trueup.model.money import CONTEXT, NOISE, ZERO, amount, average_tolerance, exceeds, is_same
from trueup.model.reasons import Reason
from trueup.model.snapshot import Fill, LocalOrder


class Evidence(Struct, frozen=True, kw_only=True):
    """What the venue says of one order. `fills`: real ones, booked or not, in any order.

    `cumulative_qty` C: null where no record of the order was read; then the fills are booked as they are and nothing
    is inferred.
    `lists_all`: the fills are all since the order's submission. `is_fresh`: the record was read after them.
    """

    fills: Sequence[Fill] = ()
    cumulative_qty: Decimal | None = None
    average_price: Decimal | None = None
    lists_all: bool = False
    is_fresh: bool = False


class Rules(Struct, frozen=True, kw_only=True):
    """What else decides. `order_qty`: null for orders by notional. `inferred_at`: the time of an inferred fill."""

    account_id: str | None
    order_qty: Decimal | None
    qty_step: Decimal = ZERO  # 0: not known
    price_tick: Decimal = ZERO
    overfill_tolerance: Decimal = ZERO
    allow_overfill: bool = False
    estimate_price_from_limit: bool = False
    inferred_at: str


class Fold(Struct, frozen=True, kw_only=True):
    """What to book of one order, and how it stands after that. Quantities in units, costs in the quote currency."""

    bookings: list[Booking] = []
    shrunk: list[Fill] = []  # booked fills with what is left of their quantity
    amendments: list[Amendment] = []
    filled_qty: Decimal
    filled_avg_price: Decimal | None
    growth_qty: Decimal = ZERO
    growth_cost: Decimal = ZERO
    recost: Decimal = ZERO  # change of the cost of what was booked before
    fee_fills: list[Fill] = []  # real ones whose fees the trade takes; negative where it gives one back
    differing: list[Pair] = []  # same identity, other figures
    fees_differing: list[Pair] = []
    off_average: Decimal | None = None  # the venue's average less the booked one, where nothing mends it
    record_behind: bool = False  # a record with C ≥ R has to be read
    looks_booked: bool = False  # without a record: a fill may be booked under another id
    contradiction: Reason | None = None  # the fills come to more than a fresh record: nothing was booked
    rows_exceed_booked: bool = False  # the local fills add up to more than the order's filled quantity
    overfill_to: Decimal | None = None  # would exceed the order's quantity: nothing was booked
    price_missing: bool = False  # something could not be booked for want of any price

    @property
    def changes_books(self) -> bool:
        return bool(self.bookings or self.amendments or self.recost)

    @property
    def is_refused(self) -> bool:
        """Whether nothing may follow from the record, since its fills do not fit."""
        return (
            self.overfill_to is not None
            or self.rows_exceed_booked
            or self.price_missing
            or self.looks_booked
            or self.contradiction is not None
        )


# Whether fills take the place of others, and whether what grew is booked by them: it did grow, maybe not by these.
_ATTEMPTS = ((True, True), (False, True), (False, False))


def fold_fills(order: LocalOrder, booked: Sequence[Fill], evidence: Evidence, rules: Rules) -> Fold:
    """Fold the venue's figures of one order into what is booked of it.

    `booked`: the local fills known to be in the order's `filled_qty` (may be incomplete).
    """
    with localcontext(CONTEXT):
        folding = _Folding(order, booked, evidence, rules)
        for supersedes, lays_new in _ATTEMPTS:
            fold = folding.fold(supersedes=supersedes, lays_new=lays_new)
            if not folding.moves_away(fold):
                return fold
        return folding.stand()


class _Folding:
    """One order's fold: the facts it is made from, then one attempt or several."""

    def __init__(self, order: LocalOrder, booked: Sequence[Fill], evidence: Evidence, rules: Rules) -> None:
        self._order, self._booked, self._rules = order, booked, rules
        own_id = known_id(order.venue_order_id)
        real = [fill for fill in booked if not fill.inferred]
        self._reports = compare_reports(real, evidence.fills, own_id)
        self._rounding = rules.qty_step / 2 * (len(real) + len(self._reports.new))
        self._average = evidence.average_price
        self._tolerance = average_tolerance(evidence.average_price or ZERO, rules.price_tick)
        new_qty = sum_of(self._reports.new)
        sums = (amount(order.filled_qty) + new_qty, sum_of(real) + new_qty)
        self._cumulative_qty = self._without_noise(evidence.cumulative_qty, sums)
        self._evidence = evidence

    def _without_noise(self, cumulative_qty: Decimal | None, sums: Sequence[Decimal]) -> Decimal | None:
        """C; what is booked already, the order's quantity, or what fills come to, where it is that but for noise."""
        if cumulative_qty is None:
            return None
        for known in (amount(self._order.filled_qty), self._rules.order_qty, *sums):
            if known is not None and is_same(known, cumulative_qty):
                return known
        return cumulative_qty

    def fold(self, *, supersedes: bool, lays_new: bool) -> Fold:
        """`supersedes`: whether fills may take the place of what is booked without a record; `lays_new`: whether what
        grew is booked by fills, as far as they go: else it is inferred, at the price that the venue's average leaves.
        """
        side = BookedSide(self._order, self._booked, self._rounding)
        if side.rows_exceed_booked:
            return self.stand(rows_exceed_booked=True)
        told = self._tell_apart(side)
        if told.looks_booked or told.contradiction is not None:
            return self.stand(looks_booked=told.looks_booked, contradiction=told.contradiction)
        side.demote(told.strays)
        plan = without_noise(self._allot(side, told), NOISE * (self._cumulative_qty or ZERO))
        if not supersedes:
            lays = [(fill, False) for fill, may_supersede in plan.lays if lays_new and not may_supersede]
            covered = sum_of([fill for fill, _ in lays])
            plan = replace(plan, lays=lays, inferred_qty=max(plan.growth_qty - covered, ZERO))
        after_qty = side.booked_qty + plan.growth_qty
        if plan.growth_qty > 0 and self._is_overfill(after_qty):
            return self.stand(overfill_to=after_qty)
        fallback = self._fallback_price()
        needs_price = plan.inferred_qty > 0 or any(price_of(fill) is None for fill, _ in plan.lays)
        if needs_price and fallback is None:
            return self.stand(price_missing=True)
        for alike in told.alikes:
            side.take_place(alike)
        for known, reported in self._reports.amending:
            if supersedes or not gives_price(known, reported):
                side.amend(known, reported)
        self._lay(side, plan, fallback)
        return self._result(side, record_behind=plan.record_behind)

    # -- which fills --------------------------------------------------------------------------------------------------

    def _tell_apart(self, side: BookedSide) -> Told:
        known = Known(
            booked_qty=side.booked_qty,
            unrecorded_qty=side.unrecorded_qty,
            real_qty=side.real_qty,
            cumulative_qty=self._cumulative_qty,
            order_qty=self._rules.order_qty,
            rounding=self._rounding,
            half_tick=self._rules.price_tick / 2,
            lists_all=self._evidence.lists_all,
            is_fresh=self._evidence.is_fresh,
        )
        return tell_apart(self._reports, known)

    def _is_over(self, real_qty: Decimal, cumulative_qty: Decimal) -> bool:
        return exceeds(real_qty, cumulative_qty + self._rounding)

    def _is_overfill(self, after_qty: Decimal) -> bool:
        order_qty = self._rules.order_qty
        if order_qty is None or self._rules.allow_overfill:
            return False
        return exceeds(after_qty, order_qty + self._rules.overfill_tolerance)

    def _allot(self, side: BookedSide, told: Told) -> Allotment:
        new, limit, real_qty = told.new, self._cumulative_qty, side.real_qty + sum_of(told.new)
        if limit is None:  # the larger of B and R can only be less than the truth, never more
            order_qty = self._rules.order_qty
            is_rounded = order_qty is not None and not self._is_over(real_qty, order_qty)
            return allot_oldest_first(side, new, order_qty if is_rounded else None)
        if told.is_ahead:
            return allot_oldest_first(side, new, limit, record_behind=True)
        if real_qty <= limit:
            return allot_newest_first(side, new, limit)
        return allot_rounded(side, new, limit)

    # -- at which prices ----------------------------------------------------------------------------------------------

    def _fallback_price(self) -> Decimal | None:
        """For a fill that has no price of its own: the average, else (if the policy allows) the limit price."""
        if self._average is not None:
            return self._average
        limit = amount(self._order.limit_price)
        return limit if self._rules.estimate_price_from_limit and limit > 0 else None

    def _lay(self, side: BookedSide, plan: Allotment, fallback: Decimal | None) -> None:
        """Book the allotted fills, oldest first, then what is inferred; then the average is judged."""
        for fill, may_supersede in plan.lays:
            own = price_of(fill)
            price = fallback if own is None else own
            if price is not None:
                side.lay(fill, price, estimated=own is None, may_supersede=may_supersede)
        if plan.inferred_qty > 0 and fallback is not None:
            self._infer(side, plan.inferred_qty, fallback)
        if self._average is not None and self._is_complete(side):
            side.settle_average(self._average, self._tolerance)

    def _infer(self, side: BookedSide, qty: Decimal, fallback: Decimal) -> None:
        price, estimated = fallback, self._average is None
        if self._average is not None:
            price, estimated = inferred_price(
                qty=qty,
                cumulative_qty=side.qty + qty,
                average_price=self._average,
                cost=side.cost,
                soft_price=side.residue_price(self._average, qty),
                tolerance=self._tolerance,
            )
        row = inferred_fill(
            self._order,
            before_qty=side.qty,
            qty=qty,
            price=price,
            is_estimated=estimated,
            account_id=self._rules.account_id,
            inferred_at=self._rules.inferred_at,
        )
        side.infer(row)

    def _is_complete(self, side: BookedSide) -> bool:
        """Whether all is booked that the venue's average is of."""
        return self._cumulative_qty is not None and is_same(side.qty, self._cumulative_qty)

    def moves_away(self, fold: Fold) -> bool:
        """Whether the order's average would be further from the venue's than it is."""
        before, after = self._order.filled_avg_price, fold.filled_avg_price
        if self._average is None or before is None or after is None or amount(self._order.filled_qty) == 0:
            return False
        off_before, off_after = abs(amount(before) - self._average), abs(after - self._average)
        complete = self._cumulative_qty is not None and is_same(fold.filled_qty, self._cumulative_qty)
        return complete and fold.changes_books and off_after > off_before + self._tolerance

    # -- results ------------------------------------------------------------------------------------------------------

    def _result(self, side: BookedSide, *, record_behind: bool) -> Fold:
        average = side.average
        if average is None and side.bookings:
            average = self._average
        return Fold(
            bookings=side.bookings,
            shrunk=list(side.shrunk.values()),
            amendments=list(side.amendments.values()),
            filled_qty=side.qty,
            filled_avg_price=average,
            growth_qty=side.growth_qty,
            growth_cost=side.growth_cost,
            recost=side.recost,
            fee_fills=[fill for fill in side.fee_fills if fill.fee is not None],
            differing=self._reports.differing,
            fees_differing=self._reports.fees_differing,
            off_average=self._off_average(average, side.qty),
            record_behind=record_behind,
        )

    def _off_average(self, average: Decimal | None, qty: Decimal) -> Decimal | None:
        if self._average is None or average is None or not qty or self._cumulative_qty is None:
            return None
        off = self._average - average
        return off if is_same(qty, self._cumulative_qty) and abs(off) > self._tolerance else None

    def stand(
        self,
        *,
        rows_exceed_booked: bool = False,
        overfill_to: Decimal | None = None,
        price_missing: bool = False,
        looks_booked: bool = False,
        contradiction: Reason | None = None,
    ) -> Fold:
        """Nothing is booked: the order stands as it is."""
        order = self._order
        average = None if order.filled_avg_price is None else amount(order.filled_avg_price)
        return Fold(
            filled_qty=amount(order.filled_qty),
            filled_avg_price=average,
            differing=self._reports.differing,
            fees_differing=self._reports.fees_differing,
            off_average=None if contradiction else self._off_average(average, amount(order.filled_qty)),
            rows_exceed_booked=rows_exceed_booked,
            overfill_to=overfill_to,
            price_missing=price_missing,
            looks_booked=looks_booked,
            contradiction=contradiction,
        )
