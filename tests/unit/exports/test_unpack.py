# ruff: noqa: E501 - rows of files stand as they are written
"""Packed files give the same rows as the file inside."""

import gzip
from pathlib import Path

import duckdb
import pytest

from trueup.exports.read_rows import read_rows
from trueup.model.errors import InputError

CSV = b"order_id,qty,is_short,at\nv-1,0.10,true,2026-11-20 09:00:00\n"


def test_gzip() -> None:
    assert read_rows(gzip.compress(CSV), "x.csv.gz") == read_rows(CSV, "x.csv.gz")


def test_gzip_that_is_cut_off() -> None:
    with pytest.raises(InputError, match="cut off"):
        read_rows(gzip.compress(CSV)[:-12], "x.csv.gz")


def test_gzip_that_unpacks_to_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trueup.exports.unpack.UNPACKED_BYTES_MAX", 100)
    with pytest.raises(InputError, match="unpacks to more"):
        read_rows(gzip.compress(b"a,b\n" + b"1,2\n" * 100), "x.csv.gz")


def test_parquet(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    relation = duckdb.sql(
        "SELECT 'v-1' AS order_id, 0.10::DECIMAL(38,18) AS qty, true AS is_short, TIMESTAMP '2026-11-20 09:00:00' AS at, "
        "NULL::VARCHAR AS nothing, {'cost': 0.5::DOUBLE, 'currency': 'BTC'} AS fee"
    )
    assert relation is not None
    relation.write_parquet(str(path))
    [row] = read_rows(path.read_bytes(), "x.parquet").rows
    assert row.cells == {
        "order_id": "v-1", "qty": "0.100000000000000000", "is_short": "true", "at": "2026-11-20 09:00:00",
        "nothing": None, "fee.cost": "0.5", "fee.currency": "BTC",
    }  # fmt: skip


def test_texts_of_parquet_that_are_not_marked_as_texts(tmp_path: Path) -> None:
    """Spark and others write texts as bare bytes."""
    path = tmp_path / "x.parquet"
    duckdb.execute(f"COPY (SELECT 'v-1'::BLOB AS order_id, '0.10' AS qty) TO '{path}' (FORMAT PARQUET)")
    [row] = read_rows(path.read_bytes(), "x.parquet").rows
    assert row.cells == {"order_id": "v-1", "qty": "0.10"}


def test_parquet_that_is_none() -> None:
    with pytest.raises(InputError, match="Parquet that cannot be read"):
        read_rows(b"PAR1 and no more", "x.parquet")
