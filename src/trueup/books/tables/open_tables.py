"""Opens the database that an address names: a file or `sqlite:` is SQLite, `postgresql:` is PostgreSQL, the rest is
SQLAlchemy's (the extra `sql`). An address may hold a password: no message repeats one."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from trueup.books.tables.database import TableDatabase
from trueup.model.errors import ConfigError

_POSTGRES = ("postgresql", "postgres")


def open_tables(address: str, folder: str = ".", *, writable: bool = False) -> TableDatabase:
    """`address`: a path (from `folder`) or a URL. Raises ConfigError, LedgerError."""
    scheme = urlsplit(address).scheme.lower() if "://" in address else ""
    base, _, driver = scheme.partition("+")
    if base in ("", "sqlite"):
        from trueup.books.tables.sqlite import SqliteTables

        return SqliteTables(sqlite_path(address, folder), writable=writable)
    if base in _POSTGRES:
        from trueup.books.tables.postgresql import PostgresqlTables

        plain = address.replace(f"{base}+{driver}://", "postgresql://", 1) if driver else address
        return PostgresqlTables(plain, writable=writable)
    try:
        from trueup.books.tables.sqlalchemy import SqlalchemyTables
    except ImportError as error:
        raise ConfigError(f"{base} databases need SQLAlchemy: install trueup[sql]") from error
    return SqlalchemyTables(address, writable=writable)


def sqlite_path(address: str, folder: str) -> Path:
    """The file of a path, or of SQLAlchemy's `sqlite:///relative` and `sqlite:////absolute`."""
    if "://" not in address:
        return Path(folder, address).expanduser()
    path = unquote(urlsplit(address).path)
    return Path(folder, path[1:] if path.startswith("/") else path)


def has_password(address: str) -> bool:
    """Whether a URL holds a secret, which belongs into an environment variable or a file."""
    return "://" in address and urlsplit(address).password is not None
