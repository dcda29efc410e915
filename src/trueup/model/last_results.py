"""What pure functions of rows came to when they were last asked: asked again of equal rows, it is not reckoned again.

From run to run most rows stay as they are. Rows are compared, never trusted to be the same: a result is that of equal
rows, and so the one that the function would have. Lists and dicts are copied, so that nobody can change them from
outside; what is handed back is shared, and nobody's to change.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar, TypeVarTuple

ROWS_KEPT_MAX = 10_000  # of a list: with more, what is spared is not worth what is held

Rows = TypeVarTuple("Rows")
Result = TypeVar("Result")


class LastResults:
    """One profile's. Each function is remembered with its last rows only."""

    def __init__(self) -> None:
        self._last: dict[Callable[..., Any], tuple[tuple[Any, ...], Any]] = {}

    def of(self, reckon: Callable[[*Rows], Result], *rows: *Rows) -> Result:
        """`reckon(*rows)`. `rows`: lists or dicts of values that cannot change."""
        last = self._last.get(reckon)
        if last is not None and last[0] == rows:
            known: Result = last[1]
            return known
        return self._keep(reckon, rows, reckon(*rows))

    def of_each(self, reckon: Callable[[*Rows], list[Result]], *rows: *Rows) -> list[Result]:
        """The same where each row has a result of its own, which follows from that row alone (of each list as many):
        where some differ, those are reckoned that stand between what begins and what ends the lists as before."""
        given: tuple[Any, ...] = rows
        last, known = self._last.get(reckon, (None, []))
        if last is None:
            return self._keep(reckon, rows, reckon(*rows))
        if last == rows:
            return known
        between = _between(last, given)
        new: tuple[Any, ...] = tuple(one[between.start : between.stop] for one in given)
        return self._keep(reckon, rows, with_new(known, reckon(*new), between, len(given[0])))

    def _keep(self, reckon: Callable[..., Any], rows: tuple[Any, ...], result: Result) -> Result:
        if all(len(one) <= ROWS_KEPT_MAX for one in rows):
            self._last[reckon] = (tuple(one.copy() for one in rows), result)
        else:
            self._last.pop(reckon, None)
        return result


def between_same(known: Sequence[Any], rows: Sequence[Any]) -> range:
    """Which rows stand between those that begin and those that end both lists."""
    return _between([known], [rows])


def with_new(known: Sequence[Any], new: Sequence[Any], between: range, count: int) -> list[Any]:
    """What is of `count` rows, by what was of the known ones: of those between it is new, around them it is known."""
    return [*known[: between.start], *new, *known[len(known) - (count - between.stop) :]]


def _between(known: Sequence[Sequence[Any]], lists: Sequence[Sequence[Any]]) -> range:
    """The same of lists that stand beside each other, and are as long."""
    start = min(map(_count_same, known, lists))
    end = min(map(_count_same, map(reversed, known), map(reversed, lists)))
    end = min(end, min(len(known[0]), len(lists[0])) - start)
    return range(start, len(lists[0]) - end)


def _count_same(left: Iterable[Any], right: Iterable[Any]) -> int:
    """How many rows begin both."""
    count = 0
    for one, other in zip(left, right, strict=False):
        if one is not other and one != other:
            break
        count += 1
    return count
