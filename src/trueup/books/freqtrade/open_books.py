"""Entry point of the kind `freqtrade`."""

import msgspec

from trueup.books.freqtrade.api import FreqtradeApi
from trueup.books.freqtrade.freqtrade_books import FreqtradeBooks, FreqtradeOptions, is_dry_run
from trueup.books.tables.open_tables import open_tables
from trueup.model.errors import ConfigError, LedgerError
from trueup.ports.foreign_books import BooksSettings, WriteMode


def open_books(settings: BooksSettings) -> FreqtradeBooks:
    """Raises ConfigError, AuthError, LedgerError."""
    place = f"books.{settings.source}"
    options = _options(settings, place)
    address = settings.credentials.get("database") or options.database
    if not address:
        raise ConfigError(f"{place}.database: name freqtrade's database, such as user_data/tradesv3.sqlite")
    if len(settings.profiles) != 1:
        raise ConfigError(f"{place}: a freqtrade database is one bot's; give each profile its own books")
    api = _api(settings, options, place)
    database = open_tables(address, settings.folder)
    try:
        books = FreqtradeBooks(
            database,
            options,
            source=settings.source,
            profile_id=settings.profiles[0].profile_id,
            write=settings.write,
            api=api,
        )
        if is_dry_run(database):
            raise LedgerError(
                f"{place}.database is a dry run's: its orders are at no venue; name the live one"
            )
    except BaseException:
        database.close()
        raise
    return books


def _options(settings: BooksSettings, place: str) -> FreqtradeOptions:
    try:
        return msgspec.convert(dict(settings.options), FreqtradeOptions)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{place}.options: {error}") from error


def _api(settings: BooksSettings, options: FreqtradeOptions, place: str) -> FreqtradeApi | None:
    if settings.write is WriteMode.TABLES:
        raise ConfigError(f"{place}.write: freqtrade's database is never written; say never or ask")
    if settings.write is not WriteMode.ASK:
        return None
    if options.api is None:
        raise ConfigError(f"{place}.options.api: name freqtrade's REST server, such as http://127.0.0.1:8080")
    return FreqtradeApi(options.api, settings.credentials)
