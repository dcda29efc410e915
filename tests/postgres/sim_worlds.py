"""The simulator's worlds on PostgreSQL: the same seeds, faults and checkers as `trueup sim run`, over a real server.

python -m tests.postgres.sim_worlds [--seeds 500] [--first 1] [--jobs 2]
"""

import argparse
import logging
import multiprocessing
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from functools import partial
from typing import Any

import psycopg
from msgspec import Struct

from tests.postgres.databases import migrated_database
from trueup.ledgers.postgresql.connections import Connections
from trueup.ledgers.postgresql.database import PostgresDatabase
from trueup.ledgers.sql.database import Database
from trueup.sim.checkers.tables import Tables
from trueup.sim.database import Store
from trueup.sim.trials.trial import draw_plot, run_trial

_TABLES = """SELECT relname FROM pg_class WHERE relnamespace = 'trueup'::regnamespace AND relkind IN ('r', 'p')
AND NOT relispartition AND relname <> 'migrations' ORDER BY relname"""
_SEQUENCES = (
    "SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'trueup' ORDER BY sequencename"
)
_COLUMNS = """SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''"""


class _State(Struct, frozen=True):
    """Every table's rows as COPY gives them, and where its sequences stand."""

    rows: dict[str, bytes]
    sequences: list[tuple[str, int | None]]


class PostgresStore:
    """Implements `trueup.sim.database.Store`. A backup is what COPY reads; restoring it is what an operator's is."""

    def __init__(self, url: str, clock_ns: Callable[[], int]) -> None:
        self.database: Database = PostgresDatabase(Connections(url), clock_ns=clock_ns)
        self._connection = psycopg.connect(url, autocommit=True)
        self._connection.execute("SET search_path = trueup")
        self._names = [name for (name,) in self._connection.execute(_TABLES)]
        self._columns = {name: self._stored_columns(name) for name in self._names}
        self.tables: Tables = _Texts(self._connection)

    def state(self) -> _State:
        with self._connection.transaction():
            rows = {name: self._copied(name) for name in self._names}
            return _State(rows, list(self._connection.execute(_SEQUENCES)))

    def restore(self, state: _State) -> None:
        """As a replica no trigger fires, and foreign keys are not looked at."""
        with self._connection.transaction(), self._connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            cursor.execute(f"TRUNCATE {', '.join(self._names)}".encode())
            for name, rows in state.rows.items():
                with cursor.copy(f"COPY {name} ({self._columns[name]}) FROM STDIN".encode()) as copy:
                    copy.write(rows)
            for name, last in state.sequences:
                cursor.execute("SELECT setval(%s, %s, %s)", (name, last or 1, last is not None))

    def close(self) -> None:
        self._connection.close()

    def _stored_columns(self, name: str) -> str:
        (found,) = self._connection.execute(_COLUMNS, (name,)).fetchone() or ("",)
        return str(found)

    def _copied(self, name: str) -> bytes:
        with self._connection.cursor() as cursor:
            columns = self._columns[name]
            with cursor.copy(f"COPY (SELECT {columns} FROM {name}) TO STDOUT".encode()) as copy:
                return b"".join(map(bytes, copy))


class _Texts:
    """A connection with SQLite's marks, and rows with the values that SQLite gives."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    def execute(self, statements: str, bindings: Any, /) -> Iterable[Any]:
        text = re.sub(r"\?", "%s", statements)
        return [
            tuple(map(_as_sqlite, row)) for row in self._connection.execute(text.encode(), tuple(bindings))
        ]


def _as_sqlite(value: Any) -> Any:
    if isinstance(value, Decimal):
        text = f"{value:f}"  # `normalize` would round to 28 digits
        return text.rstrip("0").rstrip(".") if "." in text else text
    return int(value) if isinstance(value, bool) else value


def violations(seed: int) -> tuple[int, int, list[str]]:
    """The seed, how many runs, and what was violated."""
    stores: list[PostgresStore] = []

    def make(url: str, clock_ns: Callable[[], int]) -> Store:
        stores.append(PostgresStore(url, clock_ns))
        return stores[-1]

    with migrated_database() as url:
        try:
            trial = run_trial(draw_plot(seed), make_store=partial(make, url))
        finally:
            for store in stores:
                store.close()
    found = [f"{one.invariant} {one.subject}: {one.message}" for one in trial.violations]
    return seed, trial.runs, [*found, *([] if found or trial.rounds is not None else ["it never converged"])]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.postgres.sim_worlds", description=__doc__)
    parser.add_argument("--seeds", type=int, default=500)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args(arguments)
    failed, runs = 0, 0
    quiet = partial(logging.disable, logging.CRITICAL)  # what fails there is meant to
    with multiprocessing.get_context("spawn").Pool(given.jobs, quiet) as pool:
        for done, (seed, count, found) in enumerate(
            pool.imap_unordered(violations, range(given.first, given.first + given.seeds)), 1
        ):
            runs += count
            failed += bool(found)
            for line in found:
                print(f"seed {seed}: {line}", flush=True)
            if done % 50 == 0:
                print(f"{done} worlds, {failed} failed", file=sys.stderr, flush=True)
    print(f"{given.seeds} simulated worlds on PostgreSQL, {runs} runs: {failed} with a violation")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
