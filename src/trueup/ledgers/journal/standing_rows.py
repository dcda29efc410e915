"""Which rows of one order's or trade's log still count: what was written and undone since cancels out.

Decides what builds on a row. An undo takes the rows off that it undid, as from a pile; undone itself, it lays them
back. So what was corrected twice can be undone twice, the newest first.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol

from trueup.ledgers.journal.order_log import BY_RUN
from trueup.ports.people import PersonRecord


class LogRow(Protocol):
    """`written_by`: a run, or a person, whose correction's rows are known by their numbers."""

    seq: int
    written_by: str


class Writers:
    """Who wrote a row, and what that undid."""

    def __init__(self, records: Iterable[PersonRecord]) -> None:
        self._ranges: list[tuple[int, int, str]] = []
        self.undoes: dict[str, str] = {}
        for one in records:
            made = one.correction
            if one.first_seq is not None and one.last_seq is not None:
                self._ranges.append((one.first_seq, one.last_seq, made.correction_id))
            if made.undoes is not None:
                self.undoes[made.correction_id] = made.undoes

    def of(self, row: LogRow) -> str:
        """The correction's or run's id; of a bot's row, its own."""
        if row.written_by.startswith(BY_RUN):
            return row.written_by.removeprefix(BY_RUN)
        found = (name for first, last, name in self._ranges if first <= row.seq <= last)
        return next(found, f"row {row.seq}")


def standing(rows: Sequence[LogRow], writers: Writers) -> list[int]:
    """The numbers of the rows that count, oldest first."""
    pile: list[tuple[str, int]] = []
    taken: dict[str, list[tuple[str, int]]] = {}  # by an undo, or an undo of one of these: what it took off
    laid: dict[str, list[tuple[str, int]]] = {}  # by an undo of an undo: what it laid back
    for row in rows:
        name = writers.of(row)
        target = writers.undoes.get(name)
        if name in taken or name in laid:
            continue  # a further row of the same undo
        if target in taken:
            laid[name] = taken[target]
            pile += laid[name]
        elif target is not None and (count := _on_top(pile, laid.get(target) or target)):
            taken[name] = pile[-count:]
            del pile[-count:]
        else:
            pile.append((name, row.seq))
    return [seq for _, seq in pile]


def _on_top(pile: Sequence[tuple[str, int]], wanted: str | Sequence[tuple[str, int]]) -> int:
    """How many rows at the end of the pile are those wanted: of that name, or these very ones."""
    if not isinstance(wanted, str):
        return len(wanted) if list(pile[-len(wanted) :]) == list(wanted) else 0
    count = 0
    while count < len(pile) and pile[-1 - count][0] == wanted:
        count += 1
    return count
