"""What a reader found last: rows that are as they were are understood as they were, and are not read again where the
database tells that nobody wrote since. Knows neither statements nor meanings.
"""

from collections.abc import Callable, Sequence

from msgspec import Struct

from trueup.books.tables.database import Cells
from trueup.model.times import is_before
from trueup.ports.foreign_books import ForeignRead, ForeignRow, UnclearRow

Understood = ForeignRow | UnclearRow


class LastRead(Struct, frozen=True):
    """Of what was live, or changed since."""

    state: str | None = None
    since: str = ""
    found: ForeignRead = ForeignRead()

    def holds(self, state: str | None, since: str) -> bool:
        """Whether another read would find nothing else: what is no longer recent is as it was, and does no harm."""
        return state is not None and state == self.state and not is_before(since, self.since)


class LastRows:
    """The rows of one table in its last read, as the driver gave them and as they were understood."""

    def __init__(self) -> None:
        self._raw: Sequence[Cells] = []
        self._rows: list[Understood] = []

    def understood(
        self, raw: Sequence[Cells], key_len: int, understand: Callable[[list[Cells]], list[Understood]]
    ) -> list[Understood]:
        """The rows of another read. `key_len`: how many of the first cells name a row. `understand`: those that are new
        or others than before."""
        if raw != self._raw:
            before = self._before(raw, key_len)
            new = iter(understand([cells for cells, row in zip(raw, before, strict=True) if row is None]))
            self._rows = [next(new) if row is None else row for row in before]
            self._raw = raw
        return self._rows

    def _before(self, raw: Sequence[Cells], key_len: int) -> Sequence[Understood | None]:
        """Found by their keys: the cells of a whole row take longer to hash than to compare."""
        last = zip(self._raw, self._rows, strict=True)
        try:
            known = {cells[:key_len]: (cells, row) for cells, row in last}
            found = [known.get(cells[:key_len]) for cells in raw]
        except TypeError:  # a list in a key
            return [None] * len(raw)
        return [
            one[1] if one is not None and one[0] == cells else None
            for cells, one in zip(raw, found, strict=True)
        ]
