"""PostgreSQL's tables are SQLite's: what one of them gets, the other needs, too."""

from typing import Any

import apsw
import psycopg

from tests.postgres.databases import migrated_database
from trueup.ledgers.sql.migrations import load_migrations


def sqlite_columns() -> dict[str, set[str]]:
    connection = apsw.Connection(":memory:")
    for one in load_migrations("trueup.ledgers.sqlite"):
        connection.execute(one.sql)
    rows: list[Any] = connection.execute(
        "SELECT t.name, c.name FROM sqlite_schema t JOIN pragma_table_xinfo(t.name) c"
        " WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%'"
    ).fetchall()
    connection.close()
    return gathered(rows)


def postgresql_columns() -> dict[str, set[str]]:
    with migrated_database() as url, psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT table_name, column_name FROM information_schema.columns JOIN pg_class"
            " ON relname = table_name AND relnamespace = 'trueup'::regnamespace"
            " WHERE table_schema = 'trueup' AND NOT relispartition"
        ).fetchall()
    return gathered(rows)


def gathered(rows: list[tuple[str, str]]) -> dict[str, set[str]]:
    tables: dict[str, set[str]] = {}
    for table, column in rows:
        tables.setdefault(table, set()).add(column)
    return tables


def test_both_databases_have_the_same_tables_and_columns() -> None:
    here = postgresql_columns()
    del here["migrations"]
    assert here == sqlite_columns()
