"""The files of migrations that stand beside each database's code."""

import pytest

from trueup.ledgers.sql.migrations import load_migrations


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_migrations_are_numbered_without_a_gap(database: str) -> None:
    found = load_migrations(f"trueup.ledgers.{database}")
    assert [one.number for one in found] == list(range(1, len(found) + 1))
    assert found[0].number == 1
