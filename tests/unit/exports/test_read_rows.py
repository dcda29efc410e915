"""Rows of files as people really have them: put together, cut off, packed, of another program. Expected by hand."""

import gzip
import io
import json
import tarfile

import pytest

from trueup.exports.read_rows import read_rows
from trueup.model.errors import InputError

HEADER = "id,side,status\n"


def cells(text: str) -> list[dict[str, str | None]]:
    return [row.cells for row in read_rows(text.encode(), "x.csv").rows]


def refused(data: bytes | str) -> str:
    with pytest.raises(InputError) as fault:
        read_rows(data if isinstance(data, bytes) else data.encode(), "x.csv")
    return str(fault.value)


def test_several_files_put_together_have_their_header_again() -> None:
    rows = read_rows(f"{HEADER}v-1,buy,new\n{HEADER}v-2,buy,new\n".encode(), "x.csv").rows
    assert [(row.number, row.cells["id"]) for row in rows] == [(2, "v-1"), (4, "v-2")]


def test_lines_with_too_many_or_too_few_cells_say_why() -> None:
    assert "x.csv line 2: 2 cells under 3 columns; is the file cut off?" in refused(f"{HEADER}v-1,bu")
    assert "x.csv line 2: 4 cells under 3 columns; is a comma in a cell" in refused(
        f"{HEADER}v-1,1,820,new\n"
    )


def test_what_psql_prints_is_a_table() -> None:
    printed = (
        " id  | side | client_id \n-----+------+-----------\n v-1 | buy  | \n v-2 | sell | c-2\n(2 rows)\n"
    )
    assert cells(printed) == [
        {"id": "v-1", "side": "buy", "client_id": None},
        {"id": "v-2", "side": "sell", "client_id": "c-2"},
    ]
    assert cells("| id | side |\n|:---|---:|\n| v-1 | buy |\n")[0]["id"] == "v-1"


@pytest.mark.parametrize("null", ["\\N", "[NULL]", "<null>", "NULL", "-"])
def test_what_databases_write_for_null_is_nothing(null: str) -> None:
    assert cells(f"id,client_id\nv-1,{null}\n") == [{"id": "v-1", "client_id": None}]


def test_a_quote_that_is_not_doubled() -> None:
    assert "line 2: not CSV (',' expected after '\"'); is a quote in a cell not doubled?" in refused(
        'id,note\nv-1,"a \\"b\\" c"\n'
    )


def test_json_that_pandas_writes_by_column() -> None:
    frame = {"id": {"0": "v-1", "1": "v-2"}, "status": {"0": "open", "1": "closed"}}
    assert cells(json.dumps(frame)) == [
        {"id": "v-1", "status": "open"},
        {"id": "v-2", "status": "closed"},
    ]


def test_a_line_that_is_an_order_with_data_of_its_own_is_no_frame() -> None:
    order = {"exchange_order_id": "v-1", "side": "buy", "data": {"x": "1"}}
    lines = "\n".join([json.dumps(order)] * 2)
    assert [one["exchange_order_id"] for one in cells(lines)] == ["v-1", "v-1"]


def test_orders_keyed_by_numbers_are_no_columns() -> None:
    orders = {"1001": {"side": "buy", "status": "open"}, "1002": {"side": "sell", "status": "closed"}}
    assert [one["id"] for one in cells(json.dumps(orders))] == ["1001", "1002"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{}", "x.csv: an empty object"),
        ('{"id": "v-1"}\n{"id": "v', "x.csv line 2: not JSON: Unterminated string starting at column 8; is the file"),
        ('[{"id": "v-1"}, {"id":', "is the file cut off?"),
    ],
)  # fmt: skip
def test_json_that_is_cut_off(text: str, expected: str) -> None:
    assert expected in refused(text)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a spreadsheet (xls)"),
        (b"%PDF-1.7\n%\xe2\xe3", "a PDF"),
        (b"\n<!DOCTYPE html><html>", "a web page or XML"),
        (b'<?xml version="1.0"?>', "a web page or XML"),
        (b"\x28\xb5\x2f\xfd\x04", "packed by Zstandard"),
        (gzip.compress(gzip.compress(HEADER.encode(), mtime=0), mtime=0), "packed twice"),
    ],
)
def test_what_is_no_table_is_called_by_its_name(data: bytes, expected: str) -> None:
    assert f"this is {expected}" in refused(data)


def test_a_tar_inside_a_gzip() -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        entry = tarfile.TarInfo("orders.csv")
        entry.size = len(HEADER)
        archive.addfile(entry, io.BytesIO(HEADER.encode()))
    assert "this is a tar archive; unpack it" in refused(packed.getvalue())


def test_parquet_that_is_cut_off_is_called_by_its_own_name() -> None:
    message = refused(b"PAR1" + b"\x15\x04" * 30)
    assert "is the file cut off?" in message
    assert "tmp" not in message
