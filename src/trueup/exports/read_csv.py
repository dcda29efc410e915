"""A CSV's rows as texts: its delimiter, the header below whatever stands above it, the zone that its times are in.

Knows which headers are forms, because only below such a one lines may stand. Must not know what a row is for.
"""

import csv
import io
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import PurePath
from typing import Any

from trueup.exports.forms import Kind, recognise
from trueup.exports.meanings import header_zone
from trueup.exports.rows import COLUMNS_MAX, Row, Rows
from trueup.model.errors import InputError

_DELIMITERS = ",;\t|"
_CELL_CHARS_MAX = 1 << 20
_CELLS_KEPT = 1 << 16  # cells repeat; each is then held once
_ZONE_LINE = re.compile(r"Time ?Zone:\s*(UTC[^,;\s]*)", re.IGNORECASE)
PREAMBLE_LINES_MAX = 10  # lines above a known header that are passed over
_EXCELS_DELIMITER = re.compile(
    r'"?sep=[,;\t|]"?\r?', re.IGNORECASE
)  # a line above the header, for Excel only
_EXCELS_TEXT = re.compile(
    r'="(?P<text>[^"]*)"|\'(?P<digits>\d+)'
)  # `="0123"`, `'0123`: a spreadsheet keeps the digits
_NULL_WORDS = frozenset(
    {"", "null", "none", "n/a", "-", "--", "\\n", "[null]", "<null>", "(null)"}
)  # COPY writes `\\N`
_RULE = re.compile(
    r"[-+|: ]*---[-+|: ]*|\(\d+ rows?\)"
)  # what psql writes below a header and below the last row


def read_csv(text: str, name: str) -> Rows:
    """Of a statement the header only: it is refused by its name, and its rows may be of several tables."""
    if "\0" in text:
        raise InputError("holds NUL characters; is it a text file?", name)
    csv.field_size_limit(_CELL_CHARS_MAX)
    text = text.replace("\ufeff", "")  # OKX writes one before each line
    text = text.lstrip("\r\n ")  # a tab may be the first of its delimiters
    above, text = _without_preamble(text)
    if not text.strip():
        raise InputError("empty: expected rows", name)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    try:
        first = next(reader)
        header = [cell.strip() for cell in first]
        form = recognise(header)
        header = header if form is None else _numbered(header)
        _check_header(header, name)
        rows = (
            []
            if form is not None and form.kind is Kind.STATEMENTS
            else _lines(reader, header, name, len(above), first)
        )
        is_unended = not text.endswith(("\n", "\r"))
        return Rows(name, header, list(rows), _zone_said(above, name), is_unended)
    except csv.Error as fault:
        why = (
            "is a quote in a cell not doubled?" if "expected after" in str(fault) else "is the file cut off?"
        )
        raise InputError(
            f"not CSV ({fault}); {why}", f"{name} line {len(above) + reader.line_num}"
        ) from fault


def _numbered(header: list[str]) -> list[str]:
    """A known form may have two columns of one name (Binance: created and updated): the second is `Time 2`."""
    seen: dict[str, int] = {}
    numbered = []
    for column in header:
        seen[column] = seen.get(column, 0) + 1
        numbered.append(column if seen[column] == 1 else f"{column} {seen[column]}")
    return numbered


def _zone_said(above: list[str], name: str) -> str | None:
    """The zone in the lines above the header (OKX: `Time Zone:UTC+8`), or in the file's name (Binance: `(UTC+2)`)."""
    said = [found[1] for line in above if (found := _ZONE_LINE.search(line)) is not None]
    # Binance writes a zone west of Greenwich as `(UTC--6)`
    return header_zone(f"({said[0]})") if said else header_zone(PurePath(name).name.replace("--", "-"))


def _delimiter(text: str) -> str:
    """That of the first line."""
    return max(_DELIMITERS, key=text.split("\n", 1)[0].count)


def _without_preamble(text: str) -> tuple[list[str], str]:
    """Some venues write whose file it is above the header: these lines, and the text from the header on."""
    lines = text.split("\n", PREAMBLE_LINES_MAX)
    for above, line in enumerate(lines[:PREAMBLE_LINES_MAX]):
        try:
            header = next(csv.reader([line], delimiter=_delimiter(line), strict=True), [])
        except csv.Error:
            continue
        if recognise(header) is not None:
            return lines[:above], "\n".join(lines[above:])
    if _EXCELS_DELIMITER.fullmatch(lines[0]):
        return lines[:1], "\n".join(lines[1:])
    return [], text


def _lines(reader: Any, header: list[str], name: str, above: int, first: list[str]) -> Iterator[Row]:
    """The rows below the line `first`, which is the header; where it stands again, two files were put together."""
    for cells in reader:
        if not any(cell.strip() for cell in cells) or _says_nothing(cells) or cells == first:
            continue
        line = above + reader.line_num
        if len(cells) != len(header):
            raise InputError(_not_as_many(len(cells), len(header)), f"{name} line {line}")
        yield Row(line, {key: _cell(value) for key, value in zip(header, cells, strict=True)})


def _not_as_many(cells: int, columns: int) -> str:
    """A spare cell is most often a comma in a number; a missing one the end of a file that was cut off, or a footer."""
    why = (
        "is a comma in a cell that has no quotes?"
        if cells > columns
        else "is the file cut off? If the line is no row, such as a footer, remove it"
    )
    return f"{cells} cells under {columns} columns; {why}"


def _says_nothing(cells: list[str]) -> bool:
    """A rule, or what Binance writes below the header of a file without rows: `No data matches the criteria.`"""
    if _RULE.fullmatch("|".join(cells).strip()):
        return True
    return not any(cells[1:]) and cells[0].strip().lower().startswith("no data")


def _check_header(header: list[str], name: str) -> None:
    if len(header) > COLUMNS_MAX:
        raise InputError(
            f"more than {COLUMNS_MAX} columns ({len(header)}); is it one table?", f"{name} line 1"
        )
    twice = {column for column in header if column and header.count(column) > 1}
    if twice:
        raise InputError(f"two columns are called {sorted(twice)[0]!r}; rename one", f"{name} line 1")
    if len(header) < 2:
        raise InputError("expected CSV with a header line, a JSON array, or JSON lines", f"{name} line 1")


@lru_cache(maxsize=_CELLS_KEPT)
def _cell(text: str) -> str | None:
    stripped = text.strip()
    kept = _EXCELS_TEXT.fullmatch(stripped)
    stripped = stripped if kept is None else (kept["text"] or kept["digits"] or "").strip()
    return None if stripped.lower() in _NULL_WORDS else stripped
