"""How an input is split into documents: by its content."""

import io
from pathlib import Path
from typing import Any, BinaryIO, cast

import pytest

from trueup.model.errors import InputError
from trueup.surfaces.cli import documents
from trueup.surfaces.cli.documents import Document, read_documents, split_documents


def split(data: bytes, *, by_line: bool = True) -> list[tuple[int | None, bytes]]:
    return [(one.line, one.data.strip()) for one in split_documents(io.BytesIO(data), by_line=by_line)]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'{"a":1}', [(None, b'{"a":1}')]),
        (b'\n\n{"a":1}\n\n', [(None, b'{"a":1}')]),
        (b'{\n "a": 1\n}\n', [(None, b'{\n "a": 1\n}')]),  # one value over many lines
        (b'{"a":1}\n{"a":2}\n', [(1, b'{"a":1}'), (2, b'{"a":2}')]),
        (
            b'\n{"a":1}\n\n{"a":2}',
            [(2, b'{"a":1}'), (4, b'{"a":2}')],
        ),  # blank lines count, and are no documents
        (b'{"a":1}\nnonsense\n', [(1, b'{"a":1}'), (2, b"nonsense")]),
        (b'{"a":\n{"a":2}\n', [(1, b'{"a":'), (2, b'{"a":2}')]),  # the first line may be the bad one
        (b'{"a":', [(None, b'{"a":')]),
        (b'{\n "a": {"b": 1},\n "c"', [(None, b'{\n "a": {"b": 1},\n "c"')]),  # one value, cut off
        (b"", [(None, b"")]),
        (b"\n \n", [(None, b"")]),
    ],
)
def test_lines_and_values(data: bytes, expected: list[tuple[int | None, bytes]]) -> None:
    assert split(data) == expected


def test_a_file_that_is_not_named_ndjson_is_one_document() -> None:
    assert split(b'{"a":1}\n{"a":2}', by_line=False) == [(None, b'{"a":1}\n{"a":2}')]


def test_a_line_that_is_too_long_is_answered_and_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "LINE_BYTES_MAX", 10)
    data = b'{"a":1}\n' + b"x" * 35 + b'\n{"a":2}\n'
    found = list(split_documents(io.BytesIO(data), by_line=True))
    assert [(one.line, one.data.strip(), one.fault is None) for one in found] == [
        (1, b'{"a":1}', True),
        (2, b"", False),
        (3, b'{"a":2}', True),
    ]


def test_lines_are_read_one_at_a_time() -> None:
    class Endless(io.RawIOBase):
        """Would never end: whoever reads more than it needs does not return."""

        given = 0

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any, /) -> int:
            self.given += 1
            assert self.given < 50
            memoryview(buffer)[:8] = b'{"a":1}\n'
            return 8

    lines = split_documents(cast(BinaryIO, io.BufferedReader(Endless(), 8)), by_line=True)
    assert [next(lines) for _ in range(3)] == [Document(b'{"a":1}\n', line) for line in (1, 2, 3)]


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        list(read_documents(str(tmp_path / "none.json")))
    with pytest.raises(InputError, match="is a folder"):
        list(read_documents(str(tmp_path)))
