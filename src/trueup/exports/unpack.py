"""What is packed, unpacked: gzip by the standard library, Parquet by DuckDB (the extra `history`).

Decides by the first bytes, never by the name. Must not know what a row is for.
"""

import gzip
import io
import tempfile
import zlib
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from trueup.model.errors import ExtraMissing, InputError

UNPACKED_BYTES_MAX = 1 << 30  # as much as a file that is not packed may hold
ROWS_MAX = 5_000_000  # of one Parquet file: more is no longer one bot's export
_GZIP, _PARQUET = b"\x1f\x8b", b"PAR1"


def unpack(data: bytes, name: str) -> bytes:
    """The bytes inside a gzip; others as they are. Raises InputError where it is cut off or too large."""
    if not data.startswith(_GZIP):
        return data
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            inside = file.read(UNPACKED_BYTES_MAX + 1)
    except (OSError, EOFError, zlib.error) as fault:
        raise InputError(f"gzip that cannot be unpacked ({fault}); is the file cut off?", name) from fault
    if len(inside) > UNPACKED_BYTES_MAX:
        raise InputError(f"unpacks to more than {UNPACKED_BYTES_MAX >> 20} MB; split it", name)
    return inside


def is_parquet(data: bytes) -> bool:
    return data.startswith(_PARQUET)


def read_parquet(data: bytes, name: str) -> list[dict[str, Any]]:
    """Its rows as objects whose scalars are texts. Raises ExtraMissing without DuckDB, InputError for a bad file."""
    try:
        import duckdb
    except ImportError as fault:
        raise ExtraMissing(f"{name} is Parquet, which needs DuckDB", "history") from fault
    with tempfile.NamedTemporaryFile(suffix=".parquet") as file, duckdb.connect() as connection:
        file.write(data)
        file.flush()
        try:
            answer = connection.execute("SELECT * FROM read_parquet(?, binary_as_string = true)", [file.name])
            columns = [column[0] for column in answer.description or ()]
            rows = answer.fetchmany(ROWS_MAX + 1)
        except duckdb.Error as fault:
            said = str(fault).splitlines()[0].replace(file.name, name)
            raise InputError(f"Parquet that cannot be read ({said}); is the file cut off?", name) from fault
    if len(rows) > ROWS_MAX:
        raise InputError(f"holds more than {ROWS_MAX} rows; split it", name)
    return [dict(zip(columns, map(_plain, row), strict=True)) for row in rows]


def _plain(value: Any) -> Any:
    """As the JSON reader would give it: texts, booleans, nulls, and what is made of them."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if isinstance(value, datetime):
        return value.isoformat(" ") if value.tzinfo is None else value.astimezone(UTC).isoformat(" ")
    return format(value, "f") if isinstance(value, Decimal) else str(value)
