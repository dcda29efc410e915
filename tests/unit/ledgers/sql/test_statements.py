"""Named statements: what the file says is what runs."""

import re
from importlib.resources import files
from pathlib import Path

import pytest

import trueup.ledgers
from trueup.ledgers.journal.damaged_texts import TABLES
from trueup.ledgers.sql.statements import load_statements

DATABASES = ("postgresql", "sqlite")
OWN = {
    "postgresql": {"now", "newer_migrations", "marks_of_open_and_recent", "schema_parts"},
    "sqlite": {"oldest_recent"},
}  # that the other has no need for


def statements_of(database: str) -> dict[str, str]:
    source = files(f"trueup.ledgers.{database}").joinpath("statements.sql").read_text("utf-8")
    return load_statements(source, {"locked": "FOR UPDATE"})


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
    used = set(re.findall(r"\b(?:rows|stream|write|write_many|write_each|write_all)\(\s*\"(\w+)\"", source))
    for database in DATABASES:
        known = set(statements_of(database))
        exported = {name for name in known if name.startswith("export_")}
        others = set().union(*(names for owner, names in OWN.items() if owner != database))
        assert (used | exported | {table[1] for table in TABLES}) - others == known, database


def test_both_databases_bind_the_same_values_to_a_statement() -> None:
    postgresql, sqlite = statements_of("postgresql"), statements_of("sqlite")
    assert postgresql.keys() - OWN["postgresql"] == sqlite.keys() - OWN["sqlite"]
    for name in sqlite.keys() & postgresql.keys() - {
        "move_orders"
    }:  # one JSON array there, a column each here
        bound = {int(number) for number in re.findall(r"\$(\d+)", postgresql[name])}
        assert bound == {int(number) for number in re.findall(r"\?(\d+)", sqlite[name])}, name


@pytest.mark.parametrize("database", DATABASES)
def test_values_are_bound_and_never_written_in(database: str) -> None:
    """No statement holds a place that Python would fill."""
    for name, statement in statements_of(database).items():
        assert "%s" not in statement, name
        assert not re.search(r"\{\w+\}", statement), name
