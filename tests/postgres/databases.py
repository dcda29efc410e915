"""A migrated database for each test, on the session's server: copied from a template, dropped at the end."""

import atexit
import fcntl
import hashlib
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from urllib.parse import urlsplit

import psycopg

from tests.postgres.server import SharedServer
from trueup.ledgers.postgresql.migrate import known_migrations, migrate

PREFIX = "trueup_test_"


@cache
def shared_server() -> SharedServer:
    """Of this process; it ends with the last process that uses it."""
    return SharedServer()


@contextmanager
def empty_database() -> Iterator[str]:
    """The URL of a database that nothing is in."""
    name = _create("template0")
    try:
        yield url_of(name)
    finally:
        _drop(name)


@contextmanager
def migrated_database() -> Iterator[str]:
    """The URL of a database with trueup's tables. It is emptied for the next, where its schema was left as it was."""
    name = _clean.pop() if _clean else _create(_template())
    try:
        yield url_of(name)
    finally:
        try:
            _empty(name)
            _clean.append(name)
        except (psycopg.Error, AssertionError):
            _drop(name)


def url_of(database: str) -> str:
    """A database of the session's server."""
    return urlsplit(shared_server().url)._replace(path=f"/{database}").geturl()


_clean: list[str] = []  # databases of this process that the next test may have
_SCHEMA_FACTS = """
SELECT md5(string_agg(fact, ',' ORDER BY fact)) FROM (
  SELECT concat_ws(' ', tgname, tgrelid::regclass, tgenabled) FROM pg_trigger WHERE NOT tgisinternal
  UNION ALL SELECT concat_ws(' ', relname, relkind, relacl) FROM pg_class WHERE relnamespace = 'trueup'::regnamespace
  UNION ALL SELECT concat_ws(' ', nspname, nspacl) FROM pg_namespace WHERE nspname !~ '^pg_'
  UNION ALL SELECT concat_ws(' ', number, name, checksum) FROM trueup.migrations) AS facts (fact)"""


def _empty(name: str) -> None:
    """Raises AssertionError where the schema was changed, psycopg.Error where somebody still works in it."""
    with psycopg.connect(url_of(name)) as connection:
        assert connection.execute(_SCHEMA_FACTS.encode()).fetchone() == _template_facts()
        # as a replica no trigger fires, and foreign keys are not looked at
        connection.execute("SET LOCAL session_replication_role = replica; SET LOCAL lock_timeout = '2s'")
        tables = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'trueup'::regnamespace AND relkind IN ('r', 'p')"
            " AND NOT relispartition AND relname <> 'migrations'"
        ).fetchall()
        connection.execute("".join(f"DELETE FROM trueup.{table};" for (table,) in tables).encode())
        connection.execute("ALTER SEQUENCE trueup.orders_order_key_seq RESTART")
        connection.execute("ALTER SEQUENCE trueup.outbox_sequence_seq RESTART")


@cache
def _template_facts() -> object:
    name = _create(_template())
    try:
        with psycopg.connect(url_of(name)) as connection:
            return connection.execute(_SCHEMA_FACTS.encode()).fetchone()
    finally:
        _drop(name)


def _create(template: str) -> str:
    name = PREFIX + uuid.uuid4().hex[:12]
    run_as_owner(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
    return name


def _drop(name: str) -> None:
    run_as_owner(f"DROP DATABASE {name} WITH (FORCE)")


@atexit.register
def _drop_clean() -> None:
    """On a server that others own."""
    while _clean:
        _drop(_clean.pop())


def run_as_owner(statement: str) -> None:
    with psycopg.connect(shared_server().url, autocommit=True) as connection:
        connection.execute(statement.encode())


@cache
def _template() -> str:
    """Made once for a server, by whichever process comes first; named after what is in it."""
    contents = "".join(one.checksum for one in known_migrations())
    name = f"{PREFIX}template_{hashlib.sha256(contents.encode()).hexdigest()[:12]}"
    making = os.open(f"/tmp/{name}-{os.geteuid()}.lock", os.O_CREAT | os.O_RDWR)
    try:
        fcntl.flock(making, fcntl.LOCK_EX)
        with psycopg.connect(shared_server().url, autocommit=True) as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchall()
            if known:
                return name
            unfinished = f"{name}_unfinished"
            connection.execute(f"DROP DATABASE IF EXISTS {unfinished}".encode())
            connection.execute(f"CREATE DATABASE {unfinished} TEMPLATE template0 ENCODING 'UTF8'".encode())
            with psycopg.connect(
                url_of(unfinished), autocommit=True, cursor_factory=psycopg.RawCursor
            ) as inside:
                migrate(inside, unfinished, post=True)
            connection.execute(f"ALTER DATABASE {unfinished} RENAME TO {name}".encode())
    finally:
        os.close(making)
    return name
