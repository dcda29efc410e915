"""Entry point of the kind `tables`: checks the mapping and opens the database it is of."""

from trueup.books.tables.mapping import decode_mapping
from trueup.books.tables.tables_books import TablesBooks
from trueup.model.errors import ConfigError
from trueup.ports.foreign_books import BooksSettings, WriteMode

_TABLES = ("orders", "fills", "trades")
ACCEPT_IMPLAUSIBLE = "accept_implausible"  # the rows really are as they look: judge them all the same


def open_books(settings: BooksSettings) -> TablesBooks:
    """Raises ConfigError, LedgerError."""
    place = f"books.{settings.source}"
    address = settings.credentials.get("database") or settings.options.get("database")
    if not isinstance(address, str) or not address:
        raise ConfigError(f"{place}.database: name the bot's database")
    unknown = set(settings.options) - {"database", ACCEPT_IMPLAUSIBLE, *_TABLES}
    if unknown:
        raise ConfigError(f"{place}: the kind tables has no option {sorted(unknown)[0]}")
    if settings.write is WriteMode.ASK:
        raise ConfigError(f"{place}.write: tables have nobody to ask; say never or tables")
    mapping = decode_mapping(
        {name: settings.options[name] for name in _TABLES if name in settings.options}, place
    )
    if len(settings.profiles) > 1 and "profile" not in mapping.orders.columns:
        raise ConfigError(
            f"{place}.orders.columns: several profiles are in it; profile = 'COLUMN' says which row is whose"
        )
    accepted = settings.options.get(ACCEPT_IMPLAUSIBLE) is True
    return TablesBooks(settings, mapping, address, accepted=accepted)
