"""A row of a file, and all of one file's: what every reader and every form gives and takes. Texts only."""

from msgspec import Struct

COLUMNS_MAX = 1000  # exports have up to about a hundred


class Row(Struct, frozen=True):
    """One row: `cells` hold texts only (null where empty), `number` is its line in a CSV, else its count from 1."""

    number: int
    cells: dict[str, str | None]


class Rows(Struct, frozen=True):
    """All rows of one file, its name and columns in order; `zone`: of times that tell none, as the file says.

    `is_unended`: its last line has no line end, so that its last cell may be cut off.
    """

    name: str
    columns: list[str]
    rows: list[Row]
    zone: str | None = None
    is_unended: bool = False
