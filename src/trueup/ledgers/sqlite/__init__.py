"""The ledger and journal in one SQLite file."""

import os
import time
from collections.abc import Callable

from trueup.ledgers.sql.sql_ledger import SqlLedger
from trueup.ledgers.sqlite.database import SqliteDatabase


class SqliteLedger(SqlLedger):
    """Opens (and, where it does not exist, creates) the ledger at `path`; `:memory:` for one that dies with it.

    `clock_ns` is the ledger's clock, by default this machine's, which is SQLite's own. Raises LedgerError.
    """

    def __init__(self, path: str | os.PathLike[str], *, clock_ns: Callable[[], int] = time.time_ns) -> None:
        super().__init__(SqliteDatabase(os.fspath(path), clock_ns=clock_ns))


__all__ = ["SqliteLedger"]
