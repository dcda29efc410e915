"""freqtrade by its configuration, its folder or its database: exchange, mode, pairs and where its keys stand."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from trueup.books.freqtrade.freqtrade_books import FreqtradeBooks, FreqtradeOptions, is_dry_run
from trueup.books.tables.database import TableDatabase
from trueup.books.tables.guess_mapping import WordSeen
from trueup.books.tables.open_tables import has_password, open_tables, sqlite_path
from trueup.books.tables.words import word_meaning
from trueup.model.errors import InputError
from trueup.model.vocabulary import Action
from trueup.service.connect.found import Found
from trueup.service.secrets import json_with_comments

DATABASE = "tradesv3.sqlite"
_RECENT_S = 10 * 365 * 86400.0  # whatever there is: this looks once
_KEYS = {
    "apiKey": "key",
    "secret": "secret",
    "password": "password",
    "uid": "uid",
}  # ccxt's name → freqtrade's


def read_config(path: Path) -> dict[str, Any] | None:
    """The configuration with those that it adds (`add_config_files`); null where the file is not freqtrade's.

    Raises PermissionError.
    """
    try:
        config = json_with_comments(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, msgspec.DecodeError):
        return None
    if (
        not isinstance(config, dict)
        or not isinstance(config.get("exchange"), dict)
        or "stake_currency" not in config
    ):
        return None
    whole: dict[str, Any] = {}
    for name in config.get("add_config_files") or ():
        added = Path(path.parent, str(name))
        whole |= json_with_comments(added.read_text(encoding="utf-8")) if added.is_file() else {}
    return config | whole


def find_config(folder: Path) -> tuple[Path, dict[str, Any]] | None:
    """freqtrade's configuration in a folder, its `user_data`, or the folder above."""
    for place in (
        folder / "config.json",
        folder / "user_data" / "config.json",
        folder.parent / "config.json",
    ):
        config = read_config(place) if place.is_file() else None
        if config is not None:
            return place, config
    return None


def find_database(config_path: Path, config: Mapping[str, Any]) -> Path | None:
    """The file of `db_url`, or the default's, where a person has it."""
    url = str(config.get("db_url") or f"sqlite:///{DATABASE}")
    if not url.startswith("sqlite:"):
        return None
    folder = config_path.parent
    places = [sqlite_path(url, str(one)) for one in (folder, folder.parent, Path.cwd())]
    places += [
        one / DATABASE for one in (folder, folder / "user_data", folder.parent, folder.parent / "user_data")
    ]
    return next((one for one in places if one.is_file()), None)


def find_freqtrade(config_path: Path, config: Mapping[str, Any], folder: Path) -> Found:
    """`folder`: where the configuration will stand, from which its paths begin. Raises InputError, LedgerError."""
    exchange = config["exchange"]
    options = {
        "exchange": str(exchange.get("name")),
        "trading_mode": str(config.get("trading_mode") or "spot"),
    }
    if config.get("dry_run"):
        raise InputError("dry_run is on: its orders are at no venue; connect the live bot", str(config_path))
    reference = _relative(config_path, folder)
    url = str(config.get("db_url") or "")
    database = find_database(config_path, config)
    if (database is None and url.startswith("sqlite")) or (database is None and not url):
        raise InputError(f"its database was not found; name it: trueup connect {DATABASE}", str(config_path))
    address: Any = _relative(database, folder) if database is not None else url
    if database is None and has_password(url):
        address = {"json": reference, "path": "db_url"}
    keys = {
        ours: {"json": reference, "path": f"exchange.{one}"}
        for ours, one in _KEYS.items()
        if exchange.get(one)
    }
    with_api, api_note = _api(config, reference)
    books = {
        "kind": "freqtrade",
        "database": address,
        "write": "never",
        "options": options | with_api.pop("options", {}),
    }
    return look(
        open_tables(str(database) if database is not None else url),
        name=str(config.get("bot_name") or "freqtrade"),
        books=books | with_api,
        credentials=keys,
        pairs=[str(one) for one in exchange.get("pair_whitelist") or ()],
        notes=api_note,
        sandbox=bool(exchange.get("sandbox")),
    )


