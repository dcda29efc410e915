"""The ledger in one SQLite file: books and journal."""

import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

from trueup.engine.events import Event, log_event
from trueup.ledgers.sql.sql_ledger import SqlLedger
from trueup.ledgers.sqlite.database import SqliteDatabase
from trueup.model.errors import ConfigError
from trueup.ports.ledger import LedgerSettings

MEMORY = ":memory:"


def open_sqlite(
    path: str | os.PathLike[str], *, clock_ns: Callable[[], int] = time.time_ns, create: bool = True
) -> SqlLedger:
    """Opens (and, where it does not exist, creates) the ledger at `path`; `:memory:` for one that dies with it.

    `clock_ns` is the ledger's clock, by default this machine's, which is SQLite's own. `create` false: a file that
    holds no ledger is a ConfigError. Raises LedgerError.
    """
    database = SqliteDatabase(os.fspath(path), clock_ns=clock_ns, create=create)
    if database.created and database.path != MEMORY:
        log_event(Event.LEDGER_CREATED, {"path": database.path}, level=logging.WARNING)
    return SqlLedger(database)


def open_ledger(settings: LedgerSettings) -> SqlLedger:
    """The entry point `sqlite`: `sqlite:///PATH`, where a PATH from the root begins with a `/` of its own.

    Raises ConfigError, LedgerError.
    """
    path = file_of(settings.url, settings.folder)
    if not settings.create and not Path(path).exists():
        raise ConfigError(f"there are no books at {path} yet: the first `trueup run --once` makes them")
    return open_sqlite(path, create=settings.create)


def file_of(url: str, folder: str) -> str:
    """The path that a URL of this scheme names; a relative one begins at `folder`."""
    parts = urlsplit(url)
    path = unquote(parts.path.removeprefix("/"))
    if parts.scheme != "sqlite" or parts.netloc or parts.query or parts.fragment or not path:
        raise ConfigError("database.url: write sqlite:///PATH; a path from the root begins with a fourth /")
    return path if path == MEMORY else str(Path(folder, path))


__all__ = ["open_ledger", "open_sqlite"]
