"""Numbered migrations with checksums: a database is brought to this version's schema, or refused with the reason.

One transaction for all that are missing; a schema that is newer, a migration that was changed afterwards, and a
database of another program are refused before anything is touched.
"""

import time
from collections.abc import Sequence

import apsw

from trueup.ledgers.sql.migrations import Migration, load_migrations
from trueup.model.errors import RESTORE, ConfigError, LedgerDamaged, LedgerError

SETTING_TRIES_MAX = 50
SETTING_WAIT_S = 0.02  # opening a ledger takes a few milliseconds
_TABLE = """CREATE TABLE IF NOT EXISTS trueup_migrations (
  number     INTEGER PRIMARY KEY,
  name       TEXT NOT NULL,
  checksum   TEXT NOT NULL,
  applied_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT"""


def migrate(connection: apsw.Connection, path: str, settings: Sequence[str], *, create: bool = True) -> bool:
    """Check, configure, migrate; says whether there was no ledger yet.

    `create` false: then that is a ConfigError. Raises LedgerError; apsw's own errors go through.
    """
    migrations = load_migrations(__package__)
    _check(connection, path, migrations)
    is_new = not _applied(connection)
    if is_new and not create:
        raise ConfigError(
            f"{path} holds no books: it is empty. Restore a backup, or remove it; looking makes none"
        )
    for setting in settings:
        configure(connection, setting)
    if len(_applied(connection)) == len(migrations):
        return False
    connection.execute("BEGIN IMMEDIATE")
    try:
        _check(connection, path, migrations)  # another process may have been first
        connection.execute(_TABLE)
        for one in migrations[len(_applied(connection)) :]:
            connection.execute(one.sql)
            connection.execute(
                "INSERT INTO trueup_migrations (number, name, checksum) VALUES (?, ?, ?)",
                (one.number, one.name, one.checksum),
            )
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
    return is_new


def configure(connection: apsw.Connection, setting: str) -> None:
    """SQLite does not wait where another process opens the same new file and changes its journal at that moment."""
    for _ in range(SETTING_TRIES_MAX - 1):
        try:
            connection.execute(setting).fetchall()
        except apsw.BusyError:
            time.sleep(SETTING_WAIT_S)
        else:
            return
    connection.execute(setting).fetchall()


def _check(connection: apsw.Connection, path: str, migrations: Sequence[Migration]) -> None:
    tables = {
        str(name) for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
    }
    if tables and "trueup_migrations" not in tables:
        raise LedgerError(f"{path} is another program's database: give trueup a file of its own")
    applied = _applied(connection)
    if not applied and len(tables) > 1:
        raise LedgerDamaged(f"ledger {path} is {RESTORE} (it does not know any more which schema it has)")
    if len(applied) > len(migrations):
        raise LedgerError(
            f"{path} has schema {max(applied)}, this trueup knows {len(migrations)}: install the newer trueup"
        )
    for one in migrations[: len(applied)]:
        if applied.get(one.number) != one.checksum:
            raise LedgerError(
                f"{path}: migration {one.name} is not the one that was applied to it: install a released trueup, "
                "or restore the ledger from a backup"
            )


def _applied(connection: apsw.Connection) -> dict[int, str]:
    exists = connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'trueup_migrations'").fetchall()
    if not exists:
        return {}
    rows = connection.execute("SELECT number, checksum FROM trueup_migrations").fetchall()
    return {int(str(number)): str(checksum) for number, checksum in rows}
