"""The lists of a snapshot as they were last checked: what did not change is not checked again.

A check is a pure function of its row, or of its list. What is handed back for equal rows are the checked ones
themselves, so that nothing slips through that only compares equal; the lists are copies, so that nobody can change
them from outside.
"""

from collections.abc import Iterable, Sequence
from typing import Any

ROWS_KEPT_MAX = 10_000  # of a list: 1 KiB each, and not held twice while a longer list is read


class CheckedRows:
    """One profile's, from run to run, by the path of the list."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[list[Any], list[Any]]] = {}

    def find(self, path: str, rows: Sequence[Any]) -> list[Any] | None:
        """What equal rows were read as, when they were checked; null where these differ from the last ones."""
        given, read = self._last.get(path, _NOTHING)
        return list(read) if given and given == rows else None

    def adopt(self, path: str, rows: Sequence[Any]) -> tuple[Sequence[Any], range]:
        """These rows, the checked ones where they begin and end the list as before; and which are between those."""
        given, _ = self._last.get(path, _NOTHING)
        if not given:
            return rows, range(len(rows))
        start = _count_same(given, rows)
        end = min(_count_same(reversed(given), reversed(rows)), len(rows) - start)
        new = range(start, len(rows) - end)
        return [*given[:start], *rows[start : new.stop], *given[len(given) - end :]], new

    def keep(self, path: str, rows: Sequence[Any], read: Sequence[Any]) -> None:
        """Rows that passed, and what they were read as."""
        if len(rows) <= ROWS_KEPT_MAX:
            self._last[path] = (list(rows), list(read))
        else:
            self._last.pop(path, None)


_NOTHING: tuple[list[Any], list[Any]] = ([], [])


def _count_same(left: Iterable[Any], right: Iterable[Any]) -> int:
    """How many rows begin both."""
    count = 0
    for one, other in zip(left, right, strict=False):
        if one is not other and one != other:
            break
        count += 1
    return count