def _api(config: Mapping[str, Any], reference: str) -> tuple[dict[str, Any], list[str]]:
    """Its REST server, for `write = "ask"`, with its password where it stands."""
    server = config.get("api_server")
    if not isinstance(server, dict) or not server.get("enabled"):
        return {}, [
            "its api_server is off: with it trueup could ask freqtrade to reload a drifted trade (write = 'ask')"
        ]
    address = str(server.get("listen_ip_address") or "127.0.0.1")
    host = "127.0.0.1" if address in ("0.0.0.0", "::") else address  # noqa: S104 - where it listens, not we
    secrets = {one: {"json": reference, "path": f"api_server.{one}"} for one in ("username", "password")}
    return {
        "options": {"api": f"http://{host}:{server.get('listen_port', 8080)}"},
        "credentials": secrets,
    }, []


def find_freqtrade_database(database: TableDatabase, address: str) -> Found:
    """A database without its configuration: exchange and mode are those of its trades."""
    rows = database.rows(
        f"SELECT DISTINCT {database.quoted('exchange')}, {database.quoted('trading_mode')} "
        f"FROM {database.quoted('trades')}"
    )
    if len(rows) != 1:
        raise InputError(
            "its trades are of several exchanges or modes, or there are none: name its config.json", address
        )
    exchange, mode = str(rows[0][0]), str(rows[0][1] or "spot").lower()
    books = {
        "kind": "freqtrade",
        "database": address,
        "write": "never",
        "options": {"exchange": exchange, "trading_mode": mode},
    }
    keys = {"apiKey": {"env": "EXCHANGE_API_KEY"}, "secret": {"env": "EXCHANGE_SECRET"}}
    return look(database, name="freqtrade", books=books, credentials=keys, pairs=[], notes=[], sandbox=False)


def look(
    database: TableDatabase,
    *,
    name: str,
    books: dict[str, Any],
    credentials: dict[str, dict[str, str]],
    pairs: Sequence[str],
    notes: Sequence[str],
    sandbox: bool,
) -> Found:
    """Reads the database once, as a run would."""
    try:
        if is_dry_run(database):
            raise InputError(
                "this is the database of a dry run: its orders are at no venue; name the live one", name
            )
        options = FreqtradeOptions(
            exchange=books["options"]["exchange"], trading_mode=books["options"]["trading_mode"]
        )
        reader = FreqtradeBooks(database, options, source=name, profile_id=name)
        read = reader.read(None, _RECENT_S)
        words = _words(database)
    finally:
        database.close()
    traded = {one.order.symbol for one in read.rows if one.order.symbol is not None}
    plain = [one for one in pairs if one.replace("/", "").replace(":", "").isalnum()]
    said = {"sandbox": True} if sandbox else {"live": True}
    return Found(
        what=f"freqtrade on {options.exchange}, {options.trading_mode}",
        name=_safe(name),
        books=books,
        rows=read.rows,
        words=words,
        notes=[*notes, *(one.message for one in read.unclear)],
        venue="ccxt",
        venue_options={"exchange": options.exchange} | said,
        credentials=credentials,
        symbols=sorted(traded | set(plain)) or None,
        profile_id=_safe(name),
    )


def _words(database: TableDatabase) -> list[WordSeen]:
    """Its own words: what they mean is known, whatever a database holds."""
    orders, trades = database.quoted("orders"), database.quoted("trades")
    statuses = database.rows(f"SELECT status, count(*) FROM {orders} GROUP BY status ORDER BY 2 DESC")
    roles = database.rows(
        f"SELECT o.ft_order_side, t.is_short, count(*) FROM {orders} o JOIN {trades} t ON t.id = o.ft_trade_id "
        "GROUP BY o.ft_order_side, t.is_short ORDER BY 3 DESC"
    )
    seen = [
        WordSeen(
            meaning="action",
            said=f"{side}{' (short)' if short else ''}",
            count=int(count),
            ours=_role(side, short),
        )
        for side, short, count in roles
    ]
    return seen + [
        WordSeen(meaning="status", said=str(said), count=int(count), ours=word_meaning("status", str(said)))
        for said, count in statuses
        if said is not None
    ]


def _role(side: object, short: object) -> str:
    return str(Action.ENTRY if side == ("sell" if short else "buy") else Action.EXIT)


def _safe(name: str) -> str:
    return "".join(char if char.isalnum() or char in "-_" else "-" for char in name).strip("-") or "freqtrade"


def _relative(path: Path, folder: Path) -> str:
    try:
        return os.path.relpath(path, folder)
    except ValueError:  # another drive
        return str(path)
