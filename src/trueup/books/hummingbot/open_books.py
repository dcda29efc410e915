"""Entry point of the kind `hummingbot`."""

import msgspec

from trueup.books.hummingbot.hummingbot_books import HummingbotBooks, HummingbotOptions
from trueup.books.tables.open_tables import open_tables
from trueup.model.errors import ConfigError
from trueup.ports.foreign_books import BooksSettings, WriteMode


def open_books(settings: BooksSettings) -> HummingbotBooks:
    """Raises ConfigError, LedgerError."""
    place = f"books.{settings.source}"
    try:
        options = msgspec.convert(dict(settings.options), HummingbotOptions)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{place}.options: {error}") from error
    address = settings.credentials.get("database") or options.database
    if not address:
        raise ConfigError(f"{place}.database: name Hummingbot's database, such as data/conf_pure_mm_1.sqlite")
    if settings.write is not WriteMode.NEVER:
        raise ConfigError(f"{place}.write: Hummingbot reads nothing back; say never")
    if len(settings.profiles) != 1:
        raise ConfigError(f"{place}: a Hummingbot database is one bot's; give each profile its own books")
    database = open_tables(address, settings.folder)
    try:
        return HummingbotBooks(
            database, options, source=settings.source, profile_id=settings.profiles[0].profile_id
        )
    except BaseException:
        database.close()
        raise
