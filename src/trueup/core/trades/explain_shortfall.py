"""Which trades the venue does not hold any more, as far as a shortfall of the position proves it. Pure arithmetic.

The shortfall is given out once. Where it is all that the trades hold (or more), all are gone. Else it is the trade, or
the only set of trades, that comes to it; where several sets do, any of their trades may be gone, it is not known which.
Trades of other profiles, and what the owner holds, explain it as well as ours.
"""

from collections.abc import Sequence
from decimal import Decimal

from msgspec import Struct

from trueup.model.money import ZERO

SEARCH_STEPS_MAX = 20_000  # sets looked at before the search gives up; then nothing is proven


class Explanation(Struct, frozen=True):
    """`gone`: places of our trades that may not be held any more. `is_only`: no other explanation fits."""

    gone: frozenset[int] = frozenset()
    is_only: bool = False


class _OutOfSteps(Exception):
    pass


def explain_shortfall(
    own: Sequence[Decimal],
    others: Sequence[Decimal],
    *,
    shortfall: Decimal,
    tolerance: Decimal,
    others_are_sums: bool = False,
) -> Explanation:
    """`own`, `others`: open quantities (positive) of our trades, and of whatever else the account should hold.

    `others_are_sums`: of how many trades the others' quantities are made is not known, so nothing is the only one.
    """
    if sum(own, ZERO) + sum(others, ZERO) <= shortfall + tolerance:
        return Explanation(frozenset(range(len(own))), is_only=True)
    search = _Search([*own, *others], shortfall, tolerance)
    try:
        return _search(search, own, is_vague=others_are_sums and bool(others))
    except _OutOfSteps:
        return Explanation()


def _search(search: "_Search", own: Sequence[Decimal], *, is_vague: bool) -> Explanation:
    first = search.find()
    if first is None:
        return Explanation()
    if search.is_only(first):
        return Explanation(frozenset(one for one in first if one < len(own)), is_only=not is_vague)
    may_be_gone = {place for place in range(len(own)) if place in first or search.find(place) is not None}
    return Explanation(frozenset(may_be_gone))


class _Search:
    """Sets of quantities that come to a target within a tolerance."""

    def __init__(self, quantities: Sequence[Decimal], target: Decimal, tolerance: Decimal) -> None:
        self._quantities = quantities
        self._least, self._most = target - tolerance, target + tolerance
        self._places = sorted(range(len(quantities)), key=lambda one: -quantities[one])
        self._steps = 0

    def find(self, place: int | None = None, *, without: int | None = None) -> frozenset[int] | None:
        """One set, with the quantity at `place` or without another; null where there is none."""
        places = [one for one in self._places if one not in (place, without)]
        rest = [ZERO]
        for one in reversed(places):
            rest.append(rest[-1] + self._quantities[one])
        rest.reverse()
        begun = () if place is None else (place,)
        start = ZERO if place is None else self._quantities[place]
        return self._extend(places, rest, 0, start, begun)

    def is_only(self, found: frozenset[int]) -> bool:
        """Any other set lacks one of these, for quantities are positive, or has more beyond the tolerance."""
        return all(self.find(without=place) is None for place in found)

    def _extend(
        self, places: list[int], rest: list[Decimal], depth: int, total: Decimal, chosen: tuple[int, ...]
    ) -> frozenset[int] | None:
        self._steps += 1
        if self._steps > SEARCH_STEPS_MAX:
            raise _OutOfSteps
        if chosen and self._least <= total <= self._most:
            return frozenset(chosen)
        if depth == len(places) or total > self._most or total + rest[depth] < self._least:
            return None
        place = places[depth]
        with_it = self._extend(places, rest, depth + 1, total + self._quantities[place], (*chosen, place))
        if with_it is not None:
            return with_it
        while depth < len(places) and self._quantities[places[depth]] == self._quantities[place]:
            depth += 1  # without it, its equals would do no better
        return self._extend(places, rest, depth, total, chosen)
