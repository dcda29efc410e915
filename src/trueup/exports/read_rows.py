"""A file's rows as texts, whatever its form: CSV, JSON, JSON lines, Parquet; packed by gzip or not.

JSON may be an array, an object around one, or an object keyed by id. Decides the form by the content. Knows nothing of
orders but that one may stand in another. Every number keeps its exact text; a row knows where it
stands in its file, so that a fault can be found again.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import Any

from trueup.exports.read_csv import read_csv
from trueup.exports.rows import COLUMNS_MAX, Row, Rows
from trueup.exports.unframe import unframed
from trueup.exports.unpack import is_parquet, read_parquet, unpack
from trueup.model.errors import InputError
from trueup.model.money import text as amount_text
from trueup.model.money import total
from trueup.model.tree import parse_tree

_PAGE = "a web page or XML; download it as CSV or JSON"
_NO_TABLE = {
    b"PK\x03\x04": "a spreadsheet or zip; export it as CSV",
    b"SQLite format 3": "an SQLite database; export the table as CSV",
    b"\xff\xfe": "UTF-16; save it as UTF-8",
    b"\xfe\xff": "UTF-16; save it as UTF-8",
    b"\xd0\xcf\x11\xe0": "a spreadsheet (xls); export it as CSV",
    b"%PDF": "a PDF; download it as CSV",
    b"<!doctype": _PAGE,
    b"<html": _PAGE,
    b"<?xml": _PAGE,
    b"<table": _PAGE,
    b"{\\rtf": "a text with a layout (RTF); export it as CSV",
    b"\x1f\x8b": "packed twice by gzip; unpack it once",
    b"BZh91AY": "packed by bzip2; unpack it",
    b"\xfd7zXZ": "packed by xz; unpack it",
    b"\x28\xb5\x2f\xfd": "packed by Zstandard; unpack it",
    b"7z\xbc\xaf": "a 7z archive; unpack it",
    b"Rar!": "a RAR archive; unpack it",
    b"ARROW1": "Arrow; write it as Parquet or CSV",
}  # what a file that begins so is; small letters stand for capitals, too
_TAR, _TAR_AT = b"ustar", 257
_HEAD_BYTES = 64
_LINE_FRAMES = ("data", "result")


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
    return (
        _of_objects(_objects(text, name), name, parts) if text.lstrip()[0] in "[{" else read_csv(text, name)
    )


def said_of_no_table(data: bytes) -> str | None:
    """What a file is that is neither text nor Parquet, and what to do with it; null for what may be read."""
    head = data[:_HEAD_BYTES].removeprefix(b"\xef\xbb\xbf").lstrip()
    if data[_TAR_AT : _TAR_AT + len(_TAR)] == _TAR:
        return "a tar archive; unpack it and give one of its files"
    return next(
        (
            what
            for magic, what in _NO_TABLE.items()
            if head.startswith(magic) or head.lower().startswith(magic)
        ),
        None,
    )


def _decoded(data: bytes, name: str) -> str:
    no_table = said_of_no_table(data)
    if no_table is not None:
        raise InputError(f"this is {no_table}", name)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise InputError(f"not UTF-8 (byte {fault.start}); save it as UTF-8", name) from fault
    if not text.strip():
        raise InputError("empty: expected rows", name)
    return text


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
            row
            for number, line in enumerate(text.split("\n"), 1)
            if line.strip()
            for row in _line_rows(_parse(line, f"{name} line {number}"), f"{name} line {number}")
        ]
    return tree if isinstance(tree, list) else unframed(tree, name)


def _line_rows(tree: Any, name: str) -> list[Any]:
    """The rows of one line: itself, or those inside it where it is a stream's message or an answer of an API."""
    if not isinstance(tree, dict) or "side" in tree:
        return [tree]
    if not any(isinstance(tree.get(key), dict | list) for key in _LINE_FRAMES):
        return [tree]
    return unframed(tree, name)


def _parse(text: str, name: str) -> Any:
    try:
        return parse_tree(text.encode())
    except InputError as fault:
        is_cut = "Unterminated" in fault.message or "too early" in fault.message
        said = fault.message if "\n" in text else fault.message.replace(" at line 1 column", " at column")
        said = said.replace("starting at at", "starting at")  # Python's word and ours
        raise InputError(said + ("; is the file cut off?" if is_cut else ""), name) from fault


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
