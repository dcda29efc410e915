"""Numbered migrations with checksums: `trueup migrate` brings a database to this version's schema; opening one checks.

Migrations come in two phases. *pre* only adds what older programs do not notice: it runs before programs are
upgraded. *post* takes away what they needed: it runs when none of them is left. So an older program works on a schema
whose newer migrations are all *pre*, and refuses one with a newer *post*; a newer program refuses a schema that lacks a
*pre* of its own, and works without its *post*. Nobody migrates by merely opening a database: the service's role has no
right to.

All that run in one call run in one transaction, behind an advisory lock of that transaction.
"""

from collections.abc import Sequence

import psycopg

from trueup.ledgers.postgresql.database import explain
from trueup.ledgers.sql.migrations import Migration, load_migrations
from trueup.model.errors import LedgerError

SCHEMA = "trueup"
LOCK = 0x7472_7565_7570  # "trueup": of two who migrate at once, one waits
PRE, POST = "pre", "post"
# a lock that cannot be had makes everybody queue behind it: better to try again later
TIMEOUTS = "SET LOCAL lock_timeout = '10s'; SET LOCAL statement_timeout = '10min'"
MIGRATE = "run `trueup migrate` with a role that owns the schema"
_TABLE = f"""
CREATE SCHEMA IF NOT EXISTS {SCHEMA};
CREATE TABLE IF NOT EXISTS {SCHEMA}.migrations (
  number     integer PRIMARY KEY,
  name       text NOT NULL,
  checksum   text NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT now()
)"""


def known_migrations() -> list[Migration]:
    """Of this version, in order."""
    found = load_migrations(__package__)
    for one in found:
        if phase(one.name) not in (PRE, POST):
            raise LedgerError(f"migration {one.name} names no phase: install trueup again")
    return found


def phase(name: str) -> str:
    """`pre` or `post`; what a newer program calls otherwise is none that this one could ignore."""
    return PRE if name.endswith(".pre") else POST


def missing(connection: psycopg.Connection, address: str, *, post: bool) -> list[Migration]:
    """What `migrate` would run: with `post`, of both phases. Raises LedgerError where the schema is not ours."""
    known = known_migrations()
    applied = _applied(connection)
    _check(applied, known, address)
    return [one for one in known if one.number not in applied and (post or phase(one.name) == PRE)]


def migrate(connection: psycopg.Connection, address: str, *, post: bool) -> list[str]:
    """Runs what is missing, all of it or nothing; returns the names."""
    try:
        with connection.transaction():
            connection.execute(f"SELECT pg_advisory_xact_lock({LOCK})")
            connection.execute(TIMEOUTS)
            connection.execute(_TABLE)
            done = missing(connection, address, post=post)
            for one in done:
                connection.execute(one.sql.encode())
                connection.execute(
                    f"INSERT INTO {SCHEMA}.migrations (number, name, checksum) VALUES ($1, $2, $3)",  # noqa: S608
                    (one.number, one.name, one.checksum),
                )
    except psycopg.Error as fault:
        raise explain(fault, address) from fault
    return [one.name for one in done]


def script(migrations: Sequence[Migration]) -> str:
    """The same as SQL to read, or to run by hand."""
    parts = ["BEGIN;", f"SELECT pg_advisory_xact_lock({LOCK});", f"{TIMEOUTS};", _TABLE.strip() + ";"]
    for one in migrations:
        parts.append(f"-- {one.name}\n{one.sql.strip()}")
        values = f"({one.number}, '{one.name}', '{one.checksum}')"
        parts.append(f"INSERT INTO {SCHEMA}.migrations (number, name, checksum) VALUES {values};")  # noqa: S608
    return "\n\n".join([*parts, "COMMIT;"]) + "\n"


def check_schema(connection: psycopg.Connection, address: str) -> None:
    """Raises LedgerError where this program cannot work on it."""
    try:
        lacking = missing(connection, address, post=False)
    except psycopg.Error as fault:
        raise explain(fault, address) from fault
    if lacking and len(lacking) == sum(phase(one.name) == PRE for one in known_migrations()):
        raise LedgerError(f"{address} has no tables of trueup: {MIGRATE}")
    if lacking:
        names = ", ".join(one.name for one in lacking)
        raise LedgerError(f"{address} lacks {names}, which this trueup needs: {MIGRATE}")


def _check(applied: dict[int, tuple[str, str]], known: Sequence[Migration], address: str) -> None:
    for one in known:
        name, checksum = applied.get(one.number, (one.name, one.checksum))
        if (name, checksum) != (one.name, one.checksum):
            raise LedgerError(
                f"{address}: migration {name} is not the one that was applied to it: install a released trueup, "
                "or restore the ledger from a backup"
            )
    newer = [
        name for number, (name, _) in sorted(applied.items()) if number > len(known) and phase(name) == POST
    ]
    if newer:
        raise LedgerError(
            f"{address} has {newer[-1]}, which this trueup does not know: install the newer trueup"
        )


def _applied(connection: psycopg.Connection) -> dict[int, tuple[str, str]]:
    exists = connection.execute("SELECT to_regclass($1)", (f"{SCHEMA}.migrations",)).fetchone()
    if exists is None or exists[0] is None:
        return {}
    rows = connection.execute(f"SELECT number, name, checksum FROM {SCHEMA}.migrations").fetchall()  # noqa: S608
    return {int(number): (str(name), str(checksum)) for number, name, checksum in rows}
