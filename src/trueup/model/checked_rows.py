"""The lists of a snapshot as they were last checked: what did not change is not checked again.

A check is a pure function of its row, or of its list. What is handed back for equal rows are the checked ones
themselves, so that nothing slips through that only compares equal; the lists are copies, so that nobody can change
them from outside.
"""

from collections.abc import Sequence
from typing import Any

from trueup.model.last_results import ROWS_KEPT_MAX, LastResults, between_same, with_new


class CheckedRows:
    """One profile's, from run to run, by the path of the list."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[list[Any], list[Any]]] = {}
        self.results = LastResults()  # of what is reckoned of them

    def find(self, path: str, rows: Sequence[Any]) -> list[Any] | None:
        """What equal rows were read as, when they were checked; null where these differ from the last ones."""
        given, read = self._last.get(path, _NOTHING)
        return list(read) if given and given == rows else None

    def adopt(self, path: str, rows: Sequence[Any]) -> tuple[Sequence[Any], range]:
        """These rows, the checked ones where they begin and end the list as before; and which are between those."""
        given, _ = self._last.get(path, _NOTHING)
        if not given:
            return rows, range(len(rows))
        new = between_same(given, rows)
        return with_new(given, rows[new.start : new.stop], new, len(rows)), new

    def keep(self, path: str, rows: Sequence[Any], new: range, read_new: Sequence[Any]) -> Sequence[Any]:
        """Adopted rows that passed, and what the new ones among them were read as. Returns what all of them are."""
        _, known = self._last.pop(path, _NOTHING)
        read = with_new(known, read_new, new, len(rows))
        if len(rows) <= ROWS_KEPT_MAX:
            self._last[path] = (list(rows), list(read))
        return read


_NOTHING: tuple[list[Any], list[Any]] = ([], [])
