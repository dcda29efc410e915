"""The how-to's code runs as it is printed, and the reference names every table."""

import re
from pathlib import Path
from typing import Any

import pytest

from trueup.ledgers.sqlite import open_sqlite
from trueup.ledgers.sqlite.database import SqliteDatabase

DOCS = Path(__file__).parents[3] / "docs"


def test_the_how_to_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    code = re.findall(r"```python\n(.*?)```", (DOCS / "how-to/recorder.md").read_text("utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec("\n".join(code), names)  # noqa: S102 - the documentation is what is tested
    (order,) = names["ledger"].export("orders")
    assert (order["status"], order["filled_qty"]) == ("canceled", "0.2")
    assert names["ledger"].export("trades")[0]["entry_qty"] == "0.2"
    names["ledger"].close()


def test_the_reference_names_every_table() -> None:
    ledger = open_sqlite(":memory:")
    assert isinstance(ledger.database, SqliteDatabase)
    rows = ledger.database.connection.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table'"
    ).fetchall()
    ledger.close()
    page = (DOCS / "reference/ledger-schema.md").read_text("utf-8")
    tables = {str(name) for (name,) in rows}
    assert {name for name in tables if not name.startswith("sqlite_") and f"`{name}`" not in page} == set()
