"""`trueup migrate`: makes and upgrades the tables of a PostgreSQL database, and gives roles their rights."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from trueup.model.errors import InputError
from trueup.surfaces.cli.configured import load
from trueup.surfaces.cli.exit_codes import IN_SYNC
from trueup.surfaces.cli.invocation import Invocation, common

if TYPE_CHECKING:
    import psycopg


@click.command()
@click.option("--sql", is_flag=True, help="Print what would be run, and run nothing.")
@click.option(
    "--post", is_flag=True, help="Also take away what older programs need: when none of them runs any more."
)
@click.option(
    "--grant-writer", "writers", multiple=True, metavar="ROLE", help="Give a role what trueup needs to work."
)
@click.option(
    "--grant-reader", "readers", multiple=True, metavar="ROLE", help="Give a role what looking needs."
)
@common
def command(
    invocation: Invocation, sql: bool, post: bool, writers: Sequence[str], readers: Sequence[str]
) -> int:
    """Bring the configured PostgreSQL database to this version's tables. A SQLite file needs none of it."""
    from trueup.service.open_ledger import database_file, database_url

    loaded = load(invocation)
    if database_file(loaded) is not None:
        raise InputError("a SQLite file is migrated by opening it; this is for postgresql://", "database.url")
    from trueup.ledgers.postgresql.connections import Connections

    connections = Connections(database_url(loaded, os.environ))
    with connections.connect() as connection:
        if sql:
            click.echo(_script(connection, connections.address, writers, readers, post=post))
            return IN_SYNC
        _migrate(invocation, connection, connections.address, writers, readers, post=post)
    return IN_SYNC


def _script(
    connection: "psycopg.Connection",
    address: str,
    writers: Sequence[str],
    readers: Sequence[str],
    *,
    post: bool,
) -> str:
    from trueup.ledgers.postgresql.grants import grants
    from trueup.ledgers.postgresql.migrate import missing, script

    parts = [script(missing(connection, address, post=post))]
    parts += [f"{statement};" for role in writers for statement in grants(role, writer=True)]
    parts += [f"{statement};" for role in readers for statement in grants(role, writer=False)]
    return "\n".join(parts)


def _migrate(
    invocation: Invocation,
    connection: "psycopg.Connection",
    address: str,
    writers: Sequence[str],
    readers: Sequence[str],
    *,
    post: bool,
) -> None:
    from trueup.ledgers.postgresql.grants import grant
    from trueup.ledgers.postgresql.migrate import migrate

    done = migrate(connection, address, post=post)
    for role in writers:
        grant(connection, address, role, writer=True)
    for role in readers:
        grant(connection, address, role, writer=False)
    if invocation.json:
        invocation.data({"migrated": done, "writers": list(writers), "readers": list(readers)})
        return
    invocation.line(f"migrated: {', '.join(done)}" if done else "the tables are this version's already")
    for role in (*writers, *readers):
        invocation.line(f"granted: {role}")
