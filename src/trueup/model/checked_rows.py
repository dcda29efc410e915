"""The lists of a snapshot as they were last checked: one that did not change is not checked again.

A check is a pure function of its list. What is handed back for equal rows are the checked ones themselves, so that
nothing slips through that only compares equal; the lists are copies, so that nobody can change them from outside.
"""

from collections.abc import Sequence
from typing import Any

ROWS_KEPT_MAX = 10_000  # of a list: 1 KiB each, and not held twice while a longer list is read


class CheckedRows:
    """One profile's, from run to run, by the path of the list."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[list[Any], list[Any]]] = {}

    def find(self, path: str, rows: Sequence[Any]) -> list[Any] | None:
        """What equal rows were read as, when they were checked; null where these differ from the last ones."""
        given, read = self._last.get(path, _NOTHING)
        return list(read) if given == rows else None

    def keep(self, path: str, rows: Sequence[Any], read: Sequence[Any]) -> None:
        """Rows that passed, and what they were read as."""
        if len(rows) <= ROWS_KEPT_MAX:
            self._last[path] = (list(rows), list(read))
        else:
            self._last.pop(path, None)


_NOTHING: tuple[list[Any] | None, list[Any]] = (None, [])
