"""Splits an input into its documents: one JSON value, or one a line. Decides by the content, not by trust.

A file or standard input that is one JSON value, however many lines, is one document. A file named `.ndjson` (or
`.jsonl`), or standard input with more than one line, holds one document a line. Lines are read one at a time, so
memory does not grow with their number; one that is longer than a line may be is skipped without being held.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec
from msgspec import Struct

from trueup.model.errors import InputError
from trueup.surfaces.cli.files import open_input

DOCUMENT_BYTES_MAX = 1 << 30  # a million order pairs are about 700 MB
LINE_BYTES_MAX = 64 << 20  # of a batch
_LINE_SUFFIXES = (".ndjson", ".jsonl")


class Document(Struct, frozen=True):
    """One document. `line` is null where it stands alone; with a `fault` there are no bytes."""

    data: bytes
    line: int | None = None
    fault: str | None = None


def read_documents(source: str) -> Iterator[Document]:
    """The documents of a file, or of standard input for `-`. Raises InputError where there is nothing to read."""
    if source == "-":
        yield from split_documents(sys.stdin.buffer, by_line=True)
        return
    with open_input(source) as file:
        yield from split_documents(file, by_line=Path(source).suffix.lower() in _LINE_SUFFIXES)


def split_documents(stream: BinaryIO, *, by_line: bool) -> Iterator[Document]:
    """`by_line`: several lines that are not one JSON value are a document each."""
    if not by_line:
        yield Document(_read_rest(stream))
        return
    blank_lines, first = 0, stream.readline(DOCUMENT_BYTES_MAX)
    while first and not first.strip():
        blank_lines, first = blank_lines + 1, stream.readline(DOCUMENT_BYTES_MAX)
    if _is_json(first):
        yield from _split_from(first, blank_lines + 1, _lines(stream, blank_lines + 2))
        return
    whole = first + _read_rest(
        stream
    )  # one value over many lines, or a bad first line: only the rest can tell
    if _is_batch(whole):
        yield from _lines_of(whole, blank_lines + 1)
    else:
        yield Document(whole)


def _split_from(first: bytes, number: int, lines: Iterator[Document]) -> Iterator[Document]:
    """A first line that is JSON by itself: alone it is the document, else one of several."""
    second = next(lines, None)
    if second is None:
        yield Document(first)
        return
    yield _line(first, number)
    yield second
    yield from lines


def _lines(stream: BinaryIO, number: int) -> Iterator[Document]:
    while line := stream.readline(LINE_BYTES_MAX + 1):
        document = _line(line, number)
        if document.fault is not None:
            while not line.endswith(b"\n") and (line := stream.readline(LINE_BYTES_MAX)):
                pass  # the rest of a line that is too long is read past, not held
        if document.fault is not None or line.strip():
            yield document
        number += 1


def _lines_of(whole: bytes, number: int) -> Iterator[Document]:
    for index, line in enumerate(whole.split(b"\n")):
        if line.strip():
            yield _line(line, number + index)


def _line(data: bytes, number: int) -> Document:
    if len(data) > LINE_BYTES_MAX:
        return Document(
            b"", number, f"longer than {LINE_BYTES_MAX >> 20} MB; give this snapshot a file of its own"
        )
    return Document(data, number)


def _read_rest(stream: BinaryIO) -> bytes:
    rest = stream.read(DOCUMENT_BYTES_MAX + 1)
    if len(rest) > DOCUMENT_BYTES_MAX:
        raise InputError(f"larger than {DOCUMENT_BYTES_MAX >> 20} MB; split it into one snapshot per profile")
    return rest


def _is_batch(whole: bytes) -> bool:
    """Not one value, and yet at least one line holds an object of its own: then each line is to be answered."""
    if _is_json(whole):
        return False
    return any(line.startswith(b"{") and _is_json(line) for line in whole.split(b"\n"))


def _is_json(data: bytes) -> bool:
    try:
        msgspec.json.decode(data, type=msgspec.Raw)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True
