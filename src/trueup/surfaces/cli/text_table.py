"""A table that stays readable at any width: no word is broken while that can be helped, and nothing is cut off.

Where the terminal is too narrow for a line to hold every column, the widest but the first go below their row, until
the rest fits. Without a terminal there is no width to fit (`terminal.console`), so that a row is one line for grep.
"""

from collections.abc import Iterator, Sequence
from typing import Literal

from rich import box
from rich.console import Console, ConsoleOptions, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

_GAP = 2  # spaces between two columns
_INDENT = 4  # spaces before what stands below its row
_NEVER_WRAPPED = frozenset(
    {"severity", "kind", "state", "since", "break", "repair", "time", "who", "run", "run id", "taken at"}
    | {"last good run", "told at"}
)


class TextTable:
    """Renders itself for the width it is given. A column whose name begins with `>` is aligned right."""

    def __init__(self, columns: Sequence[str], rows: Sequence[Sequence[Text]]) -> None:
        used = [
            number
            for number in range(len(columns))
            if not rows or any(row[number].plain.strip() for row in rows)
        ]
        self._columns = [columns[number] for number in used]
        self._rows = [[row[number] for number in used] for row in rows]
        self._natural = [max(cell.cell_len for cell in self._cells(number)) for number in range(len(used))]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        beside, below = list(range(len(self._columns))), list[int]()
        while (widths := self._fit(beside, options.max_width)) is None and len(beside) > 1:
            widest = max(beside[1:], key=lambda number: (self._wraps(number), self._natural[number]))
            beside.remove(widest)
            below = sorted([*below, widest])
        if widths is None:
            widths = [options.max_width]
        if not below:
            yield self._lines(beside, widths, self._rows, header=True)
            return
        yield self._lines(beside, widths, [], header=True)
        for row in self._rows:
            yield self._lines(beside, widths, [row], header=False)
            yield from self._below(below, row)

    def _cells(self, number: int) -> Iterator[Text]:
        yield Text(self._columns[number].lstrip(">"))
        yield from (row[number] for row in self._rows)

    def _wraps(self, number: int) -> bool:
        name = self._columns[number]
        return name not in _NEVER_WRAPPED and not name.startswith(">")

    def _fit(self, numbers: list[int], width: int) -> list[int] | None:
        natural = [self._natural[number] for number in numbers]
        least = [self._least(number) for number in numbers]
        return fit_widths(least, natural, width - _GAP * (len(numbers) - 1))

    def _least(self, number: int) -> int:
        if not self._wraps(number):
            return self._natural[number]
        return max(
            (Text(word).cell_len for cell in self._cells(number) for word in cell.plain.split()), default=0
        )

    def _lines(
        self, numbers: list[int], widths: list[int], rows: Sequence[Sequence[Text]], *, header: bool
    ) -> Table:
        view = Table(
            box=box.SIMPLE_HEAD if header else None,
            show_header=header,
            show_edge=False,
            pad_edge=False,
            padding=(0, _GAP - 1, 0, 0) if header else (0, _GAP, 0, 0),  # the box itself puts a space between
            header_style="dim",
        )
        for number, width in zip(numbers, widths, strict=True):
            name = self._columns[number]
            side: Literal["left", "right"] = "right" if name.startswith(">") else "left"
            view.add_column(name.lstrip(">"), justify=side, overflow="fold", width=width)
        for row in rows:
            view.add_row(*(row[number] for number in numbers))
        return view

    def _below(self, numbers: list[int], row: Sequence[Text]) -> Iterator[RenderableType]:
        for number in numbers:
            if row[number].plain.strip():
                name = self._columns[number].lstrip(">")
                label = f"{name}: " if name and len(numbers) > 1 else ""
                yield Padding(Text.assemble((label, "dim"), row[number]), (0, 0, 0, _INDENT), expand=False)


def fit_widths(least: Sequence[int], natural: Sequence[int], room: int) -> list[int] | None:
    """Widths of columns that come to at most `room`: the widest give way first, none below its least.

    Null where not even the least fit.
    """
    if sum(least) > room:
        return None
    widths = [min(one, max(room, 0)) for one in natural]
    while sum(widths) > room:
        widest = max(range(len(widths)), key=lambda number: (widths[number] > least[number], widths[number]))
        widths[widest] -= 1
    return widths
