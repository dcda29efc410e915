"""A file's rows as texts, whatever its form: CSV, JSON, JSON lines, Parquet; packed by gzip or not.

JSON may be an array, an object around one, or an object keyed by id. Decides the form by the content. Knows nothing of
orders but that one may stand in another. Every number keeps its exact text; a row knows where it
stands in its file, so that a fault can be found again.
"""

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from pathlib import PurePath
from typing import Any

from msgspec import Struct

from trueup.exports.forms import recognise
from trueup.exports.meanings import header_zone
from trueup.exports.unframe import unframed
from trueup.exports.unpack import is_parquet, read_parquet, unpack
from trueup.model.errors import InputError
from trueup.model.money import text as amount_text
from trueup.model.money import total
from trueup.model.tree import parse_tree

_DELIMITERS = ",;\t|"
_CELL_CHARS_MAX = 1 << 20
_ZONE_LINE = re.compile(r"Time ?Zone:\s*(UTC[^,;\s]*)", re.IGNORECASE)
PREAMBLE_LINES_MAX = 10  # lines above a known header that are passed over
COLUMNS_MAX = 1000  # exports have up to about a hundred
_NULL_WORDS = frozenset({"", "null", "none", "n/a", "-", "--"})
_BINARY = {
    b"PK\x03\x04": "a spreadsheet or zip; export it as CSV",
    b"SQLite format 3": "an SQLite database; export the table as CSV",
    b"\xff\xfe": "UTF-16; save it as UTF-8",
    b"\xfe\xff": "UTF-16; save it as UTF-8",
}


class Row(Struct, frozen=True):
    """One row: `cells` hold texts only (null where empty), `number` is its line in a CSV, else its count from 1."""

    number: int
    cells: dict[str, str | None]


class Rows(Struct, frozen=True):
    """All rows of one file, its name and columns in order; `zone`: of times that tell none, as the file says."""

    name: str
    columns: list[str]
    rows: list[Row]
    zone: str | None = None


Parts = Callable[[dict[str, Any]], Iterable[dict[str, Any]]]  # the rows that one object of a file holds


