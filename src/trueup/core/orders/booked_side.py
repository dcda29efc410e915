"""What is booked of one order, while the venue's fills are laid onto it: quantities, costs and the rows that change.

Quantity is *soft* where no venue told its price: legacy (booked without any fill), inferred fills, and real fills whose
price was estimated. `settle_average` prices what is soft by the residue, so that the order's average is the venue's.

Decides none of what is booked: that is `fold_fills`.
"""

from collections.abc import Sequence
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from trueup.core.orders.compare_fills import (
    age,
    canonical_turn,
    gives_fee,
    gives_price,
    told_price_of,
    with_fee_of,
)
from trueup.core.orders.find_look_alikes import LookAlike
from trueup.core.orders.infer_fill import inferred_change
from trueup.model.ids import known_id
from trueup.model.money import ROUNDED_AVERAGE, ZERO, amount, canonical, divide, is_same, text
from trueup.model.plan import FillChange
from trueup.model.reasons import Reason
from trueup.model.snapshot import Fill, LocalOrder
from trueup.model.vocabulary import CorrectionKind

Changes = dict[str, str | bool | None]


class Booking(Struct, frozen=True):
    """One fill to book: the correction's kind, reason and figures, and the ledger's row."""

    kind: CorrectionKind
    reason: Reason
    change: FillChange
    row: Fill


class Amendment(Struct, frozen=True):
    """A booked fill with what it lacked, or priced anew: `changes` are the correction's."""

    row: Fill
    reason: Reason
    changes: Changes


