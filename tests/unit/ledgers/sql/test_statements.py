"""Named statements: what the file says is what runs."""

import re
from importlib.resources import files
from pathlib import Path

import pytest

import trueup.ledgers
from trueup.ledgers.sql.statements import load_statements

SQLITE = files("trueup.ledgers.sqlite").joinpath("statements.sql").read_text("utf-8")


def test_fragments_are_filled_in_and_comments_left_out() -> None:
    statements = load_statements(
        "-- head\n-- fragment: keys\na, b\n-- fragment: more\n{keys}, c\n\n-- PART\n\n"
        "-- name: one\n-- why\nSELECT {more}\n-- name: two\nSELECT 1\n"
    )
    assert statements == {"one": "SELECT a, b, c", "two": "SELECT 1"}


def test_two_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="two statements are named one"):
        load_statements("-- name: one\nSELECT 1\n-- name: one\nSELECT 2\n")


def test_every_statement_is_used_and_every_use_is_a_statement() -> None:
    folder = Path(trueup.ledgers.__file__).parent
    source = "\n".join(one.read_text("utf-8") for one in folder.rglob("*.py"))
    used = set(re.findall(r"\b(?:rows|write|write_many)\(\s*\"(\w+)\"", source))
    exported = {name for name in load_statements(SQLITE) if name.startswith("export_")}
    assert used | exported == set(load_statements(SQLITE))


def test_values_are_bound_and_never_written_in() -> None:
    """No statement holds a place that Python would fill."""
    for name, statement in load_statements(SQLITE).items():
        assert "%s" not in statement, name
        assert not re.search(r"\{\w+\}", statement), name
