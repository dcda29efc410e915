"""A file's rows as texts, whatever its form: CSV, a JSON array, an object around one, or JSON lines.

Decides the form by the content. Knows nothing of orders. Every number keeps its exact text; a row knows where it
stands in its file, so that a fault can be found again.
"""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from trueup.model.errors import InputError
from trueup.model.tree import parse_tree

_DELIMITERS = ",;\t|"
_CELL_CHARS_MAX = 1 << 20
_NULL_WORDS = frozenset({"", "null", "none", "n/a"})
_BINARY = {
    b"PK\x03\x04": "a spreadsheet or zip; export it as CSV",
    b"\x1f\x8b": "gzip; unpack it first",
    b"PAR1": "Parquet; export it as CSV or JSON",
    b"SQLite format 3": "an SQLite database; export the table as CSV",
    b"\xff\xfe": "UTF-16; save it as UTF-8",
    b"\xfe\xff": "UTF-16; save it as UTF-8",
}


class Row(Struct, frozen=True):
    """One row: `cells` hold texts only (null where empty), `number` is its line in a CSV, else its count from 1."""

    number: int
    cells: dict[str, str | None]


class Rows(Struct, frozen=True):
    """All rows of one file, with the file's name and its columns in order."""

    name: str
    columns: list[str]
    rows: list[Row]


def read_rows(data: bytes, name: str) -> Rows:
    """Raises InputError, whose path is the file's name and the row."""
    for magic, what in _BINARY.items():
        if data.startswith(magic):
            raise InputError(f"this is {what}", name)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise InputError(f"not UTF-8 (byte {fault.start}); save it as UTF-8", name) from fault
    if not text.strip():
        raise InputError("empty: expected rows", name)
    rows = list(_json_rows(text, name) if text.lstrip()[0] in "[{" else _csv_rows(text, name))
    columns = list(dict.fromkeys(column for row in rows for column in row.cells))
    return Rows(name, columns, rows)


# -- CSV --------------------------------------------------------------------------------------------------------------


def _csv_rows(text: str, name: str) -> Iterator[Row]:
    if "\0" in text:
        raise InputError("holds NUL characters; is it a text file?", name)
    csv.field_size_limit(_CELL_CHARS_MAX)
    text = text.lstrip("\r\n ")  # a tab may be the first of its delimiters
    header_line = text.split("\n", 1)[0]
    delimiter = max(_DELIMITERS, key=header_line.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = [cell.strip() for cell in next(reader)]
        _check_header(header, name)
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(header):
                raise InputError(
                    f"{len(cells)} cells under {len(header)} columns", f"{name} line {reader.line_num}"
                )
            yield Row(reader.line_num, {key: _cell(value) for key, value in zip(header, cells, strict=True)})
    except csv.Error as fault:
        raise InputError(
            f"not CSV ({fault}); is the file cut off?", f"{name} line {reader.line_num}"
        ) from fault


def _check_header(header: list[str], name: str) -> None:
    twice = {column for column in header if column and header.count(column) > 1}
    if twice:
        raise InputError(f"two columns are called {sorted(twice)[0]!r}; rename one", f"{name} line 1")
    if len(header) < 2:
        raise InputError("expected CSV with a header line, a JSON array, or JSON lines", f"{name} line 1")


def _cell(text: str) -> str | None:
    stripped = text.strip()
    return None if stripped.lower() in _NULL_WORDS else stripped


# -- JSON -------------------------------------------------------------------------------------------------------------


def _json_rows(text: str, name: str) -> Iterator[Row]:
    objects = _objects(text, name)
    number = 0
    for number, item in enumerate(objects, 1):
        if not isinstance(item, dict):
            raise InputError(f"expected an object, got {str(item)[:40]!r}", f"{name} row {number}")
        for leg_or_order in _with_legs(item):
            yield Row(number, _flat(leg_or_order))


def _objects(text: str, name: str) -> list[Any]:
    try:
        tree = _parse(text, name)
    except InputError:
        if not _is_lines(text):
            raise
        return [
            _parse(line, f"{name} line {number}")
            for number, line in enumerate(text.split("\n"), 1)
            if line.strip()
        ]
    if isinstance(tree, list):
        return tree
    lists = [
        key for key, value in tree.items() if isinstance(value, list) and value and isinstance(value[0], dict)
    ]
    lists = [key for key in lists if key not in ("legs", "trades", "fees")]  # parts of one order
    if len(lists) > 1:
        raise InputError(f"holds several lists ({', '.join(sorted(lists))}); keep one in the file", name)
    if not lists and tree and all(value in ([], None) for value in tree.values()):
        return []  # an object around an empty list
    rows: list[Any] = tree[lists[0]] if lists else [tree]
    return rows


def _parse(text: str, name: str) -> Any:
    try:
        return parse_tree(text.encode())
    except InputError as fault:
        raise InputError(fault.message, name) from fault


def _is_lines(text: str) -> bool:
    """Whether the first line is an object by itself and others follow."""
    first, _, rest = text.strip().partition("\n")
    try:
        return isinstance(json.loads(first), dict) and bool(rest.strip())
    except (json.JSONDecodeError, RecursionError):
        return False


def _with_legs(item: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """An Alpaca order, then its bracket legs as orders of their own that name their parent."""
    yield item
    for leg in item.get("legs") or ():
        if isinstance(leg, dict):
            yield from _with_legs({"parent_order_id": item.get("id"), **leg})


def _flat(item: dict[str, Any]) -> dict[str, str | None]:
    """Scalars as text; the parts of an object as `fee.cost`; lists of texts joined; the rest is left out."""
    cells: dict[str, str | None] = {}
    for key, value in item.items():
        if isinstance(value, dict):
            cells |= {f"{key}.{part}": _scalar(inner) for part, inner in value.items() if _is_scalar(inner)}
        elif isinstance(value, list):
            cells[key] = " ".join(str(one) for one in value if isinstance(one, str)) or None
        else:
            cells[key] = _scalar(value)
    return cells


def _is_scalar(value: Any) -> bool:
    return value is None or isinstance(value, str | bool)


def _scalar(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value).strip() or None