class BookedSide:
    """Quantities in units, costs in the quote currency; `cost` null: not known."""

    def __init__(self, order: LocalOrder, booked: Sequence[Fill], rounding: Decimal) -> None:
        """`rounding`: by how much the fills may exceed the booked quantity, since each is rounded."""
        self.real = sorted([fill for fill in booked if not fill.inferred], key=canonical_turn)
        self.inferred = sorted([f for f in booked if f.inferred and amount(f.qty) > 0], key=age)
        self.booked_qty = amount(order.filled_qty)
        self.real_qty = self._without_noise(sum_of(self.real))
        rows_qty = self.real_qty + sum_of(self.inferred)
        legacy = ZERO if is_same(self.booked_qty, rows_qty) else self.booked_qty - rows_qty
        self.rows_exceed_booked = -legacy > rounding
        self.legacy_qty = max(legacy, ZERO)
        self.booked_average = None if order.filled_avg_price is None else amount(order.filled_avg_price)
        self.cost = self._booked_cost(booked)
        self._legacy_price = self._price_of_legacy(booked)
        self.bookings: list[Booking] = []
        self.shrunk: dict[str, Fill] = {}
        self.amendments: dict[str, Amendment] = {}
        self.growth_qty = self.growth_cost = self.recost = ZERO
        self.fee_fills: list[Fill] = []
        self._settled: Decimal | None = None

    def _without_noise(self, real_qty: Decimal) -> Decimal:
        return self.booked_qty if is_same(real_qty, self.booked_qty) else real_qty

    def _booked_cost(self, booked: Sequence[Fill]) -> Decimal | None:
        if self.booked_qty == 0:
            return ZERO
        if self.booked_average is not None:
            return self.booked_qty * self.booked_average
        if self.legacy_qty == 0 and all(fill.price is not None for fill in booked):
            return _cost_of(booked)
        return None

    def _price_of_legacy(self, booked: Sequence[Fill]) -> Decimal | None:
        if self.cost is None or self.legacy_qty == 0:
            return None
        return divide(self.cost - _cost_of(booked), self.legacy_qty)

    @property
    def qty(self) -> Decimal:
        """What is booked with everything laid so far."""
        return self.booked_qty + self.growth_qty

    @property
    def unrecorded_qty(self) -> Decimal:
        return self.legacy_qty + sum_of(self.inferred)

    @property
    def average(self) -> Decimal | None:
        """Of the order with everything laid so far; null where its cost is not known."""
        if self._settled is not None:
            return self._settled
        if not self.growth_qty and not self.recost:
            return self.booked_average
        return None if self.cost is None or self.qty == 0 else divide(self.cost, self.qty)

    # -- laying -------------------------------------------------------------------------------------------------------

    def take_place(self, look_alike: LookAlike) -> None:
        """The venue's fills of one execution take the place of those it was booked as: nothing moves."""
        waiting = [(fill, amount(fill.qty)) for fill in look_alike.booked]
        unbooked_qty = sum_of(look_alike.booked)
        for fill in look_alike.reported:
            is_last = fill is look_alike.reported[-1]
            qty = unbooked_qty if is_last else min(amount(fill.qty), unbooked_qty)
            unbooked_qty -= qty
            self._stand_in(fill, qty, waiting)
        keeps_fees = not self._exchange_fees(look_alike)
        for fill in look_alike.booked:
            self.real.remove(fill)
            gone = replace(fill, qty="0")
            self.shrunk[fill.fill_id] = gone if keeps_fees else replace(gone, fee=None, fee_currency=None)

    def demote(self, strays: Sequence[Fill]) -> None:
        """Count these as booked without a record: the venue's own fills take their place, oldest first."""
        for fill in strays:
            self.real.remove(fill)
            if fill.fee is not None:
                self.fee_fills.append(replace(fill, fee=text(-amount(fill.fee))))
        plain = [replace(fill, fee=None, fee_currency=None) for fill in strays]
        self.inferred = sorted([*self.inferred, *plain], key=age)
        self.real_qty = self._without_noise(sum_of(self.real))

    def _stand_in(self, fill: Fill, qty: Decimal, waiting: list[tuple[Fill, Decimal]]) -> None:
        """One fill in the place of `qty` of what is booked; `waiting`: what still stands of that, oldest first."""
        first = waiting[0][0]
        told = told_price_of(fill)
        price = told if told is not None else None if first.price is None else amount(first.price)
        rest = qty
        while rest > 0 and waiting:
            booked, left = waiting[0]
            part = min(rest, left)
            if booked.price_estimated and price is not None:
                self._move_cost(part * (price - amount(booked.price)))
            waiting[:1] = [(booked, left - part)] if left > part else []
            rest -= part
        self._book(
            CorrectionKind.SUPERSEDE_FILL,
            Reason.SAME_EXECUTION,
            fill,
            qty,
            price,
            estimated=told is None and first.price_estimated,
            supersedes=first.fill_id,
            superseded_qty=qty,
        )

    def _exchange_fees(self, look_alike: LookAlike) -> bool:
        """The trade takes the fees as the venue names them now; where it names none, its fills take what is known.

        Returns whether the fees stand with the venue's fills now.
        """
        count = len(look_alike.reported)
        rows = [one.row for one in self.bookings[-count:]]
        known = [fill for fill in look_alike.booked if fill.fee is not None]
        if any(row.fee is not None for row in rows):
            self.fee_fills += [*rows, *(replace(one, fee=text(-amount(one.fee))) for one in known)]
            return True
        if len({known_id(fill.fee_currency) for fill in known}) != 1:
            return not known
        self.bookings[-count:] = [
            replace(one, row=replace(one.row, fee=fee, fee_currency=known[0].fee_currency))
            for one, fee in zip(self.bookings[-count:], _shares(known, rows), strict=True)
        ]
        return True

    def lay(self, fill: Fill, price: Decimal, *, estimated: bool, may_supersede: bool) -> None:
        """Book one real fill whole: first in the place of unrecorded quantity, the rest as growth."""
        qty = amount(fill.qty)
        superseded, named, cost_before = self._supersede(qty) if may_supersede else (ZERO, None, ZERO)
        growth = qty - superseded
        self._grow(growth, price)
        self._move_cost(None if cost_before is None else superseded * price - cost_before)
        kind, reason = (
            (CorrectionKind.BOOK_FILL, Reason.VENUE_FILL)
            if growth
            else (CorrectionKind.SUPERSEDE_FILL, Reason.REAL_FILL_REPLACES)
        )
        row = self._book(
            kind, reason, fill, qty, price, estimated=estimated, supersedes=named, superseded_qty=superseded
        )
        self.fee_fills.append(row)

    def _book(
        self,
        kind: CorrectionKind,
        reason: Reason,
        fill: Fill,
        qty: Decimal,
        price: Decimal | None,
        *,
        estimated: bool,
        supersedes: str | None,
        superseded_qty: Decimal,
    ) -> Fill:
        price_text = None if price is None else text(price)
        change = FillChange(
            fill_id=fill.fill_id,
            qty=text(qty),
            price=price_text,
            price_estimated=estimated,
            supersedes=supersedes,
            superseded_qty=text(superseded_qty) if superseded_qty else None,
        )
        row = replace(fill, qty=text(qty), price=price_text, inferred=False, price_estimated=estimated)
        self.bookings.append(Booking(kind, reason, change, row))
        return row

    def infer(self, row: Fill) -> None:
        price = amount(row.price)
        self._grow(amount(row.qty), price)
        change = inferred_change(row)
        self.bookings.append(Booking(CorrectionKind.BOOK_FILL, Reason.INFERRED_FROM_CUMULATIVE, change, row))

    def amend(self, booked: Fill, reported: Fill) -> None:
        """Take over what the books lack of one fill: its fee, or the price that was estimated."""
        row = booked
        changes: Changes = {}
        if gives_fee(booked, reported):
            row = with_fee_of(row, reported)
            self.fee_fills.append(row)
            changes = {"fee": row.fee, "fee_currency": row.fee_currency}
            self._amend(booked, row, Reason.FEE_MISSING_LOCALLY, changes)
        if gives_price(booked, reported):
            dear = replace(row, price=canonical(reported.price or "0"), price_estimated=False)
            self._move_cost(amount(dear.qty) * (amount(dear.price) - amount(row.price)))
            changes |= {"price": dear.price, "price_estimated": False}
            self._amend(row, dear, Reason.PRICE_BECAME_KNOWN, changes)

    def _amend(self, booked: Fill, row: Fill, reason: Reason, changes: Changes) -> None:
        fills = self.inferred if booked.inferred else self.real
        fills[fills.index(booked)] = row
        self.amendments[row.fill_id] = Amendment(row, reason, {"fill_id": row.fill_id, **changes})

    def _grow(self, growth: Decimal, price: Decimal) -> None:
        self.growth_qty += growth
        self.growth_cost += growth * price
        self.cost = None if self.cost is None else self.cost + growth * price

    def _move_cost(self, change: Decimal | None) -> None:
        """The cost of what was booked before moves; null: by nobody knows how much."""
        if self.cost is None or change is None:
            self.cost = None
            return
        self.recost += change
        self.cost += change

    def _supersede(self, qty: Decimal) -> tuple[Decimal, str | None, Decimal | None]:
        """Take up to `qty` out of what is booked without a record, oldest first: legacy, then inferred fills."""
        taken = min(qty, self.legacy_qty)
        self.legacy_qty -= taken
        if is_same(self.booked_qty, self.booked_qty - self.legacy_qty):  # nothing but noise is left of it
            self.legacy_qty = ZERO
        cost = ZERO if not taken else None if self._legacy_price is None else taken * self._legacy_price
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

    # -- the average --------------------------------------------------------------------------------------------------

    def residue_price(self, average: Decimal, qty: Decimal) -> Decimal | None:
        """The one price of all that is soft, with `qty` still to be booked, that makes the average right."""
        soft_qty = self.qty + qty - self._hard_qty()
        if soft_qty <= 0 or is_same(self.qty + qty, self._hard_qty()):
            return None
        price = divide(average * (self.qty + qty) - self._hard_cost(), soft_qty)
        return price if price > 0 else None

    def settle_average(self, average: Decimal, tolerance: Decimal) -> None:
        """Price what is soft so that the order's average is the venue's, unless it is so already, or cannot be."""
        now, soft_price = self.average, self.residue_price(average, ZERO)
        if now is None and not self.bookings:
            return
        if soft_price is None:
            if self._is_told_by_all(average, tolerance):
                self._settle(average)
            else:
                self._keep_rounded(average)
            return
        if now is not None and abs(now - average) <= tolerance:
            if any(one.row.inferred for one in self.bookings):  # the residue was its price, but for rounding
                self._settle_near(average, now)
            return
        rows = self._soft_rows()
        rows_cost = sum((amount(row.qty) * amount(row.price) for row in rows), ZERO)
        if self.legacy_qty == 0 or average * self.qty - self._hard_cost() - rows_cost <= 0:
            for row in rows:
                self._reprice(row, soft_price)
        self._settle(average)

    def _settle(self, average: Decimal) -> None:
        """The order's average is this one from now on."""
        total = average * self.qty
        if self.cost is not None:
            self.recost += total - self.cost
        self.cost, self._settled = total, average

    def _settle_near(self, average: Decimal, now: Decimal) -> None:
        """The same where what rounding left of a quotient moves nobody's cost."""
        if is_same(now, average):
            self._settled = average
        else:
            self._settle(average)

    def _is_told_by_all(self, average: Decimal, tolerance: Decimal) -> bool:
        """Whether the order has grown to fills that alone come to the venue's quantity and average: what was off is the
        average that the books had before."""
        now, is_whole = self.average, is_same(self.qty, self._hard_qty())
        if now is None or not self.growth_qty or not is_whole or abs(now - average) <= tolerance:
            return False
        return (
            abs(self._hard_cost() - average * self.qty)
            <= max(tolerance, ROUNDED_AVERAGE * average) * self.qty
        )

    def _keep_rounded(self, average: Decimal) -> None:
        """All is hard, and the venue rounds its average: what takes the place of others moves no average for that."""
        now, before, cost = self.average, self.booked_average, self.cost
        if now is None or before is None or cost is None or self.booked_qty == 0:
            return
        is_rounding = abs(now - average) <= ROUNDED_AVERAGE * average
        if is_rounding and abs(now - average) > abs(before - average):
            self._settled = average if self.growth_qty else before
            self.cost = self._settled * self.qty
            self.recost += self.cost - cost

    def _reprice(self, row: Fill, price: Decimal) -> None:
        if row.price is not None and is_same(amount(row.price), price):
            return
        laid = next((place for place, one in enumerate(self.bookings) if one.row is row), None)
        if laid is None:
            known = self.amendments.get(row.fill_id)
            changes = {} if known is None else known.changes
            after = replace(row, price=text(price))
            self._amend(row, after, Reason.VENUE_AVERAGE_DIFFERS, changes | {"price": after.price})
            return
        booking = self.bookings[laid]
        growth = amount(booking.change.qty) - amount(booking.change.superseded_qty)
        dearer = growth * (price - amount(row.price))
        self.growth_cost += dearer
        self.cost = None if self.cost is None else self.cost + dearer
        self.bookings[laid] = Booking(
            booking.kind,
            booking.reason,
            replace(booking.change, price=text(price), price_estimated=True),
            replace(row, price=text(price), price_estimated=True),
        )

    def _soft_rows(self) -> list[Fill]:
        laid = [one.row for one in self.bookings]
        return [row for row in (*self.inferred, *self.real, *laid) if row.inferred or row.price_estimated]

    def _hard(self) -> list[Fill]:
        laid = [one.row for one in self.bookings]
        return [row for row in (*self.real, *laid) if not row.inferred and told_price_of(row) is not None]

    def _hard_qty(self) -> Decimal:
        return sum_of(self._hard())

    def _hard_cost(self) -> Decimal:
        return _cost_of(self._hard())


def sum_of(fills: Sequence[Fill]) -> Decimal:
    return sum([amount(fill.qty) for fill in fills], ZERO) if fills else ZERO


def _shares(known: Sequence[Fill], rows: Sequence[Fill]) -> list[str]:
    """All fees of `known`, by the quantities of `rows`; the last has what rounding leaves."""
    left, shares = sum((amount(fill.fee) for fill in known), ZERO), list[str]()
    per_unit = divide(left, sum_of(rows))
    for row in rows[:-1]:
        shares.append(text(per_unit * amount(row.qty)))
        left -= amount(shares[-1])
    return [*shares, text(left)]


def _cost_of(fills: Sequence[Fill]) -> Decimal:
    return sum((amount(fill.qty) * amount(fill.price) for fill in fills), ZERO)
