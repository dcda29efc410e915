"""Whether rows may be inserted into a bot's tables, or why not: in a line for a person, null where they may.

Only where a unique key on an id protects the bot's own late row, so that it is refused there and not doubled; and where
every column that a new row must say is mapped.
"""

from collections.abc import Iterable

from trueup.books.tables.database import TableDatabase
from trueup.books.tables.mapping import LINKS, TableMapping


def order_insert_fault(database: TableDatabase, table: TableMapping) -> str | None:
    """Why orders that only the venue knows are not inserted."""
    ids = {table.columns.get("venue_order_id"), table.columns.get("client_order_id")} - {None}
    companions = {table.columns.get("symbol"), table.columns.get("profile"), *table.where} | ids
    unique = database.unique_keys(table.table)
    if not any(set(key) <= companions and set(key) & ids for key in unique):
        return "no unique key protects the bot's own late row"
    named = set(table.key or database.primary_key(table.table)) & set(table.columns.values()) - ids
    if named:
        return f"{', '.join(sorted(named))} is the bot's own key"
    return _computed(database, table, table.columns) or _unsaid(database, table, table.columns.values())


def fill_insert_fault(database: TableDatabase, table: TableMapping) -> str | None:
    """Why fills that were booked are not inserted."""
    fill_id = table.columns.get("fill_id")
    companions = {table.columns.get(one) for one in (*LINKS, "symbol")} | set(table.where) | {fill_id}
    unique = database.unique_keys(table.table)
    if not any(fill_id in key and set(key) <= companions for key in unique):
        return f"no unique key of {table.table} protects the bot's own late row"
    return _computed(database, table, table.writable) or _unsaid(
        database, table, (table.columns[one] for one in table.writable)
    )


def computed_columns(database: TableDatabase, table: TableMapping, meanings: Iterable[str]) -> list[str]:
    """Those that the database computes: nobody sets them."""
    known = database.columns(table.table)
    columns = [table.columns[one] for one in meanings]
    return [one for one in columns if one in known and known[one].computed]


def _computed(database: TableDatabase, table: TableMapping, meanings: Iterable[str]) -> str | None:
    found = computed_columns(database, table, meanings)
    return f"{', '.join(found)} is computed by the database" if found else None


def _unsaid(database: TableDatabase, table: TableMapping, said: Iterable[str]) -> str | None:
    """A column that a new row must say, and that trueup has nothing for."""
    known = {*said, *table.where}
    missing = [
        one.name for one in database.columns(table.table).values() if one.given and one.name not in known
    ]
    return f"a new row needs {', '.join(missing)}, which nothing is mapped to" if missing else None
