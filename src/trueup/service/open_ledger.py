"""Opens the database that the configuration names: one place for commands, library, service, pages.

The URL's scheme is the name of an entry point of `trueup.ledgers`. A password never shows in a message.
"""

import os
from collections.abc import Mapping
from typing import cast
from urllib.parse import quote, urlsplit, urlunsplit

from trueup.model.errors import ConfigError
from trueup.ports.ledger import Ledger, LedgerSettings
from trueup.service.config import SecretSource, has_password
from trueup.service.load_config import LoadedConfig
from trueup.service.registry import LEDGERS, load_entry
from trueup.service.secrets import read_secret

SQLITE = "sqlite"
_ALIASES = {"postgres": "postgresql"}  # what libpq takes for the same


def open_ledger(
    loaded: LoadedConfig,
    environ: Mapping[str, str] | None = None,
    *,
    create: bool = True,
    connections_max: int | None = None,
) -> Ledger:
    """The configured ledger, migrated where it has to be. Raises ConfigError, AuthError, LedgerError.

    `create` false: looking never makes one; where there is none yet that is a ConfigError. `connections_max`: see
    `LedgerSettings`.
    """
    url = database_url(loaded, os.environ if environ is None else environ)
    scheme = _scheme(url)
    settings = LedgerSettings(url=url, folder=loaded.folder, create=create, connections_max=connections_max)
    return cast(Ledger, load_entry(LEDGERS, scheme)(settings))


def database_url(loaded: LoadedConfig, environ: Mapping[str, str]) -> str:
    """The whole URL, its password included: for a driver, never for an eye."""
    database = loaded.config.database
    if database.url is None:
        return f"{SQLITE}:///{quote(database.path)}"
    url = database.url
    if isinstance(url, SecretSource):
        url = read_secret("database.url", url, loaded.folder, environ)
    if database.password is None:
        return url
    return _with_password(url, read_secret("database.password", database.password, loaded.folder, environ))


def database_file(loaded: LoadedConfig, environ: Mapping[str, str] | None = None) -> str | None:
    """The path of a SQLite file; null where the database is a server's."""
    url = database_url(loaded, os.environ if environ is None else environ)
    if _scheme(url) != SQLITE:
        return None
    from trueup.ledgers.sqlite import file_of

    return file_of(url, loaded.folder)


def shown_url(url: str) -> str:
    """The URL as a person may see it: the password and the options left out."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    user = parts.username or ""
    return f"{parts.scheme}://{f'{user}@{host}' if user else host}{parts.path}"  # also where there is no host


def _scheme(url: str) -> str:
    scheme, found, _ = url.partition(":")
    if not found or not scheme.isascii():
        raise ConfigError("database.url: expected sqlite:///PATH or postgresql://USER@HOST/DATABASE")
    return _ALIASES.get(scheme.lower(), scheme.lower())


def _with_password(url: str, password: str) -> str:
    parts = urlsplit(url)
    if has_password(url) or not parts.username:
        raise ConfigError("database.password: database.url must name a user, and hold no password itself")
    host = parts.netloc.rpartition("@")[2]
    netloc = f"{quote(parts.username, safe='%')}:{quote(password, safe='')}@{host}"
    return urlunsplit((parts.scheme, netloc, parts.path, parts.query, parts.fragment))
