"""Which rights a role needs, and no more: a *writer* (the service, a bot's Recorder, people) and a *reader*.

The writer cannot change or delete a row of the order log, or alter a table: whoever has only its password cannot hide
what was done. It deletes rows of the books because `trueup undo` does; one that goes past the log `verify` finds. The
owner of the schema migrates, and nobody works with that role.
"""

import psycopg
from psycopg import sql

from trueup.ledgers.postgresql.database import explain
from trueup.ledgers.postgresql.migrate import SCHEMA

# What the writer may do besides reading. Every table stands here: a new one is a decision.
WRITER = {
    "accounts": "INSERT, UPDATE",
    "alert_deliveries": "INSERT, UPDATE, DELETE",
    "alerts": "INSERT, UPDATE, DELETE",  # those that are over are forgotten by `trueup purge`
    "breaks": "INSERT, UPDATE, DELETE",  # resolved ones are forgotten by `trueup purge`
    "decisions": "INSERT, UPDATE",
    "deferrals": "INSERT, UPDATE, DELETE",
    "exit_audit": "INSERT, UPDATE",
    "fills": "INSERT, UPDATE, DELETE",  # what a bot's own row, or a person, took back
    "fleet_accounts": "INSERT, UPDATE, DELETE",  # which accounts are run: none of the books
    "fleet_budgets": "INSERT, UPDATE",
    "fleet_portions": "INSERT, DELETE",
    "fleet_workers": "INSERT, UPDATE, DELETE",
    "foreign_cursors": "INSERT, UPDATE, DELETE",
    "foreign_rows": "INSERT, UPDATE, DELETE",  # the mirror's memory of a bot's own rows
    "leases": "INSERT, UPDATE",
    "migrations": "",
    "order_log": "INSERT",
    "orders": "INSERT, UPDATE, DELETE",  # `trueup undo` takes back what a run inserted
    "outbox": "INSERT, UPDATE, DELETE",
    "person_corrections": "INSERT",
    "previous_ids": "INSERT, DELETE",  # by the triggers of orders
    "profiles": "INSERT, UPDATE",
    "runs": "INSERT, DELETE",
    "trades": "INSERT, UPDATE, DELETE",
    "watermarks": "INSERT, UPDATE, DELETE",
    "write_backs": "INSERT, UPDATE, DELETE",
}


def grants(role: str, *, writer: bool) -> list[str]:
    """The statements that give a role, which exists, its rights and take all others on trueup's tables."""
    schema, name = sql.Identifier(SCHEMA), sql.Identifier(role)
    parts = [
        sql.SQL("REVOKE ALL ON ALL TABLES IN SCHEMA {} FROM {}").format(schema, name),
        sql.SQL("REVOKE ALL ON ALL SEQUENCES IN SCHEMA {} FROM {}").format(schema, name),
        sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(schema, name),
        sql.SQL("GRANT SELECT ON ALL TABLES IN SCHEMA {} TO {}").format(schema, name),
    ]
    if writer:
        parts.append(sql.SQL("GRANT USAGE ON ALL SEQUENCES IN SCHEMA {} TO {}").format(schema, name))
        for table, rights in WRITER.items():
            if rights:
                place = sql.Identifier(SCHEMA, table)
                parts.append(sql.SQL("GRANT {} ON {} TO {}").format(sql.SQL(rights), place, name))
    return [part.as_string(None) for part in parts]


def grant(connection: psycopg.Connection, address: str, role: str, *, writer: bool) -> None:
    """All of it or nothing. Raises LedgerError where the role does not exist, or this one may not."""
    try:
        with connection.transaction():
            for statement in grants(role, writer=writer):
                connection.execute(statement.encode())
    except psycopg.Error as fault:
        raise explain(fault, address) from fault