def with_legs(item: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """An Alpaca order, then its bracket legs as orders of their own that name their parent."""
    yield item
    for leg in item.get("legs") or ():
        if isinstance(leg, dict):
            yield from with_legs({"parent_order_id": item.get("id"), **leg})


def read_rows(data: bytes, name: str, parts: Parts = with_legs) -> Rows:
    """Raises InputError, whose path is the file's name and the row."""
    data = unpack(data, name)
    if is_parquet(data):
        return _of_objects(read_parquet(data, name), name, parts)
    text = _decoded(data, name)
    return _of_objects(_objects(text, name), name, parts) if text.lstrip()[0] in "[{" else _of_csv(text, name)


def _decoded(data: bytes, name: str) -> str:
    for magic, what in _BINARY.items():
        if data.startswith(magic):
            raise InputError(f"this is {what}", name)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise InputError(f"not UTF-8 (byte {fault.start}); save it as UTF-8", name) from fault
    if not text.strip():
        raise InputError("empty: expected rows", name)
    return text


# -- CSV --------------------------------------------------------------------------------------------------------------


def _of_csv(text: str, name: str) -> Rows:
    if "\0" in text:
        raise InputError("holds NUL characters; is it a text file?", name)
    csv.field_size_limit(_CELL_CHARS_MAX)
    text = text.replace("\ufeff", "")  # OKX writes one before each line
    text = text.lstrip("\r\n ")  # a tab may be the first of its delimiters
    above, text = _without_preamble(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    try:
        header = [cell.strip() for cell in next(reader)]
        header = _numbered(header) if recognise(header) is not None else header
        _check_header(header, name)
        return Rows(name, header, list(_lines(reader, header, name, len(above))), _zone_said(above, name))
    except csv.Error as fault:
        raise InputError(
            f"not CSV ({fault}); is the file cut off?", f"{name} line {len(above) + reader.line_num}"
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
    return header_zone(f"({said[0]})") if said else header_zone(PurePath(name).name)


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
    return [], text


def _lines(reader: Any, header: list[str], name: str, above: int) -> Iterator[Row]:
    for cells in reader:
        if not any(cell.strip() for cell in cells):
            continue
        line = above + reader.line_num
        if len(cells) != len(header):
            raise InputError(f"{len(cells)} cells under {len(header)} columns", f"{name} line {line}")
        yield Row(line, {key: _cell(value) for key, value in zip(header, cells, strict=True)})


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


def _cell(text: str) -> str | None:
    stripped = text.strip()
    return None if stripped.lower() in _NULL_WORDS else stripped


# -- JSON -------------------------------------------------------------------------------------------------------------


def _of_objects(objects: list[Any], name: str, parts: Parts) -> Rows:
    rows = list(_object_rows(objects, name, parts))
    return Rows(name, list(dict.fromkeys(column for row in rows for column in row.cells)), rows)


def _object_rows(objects: Iterable[Any], name: str, parts: Parts) -> Iterator[Row]:
    for number, item in enumerate(objects, 1):
        if not isinstance(item, dict):
            raise InputError(f"expected an object, got {str(item)[:40]!r}", f"{name} row {number}")
        for part in parts(item):
            cells = _flat(part)
            if len(cells) > COLUMNS_MAX:
                raise InputError(f"more than {COLUMNS_MAX} keys ({len(cells)})", f"{name} row {number}")
            yield Row(number, cells)


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
    return tree if isinstance(tree, list) else unframed(tree, name)


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


def _flat(item: dict[str, Any]) -> dict[str, str | None]:
    """Scalars as text; the parts of an object as `fee.cost`; lists of texts joined.

    Of other lists their length, so that they are named where nothing is taken from them.
    """
    cells: dict[str, str | None] = {}
    for key, value in (item | _configured(item) | _one_fee(item)).items():
        if isinstance(value, dict):
            cells |= {f"{key}.{part}": _scalar(inner) for part, inner in value.items() if _is_scalar(inner)}
        elif isinstance(value, list):
            texts = [str(one) for one in value if isinstance(one, str)]
            cells[key] = " ".join(texts) or (f"{len(value)} entries" if value and key != "legs" else None)
        else:
            cells[key] = _scalar(value)
    return cells


def _configured(item: dict[str, Any]) -> dict[str, Any]:
    """Coinbase's API has what was ordered one level deeper, under the name of the order's kind."""
    kinds = item.get("order_configuration")
    sizes = [one for one in kinds.values() if isinstance(one, dict)] if isinstance(kinds, dict) else []
    if len(sizes) != 1:
        return {}
    in_quote = _scalar(item.get("size_in_quote")) == "true" and sizes[0].get("quote_size") not in (None, "")
    ordered = {key: value for key, value in sizes[0].items() if _is_scalar(value) and key not in item}
    return {"order_configuration": None} | ordered | ({"base_size": None} if in_quote else {})


def _one_fee(item: dict[str, Any]) -> dict[str, Any]:
    """Of ccxt's list of fees the base currency's, because it changes what is held; else the first one's: their sum."""
    fees = item.get("fees")
    if not isinstance(fees, list):
        return {}
    listed = [one for one in fees if isinstance(one, dict) and one.get("cost") is not None]
    if not listed:
        return {"fees": None}
    base = str(item.get("symbol") or "").partition("/")[0]
    currency = base if base in [one.get("currency") for one in listed] else listed[0].get("currency")
    costs = [str(one["cost"]) for one in listed if one.get("currency") == currency]
    return {"fees": None, "fee": {"cost": _sum_of(costs), "currency": currency}}


def _sum_of(costs: list[str]) -> str:
    """A text that is no amount is left for who reads it."""
    try:
        return costs[0] if len(costs) == 1 else amount_text(total(map(Decimal, costs)))
    except ArithmeticError:
        return costs[0]


def _is_scalar(value: Any) -> bool:
    return value is None or isinstance(value, str | bool)


def _scalar(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value).strip() or None
