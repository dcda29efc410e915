"""Entry point of the kind `tables`: checks the mapping and opens the database it is of."""

from trueup.books.settings import BooksSettings, WriteMode
from trueup.books.tables.mapping import decode_mapping
from trueup.books.tables.open_tables import open_tables
from trueup.books.tables.read_tables import TablesReader
from trueup.model.errors import ConfigError


def open_books(settings: BooksSettings) -> TablesReader:
    """Raises ConfigError, LedgerError."""
    place = f"books.{settings.name}"
    if settings.database is None:
        raise ConfigError(f"{place}.database: name the bot's database")
    if settings.options:
        raise ConfigError(f"{place}.options: the kind tables has none")
    if settings.write is WriteMode.ASK:
        raise ConfigError(f"{place}.write: tables have nobody to ask; say never or tables")
    mapping = decode_mapping(settings.mapping, place)
    if len(settings.profile_ids) > 1 and "profile" not in mapping.orders.columns:
        raise ConfigError(
            f"{place}.orders.columns: several profiles are in it; profile = 'COLUMN' says which row is whose"
        )
    writable = settings.write is WriteMode.TABLES
    database = open_tables(settings.database, settings.folder, writable=writable)
    return TablesReader(database, mapping, settings.profile_ids)
