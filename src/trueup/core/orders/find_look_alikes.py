"""One execution under two ids: a stream and a history may have ids, and granularities, of their own.

Look-alikes are a booked real fill whose id the venue does not list and a fill of the venue's that is not booked, of
equal quantity and price; or runs of them, contiguous in time, of equal sum and cost (2 + 3 recorded, 5 at the venue).
Whether they *are* one execution, the caller has to know: round lots repeat.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal

from msgspec import Struct

from trueup.core.orders.compare_fills import age, told_price_of
from trueup.model.money import ZERO, amount, is_same
from trueup.model.snapshot import Fill

RUN_FILLS_MAX = 50  # of an order on either side: beyond it only single fills are compared


class LookAlike(Struct, frozen=True):
    """What may be one execution: as it is booked, and as the venue lists it; each oldest first."""

    booked: tuple[Fill, ...]
    reported: tuple[Fill, ...]


def find_look_alikes(
    booked: Sequence[Fill], reported: Sequence[Fill], *, half_tick: Decimal = ZERO, unpriced: bool = False
) -> list[LookAlike]:
    """Each fill in one of them at most. `half_tick`: by how much the price of several together may be rounded;
    `unpriced`: whether runs may be one execution where a price was never told, which contradicts none.
    """
    left, right = sorted(booked, key=age), sorted(reported, key=age)
    found = _singles(left, right, _prices_equal) + _singles(left, right, _prices_agree)
    if left and right and max(len(left), len(right)) <= RUN_FILLS_MAX:
        found += _runs(left, right, half_tick, unpriced=unpriced)
    return found


def is_corrected(booked: Sequence[Fill], reported: Sequence[Fill]) -> bool:
    """Whether some execution looks corrected: a fill is no longer listed, one of its quantity is, at another price."""
    return any(is_same(amount(one.qty), amount(other.qty)) for one in booked for other in reported)


def _singles(
    left: list[Fill], right: list[Fill], prices_fit: Callable[[Fill, Fill], bool]
) -> list[LookAlike]:
    """Takes what it pairs out of both lists."""
    found = []
    for one in list(left):
        for other in right:
            if is_same(amount(one.qty), amount(other.qty)) and prices_fit(one, other):
                found.append(LookAlike((one,), (other,)))
                left.remove(one)
                right.remove(other)
                break
    return found


def _prices_equal(one: Fill, other: Fill) -> bool:
    prices = (told_price_of(one), told_price_of(other))
    return prices[0] is not None and prices[1] is not None and is_same(prices[0], prices[1])


def _prices_agree(one: Fill, other: Fill) -> bool:
    """A price that was estimated, or never told, contradicts none."""
    prices = (told_price_of(one), told_price_of(other))
    return prices[0] is None or prices[1] is None or is_same(prices[0], prices[1])


def _runs(left: list[Fill], right: list[Fill], half_tick: Decimal, *, unpriced: bool) -> list[LookAlike]:
    found: list[LookAlike] = []
    start = 0
    for first in range(len(left)):
        if first < start:
            continue
        for other in range(len(right)):
            run = _run(left[first:], right[other:], half_tick, unpriced=unpriced)
            if run is not None:
                found.append(run)
                start = first + len(run.booked)
                del right[other : other + len(run.reported)]
                break
    return found


def _run(
    left: Sequence[Fill], right: Sequence[Fill], half_tick: Decimal, *, unpriced: bool
) -> LookAlike | None:
    """The shortest run that begins both lists; null where their sums, or then their costs, never meet."""
    taken = [1, 1]
    sums = [amount(left[0].qty), amount(right[0].qty)]
    while not is_same(sums[0], sums[1]):
        side = 0 if sums[0] < sums[1] else 1
        fills = (left, right)[side]
        if taken[side] == len(fills):
            return None
        sums[side] += amount(fills[taken[side]].qty)
        taken[side] += 1
    if taken == [1, 1]:  # two single fills of unlike prices
        return None
    run = LookAlike(tuple(left[: taken[0]]), tuple(right[: taken[1]]))
    costs = [_cost(run.booked), _cost(run.reported)]
    if costs[0] is None or costs[1] is None:
        return run if unpriced else None
    rounded = abs(costs[0] - costs[1]) <= half_tick * sums[0]
    return run if rounded or is_same(costs[0], costs[1]) else None


def _cost(fills: Sequence[Fill]) -> Decimal | None:
    cost = ZERO
    for fill in fills:
        price = told_price_of(fill)
        if price is None:
            return None
        cost += amount(fill.qty) * price
    return cost
