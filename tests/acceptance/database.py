"""The books of an acceptance test, in the ledger that the fixture `database` chose: a SQLite file, or PostgreSQL."""

import os
import time
from collections.abc import Callable

from trueup.ledgers.postgresql import open_postgresql
from trueup.ledgers.sql.sql_ledger import SqlLedger
from trueup.ledgers.sqlite import open_sqlite

VARIABLE = "TRUEUP_DATABASE_URL"  # which every process of trueup's obeys


def open_books(path: str | os.PathLike[str], clock_ns: Callable[[], int] = time.time_ns) -> SqlLedger:
    """`path`: of the file, where the books are one."""
    url = os.environ.get(VARIABLE)
    return open_sqlite(path, clock_ns=clock_ns) if url is None else open_postgresql(url, clock_ns=clock_ns)
