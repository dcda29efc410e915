"""Hummingbot by its folder or database: the connector, its ccxt name and its pairs. Its keys are encrypted."""

import os
from collections.abc import Sequence
from pathlib import Path

from trueup.books.hummingbot.hummingbot_books import (
    HummingbotBooks,
    HummingbotOptions,
    is_paper,
    status_of,
    symbol_of,
)
from trueup.books.tables.guess_mapping import WordSeen
from trueup.books.tables.sqlite import SqliteTables
from trueup.model.errors import InputError, LedgerError
from trueup.service.connect.found import Found

_TABLES = {"Order", "OrderStatus", "TradeFill", "MarketState"}
_RECENT_S = 10 * 365 * 86400.0
_CCXT = {
    "gate_io": "gate",
    "gate_io_perpetual": "gate",
    "coinbase_advanced_trade": "coinbase",
    "crypto_com": "cryptocom",
}


def is_hummingbot(path: Path) -> bool:
    try:
        database = SqliteTables(path)
    except LedgerError:
        return False
    try:
        return set(database.tables()) >= _TABLES
    except LedgerError:
        return False
    finally:
        database.close()


def hummingbot_databases(folder: Path) -> list[Path]:
    """Databases in a Hummingbot folder, or in its `data`."""
    places = [one for one in (folder, folder / "data") if one.is_dir()]
    return [one for place in places for one in sorted(place.glob("*.sqlite")) if is_hummingbot(one)]


def find_hummingbot(databases: Sequence[Path], folder: Path) -> Found:
    """Raises InputError where it is not clear which database, or which connector, is meant."""
    if len(databases) > 1:
        names = ", ".join(one.name for one in databases[:5])
        raise InputError(
            f"there are several Hummingbot databases ({names}): name one", str(databases[0].parent)
        )
    path = databases[0]
    database = SqliteTables(path)
    try:
        rows = database.rows(
            'SELECT market, symbol, count(*) FROM "Order" GROUP BY market, symbol ORDER BY 3 DESC'
        )
        named = list(dict.fromkeys(str(market) for market, _, _ in rows))
        markets = [one for one in named if not is_paper(one)]
        if not markets:
            why = (
                f"{named[0]} only simulates: its orders are at no venue"
                if named
                else "no order is recorded in it yet"
            )
            raise InputError(why, str(path))
        market = markets[0]
        books = HummingbotBooks(
            database, HummingbotOptions(market=market), source="hummingbot", profile_id="hummingbot"
        )
        read = books.read(None, _RECENT_S)
        said = database.rows(
            'SELECT last_status, count(*) FROM "Order" WHERE market = ? GROUP BY 1 ORDER BY 2 DESC', [market]
        )
    finally:
        database.close()
    exchange = _CCXT.get(market, market.removesuffix("_testnet").removesuffix("_perpetual"))
    notes = [f"its other connectors are left out: {', '.join(markets[1:])}"] if len(markets) > 1 else []
    return Found(
        what=f"Hummingbot on {market}",
        name="hummingbot",
        books={
            "kind": "hummingbot",
            "database": os.path.relpath(path, folder),
            "write": "never",
            "options": {"market": market},
        },
        rows=read.rows,
        words=[
            WordSeen(meaning="status", said=str(one), count=int(count), ours=status_of(str(one)))
            for one, count in said
        ],
        notes=[
            *notes,
            "its exchange keys are encrypted: put them into the environment",
            *(one.message for one in read.unclear),
        ],
        venue="ccxt",
        venue_options={"exchange": exchange, "live": True},
        credentials={"apiKey": {"env": "EXCHANGE_API_KEY"}, "secret": {"env": "EXCHANGE_SECRET"}},
        symbols=sorted({symbol_of(str(symbol), market) for name, symbol, _ in rows if name == market}),
        profile_id="hummingbot",
    )
