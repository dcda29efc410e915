"""The ledger in one PostgreSQL database, in the schema `trueup`. Any number of processes and machines share it."""

from collections.abc import Callable

from trueup.ledgers.postgresql.connections import Connections
from trueup.ledgers.postgresql.database import PostgresDatabase
from trueup.ledgers.postgresql.migrate import check_schema
from trueup.ledgers.sql.sql_ledger import SqlLedger
from trueup.ports.ledger import LedgerSettings


def open_postgresql(
    url: str, *, clock_ns: Callable[[], int] | None = None, connections_max: int | None = None
) -> SqlLedger:
    """Opens the ledger at `url`, whose tables `trueup migrate` has made. Raises LedgerError, ConfigError.

    `clock_ns`: for tests; the ledger's clock is the database's.
    """
    connections = Connections(url, connections_max)
    with connections.one() as connection:
        check_schema(connection, connections.address)
    return SqlLedger(PostgresDatabase(connections, clock_ns=clock_ns))


def open_ledger(settings: LedgerSettings) -> SqlLedger:
    """The entry point `postgresql`: any URL that libpq takes. Nothing is made: `trueup migrate` does that."""
    return open_postgresql(settings.url, connections_max=settings.connections_max)


__all__ = ["open_ledger", "open_postgresql"]
